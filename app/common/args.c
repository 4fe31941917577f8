/* SPDX-License-Identifier: BSD-3-Clause */
/* Complaints, argument parsing, Ctrl-C. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app.h"

static unsigned complaint_cnt;
static char *complaint_first;          /* gets the next one, once */
static struct origin complaint_origin; /* no file: the command line */

unsigned complaints(void)
{
    return complaint_cnt;
}

void complaint_keep(char first[COMPLAINT_LEN])
{
    complaint_first = first;
}

void origin_set(const struct origin *origin)
{
    complaint_origin = origin ? *origin : (struct origin){0};
}

const char *by_option(const char *words)
{
    return complaint_origin.file ? "" : words;
}

/* "FILE, line N, key K: ", as far as it is known. */
static size_t origin_print(char *out, size_t cap)
{
    const struct origin *origin = &complaint_origin;
    size_t len;

    out[0] = '\0';
    if (!origin->file)
        return 0;
    snprintf(out, cap, "%.300s", origin->file);
    len = strlen(out);
    if (origin->line)
        snprintf(out + len, cap - len, ", line %u", origin->line);
    len += strlen(out + len);
    if (origin->key)
        snprintf(out + len, cap - len, ", key %.80s", origin->key);
    len += strlen(out + len);
    snprintf(out + len, cap - len, ": ");
    return len + strlen(out + len);
}

void complain_print(const char *format, ...)
{
    char text[COMPLAINT_LEN];
    size_t len = origin_print(text, sizeof(text));
    va_list args;

    va_start(args, format);
    vsnprintf(text + len, sizeof(text) - len, format, args);
    va_end(args);
    /* What a stranger wrote must not steer the terminal. */
    for (char *c = text; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    complaint_cnt++;
    if (complaint_first)
        memcpy(complaint_first, text, sizeof(text));
    complaint_first = NULL;
    fprintf(stderr, "xord: %s\n", text);
}

int parse_args(const struct argp *argp, int argc, char **argv, void *input)
{
    static char help[] = "--help"; /* argp's own short form is -? */

    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-h") == 0)
            argv[i] = help;
    argp_err_exit_status = EXIT_USAGE;
    return argp_parse(argp, argc, argv, 0, NULL, input) ? EXIT_USER : 0;
}

int eal_args_take(char *const **eal_args, int *argc, char **argv)
{
    int cnt = 0;

    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], "--") != 0)
            continue;
        *eal_args = argv + i + 1;
        cnt = *argc - i - 1;
        argv[i] = NULL;
        *argc = i;
    }
    return cnt;
}

int port_check(const char *spec)
{
    if (strcmp(spec, "socket") == 0 || (port_is_device(spec) && spec[5]))
        return 0;
    return complain("%s%s is neither \"socket\" nor \"dpdk:<device>\"", by_option("--port "), spec);
}

int eal_args_check(const char *spec, int eal_arg_cnt)
{
    if (eal_arg_cnt == 0 || port_is_device(spec))
        return 0;
    return complain("%s is for DPDK, and sockets know nothing of it: leave it out, or name a device as the port",
            *by_option("--") ? "what is behind \"--\"" : "eal");
}

/* Of "ip ADDR/PREFIX: PREFIX", when the origin names the key, what it is a part of it. */
static const char *value_name(const char *name)
{
    const char *part = strchr(name, ' ');

    return *by_option("--") ? name : part ? part + 1 : "";
}

int number_parse(uint64_t *out, const char *text, const char *name, uint64_t min, uint64_t max)
{
    unsigned long long v;
    char *end;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || v < min || v > max)
        return complain("%s%s%swants a number from %llu to %llu, not \"%.60s\"", by_option("--"), value_name(name),
                *value_name(name) ? " " : "", (unsigned long long)min, (unsigned long long)max, text);
    *out = v;
    return 0;
}

int time_parse(uint64_t *out_ns, const char *text, const char *name)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"", 1e9}, {"s", 1e9}, {"ms", 1e6}, {"m", 60e9}, {"h", 3600e9}};
    char *end;
    double number = strtod(text, &end);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && end != text && number >= 0; i++) {
        if (strcmp(end, units[i].name) != 0 || number * units[i].ns > 1e18)
            continue;
        *out_ns = (uint64_t)(number * units[i].ns);
        return 0;
    }
    return complain("%s%s%s%.60s is no time: say 90, 90s, 250ms, 15m or 2h", by_option("--"), by_option(name),
            by_option(" "), text);
}

const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

int output_end(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno == EPIPE)
        return EXIT_USER; /* the reader has seen enough, as `head` does */
    return complain("cannot write the results: %s", strerror(errno));
}

/* `timeout` and some shells send a signal to the process and to its group: that is one wish, not two. */
#define SAME_WISH_NS (300 * XORD_NS_PER_MS)

static volatile sig_atomic_t signal_cnt;
static uint64_t first_signal_ns; /* only the handler touches it */

static void on_signal(int sig)
{
    struct timespec ts;
    uint64_t now_ns;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    now_ns = (uint64_t)ts.tv_sec * XORD_NS_PER_S + (uint64_t)ts.tv_nsec;
    if (signal_cnt > 0 && now_ns - first_signal_ns > SAME_WISH_NS)
        _exit(128 + sig);
    if (signal_cnt == 0)
        first_signal_ns = now_ns;
    signal_cnt = 1;
}

void signals_init(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool interrupted(void)
{
    return signal_cnt > 0;
}

static volatile sig_atomic_t hung_up;

static void on_hangup(int sig)
{
    (void)sig;
    hung_up = 1;
}

void hangups_init(void)
{
    struct sigaction action = {.sa_handler = on_hangup};

    sigaction(SIGHUP, &action, NULL);
}

bool hangup_take(void)
{
    bool was = hung_up;

    hung_up = 0;
    return was;
}
