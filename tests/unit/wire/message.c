/* SPDX-License-Identifier: BSD-3-Clause */
/* The ten messages: round trips against encodings worked out by hand from the RLP rules, malformed input, iterators. */
#include "xord_message.h"

#include "test_util.h"

#include "xord_endpoint.h"
#include "xord_packet.h"

static const struct xord_request_id id4 = {.len = 4, .bytes = {0, 0, 0, 1}};
static const uint8_t topic32[32] = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d,
        0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f};

/* Two lists that look like records from outside: ["sig1", 1, "id", "v4"] and ["sig2", 2]. */
static const uint8_t records[] = {0xcc, 0x84, 's', 'i', 'g', '1', 0x01, 0x82, 'i', 'd', 0x82, 'v', '4', 0xc6, 0x84, 's',
        'i', 'g', '2', 0x02};
#define RECORD1_LEN 13

static struct xord_bytes_view bytes_of(const char *text)
{
    return (struct xord_bytes_view){(const uint8_t *)text, (uint16_t)strlen(text)};
}

static bool bytes_equal(struct xord_bytes_view a, struct xord_bytes_view b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool lists_equal(struct xord_rlp_view a, struct xord_rlp_view b)
{
    return a.len == b.len && a.cnt == b.cnt && memcmp(a.data, b.data, a.len) == 0;
}

static bool fields_equal(const struct xord_message *a, const struct xord_message *b)
{
    switch (a->type) {
    case XORD_MSG_PING:
        return a->ping.enr_seq == b->ping.enr_seq;
    case XORD_MSG_PONG:
        return a->pong.enr_seq == b->pong.enr_seq && memcmp(a->pong.ip16, b->pong.ip16, 16) == 0 &&
               a->pong.port == b->pong.port;
    case XORD_MSG_FINDNODE:
        return lists_equal(a->findnode.distances, b->findnode.distances);
    case XORD_MSG_NODES:
    case XORD_MSG_TOPICNODES:
        return a->nodes.total == b->nodes.total && lists_equal(a->nodes.records, b->nodes.records);
    case XORD_MSG_TALKREQ:
        return bytes_equal(a->talkreq.protocol, b->talkreq.protocol) &&
               bytes_equal(a->talkreq.request, b->talkreq.request);
    case XORD_MSG_TALKRESP:
        return bytes_equal(a->talkresp.response, b->talkresp.response);
    case XORD_MSG_REGTOPIC:
        return memcmp(a->regtopic.topic32, b->regtopic.topic32, 32) == 0 &&
               bytes_equal(a->regtopic.record, b->regtopic.record) &&
               bytes_equal(a->regtopic.ticket, b->regtopic.ticket) &&
               lists_equal(a->regtopic.distances, b->regtopic.distances);
    case XORD_MSG_REGCONFIRMATION:
        return a->regconfirmation.total == b->regconfirmation.total &&
               bytes_equal(a->regconfirmation.ticket, b->regconfirmation.ticket) &&
               a->regconfirmation.wait_time_ms == b->regconfirmation.wait_time_ms;
    case XORD_MSG_TOPICQUERY:
        return memcmp(a->topicquery.topic32, b->topicquery.topic32, 32) == 0 &&
               lists_equal(a->topicquery.distances, b->topicquery.distances);
    }
    return false;
}

/* Decodes an exactly sized heap copy, so that a sanitizer sees any over-read; the result's views are then dead. */
static int decode_copy(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    struct xord_message msg;
    int err;

    cr_assert(copy);
    memcpy(copy, data, len);
    err = xord_message_decode(&msg, copy, len);
    free(copy);
    return err;
}

/* Every shorter buffer is refused without a byte written behind it. */
static void check_capacities(const struct xord_message *msg, size_t want_len)
{
    for (size_t cap = 0; cap < want_len; cap++) {
        uint8_t *out = malloc(cap ? cap : 1);
        size_t len;

        cr_assert(out);
        cr_assert_eq(xord_message_encode(out, &len, cap, msg), XORD_ENOSPC, "type %d in %zu bytes", msg->type, cap);
        free(out);
    }
}

/* Every truncation is refused, and so is a byte more. */
static void check_lengths(const uint8_t *data, size_t len)
{
    uint8_t longer[XORD_PACKET_MAX_LEN + 1] = {0};

    for (size_t cut = 0; cut < len; cut++)
        cr_assert_eq(decode_copy(data, cut), XORD_ESHORT, "type %d cut to %zu bytes", data[0], cut);
    memcpy(longer, data, len);
    cr_assert_eq(decode_copy(longer, len + 1), XORD_ETRAIL, "type %d with a byte behind", data[0]);
}

/* msg <-> hex in both directions, and all that must fail around it. */
static void check_message(const struct xord_message *msg, const char *hex)
{
    uint8_t want[XORD_PACKET_MAX_LEN];
    uint8_t out[XORD_PACKET_MAX_LEN];
    size_t want_len = test_hex(want, hex);
    struct xord_message got;
    size_t len;

    cr_assert_eq(xord_message_encode(out, &len, want_len, msg), 0, "type %d", msg->type);
    cr_assert_eq(len, want_len);
    cr_assert_bytes(out, want, want_len);
    cr_assert_eq(xord_message_decode(&got, want, want_len), 0, "type %d", msg->type);
    cr_assert_eq(got.type, msg->type);
    cr_assert_eq(got.request_id.len, msg->request_id.len);
    cr_assert_bytes(got.request_id.bytes, msg->request_id.bytes, sizeof(got.request_id.bytes));
    cr_assert(fields_equal(&got, msg), "type %d", msg->type);
    check_capacities(msg, want_len);
    check_lengths(want, want_len);
}

Test(message, ping)
{
    struct xord_message msg = {.type = XORD_MSG_PING, .request_id = id4, .ping = {2}};

    check_message(&msg, "01c6840000000102");
    TEST_NO_LEAK();
}

Test(message, pong)
{
    struct xord_message msg = {.type = XORD_MSG_PONG, .request_id = id4, .pong = {UINT64_MAX, {0}, 30303}};

    cr_assert_eq(xord_ip_parse(msg.pong.ip16, "127.0.0.1"), 0);
    check_message(&msg, "02d6840000000188ffffffffffffffff847f00000182765f");
    msg.pong.enr_seq = 0;
    msg.pong.port = 0;
    cr_assert_eq(xord_ip_parse(msg.pong.ip16, "2001:db8::1"), 0);
    check_message(&msg, "02d88400000001809020010db800000000000000000000000180");
}

/* Peers with dual-stack sockets send IPv4 addresses in 16 bytes. */
Test(message, pong_mapped_address)
{
    uint8_t in[64];
    uint8_t out[64];
    size_t in_len = test_hex(in, "02d884000000010190"
                                 "00000000000000000000ffff7f000001"
                                 "80");
    size_t want_len = test_hex(in + 32, "02cc840000000101847f00000180");
    struct xord_message msg;
    size_t len;

    cr_assert_eq(xord_message_decode(&msg, in, in_len), 0);
    cr_assert(xord_ip_is_v4(msg.pong.ip16));
    cr_assert_eq(xord_message_encode(out, &len, sizeof(out), &msg), 0);
    cr_assert_eq(len, want_len);
    cr_assert_bytes(out, in + 32, want_len);
}

Test(message, findnode)
{
    static const uint16_t distances[] = {0, 1, 127, 128, 256};
    struct xord_message msg = {.type = XORD_MSG_FINDNODE, .request_id = id4};
    uint8_t buf[16];

    cr_assert_eq(xord_distances_put(&msg.findnode.distances, buf, sizeof(buf), distances, 5), 0);
    check_message(&msg, "03ce8400000001c880017f8180820100");
    cr_assert_eq(xord_distances_put(&msg.findnode.distances, buf, sizeof(buf), distances, 0), 0);
    check_message(&msg, "03c68400000001c0");
}

Test(message, nodes)
{
    struct xord_message msg = {.type = XORD_MSG_NODES, .request_id = id4, .nodes = {2, {records, sizeof(records), 2}}};

    check_message(&msg, "04db840000000102d4cc847369673101826964827634c6847369673202");
    msg.nodes.total = 1;
    msg.nodes.records = (struct xord_rlp_view){records, 0, 0};
    check_message(&msg, "04c7840000000101c0");
}

Test(message, talkreq)
{
    struct xord_message msg = {.type = XORD_MSG_TALKREQ, .request_id = id4};

    msg.talkreq.protocol = bytes_of("disc");
    msg.talkreq.request = bytes_of("\x01\x02\x03");
    check_message(&msg, "05ce8400000001846469736383010203");
}

Test(message, talkresp)
{
    struct xord_message msg = {.type = XORD_MSG_TALKRESP, .request_id = id4};

    msg.talkresp.response = bytes_of("");
    check_message(&msg, "06c6840000000180");
    msg.talkresp.response = bytes_of("ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ");
    check_message(&msg, "06f8438400000001b83c5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
                        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

Test(message, regtopic)
{
    static const uint16_t distances[] = {255, 256};
    struct xord_message msg = {.type = XORD_MSG_REGTOPIC, .request_id = id4};
    uint8_t buf[8];

    msg.regtopic.topic32 = topic32;
    msg.regtopic.record = (struct xord_bytes_view){records, RECORD1_LEN};
    msg.regtopic.ticket = bytes_of("");
    cr_assert_eq(xord_distances_put(&msg.regtopic.distances, buf, sizeof(buf), distances, 2), 0);
    check_message(&msg, "07f83a8400000001a0202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                        "cc84736967310182696482763480c581ff820100");
}

Test(message, regconfirmation)
{
    struct xord_message msg = {.type = XORD_MSG_REGCONFIRMATION, .request_id = id4};

    msg.regconfirmation.total = 3;
    msg.regconfirmation.ticket = bytes_of("ticket");
    msg.regconfirmation.wait_time_ms = 15000;
    check_message(&msg, "08d0840000000103867469636b6574823a98");
}

Test(message, topicquery)
{
    static const uint16_t distances[] = {256};
    struct xord_message msg = {.type = XORD_MSG_TOPICQUERY, .request_id = id4};
    uint8_t buf[8];

    msg.topicquery.topic32 = topic32;
    cr_assert_eq(xord_distances_put(&msg.topicquery.distances, buf, sizeof(buf), distances, 1), 0);
    check_message(&msg, "09ea8400000001a0202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3fc3820100");
}

Test(message, topicnodes)
{
    struct xord_message msg = {.type = XORD_MSG_TOPICNODES, .request_id = id4};

    msg.nodes.total = 1;
    msg.nodes.records = (struct xord_rlp_view){records + RECORD1_LEN, sizeof(records) - RECORD1_LEN, 1};
    check_message(&msg, "0ace840000000101c7c6847369673202");
}

/* 0 to 8 bytes are echoed exactly, leading zeroes included; 9 are refused. */
Test(message, request_id_lengths)
{
    struct xord_message msg = {.type = XORD_MSG_PING, .ping = {1}};
    struct xord_message got;
    uint8_t out[32];
    uint8_t nine[13] = {XORD_MSG_PING, 0xc0 + 11, 0x89};
    size_t len;

    for (uint8_t n = 0; n <= XORD_REQUEST_ID_MAX_LEN; n++) {
        msg.request_id.len = n;
        cr_assert_eq(xord_message_encode(out, &len, sizeof(out), &msg), 0);
        cr_assert_eq(xord_message_decode(&got, out, len), 0, "%u bytes", n);
        cr_assert_eq(got.request_id.len, n);
        cr_assert_bytes(got.request_id.bytes, msg.request_id.bytes, n);
        if (n < XORD_REQUEST_ID_MAX_LEN)
            msg.request_id.bytes[n] = (uint8_t)(n * 37);
    }
    cr_assert_eq(decode_copy(nine, sizeof(nine)), XORD_ESIZE);
}

struct malformed {
    const char *what;
    int err;
    const char *hex;
};

#define TOPIC "a0202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static const struct malformed malformed[] = {
        {"nothing", XORD_ESHORT, ""},
        {"type 0", XORD_EFLAG, "00c6840000000102"},
        {"type 11", XORD_EFLAG, "0bc6840000000102"},
        {"type 255", XORD_EFLAG, "ffc6840000000102"},
        {"a string for the message", XORD_ETYPE, "0180"},
        {"a single byte for the message", XORD_ETYPE, "0102"},
        {"empty list", XORD_ESHORT, "01c0"},
        {"byte after the list", XORD_ETRAIL, "01c684000000010200"},
        {"long form of a short list", XORD_ECANON, "01f806840000000102"},
        {"list length with a leading zero", XORD_ECANON, "01f90006840000000102"},
        {"list length beyond the input", XORD_ESHORT, "01ffffffffffffffffff"},
        {"string length beyond the input", XORD_ESHORT, "01c9bfffffffffffffffff"},
        {"string length beyond the list", XORD_ESHORT, "01c6850000000102"},
        {"request id a list", XORD_ETYPE, "01c2c002"},
        {"request id not canonical", XORD_ECANON, "01c3810102"},
        {"request id in long form", XORD_ECANON, "01c7b8040000000102"},
        {"ping without seq", XORD_ESHORT, "01c58400000001"},
        {"ping with one element more", XORD_ETRAIL, "01c784000000010203"},
        {"ping with an empty list more", XORD_ETRAIL, "01c7840000000102c0"},
        {"seq a list", XORD_ETYPE, "01c68400000001c0"},
        {"seq zero as a byte", XORD_ECANON, "01c6840000000100"},
        {"seq small in string form", XORD_ECANON, "01c784000000018102"},
        {"seq with a leading zero", XORD_ECANON, "01c88400000001820001"},
        {"seq of 9 bytes", XORD_ERANGE, "01cf840000000189010000000000000000"},
        {"pong without port", XORD_ESHORT, "02cb840000000101847f000001"},
        {"pong port 65536", XORD_ERANGE, "02cf840000000101847f00000183010000"},
        {"pong port with a leading zero", XORD_ECANON, "02ce840000000101847f000001820050"},
        {"pong port a list", XORD_ETYPE, "02cc840000000101847f000001c0"},
        {"pong address of 0 bytes", XORD_ESIZE, "02c88400000001018001"},
        {"pong address of 1 byte", XORD_ESIZE, "02c88400000001017f01"},
        {"pong address of 3 bytes", XORD_ESIZE, "02cb840000000101837f000001"},
        {"pong address of 5 bytes", XORD_ESIZE, "02cd840000000101857f0000000101"},
        {"pong address of 15 bytes", XORD_ESIZE, "02d88400000001018f20010db800000000000000000000000101"},
        {"pong address of 17 bytes", XORD_ESIZE,
                "02d984000000010191"
                "20010db80000000000000000000000000101"},
        {"pong address a list", XORD_ETYPE, "02c8840000000101c001"},
        {"pong with one element more", XORD_ETRAIL, "02cd840000000101847f0000010102"},
        {"findnode without distances", XORD_ESHORT, "03c58400000001"},
        {"findnode distance outside a list", XORD_ETYPE, "03c6840000000101"},
        {"findnode distance a list", XORD_ETYPE, "03c78400000001c1c0"},
        {"findnode distance zero as a byte", XORD_ECANON, "03c78400000001c100"},
        {"findnode distance with a leading zero", XORD_ECANON, "03c98400000001c3820001"},
        {"findnode distance small in string form", XORD_ECANON, "03c88400000001c28101"},
        {"findnode distance beyond its list", XORD_ESHORT, "03c98400000001c1820100"},
        {"findnode distances beyond the message", XORD_ESHORT, "03c78400000001c201"},
        {"findnode with one element more", XORD_ETRAIL, "03c88400000001c10101"},
        {"nodes without records", XORD_ESHORT, "04c6840000000101"},
        {"nodes total a list", XORD_ETYPE, "04c78400000001c0c0"},
        {"nodes total not canonical", XORD_ECANON, "04c7840000000100c0"},
        {"nodes record a string", XORD_ETYPE, "04c8840000000101c101"},
        {"nodes records a string", XORD_ETYPE, "04c784000000010180"},
        {"nodes record beyond its list", XORD_ESHORT, "04ca840000000101c2c20101"},
        {"nodes with one element more", XORD_ETRAIL, "04c8840000000101c001"},
        {"talkreq without request", XORD_ESHORT, "05c6840000000180"},
        {"talkreq protocol a list", XORD_ETYPE, "05c78400000001c080"},
        {"talkreq request a list", XORD_ETYPE, "05c7840000000180c0"},
        {"talkreq request not canonical", XORD_ECANON, "05c88400000001808101"},
        {"talkreq with one element more", XORD_ETRAIL, "05c88400000001808080"},
        {"talkresp without response", XORD_ESHORT, "06c58400000001"},
        {"talkresp response a list", XORD_ETYPE, "06c68400000001c0"},
        {"talkresp with one element more", XORD_ETRAIL, "06c784000000018080"},
        {"regtopic topic of 31 bytes", XORD_ESIZE,
                "07e984000000019f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3ec1c080c0"},
        {"regtopic topic a list", XORD_ETYPE, "07ca8400000001c0c1c080c0"},
        {"regtopic record a string", XORD_ETYPE, "07e98400000001" TOPIC "8080c0"},
        {"regtopic ticket a list", XORD_ETYPE, "07e98400000001" TOPIC "c0c0c0"},
        {"regtopic distances a string", XORD_ETYPE, "07e98400000001" TOPIC "c08080"},
        {"regtopic without distances", XORD_ESHORT, "07e88400000001" TOPIC "c080"},
        {"regtopic with one element more", XORD_ETRAIL, "07ea8400000001" TOPIC "c080c080"},
        {"regconfirmation without wait time", XORD_ESHORT, "08c784000000010180"},
        {"regconfirmation ticket a list", XORD_ETYPE, "08c8840000000101c001"},
        {"regconfirmation wait time not canonical", XORD_ECANON, "08c88400000001018000"},
        {"regconfirmation wait time of 9 bytes", XORD_ERANGE,
                "08d184000000010180"
                "89010000000000000000"},
        {"regconfirmation with one element more", XORD_ETRAIL, "08c9840000000101800101"},
        {"topicquery topic of 33 bytes", XORD_ESIZE,
                "09e88400000001a1202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f40c0"},
        {"topicquery distance not canonical", XORD_ECANON, "09e88400000001" TOPIC "c100"},
        {"topicquery with one element more", XORD_ETRAIL, "09e88400000001" TOPIC "c0c0"},
        {"topicnodes record a string", XORD_ETYPE, "0ac8840000000101c101"},
        {"topicnodes with one element more", XORD_ETRAIL, "0ac8840000000101c001"},
};

Test(message, malformed)
{
    for (size_t i = 0; i < sizeof(malformed) / sizeof(*malformed); i++) {
        uint8_t in[64];
        size_t len = test_hex(in, malformed[i].hex);
        int err = decode_copy(in, len);

        cr_expect_eq(err, malformed[i].err, "%s: %s", malformed[i].what, xord_strerror(err));
    }
    TEST_NO_LEAK();
}

/* NODES with one record of `len` bytes, a list of one string. */
static size_t nodes_with_record(uint8_t *out, size_t record_len)
{
    uint8_t record[400] = {0xf9, (uint8_t)((record_len - 3) >> 8), (uint8_t)(record_len - 3), 0xb9,
            (uint8_t)((record_len - 6) >> 8), (uint8_t)(record_len - 6)};
    struct xord_message msg = {.type = XORD_MSG_NODES, .nodes = {1, {record, (uint16_t)record_len, 1}}};
    size_t len;

    cr_assert_eq(xord_message_encode(out, &len, XORD_PACKET_MAX_LEN, &msg), 0);
    return len;
}

Test(message, record_size_limit)
{
    uint8_t out[XORD_PACKET_MAX_LEN];

    cr_assert_eq(decode_copy(out, nodes_with_record(out, 299)), 0);
    cr_assert_eq(decode_copy(out, nodes_with_record(out, 300)), 0);
    cr_assert_eq(decode_copy(out, nodes_with_record(out, 301)), XORD_ESIZE);
}

/* More than a packet can hold is refused before 16-bit lengths could wrap. */
Test(message, longer_than_a_packet)
{
    size_t len = UINT16_MAX + 100;
    uint8_t *big = calloc(1, len);
    struct xord_message msg;

    cr_assert(big);
    big[0] = XORD_MSG_TALKRESP;
    cr_assert_eq(xord_message_decode(&msg, big, len), XORD_ESIZE);
    cr_assert_eq(xord_message_decode(&msg, big, XORD_PACKET_MAX_LEN + 1), XORD_ESIZE);
    cr_assert_eq(xord_message_decode(&msg, big, XORD_PACKET_MAX_LEN), XORD_ETYPE);
    free(big);
    TEST_NO_LEAK();
}

Test(message, unknown_type_is_not_encoded)
{
    struct xord_message msg = {.type = 11};
    uint8_t out[16];
    size_t len;

    cr_assert_eq(xord_message_encode(out, &len, sizeof(out), &msg), XORD_EFLAG);
    msg.type = 0;
    cr_assert_eq(xord_message_encode(out, &len, sizeof(out), &msg), XORD_EFLAG);
}

Test(message, requests_have_odd_numbers)
{
    cr_assert(xord_message_is_request(XORD_MSG_PING));
    cr_assert(xord_message_is_request(XORD_MSG_TOPICQUERY));
    cr_assert(!xord_message_is_request(XORD_MSG_NODES));
    cr_assert(!xord_message_is_request(XORD_MSG_TOPICNODES));
}

/* Every canonical integer is a distance; those that no 32 bits hold read as UINT32_MAX. */
Test(message, distances_are_walked)
{
    static const uint32_t want[] = {0, 1, 127, 128, 256, 257, 65535, UINT32_MAX - 1, UINT32_MAX, UINT32_MAX,
            UINT32_MAX};
    uint8_t in[64];
    size_t len = test_hex(in, "03e180df"
                              "80"
                              "01"
                              "7f"
                              "8180"
                              "820100"
                              "820101"
                              "82ffff"
                              "84fffffffe"
                              "84ffffffff"
                              "850100000000"
                              "89");
    struct xord_message msg;
    uint32_t distance;
    size_t pos = 0;

    len += test_hex(in + len, "010000000000000000");
    in[1] = (uint8_t)(0xc0 + len - 2);
    in[3] = (uint8_t)(0xc0 + len - 4);
    cr_assert_eq(xord_message_decode(&msg, in, len), 0);
    cr_assert_eq(msg.findnode.distances.cnt, sizeof(want) / sizeof(*want));
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        cr_assert(xord_distances_next(&msg.findnode.distances, &pos, &distance));
        cr_assert_eq(distance, want[i], "%zu: %u", i, distance);
    }
    cr_assert(!xord_distances_next(&msg.findnode.distances, &pos, &distance));
    cr_assert(!xord_distances_next(&msg.findnode.distances, &pos, &distance), "the end is final");
}

Test(message, records_are_walked)
{
    struct xord_rlp_view view = {records, sizeof(records), 2};
    struct xord_bytes_view record;
    size_t pos = 0;

    cr_assert(xord_records_next(&view, &pos, &record));
    cr_assert_eq(record.data, records);
    cr_assert_eq(record.len, RECORD1_LEN);
    cr_assert(xord_records_next(&view, &pos, &record));
    cr_assert_eq(record.data, records + RECORD1_LEN);
    cr_assert_eq(record.len, sizeof(records) - RECORD1_LEN);
    cr_assert(!xord_records_next(&view, &pos, &record));
}

Test(message, empty_lists_are_walked)
{
    struct xord_rlp_view none = {0};
    struct xord_bytes_view record;
    uint32_t distance;
    size_t pos = 0;

    cr_assert(!xord_distances_next(&none, &pos, &distance));
    cr_assert(!xord_records_next(&none, &pos, &record));
}

/* A view that no decoder has checked ends the walk at its first bad item. */
Test(message, broken_lists_end_the_walk)
{
    static const uint8_t bad[] = {0x01, 0xc8};
    struct xord_rlp_view view = {bad, sizeof(bad), 2};
    struct xord_bytes_view record;
    uint32_t distance;
    size_t pos = 0;

    cr_assert(xord_distances_next(&view, &pos, &distance));
    cr_assert(!xord_distances_next(&view, &pos, &distance));
    pos = 0;
    cr_assert(!xord_records_next(&view, &pos, &record));
}

Test(message, distances_fit_or_not)
{
    static const uint16_t distances[] = {1, 255, 256};
    struct xord_rlp_view view;
    uint8_t buf[6];

    cr_assert_eq(xord_distances_put(&view, buf, 6, distances, 3), 0);
    cr_assert_eq(view.len, 6);
    cr_assert_eq(view.cnt, 3);
    for (size_t cap = 0; cap < 6; cap++)
        cr_assert_eq(xord_distances_put(&view, buf, cap, distances, 3), XORD_ENOSPC);
}
