/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots under RCU: one that a worker may still be reading is never given out to be filled. */
#include <stdlib.h>

#include "engine_private.h"
#include "test_util.h"

#define WORKERS 3

static struct rte_rcu_qsbr *rcu;
static struct snapshots snaps;

static void setup(void)
{
    rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, 16 * 4096);
    cr_assert_leq(rte_rcu_qsbr_get_memsize(WORKERS), 16 * 4096);
    cr_assert_eq(rte_rcu_qsbr_init(rcu, WORKERS), 0);
    memset(&snaps, 0, sizeof(snaps));
    cr_assert_eq(snapshots_init(&snaps), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        cr_assert_eq(rte_rcu_qsbr_thread_register(rcu, i), 0);
        rte_rcu_qsbr_thread_online(rcu, i);
    }
}

static void teardown(void)
{
    snapshots_free(&snaps);
    free(rcu);
    TEST_NO_LEAK();
}

TestSuite(snapshots, .init = setup, .fini = teardown);

static void all_quiet(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        rte_rcu_qsbr_quiescent(rcu, i);
}

static struct xord_table_snapshot *publish(void)
{
    struct xord_table_snapshot *snap = snapshots_take(&snaps, rcu);

    if (snap)
        snapshots_publish(&snaps, rcu, snap);
    return snap;
}

Test(snapshots, the_published_one_is_what_readers_see)
{
    struct xord_table_snapshot *first, *second;

    cr_assert_null(atomic_load(&snaps.published));
    first = publish();
    cr_assert_eq(atomic_load(&snaps.published), first);
    second = publish();
    cr_assert_neq(second, first);
    cr_assert_eq(atomic_load(&snaps.published), second);
}

Test(snapshots, one_in_use_is_not_given_out)
{
    struct xord_table_snapshot *used[SNAPS_A_SHARD];

    for (int i = 0; i < SNAPS_A_SHARD; i++) {
        used[i] = publish();
        cr_assert_not_null(used[i]);
        for (int j = 0; j < i; j++)
            cr_assert_neq(used[i], used[j]);
    }
    cr_assert_null(snapshots_take(&snaps, rcu));
    rte_rcu_qsbr_quiescent(rcu, 0);
    rte_rcu_qsbr_quiescent(rcu, 1);
    cr_assert_null(snapshots_take(&snaps, rcu), "worker 2 may still be reading");
    rte_rcu_qsbr_quiescent(rcu, 2);
    cr_assert_not_null(snapshots_take(&snaps, rcu));
}

Test(snapshots, one_taken_and_not_published_is_given_again)
{
    struct xord_table_snapshot *snap = snapshots_take(&snaps, rcu);

    cr_assert_eq(snapshots_take(&snaps, rcu), snap);
}

Test(snapshots, sleepers_hold_nothing_up)
{
    for (int i = 0; i < SNAPS_A_SHARD; i++)
        cr_assert_not_null(publish());
    rte_rcu_qsbr_thread_offline(rcu, 1);
    rte_rcu_qsbr_quiescent(rcu, 0);
    rte_rcu_qsbr_quiescent(rcu, 2);
    cr_assert_not_null(snapshots_take(&snaps, rcu));
    rte_rcu_qsbr_thread_online(rcu, 1);
}

Test(snapshots, go_round_for_ever)
{
    for (int i = 0; i < 10000; i++) {
        cr_assert_not_null(publish());
        if (i % 2)
            all_quiet();
    }
}
