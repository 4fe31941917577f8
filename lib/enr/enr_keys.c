/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of known keys, and a formatter a kind. A formatter returns false when the value has not the kind's form;
 * what it wrote until then is thrown away and the value shown as hex. */
#include "xord_enr_keys.h"

#include <inttypes.h>
#include <stdio.h>

#include "enr_private.h"
#include "xord_rlp.h"
#include "xord_text.h"

/* By name. */
static const struct xord_enr_key known_keys[] = {
        {"attnets", XORD_KIND_BITS, 8},
        {"bsc", XORD_KIND_LIST, 0},
        {"bzz", XORD_KIND_BYTES, 0},
        {"cgc", XORD_KIND_UINT, 0},
        {"client", XORD_KIND_CLIENT, 0},
        {"csc", XORD_KIND_UINT, 0},
        {"custody_subnet_count", XORD_KIND_UINT, 0},
        {"diff", XORD_KIND_LIST, 0},
        {"domaintype", XORD_KIND_BYTES, 4},
        {"eth", XORD_KIND_ETH, 0},
        {"eth2", XORD_KIND_ETH2, 16},
        {"id", XORD_KIND_TEXT, 0},
        {"ip", XORD_KIND_IP4, 4},
        {"ip6", XORD_KIND_IP6, 16},
        {"les", XORD_KIND_LIST, 0},
        {"multiaddrs", XORD_KIND_BYTES, 0},
        {"nfd", XORD_KIND_BYTES, 4},
        {"opera", XORD_KIND_ETH, 0},
        {"opstack", XORD_KIND_OPSTACK, 0},
        {"quic", XORD_KIND_PORT, 0},
        {"quic6", XORD_KIND_PORT, 0},
        {"rs", XORD_KIND_BYTES, 0},
        {"rsv", XORD_KIND_BYTES, 0},
        {"secp256k1", XORD_KIND_PUBKEY, XORD_PUBKEY_LEN},
        {"snap", XORD_KIND_LIST, 0},
        {"subnets", XORD_KIND_BITS, 16},
        {"syncnets", XORD_KIND_BITS, 1},
        {"tcp", XORD_KIND_PORT, 0},
        {"tcp6", XORD_KIND_PORT, 0},
        {"topic-discovery", XORD_KIND_UINT, 0},
        {"trust", XORD_KIND_LIST, 0},
        {"udp", XORD_KIND_PORT, 0},
        {"udp6", XORD_KIND_PORT, 0},
        {"waku2", XORD_KIND_BITS, 1},
};

/* Lists inside lists are shown down to here, then as hex. */
#define LIST_DEPTH_MAX 8

#define EPOCH_NEVER UINT64_MAX

const struct xord_enr_key *xord_enr_key_lookup(const uint8_t *key, size_t key_len)
{
    for (size_t i = 0; i < sizeof(known_keys) / sizeof(known_keys[0]); i++) {
        if (enr_key_is(key, key_len, known_keys[i].name))
            return &known_keys[i];
    }
    return NULL;
}

/* Text that is cut, never overrun: `len` stays below `cap`. */
struct text {
    char *buf;
    size_t cap;
    size_t len;
};

static void put(struct text *out, const char *words)
{
    while (*words && out->len + 1 < out->cap)
        out->buf[out->len++] = *words++;
    out->buf[out->len] = '\0';
}

static void put_uint(struct text *out, uint64_t v)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%" PRIu64, v);
    put(out, digits);
}

static void put_hex(struct text *out, const uint8_t *data, size_t len)
{
    put(out, "0x");
    for (size_t i = 0; i < len; i++) {
        char digits[3];

        xord_hex_encode(digits, &data[i], 1);
        put(out, digits);
    }
}

static bool put_printable(struct text *out, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 || data[i] > 0x7e)
            return false;
        put(out, (const char[]){(char)data[i], '\0'});
    }
    return true;
}

static bool put_list(struct text *out, struct xord_rd rd, unsigned depth)
{
    const char *separator = "";

    put(out, "[");
    while (xord_rd_left(&rd)) {
        struct xord_rlp_item item = xord_rlp_next(&rd);

        if (rd.err)
            return false;
        put(out, separator);
        if (!item.is_list)
            put_hex(out, item.data, item.len);
        else if (depth == LIST_DEPTH_MAX)
            put_hex(out, item.raw, item.raw_len);
        else if (!put_list(out, xord_rd_init(item.data, item.len), depth + 1))
            return false;
        separator = ", ";
    }
    put(out, "]");
    return true;
}

static struct xord_rd value_rd(const struct xord_enr_pair *pair)
{
    return xord_rd_init(pair->value, pair->value_len);
}

/* ---- one formatter a kind; the caller has checked string or list, and the size where the key has one ---- */

static bool format_bytes(struct text *out, const struct xord_enr_pair *pair)
{
    put_hex(out, pair->value, pair->value_len);
    return true;
}

static bool format_text(struct text *out, const struct xord_enr_pair *pair)
{
    return put_printable(out, pair->value, pair->value_len);
}

static bool format_uint_below(struct text *out, const struct xord_enr_pair *pair, uint64_t max)
{
    struct xord_rd rd = xord_rd_init(pair->value_raw, pair->value_raw_len);
    uint64_t v = xord_rlp_uint(&rd, max);

    put_uint(out, v);
    return !rd.err;
}

static bool format_uint(struct text *out, const struct xord_enr_pair *pair)
{
    return format_uint_below(out, pair, UINT64_MAX);
}

static bool format_port(struct text *out, const struct xord_enr_pair *pair)
{
    return format_uint_below(out, pair, UINT16_MAX);
}

static bool format_ip4(struct text *out, const struct xord_enr_pair *pair)
{
    const uint8_t *ip = pair->value;

    for (unsigned i = 0; i < 4; i++) {
        put(out, i ? "." : "");
        put_uint(out, ip[i]);
    }
    return true;
}

static bool format_ip6(struct text *out, const struct xord_enr_pair *pair)
{
    char text[XORD_ENDPOINT_TEXT_LEN];

    put(out, xord_ip_is_v4(pair->value) ? "::ffff:" : "");
    put(out, xord_ip_format(text, pair->value));
    return true;
}

static bool format_pubkey(struct text *out, const struct xord_enr_pair *pair)
{
    return format_bytes(out, pair) && (pair->value[0] == 2 || pair->value[0] == 3);
}

static bool format_bits(struct text *out, const struct xord_enr_pair *pair)
{
    unsigned set_cnt = 0;

    for (size_t i = 0; i < pair->value_len; i++)
        set_cnt += (unsigned)__builtin_popcount(pair->value[i]);
    put_hex(out, pair->value, pair->value_len);
    put(out, " (");
    put_uint(out, set_cnt);
    put(out, " of ");
    put_uint(out, (uint64_t)pair->value_len * 8);
    put(out, ")");
    return true;
}

/* Further elements of the outer list are for later versions of the entry and ignored (eth.md). */
static bool format_eth(struct text *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = value_rd(pair);
    struct xord_rd fork = xord_rlp_list(&rd);
    const uint8_t *hash4 = xord_rlp_fixed(&fork, 4);
    uint64_t next = xord_rlp_uint(&fork, UINT64_MAX);

    if (xord_rd_end(&fork))
        return false;
    put(out, "fork ");
    put_hex(out, hash4, 4);
    put(out, next ? " next " : " next none");
    if (next)
        put_uint(out, next);
    return true;
}

static bool format_eth2(struct text *out, const struct xord_enr_pair *pair)
{
    uint64_t epoch = __builtin_bswap64(xord_load_be64(pair->value + 8));

    put(out, "fork ");
    put_hex(out, pair->value, 4);
    put(out, " next ");
    put_hex(out, pair->value + 4, 4);
    put(out, epoch != EPOCH_NEVER ? " epoch " : " epoch none");
    if (epoch != EPOCH_NEVER)
        put_uint(out, epoch);
    return true;
}

static uint64_t read_leb128(struct xord_rd *rd)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = xord_rd_u8(rd);

        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
    xord_rd_fail(rd, XORD_ERANGE);
    return 0;
}

static bool format_opstack(struct text *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = value_rd(pair);
    uint64_t chain_id = read_leb128(&rd);
    uint64_t version = read_leb128(&rd);

    put(out, "chain ");
    put_uint(out, chain_id);
    put(out, " version ");
    put_uint(out, version);
    return !xord_rd_end(&rd);
}

static bool format_client(struct text *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = value_rd(pair);
    unsigned cnt = 0;

    for (; xord_rd_left(&rd); cnt++) {
        struct xord_slice_rd part = xord_rlp_bytes(&rd, XORD_ENR_MAX_LEN);

        put(out, cnt ? " " : "");
        if (rd.err || !put_printable(out, part.data, part.len))
            return false;
    }
    return !rd.err && (cnt == 2 || cnt == 3);
}

static bool format_list(struct text *out, const struct xord_enr_pair *pair)
{
    return put_list(out, value_rd(pair), 0);
}

static const struct {
    bool (*format)(struct text *out, const struct xord_enr_pair *pair);
    bool is_list;
} kinds[] = {
        [XORD_KIND_BYTES] = {format_bytes, false},
        [XORD_KIND_TEXT] = {format_text, false},
        [XORD_KIND_UINT] = {format_uint, false},
        [XORD_KIND_PORT] = {format_port, false},
        [XORD_KIND_IP4] = {format_ip4, false},
        [XORD_KIND_IP6] = {format_ip6, false},
        [XORD_KIND_PUBKEY] = {format_pubkey, false},
        [XORD_KIND_BITS] = {format_bits, false},
        [XORD_KIND_ETH] = {format_eth, true},
        [XORD_KIND_ETH2] = {format_eth2, false},
        [XORD_KIND_OPSTACK] = {format_opstack, false},
        [XORD_KIND_CLIENT] = {format_client, true},
        [XORD_KIND_LIST] = {format_list, true},
};

static bool format_known(struct text *out, const struct xord_enr_key *key, const struct xord_enr_pair *pair)
{
    if (pair->is_list != kinds[key->kind].is_list || (key->size && pair->value_len != key->size))
        return false;
    return kinds[key->kind].format(out, pair);
}

static void format_unknown(struct text *out, const struct xord_enr_pair *pair)
{
    if (!pair->is_list) {
        put_hex(out, pair->value, pair->value_len);
    } else if (!format_list(out, pair)) {
        out->len = 0;
        put_hex(out, pair->value_raw, pair->value_raw_len);
    }
}

int xord_enr_value_format(char *out, size_t cap, const struct xord_enr_pair *pair)
{
    const struct xord_enr_key *key = xord_enr_key_lookup(pair->key, pair->key_len);
    char none;
    struct text text = {.buf = cap ? out : &none, .cap = cap ? cap : 1};
    bool ok;

    text.buf[0] = '\0';
    ok = key && format_known(&text, key, pair);
    if (!ok) {
        text.len = 0;
        format_unknown(&text, pair);
    }
    return key && !ok ? XORD_ERANGE : 0;
}
