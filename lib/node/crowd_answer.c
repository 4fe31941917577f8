/* SPDX-License-Identifier: BSD-3-Clause */
/* What the nodes of a crowd answer to FINDNODE, each after its kind. */
#include <string.h>

#include "crowd_private.h"

#define HUGE_TOTAL  1000000
#define LIES_TRIED  64
#define NEW_OF_FULL 2 /* newcomers that displace others, where there are more than enough */

bool crowd_is_among(const uint16_t *distances, uint32_t cnt, unsigned distance)
{
    for (uint32_t d = 0; d < cnt; d++)
        if (distances[d] == distance)
            return true;
    return false;
}

/* A few that lie elsewhere than asked. */
static uint32_t pick_elsewhere(const struct xord_crowd *crowd, uint32_t *out, uint32_t i, const uint16_t *distances,
        uint32_t distance_cnt)
{
    const uint8_t *id32 = crowd->locals->all[i].id32;
    uint32_t n = 0;

    for (uint32_t t = 0; t < LIES_TRIED && n < XORD_CROWD_ANSWER; t++) {
        uint32_t other =
                (uint32_t)(crowd_roll(crowd, DICE_LIE, i, (uint64_t)distances[0] << 32 | t) % crowd->cfg.node_cnt);
        unsigned distance = xord_log_distance(id32, crowd->locals->all[other].id32);

        if (distance > 0 && !crowd_is_among(distances, distance_cnt, distance))
            out[n++] = other;
    }
    if (n == 0)
        out[n++] = i; /* everything was asked for, but its own record */
    return n;
}

/* Fellows only, however much else there is. */
static uint32_t pick_fellows(const struct xord_crowd *crowd, uint32_t *out, uint32_t i, const uint16_t *distances,
        uint32_t distance_cnt)
{
    uint32_t n = 0;

    for (uint32_t e = 0; e < crowd->kind_cnt[XORD_CROWD_ECLIPSE]; e++) {
        uint32_t other = crowd->eclipse[e];
        unsigned distance = xord_log_distance(crowd->locals->all[i].id32, crowd->locals->all[other].id32);

        if (distance > 0 && crowd_is_among(distances, distance_cnt, distance))
            out[n++] = other;
    }
    return n;
}

static uint32_t pick(const struct xord_crowd *crowd, uint32_t *out, uint32_t i, const uint16_t *distances,
        uint32_t distance_cnt, const uint8_t asker_id32[32], uint32_t max)
{
    if (crowd->kinds[i] == XORD_CROWD_DISTANCE)
        return pick_elsewhere(crowd, out, i, distances, distance_cnt);
    if (crowd->kinds[i] == XORD_CROWD_ECLIPSE)
        return pick_fellows(crowd, out, i, distances, distance_cnt);
    return xord_directory_numbers(crowd->directory, crowd->locals->all[i].id32, distances, distance_cnt, asker_id32,
            out, max);
}

/* What node i has of another's records. */
static uint32_t version_known(const struct xord_crowd *crowd, uint32_t i, uint32_t other, uint64_t now_ns)
{
    if (crowd->cfg.stale > 0 && i != other && crowd_roll_fraction(crowd, DICE_STALE, i, other) < crowd->cfg.stale)
        return crowd_old_version(crowd, other, now_ns);
    return xord_crowd_version(crowd, other, now_ns);
}

static void put(struct xord_crowd *crowd, struct xord_crowd_answer *answer, uint32_t i, uint32_t other, uint64_t now_ns)
{
    uint32_t r = answer->cnt++;

    answer->len[r] = xord_crowd_record(crowd, answer->raw[r], other, version_known(crowd, i, other, now_ns));
}

static void put_newcomer(struct xord_crowd_answer *answer, const struct crowd_newcomer *newcomer)
{
    uint32_t r = answer->cnt++;

    answer->len[r] = newcomer->len;
    memcpy(answer->raw[r], newcomer->raw, newcomer->len);
}

/* A byte of each signature. */
static void spoil(struct xord_crowd_answer *answer, uint32_t from)
{
    for (uint32_t r = from; r < answer->cnt; r++)
        answer->raw[r][answer->len[r] < 256 + 2 ? 10 : 11] ^= 0x55;
}

/* What tables hold: few of the far nodes, all of the near ones. */
static void put_known(struct xord_crowd *crowd, struct xord_crowd_answer *answer, uint32_t i, const uint16_t *distances,
        uint32_t distance_cnt, const uint8_t asker_id32[32], uint64_t now_ns)
{
    const struct crowd_newcomer *newcomers[XORD_CROWD_ANSWER];
    uint32_t numbers[XORD_CROWD_ANSWER], max = XORD_CROWD_ANSWER - answer->cnt, n, new_cnt = 0;

    n = pick(crowd, numbers, i, distances, distance_cnt, asker_id32, max);
    if (crowd->kinds[i] != XORD_CROWD_DISTANCE && crowd->kinds[i] != XORD_CROWD_ECLIPSE)
        new_cnt = crowd_newcomers_pick(crowd, newcomers, i, distances, distance_cnt, asker_id32,
                n + NEW_OF_FULL <= max ? max - n : NEW_OF_FULL);
    for (uint32_t r = 0; r < n && r + new_cnt < max; r++)
        put(crowd, answer, i, numbers[r], now_ns);
    for (uint32_t r = 0; r < new_cnt; r++)
        put_newcomer(answer, newcomers[r]);
}

void xord_crowd_findnode(struct xord_crowd *crowd, struct xord_crowd_answer *answer, uint32_t i,
        const uint16_t *distances, uint32_t distance_cnt, bool own, const uint8_t asker_id32[32], uint64_t now_ns)
{
    answer->cnt = 0;
    answer->total = crowd->kinds[i] == XORD_CROWD_TOTALS ? HUGE_TOTAL : 0;
    if (own)
        put(crowd, answer, i, i, now_ns);
    if (distance_cnt > 0)
        put_known(crowd, answer, i, distances, distance_cnt, asker_id32, now_ns);
    if (crowd->kinds[i] == XORD_CROWD_INVALID)
        spoil(answer, own);
}
