/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes from elsewhere whose records a crowd hands out. One thread writes; workers read without a lock, so what was
 * replaced or dismissed stays until the end: a few hundred bytes each time, and so often at most. */
#include <stdlib.h>
#include <string.h>

#include "crowd_private.h"

#define ADMITTED_MAX 65536

static struct crowd_newcomer *newcomer_at(const struct xord_crowd *crowd, uint32_t slot)
{
    return atomic_load_explicit(&crowd->newcomers[slot], memory_order_acquire);
}

static uint32_t slot_of_id(const struct xord_crowd *crowd, const uint8_t id32[32])
{
    uint32_t cnt = atomic_load_explicit(&crowd->newcomer_cnt, memory_order_relaxed);

    for (uint32_t slot = 0; slot < cnt; slot++) {
        const struct crowd_newcomer *newcomer = newcomer_at(crowd, slot);

        if (newcomer && memcmp(newcomer->id32, id32, 32) == 0)
            return slot;
    }
    return XORD_CROWD_NEWCOMERS;
}

static uint32_t slot_free(struct xord_crowd *crowd)
{
    uint32_t cnt = atomic_load_explicit(&crowd->newcomer_cnt, memory_order_relaxed);

    for (uint32_t slot = 0; slot < cnt; slot++)
        if (!newcomer_at(crowd, slot))
            return slot;
    if (cnt < XORD_CROWD_NEWCOMERS)
        atomic_store_explicit(&crowd->newcomer_cnt, cnt + 1, memory_order_release);
    return cnt;
}

int xord_crowd_admit(struct xord_crowd *crowd, const struct xord_enr *enr)
{
    uint32_t slot = slot_of_id(crowd, enr->id32);
    struct crowd_newcomer *newcomer;

    if (slot == XORD_CROWD_NEWCOMERS)
        slot = slot_free(crowd);
    if (slot == XORD_CROWD_NEWCOMERS || crowd->admitted >= ADMITTED_MAX)
        return XORD_EFULL;
    newcomer = malloc(sizeof(*newcomer));
    if (!newcomer)
        return XORD_ENOMEM;
    newcomer->older = newcomer_at(crowd, slot);
    memcpy(newcomer->id32, enr->id32, 32);
    newcomer->len = enr->len;
    memcpy(newcomer->raw, enr->raw, enr->len);
    crowd->admitted++;
    atomic_store_explicit(&crowd->newcomers[slot], newcomer, memory_order_release);
    return 0;
}

void xord_crowd_dismiss(struct xord_crowd *crowd, const uint8_t id32[32])
{
    uint32_t slot = slot_of_id(crowd, id32);
    struct crowd_newcomer *newcomer, *last;

    if (slot == XORD_CROWD_NEWCOMERS)
        return;
    newcomer = newcomer_at(crowd, slot);
    atomic_store_explicit(&crowd->newcomers[slot], NULL, memory_order_relaxed);
    for (last = newcomer; last->older; last = last->older)
        ;
    last->older = crowd->dismissed; /* readers do not follow it */
    crowd->dismissed = newcomer;
}

uint32_t crowd_newcomers_pick(const struct xord_crowd *crowd, const struct crowd_newcomer **out, uint32_t i,
        const uint16_t *distances, uint32_t distance_cnt, const uint8_t asker_id32[32], uint32_t max)
{
    uint32_t cnt = atomic_load_explicit(&crowd->newcomer_cnt, memory_order_acquire), n = 0;

    for (uint32_t k = 0; k < cnt && n < max; k++) {
        const struct crowd_newcomer *newcomer = newcomer_at(crowd, (i + k) % cnt);

        if (newcomer && memcmp(newcomer->id32, asker_id32, 32) != 0 &&
                crowd_is_among(distances, distance_cnt, xord_log_distance(crowd->locals->all[i].id32, newcomer->id32)))
            out[n++] = newcomer;
    }
    return n;
}

static void chain_free(struct crowd_newcomer *newcomer)
{
    while (newcomer) {
        struct crowd_newcomer *older = newcomer->older;

        free(newcomer);
        newcomer = older;
    }
}

void crowd_newcomers_free(struct xord_crowd *crowd)
{
    for (uint32_t slot = 0; slot < XORD_CROWD_NEWCOMERS; slot++)
        chain_free(newcomer_at(crowd, slot));
    chain_free(crowd->dismissed);
}
