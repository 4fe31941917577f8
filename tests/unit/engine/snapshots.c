/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots under RCU: one that a worker may still be reading is never given out to be filled. */
#include <stdlib.h>

#include "engine_private.h"
#include "test_util.h"

#define WORKERS 3

static struct rte_rcu_qsbr *readers;
static struct snapshots snaps;

static void setup(void)
{
    readers = readers_new(WORKERS);
    cr_assert_not_null(readers);
    memset(&snaps, 0, sizeof(snaps));
    cr_assert_eq(snapshots_init(&snaps), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        cr_assert_eq(rte_rcu_qsbr_thread_register(readers, i), 0);
        rte_rcu_qsbr_thread_online(readers, i);
    }
}

static void teardown(void)
{
    snapshots_free(&snaps);
    free(readers);
    TEST_NO_LEAK();
}

TestSuite(snapshots, .init = setup, .fini = teardown);

static void all_quiet(void)
{
    for (unsigned i = 0; i < WORKERS; i++)
        rte_rcu_qsbr_quiescent(readers, i);
}

static struct xord_table_snapshot *publish(void)
{
    struct xord_table_snapshot *snap = snapshots_take(&snaps, readers);

    if (snap)
        snapshots_publish(&snaps, readers, snap);
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
    cr_assert_null(snapshots_take(&snaps, readers));
    rte_rcu_qsbr_quiescent(readers, 0);
    rte_rcu_qsbr_quiescent(readers, 1);
    cr_assert_null(snapshots_take(&snaps, readers), "worker 2 may still be reading");
    rte_rcu_qsbr_quiescent(readers, 2);
    cr_assert_not_null(snapshots_take(&snaps, readers));
}

Test(snapshots, one_taken_and_not_published_is_given_again)
{
    struct xord_table_snapshot *snap = snapshots_take(&snaps, readers);

    cr_assert_eq(snapshots_take(&snaps, readers), snap);
}

Test(snapshots, sleepers_hold_nothing_up)
{
    for (int i = 0; i < SNAPS_A_SHARD; i++)
        cr_assert_not_null(publish());
    rte_rcu_qsbr_thread_offline(readers, 1);
    rte_rcu_qsbr_quiescent(readers, 0);
    rte_rcu_qsbr_quiescent(readers, 2);
    cr_assert_not_null(snapshots_take(&snaps, readers));
    rte_rcu_qsbr_thread_online(readers, 1);
}

Test(snapshots, go_round_for_ever)
{
    for (int i = 0; i < 10000; i++) {
        cr_assert_not_null(publish());
        if (i % 2)
            all_quiet();
    }
}
