/* SPDX-License-Identifier: BSD-3-Clause */
/* A record as a JSON object. Numbers are printed here, not by jansson, whose integers are signed: a seq may have 64 bits. */
#include <inttypes.h>
#include <string.h>

#include "enr_out.h"
#include "xord_bytes.h"
#include "xord_rlp.h"
#include "xord_text.h"

#define EPOCH_NEVER UINT64_MAX

static void print_hex(FILE *out, const uint8_t *data, size_t len)
{
    fputs("\"0x", out);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", data[i]);
    fputc('"', out);
}

/* ---- values, one printer a kind; each has been found well-formed before ---- */

static struct xord_rd value_rd(const struct xord_enr_pair *pair)
{
    return xord_rd_init(pair->value, pair->value_len);
}

static void print_bytes(FILE *out, const struct xord_enr_pair *pair)
{
    print_hex(out, pair->value, pair->value_len);
}

/* Text, addresses. */
static void print_formatted(FILE *out, const struct xord_enr_pair *pair)
{
    char text[XORD_ENR_VALUE_TEXT_LEN];

    (void)!xord_enr_value_format(text, sizeof(text), pair);
    json_print_string(out, text, strlen(text));
}

static void print_uint(FILE *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = xord_rd_init(pair->value_raw, pair->value_raw_len);

    fprintf(out, "%" PRIu64, xord_rlp_uint(&rd, UINT64_MAX));
}

static void print_eth(FILE *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = value_rd(pair);
    struct xord_rd fork = xord_rlp_list(&rd);
    const uint8_t *hash4 = xord_rlp_fixed(&fork, 4);

    fputs("{\"fork_hash\":", out);
    print_hex(out, hash4, 4);
    fprintf(out, ",\"fork_next\":%" PRIu64 "}", xord_rlp_uint(&fork, UINT64_MAX));
}

static void print_eth2(FILE *out, const struct xord_enr_pair *pair)
{
    uint64_t epoch = __builtin_bswap64(xord_load_be64(pair->value + 8));

    fputs("{\"fork_digest\":", out);
    print_hex(out, pair->value, 4);
    fputs(",\"next_fork_version\":", out);
    print_hex(out, pair->value + 4, 4);
    if (epoch == EPOCH_NEVER)
        fputs(",\"next_fork_epoch\":null}", out);
    else
        fprintf(out, ",\"next_fork_epoch\":%" PRIu64 "}", epoch);
}

static uint64_t read_leb128(struct xord_rd *rd)
{
    uint64_t v = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; shift < 64 && byte >= 0x80; shift += 7) {
        byte = xord_rd_u8(rd);
        v |= (uint64_t)(byte & 0x7f) << shift;
    }
    return v;
}

static void print_opstack(FILE *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = value_rd(pair);
    uint64_t chain_id = read_leb128(&rd);

    fprintf(out, "{\"chain_id\":%" PRIu64 ",\"version\":%" PRIu64 "}", chain_id, read_leb128(&rd));
}

static void print_client(FILE *out, const struct xord_enr_pair *pair)
{
    struct xord_rd rd = value_rd(pair);
    const char *separator = "[";

    while (xord_rd_left(&rd) && !rd.err) {
        struct xord_slice_rd part = xord_rlp_bytes(&rd, XORD_ENR_MAX_LEN);

        fputs(separator, out);
        json_print_string(out, (const char *)part.data, part.len);
        separator = ",";
    }
    fputc(']', out);
}

/* Recursion is bounded: each list inside another takes a byte of the record's 300. */
static void print_items(FILE *out, struct xord_rd rd)
{
    const char *separator = "";

    fputc('[', out);
    while (xord_rd_left(&rd) && !rd.err) {
        struct xord_rlp_item item = xord_rlp_next(&rd);

        fputs(separator, out);
        if (item.is_list)
            print_items(out, xord_rd_init(item.data, item.len));
        else
            print_hex(out, item.data, item.len);
        separator = ",";
    }
    fputc(']', out);
}

static void print_list(FILE *out, const struct xord_enr_pair *pair)
{
    print_items(out, value_rd(pair));
}

static void (*const printers[])(FILE *out, const struct xord_enr_pair *pair) = {
        [XORD_KIND_BYTES] = print_bytes,
        [XORD_KIND_TEXT] = print_formatted,
        [XORD_KIND_UINT] = print_uint,
        [XORD_KIND_PORT] = print_uint,
        [XORD_KIND_IP4] = print_formatted,
        [XORD_KIND_IP6] = print_formatted,
        [XORD_KIND_PUBKEY] = print_bytes,
        [XORD_KIND_BITS] = print_bytes,
        [XORD_KIND_ETH] = print_eth,
        [XORD_KIND_ETH2] = print_eth2,
        [XORD_KIND_OPSTACK] = print_opstack,
        [XORD_KIND_CLIENT] = print_client,
        [XORD_KIND_LIST] = print_list,
};

/* Unknown and malformed values as bytes; of a list, its RLP. */
static void print_value(FILE *out, const struct xord_enr_pair *pair)
{
    const struct xord_enr_key *key = xord_enr_key_lookup(pair->key, pair->key_len);
    char text[XORD_ENR_VALUE_TEXT_LEN];

    if (key && xord_enr_value_format(text, sizeof(text), pair) == 0)
        printers[key->kind](out, pair);
    else if (pair->is_list)
        print_hex(out, pair->value_raw, pair->value_raw_len);
    else
        print_hex(out, pair->value, pair->value_len);
}

/* ---- the object ---- */

/* A key that is no plain text is shown as 0x and its bytes, and so is one that could be taken for such. */
static void print_key(FILE *out, const struct xord_enr_pair *pair)
{
    bool plain = pair->key_len < 2 || memcmp(pair->key, "0x", 2) != 0;

    for (uint16_t i = 0; i < pair->key_len; i++)
        plain = plain && pair->key[i] >= 0x20 && pair->key[i] < 0x7f;
    if (plain)
        json_print_string(out, (const char *)pair->key, pair->key_len);
    else
        print_hex(out, pair->key, pair->key_len);
}

static void print_keys(FILE *out, const struct xord_enr *enr)
{
    const char *separator = "";
    struct xord_enr_pair pair;
    size_t pos = 0;

    fputs(",\"keys\":{", out);
    while (xord_enr_next_pair(enr, &pos, &pair)) {
        fputs(separator, out);
        print_key(out, &pair);
        fputc(':', out);
        print_value(out, &pair);
        separator = ",";
    }
    fputc('}', out);
}

/* `name`: what stands under `key`, or null. */
static void print_field(FILE *out, const struct xord_enr *enr, const char *key)
{
    struct xord_enr_pair pair;

    fprintf(out, ",\"%s\":", key);
    if (xord_enr_find(enr, key, &pair))
        print_value(out, &pair);
    else
        fputs("null", out);
}

static void print_head(FILE *out, const struct enr_row *row)
{
    char id[2 * XORD_ID_LEN + 1];

    xord_hex_encode(id, row->enr.id32, XORD_ID_LEN);
    if (row->has_id)
        fprintf(out, "{\"node_id\":\"%s\"", id);
    else
        fputs("{\"node_id\":null", out);
    if (row->decoded)
        fprintf(out, ",\"seq\":%" PRIu64, row->enr.seq);
    else
        fputs(",\"seq\":null", out);
    fputs(row->error[0] ? ",\"valid\":false,\"error\":" : ",\"valid\":true,\"error\":null", out);
    if (row->error[0])
        json_print_string(out, row->error, strlen(row->error));
}

void enr_row_print_json(FILE *out, const struct enr_row *row)
{
    static const char *const fields[] = {"ip", "udp", "tcp", "ip6", "udp6"};

    print_head(out, row);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        print_field(out, &row->enr, fields[i]);
    print_keys(out, &row->enr);
    fputc('}', out);
}
