/* SPDX-License-Identifier: BSD-3-Clause */
/* The session cache from 64 to 4 M sessions, all as likely to be asked for; the hash of its index; random bytes.
 *
 * The floor of a look-up is to read, for keys whose sessions are known beforehand, one word of an index of the same size and
 * then the session's two lines, prefetched in the same stages: the memory's own cost, without hash or comparison. */
#include <string.h>

#include "bench.h"
#include "xord_hash56.h"
#include "xord_mem.h"
#include "xord_rng.h"
#include "xord_session.h"

#define BURST      XORD_SESSIONS_BULK_MAX
#define ROUNDS_MAX 2000

enum op { BULK, FLOOR, SINGLE, TOUCH, OPS };

struct cache {
    struct xord_sessions *sessions;
    struct xord_session **all; /* by number */
    uint32_t *index;           /* the floor's: read as ours is, and all zero */
    uint32_t cnt, index_mask;
    struct xord_rng rng;
    double took[OPS][ROUNDS_MAX];
};

struct burst {
    uint32_t numbers[BURST];
    struct xord_session_key keys[BURST];
    struct xord_session *known[BURST];
    struct xord_session *found[BURST];
};

static struct xord_session_key key_of(uint64_t n)
{
    uint8_t ip4[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    struct xord_session_key key = {.ep = xord_endpoint_v4(ip4, 9000)};

    for (size_t i = 0; i < 4; i++) {
        n = (n ^ n >> 29) * 0xbf58476d1ce4e5b9;
        memcpy(key.peer_id32 + 8 * i, &n, 8);
    }
    return key;
}

static struct xord_session *cache_put(struct cache *cache, uint64_t n)
{
    static const uint8_t key16[16] = {1};
    struct xord_session_key key = key_of(n);

    return xord_session_put(cache->sessions, &key, key16, key16, NULL);
}

/* Of ordinary and huge pages, which the kernel counts apart. */
static double resident_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[128];
    long kib, sum = 0;

    BENCH_CHECK(file);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1 || sscanf(line, "HugetlbPages: %ld", &kib) == 1)
            sum += kib;
    fclose(file);
    return (double)sum * 1024;
}

static struct cache *cache_new(uint32_t cnt, double *bytes)
{
    static const struct xord_hash_key hash_key = {{1, 2}};
    static const uint8_t seed32[32] = {3};
    struct cache *cache = calloc(1, sizeof(*cache));
    double before;

    BENCH_CHECK(cache);
    cache->cnt = cnt;
    cache->index_mask = 15;
    while (cache->index_mask < 2 * cnt - 1)
        cache->index_mask = 2 * cache->index_mask + 1;
    xord_rng_init(&cache->rng, seed32);
    cache->all = malloc(cnt * sizeof(struct xord_session *));
    cache->index = xord_mem_alloc(((size_t)cache->index_mask + 1) * sizeof(*cache->index));
    BENCH_CHECK(cache->all && cache->index);
    memset(cache->all, 0xff, cnt * sizeof(struct xord_session *));
    before = resident_bytes();
    cache->sessions = xord_sessions_new(cnt, &hash_key);
    BENCH_CHECK(cache->sessions);
    for (uint32_t i = 0; i < cnt; i++)
        cache->all[i] = cache_put(cache, i);
    *bytes = (resident_bytes() - before) / cnt;
    return cache;
}

static void cache_free(struct cache *cache)
{
    xord_sessions_free(cache->sessions);
    xord_mem_free(cache->index, ((size_t)cache->index_mask + 1) * sizeof(*cache->index));
    free(cache->all);
    free(cache);
}

static void burst_draw(struct cache *cache, struct burst *burst)
{
    for (size_t i = 0; i < BURST; i++) {
        burst->numbers[i] = (uint32_t)xord_rng_below(&cache->rng, cache->cnt);
        burst->keys[i] = key_of(burst->numbers[i]);
        burst->known[i] = cache->all[burst->numbers[i]];
    }
}

static void burst_floor(struct cache *cache, const struct burst *burst)
{
    const uint32_t *entries[BURST];
    uint64_t sum = 0;

    for (size_t i = 0; i < BURST; i++) {
        entries[i] = &cache->index[(burst->numbers[i] * 0x85ebca6bU) & cache->index_mask];
        __builtin_prefetch(entries[i]);
    }
    for (size_t i = 0; i < BURST; i++) {
        struct xord_session *session = burst->known[i] + *entries[i];

        __builtin_prefetch(session);
        __builtin_prefetch(&session->key);
    }
    for (size_t i = 0; i < BURST; i++)
        sum += burst->known[i]->sent_cnt + burst->known[i]->key.local;
    bench_keep(&sum);
}

static void burst_run(struct cache *cache, struct burst *burst, enum op op)
{
    if (op == BULK)
        BENCH_CHECK(xord_sessions_find_bulk(cache->sessions, burst->keys, BURST, burst->found) == BURST);
    else if (op == FLOOR)
        burst_floor(cache, burst);
    else if (op == SINGLE)
        for (size_t i = 0; i < BURST; i++)
            burst->found[i] = xord_session_find(cache->sessions, &burst->keys[i]);
    else
        for (size_t i = 0; i < BURST; i++)
            xord_session_touch(cache->sessions, burst->found[i], false);
}

static double cache_round(struct cache *cache, struct burst *burst, enum op op)
{
    uint64_t start;

    if (op == TOUCH) {
        (void)xord_sessions_find_bulk(cache->sessions, burst->keys, BURST, burst->found);
        for (size_t i = 0; i < BURST; i++)
            BENCH_CHECK(burst->found[i] == burst->known[i]);
    }
    start = bench_cycles();
    burst_run(cache, burst, op);
    return (double)(bench_cycles() - start) / BURST;
}

/* Each round draws anew for each, or the one would warm the cache for the other. */
static void cache_measure(struct cache *cache, double cycles[OPS])
{
    uint32_t rounds = bench_scale(ROUNDS_MAX, 3);
    struct burst burst;

    for (uint32_t round = 0; round < rounds; round++)
        for (int op = 0; op < OPS; op++) {
            burst_draw(cache, &burst);
            cache->took[op][round] = cache_round(cache, &burst, op);
        }
    for (int op = 0; op < OPS; op++)
        cycles[op] = bench_quantile(cache->took[op], rounds, 0.5);
}

/* The cache is full: each insertion evicts. `used`: everyone has been used, so each gives as many second chances as it may. */
static double measure_insert(struct cache *cache, uint64_t first, bool used)
{
    uint32_t rounds = bench_scale(used && cache->cnt < ROUNDS_MAX ? 4 : ROUNDS_MAX, 3);

    for (uint32_t i = 0; used && i < cache->cnt; i++)
        xord_session_touch(cache->sessions, cache->all[i], false); /* whosever the slot is by now */
    for (uint32_t round = 0; round < rounds; round++) {
        uint64_t start = bench_cycles();

        cache_put(cache, first + round);
        cache->took[0][round] = (double)(bench_cycles() - start);
    }
    BENCH_CHECK(xord_sessions_cnt(cache->sessions) == cache->cnt);
    return bench_quantile(cache->took[0], rounds, 0.5);
}

static void cache_report(struct cache *cache, const char *size, double bytes)
{
    double cycles[OPS];

    cache_measure(cache, cycles);
    bench_reportf(&(struct bench_figure){.value = cycles[BULK],
                          .unit = "cycles/packet",
                          .floor = cycles[FLOOR],
                          .note = "floor: the same lines of memory read, prefetched alike"},
            "micro.sessions.%s.find_bulk", size);
    bench_reportf(&(struct bench_figure){.value = cycles[SINGLE], .unit = "cycles/packet", .floor = cycles[FLOOR]},
            "micro.sessions.%s.find", size);
    bench_reportf(&(struct bench_figure){.value = cycles[TOUCH], .unit = "cycles/packet"}, "micro.sessions.%s.touch",
            size);
    bench_reportf(&(struct bench_figure){.value = measure_insert(cache, 1ULL << 40, false), .unit = "cycles/session"},
            "micro.sessions.%s.insert", size);
    bench_reportf(&(struct bench_figure){.value = measure_insert(cache, 1ULL << 41, true),
                          .unit = "cycles/session",
                          .note = "all others in use: as many second chances as one insertion gives"},
            "micro.sessions.%s.insert_among_used", size);
    if (cache->cnt >= 1 << 20)
        bench_reportf(&(struct bench_figure){.value = bytes,
                              .unit = "bytes",
                              .goal = BENCH_VALUE_MAX,
                              .bound = 160,
                              .note = "resident, a session"},
                "micro.sessions.%s.memory", size);
}

static void run_sessions(void)
{
    static const struct {
        const char *name;
        uint32_t cnt;
    } sizes[] = {{"64", 64}, {"65536", 65536}, {"1m", 1 << 20}, {"4m", 4 << 20}};

    for (size_t i = 0; i < (bench_is_quick() ? 2 : sizeof(sizes) / sizeof(sizes[0])); i++) {
        double bytes;
        struct cache *cache = cache_new(sizes[i].cnt, &bytes);

        cache_report(cache, sizes[i].name, bytes);
        cache_free(cache);
    }
}

/* ---- the hash, random bytes ---- */

struct hashing {
    struct xord_hash56 hash;
    struct xord_session_key keys[BURST];
    uint64_t out[BURST];
};

static void hash_bulk(void *ctx, uint32_t n)
{
    struct hashing *hashing = ctx;

    for (; n > 0; n--) {
        xord_hash56_bulk(&hashing->hash, hashing->out, hashing->keys, BURST);
        bench_keep(hashing->out);
    }
}

static void run_hash(void)
{
    static const struct xord_hash_key key = {{1, 2}};
    struct hashing hashing, by_sip;
    double cycles[2];

    xord_hash56_init(&hashing.hash, &key);
    for (size_t i = 0; i < BURST; i++)
        hashing.keys[i] = key_of(i);
    by_sip = hashing;
    by_sip.hash.has_aes = false;
    bench_race(cycles, (struct bench_op[]){{hash_bulk, &hashing, BURST}, {hash_bulk, &by_sip, BURST}}, 2);
    bench_report(&(struct bench_figure){.name = "micro.hash56", .value = cycles[0], .unit = "cycles/key"});
    bench_report(&(struct bench_figure){.name = "micro.hash56.sip",
            .value = cycles[1],
            .unit = "cycles/key",
            .note = "SipHash-1-3, where there are no AES instructions"});
}

/* What a sent message draws: 8 bytes of its nonce, 16 for the masking-iv. */
static void rng_draw(void *ctx, uint32_t n)
{
    struct xord_rng *rng = ctx;
    uint8_t nonce8[8], iv16[16];

    for (; n > 0; n--) {
        xord_rng_fill(rng, nonce8, sizeof(nonce8));
        xord_rng_fill(rng, iv16, sizeof(iv16));
        bench_keep(nonce8);
        bench_keep(iv16);
    }
}

static void run_rng(void)
{
    static const uint8_t seed32[32] = {4};
    struct xord_rng rng;
    double cycles;

    xord_rng_init(&rng, seed32);
    bench_race(&cycles, &(struct bench_op){rng_draw, &rng, 1}, 1);
    bench_report(&(struct bench_figure){.name = "micro.rng.draw",
            .value = cycles,
            .unit = "cycles/packet",
            .goal = BENCH_VALUE_MAX,
            .bound = 35,
            .note = "8 and 16 bytes, refills included"});
}

const struct bench bench_micro_sessions[] = {
        {"micro.sessions", run_sessions},
        {"micro.hash56", run_hash},
        {"micro.rng", run_rng},
        {NULL, NULL},
};
