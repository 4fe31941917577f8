/* SPDX-License-Identifier: BSD-3-Clause */
/* PING in, PONG out over kernel sockets on loopback, beside a bare echo of datagrams of the same lengths. A burst is sent, the
 * server takes it in and answers, its system calls included; only that is measured. One thread, so that it measures work and
 * not the scheduler. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "rig.h"

#define BURST      XORD_BURST_MAX
#define ROUNDS_MAX 2000
#define SOCKET_BUF (4 << 20)
#define BUF_LEN    1536
#define PONG_LEN   (XORD_ORDINARY_HEAD_LEN + 24 + XORD_GCM_TAG_LEN)

/* A socket with a burst of buffers, and how to use them. */
struct peer {
    int fd;
    struct sockaddr_in names[BURST];
    struct iovec iovs[BURST];
    struct mmsghdr msgs[BURST];
    uint8_t data[BURST][BUF_LEN];
};

struct sockets {
    struct xord_engine *engine;
    struct xord_locals *locals;
    struct xord_curve *curve;
    struct xord_aes *aes;
    const struct xord_aes_ops *aes_ops; /* the clients' */
    struct xord_ctr_key mask_key;       /* of what goes to the engine */
    struct xord_rng rng;
    struct sockaddr_in engine_name, echo_name;
    struct peer client, echo;
    struct xord_endpoint client_ep;
    uint16_t ping_len;
    uint64_t next_id;
};

/* ---- sockets ---- */

static struct sockaddr_in name_of(const struct xord_endpoint *ep)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(ep->port)};

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
}

static struct sockaddr_in peer_open(struct peer *peer)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof(name);
    int size = SOCKET_BUF;

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    BENCH_CHECK(peer->fd >= 0 && bind(peer->fd, (struct sockaddr *)&name, sizeof(name)) == 0);
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    BENCH_CHECK(getsockname(peer->fd, (struct sockaddr *)&name, &len) == 0);
    for (int i = 0; i < BURST; i++) {
        peer->iovs[i] = (struct iovec){peer->data[i], BUF_LEN};
        peer->msgs[i].msg_hdr =
                (struct msghdr){.msg_name = &peer->names[i], .msg_iov = &peer->iovs[i], .msg_iovlen = 1};
    }
    return name;
}

static int peer_receive(struct peer *peer)
{
    for (int i = 0; i < BURST; i++) {
        peer->iovs[i].iov_len = BUF_LEN;
        peer->msgs[i].msg_hdr.msg_namelen = sizeof(peer->names[i]);
    }
    return recvmmsg(peer->fd, peer->msgs, BURST, MSG_DONTWAIT, NULL);
}

static void peer_send(struct peer *peer, int cnt, size_t len)
{
    for (int i = 0; i < cnt; i++) {
        peer->iovs[i].iov_len = len;
        peer->msgs[i].msg_hdr.msg_namelen = sizeof(peer->names[i]);
    }
    BENCH_CHECK(sendmmsg(peer->fd, peer->msgs, (unsigned)cnt, 0) == cnt);
}

/* ---- requests and replies ---- */

static void request_make(struct sockets *s, uint32_t number)
{
    struct xord_message ping = {.type = XORD_MSG_PING, .ping = {300}};
    struct rig_client client = rig_client(number);
    uint8_t iv16[16], nonce12[12], *data = s->client.data[number];
    struct xord_gcm_job seal;
    struct xord_ctr_job mask;
    size_t len;

    ping.request_id = rig_request_id(s->next_id + number);
    xord_rng_fill(&s->rng, iv16, sizeof(iv16));
    xord_rng_fill(&s->rng, nonce12, sizeof(nonce12));
    xord_packet_put_ordinary(data, iv16, nonce12, client.id32);
    BENCH_CHECK(xord_message_encode(data + XORD_ORDINARY_HEAD_LEN, &len, XORD_MESSAGE_MAX_LEN, &ping) == 0);
    seal = (struct xord_gcm_job){.key16 = client.write_key16,
            .nonce12 = nonce12,
            .aad = data,
            .aad_len = XORD_ORDINARY_HEAD_LEN,
            .src = data + XORD_ORDINARY_HEAD_LEN,
            .dst = data + XORD_ORDINARY_HEAD_LEN,
            .len = (uint32_t)len};
    mask = (struct xord_ctr_job){.key = &s->mask_key,
            .iv16 = data,
            .src = data + XORD_MASKING_IV_LEN,
            .dst = data + XORD_MASKING_IV_LEN,
            .len = XORD_ORDINARY_HEAD_LEN - XORD_MASKING_IV_LEN};
    s->aes_ops->gcm_seal(s->aes, &seal, 1);
    s->aes_ops->ctr(s->aes, &mask, 1);
    s->ping_len = (uint16_t)(XORD_ORDINARY_HEAD_LEN + len + XORD_GCM_TAG_LEN);
}

/* Is it the PONG for a client's request? */
static bool is_pong(struct sockets *s, const uint8_t *reply, size_t len, uint32_t number)
{
    struct rig_client client = rig_client(number);
    struct xord_ctr_key mask_key;
    uint8_t data[BUF_LEN], plain[BUF_LEN];
    struct xord_packet packet;
    struct xord_message msg;
    struct xord_gcm_job open;

    memcpy(data, reply, len);
    xord_masking_key(s->aes_ops, s->aes, &mask_key, client.id32);
    if (xord_packet_unmask(&packet, data, len, s->aes_ops, s->aes, &mask_key) || packet.flag != XORD_FLAG_MESSAGE)
        return false;
    open = (struct xord_gcm_job){.key16 = client.read_key16,
            .nonce12 = packet.nonce12,
            .aad = packet.head,
            .aad_len = packet.head_len,
            .src = packet.message,
            .dst = plain,
            .len = (uint32_t)packet.message_len - XORD_GCM_TAG_LEN};
    s->aes_ops->gcm_open(s->aes, &open, 1);
    if (open.err || xord_message_decode(&msg, plain, open.len) || msg.type != XORD_MSG_PONG)
        return false;
    BENCH_CHECK(rig_id_of(&msg.request_id) == s->next_id + number && len == PONG_LEN);
    BENCH_CHECK(msg.pong.port == s->client_ep.port && memcmp(msg.pong.ip16, s->client_ep.ip16, 16) == 0);
    return true;
}

/* Each request was answered, in order; what is between are requests of the engine's own. */
static void replies_check(struct sockets *s)
{
    uint32_t answered = 0;
    int n;

    while ((n = peer_receive(&s->client)) > 0)
        for (int i = 0; i < n; i++)
            if (answered < BURST && is_pong(s, s->client.data[i], s->client.msgs[i].msg_len, answered))
                answered++;
    BENCH_CHECK(answered == BURST);
}

/* ---- rounds ---- */

static void burst_send(struct sockets *s, const struct sockaddr_in *to)
{
    for (uint32_t i = 0; i < BURST; i++) {
        s->client.names[i] = *to;
        request_make(s, i);
    }
    peer_send(&s->client, BURST, s->ping_len);
}

static double engine_round(struct sockets *s)
{
    uint64_t start, end;

    burst_send(s, &s->engine_name);
    start = bench_cycles();
    (void)worker_turn(&s->engine->workers[0]);
    end = bench_cycles();
    replies_check(s);
    s->next_id += BURST;
    return (double)(end - start) / BURST;
}

static double echo_round(struct sockets *s)
{
    uint64_t start, end;
    int n;

    burst_send(s, &s->echo_name);
    start = bench_cycles();
    n = peer_receive(&s->echo);
    peer_send(&s->echo, n, PONG_LEN);
    end = bench_cycles();
    BENCH_CHECK(n == BURST && peer_receive(&s->client) == BURST);
    for (int i = 0; i < n; i++)
        BENCH_CHECK(s->client.msgs[i].msg_len == PONG_LEN);
    return (double)(end - start) / BURST;
}

/* ---- the whole ---- */

static void local_make(struct sockets *s, const struct xord_endpoint *ep)
{
    static const struct xord_hash_key hash_key = {{1, 2}};
    static const uint8_t seckey32[32] = {0x0b, 0xe4};
    const struct xord_aes_ops *ops = xord_aes_best();
    struct xord_aes *aes = ops->open();
    struct xord_enr_draft draft;
    struct xord_enr enr;

    BENCH_CHECK(aes);
    s->locals = xord_locals_new(1, &hash_key);
    BENCH_CHECK(s->locals);
    xord_enr_draft_init(&draft, 1U << 24); /* such that a PONG has 24 bytes */
    BENCH_CHECK(xord_enr_sign(&enr, &draft, s->curve, seckey32) == 0);
    BENCH_CHECK(xord_locals_add(s->locals, ops, aes, seckey32, &enr, ep, NULL) == 0);
    ops->close(aes);
    xord_masking_key(s->aes_ops, s->aes, &s->mask_key, enr.id32);
}

/* At 127.0.0.1 to 127.0.0.`addr_cnt`, of which only the first is asked; 0: at all addresses of the machine. */
static void engine_make(struct sockets *s, uint32_t addr_cnt)
{
    static const struct xord_port_addr loopback = {.ip16 = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .prefix_len = 32};
    char err[XORD_PORT_ERR_LEN] = "";
    struct xord_port_config port = {.spec = "socket", .worker_cnt = 1, .addr_cnt = addr_cnt};
    struct xord_engine_config config = {.worker_cnt = 1, .idle = XORD_IDLE_SPIN};

    for (uint8_t i = 0; i < addr_cnt; i++) {
        port.addrs[i] = loopback;
        port.addrs[i].ip16[15] += i;
        port.addrs[i].owner = i;
    }
    config.port = xord_port_open(&port, err);
    if (!config.port)
        fprintf(stderr, "%s\n", err);
    BENCH_CHECK(config.port);
    local_make(s, &config.port->bound[0]);
    s->engine_name = name_of(&config.port->bound[0]);
    config.node.aes_ops = xord_aes_best();
    config.node.curve = s->curve;
    config.node.locals = s->locals;
    config.node.host_cnt = 1;
    s->engine = engine_new(&config, err);
    BENCH_CHECK(s->engine);
    worker_begin(&s->engine->workers[0]);
}

static void sessions_put(struct sockets *s)
{
    bool evicted;

    for (uint32_t number = 0; number < BURST; number++) {
        struct rig_client client = rig_client(number);
        struct xord_session_key key = {.ep = s->client_ep, .local = 0};

        memcpy(key.peer_id32, client.id32, 32);
        (void)xord_session_put(s->engine->workers[0].node->sessions, &key, client.write_key16, client.read_key16,
                &evicted);
    }
}

static void sockets_open(struct sockets *s, uint32_t addr_cnt)
{
    static const uint8_t seed32[32] = "sockets", loopback4[4] = {127, 0, 0, 1};
    struct sockaddr_in client;

    memset(s, 0, sizeof(*s));
    s->aes_ops = &xord_aes_ipsec_mb;
    s->aes = s->aes_ops->open();
    s->curve = xord_curve_open(seed32);
    BENCH_CHECK(s->aes && s->curve);
    xord_rng_init(&s->rng, seed32);
    engine_make(s, addr_cnt);
    client = peer_open(&s->client);
    s->echo_name = peer_open(&s->echo);
    s->client_ep = xord_endpoint_v4(loopback4, ntohs(client.sin_port));
    sessions_put(s);
}

static void sockets_close(struct sockets *s)
{
    worker_end(&s->engine->workers[0]);
    xord_engine_stop(s->engine);
    close(s->client.fd);
    close(s->echo.fd);
    xord_locals_free(s->locals);
    s->aes_ops->close(s->aes);
    xord_curve_close(s->curve);
}

static void report(const char *name, uint32_t addr_cnt, const char *note)
{
    static double took[2][ROUNDS_MAX];
    static struct sockets s;
    struct bench_figure figure = {.unit = "PING/s", .goal = BENCH_RATIO_MIN, .bound = 0.75, .note = note};
    uint32_t rounds = bench_scale(ROUNDS_MAX, 2);

    sockets_open(&s, addr_cnt);
    for (uint32_t round = 0; round < bench_scale(50, 1); round++)
        (void)engine_round(&s);
    for (uint32_t round = 0; round < rounds; round++) {
        took[0][round] = echo_round(&s);
        took[1][round] = engine_round(&s);
    }
    sockets_close(&s);
    figure.floor = bench_tsc_hz() / bench_quantile(took[0], rounds, 0.5);
    figure.value = bench_tsc_hz() / bench_quantile(took[1], rounds, 0.5);
    bench_reportf(&figure, "%s", name);
}

static void run_echo(void)
{
    report("socket.echo", 1, "one address; floor: recvmmsg and sendmmsg of as many, as long");
}

static void run_echo_any(void)
{
    report("socket.echo.any", 0, "all addresses of the machine, IPv4 and IPv6; the same floor");
}

static void run_echo_several(void)
{
    report("socket.echo.several", 8, "one of eight addresses, the others quiet; the same floor");
}

const struct bench bench_sockets[] = {
        {"socket.echo", run_echo},
        {"socket.echo.any", run_echo_any},
        {"socket.echo.several", run_echo_several},
        {NULL, NULL},
};
