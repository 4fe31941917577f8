/* SPDX-License-Identifier: BSD-3-Clause */
/* FINDNODE in, NODES with 16 records out: two shards, whose tables share the network, each answering from both. */
#include <string.h>

#include "bench.h"
#include "rig.h"

#define WORKERS    2
#define NODES      640
#define NODES_IP4  UINT32_C(0x2e000001) /* 46.0.0.1, 46.0.1.1 ...: a /24 each, or IP limits refuse most of them */
#define RECORDS    16                   /* an answer */
#define ROUND      128                  /* requests to each shard */
#define CLIENTS    64
#define ROUNDS_MAX 200

struct network {
    struct rig *rig;
    struct xord_enr enrs[NODES];
    uint32_t clients[WORKERS][CLIENTS];
    uint64_t next_id;
    uint32_t asked[WORKERS * ROUND];   /* client */
    uint32_t records[WORKERS * ROUND]; /* that came in answer */
};

/* ---- the tables ---- */

/* As Ethereum's nodes have them. */
static void record_make(struct network *net, uint32_t i, struct xord_endpoint *ep)
{
    static const uint8_t eth2[16] = {0x6a, 0x95, 0xa1, 0xa9, 5}, attnets[8] = {0xff};
    uint8_t seckey32[32] = {1, (uint8_t)(i >> 8), (uint8_t)i}, ip4[4];
    struct xord_enr_draft draft;

    xord_store_be32(ip4, NODES_IP4 + (i << 8));
    *ep = xord_endpoint_v4(ip4, 9000);
    xord_enr_draft_init(&draft, 1700000000000);
    BENCH_CHECK(xord_enr_draft_set_endpoint(&draft, ep) == 0);
    BENCH_CHECK(xord_enr_draft_set_uint(&draft, "tcp", 9000) == 0);
    BENCH_CHECK(xord_enr_draft_set(&draft, (const uint8_t *)"eth2", 4, eth2, sizeof(eth2)) == 0);
    BENCH_CHECK(xord_enr_draft_set(&draft, (const uint8_t *)"attnets", 7, attnets, sizeof(attnets)) == 0);
    BENCH_CHECK(xord_enr_sign(&net->enrs[i], &draft, net->rig->curve, seckey32) == 0);
}

static struct xord_table *table_of(struct network *net, uint16_t shard)
{
    return net->rig->engine->workers[shard].node->hosts[0].table;
}

/* Every node goes into its owner's table and has answered; more than there is room for in the far buckets. */
static void tables_fill(struct network *net)
{
    uint64_t now_ns = xord_now_ns();

    for (uint32_t i = 0; i < NODES; i++) {
        struct xord_endpoint ep;
        uint16_t shard;

        record_make(net, i, &ep);
        shard = xord_engine_shard_of(net->rig->engine, 0, &ep);
        if (xord_table_add(table_of(net, shard), NULL, &net->enrs[i], &ep, true, now_ns) == XORD_TABLE_ADDED)
            BENCH_CHECK(xord_table_on_live(table_of(net, shard), net->enrs[i].id32, &ep, now_ns));
    }
    rig_idle(net->rig, 60 * XORD_NS_PER_MS); /* both publish what they have */
}

static void clients_make(struct network *net)
{
    uint32_t cnt[WORKERS] = {0}, number = 0;

    for (; cnt[0] < CLIENTS || cnt[1] < CLIENTS; number++) {
        uint16_t shard = rig_shard_of(net->rig, number);

        if (cnt[shard] < CLIENTS)
            net->clients[shard][cnt[shard]++] = number;
    }
    rig_sessions_put(net->rig, 0, number);
}

/* ---- asking ---- */

static void requests_put(struct network *net, uint16_t shard)
{
    static const uint16_t distances[3] = {256, 255, 254};
    struct xord_message msg = {.type = XORD_MSG_FINDNODE};
    struct rte_mbuf *frames[XORD_BURST_MAX];
    uint8_t buf[16];

    BENCH_CHECK(xord_distances_put(&msg.findnode.distances, buf, sizeof(buf), distances, 3) == 0);
    for (uint32_t i = shard * ROUND; i < (shard + 1U) * ROUND; i += XORD_BURST_MAX) {
        for (uint32_t j = i; j < i + XORD_BURST_MAX; j++)
            net->asked[j] = net->clients[shard][j % CLIENTS];
        rig_requests(net->rig, frames, net->asked + i, XORD_BURST_MAX, &msg, net->next_id + i);
        rig_put(net->rig, shard, frames, XORD_BURST_MAX);
    }
}

/* Byte for byte a record of the network's. */
static void record_check(const struct network *net, const struct xord_bytes_view *raw)
{
    struct xord_enr enr;
    uint32_t i;

    BENCH_CHECK(xord_enr_decode(&enr, raw->data, raw->len) == 0);
    i = (xord_load_be32(enr.ip4) - NODES_IP4) >> 8;
    BENCH_CHECK(i < NODES && net->enrs[i].len == raw->len && memcmp(net->enrs[i].raw, raw->data, raw->len) == 0);
}

static void nodes_check(struct network *net, const struct rig_reply *reply)
{
    struct xord_bytes_view record;
    uint64_t number = rig_id_of(&reply->msg.request_id) - net->next_id;
    size_t pos = 0;

    BENCH_CHECK(number < WORKERS * ROUND && net->asked[number] == reply->client);
    while (xord_records_next(&reply->msg.nodes.records, &pos, &record)) {
        record_check(net, &record);
        net->records[number]++;
    }
}

static void answers_check(struct network *net, uint16_t shard)
{
    static struct rig_reply reply;
    struct rte_mbuf *frames[XORD_BURST_MAX];
    uint32_t n;

    while ((n = rig_take(net->rig, shard, frames, XORD_BURST_MAX)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            rig_open(net->rig, &reply, frames[i]);
            if (reply.kind == RIG_MESSAGE && reply.msg.type == XORD_MSG_NODES)
                nodes_check(net, &reply);
        }
}

/* Cycles a record. */
static double round_of(struct network *net)
{
    uint64_t cycles = 0;

    memset(net->records, 0, sizeof(net->records));
    for (uint16_t shard = 0; shard < WORKERS; shard++) {
        requests_put(net, shard);
        cycles += rig_turn(net->rig, shard);
        answers_check(net, shard);
    }
    for (uint32_t i = 0; i < WORKERS * ROUND; i++)
        BENCH_CHECK(net->records[i] == RECORDS);
    net->next_id += WORKERS * ROUND;
    return (double)cycles / (WORKERS * ROUND * RECORDS);
}

static double verification(const struct network *net, uint32_t i)
{
    uint64_t start = bench_cycles();
    struct xord_enr enr;

    BENCH_CHECK(xord_enr_decode(&enr, net->enrs[i].raw, net->enrs[i].len) == 0);
    BENCH_CHECK(xord_enr_verify(&enr, net->rig->curve) == 0);
    return (double)(bench_cycles() - start);
}

static void run_findnode(void)
{
    static struct network net;
    static double cycles[ROUNDS_MAX], verify[ROUNDS_MAX];
    uint32_t round_cnt = bench_scale(ROUNDS_MAX, 2), other = 0;

    net = (struct network){.rig = rig_new(&(struct rig_config){.worker_cnt = WORKERS, .node = {.session_cap = 4096}})};
    tables_fill(&net);
    clients_make(&net);
    (void)round_of(&net);
    for (uint32_t round = 0; round < round_cnt; round++) {
        verify[round] = verification(&net, round);
        cycles[round] = round_of(&net);
    }
    for (uint16_t shard = 0; shard < WORKERS; shard++)
        other += xord_counter_get(xord_engine_counters(net.rig->engine, shard), XORD_CNT_nodes_other_shard) > 0;
    BENCH_CHECK(other == WORKERS);
    rig_free(net.rig);
    bench_report(&(struct bench_figure){.name = "findnode",
            .value = bench_quantile(cycles, round_cnt, BENCH_QUIET),
            .unit = "cycles/record",
            .floor = bench_quantile(verify, round_cnt, BENCH_QUIET),
            .goal = BENCH_RATIO_MAX,
            .bound = 0.2,
            .note = "16 records an answer from two shards; beside the verification of such a record"});
}

const struct bench bench_findnode[] = {
        {"findnode", run_findnode},
        {NULL, NULL},
};
