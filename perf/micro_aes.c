/* SPDX-License-Identifier: BSD-3-Clause */
/* What to keep of a session's key: ways to seal, open and mask bursts under keys that lie in memory as the session cache
 * has them, from 64 to 4 M sessions, all as likely to be asked for. The next burst's keys are prefetched while one is
 * worked on. The ways:
 *   prepared  ipsec-mb by direct calls, the whole prepared key in memory (about a KiB a session)
 *   cached    the same, the prepared keys in a cache of CACHED entries before the raw keys
 *   set-up    ipsec-mb from the raw key, packet by packet: xord_aes_ipsec_mb
 *   native    from the raw key: xord_aes_native */
#define LINUX /* the header aligns its key structure only under this name */
#include <intel-ipsec-mb.h>

#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "xord_aes.h"
#include "xord_mem.h"
#include "xord_packet.h"

#define BURST      64U
#define CACHED     1024U
#define ROUNDS_MAX 1000U
#define SEAL_LEN   40U
#define OPEN_LEN   30U
#define MASK_LEN   (XORD_ORDINARY_HEAD_LEN - XORD_MASKING_IV_LEN)
#define TEXT_CAP   64U

enum op { SEAL, OPEN, MASK, UNMASK, OPS };
static const char *const op_names[OPS] = {"seal", "open", "mask", "unmask"};

enum way { PREPARED, CACHED_KEYS, SET_UP, NATIVE, WAYS };
static const char *const way_names[WAYS] = {"prepared", "cached", "set-up", "native"};

/* As large as a session. All keys are the same, so that one sealed message opens under any. */
struct slot {
    _Alignas(64) uint8_t key16[16];
    uint8_t peer_id16[16];
    uint8_t rest[96];
};

struct packet {
    _Alignas(64) uint8_t head[XORD_ORDINARY_HEAD_LEN];
    uint8_t plain[TEXT_CAP], sealed[TEXT_CAP + XORD_GCM_TAG_LEN], out[TEXT_CAP + XORD_GCM_TAG_LEN];
    uint8_t spare[2048]; /* a buffer's distance to the next, as a port has them */
};

struct keys {
    uint32_t cnt;
    struct slot *slots;
    struct gcm_key_data *prepared; /* NULL: more than there is memory for */
    struct gcm_key_data cache[CACHED];
    uint32_t cache_tags[CACHED]; /* session + 1 */
    struct packet packets[BURST];
    struct gcm_context_data gcm_ctx;
    IMB_MGR *mgr;
    struct xord_aes *by_way[WAYS];
    struct xord_ctr_key own_key[WAYS];
    uint64_t random;
    double took[WAYS][ROUNDS_MAX];
};

static const struct xord_aes_ops *const ops_of[WAYS] = {
        [SET_UP] = &xord_aes_ipsec_mb,
        [NATIVE] = &xord_aes_native,
};

static size_t prepared_size(uint32_t cnt)
{
    return (size_t)cnt * sizeof(struct gcm_key_data);
}

static void prepare_all(struct keys *keys)
{
    size_t available = (size_t)sysconf(_SC_AVPHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);

    if (prepared_size(keys->cnt) < available / 2)
        keys->prepared = xord_mem_alloc(prepared_size(keys->cnt));
    for (uint32_t i = 0; keys->prepared && i < keys->cnt; i++) {
        if (i == 0)
            IMB_AES128_GCM_PRE(keys->mgr, keys->slots[0].key16, &keys->prepared[0]);
        else
            memcpy(&keys->prepared[i], &keys->prepared[0], sizeof(keys->prepared[0]));
    }
}

static struct keys *keys_new(uint32_t cnt)
{
    struct keys *keys = xord_mem_alloc(sizeof(*keys));

    BENCH_CHECK(keys);
    keys->cnt = cnt;
    keys->random = 88172645463325252ULL;
    keys->mgr = alloc_mb_mgr(0);
    keys->slots = xord_mem_alloc(cnt * sizeof(struct slot));
    BENCH_CHECK(keys->mgr && keys->slots);
    init_mb_mgr_avx2(keys->mgr);
    for (uint32_t i = 0; i < cnt; i++)
        memset(&keys->slots[i], 0x5a, sizeof(keys->slots[i]));
    prepare_all(keys);
    for (enum way way = SET_UP; way < WAYS; way++) {
        keys->by_way[way] = ops_of[way]->open();
        BENCH_CHECK(keys->by_way[way]);
        ops_of[way]->ctr_expand(keys->by_way[way], &keys->own_key[way], keys->slots[0].peer_id16);
    }
    return keys;
}

static void keys_free(struct keys *keys)
{
    for (enum way way = SET_UP; way < WAYS; way++)
        ops_of[way]->close(keys->by_way[way]);
    free_mb_mgr(keys->mgr);
    xord_mem_free(keys->slots, keys->cnt * sizeof(struct slot));
    if (keys->prepared)
        xord_mem_free(keys->prepared, prepared_size(keys->cnt));
    xord_mem_free(keys, sizeof(*keys));
}

static struct xord_gcm_job gcm_job(struct keys *keys, enum op op, uint32_t i, uint32_t session)
{
    struct packet *pkt = &keys->packets[i];

    return (struct xord_gcm_job){
            .key16 = keys->slots[session].key16,
            .nonce12 = pkt->head + XORD_MASKING_IV_LEN,
            .aad = pkt->head,
            .aad_len = XORD_ORDINARY_HEAD_LEN,
            .src = op == SEAL ? pkt->plain : pkt->sealed,
            .dst = pkt->out,
            .len = op == SEAL ? SEAL_LEN : OPEN_LEN,
    };
}

/* ---- one burst, each way ---- */

static const struct gcm_key_data *cached_key(struct keys *keys, uint32_t session)
{
    uint32_t entry = session % CACHED;

    if (keys->cache_tags[entry] != session + 1) {
        IMB_AES128_GCM_PRE(keys->mgr, keys->slots[session].key16, &keys->cache[entry]);
        keys->cache_tags[entry] = session + 1;
    }
    return &keys->cache[entry];
}

static void run_direct(struct keys *keys, enum way way, enum op op, const uint32_t *sessions, uint32_t n)
{
    uint8_t tag[XORD_GCM_TAG_LEN];

    for (uint32_t i = 0; i < n; i++) {
        struct xord_gcm_job job = gcm_job(keys, op, i, sessions[i]);
        const struct gcm_key_data *key = way == PREPARED ? &keys->prepared[sessions[i]] : cached_key(keys, sessions[i]);

        if (op == SEAL)
            IMB_AES128_GCM_ENC(keys->mgr, key, &keys->gcm_ctx, job.dst, job.src, job.len, job.nonce12, job.aad,
                    job.aad_len, job.dst + job.len, XORD_GCM_TAG_LEN);
        else
            IMB_AES128_GCM_DEC(keys->mgr, key, &keys->gcm_ctx, job.dst, job.src, job.len, job.nonce12, job.aad,
                    job.aad_len, tag, XORD_GCM_TAG_LEN);
        BENCH_CHECK(op == SEAL || memcmp(tag, job.src + job.len, XORD_GCM_TAG_LEN) == 0);
    }
}

static void run_gcm(struct keys *keys, enum way way, enum op op, const uint32_t *sessions, uint32_t n)
{
    struct xord_gcm_job jobs[BURST];

    for (uint32_t i = 0; i < n; i++)
        jobs[i] = gcm_job(keys, op, i, sessions[i]);
    if (op == SEAL)
        ops_of[way]->gcm_seal(keys->by_way[way], jobs, n);
    else
        ops_of[way]->gcm_open(keys->by_way[way], jobs, n);
    for (uint32_t i = 0; i < n; i++)
        BENCH_CHECK(jobs[i].err == 0);
}

static void run_mask(struct keys *keys, enum way way, const uint32_t *sessions, uint32_t n)
{
    struct xord_ctr_once_job jobs[BURST];

    for (uint32_t i = 0; i < n; i++) {
        struct packet *pkt = &keys->packets[i];

        jobs[i] = (struct xord_ctr_once_job){keys->slots[sessions[i]].peer_id16, pkt->head,
                pkt->head + XORD_MASKING_IV_LEN, pkt->out, MASK_LEN};
    }
    ops_of[way]->ctr_once(keys->by_way[way], jobs, n);
}

static void run_unmask(struct keys *keys, enum way way, uint32_t n)
{
    struct xord_ctr_job jobs[BURST];

    for (uint32_t i = 0; i < n; i++) {
        struct packet *pkt = &keys->packets[i];

        jobs[i] = (struct xord_ctr_job){&keys->own_key[way], pkt->head, pkt->head + XORD_MASKING_IV_LEN, pkt->out,
                MASK_LEN, 0};
    }
    ops_of[way]->ctr(keys->by_way[way], jobs, n);
}

static bool way_does(const struct keys *keys, enum way way, enum op op)
{
    return way >= SET_UP || (op <= OPEN && (way == CACHED_KEYS || keys->prepared));
}

static void run_burst(struct keys *keys, enum way way, enum op op, const uint32_t *sessions, uint32_t n)
{
    if (way < SET_UP)
        run_direct(keys, way, op, sessions, n);
    else if (op <= OPEN)
        run_gcm(keys, way, op, sessions, n);
    else if (op == MASK)
        run_mask(keys, way, sessions, n);
    else
        run_unmask(keys, way, n);
}

static void announce(const struct keys *keys, enum way way, const uint32_t *sessions, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *prepared = way == PREPARED ? (const char *)&keys->prepared[sessions[i]] : NULL;

        if (!prepared)
            __builtin_prefetch(&keys->slots[sessions[i]]);
        for (size_t at = 0; prepared && at < 512; at += 64) /* round keys and eight powers of the hash key */
            __builtin_prefetch(prepared + at);
    }
}

/* ---- measuring ---- */

static void draw(struct keys *keys, uint32_t *sessions, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        keys->random ^= keys->random << 13;
        keys->random ^= keys->random >> 7;
        keys->random ^= keys->random << 17;
        sessions[i] = (uint32_t)((keys->random >> 32) * keys->cnt >> 32);
    }
}

/* Cycles a packet over some bursts in a row. */
static double measure_turn(struct keys *keys, enum way way, enum op op, uint32_t n)
{
    enum { TURN = 8 };
    uint32_t sessions[2][BURST];
    uint64_t begin, sum = 0;

    draw(keys, sessions[0], n);
    announce(keys, way, sessions[0], n);
    for (uint32_t i = 0; i < TURN; i++) {
        draw(keys, sessions[1 - i % 2], n);
        begin = bench_cycles();
        announce(keys, way, sessions[1 - i % 2], n);
        run_burst(keys, way, op, sessions[i % 2], n);
        sum += bench_cycles() - begin;
    }
    return (double)sum / TURN / n;
}

static void report(struct keys *keys, enum way way, enum op op, uint32_t n, uint32_t rounds)
{
    bench_reportf(
            &(struct bench_figure){
                    .value = bench_quantile(keys->took[way], rounds, BENCH_QUIET),
                    .unit = "cycles/packet",
            },
            "micro.keys.%s.%s.%u.burst%u", op_names[op], way_names[way], keys->cnt, n);
}

static void measure(struct keys *keys, enum op op, uint32_t n)
{
    uint32_t rounds = bench_scale(ROUNDS_MAX, 2);

    for (uint32_t round = 0; round < rounds; round++)
        for (enum way way = 0; way < WAYS; way++)
            if (way_does(keys, way, op))
                keys->took[way][round] = measure_turn(keys, way, op, n);
    for (enum way way = 0; way < WAYS; way++)
        if (way_does(keys, way, op))
            report(keys, way, op, n, rounds);
}

/* What is to be opened; and does each way that seals give the same bytes? */
static void seal_all(struct keys *keys)
{
    uint32_t sessions[BURST] = {0};
    uint8_t want[BURST][SEAL_LEN + XORD_GCM_TAG_LEN];

    for (uint32_t i = 0; i < BURST; i++) {
        struct xord_gcm_job job = gcm_job(keys, SEAL, i, 0);

        memset(keys->packets[i].head, (int)i, sizeof(keys->packets[i].head));
        job.dst = keys->packets[i].sealed;
        job.len = OPEN_LEN;
        xord_aes_native.gcm_seal(keys->by_way[NATIVE], &job, 1);
    }
    for (enum way way = WAYS; way-- > 0;) {
        if (!way_does(keys, way, SEAL))
            continue;
        run_burst(keys, way, SEAL, sessions, BURST);
        for (uint32_t i = 0; i < BURST; i++) {
            if (way == NATIVE)
                memcpy(want[i], keys->packets[i].out, sizeof(want[i]));
            BENCH_CHECK(memcmp(want[i], keys->packets[i].out, sizeof(want[i])) == 0);
        }
    }
}

static void run_keys(void)
{
    static const uint32_t cnts[] = {64, 65536, 1U << 20, 4U << 20};
    uint32_t cnt = bench_scale(sizeof(cnts) / sizeof(cnts[0]), 1);

    for (uint32_t i = 0; i < cnt; i++) {
        struct keys *keys = keys_new(cnts[i]);

        seal_all(keys);
        for (enum op op = 0; op < OPS; op++) {
            measure(keys, op, 32);
            measure(keys, op, BURST);
        }
        keys_free(keys);
    }
}

const struct bench bench_micro_aes[] = {
        {"micro.keys", run_keys},
        {NULL, NULL},
};
