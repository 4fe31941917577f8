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

/* The top of an id decides nearly every comparison, so it lies with the number. */
struct entry {
    uint64_t top;
    uint32_t number;
};

struct xord_directory {
    const uint8_t *ids; /* of number n: ids + n * stride */
    size_t stride;
    const struct xord_enr **enrs; /* by number; NULL: it was built from ids alone */
    uint32_t cnt;
    struct entry sorted[];
};

static const uint8_t *id_of(const struct xord_directory *directory, uint32_t number)
{
    return directory->enrs ? directory->enrs[number]->id32 : directory->ids + number * directory->stride;
}

static int compare_entries(const void *a, const void *b, void *ctx)
{
    const struct entry *x = a, *y = b;

    if (x->top != y->top)
        return x->top < y->top ? -1 : 1;
    return memcmp(id_of(ctx, x->number), id_of(ctx, y->number), 32);
}

static void sort(struct xord_directory *directory)
{
    for (uint32_t i = 0; i < directory->cnt; i++)
        directory->sorted[i] = (struct entry){xord_load_be64(id_of(directory, i)), i};
    qsort_r(directory->sorted, directory->cnt, sizeof(directory->sorted[0]), compare_entries, directory);
}

static struct xord_directory *directory_alloc(uint32_t cnt)
{
    struct xord_directory *directory = calloc(1, sizeof(*directory) + cnt * sizeof(directory->sorted[0]));

    if (directory)
        directory->cnt = cnt;
    return directory;
}

struct xord_directory *xord_directory_new(const struct xord_enr *const *enrs, uint32_t cnt)
{
    struct xord_directory *directory = directory_alloc(cnt);

    if (!directory)
        return NULL;
    directory->enrs = malloc((cnt + 1) * sizeof(*directory->enrs));
    if (!directory->enrs) {
        free(directory);
        return NULL;
    }
    memcpy(directory->enrs, enrs, cnt * sizeof(*directory->enrs));
    sort(directory);
    return directory;
}

struct xord_directory *xord_directory_new_of_ids(const uint8_t *ids, size_t stride, uint32_t cnt)
{
    struct xord_directory *directory = directory_alloc(cnt);

    if (!directory)
        return NULL;
    directory->ids = ids;
    directory->stride = stride;
    sort(directory);
    return directory;
}

void xord_directory_free(struct xord_directory *directory)
{
    if (directory)
        free(directory->enrs);
    free(directory);
}

/* Is a sorted entry's id below `id32`? */
static bool is_below(const struct xord_directory *directory, uint32_t at, const uint8_t id32[32])
{
    const struct entry *entry = &directory->sorted[at];
    uint64_t top = xord_load_be64(id32);

    return entry->top != top ? entry->top < top : memcmp(id_of(directory, entry->number), id32, 32) < 0;
}

/* First index whose id is >= `id32`. */
static uint32_t lower_bound(const struct xord_directory *directory, const uint8_t id32[32])
{
    uint32_t lo = 0, hi = directory->cnt;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (is_below(directory, mid, id32))
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
    if (*end < directory->cnt && memcmp(id_of(directory, directory->sorted[*end].number), high, 32) == 0)
        ++*end;
}

/* Picks up to 16 of a range, evenly spread from a start that depends on who answers. */
static uint32_t bucket_pick(const struct xord_directory *directory, uint32_t first, uint32_t len, uint64_t hash,
        const uint8_t except_id32[32], uint32_t *out, uint32_t max)
{
    uint32_t want = len < BUCKET_K ? len : BUCKET_K;
    uint32_t n = 0;

    for (uint32_t i = 0; i < want && n < max; i++) {
        uint64_t step = (uint64_t)i * len / want;
        uint32_t number = directory->sorted[first + (hash + step) % len].number;

        if (memcmp(id_of(directory, number), except_id32, 32) != 0)
            out[n++] = number;
    }
    return n;
}

/* The distance of whoever is closest to `id32`: nearer buckets are empty, and most requests are for many of them. */
static unsigned closest(const struct xord_directory *directory, const uint8_t id32[32])
{
    uint32_t at = lower_bound(directory, id32);
    unsigned least = 257;

    for (uint32_t i = at > 0 ? at - 1 : 0; i < directory->cnt && i <= at + 1; i++) {
        unsigned distance = xord_log_distance(id32, id_of(directory, directory->sorted[i].number));

        if (distance > 0 && distance < least)
            least = distance;
    }
    return least;
}

uint32_t xord_directory_numbers(const struct xord_directory *directory, const uint8_t id32[32],
        const uint16_t *distances, uint32_t distance_cnt, const uint8_t except_id32[32], uint32_t *out, uint32_t max)
{
    static const struct xord_hash_key spread = {{0x9e3779b97f4a7c15ULL, 0xbf58476d1ce4e5b9ULL}};
    unsigned least = closest(directory, id32);
    uint32_t n = 0;

    for (uint32_t i = 0; i < distance_cnt && n < max; i++) {
        uint8_t seed[34];
        uint32_t first, end;

        if (distances[i] < least)
            continue;
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

uint32_t xord_directory_find(const struct xord_directory *directory, const uint8_t id32[32], const uint16_t *distances,
        uint32_t distance_cnt, const uint8_t except_id32[32], const struct xord_enr **out, uint32_t max)
{
    uint32_t numbers[XORD_DIRECTORY_MAX];
    uint32_t n = xord_directory_numbers(directory, id32, distances, distance_cnt, except_id32, numbers,
            max < XORD_DIRECTORY_MAX ? max : XORD_DIRECTORY_MAX);

    for (uint32_t i = 0; i < n; i++)
        out[i] = directory->enrs[numbers[i]];
    return n;
}
