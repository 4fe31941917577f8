/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel UDP sockets by recvmmsg and sendmmsg. Each worker has a socket of its own (SO_REUSEPORT) at each address and port asked
 * for, among which a filter chooses by the steering hash (socket_steer.c). Where all addresses of a family or of a whole prefix
 * are ours it is one at the wildcard address, which reads and sets the local address by IP_PKTINFO. Needs no privilege. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "socket_steer_private.h"
#include "xord_clock.h"
#include "xord_counter.h"
#include "xord_port.h"

#define BUF_LEN     1536 /* more than a packet, so that an oversized one is seen as such */
#define CONTROL_LEN 64
#define OTHER_TURN  8 /* in so many bursts one begins with another socket */

_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= CONTROL_LEN, "control buffer holds either PKTINFO");
_Static_assert(CMSG_SPACE(sizeof(struct in_pktinfo)) <= CONTROL_LEN, "control buffer holds either PKTINFO");

union name {
    struct sockaddr sa;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

/* A datagram received. */
struct slot {
    union name name;
    struct iovec iov;
    _Alignas(8) uint8_t control[CONTROL_LEN];
    _Alignas(8) uint8_t data[BUF_LEN];
};

/* Datagrams that wait for the sendmmsg of one socket, where they stand: in a buffer of ours, which is then free again, or in the
 * slot that they were received in. */
struct tx_queue {
    struct {
        union name name;
        struct iovec iov;
        uint8_t *buf; /* NULL: a slot */
        _Alignas(8) uint8_t control[CONTROL_LEN];
    } rows[XORD_PORT_BURST];
    struct mmsghdr msgs[XORD_PORT_BURST];
    uint32_t cnt;
};

#define TX_BUFS (3 * XORD_PORT_BURST) /* two bursts that wait, and one given out */

/* Where we are reached: a socket of each worker. */
struct place {
    struct xord_endpoint ep; /* as bound */
    bool any_addr;           /* at all addresses of its family, so that each datagram has to say which it is about */
};

struct worker {
    _Alignas(64) uint32_t rx_place; /* with which the next rx_burst begins: the one that had something last */
    uint8_t rx_turn;
    struct pollfd
            fds[1 + XORD_PORT_MAX_ADDR]; /* [0] an eventfd to wake it, then its sockets in the order of the places */
    struct tx_queue *tx;                 /* one a place */
    struct slot rx[XORD_PORT_BURST];
    struct mmsghdr rx_msgs[XORD_PORT_BURST];
    uint32_t free_cnt, out_cnt;
    uint8_t *free_bufs[TX_BUFS];
    uint8_t *out_bufs[XORD_BURST_MAX]; /* given out by tx_alloc; NULL: queued since */
    uint8_t tx_bufs[TX_BUFS][XORD_TX_ROOM];
    /* written by the worker, read by stats */
    _Atomic uint64_t rx_packets, tx_packets, tx_dropped;
    _Atomic int tx_errno;
};

struct socket_port {
    struct xord_port base;
    uint16_t worker_cnt;
    uint32_t place_cnt;
    struct place places[XORD_PORT_MAX_ADDR];
    int32_t only[2]; /* by family: the place that all datagrams leave from; ONLY_NONE, ONLY_MANY */
    struct worker *workers;
};

#define ONLY_NONE (-1)
#define ONLY_MANY (-2)

static struct socket_port *self_of(struct xord_port *port)
{
    return (struct socket_port *)port;
}

static void bump(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* ---- addresses ---- */

static socklen_t name_from_endpoint(union name *name, const struct xord_endpoint *ep)
{
    memset(name, 0, sizeof(*name));
    if (xord_endpoint_is_v4(ep)) {
        name->in.sin_family = AF_INET;
        name->in.sin_port = htons(ep->port);
        memcpy(&name->in.sin_addr, ep->ip16 + 12, 4);
        return sizeof(name->in);
    }
    name->in6.sin6_family = AF_INET6;
    name->in6.sin6_port = htons(ep->port);
    memcpy(&name->in6.sin6_addr, ep->ip16, 16);
    return sizeof(name->in6);
}

static struct xord_endpoint endpoint_from_name(const union name *name)
{
    if (name->sa.sa_family == AF_INET)
        return xord_endpoint_v4((const uint8_t *)&name->in.sin_addr, ntohs(name->in.sin_port));
    return xord_endpoint_v6(name->in6.sin6_addr.s6_addr, ntohs(name->in6.sin6_port));
}

/* The local address that a datagram was sent to. */
static void dst_from_control(struct xord_endpoint *dst, struct msghdr *hdr)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            *dst = xord_endpoint_v4((const uint8_t *)&info.ipi_addr, dst->port);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;

            memcpy(&info, CMSG_DATA(c), sizeof(info));
            *dst = xord_endpoint_v6(info.ipi6_addr.s6_addr, dst->port);
        }
    }
}

static void control_from_src(struct msghdr *hdr, uint8_t *control, const struct xord_endpoint *src)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)control;

    memset(control, 0, CONTROL_LEN);
    hdr->msg_control = control;
    if (xord_endpoint_is_v4(src)) {
        struct in_pktinfo info = {0};

        memcpy(&info.ipi_spec_dst, src->ip16 + 12, 4);
        hdr->msg_controllen = CMSG_SPACE(sizeof(info));
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
    } else {
        struct in6_pktinfo info = {0};

        memcpy(&info.ipi6_addr, src->ip16, 16);
        hdr->msg_controllen = CMSG_SPACE(sizeof(info));
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)),
                .cmsg_level = IPPROTO_IPV6,
                .cmsg_type = IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
    }
}

/* ---- opening ---- */

static const char *why(int error)
{
    if (error == EADDRINUSE)
        return "another program has that port: choose one with --udp, or stop it";
    if (error == EADDRNOTAVAIL)
        return "this machine has no such address: check --ip";
    if (error == EACCES || error == EPERM)
        return "not permitted: ports below 1024 need root; choose another with --udp";
    return strerror(error);
}

static int fail(char *err, const struct xord_endpoint *ep, const char *verb, int error)
{
    char text[XORD_ENDPOINT_TEXT_LEN];

    snprintf(err, XORD_PORT_ERR_LEN, "cannot %s UDP %s: %s", verb, xord_endpoint_format(text, ep), why(error));
    return -1;
}

static int socket_make(int family, bool reuse, bool any_addr)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    int one = 1, size = XORD_PORT_SOCKET_BUF;

    if (fd < 0)
        return -1;
    if (reuse)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (any_addr && family == AF_INET)
        (void)setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one));
    if (any_addr && family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
    return fd;
}

static int socket_bind(int *fd_out, struct xord_endpoint *ep, bool reuse, char *err)
{
    union name name;
    socklen_t len = name_from_endpoint(&name, ep);
    int fd = socket_make(name.sa.sa_family, reuse, xord_ip_scope(ep->ip16) == XORD_IP_UNSPECIFIED);

    if (fd < 0)
        return fail(err, ep, "open", errno);
    if (bind(fd, &name.sa, len)) {
        int error = errno;

        close(fd);
        errno = error;
        return fail(err, ep, "bind", error);
    }
    len = sizeof(name);
    if (getsockname(fd, &name.sa, &len) == 0)
        ep->port = endpoint_from_name(&name).port;
    *fd_out = fd;
    return 0;
}

static int *socket_of(struct worker *worker, uint32_t place)
{
    return &worker->fds[1 + place].fd;
}

/* A group that shares a port would also let a second xord of the same user join it unnoticed: an exclusive socket goes
 * first and finds out whether the port is free. */
static int place_open(struct socket_port *self, uint32_t i, char *err)
{
    struct xord_endpoint *ep = &self->places[i].ep;
    int family = !xord_endpoint_is_v4(ep), probe;

    if (self->worker_cnt == 1)
        return socket_bind(socket_of(&self->workers[0], i), ep, false, err);
    if (socket_bind(&probe, ep, false, err))
        return -1;
    close(probe);
    for (uint16_t w = 0; w < self->worker_cnt; w++)
        if (socket_bind(socket_of(&self->workers[w], i), ep, true, err))
            return -1;
    if (socket_steer(*socket_of(&self->workers[0], i), family, self->worker_cnt, self->base.any_dst[family]))
        self->base.steers = false; /* a system without such filters: the engine hands over what comes to another */
    return 0;
}

/* With any free port asked for, an owner's first address chooses for all of them. */
static uint16_t port_wanted(const struct socket_port *self, const struct xord_port_config *config, uint32_t row)
{
    uint16_t udp_port = config->addrs[row].udp_port ? config->addrs[row].udp_port : config->udp_port;

    for (uint32_t i = 0; i < row && udp_port == 0; i++)
        if (config->addrs[i].owner == config->addrs[row].owner)
            udp_port = self->base.udp_ports[i];
    return udp_port;
}

static struct xord_endpoint endpoint_wanted(const struct socket_port *self, const struct xord_port_config *config,
        uint32_t row)
{
    const uint8_t *ip16 = config->addrs[row].ip16;
    uint16_t udp_port = port_wanted(self, config, row);

    return config->whole_prefix ? xord_endpoint_any(!xord_ip_is_v4(ip16), udp_port) : xord_endpoint_v6(ip16, udp_port);
}

static bool place_is_there(const struct socket_port *self, const struct xord_endpoint *ep)
{
    for (uint32_t i = 0; i < self->place_cnt; i++)
        if (xord_endpoint_equal(&self->places[i].ep, ep))
            return true;
    return false;
}

/* One socket takes all prefixes of a family. */
static int row_open(struct socket_port *self, const struct xord_port_config *config, uint32_t row, char *err)
{
    struct place *place = &self->places[self->place_cnt];

    place->ep = endpoint_wanted(self, config, row);
    self->base.udp_ports[row] = place->ep.port;
    if (config->whole_prefix && place_is_there(self, &place->ep))
        return 0;
    place->any_addr = xord_ip_scope(place->ep.ip16) == XORD_IP_UNSPECIFIED;
    if (place_open(self, self->place_cnt, err)) {
        self->base.udp_ports[row] = 0;
        return config->addrs[row].optional && errno != EADDRINUSE ? 0 : -1;
    }
    self->base.udp_ports[row] = place->ep.port;
    self->only[!xord_endpoint_is_v4(&place->ep)] =
            self->only[!xord_endpoint_is_v4(&place->ep)] == ONLY_NONE ? (int32_t)self->place_cnt : ONLY_MANY;
    self->place_cnt++;
    return 0;
}

static void socket_close(struct xord_port *port)
{
    struct socket_port *self = self_of(port);

    for (uint16_t w = 0; self->workers && w < self->worker_cnt; w++) {
        struct worker *worker = &self->workers[w];

        for (uint32_t i = 0; i <= XORD_PORT_MAX_ADDR; i++)
            if (worker->fds[i].fd >= 0)
                close(worker->fds[i].fd);
        free(worker->tx);
    }
    free(self->workers);
    free(self);
}

static bool worker_init(struct worker *worker, uint32_t place_max)
{
    for (uint32_t i = 0; i <= XORD_PORT_MAX_ADDR; i++)
        worker->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    worker->fds[0].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    worker->tx = calloc(place_max, sizeof(*worker->tx));
    if (!worker->tx)
        return false;
    for (int i = 0; i < XORD_PORT_BURST; i++) {
        struct slot *slot = &worker->rx[i];

        slot->iov = (struct iovec){slot->data, sizeof(slot->data)};
        worker->rx_msgs[i].msg_hdr = (struct msghdr){.msg_name = &slot->name, .msg_iov = &slot->iov, .msg_iovlen = 1};
        for (uint32_t place = 0; place < place_max; place++)
            worker->tx[place].msgs[i].msg_hdr = (struct msghdr){.msg_name = &worker->tx[place].rows[i].name,
                    .msg_iov = &worker->tx[place].rows[i].iov,
                    .msg_iovlen = 1};
    }
    for (int i = 0; i < TX_BUFS; i++)
        worker->free_bufs[worker->free_cnt++] = worker->tx_bufs[i];
    return true;
}

static struct socket_port *socket_new(const struct xord_port_config *config)
{
    struct socket_port *self = calloc(1, sizeof(*self));
    bool ok = true;

    if (self)
        self->workers = aligned_alloc(64, config->worker_cnt * sizeof(*self->workers));
    if (!self || !self->workers) {
        free(self);
        return NULL;
    }
    memset(self->workers, 0, config->worker_cnt * sizeof(*self->workers));
    self->base.ops = &xord_port_socket;
    self->worker_cnt = config->worker_cnt;
    self->only[0] = self->only[1] = ONLY_NONE;
    self->base.steers = config->worker_cnt > 1;
    xord_steer_deal(self->base.reta, config->worker_cnt, config->worker_cnt);
    for (uint16_t w = 0; w < config->worker_cnt; w++)
        ok &= worker_init(&self->workers[w], config->addr_cnt);
    if (ok)
        return self;
    socket_close(&self->base);
    return NULL;
}

static struct xord_port *open_at(const struct xord_port_config *config, char *err)
{
    struct socket_port *self = socket_new(config);

    if (!self) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        return NULL;
    }
    xord_port_set_any_dst(&self->base, config);
    for (uint32_t row = 0; row < config->addr_cnt; row++)
        if (row_open(self, config, row, err)) {
            socket_close(&self->base);
            return NULL;
        }
    xord_port_set_bound(&self->base, config);
    return &self->base;
}

static struct xord_port *socket_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct xord_port_config everywhere;

    if (config->addr_cnt > 0)
        return open_at(config, err);
    everywhere = *config;
    everywhere.addr_cnt = 2;
    for (int family = 0; family < 2; family++) {
        everywhere.addrs[family] = (struct xord_port_addr){.optional = family == 1};
        memcpy(everywhere.addrs[family].ip16, xord_endpoint_any(family, 0).ip16, 16);
    }
    return open_at(&everywhere, err);
}

/* ---- receiving ---- */

static uint16_t place_rx(struct socket_port *self, struct worker *worker, uint32_t i, struct xord_pkt *pkts,
        uint16_t max)
{
    const struct place *place = &self->places[i];
    int n;

    for (uint16_t m = 0; m < max; m++) {
        worker->rx_msgs[m].msg_hdr.msg_namelen = sizeof(worker->rx[m].name);
        worker->rx_msgs[m].msg_hdr.msg_control = place->any_addr ? worker->rx[m].control : NULL;
        worker->rx_msgs[m].msg_hdr.msg_controllen = place->any_addr ? CONTROL_LEN : 0;
    }
    n = recvmmsg(*socket_of(worker, i), worker->rx_msgs, max, MSG_DONTWAIT, NULL);
    if (n <= 0)
        return 0;
    for (int m = 0; m < n; m++) {
        pkts[m] = (struct xord_pkt){
                .data = worker->rx[m].data,
                .buf = &worker->rx[m],
                .len = (uint16_t)worker->rx_msgs[m].msg_len,
                .src = endpoint_from_name(&worker->rx[m].name),
                .dst = place->ep,
        };
        if (place->any_addr)
            dst_from_control(&pkts[m].dst, &worker->rx_msgs[m].msg_hdr);
    }
    bump(&worker->rx_packets, (uint64_t)n);
    worker->rx_place = i;
    return (uint16_t)n;
}

/* From the next one on that has something, as far as poll can tell; of two the other one, without asking it. */
static uint16_t others_rx(struct socket_port *self, struct worker *worker, struct xord_pkt *pkts, uint16_t max)
{
    uint32_t cnt = self->place_cnt, last = worker->rx_place;
    uint16_t n = 0;

    if (cnt == 2)
        return place_rx(self, worker, last ^ 1, pkts, max);
    if (poll(worker->fds + 1, cnt, 0) <= 0)
        return 0;
    for (uint32_t i = 1; i <= cnt && n == 0; i++)
        if (worker->fds[1 + (last + i) % cnt].revents)
            n = place_rx(self, worker, (last + i) % cnt, pkts, max);
    return n;
}

static void flush_all(struct socket_port *self, struct worker *worker);

/* One socket a call, so that a burst's buffers are never shared; answers that stand in those of the last leave first. Begins with
 * the socket that had something last, as the others seldom do: a system call for nothing. Now and then with another. */
static uint16_t socket_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max,
        uint64_t now_ns)
{
    struct socket_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    bool others_first;
    uint16_t n;

    (void)now_ns;
    if (max == 0)
        return 0;
    if (max > XORD_PORT_BURST)
        max = XORD_PORT_BURST;
    flush_all(self, worker);
    if (self->place_cnt == 1)
        return place_rx(self, worker, 0, pkts, max);
    others_first = ++worker->rx_turn % OTHER_TURN == 0;
    n = others_first ? others_rx(self, worker, pkts, max) : place_rx(self, worker, worker->rx_place, pkts, max);
    if (n > 0)
        return n;
    return others_first ? place_rx(self, worker, worker->rx_place, pkts, max) : others_rx(self, worker, pkts, max);
}

/* ---- sending ---- */

/* sendmmsg stops at the first datagram that the system refuses: that one is dropped, the rest go on. */
static void queue_flush(struct worker *worker, uint32_t place)
{
    struct tx_queue *queue = &worker->tx[place];
    uint32_t sent = 0, dropped = 0;

    while (sent + dropped < queue->cnt) {
        uint32_t at = sent + dropped;
        int n = sendmmsg(*socket_of(worker, place), queue->msgs + at, queue->cnt - at, MSG_DONTWAIT);

        if (n > 0) {
            sent += (uint32_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else {
            atomic_store_explicit(&worker->tx_errno, errno, memory_order_relaxed);
            dropped++;
        }
    }
    for (uint32_t i = 0; i < queue->cnt; i++)
        if (queue->rows[i].buf)
            worker->free_bufs[worker->free_cnt++] = queue->rows[i].buf;
    bump(&worker->tx_packets, sent);
    bump(&worker->tx_dropped, dropped);
    queue->cnt = 0;
}

static void flush_all(struct socket_port *self, struct worker *worker)
{
    for (uint32_t i = 0; i < self->place_cnt; i++)
        if (worker->tx[i].cnt > 0)
            queue_flush(worker, i);
}

static void socket_tx_burst(struct xord_port *port, uint16_t w)
{
    flush_all(self_of(port), &self_of(port)->workers[w]);
}

static bool socket_tx_alloc(struct xord_port *port, uint16_t w, struct xord_tx *tx)
{
    struct socket_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    uint8_t **out;

    if (worker->out_cnt == XORD_BURST_MAX)
        return false;
    if (worker->free_cnt == 0)
        flush_all(self, worker);
    out = &worker->out_bufs[worker->out_cnt];
    if (!*out)
        *out = worker->free_bufs[--worker->free_cnt];
    worker->out_cnt++;
    tx->data = *out;
    tx->buf = out;
    return true;
}

/* The place that a datagram leaves from: that of its source; where the choice is left to us the first of its family, or of those
 * the first with its port. Mostly the one that had something last. */
static int32_t place_of(const struct socket_port *self, const struct worker *worker, const struct xord_tx *tx)
{
    bool v4 = xord_endpoint_is_v4(&tx->dst), any_src = xord_ip_scope(tx->src.ip16) == XORD_IP_UNSPECIFIED;
    int32_t found = ONLY_NONE;

    if (xord_endpoint_equal(&self->places[worker->rx_place].ep, &tx->src) && xord_endpoint_is_v4(&tx->src) == v4)
        return (int32_t)worker->rx_place;
    for (uint32_t i = 0; i < self->place_cnt; i++) {
        const struct place *place = &self->places[i];

        if (xord_endpoint_is_v4(&place->ep) != v4)
            continue;
        if (xord_endpoint_equal(&place->ep, &tx->src))
            return (int32_t)i;
        if (found == ONLY_NONE && (any_src || place->any_addr) && (tx->src.port == 0 || tx->src.port == place->ep.port))
            found = (int32_t)i;
    }
    return found;
}

static void queue_put(struct socket_port *self, struct worker *worker, const struct xord_tx *tx)
{
    bool in_slot = (uint8_t *)tx->buf >= (uint8_t *)worker->rx && (uint8_t *)tx->buf < (uint8_t *)worker->rx_msgs;
    int32_t place = self->only[!xord_endpoint_is_v4(&tx->dst)];
    struct tx_queue *queue;
    uint32_t i;

    if (place == ONLY_MANY)
        place = place_of(self, worker, tx);
    if (place == ONLY_NONE) {
        bump(&worker->tx_dropped, 1);
        return;
    }
    queue = &worker->tx[place];
    if (queue->cnt == XORD_PORT_BURST)
        queue_flush(worker, (uint32_t)place);
    i = queue->cnt++;
    queue->rows[i].iov = (struct iovec){tx->data, tx->len};
    queue->rows[i].buf = in_slot ? NULL : tx->data;
    if (!in_slot)
        *(uint8_t **)tx->buf = NULL;
    queue->msgs[i].msg_hdr.msg_namelen = name_from_endpoint(&queue->rows[i].name, &tx->dst);
    queue->msgs[i].msg_hdr.msg_control = NULL;
    queue->msgs[i].msg_hdr.msg_controllen = 0;
    if (self->places[place].any_addr && xord_ip_scope(tx->src.ip16) != XORD_IP_UNSPECIFIED)
        control_from_src(&queue->msgs[i].msg_hdr, queue->rows[i].control, &tx->src);
}

static void socket_tx_put(struct xord_port *port, uint16_t w, const struct xord_tx *txs, uint16_t cnt, uint64_t now_ns)
{
    struct socket_port *self = self_of(port);
    struct worker *worker = &self->workers[w];

    (void)now_ns;
    for (uint16_t i = 0; i < cnt; i++)
        queue_put(self, worker, &txs[i]);
    worker->out_cnt = 0;
}

/* ---- waiting ---- */

static void socket_wait(struct xord_port *port, uint16_t w, uint64_t timeout_ns)
{
    struct socket_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    struct timespec timeout = {(time_t)(timeout_ns / XORD_NS_PER_S), (long)(timeout_ns % XORD_NS_PER_S)};
    uint64_t wakes;

    if (ppoll(worker->fds, 1 + self->place_cnt, &timeout, NULL) > 0 && worker->fds[0].revents)
        (void)!read(worker->fds[0].fd, &wakes, sizeof(wakes));
}

static void socket_wake(struct xord_port *port, uint16_t w)
{
    uint64_t one = 1;

    (void)!write(self_of(port)->workers[w].fds[0].fd, &one, sizeof(one));
}

static void socket_stats(struct xord_port *port, struct xord_port_stats *stats)
{
    struct socket_port *self = self_of(port);

    memset(stats, 0, sizeof(*stats));
    for (uint16_t w = 0; w < self->worker_cnt; w++) {
        const struct worker *worker = &self->workers[w];

        stats->rx_packets += atomic_load_explicit(&worker->rx_packets, memory_order_relaxed);
        stats->tx_packets += atomic_load_explicit(&worker->tx_packets, memory_order_relaxed);
        stats->tx_dropped += atomic_load_explicit(&worker->tx_dropped, memory_order_relaxed);
        if (stats->tx_errno == 0)
            stats->tx_errno = atomic_load_explicit(&worker->tx_errno, memory_order_relaxed);
    }
}

const struct xord_port_ops xord_port_socket = {
        .name = "socket",
        .open = socket_open,
        .rx_burst = socket_rx_burst,
        .tx_alloc = socket_tx_alloc,
        .tx_put = socket_tx_put,
        .tx_burst = socket_tx_burst,
        .wait = socket_wait,
        .wake = socket_wake,
        .stats = socket_stats,
        .close = socket_close,
};
