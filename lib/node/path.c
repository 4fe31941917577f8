/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss, latency and reordering, and the queue of what is under way. */
#include "xord_path.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_rng.h"
#include "xord_wheel.h"

#define CAPACITY                                                                                                       \
    131072 /* a second of as many datagrams as a worker sends; memory only for those that were there at a time */

struct delayed {
    struct xord_timer timer; /* first: the wheel gives it back */
    struct delayed *next;    /* while free */
    struct xord_endpoint src, dst;
    uint16_t len;
    uint8_t data[XORD_PACKET_MAX_LEN];
};

struct xord_path {
    struct xord_path_config cfg;
    struct xord_rng rng;
    struct xord_wheel wheel;
    struct delayed *all, *free, *taken;
    uint32_t used;                            /* of all, ever: the rest is memory that nobody has touched */
    _Atomic uint64_t lost, delayed, overflow; /* written by the owner, read by anybody */
};

struct xord_path *xord_path_new(const struct xord_path_config *config, uint64_t now_ns)
{
    struct xord_path *path = calloc(1, sizeof(*path));
    uint8_t seed32[32] = "xord path";

    if (!path)
        return NULL;
    path->cfg = *config;
    if (path->cfg.capacity == 0)
        path->cfg.capacity = CAPACITY;
    path->all = calloc(path->cfg.capacity, sizeof(*path->all));
    if (!path->all) {
        free(path);
        return NULL;
    }
    xord_store_be64(seed32 + 16, config->seed);
    xord_store_be32(seed32 + 24, config->number);
    xord_rng_init(&path->rng, seed32);
    xord_wheel_init(&path->wheel, now_ns);
    return path;
}

void xord_path_free(struct xord_path *path)
{
    if (!path)
        return;
    free(path->all);
    free(path);
}

static void bump(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* ---- latency ---- */

struct weighted {
    uint64_t ns;
    double weight;
};

static int compare_weighted(const void *a, const void *b)
{
    const struct weighted *x = a, *y = b;

    return x->ns < y->ns ? -1 : x->ns > y->ns;
}

int xord_latency_of(struct xord_latency *latency, const uint64_t *values_ns, const double *weights, size_t cnt)
{
    struct weighted *sorted = calloc(cnt, sizeof(*sorted));
    double all = 0, below = 0;
    size_t at = 0;

    if (!sorted)
        return XORD_ENOMEM;
    for (size_t i = 0; i < cnt; i++) {
        sorted[i] = (struct weighted){values_ns[i], weights[i]};
        all += weights[i];
    }
    qsort(sorted, cnt, sizeof(*sorted), compare_weighted);
    latency->cnt = cnt == 1 ? 1 : XORD_PATH_QUANTILES;
    for (uint32_t q = 0; q < latency->cnt; q++) {
        while (at + 1 < cnt && below + sorted[at].weight <= all * (q + 0.5) / latency->cnt)
            below += sorted[at++].weight;
        latency->ns[q] = sorted[at].ns;
    }
    free(sorted);
    return 0;
}

uint64_t xord_latency_ns(const struct xord_latency *latency, uint64_t seed, uint32_t i)
{
    const struct xord_hash_key key = {{seed, 0x6c6174656e6379ULL}};

    return latency->cnt ? latency->ns[xord_hash64(&key, &i, sizeof(i)) % latency->cnt] : 0;
}

/* ---- chance ---- */

static bool happens(struct xord_path *path, double odds)
{
    return odds > 0 && (double)(xord_rng_u64(&path->rng) >> 11) * 0x1p-53 < odds;
}

bool xord_path_loses(struct xord_path *path)
{
    bool lost = happens(path, path->cfg.loss);

    if (lost)
        bump(&path->lost);
    return lost;
}

uint64_t xord_path_delay_ns(struct xord_path *path, uint32_t i)
{
    uint64_t delay_ns = xord_latency_ns(&path->cfg.latency, path->cfg.seed, i);

    return happens(path, path->cfg.reorder) ? delay_ns + XORD_PATH_OVERTAKEN_NS : delay_ns;
}

/* ---- under way ---- */

static struct delayed *entry_take(struct xord_path *path)
{
    struct delayed *entry = path->free;

    if (entry)
        path->free = entry->next;
    else if (path->used < path->cfg.capacity)
        entry = &path->all[path->used++];
    return entry;
}

void xord_path_put(struct xord_path *path, const struct xord_endpoint *src, const struct xord_endpoint *dst,
        const uint8_t *data, size_t len, uint64_t due_ns)
{
    struct delayed *entry = len <= XORD_PACKET_MAX_LEN ? entry_take(path) : NULL;

    if (!entry) {
        bump(&path->overflow);
        return;
    }
    bump(&path->delayed);
    entry->src = *src;
    entry->dst = *dst;
    entry->len = (uint16_t)len;
    memcpy(entry->data, data, len);
    xord_timer_arm(&path->wheel, &entry->timer, due_ns);
}

bool xord_path_take(struct xord_path *path, struct xord_path_dgram *dgram, uint64_t now_ns)
{
    struct delayed *entry;

    if (path->taken) {
        path->taken->next = path->free;
        path->free = path->taken;
        path->taken = NULL;
    }
    xord_wheel_advance(&path->wheel, now_ns);
    entry = (struct delayed *)xord_wheel_pop(&path->wheel);
    if (!entry)
        return false;
    path->taken = entry;
    *dgram = (struct xord_path_dgram){entry->src, entry->dst, entry->len, entry->data};
    return true;
}

uint64_t xord_path_next_ns(const struct xord_path *path)
{
    return path->wheel.armed_cnt ? xord_wheel_next_ns(&path->wheel) : UINT64_MAX;
}

void xord_path_stats(const struct xord_path *path, struct xord_path_stats *stats)
{
    *stats = (struct xord_path_stats){
            .lost = atomic_load_explicit(&path->lost, memory_order_relaxed),
            .delayed = atomic_load_explicit(&path->delayed, memory_order_relaxed),
            .overflow = atomic_load_explicit(&path->overflow, memory_order_relaxed),
    };
}
