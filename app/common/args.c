/* SPDX-License-Identifier: BSD-3-Clause */
/* Complaints, argument parsing, Ctrl-C. */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "app.h"

int complain(const char *format, ...)
{
    char text[900];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "xord: %s\n", text);
    return EXIT_USER;
}

int parse_args(const struct argp *argp, int argc, char **argv, void *input)
{
    argp_err_exit_status = EXIT_USAGE;
    return argp_parse(argp, argc, argv, 0, NULL, input) ? EXIT_USAGE : 0;
}

static volatile sig_atomic_t signal_cnt;

static void on_signal(int sig)
{
    if (++signal_cnt > 1)
        _exit(128 + sig);
}

void signals_init(void)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

bool interrupted(void)
{
    return signal_cnt > 0;
}
