/* SPDX-License-Identifier: BSD-3-Clause */
/* What a bootnode tells about itself: status, shards, counters, bans. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "desk.h"
#include "xord_telemetry.h"

static uint64_t drops_of(const struct xord_counters *counters)
{
    uint64_t sum = 0;

    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        if (xord_metrics_drop_reason((enum xord_counter_id)id))
            sum += xord_counter_get(counters, (enum xord_counter_id)id);
    return sum;
}

static uint64_t drops_of_all(const struct xord_engine *engine)
{
    uint64_t sum = 0;

    for (uint16_t shard = 0; shard < xord_engine_worker_cnt(engine); shard++)
        sum += drops_of(xord_engine_counters(engine, shard));
    return sum;
}

static void show_sizes(struct xord_json *json, const struct xord_node_sizes *sizes)
{
    xord_json_uint(json, "sessions", sizes->sessions);
    xord_json_uint(json, "table", sizes->table);
    xord_json_uint(json, "verified", sizes->table_live);
    xord_json_uint(json, "requests", sizes->requests);
    xord_json_uint(json, "lane", sizes->lane);
}

/* ---- status ---- */

static void show_endpoint(struct xord_json *json, const struct xord_endpoint *ep)
{
    char text[XORD_ENDPOINT_TEXT_LEN];

    if (ep->port)
        xord_json_string(json, NULL, xord_endpoint_format(text, ep));
}

static void show_identity(struct xord_json *json, const struct service *service, uint32_t local)
{
    const struct xord_enr *enr = &service->selves[local];
    char text[XORD_ENR_MAX_TEXT_LEN + 1];

    xord_json_object(json, NULL);
    xord_json_hex(json, "node_id", enr->id32, XORD_ID_LEN);
    xord_json_uint(json, "seq", enr->seq);
    xord_json_string(json, "record", xord_enr_to_text(text, enr));
    xord_json_array(json, "listens");
    for (int family = 0; family < 2; family++)
        show_endpoint(json, &service->locals->all[local].ep[family]);
    xord_json_end_array(json);
    xord_json_end_object(json);
}

static void show_traffic(struct xord_json *json, const struct xord_engine *engine)
{
    static const enum xord_counter_id ids[] = {XORD_CNT_rx_packets, XORD_CNT_tx_packets, XORD_CNT_rx_bytes,
            XORD_CNT_tx_bytes, XORD_CNT_handshakes_in, XORD_CNT_handshakes_out};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        xord_json_uint(json, xord_counter_name(ids[i]), xord_engine_counter_sum(engine, ids[i]));
    xord_json_uint(json, "drops", drops_of_all(engine));
}

static void show_process(struct xord_json *json, const struct desk_facts *facts)
{
    struct xord_process_figures figures;

    xord_process_read(&facts->process, &figures);
    xord_json_uint(json, "memory_bytes", figures.resident_bytes);
    xord_json_uint(json, "cpu_ms", figures.cpu_ns / XORD_NS_PER_MS);
    xord_json_uint(json, "open_files", figures.open_fds);
    xord_json_string(json, "control", facts->control);
    xord_json_string(json, "metrics", facts->metrics);
    xord_json_string(json, "telemetry", xord_telemetry_path());
}

static void show_state(struct question *question)
{
    const struct bootnode *bootnode = question->bootnode;
    struct xord_json *json = question->json;

    xord_json_string(json, "version", XORD_VERSION);
    xord_json_uint(json, "pid", (uint64_t)getpid());
    xord_json_uint(json, "uptime_s", (question->now_ns - bootnode->started_ns) / XORD_NS_PER_S);
    xord_json_bool(json, "ready", bootnode_is_ready(bootnode));
    xord_json_bool(json, "draining", bootnode->draining);
    if (bootnode->ended_ns == UINT64_MAX)
        xord_json_null(json, "ends_in_s");
    else
        xord_json_uint(json, "ends_in_s",
                bootnode->ended_ns > question->now_ns ? (bootnode->ended_ns - question->now_ns) / XORD_NS_PER_S : 0);
    xord_json_string(json, "port", bootnode->settings->node.port.spec);
    xord_json_bool(json, "port_up", xord_engine_port_is_up(bootnode->service.engine));
    xord_json_uint(json, "workers", xord_engine_worker_cnt(bootnode->service.engine));
}

int desk_status(struct question *question)
{
    const struct service *service = &question->bootnode->service;
    struct xord_json *json = question->json;
    struct xord_node_sizes sizes;

    show_state(question);
    xord_json_array(json, "identities");
    for (uint32_t local = 0; local < service->self_cnt; local++)
        show_identity(json, service, local);
    xord_json_end_array(json);
    xord_engine_sizes(service->engine, &sizes);
    show_sizes(json, &sizes);
    xord_json_uint(json, "bans", xord_bans_cnt(question->bootnode->bans));
    show_traffic(json, service->engine);
    show_process(json, desk_facts(question->bootnode));
    return 0;
}

/* ---- shards ---- */

static void show_shard(struct question *question, uint16_t shard)
{
    static const enum xord_counter_id ids[] = {XORD_CNT_rx_packets, XORD_CNT_tx_packets, XORD_CNT_handshakes_in,
            XORD_CNT_handshakes_out, XORD_CNT_steer_in, XORD_CNT_steer_out};
    const struct xord_engine *engine = question->bootnode->service.engine;
    const struct xord_counters *counters = xord_engine_counters(engine, shard);
    const struct xord_timing *service = xord_engine_timing(engine, shard, XORD_TIMING_service);
    const struct xord_timing *wait = xord_engine_timing(engine, shard, XORD_TIMING_lane_wait);
    uint64_t turned_ns = xord_engine_turned_ns(engine, shard);
    struct xord_json *json = question->json;
    struct xord_node_sizes sizes;

    xord_json_object(json, NULL);
    xord_json_uint(json, "shard", shard);
    xord_json_uint(json, "idle_ms", question->now_ns > turned_ns ? (question->now_ns - turned_ns) / XORD_NS_PER_MS : 0);
    xord_engine_shard_sizes(engine, shard, &sizes);
    show_sizes(json, &sizes);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        xord_json_uint(json, xord_counter_name(ids[i]), xord_counter_get(counters, ids[i]));
    xord_json_uint(json, "drops", drops_of(counters));
    xord_json_uint(json, "service_p50_us", xord_metrics_quantile_ns(service, 50) / XORD_NS_PER_US);
    xord_json_uint(json, "service_p99_us", xord_metrics_quantile_ns(service, 99) / XORD_NS_PER_US);
    xord_json_uint(json, "lane_wait_p99_us", xord_metrics_quantile_ns(wait, 99) / XORD_NS_PER_US);
    xord_json_end_object(json);
}

int desk_shards(struct question *question)
{
    xord_json_array(question->json, "shards");
    for (uint16_t shard = 0; shard < xord_engine_worker_cnt(question->bootnode->service.engine); shard++)
        show_shard(question, shard);
    xord_json_end_array(question->json);
    return 0;
}

/* ---- counters ---- */

static void show_counter(struct xord_json *json, const struct xord_engine *engine, enum xord_counter_id id)
{
    xord_json_object(json, xord_counter_name(id));
    xord_json_uint(json, "sum", xord_engine_counter_sum(engine, id));
    xord_json_array(json, "shards");
    for (uint16_t shard = 0; shard < xord_engine_worker_cnt(engine); shard++)
        xord_json_uint(json, NULL, xord_counter_get(xord_engine_counters(engine, shard), id));
    xord_json_end_array(json);
    xord_json_end_object(json);
}

static void show_port(struct xord_json *json, const struct xord_engine *engine)
{
    struct xord_port_stats stats;

    xord_engine_port_stats(engine, &stats);
    xord_json_object(json, "port");
    xord_json_uint(json, "rx_packets", stats.rx_packets);
    xord_json_uint(json, "tx_packets", stats.tx_packets);
    xord_json_uint(json, "rx_missed", stats.rx_dropped);
    xord_json_uint(json, "tx_dropped", stats.tx_dropped);
    xord_json_uint(json, "rx_invalid", stats.rx_invalid);
    xord_json_uint(json, "neighbour_frames", stats.neighbours);
    xord_json_uint(json, "echoes", stats.echoes);
    xord_json_end_object(json);
}

int desk_counters(struct question *question)
{
    const struct xord_engine *engine = question->bootnode->service.engine;

    xord_json_object(question->json, "counters");
    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        show_counter(question->json, engine, (enum xord_counter_id)id);
    xord_json_end_object(question->json);
    show_port(question->json, engine);
    return 0;
}

/* ---- bans ---- */

struct ban_row {
    struct xord_prefix prefix;
    uint64_t until_ns;
};

static int compare_bans(const void *a, const void *b)
{
    const struct ban_row *x = a, *y = b;
    int order = memcmp(x->prefix.ip16, y->prefix.ip16, sizeof(x->prefix.ip16));

    return order ? order : x->prefix.bits - y->prefix.bits;
}

static void show_ban(struct question *question, const struct ban_row *row)
{
    char text[XORD_PREFIX_TEXT_LEN];

    xord_json_object(question->json, NULL);
    xord_json_string(question->json, "prefix", xord_prefix_format(text, &row->prefix));
    if (row->until_ns == XORD_BAN_FOREVER)
        xord_json_null(question->json, "ends_in_s");
    else
        xord_json_uint(question->json, "ends_in_s", (row->until_ns - question->now_ns) / XORD_NS_PER_S);
    xord_json_end_object(question->json);
}

int desk_bans(struct question *question)
{
    struct xord_bans *bans = question->bootnode->bans;
    struct ban_row *rows;
    uint32_t cnt;

    xord_bans_expire(bans, question->now_ns);
    cnt = xord_bans_cnt(bans);
    rows = calloc(cnt + 1, sizeof(*rows));
    if (!rows)
        return question_fail(question, "out of memory");
    for (uint32_t i = 0; i < cnt; i++)
        xord_bans_get(bans, i, &rows[i].prefix, &rows[i].until_ns);
    qsort(rows, cnt, sizeof(*rows), compare_bans);
    xord_json_array(question->json, "bans");
    for (uint32_t i = 0; i < cnt; i++)
        show_ban(question, &rows[i]);
    xord_json_end_array(question->json);
    free(rows);
    return 0;
}
