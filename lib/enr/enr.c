/* SPDX-License-Identifier: BSD-3-Clause */
/* Decoding, verification, text form and typed views of node records.
 *
 *   record  = [signature 64, seq, k, v, k, v, ...]    at most 300 bytes, keys strictly ascending
 *   content =               [seq, k, v, k, v, ...]    what is hashed and signed                     (enr.md) */
#include "enr_private.h"
#include "xord_keccak.h"
#include "xord_rlp.h"
#include "xord_text.h"

#define TEXT_PREFIX     "enr:"
#define TEXT_PREFIX_LEN 4

/* ---- decoding ---- */

static bool item_is(const struct xord_rlp_item *item, const char *text)
{
    return !item->is_list && enr_key_is(item->data, item->len, text);
}

static int take_scheme(bool *has_scheme, const struct xord_rlp_item *value)
{
    if (!item_is(value, ENR_SCHEME))
        return XORD_ESCHEME;
    *has_scheme = true;
    return 0;
}

static int take_pubkey(struct xord_enr *enr, const struct xord_rlp_item *value)
{
    if (value->is_list || value->len != XORD_PUBKEY_LEN || (value->data[0] != 2 && value->data[0] != 3))
        return XORD_EKEY;
    memcpy(enr->pubkey33, value->data, XORD_PUBKEY_LEN);
    return 0;
}

static int take_ip(uint8_t *out, size_t len, const struct xord_rlp_item *value)
{
    if (value->is_list || value->len != len)
        return XORD_ERANGE;
    memcpy(out, value->data, len);
    return 0;
}

static int take_port(uint16_t *out, const struct xord_rlp_item *value)
{
    struct xord_rd rd = xord_rd_init(value->raw, value->raw_len);

    *out = (uint16_t)xord_rlp_uint(&rd, UINT16_MAX);
    return rd.err ? XORD_ERANGE : 0;
}

/* Interprets a value whose key has a meaning to discovery itself; others pass unread. */
static int take_value(struct xord_enr *enr, bool *has_scheme, struct xord_slice_rd key,
        const struct xord_rlp_item *value)
{
    if (enr_key_is(key.data, key.len, "id"))
        return take_scheme(has_scheme, value);
    if (enr_key_is(key.data, key.len, "secp256k1"))
        return take_pubkey(enr, value);
    if (enr_key_is(key.data, key.len, "ip")) {
        enr->has_ip = 1;
        return take_ip(enr->ip4, sizeof(enr->ip4), value);
    }
    if (enr_key_is(key.data, key.len, "ip6")) {
        enr->has_ip6 = 1;
        return take_ip(enr->ip6, sizeof(enr->ip6), value);
    }
    if (enr_key_is(key.data, key.len, "udp")) {
        enr->has_udp = 1;
        return take_port(&enr->udp, value);
    }
    if (enr_key_is(key.data, key.len, "udp6")) {
        enr->has_udp6 = 1;
        return take_port(&enr->udp6, value);
    }
    if (enr_key_is(key.data, key.len, "tcp")) {
        enr->has_tcp = 1;
        return take_port(&enr->tcp, value);
    }
    if (enr_key_is(key.data, key.len, "tcp6")) {
        enr->has_tcp6 = 1;
        return take_port(&enr->tcp6, value);
    }
    return 0;
}

static int decode_pairs(struct xord_enr *enr, struct xord_rd *rd)
{
    struct xord_slice_rd prev = {0};
    bool has_scheme = false;

    while (xord_rd_left(rd)) {
        struct xord_slice_rd key = xord_rlp_bytes(rd, XORD_ENR_MAX_LEN);
        struct xord_rlp_item value = xord_rlp_next(rd);
        int err = rd->err;

        if (!err && prev.data && enr_key_compare(prev.data, prev.len, key.data, key.len) >= 0)
            err = XORD_EORDER;
        if (!err)
            err = take_value(enr, &has_scheme, key, &value);
        if (err)
            return err;
        prev = key;
    }
    if (rd->err)
        return rd->err;
    return has_scheme && enr->pubkey33[0] ? 0 : XORD_EMISSING;
}

static int decode_record(struct xord_enr *enr, const uint8_t *data, size_t len)
{
    struct xord_rd rd = xord_rd_init(data, len);
    struct xord_rd list = xord_rlp_list(&rd);
    int err = xord_rd_end(&rd);

    if (err)
        return err;
    xord_rlp_fixed(&list, XORD_SIG_LEN);
    enr->seq = xord_rlp_uint(&list, UINT64_MAX);
    return decode_pairs(enr, &list);
}

int xord_enr_decode(struct xord_enr *enr, const uint8_t *data, size_t len)
{
    int err;

    *enr = (struct xord_enr){0};
    if (len > XORD_ENR_MAX_LEN)
        return XORD_ESIZE;
    if (len == 0)
        return XORD_ESHORT;
    err = decode_record(enr, data, len);
    if (err) {
        *enr = (struct xord_enr){0};
        return err;
    }
    memcpy(enr->raw, data, len);
    enr->len = (uint16_t)len;
    return 0;
}

/* ---- verification ---- */

int xord_enr_verify_key(struct xord_enr *enr, struct xord_pubkey *pubkey, const struct xord_curve *curve)
{
    struct xord_rd rd = xord_rd_init(enr->raw, enr->len);
    struct xord_rd list = xord_rlp_list(&rd);
    const uint8_t *sig64 = xord_rlp_fixed(&list, XORD_SIG_LEN);
    uint8_t content[XORD_ENR_MAX_LEN];
    struct xord_wr wr = xord_wr_init(content, sizeof(content));
    uint8_t hash32[32];
    int err;

    memset(enr->id32, 0, sizeof(enr->id32));
    if (!sig64)
        return XORD_ESIG;
    xord_rlp_put_list_header(&wr, xord_rd_left(&list));
    xord_wr_put(&wr, list.pos, xord_rd_left(&list));
    xord_keccak256(hash32, content, wr.len);
    err = xord_pubkey_parse(curve, pubkey, enr->pubkey33);
    if (!err)
        err = xord_verify(curve, sig64, hash32, pubkey);
    if (!err)
        xord_id_from_pubkey(curve, enr->id32, pubkey);
    return err;
}

int xord_enr_verify(struct xord_enr *enr, const struct xord_curve *curve)
{
    struct xord_pubkey pubkey;

    return xord_enr_verify_key(enr, &pubkey, curve);
}

/* ---- text ---- */

int xord_enr_from_text(struct xord_enr *enr, const char *text, size_t text_len)
{
    uint8_t raw[XORD_ENR_MAX_LEN];
    size_t len = 0;
    int err = XORD_ETEXT;

    *enr = (struct xord_enr){0};
    if (text_len >= TEXT_PREFIX_LEN && memcmp(text, TEXT_PREFIX, TEXT_PREFIX_LEN) == 0)
        err = xord_base64url_decode(raw, &len, sizeof(raw), text + TEXT_PREFIX_LEN, text_len - TEXT_PREFIX_LEN);
    return err ? err : xord_enr_decode(enr, raw, len);
}

char *xord_enr_to_text(char out[XORD_ENR_MAX_TEXT_LEN + 1], const struct xord_enr *enr)
{
    xord_base64url_encode(stpcpy(out, TEXT_PREFIX), enr->raw, enr->len);
    return out;
}

/* ---- views ---- */

static bool is_sendable(const struct xord_endpoint *ep)
{
    enum xord_ip_scope scope = xord_ip_scope(ep->ip16);

    return ep->port && scope != XORD_IP_UNSPECIFIED && scope != XORD_IP_MULTICAST;
}

bool xord_enr_endpoint4(const struct xord_enr *enr, struct xord_endpoint *ep)
{
    *ep = xord_endpoint_v4(enr->ip4, enr->udp);
    return enr->has_ip && is_sendable(ep);
}

bool xord_enr_endpoint6(const struct xord_enr *enr, struct xord_endpoint *ep)
{
    *ep = xord_endpoint_v6(enr->ip6, enr->has_udp6 ? enr->udp6 : enr->udp);
    return enr->has_ip6 && !xord_endpoint_is_v4(ep) && is_sendable(ep);
}

bool xord_enr_next_pair(const struct xord_enr *enr, size_t *pos, struct xord_enr_pair *pair)
{
    struct xord_rd rd = xord_rd_init(enr->raw, enr->len);
    struct xord_rd list = xord_rlp_list(&rd);
    struct xord_slice_rd key;
    struct xord_rlp_item value;

    if (*pos) {
        xord_rd_take(&list, *pos - (size_t)(list.pos - enr->raw));
    } else {
        xord_rlp_next(&list);
        xord_rlp_next(&list);
    }
    key = xord_rlp_bytes(&list, XORD_ENR_MAX_LEN);
    value = xord_rlp_next(&list);
    if (list.err)
        return false;
    *pos = (size_t)(list.pos - enr->raw);
    *pair = (struct xord_enr_pair){
            .key = key.data,
            .value = value.data,
            .value_raw = value.raw,
            .key_len = (uint16_t)key.len,
            .value_len = (uint16_t)value.len,
            .value_raw_len = (uint16_t)value.raw_len,
            .is_list = value.is_list,
    };
    return true;
}

bool xord_enr_find(const struct xord_enr *enr, const char *key, struct xord_enr_pair *pair)
{
    size_t pos = 0;

    while (xord_enr_next_pair(enr, &pos, pair)) {
        if (enr_key_is(pair->key, pair->key_len, key))
            return true;
    }
    return false;
}
