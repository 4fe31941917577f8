/* SPDX-License-Identifier: BSD-3-Clause */
/* RSS in software on net_ring: frames come to the worker that owns their endpoint, whoever polled them. */
#include "dpdk_util.h"
#include "xord_rng.h"

/* A datagram from a port of A's; without a UDP checksum, so that none need be computed. */
static struct test_frame from_port(const struct bench *bench, uint16_t src_port)
{
    struct test_frame frame = test_load(FRAME_UDP4_A);

    memcpy(frame.bytes, bench->self->device.mac6, 6);
    xord_store_be16(frame.bytes + 34, src_port);
    memset(frame.bytes + 40, 0, 2);
    return frame;
}

static uint16_t owner_of(const struct bench *bench, uint16_t src_port)
{
    struct xord_endpoint a = test_ep("10.7.0.1", src_port), b = test_ep("10.7.0.2", UDP_PORT);

    return xord_steer_shard(bench->port->reta, xord_steer_hash(&a, &b));
}

/* One burst of a worker: each datagram its own, in order, and answered in its mbuf by the worker's own queue. */
static unsigned serve(struct bench *bench, uint16_t w)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint16_t n = receive(bench, w, pkts, start_ns);
    unsigned last_port = 0;

    for (uint16_t i = 0; i < n; i++) {
        cr_assert_eq(owner_of(bench, pkts[i].src.port), w);
        cr_assert_gt(pkts[i].src.port, last_port, "out of order");
        last_port = pkts[i].src.port;
        port_answer(bench->port, w, &pkts[i], 0x5a, start_ns);
    }
    bench->ops->tx_burst(bench->port, w);
    for (uint16_t i = 0; i < n; i++)
        cr_assert_eq(wire_take(w).len, 42 + XORD_PACKET_MAX_LEN);
    wire_is_silent(w);
    return n;
}

static uint64_t counted(struct bench *bench, uint16_t w, enum xord_counter_id id)
{
    static struct xord_counters counters[3];

    bench->ops->count(bench->port, w, &counters[w]);
    return xord_counter_get(&counters[w], id);
}

/* Puts a burst into queue 0; counts whose it is. */
static void put_burst(struct bench *bench, unsigned *cnt, uint16_t first_port)
{
    for (uint16_t i = 0; i < XORD_PORT_BURST; i++) {
        struct test_frame frame = from_port(bench, first_port + i);

        wire_put(bench, 0, frame.bytes, frame.len);
        cnt[owner_of(bench, first_port + i)]++;
    }
}

Test(dpdk_steer, frames_come_to_their_owners)
{
    struct bench bench = bench_open(3);
    unsigned cnt[3] = {0};

    meet_a(&bench, 0);
    put_burst(&bench, cnt, 1000);
    cr_assert(cnt[0] > 8 && cnt[1] > 8 && cnt[2] > 8);
    for (uint16_t w = 0; w < 3; w++) {
        cr_assert_eq(serve(&bench, w), cnt[w]);
        cr_assert_eq(serve(&bench, w), 0);
        cr_assert_eq(counted(&bench, w, XORD_CNT_steer_in), w ? cnt[w] : 0);
        cr_assert_eq(counted(&bench, w, XORD_CNT_steer_in), w ? cnt[w] : 0, "counted twice");
        cr_assert_eq(counted(&bench, w, XORD_CNT_steer_out), w ? 0 : cnt[1] + cnt[2]);
        cr_assert_eq(counted(&bench, w, XORD_CNT_steer_dropped), 0);
    }
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

/* net_ring has 16 queues: worker 16 lives on what the others poll. */
Test(dpdk_steer, who_has_no_queue_is_served_too)
{
    struct bench bench = bench_open(17);
    unsigned cnt[17] = {0};
    struct xord_pkt pkts[XORD_PORT_BURST];

    cr_assert_eq(bench.self->device.rx_queue_cnt, 16);
    for (uint16_t i = 0; i < 8; i++) {
        put_burst(&bench, cnt, (uint16_t)(1000 + i * XORD_PORT_BURST));
        for (unsigned turns = 0; rte_ring_count(wire(0)) > 0; turns++) {
            cr_assert_lt(turns, XORD_PORT_BURST);
            (void)receive(&bench, 0, pkts, start_ns);
        }
    }
    cr_assert_gt(cnt[16], 8);
    cr_assert_eq(receive(&bench, 16, pkts, start_ns), cnt[16]);
    bench_close(&bench); /* with frames under way and held */
}

/* An owner that does not come loses its own frames only. */
Test(dpdk_steer, what_does_not_fit_is_dropped_and_counted)
{
    struct bench bench = bench_open(2);
    unsigned cnt[2] = {0}, came = 0;
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint16_t n;

    for (uint16_t i = 0; i < 40; i++) {
        put_burst(&bench, cnt, (uint16_t)(1000 + i * XORD_PORT_BURST));
        while ((n = receive(&bench, 0, pkts, start_ns)) > 0)
            came += n;
    }
    cr_assert_eq(came, cnt[0]);
    for (came = 0; (n = receive(&bench, 1, pkts, start_ns)) > 0;)
        came += n;
    cr_assert_eq(came, 512, "of two workers each can have so many for the other");
    cr_assert_eq(counted(&bench, 0, XORD_CNT_steer_dropped), cnt[1] - came);
    cr_assert_eq(counted(&bench, 0, XORD_CNT_steer_out), came);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

/* All that is no plain UDP stays with the worker that polled it: so do ARP and echoes, and whatever the engine hands over. */
Test(dpdk_steer, frames_without_ports_stay)
{
    static const char *const frames[] = {FRAME_ARP_REQUEST_A, FRAME_ECHO4_A, FRAME_SOLICIT_A, FRAME_ECHO6_A};
    static const bool no_any[2];
    struct test_frame frame = test_load(FRAME_UDP4_A), part;
    uint32_t hash;

    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        part = test_load(frames[i]);
        cr_assert(!dpdk_frame_hash(&hash, part.bytes, part.len, no_any));
    }
    cr_assert(dpdk_frame_hash(&hash, frame.bytes, frame.len, no_any));
    cr_assert(!dpdk_frame_hash(&hash, frame.bytes, 41, no_any));
    for (unsigned edit = 0; edit < 4; edit++) {
        static const struct {
            uint8_t at, byte;
        } edits[] = {{14, 0x46}, {20, 0x20}, {21, 1}, {23, 6}};

        part = frame;
        part.bytes[edits[edit].at] = edits[edit].byte;
        cr_assert(!dpdk_frame_hash(&hash, part.bytes, part.len, no_any), "edit %u", edit);
    }
}

static void check_hash(const char *hex)
{
    static const bool no_any[2], any[2] = {true, true};
    const uint8_t seed32[32] = {7};
    struct test_frame frame = test_load(hex);
    bool v4 = frame.bytes[12] == 8;
    struct xord_rng rng;

    xord_rng_init(&rng, seed32);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t *ips = frame.bytes + (v4 ? 26 : 22), *ports = frame.bytes + (v4 ? 34 : 54);
        struct xord_endpoint src, dst, unspecified = {0};
        uint32_t hash, without_dst;

        xord_rng_fill(&rng, ips, v4 ? 8 : 32);
        xord_rng_fill(&rng, ports, 4);
        src = v4 ? xord_endpoint_v4(ips, xord_load_be16(ports)) : xord_endpoint_v6(ips, xord_load_be16(ports));
        dst = v4 ? xord_endpoint_v4(ips + 4, xord_load_be16(ports + 2))
                 : xord_endpoint_v6(ips + 16, xord_load_be16(ports + 2));
        unspecified = v4 ? xord_endpoint_v4(unspecified.ip16, dst.port) : xord_endpoint_v6(unspecified.ip16, dst.port);
        cr_assert(dpdk_frame_hash(&hash, frame.bytes, frame.len, no_any));
        cr_assert_eq(hash, xord_steer_hash(&src, &dst));
        cr_assert(dpdk_frame_hash(&without_dst, frame.bytes, frame.len, any));
        cr_assert_eq(without_dst, xord_steer_hash(&src, &unspecified));
    }
}

Test(dpdk_steer, the_hash_off_the_wire_is_the_engines)
{
    check_hash(FRAME_UDP4_A);
    check_hash(FRAME_UDP6_A);
}

/* Who polls more than it can serve loses its own: the others get all of theirs. */
Test(dpdk_steer, a_poller_that_cannot_serve_loses_only_its_own)
{
    struct bench bench = bench_open(2);
    unsigned cnt[2] = {0}, came[2] = {0};
    struct xord_pkt pkts[XORD_PORT_BURST];

    for (uint16_t i = 0; i < 100; i++) {
        put_burst(&bench, cnt, (uint16_t)(1000 + i * XORD_PORT_BURST));
        came[0] += bench.ops->rx_burst(bench.port, 0, pkts, 1, start_ns);
        came[1] += receive(&bench, 1, pkts, start_ns);
    }
    for (unsigned i = 0; i < 3000; i++)
        for (uint16_t w = 0; w < 2; w++)
            came[w] += receive(&bench, w, pkts, start_ns);
    cr_assert_eq(came[1], cnt[1]);
    cr_assert_lt(came[0], cnt[0]);
    cr_assert_eq(counted(&bench, 0, XORD_CNT_steer_dropped), cnt[0] - came[0]);
    cr_assert_eq(counted(&bench, 0, XORD_CNT_steer_out), cnt[1]);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

/* A poller with more than it has taken is under full load, however few of a burst are its own: who waits is everybody. */
Test(dpdk_steer, load_is_what_waits_and_not_what_is_ones_own)
{
    struct bench bench = bench_open(2);
    struct xord_pkt pkts[XORD_PORT_BURST];
    unsigned cnt[2] = {0};

    put_burst(&bench, cnt, 1000);
    put_burst(&bench, cnt, 2000);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 0);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_FULL, "polled as many as it can, not yet looked at");
    cr_assert_lt(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), XORD_PORT_BURST);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_SOME);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 1, pkts, 8, start_ns), 8);
    cr_assert_eq(bench.ops->load(bench.port, 1), XORD_LOAD_FULL, "given more than it has taken");
    cr_assert_gt(receive(&bench, 0, pkts, start_ns), 0);
    cr_assert_eq(receive(&bench, 0, pkts, start_ns), 0);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_NONE);
    bench_close(&bench);
}

Test(dpdk_steer, what_is_polled_and_not_looked_at_is_load)
{
    struct bench bench = bench_open(2);
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct test_frame frame = from_port(&bench, 1000);

    wire_put(&bench, 0, frame.bytes, frame.len);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 0);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_SOME);
    bench_close(&bench);
}

/* Two addresses, one identity: a peer's shard does not depend on which of them it asks. */
Test(dpdk_steer, an_identity_at_several_addresses_has_one_shard_for_a_peer)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 2);
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct bench bench;
    uint16_t n;

    config.addr_cnt = 3;
    cr_assert_eq(xord_ip_parse(config.addrs[2].ip16, "10.7.0.3"), 0);
    config.addrs[2].prefix_len = 24;
    bench = bench_from(&config);
    for (uint16_t number = 1000; number < 1032; number++)
        for (uint8_t host = 2; host < 4; host++) {
            struct test_frame frame = from_port(&bench, number);

            frame.bytes[33] = host;
            xord_store_be16(frame.bytes + 24, (uint16_t)(xord_load_be16(frame.bytes + 24) - (host - 2)));
            wire_put(&bench, 0, frame.bytes, frame.len);
        }
    for (uint16_t w = 0; w < 2; w++) {
        n = receive(&bench, w, pkts, start_ns);
        cr_assert(n > 8 && n % 2 == 0);
        for (uint16_t i = 0; i < n; i++) {
            cr_assert(!pkts[i].has_hash, "it is not over the whole tuple");
            cr_assert_eq(pkts[i].src.port, pkts[i & ~1].src.port, "both to one shard");
            cr_assert_eq(xord_steer_shard(bench.port->reta, xord_steer_hash(&pkts[i].src, &bench.port->bound[0])), w);
        }
    }
    bench_close(&bench);
}

/* A device whose queues are fewer than the workers brings nobody all that it owns. */
Test(dpdk_steer, only_as_many_queues_as_workers_steer)
{
    struct dpdk_device device = {.rss = true, .rx_queue_cnt = 2, .tx_queue_cnt = 3};

    cr_assert(dpdk_device_steers(&device, 2));
    cr_assert(!dpdk_device_steers(&device, 3));
    device.rss = false;
    cr_assert(!dpdk_device_steers(&device, 2));
}

/* Four workers on a card of two queues that hashes: its hash is believed, and each queue yields for two. */
Test(dpdk_steer, the_hash_of_a_card_with_few_queues_is_used)
{
    struct bench bench = bench_open(17);
    struct xord_pkt pkts[XORD_PORT_BURST];

    bench.self->device.rss = true;
    for (uint32_t hash = 0; hash < 32; hash++) {
        struct test_frame frame = from_port(&bench, 1000);
        struct rte_mbuf *mbuf;

        wire_put(&bench, 0, frame.bytes, frame.len);
        cr_assert(rte_ring_dequeue(wire(0), (void **)&mbuf) == 0 && rte_ring_enqueue(wire(0), mbuf) == 0);
        mbuf->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
        mbuf->hash.rss = hash;
        (void)receive(&bench, 0, pkts, start_ns);
        if (bench.port->reta[hash] != 0)
            cr_assert_eq(receive(&bench, bench.port->reta[hash], pkts, start_ns), 1);
        cr_assert(pkts[0].has_hash);
        cr_assert_eq(pkts[0].hash, hash);
    }
    bench_close(&bench);
}
