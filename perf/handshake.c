/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole handshakes on one worker, in both directions, beside the curve operations that they consist of. A round is short, so
 * that few are interrupted; what the guests compute is not measured, but everything is that the engine does, from the first
 * packet (or the order to ask) to the answer under the new session. */
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <string.h>

#include "bench.h"
#include "guests.h"

#define ROUND      8
#define ROUNDS_MAX 150

/* ---- the floor ---- */

struct curve {
    secp256k1_context *ctx;
    uint8_t seckey32[32], hash32[32], key33[33], out33[33];
    secp256k1_ecdsa_signature sig;
};

/* How many of each operation a handshake has. */
struct mix {
    uint32_t roots, verify, ecdh, sign, keygen;
};

static int take_x(unsigned char *out, const unsigned char *x32, const unsigned char *y32, void *data)
{
    (void)data;
    out[0] = 0x02 | (y32[31] & 1);
    memcpy(out + 1, x32, 32);
    return 1;
}

static void curve_open(struct curve *curve)
{
    static const uint8_t seed32[32] = {1};
    secp256k1_pubkey key;
    size_t len = sizeof(curve->key33);

    *curve = (struct curve){.seckey32 = {3}, .hash32 = {4}};
    curve->ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    BENCH_CHECK(curve->ctx && secp256k1_context_randomize(curve->ctx, seed32));
    BENCH_CHECK(secp256k1_ec_pubkey_create(curve->ctx, &key, curve->seckey32));
    BENCH_CHECK(secp256k1_ec_pubkey_serialize(curve->ctx, curve->key33, &len, &key, SECP256K1_EC_COMPRESSED));
    BENCH_CHECK(secp256k1_ecdsa_sign(curve->ctx, &curve->sig, curve->hash32, curve->seckey32, NULL, NULL));
}

static void curve_run(struct curve *curve, const struct mix *mix)
{
    secp256k1_ecdsa_signature sig;
    secp256k1_pubkey key, made;

    BENCH_CHECK(secp256k1_ec_pubkey_parse(curve->ctx, &key, curve->key33, 33));
    for (uint32_t i = 1; i < mix->roots; i++)
        BENCH_CHECK(secp256k1_ec_pubkey_parse(curve->ctx, &made, curve->key33, 33));
    for (uint32_t i = 0; i < mix->verify; i++)
        BENCH_CHECK(secp256k1_ecdsa_verify(curve->ctx, &curve->sig, curve->hash32, &key));
    for (uint32_t i = 0; i < mix->ecdh; i++)
        BENCH_CHECK(secp256k1_ecdh(curve->ctx, curve->out33, &key, curve->seckey32, take_x, NULL));
    for (uint32_t i = 0; i < mix->sign; i++)
        BENCH_CHECK(secp256k1_ecdsa_sign(curve->ctx, &sig, curve->hash32, curve->seckey32, NULL, NULL));
    for (uint32_t i = 0; i < mix->keygen; i++)
        BENCH_CHECK(secp256k1_ec_pubkey_create(curve->ctx, &made, curve->seckey32));
}

static double floor_round(struct curve *curve, const struct mix *mix)
{
    uint64_t start = bench_cycles();

    for (int i = 0; i < ROUND; i++)
        curve_run(curve, mix);
    return (double)(bench_cycles() - start) / ROUND;
}

/* ---- the engine's turns ---- */

struct stage {
    struct rig *rig;
    struct xord_node *node;
    struct guests *guests;
};

static struct stage stage_open(void)
{
    struct stage stage = {
            .rig = rig_new(&(struct rig_config){.node = {.handshake_timeout_ns = 30 * XORD_NS_PER_S}}),
    };

    stage.node = stage.rig->engine->workers[0].node;
    stage.guests = guests_new(stage.rig, ROUND * bench_scale(ROUNDS_MAX, 4));
    return stage;
}

static void stage_close(struct stage *stage)
{
    guests_free(stage->guests);
    rig_free(stage->rig);
}

/* Until all that came was taken in and the lane is empty. */
static uint64_t turns(struct stage *stage)
{
    struct worker *worker = &stage->rig->engine->workers[0];
    uint64_t start = bench_cycles();

    do
        (void)worker_turn(worker);
    while (!rte_ring_empty(stage->rig->in[0]) || !rte_ring_empty(worker->mailbox) || lane_cnt(stage->node) > 0);
    return bench_cycles() - start;
}

/* The guests of a round hear what the engine has said; each must say `wanted`, and its answer goes back. */
static void guests_hear(struct stage *stage, enum guest_said wanted)
{
    struct rte_mbuf *frames[XORD_BURST_MAX], *answer;
    uint32_t n, number, cnt = 0;

    while ((n = rig_take(stage->rig, 0, frames, XORD_BURST_MAX)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            enum guest_said said = guest_hears(stage->guests, &number, &answer, frames[i]);

            if (said == wanted)
                cnt++;
            if (said == wanted && answer)
                rig_put(stage->rig, 0, &answer, 1);
            else
                rte_pktmbuf_free(answer); /* of a check of the engine's own, which finds nobody */
        }
    BENCH_CHECK(cnt == ROUND);
}

/* ---- in ---- */

static double in_round(struct stage *stage, uint32_t round)
{
    uint64_t cycles, before = xord_counter_get(xord_node_counters(stage->node), XORD_CNT_handshakes_in);

    for (uint32_t i = 0; i < ROUND; i++) {
        struct rte_mbuf *noise = guest_noise(stage->guests, round * ROUND + i);

        rig_put(stage->rig, 0, &noise, 1);
    }
    cycles = turns(stage);
    guests_hear(stage, GUEST_HANDSHAKE);
    cycles += turns(stage);
    guests_hear(stage, GUEST_PONG);
    BENCH_CHECK(xord_counter_get(xord_node_counters(stage->node), XORD_CNT_handshakes_in) == before + ROUND);
    return (double)cycles / ROUND;
}

/* ---- out ---- */

static void requests_post(struct stage *stage, uint32_t round)
{
    for (uint32_t i = 0; i < ROUND; i++) {
        const struct guest *guest = &stage->guests->all[round * ROUND + i];
        struct xord_mail *mail = xord_engine_mail_new(stage->rig->engine, XORD_MAIL_REQUEST, 0, 1);

        BENCH_CHECK(mail);
        mail->request.peer = xord_peer_from_enr(&guest->enr, &guest->ep);
        mail->request.type = XORD_MSG_PING;
        BENCH_CHECK(xord_engine_request(stage->rig->engine, mail) == 0);
    }
}

static void requests_check(struct stage *stage)
{
    struct xord_mail *mails[64];
    uint32_t n, done = 0;

    while ((n = xord_engine_poll(stage->rig->engine, mails, 64)) > 0)
        for (uint32_t i = 0; i < n; i++) {
            if (mails[i]->kind == XORD_MAIL_DONE && mails[i]->cookie == 1) {
                BENCH_CHECK(mails[i]->done.err == 0 && mails[i]->done.handshake);
                done++;
            }
            xord_engine_mail_free(stage->rig->engine, mails[i]);
        }
    BENCH_CHECK(done == ROUND);
}

/* The pool full, or empty. */
static void pool_set(struct stage *stage, bool full)
{
    struct xord_ephemerals *pool = stage->node->ephemerals;
    struct xord_ephemeral pair;

    while (full && xord_ephemerals_missing(pool) > 0)
        xord_ephemerals_add(pool);
    while (!full && xord_ephemerals_cnt(pool) > 0)
        xord_ephemerals_take(pool, &pair);
}

static double out_round(struct stage *stage, uint32_t round, bool made_ahead)
{
    uint64_t cycles;

    requests_post(stage, round);
    pool_set(stage, made_ahead);
    cycles = turns(stage);
    guests_hear(stage, GUEST_CHALLENGE);
    pool_set(stage, made_ahead);
    cycles += turns(stage);
    guests_hear(stage, GUEST_ANSWER);
    pool_set(stage, true); /* what comes now makes no keys, and an idle turn shall not make them either */
    cycles += turns(stage);
    requests_check(stage);
    return (double)cycles / ROUND;
}

/* ---- figures ---- */

static void report(const char *name, double *cycles, double *floors, uint32_t cnt, const char *note)
{
    double hz = bench_tsc_hz();

    bench_report(&(struct bench_figure){.name = name,
            .value = hz / bench_quantile(cycles, cnt, BENCH_QUIET),
            .unit = "handshakes/s",
            .floor = hz / bench_quantile(floors, cnt, BENCH_QUIET),
            .goal = BENCH_RATIO_MIN,
            .bound = 0.85,
            .note = note});
}

static void run_in(void)
{
    static const struct mix stranger = {.roots = 2, .verify = 2, .ecdh = 1},
                            known = {.roots = 1, .verify = 1, .ecdh = 1};
    static double cycles[2][ROUNDS_MAX], floors[2][ROUNDS_MAX];
    uint32_t round_cnt = bench_scale(ROUNDS_MAX, 2);
    struct stage stage = stage_open();
    struct curve curve;

    curve_open(&curve);
    for (uint32_t round = 0; round < round_cnt; round++) {
        floors[0][round] = floor_round(&curve, &stranger);
        cycles[0][round] = in_round(&stage, round);
    }
    for (uint32_t round = 0; round < round_cnt; round++) {
        floors[1][round] = floor_round(&curve, &known);
        cycles[1][round] = in_round(&stage, round);
    }
    secp256k1_context_destroy(curve.ctx);
    stage_close(&stage);
    report("handshake.in", cycles[0], floors[0], round_cnt,
            "as recipient, record unknown; floor: two keys parsed, two signatures verified, one key agreement");
    report("handshake.in.known", cycles[1], floors[1], round_cnt, "again: one key, one signature, one key agreement");
}

static void run_out(void)
{
    static const struct mix all = {.roots = 1, .ecdh = 1, .sign = 1, .keygen = 1},
                            ahead = {.roots = 1, .ecdh = 1, .sign = 1};
    static double cycles[2][ROUNDS_MAX], floors[2][ROUNDS_MAX];
    uint32_t half = bench_scale(ROUNDS_MAX / 2, 2);
    struct stage stage = stage_open();
    struct curve curve;

    curve_open(&curve);
    for (uint32_t round = 0; round < half; round++)
        for (int made_ahead = 0; made_ahead < 2; made_ahead++) {
            floors[made_ahead][round] = floor_round(&curve, made_ahead ? &ahead : &all);
            cycles[made_ahead][round] = out_round(&stage, 2 * round + (uint32_t)made_ahead, made_ahead);
        }
    secp256k1_context_destroy(curve.ctx);
    stage_close(&stage);
    report("handshake.out", cycles[0], floors[0], half,
            "as initiator, key pair made on the spot; floor: one key parsed, key pair, key agreement, signature");
    report("handshake.out.ahead", cycles[1], floors[1], half, "key pair made in an idle turn before; floor without it");
}

const struct bench bench_handshake[] = {
        {"handshake.in", run_in},
        {"handshake.out", run_out},
        {NULL, NULL},
};
