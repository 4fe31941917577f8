/* SPDX-License-Identifier: BSD-3-Clause */
/* Who behaves as no honest node does. What one packet could make a mistake look like has to come more than once. */
#include <stdlib.h>
#include <string.h>

#include "crawl_private.h"

#define WRONG_MIN       4 /* records at wrong distances */
#define INVALID_MIN     2
#define LOOPS_MIN       2
#define NEAR_BITS       8 /* of its id, which all that an eclipsing node names share with it */
#define NEAR_LOG2_NODES 9.0
#define SLOW_MS         250 /* longer for an answer than for a challenge: the way is the same, the work is not much */
#define SYBIL_MIN       11  /* above the 10 that a table takes out of one /24 */
#define SYBIL_FACTOR    4   /* times the median of all /24s */
#define SUBNET_BITS     24

static const char *const names[] = {
#define X(name, text, did) text,
        XORD_CRAWL_HOSTILE_TABLE(X)
#undef X
};

static const char *const deeds[] = {
#define X(name, text, did) did,
        XORD_CRAWL_HOSTILE_TABLE(X)
#undef X
};

const char *xord_crawl_hostile_name(enum xord_crawl_hostile kind)
{
    return names[kind];
}

const char *xord_crawl_hostile_did(enum xord_crawl_hostile kind)
{
    return deeds[kind];
}

static void charge(struct crawl_node *node, enum xord_crawl_hostile kind)
{
    node->hostile |= (uint8_t)(1U << kind);
}

static uint8_t more(uint8_t have, uint32_t add)
{
    return add < (uint32_t)(UINT8_MAX - have) ? (uint8_t)(have + add) : UINT8_MAX;
}

/* ---- one node ---- */

/* Rounded up, so that 0 means unknown. */
static uint16_t ms_of(uint64_t ns)
{
    uint64_t ms = (ns + XORD_NS_PER_MS - 1) / XORD_NS_PER_MS;

    return ms < UINT16_MAX ? (uint16_t)ms : UINT16_MAX;
}

void crawl_judge_conduct(struct crawl_node *node, const struct xord_crawl_conduct *conduct)
{
    uint16_t rtt_ms = ms_of(conduct->rtt_ns), challenge_ms = ms_of(conduct->challenge_ns);

    node->challenged |= conduct->challenged;
    node->wrong_cnt = more(node->wrong_cnt, conduct->wrong_distance);
    node->invalid_cnt = more(node->invalid_cnt, conduct->invalid);
    node->loop_cnt = more(node->loop_cnt, conduct->loops);
    if (conduct->farthest > node->farthest)
        node->farthest = (uint16_t)conduct->farthest;
    if (rtt_ms > 0 && (node->rtt_ms == 0 || rtt_ms < node->rtt_ms))
        node->rtt_ms = rtt_ms;
    if (challenge_ms > node->challenge_ms)
        node->challenge_ms = challenge_ms;
    if (node->wrong_cnt >= WRONG_MIN)
        charge(node, XORD_CRAWL_DISTANCE);
    if (node->invalid_cnt >= INVALID_MIN)
        charge(node, XORD_CRAWL_INVALID);
    if (node->loop_cnt >= LOOPS_MIN)
        charge(node, XORD_CRAWL_WHOAREYOU);
    if (conduct->bad_totals > 0)
        charge(node, XORD_CRAWL_TOTALS);
}

/* Half of a network lies at distance 256, so who knows three nodes and all of them within 2^-8 of it has chosen them. */
void crawl_judge_visit(struct crawl_node *node, const struct crawl_depth *depth)
{
    if (node->responded && node->farthest > 0 && node->farthest <= XORD_CRAWL_MAX_DISTANCES - NEAR_BITS &&
            node->visit.max_cnt >= 2 && depth->sample_cnt > 0 && depth->log2_nodes >= NEAR_LOG2_NODES)
        charge(node, XORD_CRAWL_ECLIPSE);
}

/* ---- all of them ---- */

static int compare_u32(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Who is only far away challenges as late as it answers. */
static void judge_slow(struct crawl_map *map)
{
    for (uint32_t i = 0; i < map->node_cnt; i++) {
        struct crawl_node *node = crawl_map_at(map, i);

        if (node->challenge_ms > 0 && node->rtt_ms >= node->challenge_ms + SLOW_MS)
            charge(node, XORD_CRAWL_SLOW);
    }
}

/* Only of nodes that have answered: anybody can make up records of those that do not. */
static bool subnet_of(uint32_t *subnet, const struct crawl_node *node)
{
    struct xord_endpoint ep;

    if (!node->responded || !xord_enr_endpoint4(&node->enr, &ep))
        return false;
    *subnet = (uint32_t)ep.ip16[12] << 16 | (uint32_t)ep.ip16[13] << 8 | ep.ip16[14];
    return true;
}

/* Replaces each run of equal numbers by its length; returns how many runs there are. */
static uint32_t run_lengths(uint32_t *lengths, const uint32_t *sorted, uint32_t cnt)
{
    uint32_t runs = 0;

    for (uint32_t i = 0; i < cnt; i++) {
        if (i == 0 || sorted[i] != sorted[i - 1])
            lengths[runs++] = 0;
        lengths[runs - 1]++;
    }
    return runs;
}

static uint32_t count_of(const uint32_t *sorted, uint32_t cnt, uint32_t subnet)
{
    const uint32_t *found = bsearch(&subnet, sorted, cnt, sizeof(*sorted), compare_u32);
    const uint32_t *first = found, *end = found;

    while (first && first > sorted && first[-1] == subnet)
        first--;
    while (end && end < sorted + cnt && *end == subnet)
        end++;
    return (uint32_t)(end - first);
}

static void judge_sybils(struct crawl_map *map, uint32_t *sorted, uint32_t *lengths)
{
    uint32_t cnt = 0, runs, least, subnet;

    for (uint32_t i = 0; i < map->node_cnt; i++)
        cnt += subnet_of(&sorted[cnt], crawl_map_at(map, i));
    if (cnt == 0)
        return;
    qsort(sorted, cnt, sizeof(*sorted), compare_u32);
    runs = run_lengths(lengths, sorted, cnt);
    qsort(lengths, runs, sizeof(*lengths), compare_u32);
    least = SYBIL_FACTOR * lengths[runs / 2];
    least = least > SYBIL_MIN ? least : SYBIL_MIN;
    if (runs == 1 || lengths[runs - 1] < least)
        return; /* nobody, or all of them: a small network */
    for (uint32_t i = 0; i < map->node_cnt; i++)
        if (subnet_of(&subnet, crawl_map_at(map, i)) && count_of(sorted, cnt, subnet) >= least)
            charge(crawl_map_at(map, i), XORD_CRAWL_SYBIL);
}

void crawl_judge_all(struct crawl_map *map)
{
    uint32_t *a = calloc((size_t)map->node_cnt + 1, sizeof(*a)), *b = calloc((size_t)map->node_cnt + 1, sizeof(*b));

    judge_slow(map);
    if (a && b)
        judge_sybils(map, a, b);
    free(a);
    free(b);
}
