/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel UDP sockets by recvmmsg and sendmmsg. Each worker has a socket per family of its own (SO_REUSEPORT), among which a
 * filter chooses by the steering hash (socket_steer.c); bound to the wildcard address unless exactly one address was asked
 * for, then reading and setting the local address by IP_PKTINFO. Needs no privilege. */
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
#define SOCKET_BUF  (8 << 20)
#define OTHER_TURN  8 /* in so many bursts one begins with the other family */

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

/* Datagrams of one family that wait for sendmmsg, where they stand: in a buffer of ours, which is then free again, or in the
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

#define TX_BUFS (3 * XORD_PORT_BURST) /* two full queues, and as many given out */

struct worker {
    _Alignas(64) int fd[2]; /* [0] IPv4, [1] IPv6; -1: none */
    int wake_fd;
    uint8_t rx_family; /* with which the next rx_burst begins: the one that had something last */
    uint8_t rx_turn;
    struct slot rx[XORD_PORT_BURST];
    struct mmsghdr rx_msgs[XORD_PORT_BURST];
    struct tx_queue tx[2];
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
    bool any_addr[2]; /* by family: bound to all addresses, so that each datagram has to say which it is about */
    bool any_dst[2];  /* and one identity has them all */
    uint16_t worker_cnt;
    struct worker *workers;
};

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
    int one = 1, size = SOCKET_BUF;

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

/* A group that shares a port would also let a second xord of the same user join it unnoticed: an exclusive socket goes
 * first and finds out whether the port is free. */
static int family_open(struct socket_port *self, int family, char *err)
{
    struct xord_endpoint *ep = &self->base.bound[family];
    int probe;

    if (self->worker_cnt == 1)
        return socket_bind(&self->workers[0].fd[family], ep, false, err);
    if (socket_bind(&probe, ep, false, err))
        return -1;
    close(probe);
    for (uint16_t w = 0; w < self->worker_cnt; w++)
        if (socket_bind(&self->workers[w].fd[family], ep, true, err))
            return -1;
    if (socket_steer(self->workers[0].fd[family], family, self->worker_cnt, self->any_dst[family]))
        self->base.steers = false; /* a system without such filters: the engine hands over what comes to another */
    return 0;
}

/* One address of a family, its own prefix: bound to it. Several, or a whole prefix: the wildcard. */
static void bound_from_config(struct socket_port *self, const struct xord_port_config *config)
{
    static const uint8_t any16[16];
    struct xord_endpoint *bound = self->base.bound;
    uint32_t cnt[2] = {0, 0};

    for (uint32_t i = 0; i < config->addr_cnt; i++) {
        int family = !xord_ip_is_v4(config->addrs[i].ip16);

        bound[family] = xord_endpoint_v6(config->addrs[i].ip16, config->udp_port);
        cnt[family]++;
    }
    for (int family = 0; family < 2; family++) {
        if (cnt[family] == 1 && !config->whole_prefix)
            continue;
        self->any_addr[family] = true;
        self->any_dst[family] = !config->whole_prefix;
        if (cnt[family] > 0 || config->addr_cnt == 0)
            bound[family] =
                    family ? xord_endpoint_v6(any16, config->udp_port) : xord_endpoint_v4(any16, config->udp_port);
    }
}

static bool family_wanted(const struct xord_port_config *config, int family)
{
    for (uint32_t i = 0; i < config->addr_cnt; i++)
        if (!xord_ip_is_v4(config->addrs[i].ip16) == family)
            return true;
    return config->addr_cnt == 0;
}

static void socket_close(struct xord_port *port)
{
    struct socket_port *self = self_of(port);

    for (uint16_t w = 0; self->workers && w < self->worker_cnt; w++) {
        struct worker *worker = &self->workers[w];

        for (int family = 0; family < 2; family++)
            if (worker->fd[family] >= 0)
                close(worker->fd[family]);
        if (worker->wake_fd >= 0)
            close(worker->wake_fd);
    }
    free(self->workers);
    free(self);
}

static void worker_init(struct worker *worker)
{
    worker->fd[0] = worker->fd[1] = -1;
    worker->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    for (int i = 0; i < XORD_PORT_BURST; i++) {
        struct slot *slot = &worker->rx[i];

        slot->iov = (struct iovec){slot->data, sizeof(slot->data)};
        worker->rx_msgs[i].msg_hdr = (struct msghdr){.msg_name = &slot->name, .msg_iov = &slot->iov, .msg_iovlen = 1};
        for (int family = 0; family < 2; family++)
            worker->tx[family].msgs[i].msg_hdr = (struct msghdr){.msg_name = &worker->tx[family].rows[i].name,
                    .msg_iov = &worker->tx[family].rows[i].iov,
                    .msg_iovlen = 1};
    }
    for (int i = 0; i < TX_BUFS; i++)
        worker->free_bufs[worker->free_cnt++] = worker->tx_bufs[i];
}

/* With no address given IPv6 is taken if the machine has it. */
static int families_open(struct socket_port *self, const struct xord_port_config *config, char *err)
{
    for (int family = 0; family < 2; family++) {
        if (!family_wanted(config, family))
            continue;
        if (family == 1 && config->addr_cnt == 0 && self->base.bound[1].port == 0)
            self->base.bound[1].port = self->base.bound[0].port;
        if (family_open(self, family, err) == 0)
            continue;
        if (family == 0 || config->addr_cnt > 0 || errno == EADDRINUSE)
            return -1;
        memset(&self->base.bound[1], 0, sizeof(self->base.bound[1]));
    }
    return 0;
}

static struct xord_port *socket_open(const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct socket_port *self = calloc(1, sizeof(*self));

    if (self)
        self->workers = aligned_alloc(64, config->worker_cnt * sizeof(*self->workers));
    if (!self || !self->workers) {
        free(self);
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        return NULL;
    }
    memset(self->workers, 0, config->worker_cnt * sizeof(*self->workers));
    self->base.ops = &xord_port_socket;
    self->worker_cnt = config->worker_cnt;
    xord_steer_deal(self->base.reta, config->worker_cnt, config->worker_cnt);
    for (uint16_t w = 0; w < config->worker_cnt; w++)
        worker_init(&self->workers[w]);
    self->base.steers = config->worker_cnt > 1;
    bound_from_config(self, config);
    if (families_open(self, config, err)) {
        socket_close(&self->base);
        return NULL;
    }
    return &self->base;
}

/* ---- receiving ---- */

static uint16_t family_rx(struct socket_port *self, struct worker *worker, int family, struct xord_pkt *pkts,
        uint16_t max)
{
    int n;

    if (worker->fd[family] < 0 || max == 0)
        return 0;
    for (uint16_t i = 0; i < max; i++) {
        worker->rx_msgs[i].msg_hdr.msg_namelen = sizeof(worker->rx[i].name);
        worker->rx_msgs[i].msg_hdr.msg_control = self->any_addr[family] ? worker->rx[i].control : NULL;
        worker->rx_msgs[i].msg_hdr.msg_controllen = self->any_addr[family] ? CONTROL_LEN : 0;
    }
    n = recvmmsg(worker->fd[family], worker->rx_msgs, max, MSG_DONTWAIT, NULL);
    if (n <= 0)
        return 0;
    for (int i = 0; i < n; i++) {
        pkts[i] = (struct xord_pkt){
                .data = worker->rx[i].data,
                .buf = &worker->rx[i],
                .len = (uint16_t)worker->rx_msgs[i].msg_len,
                .src = endpoint_from_name(&worker->rx[i].name),
                .dst = self->base.bound[family],
        };
        if (self->any_addr[family])
            dst_from_control(&pkts[i].dst, &worker->rx_msgs[i].msg_hdr);
    }
    bump(&worker->rx_packets, (uint64_t)n);
    return (uint16_t)n;
}

static void flush_all(struct worker *worker);

/* One family a call, so that a burst's buffers are never shared; answers that stand in those of the last leave first. Begins with
 * the family that had something last, as the other seldom does: a system call for nothing. Now and then with the other. */
static uint16_t socket_rx_burst(struct xord_port *port, uint16_t w, struct xord_pkt *pkts, uint16_t max,
        uint64_t now_ns)
{
    struct socket_port *self = self_of(port);
    struct worker *worker = &self->workers[w];
    uint16_t n;

    (void)now_ns;
    if (max > XORD_PORT_BURST)
        max = XORD_PORT_BURST;
    flush_all(worker);
    if (++worker->rx_turn % OTHER_TURN == 0)
        worker->rx_family ^= 1;
    n = family_rx(self, worker, worker->rx_family, pkts, max);
    if (n > 0)
        return n;
    worker->rx_family ^= 1;
    return family_rx(self, worker, worker->rx_family, pkts, max);
}

/* ---- sending ---- */

/* sendmmsg stops at the first datagram that the system refuses: that one is dropped, the rest go on. */
static void queue_flush(struct worker *worker, int family)
{
    struct tx_queue *queue = &worker->tx[family];
    uint32_t sent = 0, dropped = 0;

    while (sent + dropped < queue->cnt) {
        uint32_t at = sent + dropped;
        int n = sendmmsg(worker->fd[family], queue->msgs + at, queue->cnt - at, MSG_DONTWAIT);

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

static void flush_all(struct worker *worker)
{
    for (int family = 0; family < 2; family++)
        if (worker->tx[family].cnt > 0)
            queue_flush(worker, family);
}

static void socket_tx_burst(struct xord_port *port, uint16_t w)
{
    flush_all(&self_of(port)->workers[w]);
}

static bool socket_tx_alloc(struct xord_port *port, uint16_t w, struct xord_tx *tx)
{
    struct worker *worker = &self_of(port)->workers[w];
    uint8_t **out;

    if (worker->out_cnt == XORD_BURST_MAX)
        return false;
    if (worker->free_cnt == 0)
        flush_all(worker);
    out = &worker->out_bufs[worker->out_cnt];
    if (!*out)
        *out = worker->free_bufs[--worker->free_cnt];
    worker->out_cnt++;
    tx->data = *out;
    tx->buf = out;
    return true;
}

static void queue_put(struct socket_port *self, struct worker *worker, const struct xord_tx *tx)
{
    bool in_slot = (uint8_t *)tx->buf >= (uint8_t *)worker->rx && (uint8_t *)tx->buf < (uint8_t *)worker->rx_msgs;
    int family = !xord_endpoint_is_v4(&tx->dst);
    struct tx_queue *queue = &worker->tx[family];
    uint32_t i;

    if (worker->fd[family] < 0) {
        bump(&worker->tx_dropped, 1);
        return;
    }
    if (queue->cnt == XORD_PORT_BURST)
        queue_flush(worker, family);
    i = queue->cnt++;
    queue->rows[i].iov = (struct iovec){tx->data, tx->len};
    queue->rows[i].buf = in_slot ? NULL : tx->data;
    if (!in_slot)
        *(uint8_t **)tx->buf = NULL;
    queue->msgs[i].msg_hdr.msg_namelen = name_from_endpoint(&queue->rows[i].name, &tx->dst);
    queue->msgs[i].msg_hdr.msg_control = NULL;
    queue->msgs[i].msg_hdr.msg_controllen = 0;
    if (self->any_addr[family] && xord_ip_scope(tx->src.ip16) != XORD_IP_UNSPECIFIED)
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
    struct worker *worker = &self_of(port)->workers[w];
    struct timespec timeout = {(time_t)(timeout_ns / XORD_NS_PER_S), (long)(timeout_ns % XORD_NS_PER_S)};
    struct pollfd fds[3] = {{.fd = worker->wake_fd, .events = POLLIN}, {.fd = worker->fd[0], .events = POLLIN},
            {.fd = worker->fd[1], .events = POLLIN}};
    uint64_t wakes;

    if (ppoll(fds, 3, &timeout, NULL) > 0 && fds[0].revents)
        (void)!read(worker->wake_fd, &wakes, sizeof(wakes));
}

static void socket_wake(struct xord_port *port, uint16_t w)
{
    uint64_t one = 1;

    (void)!write(self_of(port)->workers[w].wake_fd, &one, sizeof(one));
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
