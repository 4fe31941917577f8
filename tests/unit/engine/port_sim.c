/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulated network, in virtual time. */
#include "xord_sim.h"

#include <pthread.h>
#include <time.h>

#include "port_test.h"
#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_port.h"
#include "xord_steer.h"

#define MS XORD_NS_PER_MS
#define S  XORD_NS_PER_S
#define T0 (1000 * S)

static const uint8_t zeros[64];

static const struct xord_port_ops *const ops = &xord_port_sim;
static struct xord_sim *sim;

static void start(const struct xord_sim_config *config)
{
    sim = xord_sim_new(config);
    cr_assert_not_null(sim);
}

static void stop(void)
{
    xord_sim_free(sim);
    TEST_NO_LEAK();
}

static struct xord_endpoint ep(const char *ip, uint16_t port)
{
    uint8_t ip16[16];

    cr_assert_eq(xord_ip_parse(ip16, ip), 0);
    return xord_endpoint_v6(ip16, port);
}

static struct xord_port_config config_of(const char *ip, uint16_t workers)
{
    struct xord_port_config config = {.spec = "sim",
            .addr_cnt = 1,
            .udp_port = 9000,
            .worker_cnt = workers,
            .sim = sim};

    cr_assert_eq(xord_ip_parse(config.addrs[0].ip16, ip), 0);
    config.addrs[0].prefix_len = xord_ip_is_v4(config.addrs[0].ip16) ? 32 : 128;
    return config;
}

static struct xord_port *open_port(const char *ip, uint16_t workers)
{
    struct xord_port_config config = config_of(ip, workers);
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_port *port = xord_port_open(&config, err);

    cr_assert_not_null(port, "%s", err);
    cr_assert_eq(port->ops, ops);
    return port;
}

static void send_number(struct xord_port *port, const char *to, uint32_t number, uint64_t now_ns)
{
    struct xord_endpoint src = {0}, dst = ep(to, 9000);
    uint8_t bytes[100] = {0};

    xord_store_be32(bytes, number);
    port_put(port, 0, bytes, sizeof(bytes), &src, &dst, now_ns);
    ops->tx_burst(port, 0);
}

static uint16_t receive(struct xord_port *port, struct xord_pkt pkts[XORD_PORT_BURST], uint64_t now_ns)
{
    return ops->rx_burst(port, 0, pkts, XORD_PORT_BURST, now_ns);
}

Test(port_sim, carries_datagrams_with_their_endpoints)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_endpoint at_a, at_b;
    struct xord_port *a, *b;

    start(&(struct xord_sim_config){.capacity = 8});
    a = open_port("10.0.0.1", 1);
    b = open_port("10.0.0.2", 1);
    at_a = ep("10.0.0.1", 9000);
    at_b = ep("10.0.0.2", 9000);
    cr_assert(xord_endpoint_equal(&a->bound[0], &at_a));
    cr_assert_eq(a->bound[1].port, 0);
    for (uint32_t i = 0; i < 100; i++) { /* more than the pool holds: buffers come back */
        send_number(a, "10.0.0.2", i, T0 + i);
        cr_assert_eq(receive(a, pkts, T0 + i), 0);
        cr_assert_eq(receive(b, pkts, T0 + i), 1);
        cr_assert_eq(pkts[0].len, 100);
        cr_assert_eq(xord_load_be32(pkts[0].data), i);
        cr_assert(xord_endpoint_equal(&pkts[0].src, &at_a));
        cr_assert(xord_endpoint_equal(&pkts[0].dst, &at_b));
        pkts[0].data[0] = 1; /* writable */
    }
    ops->close(a);
    ops->close(b);
    stop();
}

Test(port_sim, both_families_and_whole_prefixes)
{
    struct xord_port_config config;
    struct xord_pkt pkts[XORD_PORT_BURST];
    char err[XORD_PORT_ERR_LEN];
    struct xord_port *a, *b;
    struct xord_endpoint src, dst;

    start(&(struct xord_sim_config){.capacity = 8});
    a = open_port("fd00::1", 1);
    config = config_of("10.1.0.0", 1);
    config.addrs[0].prefix_len = 16;
    config.addrs[1] = (struct xord_port_addr){.ip16 = {0xfd, 1}, .prefix_len = 64};
    config.addr_cnt = 2;
    config.whole_prefix = true;
    b = xord_port_open(&config, err);
    cr_assert_not_null(b, "%s", err);
    cr_assert_eq(xord_ip_scope(b->bound[0].ip16), XORD_IP_UNSPECIFIED);
    cr_assert(b->bound[0].port == 9000 && b->bound[1].port == 9000);
    send_number(a, "fd01::abcd", 1, T0);
    cr_assert_eq(receive(b, pkts, T0), 1);
    /* It answers from the address that was called. */
    dst = pkts[0].src;
    src = pkts[0].dst;
    port_put(b, 0, zeros, 63, &src, &dst, T0);
    cr_assert_eq(receive(a, pkts, T0), 1);
    cr_assert(xord_endpoint_equal(&pkts[0].src, &src));
    cr_assert_eq(receive(b, pkts, T0), 0);
    ops->close(a);
    ops->close(b);
    stop();
}

Test(port_sim, what_nobody_has_is_lost)
{
    struct xord_endpoint foreign, dst;
    struct xord_port_stats stats;
    struct xord_sim_stats totals;
    struct xord_port *a;

    start(&(struct xord_sim_config){.capacity = 8});
    a = open_port("10.0.0.1", 1);
    for (int i = 0; i < 20; i++)
        send_number(a, "10.0.0.9", 0, T0);
    send_number(a, "fd00::1", 0, T0); /* no address of that family */
    foreign = ep("10.0.0.8", 9000);
    dst = ep("10.0.0.1", 9000);
    port_put(a, 0, zeros, 63, &foreign, &dst, T0); /* not ours to send from */
    xord_sim_stats(sim, &totals);
    cr_assert_eq(totals.unrouted, 20);
    ops->stats(a, &stats);
    cr_assert_eq(stats.tx_packets, 20);
    cr_assert_eq(stats.tx_dropped, 2);
    ops->close(a);
    stop();
}

Test(port_sim, arrives_after_its_delay)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port *a, *b;

    start(&(struct xord_sim_config){.conditions = {.delay_ns = 30 * MS}});
    a = open_port("10.0.0.1", 1);
    b = open_port("10.0.0.2", 1);
    send_number(a, "10.0.0.2", 1, T0);
    send_number(a, "10.0.0.2", 2, T0 + 10 * MS);
    cr_assert_eq(receive(b, pkts, T0 + 30 * MS - 1), 0);
    cr_assert_eq(receive(b, pkts, T0 + 30 * MS), 1);
    cr_assert_eq(receive(b, pkts, T0 + 39 * MS), 0);
    cr_assert_eq(receive(b, pkts, T0 + 1 * S), 1);
    cr_assert_eq(xord_load_be32(pkts[0].data), 2);
    ops->close(a);
    ops->close(b);
    stop();
}

/* What 10,000 datagrams meet; returns how many out of order. Each arrives at most twice. */
static uint32_t trouble(const struct xord_sim_conditions *conditions, uint8_t seed, struct xord_sim_stats *totals,
        uint64_t *digest)
{
    enum { CNT = 10000 };
    static uint8_t seen[CNT];
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint32_t behind = 0, last = 0;
    struct xord_port *a, *b;

    memset(seen, 0, sizeof(seen));
    start(&(struct xord_sim_config){.seed32 = {seed}, .conditions = *conditions});
    a = open_port("10.0.0.1", 1);
    b = open_port("10.0.0.2", 1);
    *digest = 0;
    for (uint32_t i = 0; i < CNT + 1000; i++) {
        uint16_t n;

        if (i < CNT)
            send_number(a, "10.0.0.2", i, T0 + i * MS);
        n = receive(b, pkts, T0 + i * MS);
        for (uint16_t p = 0; p < n; p++) {
            uint32_t number = xord_load_be32(pkts[p].data);

            behind += number < last;
            last = number;
            cr_assert_leq(++seen[number], 2);
            *digest = *digest * 31 + number;
        }
    }
    xord_sim_stats(sim, totals);
    cr_assert_eq(totals->sent, CNT);
    cr_assert_eq(totals->delivered, CNT - totals->lost + totals->duplicated);
    ops->close(a);
    ops->close(b);
    xord_sim_free(sim);
    return behind;
}

Test(port_sim, loses_doubles_and_reorders_as_told)
{
    struct xord_sim_conditions conditions = {.delay_ns = 5 * MS};
    struct xord_sim_stats totals;
    uint64_t digest, again;

    cr_assert_eq(trouble(&conditions, 1, &totals, &digest), 0);
    cr_assert_eq(totals.lost + totals.duplicated, 0);
    conditions.loss_pm = 200;
    cr_assert_eq(trouble(&conditions, 1, &totals, &digest), 0);
    cr_assert(totals.lost > 1800 && totals.lost < 2200, "%lu lost", (unsigned long)totals.lost);
    conditions.duplicate_pm = 100;
    trouble(&conditions, 1, &totals, &digest);
    cr_assert(totals.duplicated > 650 && totals.duplicated < 950, "%lu doubled", (unsigned long)totals.duplicated);
    conditions.reorder_pm = 50;
    conditions.reorder_ns = 10 * MS;
    cr_assert_gt(trouble(&conditions, 1, &totals, &digest), 300);
    conditions.jitter_ns = 40 * MS;
    cr_assert_gt(trouble(&conditions, 1, &totals, &digest), 2000);
    trouble(&conditions, 1, &totals, &again);
    cr_assert_eq(digest, again, "the same seed gives another run");
    trouble(&conditions, 2, &totals, &again);
    cr_assert_neq(digest, again);
    TEST_NO_LEAK();
}

Test(port_sim, conditions_can_change)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port *a, *b;

    start(&(struct xord_sim_config){.conditions = {.loss_pm = 1000}});
    a = open_port("10.0.0.1", 1);
    b = open_port("10.0.0.2", 1);
    send_number(a, "10.0.0.2", 1, T0);
    xord_sim_set_conditions(sim, &(struct xord_sim_conditions){.delay_ns = 1});
    send_number(a, "10.0.0.2", 2, T0);
    cr_assert_eq(receive(b, pkts, T0 + 1), 1);
    cr_assert_eq(xord_load_be32(pkts[0].data), 2);
    ops->close(a);
    ops->close(b);
    stop();
}

Test(port_sim, is_bounded)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_sim_stats totals;
    struct xord_port *a, *b;

    start(&(struct xord_sim_config){.capacity = 10});
    a = open_port("10.0.0.1", 1);
    b = open_port("10.0.0.2", 1);
    for (uint32_t i = 0; i < 15; i++)
        send_number(a, "10.0.0.2", i, T0);
    xord_sim_stats(sim, &totals);
    cr_assert_eq(totals.overflow, 5);
    cr_assert_eq(receive(b, pkts, T0), 10);
    send_number(a, "10.0.0.2", 20, T0); /* the burst's buffers are still in use */
    xord_sim_stats(sim, &totals);
    cr_assert_eq(totals.overflow, 6);
    cr_assert_eq(receive(b, pkts, T0), 0);
    send_number(a, "10.0.0.2", 21, T0);
    cr_assert_eq(receive(b, pkts, T0), 1);
    for (uint32_t i = 0; i < 9; i++)
        send_number(a, "10.0.0.2", i, T0);
    ops->close(b); /* with datagrams under way and one in hand: all come back */
    b = open_port("10.0.0.2", 1);
    for (uint32_t i = 0; i < 10; i++)
        send_number(a, "10.0.0.2", i, T0);
    cr_assert_eq(receive(b, pkts, T0), 10);
    ops->close(a);
    ops->close(b);
    stop();
}

/* Each flow to one worker; with steering to the one that owns it. */
static void check_workers(bool steers)
{
    uint32_t home = 0, cnt[3] = {0};
    struct xord_port *a, *b;

    start(&(struct xord_sim_config){.steers = steers});
    {
        struct xord_port_config config = config_of("10.1.0.0", 1);
        char err[XORD_PORT_ERR_LEN];

        config.whole_prefix = true;
        config.addrs[0].prefix_len = 16;
        a = xord_port_open(&config, err);
        cr_assert_not_null(a);
    }
    b = open_port("10.0.0.2", 3);
    cr_assert_eq(b->steers, steers);
    for (uint32_t i = 0; i < 300; i++) {
        struct xord_endpoint dst = ep("10.0.0.2", 9000), src = ep("10.1.0.0", 9000);

        xord_store_be16(src.ip16 + 14, (uint16_t)i);
        for (int twice = 0; twice < 2; twice++)
            port_put(a, 0, zeros, 63, &src, &dst, T0);
        for (uint16_t w = 0; w < 3; w++) {
            struct xord_pkt pkts[XORD_PORT_BURST];
            uint16_t n = ops->rx_burst(b, w, pkts, XORD_PORT_BURST, T0);

            cr_assert(n == 0 || n == 2, "a flow is split");
            cr_assert(n == 0 || pkts[0].has_hash == steers);
            cr_assert(n == 0 || !steers || pkts[0].hash == xord_steer_hash(&src, &dst));
            cnt[w] += n;
            home += n && w == xord_steer_queue(xord_steer_hash(&src, &dst), 3);
        }
    }
    cr_assert(cnt[0] > 100 && cnt[1] > 100 && cnt[2] > 100);
    cr_assert(steers ? home == 300 : home < 200);
    ops->close(a);
    ops->close(b);
    stop();
}

Test(port_sim, spreads_flows_over_workers)
{
    check_workers(false);
}

Test(port_sim, steers_flows_to_their_owners)
{
    check_workers(true);
}

Test(port_sim, refuses_what_cannot_be)
{
    char err[XORD_PORT_ERR_LEN];
    struct xord_port_config config;
    struct xord_port *a;

    start(&(struct xord_sim_config){.capacity = 8});
    a = open_port("10.0.0.1", 1);
    config = config_of("10.0.0.1", 1);
    cr_assert_null(xord_port_open(&config, err));
    cr_assert(strstr(err, "has that address"), "%s", err);
    config.udp_port = 0;
    cr_assert_null(xord_port_open(&config, err));
    config = config_of("10.0.0.3", 1);
    config.sim = NULL;
    cr_assert_null(xord_port_open(&config, err));
    config = config_of("10.0.0.3", 1);
    config.addr_cnt = 0;
    cr_assert_null(xord_port_open(&config, err));
    config = config_of("10.0.0.3", 1);
    config.spec = "simulated";
    cr_assert_null(xord_port_open(&config, err));
    ops->close(a);
    stop();
}

/* ---- waiting, by the clock ---- */

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

static void *sleeper(void *arg)
{
    ops->wait(arg, 0, 20 * S);
    return NULL;
}

Test(port_sim, waits_for_datagrams_wakes_and_timeouts)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint64_t start_ns = clock_ns();
    struct xord_port *a, *b;
    pthread_t thread;

    start(&(struct xord_sim_config){.conditions = {.delay_ns = 30 * MS}});
    a = open_port("10.0.0.1", 1);
    b = open_port("10.0.0.2", 1);
    ops->wait(b, 0, 20 * MS);
    cr_assert_geq(clock_ns() - start_ns, 20 * MS);
    /* A wake before the wait is not lost. */
    ops->wake(b, 0);
    start_ns = clock_ns();
    ops->wait(b, 0, 20 * S);
    /* What is under way ends it when it arrives. */
    receive(b, pkts, clock_ns());
    send_number(a, "10.0.0.2", 1, clock_ns());
    ops->wait(b, 0, 20 * S);
    cr_assert_eq(receive(b, pkts, clock_ns() + 1 * MS), 1);
    cr_assert_eq(pthread_create(&thread, NULL, sleeper, b), 0);
    ops->wake(b, 0);
    pthread_join(thread, NULL);
    cr_assert_eq(pthread_create(&thread, NULL, sleeper, b), 0);
    send_number(a, "10.0.0.2", 2, clock_ns());
    pthread_join(thread, NULL);
    cr_assert_lt(clock_ns() - start_ns, 10 * S);
    ops->close(a);
    ops->close(b);
    stop();
}
