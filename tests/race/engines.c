/* SPDX-License-Identifier: BSD-3-Clause */
/* Two engines of several workers each exchange PING and FINDNODE while their control threads poll mail, counters and sizes.
 * Both are hosts with tables, so that liveness checks, snapshots and mail between shards run too. First argument: the port,
 * "socket" (loopback) or "sim". */
#include <pthread.h>
#include <string.h>

#include "race.h"
#include "xord_bytes.h"
#include "xord_engine.h"
#include "xord_sim.h"

#define LOCALS  12
#define ROUNDS  14
#define WAIT_NS (60 * XORD_NS_PER_S)
#define PACE_NS (150 * XORD_NS_PER_MS)

static const struct xord_aes_ops *const aes_ops = &xord_aes_native;
static struct xord_curve *curve;
static struct xord_sim *sim;
static const char *spec;

struct side {
    pthread_t control;
    struct xord_engine *engine;
    struct xord_locals *locals;
    const struct side *other;
};

static struct xord_port *open_port(uint8_t net, uint16_t workers)
{
    struct xord_port_config config = {.spec = spec,
            .addr_cnt = 1,
            .addrs = {{.ip16 = {[10] = 0xff, 0xff, 127, net}, .prefix_len = 16}},
            .whole_prefix = true,
            .udp_port = strcmp(spec, "sim") == 0 ? 9000 : 0,
            .worker_cnt = workers,
            .sim = sim};
    char err[XORD_PORT_ERR_LEN];
    struct xord_port *port = xord_port_open(&config, err);

    if (!port)
        fprintf(stderr, "%s\n", err);
    RACE_CHECK(port);
    return port;
}

static void add_local(struct side *side, struct xord_aes *aes, uint8_t net, uint8_t n, uint16_t udp_port)
{
    uint8_t ip4[4] = {127, net, 0, (uint8_t)(n + 1)}, seckey32[32] = {1, net, n};
    struct xord_endpoint ep = xord_endpoint_v4(ip4, udp_port);
    struct xord_enr_draft draft;
    struct xord_enr enr;

    xord_enr_draft_init(&draft, 1);
    RACE_CHECK(xord_enr_draft_set_endpoint(&draft, &ep) == 0);
    RACE_CHECK(xord_enr_sign(&enr, &draft, curve, seckey32) == 0);
    RACE_CHECK(xord_locals_add(side->locals, aes_ops, aes, seckey32, &enr, &ep, NULL) == 0);
}

static void side_start(struct side *side, uint8_t net, uint16_t workers)
{
    static const struct xord_hash_key hash_key = {{1, 2}};
    struct xord_port *port = open_port(net, workers);
    struct xord_aes *aes = aes_ops->open();
    struct xord_engine_config config = {.port = port,
            .worker_cnt = workers,
            .idle = XORD_IDLE_SLEEP,
            .node = {.aes_ops = aes_ops,
                    .curve = curve,
                    .host_cnt = 3,
                    .session_cap = 256,
                    .challenge_cap = 256,
                    .request_cap = 128,
                    .record_cap = 256,
                    .request_timeout_ns = 20 * XORD_NS_PER_S,
                    .handshake_timeout_ns = 20 * XORD_NS_PER_S}};
    char err[XORD_PORT_ERR_LEN];

    side->locals = xord_locals_new(LOCALS, &hash_key);
    RACE_CHECK(side->locals && aes);
    for (uint8_t i = 0; i < LOCALS; i++)
        add_local(side, aes, net, i, port->bound[0].port);
    aes_ops->close(aes);
    config.node.locals = side->locals;
    side->engine = xord_engine_start(&config, err);
    RACE_CHECK(side->engine);
}

static void ask(struct side *side, uint32_t from, uint32_t to, uint8_t type)
{
    const struct xord_local *peer = &side->other->locals->all[to];
    struct xord_mail *mail = xord_engine_mail_new(side->engine, XORD_MAIL_REQUEST, from, to);

    RACE_CHECK(mail);
    mail->request.peer = xord_peer_from_enr(&peer->enr, &peer->ep[0]);
    mail->request.type = type;
    mail->request.distance_cnt = 3;
    mail->request.distances[0] = 0;
    mail->request.distances[1] = 256;
    mail->request.distances[2] = 255;
    RACE_CHECK(xord_engine_request(side->engine, mail) == 0);
}

static uint32_t look(struct side *side)
{
    struct xord_port_stats stats;
    struct xord_node_sizes sizes;
    struct xord_mail *mails[16];
    uint32_t n = xord_engine_poll(side->engine, mails, 16), done = 0;

    for (uint32_t i = 0; i < n; i++) {
        done += mails[i]->kind == XORD_MAIL_DONE;
        RACE_CHECK(mails[i]->kind != XORD_MAIL_DONE || mails[i]->done.err == 0);
        xord_engine_mail_free(side->engine, mails[i]);
    }
    xord_engine_sizes(side->engine, &sizes);
    xord_engine_port_stats(side->engine, &stats);
    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        (void)xord_engine_counter_sum(side->engine, (enum xord_counter_id)id);
    RACE_CHECK(sizes.table_live <= sizes.table);
    if (n == 0)
        xord_engine_wait(side->engine, 5 * XORD_NS_PER_MS);
    return done;
}

static void *control(void *arg)
{
    struct side *side = arg;

    for (int round = 0; round < ROUNDS; round++) {
        uint64_t start_ns = xord_now_ns();
        uint32_t done = 0;

        for (uint32_t i = 0; i < LOCALS; i++) {
            ask(side, i, (i + (uint32_t)round) % LOCALS, XORD_MSG_PING);
            ask(side, i, (i + (uint32_t)round) % LOCALS, XORD_MSG_FINDNODE);
        }
        while (done < 2 * LOCALS || xord_now_ns() - start_ns < PACE_NS) {
            done += look(side);
            RACE_CHECK(xord_now_ns() - start_ns < WAIT_NS);
        }
    }
    return NULL;
}

static void exchange(uint16_t a_workers, uint16_t b_workers)
{
    struct side a = {.engine = NULL}, b = {.engine = NULL};
    struct xord_node_sizes sizes;

    side_start(&a, 61, a_workers);
    side_start(&b, 62, b_workers);
    a.other = &b;
    b.other = &a;
    RACE_CHECK(pthread_create(&a.control, NULL, control, &a) == 0);
    RACE_CHECK(pthread_create(&b.control, NULL, control, &b) == 0);
    pthread_join(a.control, NULL);
    pthread_join(b.control, NULL);
    RACE_CHECK(xord_engine_counter_sum(a.engine, XORD_CNT_handshakes_in) > 0);
    xord_engine_sizes(a.engine, &sizes);
    RACE_CHECK(sizes.table_live > 0); /* the hosts have checked each other */
    xord_engine_stop(a.engine);
    xord_engine_stop(b.engine);
    xord_locals_free(a.locals);
    xord_locals_free(b.locals);
}

int main(int argc, char **argv)
{
    static const uint8_t seed32[32] = {1};

    RACE_CHECK(argc == 2);
    spec = argv[1];
    curve = xord_curve_open(seed32);
    sim = xord_sim_new(&(struct xord_sim_config){.conditions = {.delay_ns = 100 * XORD_NS_PER_US}});
    RACE_CHECK(curve && sim);
    exchange(2, 3);
    exchange(1, 2);
    xord_sim_free(sim);
    xord_curve_close(curve);
    return 0;
}
