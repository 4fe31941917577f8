/* SPDX-License-Identifier: BSD-3-Clause */
/* xord_bench: runs the benches whose names fit, prints their figures, writes them to a file. */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <string.h>

#include "bench.h"

static const struct bench *const groups[] = {
        bench_micro_crypto,
        bench_micro_admit,
        bench_micro_aes,
        bench_micro_codec,
        bench_micro_sessions,
        bench_pingpong,
        bench_findnode,
        bench_handshake,
        bench_latency,
        bench_flood,
        bench_memory,
        bench_scaling,
        bench_sockets,
};

static struct {
    const char *only;
    const char *json;
    bool quick, list;
} options;

bool bench_is_quick(void)
{
    return options.quick;
}

static void usage(FILE *out)
{
    fputs("usage: xord_bench [--only PATTERN] [--json FILE] [--quick] [--list]\n"
          "\n"
          "  --only PATTERN  benches whose name begins so, or matches it if it has a * or a ?\n"
          "  --json FILE     write the figures there\n"
          "  --quick         do everything once and check it; the figures mean nothing\n"
          "  --list          name the benches\n",
            out);
}

static int options_read(int argc, char **argv)
{
    static const struct option known[] = {
            {"only", required_argument, NULL, 'o'},
            {"json", required_argument, NULL, 'j'},
            {"quick", no_argument, NULL, 'q'},
            {"list", no_argument, NULL, 'l'},
            {"probe", required_argument, NULL, 'p'},
            {"help", no_argument, NULL, 'h'},
            {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 'o':
            options.only = optarg;
            break;
        case 'j':
            options.json = optarg;
            break;
        case 'q':
            options.quick = true;
            break;
        case 'l':
            options.list = true;
            break;
        case 'p': /* a part of the memory benches, in a process of its own */
            bench_probe(optarg);
        case 'h':
            usage(stdout);
            exit(0);
        default:
            return -1;
        }
    }
    return optind == argc ? 0 : -1;
}

static bool is_wanted(const char *name)
{
    if (!options.only)
        return true;
    if (strpbrk(options.only, "*?["))
        return fnmatch(options.only, name, 0) == 0;
    return strncmp(name, options.only, strlen(options.only)) == 0;
}

/* What the cycles are worth. */
static void report_machine(void)
{
    char model[160] = "unknown CPU", line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");

    while (file && fgets(line, sizeof(line), file)) {
        const char *colon = strchr(line, ':');

        if (!colon || strncmp(line, "model name", 10) != 0)
            continue;
        snprintf(model, sizeof(model), "%.150s", colon + 2);
        model[strcspn(model, "\n")] = '\0';
        break;
    }
    if (file)
        fclose(file);
    bench_report(
            &(struct bench_figure){.name = "machine.tsc", .value = bench_tsc_hz() / 1e9, .unit = "GHz", .note = model});
}

static uint32_t run_wanted(void)
{
    uint32_t cnt = 0;

    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const struct bench *bench = groups[i]; bench->name; bench++) {
            if (!is_wanted(bench->name))
                continue;
            if (options.list)
                printf("%s\n", bench->name);
            else
                bench->run();
            cnt++;
        }
    }
    return cnt;
}

int main(int argc, char **argv)
{
    if (options_read(argc, argv)) {
        usage(stderr);
        return 2;
    }
    if (!options.list) {
        bench_table_begin();
        report_machine();
    }
    if (run_wanted() == 0) {
        fprintf(stderr, "xord_bench: no bench is named so: %s\n", options.only);
        return 1;
    }
    if (options.json && !options.list && bench_json_write(options.json)) {
        fprintf(stderr, "xord_bench: cannot write %s: %s\n", options.json, strerror(errno));
        return 1;
    }
    if (bench_missed_cnt() > 0)
        printf("\n%u figures miss their target\n", bench_missed_cnt());
    return 0;
}
