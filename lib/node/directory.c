/* SPDX-License-Identifier: BSD-3-Clause */
/* A bucket of a perfectly filled table is a range of the sorted ids: those that share 256-d leading bits with us and differ
 * in the next. */
#include "xord_directory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_hash.h"

#define BUCKET_K 16

struct xord_directory {
    uint32_t cnt;
    const struct xord_enr *sorted[];
};

static int compare_ids(const void *a, const void *b)
{
    const struct xord_enr *const *x = a, *const *y = b;

    return memcmp((*x)->id32, (*y)->id32, 32);
}

struct xord_directory *xord_directory_new(const struct xord_enr *const *enrs, uint32_t cnt)
{
    struct xord_directory *directory = malloc(sizeof(*directory) + cnt * sizeof(directory->sorted[0]));

    if (!directory)
        return NULL;
    directory->cnt = cnt;
    memcpy(directory->sorted, enrs, cnt * sizeof(directory->sorted[0]));
    qsort(directory->sorted, cnt, sizeof(directory->sorted[0]), compare_ids);
    return directory;
}

void xord_directory_free(struct xord_directory *directory)
{
    free(directory);
}

/* First index whose id is >= `id32`. */
static uint32_t lower_bound(const struct xord_directory *directory, const uint8_t id32[32])
{
    uint32_t lo = 0, hi = directory->cnt;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (memcmp(directory->sorted[mid]->id32, id32, 32) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The range [*first, *end) of ids at log distance `distance` from `id32`. */
static void bucket_range(const struct xord_directory *directory, const uint8_t id32[32], unsigned distance,
        uint32_t *first, uint32_t *end)
{
    unsigned bit = 256 - distance;
    uint8_t low[32], high[32];

    memcpy(low, id32, 32);
    low[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    memcpy(high, low, 32);
    for (unsigned i = bit + 1; i < 256; i++) {
        low[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
        high[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    *first = lower_bound(directory, low);
    *end = lower_bound(directory, high);
    if (*end < directory->cnt && memcmp(directory->sorted[*end]->id32, high, 32) == 0)
        ++*end;
}

/* Picks up to 16 of a range, evenly spread from a start that depends on who answers. */
static uint32_t bucket_pick(const struct xord_directory *directory, uint32_t first, uint32_t len, uint64_t hash,
        const uint8_t except_id32[32], const struct xord_enr **out, uint32_t max)
{
    uint32_t want = len < BUCKET_K ? len : BUCKET_K;
    uint32_t n = 0;

    for (uint32_t i = 0; i < want && n < max; i++) {
        uint64_t step = (uint64_t)i * len / want;
        const struct xord_enr *enr = directory->sorted[first + (hash + step) % len];

        if (memcmp(enr->id32, except_id32, 32) != 0)
            out[n++] = enr;
    }
    return n;
}

uint32_t xord_directory_find(const struct xord_directory *directory, const uint8_t id32[32], const uint16_t *distances,
        uint32_t distance_cnt, const uint8_t except_id32[32], const struct xord_enr **out, uint32_t max)
{
    static const struct xord_hash_key spread = {{0x9e3779b97f4a7c15ULL, 0xbf58476d1ce4e5b9ULL}};
    uint32_t n = 0;

    for (uint32_t i = 0; i < distance_cnt && n < max; i++) {
        uint8_t seed[34];
        uint32_t first, end;

        bucket_range(directory, id32, distances[i], &first, &end);
        if (first == end)
            continue;
        memcpy(seed, id32, 32);
        xord_store_be16(seed + 32, distances[i]);
        n += bucket_pick(directory, first, end - first, xord_hash64(&spread, seed, sizeof(seed)) >> 16, except_id32,
                out + n, max - n);
    }
    return n;
}
