/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory a session and a known node, by what the kernel says is resident, hugepages included. Each measurement is a process
 * of its own (`xord_bench --probe`), so that none reuses what another has left behind; what little of a thing takes in one is
 * subtracted from what much of it takes in another. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "rig.h"
#include "xord_crawl.h"

double bench_resident(void)
{
    static const char *const rows[] = {"Rss:", "Shared_Hugetlb:", "Private_Hugetlb:"};
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[256];
    double sum = 0;

    BENCH_CHECK(file);
    while (fgets(line, sizeof(line), file))
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            if (strncmp(line, rows[i], strlen(rows[i])) == 0)
                sum += 1024 * strtod(line + strlen(rows[i]), NULL);
    fclose(file);
    return sum;
}

/* ---- sessions ---- */

/* An engine with so many. */
static void probe_sessions(uint32_t cnt)
{
    struct rig *rig = rig_new(&(struct rig_config){.node = {.session_cap = cnt}});

    rig_sessions_put(rig, 0, cnt);
    BENCH_CHECK(xord_sessions_cnt(rig->engine->workers[0].node->sessions) == cnt);
    bench_keep(rig);
}

/* ---- nodes ---- */

/* A record as a verified one looks: of the bytes nobody reads more than the length. */
static struct xord_enr record_of(uint32_t i, const uint8_t id32[32])
{
    struct xord_enr enr = {.seq = 1, .has_ip = 1, .has_udp = 1, .udp = 9000, .len = 200};

    memcpy(enr.id32, id32, 32);
    xord_store_be32(enr.ip4, UINT32_C(0x2e000001) + (i << 8)); /* a /24 each */
    return enr;
}

/* An id at distance 256 - i / 26 from zero: as many as a bucket takes, and its replacements. */
static void id_near(uint8_t id32[32], uint32_t i, struct xord_rng *rng)
{
    uint32_t zeroes = i / (XORD_TABLE_K + XORD_TABLE_REPLACEMENTS);

    xord_rng_fill(rng, id32, 32);
    memset(id32, 0, zeroes / 8);
    id32[zeroes / 8] = (uint8_t)((id32[zeroes / 8] | 0x80) >> zeroes % 8);
}

static struct xord_table *table_full(struct xord_rng *rng)
{
    static const uint8_t self32[32];
    struct xord_table *table = xord_table_new(self32, rng);

    BENCH_CHECK(table);
    for (uint32_t i = 0; i < XORD_TABLE_CAPACITY; i++) {
        struct xord_endpoint ep;
        struct xord_enr enr;
        uint8_t id32[32];

        id_near(id32, i, rng);
        enr = record_of(i, id32);
        BENCH_CHECK(xord_enr_endpoint4(&enr, &ep));
        BENCH_CHECK(xord_table_add(table, NULL, &enr, &ep, true, XORD_NS_PER_S) <= XORD_TABLE_REPLACEMENT);
    }
    return table;
}

static const uint8_t seed32[32] = {1};

static void probe_tables(uint32_t cnt)
{
    struct xord_rng rng;

    xord_rng_init(&rng, seed32);
    for (uint32_t i = 0; i < cnt; i++)
        bench_keep(table_full(&rng));
}

static void probe_snapshots(uint32_t cnt)
{
    struct xord_table *table;
    struct xord_rng rng;

    xord_rng_init(&rng, seed32);
    table = table_full(&rng);
    for (uint32_t i = 0; i < cnt; i++) {
        struct xord_table_snapshot *snap = xord_table_snapshot_new();

        BENCH_CHECK(snap);
        xord_table_snapshot_fill(snap, table);
        bench_keep(snap);
    }
}

static void probe_crawl(uint32_t cnt)
{
    struct xord_crawl_config config = {.v4 = true, .hash_key = {{1, 2}}};
    struct xord_crawl *crawl = xord_crawl_new(&config);
    struct xord_rng rng;

    BENCH_CHECK(crawl);
    xord_rng_init(&rng, seed32);
    for (uint32_t i = 0; i < cnt; i++) {
        struct xord_enr enr;
        uint8_t id32[32];

        xord_rng_fill(&rng, id32, sizeof(id32));
        enr = record_of(i % 65536, id32);
        BENCH_CHECK(xord_crawl_add(crawl, &enr, XORD_NS_PER_S) == 0);
    }
    bench_keep(crawl);
}

/* ---- probes ---- */

static const struct {
    const char *name;
    void (*make)(uint32_t cnt);
} probes[] = {
        {"sessions", probe_sessions},
        {"tables", probe_tables},
        {"snapshots", probe_snapshots},
        {"crawl", probe_crawl},
};

/* What was made stays until the process ends, which is now. */
void bench_probe(const char *text)
{
    char name[16];
    uint32_t cnt;

    BENCH_CHECK(sscanf(text, "%15[a-z]:%" SCNu32, name, &cnt) == 2);
    for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
        if (strcmp(probes[i].name, name) != 0)
            continue;
        probes[i].make(cnt);
        printf("%.0f\n", bench_resident());
        fflush(stdout);
        rig_end();
        _exit(0);
    }
    fprintf(stderr, "xord_bench: no probe %s\n", text);
    exit(2);
}

static double probe(const char *name, uint32_t cnt)
{
    char self[4096], command[4200];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    double bytes = -1;
    FILE *pipe;

    BENCH_CHECK(len > 0);
    self[len] = '\0';
    snprintf(command, sizeof(command), "exec '%s' --probe %s:%" PRIu32, self, name, cnt);
    pipe = popen(command, "re");
    BENCH_CHECK(pipe && fscanf(pipe, "%lf", &bytes) == 1 && pclose(pipe) == 0);
    return bytes;
}

/* Bytes each, between so few and so many. */
static double bytes_each(const char *name, uint32_t few, uint32_t many)
{
    double base = probe(name, few);

    return (probe(name, many) - base) / (many - few);
}

/* ---- benches ---- */

static void report_sessions(const char *name, uint32_t cnt)
{
    bench_report(&(struct bench_figure){.name = name,
            .value = bytes_each("sessions", 64, cnt),
            .unit = "bytes/session",
            .goal = BENCH_VALUE_MAX,
            .bound = 160,
            .note = "resident in all, beyond an engine with 64"});
}

static void run_sessions_1m(void)
{
    report_sessions("memory.session.1m", bench_scale(1U << 20, 1U << 16));
}

static void run_sessions_4m(void)
{
    report_sessions("memory.session.4m", bench_scale(1U << 22, 1U << 17));
}

static void run_table(void)
{
    bench_report(&(struct bench_figure){.name = "memory.node.table",
            .value = bytes_each("tables", 0, bench_scale(64, 8)) / XORD_TABLE_CAPACITY,
            .unit = "bytes/node",
            .goal = BENCH_VALUE_MAX,
            .bound = 512,
            .note = "a full routing table, replacements included"});
    bench_report(&(struct bench_figure){.name = "memory.node.table.snapshot",
            .value = bytes_each("snapshots", 0, bench_scale(64, 8)) / XORD_TABLE_CAPACITY,
            .unit = "bytes/node",
            .note = "each snapshot of it; a shard has three"});
}

static void run_crawl(void)
{
    bench_report(&(struct bench_figure){.name = "memory.node.crawl",
            .value = bytes_each("crawl", 0, bench_scale(1000000, 20000)),
            .unit = "bytes/node",
            .goal = BENCH_VALUE_MAX,
            .bound = 512,
            .note = "what a crawl knows, at a million nodes"});
}

const struct bench bench_memory[] = {
        {"memory.session.1m", run_sessions_1m},
        {"memory.session.4m", run_sessions_4m},
        {"memory.node.table", run_table},
        {"memory.node.crawl", run_crawl},
        {NULL, NULL},
};
