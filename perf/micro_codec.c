/* SPDX-License-Identifier: BSD-3-Clause */
/* Records and messages, in and out. A decoder has no floor but its own bytes: these are reported. */
#include <secp256k1.h>

#include <string.h>

#include "bench.h"
#include "xord_enr.h"
#include "xord_keccak.h"
#include "xord_message.h"
#include "xord_packet.h"

/* ---- records ---- */

struct record {
    struct xord_curve *curve;
    struct xord_enr enr, decoded;
    secp256k1_context *ctx;
    uint8_t hash32[32], sig64[64];
};

/* As Ethereum's nodes have them: about 200 bytes. */
static void record_make(struct xord_enr *enr, const struct xord_curve *curve, const uint8_t seckey32[32])
{
    static const uint8_t eth2[16] = {0x6a, 0x95, 0xa1, 0xa9, 5}, attnets[8] = {0xff}, ip4[4] = {192, 0, 2, 1};
    struct xord_endpoint ep = xord_endpoint_v4(ip4, 9000);
    struct xord_enr_draft draft;

    xord_enr_draft_init(&draft, 1700000000000);
    BENCH_CHECK(xord_enr_draft_set_endpoint(&draft, &ep) == 0);
    BENCH_CHECK(xord_enr_draft_set_uint(&draft, "tcp", 9000) == 0);
    BENCH_CHECK(xord_enr_draft_set(&draft, (const uint8_t *)"eth2", 4, eth2, sizeof(eth2)) == 0);
    BENCH_CHECK(xord_enr_draft_set(&draft, (const uint8_t *)"attnets", 7, attnets, sizeof(attnets)) == 0);
    BENCH_CHECK(xord_enr_sign(enr, &draft, curve, seckey32) == 0);
}

static void enr_decode(void *ctx, uint32_t n)
{
    struct record *record = ctx;

    while (n-- > 0)
        BENCH_CHECK(xord_enr_decode(&record->decoded, record->enr.raw, record->enr.len) == 0);
}

static void enr_verify(void *ctx, uint32_t n)
{
    struct record *record = ctx;

    while (n-- > 0)
        BENCH_CHECK(xord_enr_verify(&record->decoded, record->curve) == 0);
}

/* The two hashes and the verification that nobody can spare. */
static void enr_verify_floor(void *ctx, uint32_t n)
{
    struct record *record = ctx;
    secp256k1_ecdsa_signature sig;
    secp256k1_pubkey pubkey;
    uint8_t out[32];

    while (n-- > 0) {
        xord_keccak256(out, record->enr.raw, record->enr.len - 66U);
        xord_keccak256(out, record->enr.raw, 64);
        bench_keep(out);
        BENCH_CHECK(secp256k1_ec_pubkey_parse(record->ctx, &pubkey, record->enr.pubkey33, 33));
        BENCH_CHECK(secp256k1_ecdsa_signature_parse_compact(record->ctx, &sig, record->sig64));
        BENCH_CHECK(secp256k1_ecdsa_verify(record->ctx, &sig, record->hash32, &pubkey));
    }
}

static void run_enr(void)
{
    static const uint8_t seed32[32] = {1}, seckey32[32] = {2};
    struct record record = {.curve = xord_curve_open(seed32), .ctx = secp256k1_context_create(SECP256K1_CONTEXT_NONE)};
    struct bench_op decode = {enr_decode, &record, 1};
    struct bench_op verify[2] = {{enr_verify, &record, 1}, {enr_verify_floor, &record, 1}};
    double cycles[2];

    BENCH_CHECK(record.curve && record.ctx);
    record_make(&record.enr, record.curve, seckey32);
    BENCH_CHECK(xord_sign(record.curve, record.sig64, record.hash32, seckey32) == 0);
    bench_race(cycles, &decode, 1);
    bench_report(&(struct bench_figure){.name = "micro.enr.decode",
            .value = cycles[0],
            .unit = "cycles/record",
            .note = "all that is checked but the signature"});
    bench_race(cycles, verify, 2);
    bench_report(&(struct bench_figure){.name = "micro.enr.verify",
            .value = cycles[0],
            .unit = "cycles/record",
            .floor = cycles[1],
            .note = "floor: libsecp256k1's verification and our two hashes"});
    xord_curve_close(record.curve);
    secp256k1_context_destroy(record.ctx);
}

/* ---- messages ---- */

struct coding {
    struct xord_message msg, decoded;
    uint8_t encoded[XORD_PACKET_MAX_LEN];
    size_t len;
};

static void encode(void *ctx, uint32_t n)
{
    struct coding *coding = ctx;

    while (n-- > 0) {
        BENCH_CHECK(xord_message_encode(coding->encoded, &coding->len, sizeof(coding->encoded), &coding->msg) == 0);
        bench_keep(coding);
    }
}

static void decode(void *ctx, uint32_t n)
{
    struct coding *coding = ctx;

    while (n-- > 0) {
        BENCH_CHECK(xord_message_decode(&coding->decoded, coding->encoded, coding->len) == 0);
        bench_keep(coding);
    }
}

static void report_message(const char *name, const struct xord_message *msg)
{
    struct coding coding = {.msg = *msg};
    struct bench_op ops[2] = {{encode, &coding, 1}, {decode, &coding, 1}};
    struct bench_figure figure = {.unit = "cycles/message"};
    double cycles[2];

    coding.msg.request_id = (struct xord_request_id){8, {0x80, 1, 2, 3, 4, 5, 6, 7}};
    encode(&coding, 1);
    bench_race(cycles, ops, 2);
    BENCH_CHECK(coding.decoded.type == msg->type);
    figure.value = cycles[0];
    bench_reportf(&figure, "micro.message.%s.encode", name);
    figure.value = cycles[1];
    bench_reportf(&figure, "micro.message.%s.decode", name);
}

static struct xord_rlp_view distances_of(uint8_t *buf, size_t cap)
{
    static const uint16_t distances[3] = {256, 255, 254};
    struct xord_rlp_view view;

    BENCH_CHECK(xord_distances_put(&view, buf, cap, distances, 3) == 0);
    return view;
}

static void run_messages(void)
{
    static const uint8_t seed32[32] = {1}, seckey32[32] = {2}, topic32[32] = {3}, ticket[100];
    struct xord_curve *curve = xord_curve_open(seed32);
    uint8_t buf[16], records[4 * XORD_ENR_MAX_LEN];
    struct xord_rlp_view distances = distances_of(buf, sizeof(buf)), four = {.data = records, .cnt = 4};
    struct xord_bytes_view text = {ticket, sizeof(ticket)}, record, protocol = {(const uint8_t *)"bench", 5};
    struct xord_enr enr;

    BENCH_CHECK(curve);
    record_make(&enr, curve, seckey32);
    record = (struct xord_bytes_view){enr.raw, enr.len};
    for (uint32_t i = 0; i < four.cnt; i++)
        memcpy(records + (size_t)i * enr.len, enr.raw, enr.len);
    four.len = (uint16_t)(4 * enr.len);
    report_message("ping", &(struct xord_message){.type = XORD_MSG_PING, .ping = {1700000000000}});
    report_message("pong", &(struct xord_message){.type = XORD_MSG_PONG,
                                   .pong = {1700000000000, {[10] = 0xff, 0xff, 192, 0, 2, 1}, 9000}});
    report_message("findnode", &(struct xord_message){.type = XORD_MSG_FINDNODE, .findnode = {distances}});
    report_message("nodes", &(struct xord_message){.type = XORD_MSG_NODES, .nodes = {4, four}});
    report_message("talkreq", &(struct xord_message){.type = XORD_MSG_TALKREQ, .talkreq = {protocol, text}});
    report_message("talkresp", &(struct xord_message){.type = XORD_MSG_TALKRESP, .talkresp = {text}});
    report_message("regtopic",
            &(struct xord_message){.type = XORD_MSG_REGTOPIC, .regtopic = {topic32, record, text, distances}});
    report_message("regconfirmation",
            &(struct xord_message){.type = XORD_MSG_REGCONFIRMATION, .regconfirmation = {2, text, 60000}});
    report_message("topicquery",
            &(struct xord_message){.type = XORD_MSG_TOPICQUERY, .topicquery = {topic32, distances}});
    report_message("topicnodes", &(struct xord_message){.type = XORD_MSG_TOPICNODES, .nodes = {4, four}});
    xord_curve_close(curve);
}

const struct bench bench_micro_codec[] = {
        {"micro.enr", run_enr},
        {"micro.message", run_messages},
        {NULL, NULL},
};
