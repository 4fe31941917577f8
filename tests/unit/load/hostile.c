/* SPDX-License-Identifier: BSD-3-Clause */
/* Hostile kinds against a real node in virtual time: its counters say what each of them was taken for. */
#include <stdlib.h>

#include "node/world.h"
#include "test_util.h"
#include "xord_hostile.h"

#define TICK_NS XORD_NS_PER_MS
#define IDS     16
#define RATE    2000
#define SECONDS 4
#define WANTED  (RATE * SECONDS)

/* The sender: a member whose identities and addresses are used, but whose node gets nothing. */
struct bench {
    struct world *world;
    struct member *sender, *target;
    struct xord_hostile *hostile;
    struct xord_tally tally;
    struct world_listener listener[IDS];
    uint8_t room[XORD_BURST_MAX][XORD_TX_ROOM];
    uint32_t allocated;
    uint32_t longest, shortest;
};

static bool io_tx_alloc(void *ctx, struct xord_tx *tx)
{
    struct bench *bench = ctx;

    cr_assert_lt(bench->allocated, XORD_BURST_MAX);
    tx->data = bench->room[bench->allocated++];
    return true;
}

static void io_tx_send(void *ctx, const struct xord_tx *txs, size_t cnt)
{
    struct bench *bench = ctx;

    for (size_t i = 0; i < cnt; i++) {
        bench->longest = txs[i].len > bench->longest ? txs[i].len : bench->longest;
        bench->shortest = txs[i].len < bench->shortest ? txs[i].len : bench->shortest;
        world_send(bench->world, &txs[i].src, &txs[i].dst, txs[i].data, txs[i].len);
    }
    bench->allocated = 0;
}

static struct bench *listened; /* Criterion runs each test in a process of its own */

static void take(struct world_listener *listener, struct world_packet *packet)
{
    struct xord_dgram dgram = {.data = packet->data,
            .len = packet->len,
            .local = (uint32_t)(listener - listened->listener),
            .peer = packet->src,
            .dst = packet->dst};

    cr_assert(xord_hostile_rx(listened->hostile, &dgram, listened->world->now_ns));
    free(packet);
}

static void release(struct world_listener *listener)
{
    listened->world->listeners = listener->next;
}

/* Addresses of members count up; the identities are made here, so that no node has theirs. */
static void identities_make(struct bench *bench)
{
    struct member_config config = {.ip = "10.1.0.1", .no_hosts = true, .local_cnt = IDS};

    bench->sender = world_add(bench->world, &config);
    for (uint32_t i = 0; i < IDS; i++) {
        struct world_listener *listener = &bench->listener[i];

        /* The member answers to the address itself; what is sent comes from another port. */
        bench->sender->locals->all[i].ep[0].port = 777;
        *listener =
                (struct world_listener){.ep = bench->sender->locals->all[i].ep[0], .take = take, .release = release};
        world_listen(bench->world, listener);
    }
}

static struct bench *bench_new(enum xord_hostile_kind kind)
{
    struct xord_hostile_config config = {.kind = kind, .aes_ops = xord_aes_best(), .target_cnt = IDS, .seed32 = {5}};
    struct member_config target = {.ip = "10.0.0.2", .no_hosts = true};
    struct bench *bench = calloc(1, sizeof(*bench));
    struct xord_peer peer;

    cr_assert(bench);
    listened = bench;
    bench->shortest = UINT32_MAX;
    bench->world = world_new(12);
    bench->target = world_add(bench->world, &target);
    identities_make(bench);
    config.schedule =
            (struct xord_schedule){.rate = RATE, .start_ns = bench->world->now_ns, .duration_ns = SECONDS * S};
    config.curve = bench->world->curve;
    config.locals = bench->sender->locals;
    bench->hostile = xord_hostile_new(&config);
    cr_assert(bench->hostile);
    peer = member_peer(bench->target, 0);
    for (uint32_t i = 0; i < IDS; i++)
        xord_hostile_set_target(bench->hostile, i, i, &peer);
    xord_tally_reset(&bench->tally);
    xord_hostile_set_tally(bench->hostile, &bench->tally);
    return bench;
}

static void bench_free(struct bench *bench)
{
    xord_hostile_free(bench->hostile);
    world_free(bench->world);
    free(bench);
}

static void run(struct bench *bench)
{
    struct xord_node_io io = {.ctx = bench, .tx_alloc = io_tx_alloc, .tx_send = io_tx_send};

    while (!xord_hostile_is_over(bench->hostile, bench->world->now_ns)) {
        while (xord_hostile_turn(bench->hostile, &io, bench->world->now_ns))
            ;
        world_run(bench->world, TICK_NS);
    }
    world_run(bench->world, S);
}

static uint64_t count(const struct bench *bench, enum xord_counter_id id)
{
    return member_count(bench->target, id);
}

Test(hostile, junk)
{
    struct bench *bench = bench_new(XORD_HOSTILE_JUNK);

    run(bench);
    cr_assert_eq(bench->tally.sent, WANTED);
    cr_assert_eq(count(bench, XORD_CNT_drop_not_discv5), WANTED);
    cr_assert_eq(bench->tally.replies, 0);
    cr_assert(bench->shortest < 80 && bench->longest > 1260);
    bench_free(bench);
    TEST_NO_LEAK();
}

Test(hostile, challenges_that_answer_nothing)
{
    struct bench *bench = bench_new(XORD_HOSTILE_WHOAREYOU);

    run(bench);
    cr_assert_eq(count(bench, XORD_CNT_drop_whoareyou), WANTED);
    cr_assert_eq(bench->tally.replies, 0);
    bench_free(bench);
}

Test(hostile, signatures_that_are_none)
{
    struct bench *bench = bench_new(XORD_HOSTILE_SIGNATURE);

    run(bench);
    cr_assert_geq(bench->tally.sent, WANTED * 9 / 10);
    cr_assert_geq(count(bench, XORD_CNT_drop_handshake_signature), IDS * 4 * 3);
    cr_assert_eq(count(bench, XORD_CNT_handshakes_in), 0);
    bench_free(bench);
}

Test(hostile, replays)
{
    struct bench *bench = bench_new(XORD_HOSTILE_REPLAY);

    run(bench);
    cr_assert_geq(bench->tally.sent, WANTED * 9 / 10);
    cr_assert_eq(count(bench, XORD_CNT_handshakes_in), IDS);
    cr_assert_geq(count(bench, XORD_CNT_drop_handshake_no_challenge), WANTED / 3);
    bench_free(bench);
}

Test(hostile, strangers)
{
    struct bench *bench = bench_new(XORD_HOSTILE_SPOOFED);

    run(bench);
    cr_assert_eq(bench->tally.sent, WANTED);
    cr_assert_eq(count(bench, XORD_CNT_whoareyou_sent), WANTED);
    bench_free(bench);
}

Test(hostile, more_than_fits)
{
    struct bench *bench = bench_new(XORD_HOSTILE_OVERSIZE);

    run(bench);
    cr_assert_eq(bench->tally.sent, WANTED);
    cr_assert(bench->shortest > XORD_PACKET_MAX_LEN && bench->longest <= XORD_TX_ROOM);
    cr_assert_eq(count(bench, XORD_CNT_drop_size), WANTED);
    bench_free(bench);
}

/* Each identity opens a challenge and answers it 0.9 s later. */
Test(hostile, slow_handshakes)
{
    struct bench *bench = bench_new(XORD_HOSTILE_SLOW);

    run(bench);
    cr_assert_eq(count(bench, XORD_CNT_whoareyou_sent), count(bench, XORD_CNT_handshakes_in) + IDS);
    cr_assert(count(bench, XORD_CNT_handshakes_in) == 4 * IDS || count(bench, XORD_CNT_handshakes_in) == 3 * IDS);
    bench_free(bench);
}
