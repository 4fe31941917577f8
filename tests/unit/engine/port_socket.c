/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket port on loopback: both families, the local address read and set, several workers, what the system refuses. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "port_test.h"
#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_port.h"

#define MS     XORD_NS_PER_MS
#define S      XORD_NS_PER_S
#define WAIT_S 10 /* for a datagram on loopback: only a failing test waits so long */

static const struct xord_port_ops *const ops = &xord_port_socket;
static char err[XORD_PORT_ERR_LEN];

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * S + (uint64_t)ts.tv_nsec;
}

static struct xord_port_config config_of(const char *ip, uint16_t udp_port, uint16_t workers)
{
    struct xord_port_config config = {.spec = "socket", .udp_port = udp_port, .worker_cnt = workers};

    if (ip) {
        cr_assert_eq(xord_ip_parse(config.addrs[0].ip16, ip), 0);
        config.addrs[0].prefix_len = xord_ip_is_v4(config.addrs[0].ip16) ? 32 : 128;
        config.addr_cnt = 1;
    }
    return config;
}

static struct xord_port *try_open(const struct xord_port_config *config)
{
    err[0] = '\0';
    return xord_port_open(config, err);
}

static struct xord_port *open_port(const char *ip, uint16_t workers)
{
    struct xord_port_config config = config_of(ip, 0, workers);
    struct xord_port *port = try_open(&config);

    cr_assert_not_null(port, "%s", err);
    return port;
}

static bool have_v6(void)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    bool have = fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0;

    if (fd >= 0)
        close(fd);
    return have;
}

static void put_number(struct xord_port *port, uint16_t worker, const struct xord_endpoint *src,
        const struct xord_endpoint *dst, uint32_t number)
{
    uint8_t bytes[80] = {0};

    xord_store_be32(bytes, number);
    port_put(port, worker, bytes, sizeof(bytes), src, dst, 0);
}

/* Waits for at least one datagram. */
static uint16_t receive(struct xord_port *port, uint16_t worker, struct xord_pkt pkts[XORD_PORT_BURST])
{
    uint64_t end_ns = clock_ns() + WAIT_S * S;
    uint16_t n = 0;

    while ((n = ops->rx_burst(port, worker, pkts, XORD_PORT_BURST, clock_ns())) == 0 && clock_ns() < end_ns)
        ops->wait(port, worker, 10 * MS);
    return n;
}

/* There and back, each told who the other is. */
static void check_echo(const char *ip)
{
    struct xord_port *a = open_port(ip, 1), *b = open_port(ip, 1);
    struct xord_endpoint any = {0}, *at_a, *at_b;
    struct xord_pkt pkts[XORD_PORT_BURST];
    int family = strchr(ip, ':') != NULL;

    at_a = &a->bound[family];
    at_b = &b->bound[family];
    cr_assert(at_a->port != 0 && at_b->port != 0 && at_a->port != at_b->port);
    cr_assert_eq(a->bound[!family].port, 0);
    put_number(a, 0, &any, at_b, 7);
    ops->tx_burst(a, 0);
    cr_assert_eq(receive(b, 0, pkts), 1);
    cr_assert_eq(pkts[0].len, 80);
    cr_assert_eq(xord_load_be32(pkts[0].data), 7);
    cr_assert(xord_endpoint_equal(&pkts[0].src, at_a));
    cr_assert(xord_endpoint_equal(&pkts[0].dst, at_b));
    put_number(b, 0, at_b, at_a, 8);
    ops->tx_burst(b, 0);
    cr_assert_eq(receive(a, 0, pkts), 1);
    cr_assert_eq(xord_load_be32(pkts[0].data), 8);
    cr_assert(xord_endpoint_equal(&pkts[0].src, at_b));
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}

Test(port_socket, carries_v4)
{
    check_echo("127.0.0.1");
}

Test(port_socket, carries_v6)
{
    if (!have_v6())
        cr_skip_test("no IPv6 here");
    check_echo("::1");
}

Test(port_socket, without_an_address_takes_both_families_at_one_port)
{
    struct xord_port *a = open_port(NULL, 1);

    cr_assert_neq(a->bound[0].port, 0);
    cr_assert_eq(xord_ip_scope(a->bound[0].ip16), XORD_IP_UNSPECIFIED);
    if (have_v6())
        cr_assert_eq(a->bound[1].port, a->bound[0].port);
    ops->close(a);
    TEST_NO_LEAK();
}

/* One wildcard socket for a whole network: the address called is read, and answers leave from it. */
Test(port_socket, reads_and_sets_the_local_address)
{
    struct xord_port_config config = config_of("127.1.0.0", 0, 1);
    struct xord_endpoint any = {0}, dst, called;
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port *net, *b;

    config.whole_prefix = true;
    config.addrs[0].prefix_len = 16;
    net = try_open(&config);
    cr_assert_not_null(net, "%s", err);
    b = open_port("127.0.0.1", 1);
    cr_assert_eq(xord_ip_scope(net->bound[0].ip16), XORD_IP_UNSPECIFIED);
    for (uint8_t i = 1; i < 20; i++) {
        called = xord_endpoint_v4((const uint8_t[]){127, 1, i, 200}, net->bound[0].port);
        put_number(b, 0, &any, &called, i);
        ops->tx_burst(b, 0);
        cr_assert_eq(receive(net, 0, pkts), 1);
        cr_assert(xord_endpoint_equal(&pkts[0].dst, &called));
        dst = pkts[0].src;
        put_number(net, 0, &called, &dst, i);
        ops->tx_burst(net, 0);
        cr_assert_eq(receive(b, 0, pkts), 1);
        cr_assert(xord_endpoint_equal(&pkts[0].src, &called));
    }
    ops->close(net);
    ops->close(b);
    TEST_NO_LEAK();
}

Test(port_socket, reads_and_sets_the_local_address_of_v6)
{
    struct xord_endpoint any = {0}, called, dst;
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port *wild, *b;

    if (!have_v6())
        cr_skip_test("no IPv6 here");
    wild = open_port(NULL, 1);
    b = open_port("::1", 1);
    called = b->bound[1];
    called.port = wild->bound[1].port;
    put_number(b, 0, &any, &called, 1);
    ops->tx_burst(b, 0);
    cr_assert_eq(receive(wild, 0, pkts), 1);
    cr_assert(xord_endpoint_equal(&pkts[0].dst, &called));
    dst = pkts[0].src;
    put_number(wild, 0, &called, &dst, 2);
    ops->tx_burst(wild, 0);
    cr_assert_eq(receive(b, 0, pkts), 1);
    cr_assert(xord_endpoint_equal(&pkts[0].src, &called));
    ops->close(wild);
    ops->close(b);
    TEST_NO_LEAK();
}

/* More than a burst is queued, and more than a burst is received. */
Test(port_socket, carries_more_than_a_burst)
{
    struct xord_port *a = open_port("127.0.0.1", 1), *b = open_port("127.0.0.1", 1);
    struct xord_endpoint any = {0};
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port_stats stats;
    uint32_t got = 0;

    for (uint32_t i = 0; i < 300; i++)
        put_number(a, 0, &any, &b->bound[0], i);
    ops->tx_burst(a, 0);
    while (got < 300) {
        uint16_t n = receive(b, 0, pkts);

        cr_assert_gt(n, 0, "%u of 300 arrived", got);
        for (uint16_t i = 0; i < n; i++)
            cr_assert_eq(xord_load_be32(pkts[i].data), got + i);
        got += n;
    }
    ops->stats(a, &stats);
    cr_assert_eq(stats.tx_packets, 300);
    ops->stats(b, &stats);
    cr_assert_eq(stats.rx_packets, 300);
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}

/* What the system will not send is dropped alone. */
Test(port_socket, drops_what_cannot_be_sent)
{
    struct xord_port *a = open_port("127.0.0.1", 1), *b = open_port("127.0.0.1", 1);
    struct xord_endpoint any = {0}, never = xord_endpoint_v4((const uint8_t[]){255, 255, 255, 255}, 9);
    struct xord_endpoint v6 = {.ip16 = {0xfd}, .port = 9};
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port_stats stats;

    put_number(a, 0, &any, &b->bound[0], 1);
    put_number(a, 0, &any, &never, 2);
    put_number(a, 0, &any, &v6, 3);
    put_number(a, 0, &any, &b->bound[0], 4);
    ops->tx_burst(a, 0);
    cr_assert_geq(receive(b, 0, pkts), 1);
    ops->stats(a, &stats);
    cr_assert_eq(stats.tx_packets, 2);
    cr_assert_eq(stats.tx_dropped, 2);
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}

/* Longer than any packet of ours may be: seen as such, not cut to size. */
Test(port_socket, shows_oversized_datagrams_as_oversized)
{
    struct xord_port *a = open_port("127.0.0.1", 1);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(a->bound[0].port)};
    struct xord_pkt pkts[XORD_PORT_BURST];
    static const uint8_t data[3000];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t len = 1279; len <= 3000; len += len < 1290 ? 1 : 171) {
        cr_assert_eq(sendto(fd, data, len, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)len);
        cr_assert_eq(receive(a, 0, pkts), 1);
        cr_assert(len <= XORD_PACKET_MAX_LEN ? pkts[0].len == len : pkts[0].len > XORD_PACKET_MAX_LEN, "%zu", len);
    }
    cr_assert_eq(sendto(fd, data, 0, 0, (struct sockaddr *)&to, sizeof(to)), 0);
    cr_assert_eq(receive(a, 0, pkts), 1);
    cr_assert_eq(pkts[0].len, 0);
    close(fd);
    ops->close(a);
    TEST_NO_LEAK();
}

Test(port_socket, two_workers_share_the_flows)
{
    struct xord_port *a = open_port("127.0.0.1", 2), *senders[32];
    struct xord_endpoint any = {0};
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint32_t got[2] = {0, 0};
    bool seen[32] = {false};

    for (uint32_t i = 0; i < 32; i++) {
        senders[i] = open_port("127.0.0.1", 1);
        put_number(senders[i], 0, &any, &a->bound[0], i);
        ops->tx_burst(senders[i], 0);
    }
    for (uint16_t w = 0; w < 2; w++)
        for (uint16_t n; (n = ops->rx_burst(a, w, pkts, XORD_PORT_BURST, 0)) > 0; got[w] += n)
            for (uint16_t i = 0; i < n; i++) {
                cr_assert_not(seen[xord_load_be32(pkts[i].data)]);
                seen[xord_load_be32(pkts[i].data)] = true;
            }
    cr_assert_eq(got[0] + got[1], 32);
    cr_assert(got[0] > 2 && got[1] > 2, "%u and %u", got[0], got[1]);
    /* Both send from the one endpoint. */
    for (uint16_t w = 0; w < 2; w++) {
        put_number(a, w, &any, &senders[w]->bound[0], w);
        ops->tx_burst(a, w);
        cr_assert_eq(receive(senders[w], 0, pkts), 1);
        cr_assert(xord_endpoint_equal(&pkts[0].src, &a->bound[0]));
    }
    for (uint32_t i = 0; i < 32; i++)
        ops->close(senders[i]);
    ops->close(a);
    TEST_NO_LEAK();
}

/* Three workers of `config`, and senders to the address `ip` at their port: each datagram comes to the worker whose shard owns its
 * sender, by the hash over the address called, or over none where an identity has them all. */
static void check_steering(struct xord_port_config config, const char *ip, bool any_dst)
{
    struct xord_port *port = try_open(&config), *sender;
    struct xord_endpoint any = {0}, called = {0}, hashed;
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint32_t got[3] = {0}, sum = 0;

    cr_assert_not_null(port, "%s", err);
    cr_assert_eq(xord_ip_parse(called.ip16, ip), 0);
    called.port = port->bound[!xord_endpoint_is_v4(&called)].port;
    hashed = any_dst ? port->bound[!xord_endpoint_is_v4(&called)] : called;
    for (uint32_t i = 0; i < 64; i++) {
        sender = open_port(xord_endpoint_is_v4(&called) ? "127.0.0.1" : "::1", 1);
        put_number(sender, 0, &any, &called, i);
        ops->tx_burst(sender, 0);
        ops->close(sender);
    }
    for (uint16_t w = 0; w < 3; w++)
        for (uint16_t n; (n = ops->rx_burst(port, w, pkts, XORD_PORT_BURST, 0)) > 0; got[w] += n, sum += n)
            for (uint16_t i = 0; i < n && port->steers; i++)
                cr_assert_eq(xord_steer_shard(port->reta, xord_steer_hash(&pkts[i].src, &hashed)), w, "to %s", ip);
    cr_assert_eq(sum, 64);
    cr_assert(!port->steers || (got[0] > 5 && got[1] > 5 && got[2] > 5));
    ops->close(port);
}

Test(port_socket, brings_datagrams_to_their_owners)
{
    struct xord_port_config network = config_of("127.1.0.0", 0, 3);

    network.whole_prefix = true;
    network.addrs[0].prefix_len = 16;
    check_steering(config_of("127.0.0.1", 0, 3), "127.0.0.1", false);
    check_steering(config_of(NULL, 0, 3), "127.0.0.7", true);
    check_steering(network, "127.1.2.3", false);
    if (have_v6()) {
        check_steering(config_of("::1", 0, 3), "::1", false);
        check_steering(config_of(NULL, 0, 3), "::1", true);
    }
    TEST_NO_LEAK();
}

/* With both families open: neither is forgotten while the other has much to say. */
Test(port_socket, hears_the_quiet_family_too)
{
    struct xord_port *a = open_port(NULL, 1), *b4 = open_port("127.0.0.1", 1), *b6;
    struct xord_endpoint any = {0}, to4, to6;
    struct xord_pkt pkts[XORD_PORT_BURST];
    bool heard = false;

    if (!have_v6())
        cr_skip_test("no IPv6 here");
    b6 = open_port("::1", 1);
    to4 = b4->bound[0];
    to4.port = a->bound[0].port;
    to6 = b6->bound[1];
    to6.port = a->bound[1].port;
    put_number(b6, 0, &any, &to6, 6);
    ops->tx_burst(b6, 0);
    for (int burst = 0; burst < 20 && !heard; burst++) {
        put_number(b4, 0, &any, &to4, 4);
        ops->tx_burst(b4, 0);
        cr_assert_eq(receive(a, 0, pkts), 1);
        heard = xord_load_be32(pkts[0].data) == 6;
    }
    cr_assert(heard);
    ops->close(a);
    ops->close(b4);
    ops->close(b6);
    TEST_NO_LEAK();
}

Test(port_socket, a_port_in_use_is_one_sentence)
{
    for (uint16_t first = 1; first <= 2; first++)
        for (uint16_t second = 1; second <= 2; second++) {
            struct xord_port *a = open_port("127.0.0.1", first);
            struct xord_port_config config = config_of("127.0.0.1", a->bound[0].port, second);

            cr_assert_null(try_open(&config), "%u workers joined %u", second, first);
            cr_assert(strstr(err, "another program has that port"), "%s", err);
            cr_assert_null(strchr(err, '\n'));
            ops->close(a);
            a = try_open(&config);
            cr_assert_not_null(a, "free again: %s", err);
            ops->close(a);
        }
    TEST_NO_LEAK();
}

Test(port_socket, an_address_that_is_not_ours_is_one_sentence)
{
    struct xord_port_config config = config_of("203.0.113.77", 0, 1);

    cr_assert_null(try_open(&config));
    cr_assert(strstr(err, "no such address"), "%s", err);
    TEST_NO_LEAK();
}

/* ---- several places ---- */

/* A row for each address; `owners` has a digit for each: "001" when two are the first's. */
static struct xord_port_config config_at(const char *const *ips, const char *owners, uint16_t workers)
{
    struct xord_port_config config = {.spec = "socket", .worker_cnt = workers};

    for (; *ips; ips++, config.addr_cnt++) {
        struct xord_port_addr *addr = &config.addrs[config.addr_cnt];

        cr_assert_eq(xord_ip_parse(addr->ip16, *ips), 0);
        addr->prefix_len = xord_ip_is_v4(addr->ip16) ? 32 : 128;
        addr->owner = (uint8_t)(owners[config.addr_cnt] - '0');
    }
    return config;
}

static struct xord_endpoint row_ep(const struct xord_port *port, const struct xord_port_config *config, uint32_t row)
{
    return xord_endpoint_v6(config->addrs[row].ip16, port->udp_ports[row]);
}

static struct xord_port *open_at(const struct xord_port_config *config)
{
    struct xord_port *port = try_open(config);

    cr_assert_not_null(port, "%s", err);
    return port;
}

/* Each is told where it was called, and answers leave from there. */
Test(port_socket, serves_several_addresses_and_ports)
{
    struct xord_port_config config = config_at(
            (const char *[]){"127.0.0.1", "127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.3", NULL}, "01234", 1);
    struct xord_port *a = open_at(&config), *b = open_port("127.0.0.1", 1);
    struct xord_endpoint any = {0}, called;
    struct xord_pkt pkts[XORD_PORT_BURST];

    cr_assert_neq(a->udp_ports[1], a->udp_ports[2], "each owner has a port of its own");
    for (uint32_t round = 0; round < 4; round++)
        for (uint32_t row = 0; row < 5; row++) {
            called = row_ep(a, &config, row);
            put_number(b, 0, &any, &called, row);
            ops->tx_burst(b, 0);
            cr_assert_eq(receive(a, 0, pkts), 1);
            cr_assert(xord_endpoint_equal(&pkts[0].dst, &called));
            put_number(a, 0, &called, &pkts[0].src, row);
            ops->tx_burst(a, 0);
            cr_assert_eq(receive(b, 0, pkts), 1);
            cr_assert(xord_endpoint_equal(&pkts[0].src, &called));
        }
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}

/* Not the whole machine, as long as addresses are named. */
Test(port_socket, binds_no_more_than_it_was_told)
{
    struct xord_port_config mine = config_at((const char *[]){"127.0.0.1", "127.0.0.2", NULL}, "00", 1);
    struct xord_port_config theirs = config_at((const char *[]){"127.0.0.3", "127.0.0.4", NULL}, "00", 1);
    struct xord_port *a = open_at(&mine), *b;

    cr_assert_eq(a->udp_ports[0], a->udp_ports[1], "one port for an owner");
    cr_assert_eq(xord_ip_scope(a->bound[0].ip16), XORD_IP_UNSPECIFIED, "it is at several");
    theirs.udp_port = a->udp_ports[0];
    b = open_at(&theirs);
    ops->close(b);
    theirs.addrs[1] = mine.addrs[1];
    cr_assert_null(try_open(&theirs));
    cr_assert(strstr(err, "another program has that port"), "%s", err);
    ops->close(a);
    TEST_NO_LEAK();
}

/* Where the choice is left to the port: the first address of the family, or of those the first at that port. */
Test(port_socket, chooses_a_source_by_port_and_order)
{
    struct xord_port_config config = config_at((const char *[]){"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL}, "011", 1);
    struct xord_port *a = open_at(&config), *b = open_port("127.0.0.1", 1);
    struct xord_endpoint none = {0}, any4 = xord_endpoint_any(0, a->udp_ports[2]), foreign = row_ep(a, &config, 0);
    struct xord_endpoint want[2] = {row_ep(a, &config, 0), row_ep(a, &config, 1)};
    struct xord_pkt pkts[XORD_PORT_BURST];
    struct xord_port_stats stats;

    for (int i = 0; i < 2; i++) {
        put_number(a, 0, i ? &any4 : &none, &b->bound[0], 1);
        ops->tx_burst(a, 0);
        cr_assert_eq(receive(b, 0, pkts), 1);
        cr_assert(xord_endpoint_equal(&pkts[0].src, &want[i]));
    }
    foreign.ip16[15] = 99;
    put_number(a, 0, &foreign, &b->bound[0], 1);
    ops->tx_burst(a, 0);
    ops->stats(a, &stats);
    cr_assert_eq(stats.tx_dropped, 1, "not from where nobody is");
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}

/* Two that always have something must not keep the others waiting, nor each other. */
Test(port_socket, hears_the_quiet_ones_of_many)
{
    struct xord_port_config config = config_at(
            (const char *[]){"127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", NULL}, "01234", 1);
    struct xord_port *a = open_at(&config), *b = open_port("127.0.0.1", 1);
    struct xord_endpoint any = {0}, to;
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint32_t heard[5] = {0};

    for (uint32_t row = 2; row < 5; row++) {
        to = row_ep(a, &config, row);
        put_number(b, 0, &any, &to, row);
    }
    for (int burst = 0; burst < 120; burst++) {
        for (uint32_t row = 0; row < 2; row++) {
            to = row_ep(a, &config, row);
            put_number(b, 0, &any, &to, row);
        }
        ops->tx_burst(b, 0);
        cr_assert_eq(ops->rx_burst(a, 0, pkts, 1, 0), 1);
        heard[xord_load_be32(pkts[0].data)]++;
    }
    for (uint32_t row = 2; row < 5; row++)
        cr_assert_eq(heard[row], 1, "row %u", row);
    cr_assert(heard[0] > 30 && heard[1] > 30, "%u and %u", heard[0], heard[1]);
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}

/* An owner at one address is found by it, another at two by neither: then for both the address called is left out. */
Test(port_socket, steers_by_peers_alone_where_an_owner_is_at_several)
{
    struct xord_port_config several =
            config_at((const char *[]){"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL}, "001", 3);
    struct xord_port_config single = config_at((const char *[]){"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL}, "012", 3);
    struct xord_port *senders[64];
    struct xord_pkt pkts[XORD_PORT_BURST];

    for (uint32_t i = 0; i < 64; i++)
        senders[i] = open_port("127.0.0.1", 1);
    for (int any_dst = 0; any_dst < 2; any_dst++) {
        struct xord_port *port = open_at(any_dst ? &several : &single);
        uint32_t sum = 0;

        cr_assert_eq(port->any_dst[0], any_dst);
        cr_assert_eq(port->any_dst[1], false);
        for (uint32_t i = 0; i < 3 * 64; i++) {
            struct xord_endpoint any = {0}, to = row_ep(port, any_dst ? &several : &single, i % 3);

            put_number(senders[i / 3], 0, &any, &to, i);
            ops->tx_burst(senders[i / 3], 0);
        }
        for (uint16_t w = 0; w < 3; w++)
            for (uint16_t n; (n = ops->rx_burst(port, w, pkts, XORD_PORT_BURST, 0)) > 0; sum += n)
                for (uint16_t i = 0; i < n && port->steers; i++) {
                    struct xord_endpoint hashed = any_dst ? xord_endpoint_any(0, pkts[i].dst.port) : pkts[i].dst;

                    cr_assert_eq(xord_steer_shard(port->reta, xord_steer_hash(&pkts[i].src, &hashed)), w);
                }
        cr_assert_eq(sum, 3 * 64);
        ops->close(port);
    }
    for (uint32_t i = 0; i < 64; i++)
        ops->close(senders[i]);
    TEST_NO_LEAK();
}

/* What stands in rows that do not count is no address. */
Test(port_socket, everywhere_is_everywhere)
{
    struct xord_port_config config = config_of("127.0.0.1", 0, 1);
    struct xord_port *a;

    config.addrs[0].owner = 3;
    config.addr_cnt = 0;
    a = open_at(&config);
    cr_assert_eq(xord_ip_scope(a->bound[0].ip16), XORD_IP_UNSPECIFIED);
    cr_assert_neq(a->bound[0].port, 0);
    ops->close(a);
    TEST_NO_LEAK();
}

Test(port_socket, what_is_optional_may_be_missing)
{
    struct xord_port_config config = config_at((const char *[]){"127.0.0.1", "203.0.113.77", NULL}, "01", 2);
    struct xord_port *a;

    cr_assert_null(try_open(&config));
    config.addrs[1].optional = true;
    a = open_at(&config);
    cr_assert_neq(a->udp_ports[0], 0);
    cr_assert_eq(a->udp_ports[1], 0);
    ops->close(a);
    TEST_NO_LEAK();
}

static void *sleeper(void *arg)
{
    ops->wait(arg, 0, 30 * S);
    return NULL;
}

Test(port_socket, waits_for_datagrams_wakes_and_timeouts)
{
    struct xord_port *a = open_port("127.0.0.1", 1), *b = open_port("127.0.0.1", 1);
    struct xord_endpoint any = {0};
    struct xord_pkt pkts[XORD_PORT_BURST];
    uint64_t start_ns = clock_ns();
    pthread_t thread;

    ops->wait(a, 0, 20 * MS);
    cr_assert_geq(clock_ns() - start_ns, 20 * MS);
    start_ns = clock_ns();
    ops->wake(a, 0);
    ops->wait(a, 0, 30 * S);
    cr_assert_eq(pthread_create(&thread, NULL, sleeper, a), 0);
    ops->wake(a, 0);
    pthread_join(thread, NULL);
    put_number(b, 0, &any, &a->bound[0], 1);
    ops->tx_burst(b, 0);
    ops->wait(a, 0, 30 * S);
    cr_assert_eq(receive(a, 0, pkts), 1);
    cr_assert_lt(clock_ns() - start_ns, 20 * S);
    ops->close(a);
    ops->close(b);
    TEST_NO_LEAK();
}
