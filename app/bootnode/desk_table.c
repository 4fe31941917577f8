/* SPDX-License-Identifier: BSD-3-Clause */
/* Whom a bootnode knows: its table, its sessions, one peer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "enr_out.h"
#include "xord_mem.h"
#include "xord_text.h"

#define ROWS_DEFAULT     10000
#define ROWS_MAX         1000000
#define SESSIONS_DEFAULT 100

struct node_row {
    struct xord_listed_node node;
    uint16_t shard;
};

struct session_row {
    struct xord_listed_session session;
    uint16_t shard;
};

/* What has been listed so far. */
struct listing {
    uint16_t distance; /* 0: at every distance */
    struct node_row *nodes;
    uint32_t node_cnt, node_cap;
    struct session_row *sessions;
    uint32_t session_cnt, session_cap;
    uint32_t session_max;
    bool failed;
};

static void listing_free(struct listing *listing)
{
    free(listing->nodes);
    free(listing->sessions);
}

static void add_node(struct listing *listing, uint16_t shard, const struct xord_listed_node *node)
{
    struct node_row *rows;

    if (listing->failed || (listing->distance && node->distance != listing->distance))
        return;
    rows = xord_grow(listing->nodes, listing->node_cnt, &listing->node_cap, sizeof(*rows));
    listing->failed = !rows;
    if (!rows)
        return;
    listing->nodes = rows;
    rows[listing->node_cnt++] = (struct node_row){.node = *node, .shard = shard};
}

static void add_session(struct listing *listing, uint16_t shard, const struct xord_listed_session *session)
{
    struct session_row *rows;

    if (listing->failed || listing->session_cnt == listing->session_max)
        return;
    rows = xord_grow(listing->sessions, listing->session_cnt, &listing->session_cap, sizeof(*rows));
    listing->failed = !rows;
    if (!rows)
        return;
    listing->sessions = rows;
    rows[listing->session_cnt++] = (struct session_row){.session = *session, .shard = shard};
}

static void visit(void *ctx, uint16_t shard, const struct xord_listed *listed)
{
    for (uint32_t i = 0; i < listed->cnt; i++)
        if (listed->what == XORD_LIST_TABLE)
            add_node(ctx, shard, &listed->nodes[i]);
        else
            add_session(ctx, shard, &listed->sessions[i]);
}

/* What all shards hold of it; sessions only until there are enough. */
static int list(struct question *question, struct listing *listing, const struct xord_list_query *query)
{
    struct xord_engine *engine = question->bootnode->service.engine;

    for (uint16_t shard = 0; shard < xord_engine_worker_cnt(engine); shard++)
        for (uint32_t pos = 0; pos != XORD_LIST_END;) {
            if (query->what == XORD_LIST_SESSIONS && listing->session_cnt == listing->session_max)
                return 0;
            if (xord_engine_list_next(engine, shard, query, &pos, visit, listing))
                return question_fail(question, "shard %u does not answer", shard);
            if (listing->failed)
                return question_fail(question, "out of memory");
        }
    return 0;
}

/* ---- rows ---- */

static void show_ago(struct question *question, const char *name, uint64_t then_ns)
{
    if (then_ns == 0)
        xord_json_null(question->json, name);
    else
        xord_json_uint(question->json, name,
                question->now_ns > then_ns ? (question->now_ns - then_ns) / XORD_NS_PER_S : 0);
}

static void show_endpoint(struct question *question, const struct xord_endpoint *ep)
{
    char text[XORD_ENDPOINT_TEXT_LEN];

    xord_json_string(question->json, "endpoint", xord_endpoint_format(text, ep));
}

static void show_node(struct question *question, const struct node_row *row, const struct xord_enr *enr)
{
    const struct xord_listed_node *node = &row->node;
    struct xord_json *json = question->json;
    char text[XORD_ENR_MAX_TEXT_LEN + 1];

    xord_json_object(json, NULL);
    xord_json_uint(json, "distance", node->distance);
    xord_json_hex(json, "node_id", node->id32, XORD_ID_LEN);
    show_endpoint(question, &node->ep);
    xord_json_uint(json, "seq", enr->seq);
    xord_json_bool(json, "verified", node->live_checks > 0);
    xord_json_bool(json, "replacement", node->replacement);
    xord_json_uint(json, "live_checks", node->live_checks);
    xord_json_uint(json, "past_checks", node->past_checks);
    xord_json_uint(json, "misses", node->misses);
    show_ago(question, "last_live_s", node->last_live_ns);
    show_ago(question, "seen_s", node->seen_ns);
    xord_json_uint(json, "shard", row->shard);
    xord_json_uint(json, "identity", node->local);
    xord_json_string(json, "record", xord_enr_to_text(text, enr));
    xord_json_end_object(json);
}

static void show_nodes(struct question *question, const struct listing *listing, uint64_t max)
{
    struct xord_enr enr;

    xord_json_array(question->json, "nodes");
    for (uint32_t i = 0; i < listing->node_cnt && i < max; i++)
        if (xord_enr_decode(&enr, listing->nodes[i].node.enr, listing->nodes[i].node.enr_len) == 0)
            show_node(question, &listing->nodes[i], &enr);
    xord_json_end_array(question->json);
}

static void show_sessions(struct question *question, const struct listing *listing)
{
    struct xord_json *json = question->json;

    xord_json_array(json, "sessions");
    for (uint32_t i = 0; i < listing->session_cnt; i++) {
        const struct session_row *row = &listing->sessions[i];

        xord_json_object(json, NULL);
        xord_json_hex(json, "node_id", row->session.key.peer_id32, XORD_ID_LEN);
        show_endpoint(question, &row->session.key.ep);
        xord_json_uint(json, "sent", row->session.sent_cnt);
        xord_json_bool(json, "protected", row->session.is_protected);
        xord_json_uint(json, "shard", row->shard);
        xord_json_uint(json, "identity", row->session.key.local);
        xord_json_end_object(json);
    }
    xord_json_end_array(json);
}

/* By identity, nearest last; replacements after the bucket that they wait for. */
static int compare_nodes(const void *a, const void *b)
{
    const struct xord_listed_node *x = &((const struct node_row *)a)->node, *y = &((const struct node_row *)b)->node;

    if (x->local != y->local)
        return x->local < y->local ? -1 : 1;
    if (x->distance != y->distance)
        return x->distance > y->distance ? -1 : 1;
    if (x->replacement != y->replacement)
        return x->replacement ? 1 : -1;
    return memcmp(x->id32, y->id32, sizeof(x->id32));
}

/* ---- commands ---- */

int desk_table(struct question *question)
{
    const struct xord_list_query query = {.what = XORD_LIST_TABLE};
    struct listing listing = {0};
    uint64_t bucket, max;
    int err = question_uint(question, &bucket, "bucket", XORD_TABLE_BUCKETS, 0);

    if (!err && question_has(question, "bucket") && bucket == 0)
        err = question_fail(question, "a bucket is a log distance from 1 to %d", XORD_TABLE_BUCKETS);
    if (!err)
        err = question_uint(question, &max, "limit", ROWS_MAX, ROWS_DEFAULT);
    listing.distance = (uint16_t)(err ? 0 : bucket);
    if (!err)
        err = list(question, &listing, &query);
    if (!err && listing.node_cnt > 0)
        qsort(listing.nodes, listing.node_cnt, sizeof(*listing.nodes), compare_nodes);
    if (!err) {
        xord_json_uint(question->json, "total", listing.node_cnt);
        show_nodes(question, &listing, max);
    }
    listing_free(&listing);
    return err;
}

int desk_sessions(struct question *question)
{
    const struct xord_list_query query = {.what = XORD_LIST_SESSIONS};
    struct xord_node_sizes sizes;
    struct listing listing = {0};
    uint64_t max;
    int err = question_uint(question, &max, "limit", ROWS_MAX, SESSIONS_DEFAULT);

    listing.session_max = (uint32_t)(err ? 0 : max);
    if (!err)
        err = list(question, &listing, &query);
    if (!err) {
        xord_engine_sizes(question->bootnode->service.engine, &sizes);
        xord_json_uint(question->json, "total", sizes.sessions);
        show_sessions(question, &listing);
    }
    listing_free(&listing);
    return err;
}

/* ---- one peer ---- */

/* A node id or how it begins. */
static int id_read(struct question *question, struct xord_list_query *query)
{
    char padded[2 * XORD_ID_LEN + 1];
    const char *text;
    size_t len;
    int err = question_text(question, &text, "id");

    if (err)
        return err;
    len = text ? strlen(text) : 0;
    if (len > 2 && strncmp(text, "0x", 2) == 0) {
        text += 2;
        len -= 2;
    }
    memset(padded, '0', sizeof(padded) - 1);
    padded[sizeof(padded) - 1] = '\0';
    if (len > 0 && len < sizeof(padded))
        memcpy(padded, text, len);
    if (len == 0 || len >= sizeof(padded) || xord_hex_decode(query->id32, XORD_ID_LEN, padded, sizeof(padded) - 1))
        return question_fail(question, "a node id has 64 hexadecimal digits, of which the first few will do");
    query->id_digits = (uint8_t)len;
    return 0;
}

/* How many different nodes there are; *id32 is one of them. */
static uint32_t count_ids(const struct listing *listing, uint8_t id32[32])
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < listing->node_cnt + listing->session_cnt; i++) {
        const uint8_t *id = i < listing->node_cnt ? listing->nodes[i].node.id32
                                                  : listing->sessions[i - listing->node_cnt].session.key.peer_id32;

        if (cnt > 0 && memcmp(id32, id, XORD_ID_LEN) == 0)
            continue;
        if (++cnt > 1)
            break;
        memcpy(id32, id, XORD_ID_LEN);
    }
    return cnt;
}

/* The newest record of those that the shards and identities have. */
static bool newest_record(struct enr_row *row, const struct listing *listing)
{
    struct xord_enr enr;

    memset(row, 0, sizeof(*row));
    for (uint32_t i = 0; i < listing->node_cnt; i++) {
        const struct xord_listed_node *node = &listing->nodes[i].node;

        if (xord_enr_decode(&enr, node->enr, node->enr_len) != 0 || (row->decoded && enr.seq <= row->enr.seq))
            continue;
        row->enr = enr;
        memcpy(row->enr.id32, node->id32, XORD_ID_LEN); /* only verified records are in a table */
        row->decoded = row->has_id = true;
    }
    return row->decoded;
}

static void show_decoded(struct xord_json *json, const struct enr_row *row)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (out) {
        enr_row_print_json(out, row);
        fclose(out);
    }
    if (text && len > 0)
        xord_json_raw(json, "decoded", text, len);
    else
        xord_json_null(json, "decoded");
    free(text);
}

static void show_peer(struct question *question, const struct listing *listing, const uint8_t id32[32])
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1];
    struct enr_row row;

    xord_json_hex(question->json, "node_id", id32, XORD_ID_LEN);
    if (newest_record(&row, listing)) {
        xord_json_string(question->json, "record", xord_enr_to_text(text, &row.enr));
        show_decoded(question->json, &row);
    } else {
        xord_json_null(question->json, "record");
        xord_json_null(question->json, "decoded");
    }
    show_nodes(question, listing, UINT64_MAX);
    show_sessions(question, listing);
}

int desk_peer(struct question *question)
{
    struct listing listing = {.session_max = SESSIONS_DEFAULT};
    struct xord_list_query query = {.what = XORD_LIST_TABLE};
    uint8_t id32[XORD_ID_LEN] = {0};
    uint32_t cnt;
    int err = id_read(question, &query);

    if (!err)
        err = list(question, &listing, &query);
    query.what = XORD_LIST_SESSIONS;
    if (!err)
        err = list(question, &listing, &query);
    cnt = err ? 0 : count_ids(&listing, id32);
    if (!err && cnt == 0)
        err = question_fail(question, "no node with such an id is in the table, or has a session");
    if (!err && cnt > 1)
        err = question_fail(question, "several nodes' ids begin so: give more digits");
    if (!err)
        show_peer(question, &listing, id32);
    listing_free(&listing);
    return err;
}
