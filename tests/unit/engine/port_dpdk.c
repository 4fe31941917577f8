/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK port on net_ring: opening, receiving, sending. See dpdk_util.h. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "dpdk_util.h"
#include "xord_rng.h"

/* ---- opening ---- */

Test(port_dpdk, opens_without_traces)
{
    cpu_set_t before, after;
    struct bench bench;

    sched_getaffinity(0, sizeof(before), &before);
    bench = bench_open(2);
    sched_getaffinity(0, sizeof(after), &after);
    cr_assert(CPU_EQUAL(&before, &after), "EAL has left its pinning");
    cr_assert(xord_endpoint_equal(&bench.port->bound[0], &(struct xord_endpoint){0}) == false);
    cr_assert_bytes(bench.port->bound[0].ip16, bench.self->source16[0], 16);
    cr_assert_eq(bench.port->bound[0].port, UDP_PORT);
    cr_assert_bytes(bench.port->bound[1].ip16, bench.self->source16[1], 16);
    cr_assert_eq(bench.port->bound[1].port, UDP_PORT);
    cr_assert(!bench.port->steers, "net_ring does not hash");
    cr_assert(!(bench.self->device.mac6[0] & 1) && bench.self->device.mac6[0] & 2, "a MAC of our own making");
    cr_assert(access(rte_eal_get_runtime_dir(), F_OK), "%s is there", rte_eal_get_runtime_dir());
    bench_close(&bench);
}

Test(port_dpdk, binds_a_whole_prefix_as_any_address)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);
    struct test_frame question = test_load(FRAME_ARP_REQUEST_A);
    struct bench bench;

    config.addr_cnt = 1;
    config.whole_prefix = true;
    cr_assert(xord_ip_parse(config.addrs[0].ip16, "10.7.0.0") == 0);
    config.has_gateway4 = true;
    cr_assert(xord_ip_parse(config.gateway4_ip16, "10.7.0.1") == 0);
    bench = bench_from(&config);
    cr_assert_eq(xord_ip_scope(bench.port->bound[0].ip16), XORD_IP_UNSPECIFIED);
    cr_assert(xord_endpoint_is_v4(&bench.port->bound[0]));
    cr_assert_eq(bench.port->bound[0].port, UDP_PORT);
    cr_assert_eq(bench.port->bound[1].port, 0, "IPv6 is not served");
    for (uint8_t host = 2; host < 20; host++) {
        question.bytes[41] = host;
        wire_put(&bench, 0, question.bytes, question.len);
        turn_without(&bench, 0, start_ns);
        cr_assert_eq(wire_take(0).bytes[31], host, "ARP answer for 10.7.0.%u", host);
    }
    bench_close(&bench);
}

static void assert_refused(struct xord_port_config *config, const char *words)
{
    char err[XORD_PORT_ERR_LEN] = "";

    cr_assert(xord_port_open(config, err) == NULL);
    cr_assert(strstr(err, words), "\"%s\" does not say \"%s\"", err, words);
    cr_assert(!strchr(err, '\n'));
}

Test(port_dpdk, opens_once)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);
    struct bench bench = bench_from(&config);

    bench_close(&bench);
    assert_refused(&config, "only once");
}

Test(port_dpdk, explains_an_unknown_driver)
{
    struct xord_port_config config = config_of("dpdk:net_foo0", 1);

    assert_refused(&config, "DPDK has no driver for \"net_foo0\"");
    assert_refused(&config, "only once");
}

Test(port_dpdk, explains_an_absent_pci_device)
{
    struct xord_port_config config = config_of("dpdk:fff0:ff:1f.7,some=arg", 1);

    assert_refused(&config, "there is no PCI device fff0:ff:1f.7");
}

Test(port_dpdk, explains_an_absent_interface)
{
    struct xord_port_config config = config_of("dpdk:net_af_packet0,iface=xord-nope", 1);

    assert_refused(&config, "there is no network interface \"xord-nope\"");
}

Test(port_dpdk, explains_an_unknown_eal_option)
{
    static char option[] = "--nonsense";
    char *const options[] = {option};
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);

    config.eal_args = options;
    config.eal_arg_cnt = 1;
    assert_refused(&config, "--nonsense");
}

Test(port_dpdk, lets_eal_options_override)
{
    static char m[] = "-m", size[] = "200", no_huge[] = "--no-huge", lcores[] = "--lcores=3@0";
    char *const options[] = {m, size, no_huge, lcores};
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);
    struct bench bench;

    config.eal_args = options;
    config.eal_arg_cnt = 4;
    bench = bench_from(&config);
    cr_assert_eq(rte_get_main_lcore(), 3);
    bench_close(&bench);
}

Test(port_dpdk, explains_too_little_memory)
{
    static char m[] = "-m", size[] = "8";
    char *const options[] = {m, size};
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);

    config.eal_args = options;
    config.eal_arg_cnt = 2;
    assert_refused(&config, "not enough memory");
}

Test(port_dpdk, explains_bad_addresses)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);

    cr_assert(xord_ip_parse(config.addrs[1].ip16, "ff02::1") == 0);
    assert_refused(&config, "--ip ff02::1/64 is no address");
}

Test(port_dpdk, explains_a_gateway_of_another_family)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);

    config.addr_cnt = 1;
    config.has_gateway6 = true;
    cr_assert(xord_ip_parse(config.gateway6_ip16, "fd07::1") == 0);
    assert_refused(&config, "--gateway needs an --ip of its address family");
}

/* ---- receiving ---- */

Test(port_dpdk, answers_neighbours_and_echoes)
{
    static const char *const questions[] = {FRAME_ARP_REQUEST_A, FRAME_ECHO4_A, FRAME_SOLICIT_A, FRAME_ECHO6_A};
    static const char *const answers[] = {FRAME_ARP_REPLY_B, FRAME_ECHO4_B, FRAME_ADVERT_B, FRAME_ECHO6_B};
    struct bench bench = bench_open(2);

    for (unsigned i = 0; i < 4; i++) {
        struct test_frame want = test_load(answers[i]), got;

        wire_put_hex(&bench, i % 2, questions[i]);
        turn_without(&bench, i % 2, start_ns);
        got = wire_take(i % 2);
        cr_assert_eq(got.len, want.len, "answer %u", i);
        cr_assert_bytes(got.bytes, want.bytes, 6);
        cr_assert_bytes(got.bytes + 6, bench.self->device.mac6, 6);
        wire_is_silent(i % 2);
    }
    turn_without(&bench, 0, start_ns + SECOND);
    turn_without(&bench, 1, start_ns + SECOND);
    cr_assert_eq(stats_of(&bench).echoes, 2);
    cr_assert_eq(stats_of(&bench).neighbours, 2);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

Test(port_dpdk, hands_datagrams_up)
{
    struct bench bench = bench_open(1);
    struct xord_endpoint a4 = test_ep("10.7.0.1", 9000), b4 = test_ep("10.7.0.2", 9001);
    struct xord_endpoint a6 = test_ep("fd07::1", 9000), b6 = test_ep("fd07::2", 9001);
    struct xord_pkt pkts[XORD_PORT_BURST];

    wire_put_hex(&bench, 0, FRAME_UDP4_A);
    wire_put_hex(&bench, 0, FRAME_ECHO4_A);
    wire_put_hex(&bench, 0, FRAME_UDP6_ODD_A);
    cr_assert_eq(turn(&bench, 0, pkts, start_ns), 2);
    cr_assert(xord_endpoint_equal(&pkts[0].src, &a4) && xord_endpoint_equal(&pkts[0].dst, &b4));
    cr_assert_eq(pkts[0].len, 12);
    cr_assert_bytes(pkts[0].data, "hello discv5", 12);
    cr_assert(xord_endpoint_equal(&pkts[1].src, &a6) && xord_endpoint_equal(&pkts[1].dst, &b6));
    cr_assert_eq(pkts[1].len, 3);
    cr_assert_bytes(pkts[1].data, "odd", 3);
    cr_assert(!pkts[0].has_hash);
    cr_assert_eq(wire_take(0).len, strlen(FRAME_ECHO4_B) / 2);
    turn_without(&bench, 0, start_ns);
    cr_assert_eq(mbufs_missing(&bench), 0, "held after the next rx_burst");
    cr_assert_eq(stats_of(&bench).rx_packets, 2);
    bench_close(&bench);
}

/* What the device would make of an mbuf's past is gone, and what it is to compute is said anew. */
Test(port_dpdk, leaves_nothing_of_the_past_in_an_answers_mbuf)
{
    struct bench bench = bench_open(1);
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct rte_mbuf *mbuf;
    const char *reason;

    meet_a(&bench, 0);
    for (unsigned offload = 0; offload < 2; offload++) {
        bench.self->device.tx_flags = offload ? XORD_NET_TX_UDP_OFFLOAD | XORD_NET_TX_IP_OFFLOAD : 0;
        wire_put_hex(&bench, 0, FRAME_UDP4_A);
        cr_assert(rte_ring_dequeue(wire(0), (void **)&mbuf) == 0 && rte_ring_enqueue(wire(0), mbuf) == 0);
        mbuf->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_RSS_HASH |
                         RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_TX_VLAN | RTE_MBUF_F_TX_TCP_SEG;
        mbuf->packet_type = RTE_PTYPE_L4_TCP;
        mbuf->tx_offload = UINT64_MAX;
        cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 1);
        cr_assert(!pkts[0].has_hash, "a hash by another's key");
        port_answer(bench.port, 0, &pkts[0], 0x5a, start_ns);
        bench.ops->tx_burst(bench.port, 0);
        cr_assert_eq(rte_ring_dequeue(wire(0), (void **)&mbuf), 0);
        cr_assert(mbuf->nb_segs == 1 && !mbuf->next && mbuf->pkt_len == mbuf->data_len && mbuf->packet_type == 0);
        cr_assert(rte_mbuf_check(mbuf, 1, &reason) == 0, "%s", reason);
        cr_assert_eq(mbuf->ol_flags,
                offload ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IP_CKSUM : 0);
        cr_assert(!offload || mbuf->tx_offload == rte_mbuf_tx_offload(14, 20, 0, 0, 0, 0, 0));
        cr_assert_eq(rte_validate_tx_offload(mbuf), 0);
        rte_pktmbuf_free(mbuf);
    }
    bench_close(&bench);
}

/* A device that returns all that it sent to one pool, unlooked at, may not send another's mbuf. */
Test(port_dpdk, answers_in_its_own_mbufs_where_the_device_frees_fast)
{
    struct bench bench = bench_open(1);
    struct rte_mempool *others = rte_pktmbuf_pool_create("others", 63, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
    struct test_frame frame = test_load(FRAME_UDP4_A);
    struct xord_pkt pkts[XORD_PORT_BURST];

    cr_assert(others);
    memcpy(frame.bytes, bench.self->device.mac6, 6);
    for (unsigned fast = 0; fast < 2; fast++) {
        struct rte_mbuf *mbuf = rte_pktmbuf_alloc(others);

        bench.self->device.fast_free = fast;
        memcpy(rte_pktmbuf_append(mbuf, (uint16_t)frame.len), frame.bytes, frame.len);
        cr_assert_eq(rte_ring_enqueue(wire(0), mbuf), 0);
        wire_put_hex(&bench, 0, FRAME_UDP4_A);
        cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 2);
        cr_assert_eq(pkts[0].buf == NULL, fast);
        cr_assert_not_null(pkts[1].buf);
    }
    bench_close(&bench);
}

/* ... unless its sender shares it with somebody. */
Test(port_dpdk, sends_an_answer_in_the_mbuf_that_it_answers)
{
    struct bench bench = bench_open(1);
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct test_frame frame;
    struct rte_mbuf *mbuf;

    meet_a(&bench, 0);
    wire_put_hex(&bench, 0, FRAME_UDP4_A);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 1);
    mbuf = bench.self->workers[0].held[0];
    port_answer(bench.port, 0, &pkts[0], 0x5a, start_ns);
    cr_assert_null(bench.self->workers[0].held[0]);
    cr_assert_eq(bench.self->workers[0].tx[0], mbuf);
    bench.ops->tx_burst(bench.port, 0);
    frame = wire_take(0);
    cr_assert_eq(frame.len, 42 + XORD_PACKET_MAX_LEN);
    turn_without(&bench, 0, start_ns);
    cr_assert_eq(mbufs_missing(&bench), 0);
    wire_put_hex(&bench, 0, FRAME_UDP4_A);
    cr_assert(rte_ring_dequeue(wire(0), (void **)&mbuf) == 0 && rte_ring_enqueue(wire(0), mbuf) == 0);
    rte_mbuf_refcnt_update(mbuf, 1);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 1);
    cr_assert_null(pkts[0].buf);
    rte_pktmbuf_free(mbuf);
    bench_close(&bench);
}

Test(port_dpdk, takes_no_more_than_asked)
{
    struct bench bench = bench_open(1);
    struct xord_pkt pkts[XORD_PORT_BURST];

    for (int i = 0; i < 100; i++)
        wire_put_hex(&bench, 0, FRAME_UDP4_A);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, 5, start_ns), 5);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), XORD_PORT_BURST);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 100 - 5 - XORD_PORT_BURST);
    bench_close(&bench); /* with mbufs held */
}

/* Or a frame for nobody in each burst would let slow work in while a queue is full. */
Test(port_dpdk, what_is_dropped_counts_as_load)
{
    struct bench bench = bench_open(1);
    struct xord_pkt pkts[XORD_PORT_BURST];

    for (int i = 0; i < XORD_PORT_BURST - 1; i++)
        wire_put_hex(&bench, 0, FRAME_UDP4_A);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), XORD_PORT_BURST - 1);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_SOME);
    for (int i = 0; i < XORD_PORT_BURST - 1; i++)
        wire_put_hex(&bench, 0, FRAME_UDP4_A);
    wire_put(&bench, 0, (const uint8_t[14]){0}, 14);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), XORD_PORT_BURST - 1);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_FULL);
    cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), 0);
    cr_assert_eq(bench.ops->load(bench.port, 0), XORD_LOAD_NONE);
    bench_close(&bench);
}

/* Two addresses, a UDP port at each and a third at one of them: whose an endpoint is the engine knows, the port looks for the
 * number alone. */
Test(port_dpdk, takes_datagrams_at_several_ports)
{
    static const uint16_t udp_ports[4] = {UDP_PORT, UDP_PORT + 1, UDP_PORT + 7, UDP_PORT + 2};
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);
    struct test_frame frame = test_load(FRAME_UDP4_A);
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port_stats stats;
    struct bench bench;

    config.addr_cnt = 3;
    config.addrs[2] = config.addrs[0];
    config.addrs[1].udp_port = udp_ports[1];
    config.addrs[2].udp_port = udp_ports[2];
    config.addrs[1].owner = 1;
    config.addrs[2].owner = 2;
    bench = bench_from(&config);
    memcpy(frame.bytes, bench.self->device.mac6, 6);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(bench.port->udp_ports[i], udp_ports[i]);
    for (int i = 0; i < 4; i++) {
        xord_store_be16(frame.bytes + 36, udp_ports[i]); /* its checksum is partial, so it stays as it is */
        wire_put(&bench, 0, frame.bytes, frame.len);
        cr_assert_eq(bench.ops->rx_burst(bench.port, 0, pkts, XORD_PORT_BURST, start_ns), i < 3);
        cr_assert(i == 3 || pkts[0].dst.port == udp_ports[i]);
    }
    bench.ops->stats(bench.port, &stats);
    cr_assert_eq(stats.rx_invalid, 1);
    cr_assert(!bench.port->any_dst[0] && !bench.port->any_dst[1], "each owner has one address");
    cr_assert_eq(bench.port->bound[0].port, UDP_PORT);
    cr_assert_eq(bench.port->bound[1].port, 0, "that is another owner's");
    bench_close(&bench);
}

Test(port_dpdk, drops_and_counts_other_ports)
{
    struct xord_port_config config = config_of("dpdk:net_ring0", 1);
    struct bench bench;

    config.udp_port = UDP_PORT + 1;
    bench = bench_from(&config);
    wire_put_hex(&bench, 0, FRAME_UDP4_A);
    turn_without(&bench, 0, start_ns);
    cr_assert_eq(stats_of(&bench).rx_invalid, 1);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

/* Whatever comes, every mbuf comes back. */
Test(port_dpdk, loses_no_mbuf_to_garbage)
{
    static const char *const frames[] = {FRAME_UDP4_A, FRAME_UDP6_A, FRAME_ARP_REQUEST_A, FRAME_SOLICIT_A,
            FRAME_ECHO4_A, FRAME_ECHO6_A, FRAME_MLD_A, FRAME_UNREACHABLE4_B};
    const uint8_t seed32[32] = "frames to the DPDK port";
    struct bench bench = bench_open(2);
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_rng rng;

    xord_rng_init(&rng, seed32);
    for (unsigned i = 0; i < 20000; i++) {
        struct test_frame frame = test_load(frames[xord_rng_below(&rng, 8)]);

        memcpy(frame.bytes, bench.self->device.mac6, 6);
        for (unsigned edits = (unsigned)xord_rng_below(&rng, 4); edits > 0; edits--)
            frame.bytes[xord_rng_below(&rng, frame.len)] = (uint8_t)xord_rng_below(&rng, 256);
        if (xord_rng_below(&rng, 4) == 0)
            frame.len = xord_rng_below(&rng, 1600);
        wire_put(&bench, i % 2, frame.bytes, frame.len);
        (void)turn(&bench, i % 2, pkts, start_ns + i * XORD_NS_PER_MS);
        while (wire_take(i % 2).len)
            ;
    }
    for (unsigned i = 0; i < 4; i++)
        (void)turn(&bench, i % 2, pkts, start_ns + 20 * SECOND);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

/* ---- sending ---- */

/* What left the wire must be a datagram to host A, with these words and good checksums. */
static void assert_datagram(struct test_frame *frame, const struct xord_endpoint *src, const struct xord_endpoint *dst,
        const char *text)
{
    struct xord_netstack *a = test_host(1, 16, 16);

    cr_assert_bytes(frame->bytes, ((const uint8_t[]){2, 0, 0, 0, 0, 10}), 6);
    cr_assert(test_rx(a, frame) & XORD_NET_UDP, "%s", xord_net_counter_name(frame->out.reason));
    cr_assert_eq(test_count(a, XORD_NET_CNT_rx_partial_sum), 0);
    cr_assert(xord_endpoint_equal(&frame->out.src, src) && xord_endpoint_equal(&frame->out.dst, dst));
    cr_assert_eq(frame->out.payload_len, strlen(text));
    cr_assert_bytes(frame->bytes + frame->out.payload_off, text, strlen(text));
    xord_netstack_free(a);
}

Test(port_dpdk, sends_to_a_neighbour)
{
    struct xord_endpoint src4 = test_ep("10.7.0.2", 9001), dst4 = test_ep("10.7.0.1", 9000);
    struct xord_endpoint src6 = test_ep("fd07::2", 9001), dst6 = test_ep("fd07::1", 9000);
    struct bench bench = bench_open(1);
    struct test_frame frame;

    meet_a(&bench, 0);
    wire_put_hex(&bench, 0, FRAME_SOLICIT_A);
    turn_without(&bench, 0, start_ns);
    cr_assert(wire_take(0).len > 0);
    send_text(&bench, 0, "to A by IPv4", &src4, &dst4);
    send_text(&bench, 0, "to A by IPv6, an odd length", &src6, &dst6);
    wire_is_silent(0);
    bench.ops->tx_burst(bench.port, 0);
    frame = wire_take(0);
    assert_datagram(&frame, &src4, &dst4, "to A by IPv4");
    frame = wire_take(0);
    assert_datagram(&frame, &src6, &dst6, "to A by IPv6, an odd length");
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

Test(port_dpdk, chooses_a_source)
{
    struct xord_endpoint any4 = test_ep("0.0.0.0", 9001), dst4 = test_ep("10.7.0.1", 9000);
    struct xord_endpoint any6 = test_ep("::", 9001), src4 = test_ep("10.7.0.2", 9001);
    struct bench bench = bench_open(1);
    struct test_frame frame;

    meet_a(&bench, 0);
    send_text(&bench, 0, "any IPv4", &any4, &dst4);
    send_text(&bench, 0, "any at all", &any6, &dst4);
    bench.ops->tx_burst(bench.port, 0);
    frame = wire_take(0);
    assert_datagram(&frame, &src4, &dst4, "any IPv4");
    frame = wire_take(0);
    assert_datagram(&frame, &src4, &dst4, "any at all");
    bench_close(&bench);
}

Test(port_dpdk, gives_the_longest_packet_room)
{
    struct xord_endpoint src6 = test_ep("fd07::2", 9001), dst6 = test_ep("fd07::1", 9000);
    struct bench bench = bench_open(1);
    struct test_frame frame;
    struct xord_tx tx, other, again;

    wire_put_hex(&bench, 0, FRAME_SOLICIT_A);
    turn_without(&bench, 0, start_ns);
    (void)wire_take(0);
    cr_assert(bench.ops->tx_alloc(bench.port, 0, &tx) && bench.ops->tx_alloc(bench.port, 0, &other));
    cr_assert_neq(other.data, tx.data, "each its own");
    bench.ops->tx_put(bench.port, 0, NULL, 0, start_ns);
    cr_assert(bench.ops->tx_alloc(bench.port, 0, &again));
    cr_assert_eq(again.data, tx.data, "what was not sent is given again");
    memset(again.data, 0xa5, XORD_PACKET_MAX_LEN);
    again.len = XORD_PACKET_MAX_LEN;
    again.src = src6;
    again.dst = dst6;
    bench.ops->tx_put(bench.port, 0, &again, 1, start_ns);
    bench.ops->tx_burst(bench.port, 0);
    frame = wire_take(0);
    cr_assert_eq(frame.len, 62 + XORD_PACKET_MAX_LEN);
    bench_close(&bench);
}

/* Worker 0 asks for A, worker 1 hears the answer: then worker 0's datagram goes. */
Test(port_dpdk, tells_neighbours_to_other_workers)
{
    struct xord_endpoint src = test_ep("10.7.0.2", 9001), dst = test_ep("10.7.0.1", 9000);
    struct bench bench = bench_open(3);
    struct test_frame frame;

    send_text(&bench, 0, "patience", &src, &dst);
    bench.ops->tx_burst(bench.port, 0);
    frame = wire_take(0);
    cr_assert_eq(xord_load_be16(frame.bytes + 12), NETSTACK_ETHERTYPE_ARP);
    wire_is_silent(0);
    wire_put_hex(&bench, 1, FRAME_ARP_REQUEST_A);
    turn_without(&bench, 1, start_ns);
    cr_assert_eq(wire_take(1).len, 42, "the answer to A's own question");
    turn_without(&bench, 0, start_ns);
    frame = wire_take(0);
    assert_datagram(&frame, &src, &dst, "patience");
    turn_without(&bench, 2, start_ns);
    send_text(&bench, 2, "at once", &src, &dst);
    bench.ops->tx_burst(bench.port, 2);
    frame = wire_take(2);
    assert_datagram(&frame, &src, &dst, "at once");
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

Test(port_dpdk, asks_again_and_gives_up)
{
    struct xord_endpoint src = test_ep("10.7.0.2", 9001), dst = test_ep("10.7.0.77", 9000);
    struct bench bench = bench_open(1);
    unsigned asked = 0;

    send_text(&bench, 0, "nobody there", &src, &dst);
    for (uint64_t ms = 0; ms < 5000; ms++) {
        turn_without(&bench, 0, start_ns + ms * XORD_NS_PER_MS);
        while (wire_take(0).len)
            asked++;
    }
    cr_assert_eq(asked, 3);
    cr_assert_eq(stats_of(&bench).tx_dropped, 1);
    cr_assert_eq(stats_of(&bench).tx_packets, 0);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

Test(port_dpdk, drops_and_counts_what_the_device_does_not_take)
{
    struct xord_endpoint src = test_ep("10.7.0.2", 9001), dst = test_ep("10.7.0.1", 9000);
    struct bench bench = bench_open(1);
    unsigned left = 0;

    meet_a(&bench, 0);
    for (unsigned i = 0; i < RING_CAP + 100; i++)
        send_text(&bench, 0, "flood", &src, &dst);
    bench.ops->tx_burst(bench.port, 0);
    while (wire_take(0).len)
        left++;
    cr_assert_eq(left, RING_CAP);
    cr_assert_eq(stats_of(&bench).tx_dropped, 100);
    cr_assert_eq(mbufs_missing(&bench), 0);
    bench_close(&bench);
}

/* net_ring has 16 queues: of 17 workers the last one sends by the queue of worker 0. */
Test(port_dpdk, hands_over_where_queues_are_few)
{
    struct xord_endpoint src = test_ep("10.7.0.2", 9001), dst = test_ep("10.7.0.1", 9000);
    struct bench bench = bench_open(17);
    struct test_frame frame;

    meet_a(&bench, 5);
    turn_without(&bench, 16, start_ns);
    send_text(&bench, 16, "by way of 0", &src, &dst);
    bench.ops->tx_burst(bench.port, 16);
    for (uint16_t queue = 0; queue < 16; queue++)
        wire_is_silent(queue);
    bench.ops->tx_burst(bench.port, 0);
    frame = wire_take(0);
    assert_datagram(&frame, &src, &dst, "by way of 0");
    for (unsigned i = 0; i < 3000; i++)
        send_text(&bench, 16, "flood", &src, &dst);
    bench.ops->tx_burst(bench.port, 16);
    cr_assert(stats_of(&bench).tx_dropped > 0);
    cr_assert_eq(stats_of(&bench).tx_dropped + rte_ring_count(bench.self->workers[0].handed), 3000);
    bench_close(&bench); /* with frames in the ring */
}

Test(port_dpdk, has_no_room_without_mbufs)
{
    struct xord_endpoint src = test_ep("10.7.0.2", 9001), dst = test_ep("10.7.0.1", 9000);
    struct bench bench = bench_open(1);
    unsigned cnt = rte_mempool_avail_count(bench.self->device.pool);
    struct rte_mbuf **all = calloc(cnt, sizeof(*all));
    struct xord_tx tx;

    meet_a(&bench, 0);
    send_text(&bench, 0, "spare", &src, &dst);
    bench.ops->tx_burst(bench.port, 0);
    (void)wire_take(0);
    cnt = rte_mempool_avail_count(bench.self->device.pool);
    cr_assert(rte_pktmbuf_alloc_bulk(bench.self->device.pool, all, cnt) == 0);
    cr_assert(!bench.ops->tx_alloc(bench.port, 0, &tx));
    turn_without(&bench, 0, start_ns);
    rte_pktmbuf_free_bulk(all, cnt);
    cr_assert(bench.ops->tx_alloc(bench.port, 0, &tx));
    free(all);
    bench_close(&bench);
}

/* ---- threads ---- */

struct visit {
    struct bench *bench;
    uint16_t w;
    unsigned lcore_before, lcore_after;
};

static void *visit_main(void *arg)
{
    struct visit *visit = arg;

    visit->lcore_before = rte_lcore_id();
    turn_without(visit->bench, visit->w, start_ns);
    visit->lcore_after = rte_lcore_id();
    return NULL;
}

Test(port_dpdk, gives_workers_an_lcore_number_while_they_live)
{
    struct bench bench = bench_open(2);

    for (uint16_t w = 0; w < 2; w++) {
        struct visit visit = {.bench = &bench, .w = w};
        unsigned before = rte_lcore_count();
        pthread_t thread;

        cr_assert(pthread_create(&thread, NULL, visit_main, &visit) == 0);
        pthread_join(thread, NULL);
        cr_assert_eq(visit.lcore_before, LCORE_ID_ANY);
        cr_assert_neq(visit.lcore_after, LCORE_ID_ANY);
        cr_assert_eq(rte_lcore_count(), before, "the number was not given back");
    }
    bench_close(&bench);
}

Test(port_dpdk, brings_the_net_rows_up_to_date)
{
    struct bench bench = bench_open(1);
    struct xord_counters counters = {0};

    meet_a(&bench, 0);
    wire_put_hex(&bench, 0, FRAME_ECHO4_A);
    wire_put_hex(&bench, 0, FRAME_MLD_A);
    turn_without(&bench, 0, start_ns);
    (void)wire_take(0);
    turn_without(&bench, 0, start_ns + SECOND);
    bench.ops->count(bench.port, 0, &counters);
    cr_assert_eq(xord_counter_get(&counters, XORD_CNT_net_arp), 1);
    cr_assert_eq(xord_counter_get(&counters, XORD_CNT_net_echo), 1);
    cr_assert_eq(xord_counter_get(&counters, XORD_CNT_net_dropped), 1);
    cr_assert_eq(xord_counter_get(&counters, XORD_CNT_net_tx_dropped), 0);
    bench_close(&bench);
}
