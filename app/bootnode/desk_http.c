/* SPDX-License-Identifier: BSD-3-Clause */
/* /metrics, /healthz and /readyz. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "desk.h"

#define STUCK_NS        (5 * XORD_NS_PER_S)
#define HTTP_OK         200
#define HTTP_NOT_FOUND  404
#define HTTP_NOT_NOW    503
#define HTTP_OUT_OF_MEM 500

static uint64_t idle_ns(const struct bootnode *bootnode, uint16_t shard, uint64_t now_ns)
{
    uint64_t turned_ns = xord_engine_turned_ns(bootnode->service.engine, shard);

    return now_ns > turned_ns ? now_ns - turned_ns : 0;
}

int desk_stuck_shard(const struct bootnode *bootnode, uint64_t now_ns, uint64_t *since_ns)
{
    for (uint16_t shard = 0; shard < xord_engine_worker_cnt(bootnode->service.engine); shard++) {
        *since_ns = idle_ns(bootnode, shard, now_ns);
        if (*since_ns > STUCK_NS)
            return shard;
    }
    return -1;
}

/* That this is answered at all shows that the control thread is well. */
static unsigned health(const struct bootnode *bootnode, struct xord_buf *body)
{
    uint64_t since_ns;
    int shard = desk_stuck_shard(bootnode, xord_now_ns(), &since_ns);

    if (shard < 0) {
        xord_buf_print(body, "ok\n");
        return HTTP_OK;
    }
    xord_buf_print(body, "shard %d has done nothing for %llu s\n", shard, since_ns / XORD_NS_PER_S);
    return HTTP_NOT_NOW;
}

static unsigned readiness(const struct bootnode *bootnode, struct xord_buf *body)
{
    if (bootnode_is_ready(bootnode)) {
        xord_buf_print(body, "ready\n");
        return HTTP_OK;
    }
    xord_buf_print(body, "%s\n", bootnode->draining ? "draining" : "the port has no link");
    return HTTP_NOT_NOW;
}

/* ---- metrics ---- */

static void gather_shard(struct xord_metrics_shard *out, const struct bootnode *bootnode, uint16_t shard,
        uint64_t now_ns)
{
    const struct xord_engine *engine = bootnode->service.engine;

    out->counters = xord_engine_counters(engine, shard);
    for (int id = 0; id < XORD_TIMING_CNT; id++)
        out->timings[id] = xord_engine_timing(engine, shard, (enum xord_timing_id)id);
    xord_engine_shard_sizes(engine, shard, &out->sizes);
    out->turned_ago_ns = idle_ns(bootnode, shard, now_ns);
}

static const char *port_kind(const struct bootnode *bootnode)
{
    return port_is_device(bootnode->settings->node.port.spec) ? "dpdk" : "socket";
}

static void gather(struct xord_metrics *metrics, const struct bootnode *bootnode, uint64_t now_ns)
{
    const struct xord_engine *engine = bootnode->service.engine;

    metrics->version = XORD_VERSION;
    metrics->port = port_kind(bootnode);
    xord_engine_port_stats(engine, &metrics->port_stats);
    metrics->port_up = xord_engine_port_is_up(engine);
    metrics->ready = bootnode_is_ready(bootnode);
    metrics->draining = bootnode->draining;
    metrics->bans = xord_bans_cnt(bootnode->bans);
    metrics->uptime_ns = now_ns - bootnode->started_ns;
    metrics->start_s = (uint64_t)time(NULL) - metrics->uptime_ns / XORD_NS_PER_S;
    metrics->identity_cnt = bootnode->service.self_cnt;
    xord_process_read(&desk_facts(bootnode)->process, &metrics->process);
}

static unsigned metrics_answer(const struct bootnode *bootnode, struct xord_buf *body)
{
    uint16_t shard_cnt = xord_engine_worker_cnt(bootnode->service.engine);
    struct xord_metrics_shard *shards = calloc(shard_cnt, sizeof(*shards));
    uint64_t seqs[SERVICE_SELVES], now_ns = xord_now_ns();
    struct xord_metrics metrics = {.shards = shards, .shard_cnt = shard_cnt, .record_seqs = seqs};

    if (!shards)
        return HTTP_OUT_OF_MEM;
    for (uint32_t i = 0; i < bootnode->service.self_cnt; i++)
        seqs[i] = bootnode->service.selves[i].seq;
    for (uint16_t shard = 0; shard < shard_cnt; shard++)
        gather_shard(&shards[shard], bootnode, shard, now_ns);
    gather(&metrics, bootnode, now_ns);
    xord_metrics_write(body, &metrics);
    free(shards);
    return HTTP_OK;
}

unsigned desk_http(void *ctx, const char *path, struct xord_buf *body, const char **type)
{
    const struct bootnode *bootnode = ctx;

    if (strcmp(path, "/metrics") == 0) {
        *type = XORD_METRICS_TYPE;
        return metrics_answer(bootnode, body);
    }
    if (strcmp(path, "/healthz") == 0)
        return health(bootnode, body);
    return strcmp(path, "/readyz") == 0 ? readiness(bootnode, body) : HTTP_NOT_FOUND;
}
