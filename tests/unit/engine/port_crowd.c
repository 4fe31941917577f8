/* SPDX-License-Identifier: BSD-3-Clause */
/* What stands between a port and the nodes of a crowd: on the simulated network, in virtual time. */
#include "xord_port_crowd.h"

#include <stdlib.h>

#include "port_test.h"
#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_sim.h"

#define NODES   100
#define SLOW_NS (400 * MS)
#define MS      XORD_NS_PER_MS
#define S       XORD_NS_PER_S
#define T0      (1000 * S)

static struct xord_sim *sim;
static struct xord_curve *curve;
static struct xord_aes *aes;
static struct xord_crowd *crowd;
static struct xord_port *net, *client;
static struct xord_endpoint client_ep;

static struct xord_port *open_port(const char *ip, unsigned prefix_len)
{
    struct xord_port_config config = {.spec = "sim",
            .addr_cnt = 1,
            .udp_port = 9000,
            .worker_cnt = 1,
            .whole_prefix = prefix_len < 32,
            .sim = sim};
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_port *port;

    cr_assert_eq(xord_ip_parse(config.addrs[0].ip16, ip), 0);
    config.addrs[0].prefix_len = (uint8_t)prefix_len;
    port = xord_port_open(&config, err);
    cr_assert_not_null(port, "%s", err);
    return port;
}

static void crowd_make(struct xord_crowd_config *config)
{
    static const uint8_t seed32[32] = {1};
    int err;

    curve = xord_curve_open(seed32);
    aes = xord_aes_native.open();
    cr_assert(curve && aes);
    config->node_cnt = NODES;
    config->seed = 4;
    config->start_ns = T0;
    config->host_bits = 16;
    config->udp_port = 9000;
    config->curve = curve;
    config->aes_ops = &xord_aes_native;
    config->aes = aes;
    cr_assert_eq(xord_ip_parse(config->ip16, "10.3.0.0"), 0);
    crowd = xord_crowd_new(&err, config, NULL);
    cr_assert_not_null(crowd);
}

static void start(struct xord_crowd_config config, struct xord_path_config path)
{
    struct xord_port *under;

    crowd_make(&config);
    sim = xord_sim_new(&(struct xord_sim_config){.capacity = 256});
    cr_assert_not_null(sim);
    under = open_port("10.3.0.0", 16);
    net = xord_port_crowd_new(under,
            &(struct xord_port_crowd_config){.crowd = crowd, .path = path, .worker_cnt = 1, .slow_ns = SLOW_NS}, T0);
    cr_assert_not_null(net);
    client = open_port("10.9.0.1", 32);
    client_ep = client->bound[0];
}

static void stop(void)
{
    net->ops->close(net);
    client->ops->close(client);
    xord_sim_free(sim);
    xord_crowd_free(crowd);
    xord_aes_native.close(aes);
    xord_curve_close(curve);
    TEST_NO_LEAK();
}

/* The client sends to an address; true: it has come to a node, at *dst. */
static bool reaches(const struct xord_endpoint *to, struct xord_endpoint *dst, uint64_t now_ns)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_endpoint any = {0};
    uint8_t bytes[100] = {0};
    uint16_t n;

    port_put(client, 0, bytes, sizeof(bytes), &any, to, now_ns);
    client->ops->tx_burst(client, 0);
    n = net->ops->rx_burst(net, 0, pkts, XORD_PORT_BURST, now_ns);
    if (n > 0)
        *dst = pkts[0].dst;
    return n > 0;
}

/* Node i sends to the client from its first address. */
static void answer(uint32_t i, uint64_t now_ns)
{
    struct xord_endpoint first = xord_crowd_endpoint(crowd, i, 0);
    uint8_t bytes[100] = {0};

    port_put(net, 0, bytes, sizeof(bytes), &first, &client_ep, now_ns);
    net->ops->tx_burst(net, 0);
}

/* What the client has got by then, and from where the last of it came. */
static uint16_t got(struct xord_endpoint *src, uint64_t now_ns)
{
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint16_t n;

    (void)net->ops->rx_burst(net, 0, pkts, XORD_PORT_BURST, now_ns); /* a turn of its worker */
    net->ops->tx_burst(net, 0);
    n = client->ops->rx_burst(client, 0, pkts, XORD_PORT_BURST, now_ns);
    if (n > 0)
        *src = pkts[n - 1].src;
    return n;
}

Test(port_crowd, the_dead_and_who_moved_on_are_not_reached)
{
    struct xord_port_crowd_stats stats;
    uint32_t reached = 0, moved = 0;

    start((struct xord_crowd_config){.dead = 0.2, .churn = 1}, (struct xord_path_config){0});
    for (uint32_t i = 0; i < NODES; i++) {
        uint64_t now_ns = T0 + 300 * S + i * MS;
        struct xord_endpoint first = xord_crowd_endpoint(crowd, i, 0), dst, src;
        struct xord_endpoint now = xord_crowd_endpoint(crowd, i, xord_crowd_version(crowd, i, now_ns));
        bool there = xord_crowd_kind(crowd, i) != XORD_CROWD_DEAD && xord_crowd_is_here(crowd, i, now_ns);

        cr_assert_eq(reaches(&now, &dst, now_ns), there);
        if (!there)
            continue;
        reached++;
        cr_assert(xord_endpoint_equal(&dst, &first), "to what is above, a node is at its first address");
        answer(i, now_ns);
        cr_assert_eq(got(&src, now_ns), 1);
        cr_assert(xord_endpoint_equal(&src, &now), "to others, where it is");
        if (!xord_endpoint_equal(&first, &now)) {
            moved++;
            cr_assert_not(reaches(&first, &dst, now_ns));
        }
    }
    cr_assert(reached > 30 && moved > 20, "%u, %u", reached, moved);
    xord_port_crowd_stats(net, &stats);
    cr_assert_eq(stats.nobody, NODES - reached + moved);
    stop();
}

Test(port_crowd, a_nat_lets_in_whom_its_node_has_spoken_to)
{
    struct xord_endpoint ep, dst;
    uint32_t i = 0;

    start((struct xord_crowd_config){.nat = 0.2}, (struct xord_path_config){0});
    while (xord_crowd_kind(crowd, i) != XORD_CROWD_NAT)
        i++;
    ep = xord_crowd_endpoint(crowd, i, 0);
    cr_assert_not(reaches(&ep, &dst, T0));
    answer(i, T0 + S);
    cr_assert(reaches(&ep, &dst, T0 + S));
    cr_assert(reaches(&ep, &dst, T0 + S + XORD_NAT_OPEN_NS));
    cr_assert_not(reaches(&ep, &dst, T0 + 3 * S + XORD_NAT_OPEN_NS), "the hole closes");
    stop();
}

Test(port_crowd, answers_take_their_time)
{
    const struct xord_path_config path = {.latency = {.cnt = 1, .ns = {50 * MS}}};
    struct xord_endpoint src;

    start((struct xord_crowd_config){.malicious = 0.1, .hostile = 1U << XORD_CROWD_SLOW}, path);
    for (uint32_t i = 0; i < NODES; i++) {
        uint64_t sent_ns = T0 + i * S, late_ns = 50 * MS;

        late_ns += xord_crowd_kind(crowd, i) == XORD_CROWD_SLOW ? SLOW_NS : 0;
        (void)got(&src, sent_ns);
        answer(i, sent_ns);
        cr_assert_eq(got(&src, sent_ns + late_ns - 3 * MS), 0);
        cr_assert_eq(got(&src, sent_ns + late_ns + 2 * MS), 1);
    }
    stop();
}

Test(port_crowd, loses_in_both_directions)
{
    struct xord_port_crowd_stats stats;
    struct xord_endpoint ep, dst, src;
    uint32_t in = 0, out = 0;

    start((struct xord_crowd_config){0}, (struct xord_path_config){.loss = 0.1});
    ep = xord_crowd_endpoint(crowd, 0, 0);
    for (uint32_t n = 0; n < 5000; n++) {
        uint64_t now_ns = T0 + n * MS;

        in += reaches(&ep, &dst, now_ns);
        answer(0, now_ns);
        out += got(&src, now_ns);
    }
    cr_assert(in > 4400 && in < 4600 && out > 4400 && out < 4600, "%u, %u", in, out);
    xord_port_crowd_stats(net, &stats);
    cr_assert_eq(stats.path.lost, 10000 - in - out);
    stop();
}
