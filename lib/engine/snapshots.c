/* SPDX-License-Identifier: BSD-3-Clause */
/* Immutable table snapshots under RCU: a new one replaces the published one, which is filled again only once every worker has
 * passed a quiescent point. A reader never waits; a writer that finds no free snapshot tries again later. */
#include <stdlib.h>

#include "engine_private.h"

struct rte_rcu_qsbr *readers_new(uint16_t worker_cnt)
{
    size_t size = RTE_CACHE_LINE_ROUNDUP(rte_rcu_qsbr_get_memsize(worker_cnt));
    struct rte_rcu_qsbr *readers = aligned_alloc(RTE_CACHE_LINE_SIZE, size);

    if (readers && rte_rcu_qsbr_init(readers, worker_cnt)) {
        free(readers);
        return NULL;
    }
    return readers;
}

int snapshots_init(struct snapshots *snaps)
{
    for (int i = 0; i < SNAPS_A_SHARD; i++) {
        snaps->all[i] = xord_table_snapshot_new();
        if (!snaps->all[i])
            return XORD_ENOMEM;
    }
    return 0;
}

void snapshots_free(struct snapshots *snaps)
{
    for (int i = 0; i < SNAPS_A_SHARD; i++)
        xord_table_snapshot_free(snaps->all[i]);
}

struct xord_table_snapshot *snapshots_take(struct snapshots *snaps, struct rte_rcu_qsbr *readers)
{
    const struct xord_table_snapshot *published = atomic_load_explicit(&snaps->published, memory_order_relaxed);

    for (int i = 0; i < SNAPS_A_SHARD; i++) {
        if (snaps->all[i] == published)
            continue;
        if (snaps->retired_at[i] == 0 || rte_rcu_qsbr_check(readers, snaps->retired_at[i], false) == 1) {
            snaps->retired_at[i] = 0;
            return snaps->all[i];
        }
    }
    return NULL;
}

void snapshots_publish(struct snapshots *snaps, struct rte_rcu_qsbr *readers, struct xord_table_snapshot *snap)
{
    const struct xord_table_snapshot *old = atomic_exchange_explicit(&snaps->published, snap, memory_order_acq_rel);

    for (int i = 0; i < SNAPS_A_SHARD; i++)
        if (old && snaps->all[i] == old)
            snaps->retired_at[i] = rte_rcu_qsbr_start(readers);
}
