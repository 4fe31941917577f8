/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord doctor`: is this host fit for xord on a given port, and what mends what is not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app.h"
#include "commands.h"
#include "doctor.h"

struct doctor_args {
    struct wish wish;
    bool json;
    char *const *eal_args; /* those after "--" */
    int eal_arg_cnt;
};

enum { OPT_PORT = 0x100, OPT_UDP, OPT_WORKERS, OPT_JSON, OPT_ROOT };

static const struct argp_option option_table[] = {
        {"port", OPT_PORT, "PORT", 0, "As for the other commands: \"socket\" (default) or \"dpdk:<device>\"", 1},
        {"udp", OPT_UDP, "PORT", 0, "UDP port, default 9000", 1},
        {"workers", OPT_WORKERS, "N", 0, "Worker threads, default 1", 1},
        {"json", OPT_JSON, NULL, 0, "Print a JSON list of {check, status, detail, fix}, for machines", 2},
        {"root", OPT_ROOT, "DIR", 0, "Look at the copy of another machine's /proc, /sys and /dev in DIR", 2},
        {0},
};

/* ---- what is asked for ---- */

bool wish_argument(char *value, size_t cap, const struct wish *wish, const char *name)
{
    size_t len = strlen(name);

    *value = '\0';
    for (const char *at = strchr(wish->spec, ','); at; at = strchr(at, ',')) {
        at++;
        if (strncmp(at, name, len) != 0 || at[len] != '=')
            continue;
        snprintf(value, cap, "%.*s", (int)strcspn(at + len + 1, ","), at + len + 1);
        return true;
    }
    return false;
}

const char *wish_otherwise(char fix[FIX_LEN], const struct wish *wish, const char *name, const char *value)
{
    size_t len = strlen(name), at = strcspn(wish->spec, ",");
    int used = snprintf(fix, FIX_LEN, "xord doctor --port '%.*s", (int)at, wish->spec);

    if (strchr(wish->spec, '\'') || strlen(wish->spec) > FIX_LEN / 2)
        return NULL;
    while (wish->spec[at]) {
        size_t part = 1 + strcspn(wish->spec + at + 1, ",");

        if (strncmp(wish->spec + at + 1, name, len) != 0 || wish->spec[at + 1 + len] != '=')
            used += snprintf(fix + used, FIX_LEN - (size_t)used, "%.*s", (int)part, wish->spec + at);
        at += part;
    }
    if (value)
        used += snprintf(fix + used, FIX_LEN - (size_t)used, ",%s=%.128s", name, value);
    snprintf(fix + used, FIX_LEN - (size_t)used, "' --workers %u", wish->workers);
    return fix;
}

/* "03:00.0" or "0000:03:00.0"; made full. */
static bool pci_parse(char full[64], const char *device)
{
    unsigned domain = 0, bus, slot, function;
    int used = 0;

    if ((sscanf(device, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &used) != 4 || device[used]) &&
            (domain = 0, sscanf(device, "%2x:%2x.%1x%n", &bus, &slot, &function, &used) != 3 || device[used]))
        return false;
    snprintf(full, 64, "%04x:%02x:%02x.%x", domain, bus, slot, function);
    return true;
}

static bool name_is(const struct wish *wish, const char *driver)
{
    return strncmp(wish->device, driver, strlen(driver)) == 0;
}

static enum port_kind kind_of(struct wish *wish)
{
    char device[64];

    if (!port_is_device(wish->spec))
        return PORT_SOCKET;
    snprintf(device, sizeof(device), "%.*s", (int)strcspn(wish->spec + 5, ","), wish->spec + 5);
    if (pci_parse(wish->device, device))
        return PORT_PCI;
    memcpy(wish->device, device, sizeof(device));
    wish->nic = nic_by_name(device);
    if (name_is(wish, "net_memif"))
        return PORT_MEMIF;
    if (name_is(wish, "net_tap"))
        return PORT_TAP;
    return wish->nic && wish->nic->bind == NIC_BIND_INTERFACE ? PORT_IFACE : PORT_VDEV;
}

static bool is_option(const char *text, const char *option)
{
    size_t len = strlen(option);

    return strncmp(text, option, len) == 0 && (text[len] == '\0' || text[len] == '=');
}

/* EAL options that change what xord takes of the host; see memory_args of lib/engine/dpdk_eal.c. */
static void eal_args_apply(struct doctor_args *args)
{
    static const char *const by_files[] = {"--huge-dir", "--huge-unlink", "--legacy-mem", "--single-file-segments",
            "--match-allocations"};
    struct wish *wish = &args->wish;

    for (int i = 0; i < args->eal_arg_cnt; i++) {
        const char *text = args->eal_args[i];
        uint64_t mb = 0;

        if (is_option(text, "--no-huge"))
            wish->no_huge = true;
        for (size_t n = 0; n < sizeof(by_files) / sizeof(by_files[0]); n++)
            if (is_option(text, by_files[n]))
                wish->needs_hugetlbfs = true;
        if (strncmp(text, "-m", 2) == 0)
            mb = strtoull(text[2] ? text + 2 : i + 1 < args->eal_arg_cnt ? args->eal_args[i + 1] : "", NULL, 10);
        if (mb > wish->memory_mb && mb < UINT32_MAX)
            wish->memory_mb = (uint32_t)mb;
    }
    if (wish->no_huge)
        wish->needs_hugetlbfs = false;
}

static void wish_complete(struct doctor_args *args)
{
    struct wish *wish = &args->wish;

    wish->kind = kind_of(wish);
    wish->numa_node = -1;
    wish->memory_mb = wish->pool_mb = xord_port_dpdk_mb(wish->workers);
    eal_args_apply(args);
    if (wish->kind == PORT_IFACE)
        (void)wish_argument(wish->iface, sizeof(wish->iface), wish, "iface");
}

/* ---- the command line ---- */

static int number_option(uint16_t *out, const char *text, const char *name, uint64_t min, uint64_t max)
{
    uint64_t number = 0;

    if (number_parse(&number, text, name, min, max))
        return EXIT_USAGE;
    *out = (uint16_t)number;
    return 0;
}

static int root_option(struct doctor_args *args, const char *arg)
{
    struct stat st;
    int error = stat(arg, &st) ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;

    args->wish.host.root = strcmp(arg, "/") == 0 ? "" : arg;
    if (!error)
        return 0;
    complain("--root %.200s: %s; name the directory with that machine's files", arg, strerror(error));
    return EXIT_USAGE;
}

static int apply_option(struct doctor_args *args, int key, const char *arg)
{
    switch (key) {
    case OPT_PORT:
        args->wish.spec = arg;
        return port_check(arg) ? EXIT_USAGE : 0;
    case OPT_UDP:
        return number_option(&args->wish.udp_port, arg, "udp", 0, 65535);
    case OPT_WORKERS:
        return number_option(&args->wish.workers, arg, "workers", 1, XORD_ENGINE_MAX_WORKERS);
    case OPT_ROOT:
        return root_option(args, arg);
    default:
        args->json = true;
        return 0;
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    int err;

    if (key == ARGP_KEY_ARG) {
        complain("what is \"%.80s\"? See `xord doctor --help`", arg);
        exit(EXIT_USAGE);
    }
    if (key < OPT_PORT || key > OPT_ROOT)
        return ARGP_ERR_UNKNOWN;
    err = apply_option(state->input, key, arg);
    if (err)
        exit(err); /* the complaint has been made */
    return 0;
}

static const struct argp doctor_argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Is this host fit for xord on a given port? One line a check: ok, warn or FAIL, and for what is not ok "
               "the "
               "command, for root on Debian, that mends it.\v"
               "Nothing is changed, and no packet sent. EAL options that xord is to be run with go after \"--\", as "
               "usual.\n"
               "Exit code: 0 when xord can work with the port, with warnings or without; 1 when something fails that "
               "keeps "
               "it from that; 2 for a mistake on the command line.\n"
               "Example: xord doctor --port dpdk:0000:01:00.0 --workers 4",
};

int doctor_main(int argc, char **argv)
{
    struct doctor_args args = {
            .wish = {.host = {.root = ""}, .spec = "socket", .udp_port = DEFAULT_UDP_PORT, .workers = 1}};
    struct wish *wish = &args.wish;
    struct findings findings = {0};
    int err;

    args.eal_arg_cnt = eal_args_take(&args.eal_args, &argc, argv);
    err = parse_args(&doctor_argp, argc, argv, &args);
    if (err)
        return err;
    if (eal_args_check(wish->spec, args.eal_arg_cnt))
        return EXIT_USAGE;
    findings.json = args.json;
    wish_complete(&args);
    check_cpu(&findings, wish);
    check_clock(&findings, wish);
    check_pci(&findings, wish);
    check_iface(&findings, wish);
    check_vdev(&findings, wish);
    check_driver(&findings, wish);
    check_queues(&findings, wish);
    check_memory(&findings, wish);
    check_limits(&findings, wish);
    check_udp(&findings, wish);
    finding_end(&findings, wish->spec);
    return findings.cnt[FINDING_FAIL] > 0 ? EXIT_USER : EXIT_OK;
}
