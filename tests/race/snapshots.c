/* SPDX-License-Identifier: BSD-3-Clause */
/* Each of three workers publishes snapshots of its own table and reads those of all, as the shards do: what is being read is
 * never filled. */
#include <pthread.h>
#include <string.h>

#include "engine_private.h"
#include "race.h"

#define WORKERS 3
#define TURNS   3000
#define NODES   40

struct shard {
    pthread_t thread;
    unsigned number;
    struct snapshots snaps;
    struct rte_rcu_qsbr *readers;
    struct xord_table *table;
    struct xord_rng rng;
    uint64_t published;
};

static struct shard shards[WORKERS];

static void add_node(struct shard *shard, uint64_t turn)
{
    struct xord_enr enr = {.seq = turn, .has_ip = 1, .has_udp = 1, .udp = 9000, .len = 100};
    uint8_t ip4[4] = {10, (uint8_t)shard->number, 0, (uint8_t)(turn % NODES + 1)};
    struct xord_endpoint ep = xord_endpoint_v4(ip4, 9000);

    memset(enr.id32, (int)(turn % NODES) + 1, sizeof(enr.id32));
    enr.id32[1] = (uint8_t)shard->number;
    memset(enr.raw, (int)turn, enr.len);
    (void)xord_table_add(shard->table, NULL, &enr, &ep, false, turn * XORD_NS_PER_MS);
}

/* A snapshot is one moment's: all bytes of a record are of one turn. */
static void read_all(void)
{
    for (unsigned s = 0; s < WORKERS; s++) {
        const struct xord_table_snapshot *snap = atomic_load_explicit(&shards[s].snaps.published, memory_order_acquire);

        for (uint32_t i = 0; snap && i < xord_table_snapshot_cnt(snap); i++) {
            const struct xord_snapshot_node *node = xord_table_snapshot_node(snap, i);

            RACE_CHECK(node->id32[1] == s);
            RACE_CHECK(node->enr_len == 0 || node->enr[0] == node->enr[node->enr_len - 1]);
        }
    }
}

static void *work(void *arg)
{
    struct shard *shard = arg;

    for (unsigned s = 0; s < WORKERS; s++) {
        RACE_CHECK(rte_rcu_qsbr_thread_register(shards[s].readers, shard->number) == 0);
        rte_rcu_qsbr_thread_online(shards[s].readers, shard->number);
    }
    for (uint64_t turn = 1; turn <= TURNS; turn++) {
        struct xord_table_snapshot *snap;

        add_node(shard, turn);
        snap = snapshots_take(&shard->snaps, shard->readers);
        if (snap) {
            xord_table_snapshot_fill(snap, shard->table);
            snapshots_publish(&shard->snaps, shard->readers, snap);
            shard->published++;
        }
        read_all();
        for (unsigned s = 0; s < WORKERS; s++)
            rte_rcu_qsbr_quiescent(shards[s].readers, shard->number);
        for (unsigned s = 0; s < WORKERS && turn % 64 == shard->number; s++) {
            rte_rcu_qsbr_thread_offline(shards[s].readers, shard->number);
            rte_rcu_qsbr_thread_online(shards[s].readers, shard->number);
        }
    }
    for (unsigned s = 0; s < WORKERS; s++)
        rte_rcu_qsbr_thread_offline(shards[s].readers, shard->number);
    return NULL;
}

int main(void)
{
    for (unsigned s = 0; s < WORKERS; s++) {
        uint8_t seed32[32] = {(uint8_t)s}, self32[32] = {0};

        shards[s].number = s;
        xord_rng_init(&shards[s].rng, seed32);
        shards[s].table = xord_table_new(self32, &shards[s].rng);
        shards[s].readers = readers_new(WORKERS);
        RACE_CHECK(shards[s].table && shards[s].readers && snapshots_init(&shards[s].snaps) == 0);
    }
    for (unsigned s = 0; s < WORKERS; s++)
        RACE_CHECK(pthread_create(&shards[s].thread, NULL, work, &shards[s]) == 0);
    for (unsigned s = 0; s < WORKERS; s++)
        pthread_join(shards[s].thread, NULL);
    for (unsigned s = 0; s < WORKERS; s++) {
        RACE_CHECK(shards[s].published > 1);
        snapshots_free(&shards[s].snaps);
        xord_table_free(shards[s].table);
        free(shards[s].readers);
    }
    return 0;
}
