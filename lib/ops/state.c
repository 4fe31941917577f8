/* SPDX-License-Identifier: BSD-3-Clause */
/* The state in memory, and as bytes. */
#include "xord_state.h"

#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_keccak.h"
#include "xord_mem.h"
#include "state_private.h"

#define DIGEST_AT  48
#define DIGEST_LEN 16

enum item { ITEM_SELF = 1, ITEM_NODE, ITEM_BAN };

#define ITEM_HEAD_LEN 3
#define NODE_HEAD_LEN 13
#define BAN_LEN       25
#define ITEM_MAX_LEN  (ITEM_HEAD_LEN + NODE_HEAD_LEN + XORD_ENR_MAX_LEN)

static const uint8_t magic8[8] = {'X', 'O', 'R', 'D', 'S', 'T', 'A', 'T'};

/* ---- in memory ---- */

int xord_state_add_self(struct xord_state *state, const struct xord_enr *enr)
{
    struct xord_state_self *selves =
            xord_grow(state->selves, state->self_cnt, &state->self_cap, sizeof(*state->selves));

    if (!selves)
        return XORD_ENOMEM;
    state->selves = selves;
    selves[state->self_cnt++] = (struct xord_state_self){.enr = *enr};
    return 0;
}

int xord_state_add_node_of(struct xord_state *state, uint32_t self_number, const struct xord_state_node *node)
{
    struct xord_state_self *self;
    struct xord_state_node *nodes;

    if (self_number >= state->self_cnt)
        return XORD_ESTATE;
    self = &state->selves[self_number];
    nodes = xord_grow(self->nodes, self->node_cnt, &self->node_cap, sizeof(*self->nodes));
    if (!nodes)
        return XORD_ENOMEM;
    self->nodes = nodes;
    nodes[self->node_cnt++] = *node;
    return 0;
}

int xord_state_add_node(struct xord_state *state, const struct xord_state_node *node)
{
    return state->self_cnt ? xord_state_add_node_of(state, state->self_cnt - 1, node) : XORD_ESTATE;
}

int xord_state_add_ban(struct xord_state *state, const struct xord_state_ban *ban)
{
    struct xord_state_ban *bans = xord_grow(state->bans, state->ban_cnt, &state->ban_cap, sizeof(*state->bans));

    if (!bans)
        return XORD_ENOMEM;
    state->bans = bans;
    bans[state->ban_cnt++] = *ban;
    return 0;
}

void xord_state_free(struct xord_state *state)
{
    for (uint32_t i = 0; i < state->self_cnt; i++)
        free(state->selves[i].nodes);
    free(state->selves);
    free(state->bans);
    memset(state, 0, sizeof(*state));
}

int xord_state_verify(struct xord_state *state, const struct xord_curve *curve)
{
    int err = 0;

    for (uint32_t i = 0; i < state->self_cnt && !err; i++) {
        struct xord_state_self *self = &state->selves[i];

        err = xord_enr_verify(&self->enr, curve);
        for (uint32_t n = 0; n < self->node_cnt && !err; n++)
            err = xord_enr_verify(&self->nodes[n].enr, curve);
    }
    return err;
}

/* ---- to bytes ---- */

static void put_be32(struct xord_wr *wr, uint32_t v)
{
    uint8_t be4[4];

    xord_store_be32(be4, v);
    xord_wr_put(wr, be4, sizeof(be4));
}

static void put_head(struct xord_wr *wr, enum item type, size_t len)
{
    xord_wr_u8(wr, (uint8_t)type);
    xord_wr_be16(wr, (uint16_t)len);
}

static void put_node(struct xord_wr *wr, const struct xord_state_node *node)
{
    put_head(wr, ITEM_NODE, NODE_HEAD_LEN + node->enr.len);
    put_be32(wr, node->live_checks);
    xord_wr_be64(wr, node->last_live_s);
    xord_wr_u8(wr, node->replacement);
    xord_wr_put(wr, node->enr.raw, node->enr.len);
}

static void put_self(struct xord_wr *wr, const struct xord_state_self *self)
{
    put_head(wr, ITEM_SELF, self->enr.len);
    xord_wr_put(wr, self->enr.raw, self->enr.len);
    for (uint32_t i = 0; i < self->node_cnt; i++)
        put_node(wr, &self->nodes[i]);
}

static void put_ban(struct xord_wr *wr, const struct xord_state_ban *ban)
{
    put_head(wr, ITEM_BAN, BAN_LEN);
    xord_wr_put(wr, ban->prefix.ip16, 16);
    xord_wr_u8(wr, ban->prefix.bits);
    xord_wr_be64(wr, ban->until_s);
}

/* Over the head but itself, and the body. 0 or XORD_ENOMEM. */
static int digest(uint8_t out16[DIGEST_LEN], const uint8_t *file, size_t len)
{
    size_t rest = len - XORD_STATE_HEAD_LEN;
    uint8_t *joined = malloc(DIGEST_AT + rest), all32[32];

    if (!joined)
        return XORD_ENOMEM;
    memcpy(joined, file, DIGEST_AT);
    memcpy(joined + DIGEST_AT, file + XORD_STATE_HEAD_LEN, rest);
    xord_keccak256(all32, joined, DIGEST_AT + rest);
    memcpy(out16, all32, DIGEST_LEN);
    free(joined);
    return 0;
}

static size_t len_max(const struct xord_state *state)
{
    size_t items = state->self_cnt + (size_t)state->ban_cnt;

    for (uint32_t i = 0; i < state->self_cnt; i++)
        items += state->selves[i].node_cnt;
    return XORD_STATE_HEAD_LEN + items * ITEM_MAX_LEN;
}

int xord_state_encode(uint8_t **out, size_t *len, const struct xord_state *state)
{
    size_t cap = len_max(state);
    uint8_t *file = calloc(1, cap);
    struct xord_wr body = xord_wr_init(file ? file + XORD_STATE_HEAD_LEN : NULL, cap - XORD_STATE_HEAD_LEN);
    struct xord_wr head = xord_wr_init(file, DIGEST_AT);

    if (!file)
        return XORD_ENOMEM;
    for (uint32_t i = 0; i < state->self_cnt; i++)
        put_self(&body, &state->selves[i]);
    for (uint32_t i = 0; i < state->ban_cnt; i++)
        put_ban(&body, &state->bans[i]);
    xord_wr_put(&head, magic8, sizeof(magic8));
    put_be32(&head, XORD_STATE_VERSION);
    put_be32(&head, XORD_STATE_HEAD_LEN);
    xord_wr_be64(&head, body.len);
    xord_wr_be64(&head, state->saved_s);
    *out = file;
    *len = XORD_STATE_HEAD_LEN + body.len;
    if (digest(file + DIGEST_AT, file, *len) == 0)
        return 0;
    free(file);
    return XORD_ENOMEM;
}

/* ---- from bytes ---- */

static int check_head(struct xord_state *state, const uint8_t *data, size_t len)
{
    size_t known = len < sizeof(magic8) ? len : sizeof(magic8);
    uint8_t digest16[DIGEST_LEN];
    uint64_t body_len;

    if (memcmp(data, magic8, known) != 0)
        return XORD_EPROTO;
    if (len < XORD_STATE_HEAD_LEN)
        return XORD_ESHORT;
    if (xord_load_be32(data + 8) != XORD_STATE_VERSION || xord_load_be32(data + 12) != XORD_STATE_HEAD_LEN)
        return XORD_EPROTO;
    body_len = xord_load_be64(data + 16);
    if (body_len != len - XORD_STATE_HEAD_LEN)
        return body_len > len - XORD_STATE_HEAD_LEN ? XORD_ESHORT : XORD_ETRAIL;
    state->saved_s = xord_load_be64(data + 24);
    if (digest(digest16, data, len))
        return XORD_ENOMEM;
    return memcmp(digest16, data + DIGEST_AT, DIGEST_LEN) == 0 ? 0 : XORD_EAUTH;
}

static int take_node(struct xord_state *state, struct xord_rd *rd)
{
    struct xord_state_node node = {0};
    uint8_t be4[4];
    size_t len;
    int err;

    xord_rd_copy(rd, be4, sizeof(be4));
    node.live_checks = xord_load_be32(be4);
    node.last_live_s = xord_rd_be64(rd);
    node.replacement = xord_rd_u8(rd) != 0;
    len = xord_rd_left(rd);
    err = rd->err ? rd->err : xord_enr_decode(&node.enr, xord_rd_take(rd, len), len);
    return err ? err : xord_state_add_node(state, &node);
}

static int take_self(struct xord_state *state, struct xord_rd *rd)
{
    size_t len = xord_rd_left(rd);
    struct xord_enr enr;
    int err = xord_enr_decode(&enr, xord_rd_take(rd, len), len);

    return err ? err : xord_state_add_self(state, &enr);
}

static int take_ban(struct xord_state *state, struct xord_rd *rd)
{
    struct xord_state_ban ban = {0};
    uint8_t ip16[16], bits;

    xord_rd_copy(rd, ip16, sizeof(ip16));
    bits = xord_rd_u8(rd);
    ban.until_s = xord_rd_be64(rd);
    if (xord_rd_end(rd) || bits > 128)
        return XORD_ETYPE;
    ban.prefix = xord_prefix_of(ip16, bits);
    return memcmp(ban.prefix.ip16, ip16, 16) == 0 ? xord_state_add_ban(state, &ban) : XORD_ETYPE;
}

static int take_item(struct xord_state *state, struct xord_rd *body)
{
    uint8_t type = xord_rd_u8(body);
    uint16_t len = xord_rd_be16(body);
    const uint8_t *content = xord_rd_take(body, len);
    struct xord_rd rd;

    if (!content)
        return body->err;
    rd = xord_rd_init(content, len);
    switch (type) {
    case ITEM_SELF:
        return take_self(state, &rd);
    case ITEM_NODE:
        return take_node(state, &rd);
    case ITEM_BAN:
        return take_ban(state, &rd);
    default:
        return XORD_ETYPE;
    }
}

int xord_state_decode(struct xord_state *state, const uint8_t *data, size_t len)
{
    int err;

    memset(state, 0, sizeof(*state));
    err = check_head(state, data, len);
    if (!err)
        err = state_decode_body(state, data + XORD_STATE_HEAD_LEN, len - XORD_STATE_HEAD_LEN);
    if (err)
        xord_state_free(state);
    return err;
}

int state_decode_body(struct xord_state *state, const uint8_t *body, size_t len)
{
    struct xord_rd rd = xord_rd_init(body, len);
    int err = 0;

    while (!err && xord_rd_left(&rd) > 0)
        err = take_item(state, &rd);
    return err;
}
