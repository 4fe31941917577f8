/* SPDX-License-Identifier: BSD-3-Clause */
/* Drafts of records and their signing. A draft's buffer holds key and value of each pair side by side without gaps, in
 * the order in which they were set; the index `pairs` is what is sorted. */
#include "enr_private.h"
#include "xord_keccak.h"
#include "xord_rlp.h"

/* Deeper lists than this are refused when a caller sets them: checking recurses. */
#define RLP_DEPTH_MAX 16

/* The index of the first pair not below `key`; *found when it is the key itself. */
static unsigned draft_lower_bound(const struct xord_enr_draft *draft, bool *found, const uint8_t *key, size_t key_len)
{
    unsigned i = 0;
    int order = 1;

    for (; i < draft->pair_cnt; i++) {
        order = enr_key_compare(draft->buf + draft->pairs[i].key_off, draft->pairs[i].key_len, key, key_len);
        if (order >= 0)
            break;
    }
    *found = i < draft->pair_cnt && order == 0;
    return i;
}

static size_t pair_size(const struct xord_enr_draft *draft, unsigned i)
{
    return (size_t)draft->pairs[i].key_len + draft->pairs[i].value_len;
}

static void draft_remove(struct xord_enr_draft *draft, unsigned i)
{
    uint16_t start = draft->pairs[i].key_off;
    uint16_t size = (uint16_t)pair_size(draft, i);

    memmove(draft->buf + start, draft->buf + start + size, (size_t)draft->buf_len - start - size);
    memmove(&draft->pairs[i], &draft->pairs[i + 1], (draft->pair_cnt - i - 1U) * sizeof(draft->pairs[0]));
    draft->buf_len -= size;
    draft->pair_cnt--;
    for (unsigned j = 0; j < draft->pair_cnt; j++) {
        if (draft->pairs[j].key_off > start) {
            draft->pairs[j].key_off -= size;
            draft->pairs[j].value_off -= size;
        }
    }
}

static uint16_t draft_append(struct xord_enr_draft *draft, const uint8_t *data, size_t len)
{
    uint16_t off = draft->buf_len;

    if (len)
        memcpy(draft->buf + off, data, len);
    draft->buf_len += (uint16_t)len;
    return off;
}

static void draft_insert(struct xord_enr_draft *draft, unsigned i, const uint8_t *key, size_t key_len,
        const uint8_t *item, size_t item_len)
{
    memmove(&draft->pairs[i + 1], &draft->pairs[i], ((size_t)draft->pair_cnt - i) * sizeof(draft->pairs[0]));
    draft->pairs[i].key_len = (uint16_t)key_len;
    draft->pairs[i].value_len = (uint16_t)item_len;
    draft->pairs[i].key_off = draft_append(draft, key, key_len);
    draft->pairs[i].value_off = draft_append(draft, item, item_len);
    draft->pair_cnt++;
}

/* Replaces or adds; leaves the draft as it was when there is no room. */
static int draft_put(struct xord_enr_draft *draft, const uint8_t *key, size_t key_len, const uint8_t *item,
        size_t item_len)
{
    bool found;
    unsigned i = draft_lower_bound(draft, &found, key, key_len);
    size_t room = sizeof(draft->buf) - draft->buf_len + (found ? pair_size(draft, i) : 0);

    if (key_len > room || item_len > room - key_len)
        return XORD_ENOSPC;
    if (!found && draft->pair_cnt == XORD_ENR_MAX_PAIRS)
        return XORD_ENOSPC;
    if (found)
        draft_remove(draft, i);
    draft_insert(draft, i, key, key_len, item, item_len);
    return 0;
}

static int draft_put_text_key(struct xord_enr_draft *draft, const char *key, const uint8_t *value, size_t value_len)
{
    uint8_t item[sizeof(draft->buf)];
    struct xord_wr wr = xord_wr_init(item, sizeof(item));

    xord_rlp_put_bytes(&wr, value, value_len);
    return wr.err ? wr.err : draft_put(draft, (const uint8_t *)key, strlen(key), item, wr.len);
}

static bool is_signers_key(const uint8_t *key, size_t key_len)
{
    return enr_key_is(key, key_len, "id") || enr_key_is(key, key_len, "secp256k1");
}

void xord_enr_draft_init(struct xord_enr_draft *draft, uint64_t seq)
{
    *draft = (struct xord_enr_draft){.seq = seq};
}

void xord_enr_draft_from(struct xord_enr_draft *draft, const struct xord_enr *enr)
{
    struct xord_enr_pair pair;
    size_t pos = 0;

    xord_enr_draft_init(draft, enr->seq);
    while (xord_enr_next_pair(enr, &pos, &pair)) {
        if (!is_signers_key(pair.key, pair.key_len))
            draft_put(draft, pair.key, pair.key_len, pair.value_raw, pair.value_raw_len); /* a record always fits */
    }
}

int xord_enr_draft_set(struct xord_enr_draft *draft, const uint8_t *key, size_t key_len, const uint8_t *value,
        size_t value_len)
{
    uint8_t item[sizeof(draft->buf)];
    struct xord_wr wr = xord_wr_init(item, sizeof(item));

    if (is_signers_key(key, key_len))
        return XORD_ERANGE;
    xord_rlp_put_bytes(&wr, value, value_len);
    return wr.err ? wr.err : draft_put(draft, key, key_len, item, wr.len);
}

int xord_enr_draft_set_uint(struct xord_enr_draft *draft, const char *key, uint64_t value)
{
    uint8_t item[9];
    struct xord_wr wr = xord_wr_init(item, sizeof(item));

    if (is_signers_key((const uint8_t *)key, strlen(key)))
        return XORD_ERANGE;
    xord_rlp_put_uint(&wr, value);
    return draft_put(draft, (const uint8_t *)key, strlen(key), item, wr.len);
}

/* Every item within `rd`, lists inside lists too, is canonical and ends where its list ends. */
static int check_items(struct xord_rd rd, unsigned depth)
{
    while (xord_rd_left(&rd)) {
        struct xord_rlp_item item = xord_rlp_next(&rd);
        int err = rd.err;

        if (!err && item.is_list)
            err = depth < RLP_DEPTH_MAX ? check_items(xord_rd_init(item.data, item.len), depth + 1) : XORD_ESIZE;
        if (err)
            return err;
    }
    return rd.err;
}

int xord_enr_draft_set_rlp(struct xord_enr_draft *draft, const uint8_t *key, size_t key_len, const uint8_t *item,
        size_t item_len)
{
    struct xord_rd rd = xord_rd_init(item, item_len);
    int err;

    if (is_signers_key(key, key_len))
        return XORD_ERANGE;
    xord_rlp_next(&rd);
    err = xord_rd_end(&rd);
    if (!err)
        err = check_items(xord_rd_init(item, item_len), 0);
    return err ? err : draft_put(draft, key, key_len, item, item_len);
}

void xord_enr_draft_unset(struct xord_enr_draft *draft, const char *key)
{
    bool found;
    unsigned i = draft_lower_bound(draft, &found, (const uint8_t *)key, strlen(key));

    if (found)
        draft_remove(draft, i);
}

int xord_enr_draft_set_endpoint(struct xord_enr_draft *draft, const struct xord_endpoint *ep)
{
    bool v4 = xord_endpoint_is_v4(ep);
    int err = v4 ? draft_put_text_key(draft, "ip", ep->ip16 + 12, 4) : draft_put_text_key(draft, "ip6", ep->ip16, 16);

    if (err || ep->port == 0)
        return err;
    return xord_enr_draft_set_uint(draft, v4 ? "udp" : "udp6", ep->port);
}

/* ---- signing ---- */

/* Writes seq, k, v, ... with the signer's own keys among the draft's. */
static int put_body(struct xord_wr *wr, const struct xord_enr_draft *draft, const uint8_t pubkey33[XORD_PUBKEY_LEN])
{
    struct xord_enr_draft full = *draft;
    int err = draft_put_text_key(&full, "id", (const uint8_t *)ENR_SCHEME, strlen(ENR_SCHEME));

    if (!err)
        err = draft_put_text_key(&full, "secp256k1", pubkey33, XORD_PUBKEY_LEN);
    xord_rlp_put_uint(wr, full.seq);
    for (unsigned i = 0; i < full.pair_cnt; i++) {
        xord_rlp_put_bytes(wr, full.buf + full.pairs[i].key_off, full.pairs[i].key_len);
        xord_wr_put(wr, full.buf + full.pairs[i].value_off, full.pairs[i].value_len);
    }
    return err ? err : wr->err;
}

static void hash_content(uint8_t hash32[32], const struct xord_wr *body)
{
    uint8_t content[XORD_ENR_MAX_LEN];
    struct xord_wr wr = xord_wr_init(content, sizeof(content));

    xord_rlp_put_list_header(&wr, body->len);
    xord_wr_put(&wr, body->buf, body->len);
    xord_keccak256(hash32, content, wr.len);
}

static void put_record(struct xord_wr *wr, const uint8_t sig64[XORD_SIG_LEN], const struct xord_wr *body)
{
    xord_rlp_put_list_header(wr, ENR_SIG_SIZE + body->len);
    xord_rlp_put_bytes(wr, sig64, XORD_SIG_LEN);
    xord_wr_put(wr, body->buf, body->len);
}

static int sign_draft(struct xord_wr *record, const struct xord_enr_draft *draft, const struct xord_curve *curve,
        const uint8_t pubkey33[XORD_PUBKEY_LEN], const uint8_t seckey32[XORD_SECKEY_LEN])
{
    uint8_t buf[XORD_ENR_MAX_LEN], hash32[32], sig64[XORD_SIG_LEN];
    struct xord_wr body = xord_wr_init(buf, sizeof(buf));
    int err;

    if (put_body(&body, draft, pubkey33) || xord_rlp_list_size(ENR_SIG_SIZE + body.len) > XORD_ENR_MAX_LEN)
        return XORD_ESIZE;
    hash_content(hash32, &body);
    err = xord_sign(curve, sig64, hash32, seckey32);
    if (!err)
        put_record(record, sig64, &body);
    return err ? err : record->err;
}

int xord_enr_sign(struct xord_enr *enr, const struct xord_enr_draft *draft, const struct xord_curve *curve,
        const uint8_t seckey32[XORD_SECKEY_LEN])
{
    uint8_t raw[XORD_ENR_MAX_LEN], pubkey33[XORD_PUBKEY_LEN];
    struct xord_wr record = xord_wr_init(raw, sizeof(raw));
    int err = xord_pubkey_from_seckey(curve, pubkey33, seckey32);

    *enr = (struct xord_enr){0};
    if (!err)
        err = sign_draft(&record, draft, curve, pubkey33, seckey32);
    if (!err)
        err = xord_enr_decode(enr, raw, record.len);
    return err ? err : xord_id_from_pubkey33(curve, enr->id32, enr->pubkey33);
}
