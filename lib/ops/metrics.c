/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics as text. */
#include "xord_metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DROP "drop_"

static double seconds(uint64_t ns)
{
    return (double)ns / (double)XORD_NS_PER_S;
}

/* Help is one line of printable ASCII, without a backslash. */
static void head(struct xord_buf *buf, const char *name, const char *type, const char *help)
{
    xord_buf_print(buf, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ---- counters ---- */

const char *xord_metrics_drop_reason(enum xord_counter_id id)
{
    const char *name = xord_counter_name(id);

    return name && strncmp(name, DROP, strlen(DROP)) == 0 ? name + strlen(DROP) : NULL;
}

static uint64_t counter(const struct xord_metrics *metrics, uint16_t shard, enum xord_counter_id id)
{
    return xord_counter_get(metrics->shards[shard].counters, id);
}

static void write_counter(struct xord_buf *buf, const struct xord_metrics *metrics, enum xord_counter_id id)
{
    char name[96];

    snprintf(name, sizeof(name), "xord_%s_total", xord_counter_name(id));
    head(buf, name, "counter", xord_counter_help(id));
    for (uint16_t shard = 0; shard < metrics->shard_cnt; shard++)
        xord_buf_print(buf, "%s{shard=\"%u\"} %" PRIu64 "\n", name, shard, counter(metrics, shard, id));
}

static void write_drops(struct xord_buf *buf, const struct xord_metrics *metrics)
{
    head(buf, "xord_drops_total", "counter",
            "datagrams, messages, records and work not taken in, by reason; `xord ctl counters` explains each");
    for (int id = 0; id < XORD_COUNTER_CNT; id++) {
        const char *reason = xord_metrics_drop_reason((enum xord_counter_id)id);

        for (uint16_t shard = 0; reason && shard < metrics->shard_cnt; shard++)
            xord_buf_print(buf, "xord_drops_total{shard=\"%u\",reason=\"%s\"} %" PRIu64 "\n", shard, reason,
                    counter(metrics, shard, (enum xord_counter_id)id));
    }
}

/* ---- histograms ---- */

static uint64_t timing_cnt(const struct xord_timing *timing, unsigned bucket)
{
    return atomic_load_explicit(&timing->cnt[bucket], memory_order_relaxed);
}

uint64_t xord_metrics_quantile_ns(const struct xord_timing *timing, unsigned per_cent)
{
    uint64_t all = 0, below = 0;

    for (unsigned i = 0; i <= XORD_TIMING_BOUNDS; i++)
        all += timing_cnt(timing, i);
    for (unsigned i = 0; i < XORD_TIMING_BOUNDS && all > 0; i++) {
        below += timing_cnt(timing, i);
        if (below >= all - all * (100 - per_cent) / 100)
            return xord_timing_bound_ns(i);
    }
    return all > 0 ? xord_timing_bound_ns(XORD_TIMING_BOUNDS) : 0;
}

static void write_histogram(struct xord_buf *buf, const char *name, uint16_t shard, const struct xord_timing *timing)
{
    uint64_t cnt = 0;

    for (unsigned i = 0; i < XORD_TIMING_BOUNDS; i++) {
        cnt += timing_cnt(timing, i);
        xord_buf_print(buf, "%s_bucket{shard=\"%u\",le=\"%.7g\"} %" PRIu64 "\n", name, shard,
                seconds(xord_timing_bound_ns(i)), cnt);
    }
    cnt += timing_cnt(timing, XORD_TIMING_BOUNDS);
    xord_buf_print(buf, "%s_bucket{shard=\"%u\",le=\"+Inf\"} %" PRIu64 "\n", name, shard, cnt);
    xord_buf_print(buf, "%s_sum{shard=\"%u\"} %.9g\n", name, shard,
            seconds(atomic_load_explicit(&timing->sum_ns, memory_order_relaxed)));
    xord_buf_print(buf, "%s_count{shard=\"%u\"} %" PRIu64 "\n", name, shard, cnt);
}

static void write_timing(struct xord_buf *buf, const struct xord_metrics *metrics, enum xord_timing_id id)
{
    char name[96];

    snprintf(name, sizeof(name), "xord_%s_seconds", xord_timing_name(id));
    head(buf, name, "histogram", xord_timing_help(id));
    for (uint16_t shard = 0; shard < metrics->shard_cnt; shard++)
        write_histogram(buf, name, shard, metrics->shards[shard].timings[id]);
}

/* ---- gauges ---- */

static void write_shards(struct xord_buf *buf, const struct xord_metrics *metrics)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } sizes[] = {
            {"xord_sessions", "sessions in the cache", offsetof(struct xord_node_sizes, sessions)},
            {"xord_table_nodes", "nodes in the routing table, without replacements",
                    offsetof(struct xord_node_sizes, table)},
            {"xord_table_verified_nodes", "nodes in the routing table that have answered a PING",
                    offsetof(struct xord_node_sizes, table_live)},
            {"xord_requests", "own requests that wait for an answer", offsetof(struct xord_node_sizes, requests)},
            {"xord_lane_jobs", "handshakes and signatures that wait in the handshake lane",
                    offsetof(struct xord_node_sizes, lane)},
    };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        head(buf, sizes[i].name, "gauge", sizes[i].help);
        for (uint16_t shard = 0; shard < metrics->shard_cnt; shard++) {
            uint32_t v;

            memcpy(&v, (const char *)&metrics->shards[shard].sizes + sizes[i].offset, sizeof(v));
            xord_buf_print(buf, "%s{shard=\"%u\"} %" PRIu32 "\n", sizes[i].name, shard, v);
        }
    }
    head(buf, "xord_shard_idle_seconds", "gauge",
            "time since the worker last went through its loop; above 5 s /healthz fails");
    for (uint16_t shard = 0; shard < metrics->shard_cnt; shard++)
        xord_buf_print(buf, "xord_shard_idle_seconds{shard=\"%u\"} %.3f\n", shard,
                seconds(metrics->shards[shard].turned_ago_ns));
}

static void write_gauge(struct xord_buf *buf, const char *name, const char *help, uint64_t v)
{
    head(buf, name, "gauge", help);
    xord_buf_print(buf, "%s %" PRIu64 "\n", name, v);
}

static void write_total(struct xord_buf *buf, const char *name, const char *help, uint64_t v)
{
    head(buf, name, "counter", help);
    xord_buf_print(buf, "%s %" PRIu64 "\n", name, v);
}

static void write_node(struct xord_buf *buf, const struct xord_metrics *metrics)
{
    head(buf, "xord_build_info", "gauge", "1; the version and the kind of port are its labels");
    xord_buf_print(buf, "xord_build_info{version=\"%s\",port=\"%s\"} 1\n", metrics->version, metrics->port);
    head(buf, "xord_uptime_seconds", "gauge", "time since the start");
    xord_buf_print(buf, "xord_uptime_seconds %.3f\n", seconds(metrics->uptime_ns));
    write_gauge(buf, "xord_shards", "workers, each with a shard of its own", metrics->shard_cnt);
    write_gauge(buf, "xord_ready", "1: takes strangers, and its port is up; the same as /readyz", metrics->ready);
    write_gauge(buf, "xord_draining", "1: takes no strangers any more", metrics->draining);
    write_gauge(buf, "xord_bans", "prefixes that are banned", metrics->bans);
    head(buf, "xord_record_seq", "gauge", "seq of our own record, by identity");
    for (uint32_t i = 0; i < metrics->identity_cnt; i++)
        xord_buf_print(buf, "xord_record_seq{identity=\"%u\"} %" PRIu64 "\n", i, metrics->record_seqs[i]);
}

static void write_port(struct xord_buf *buf, const struct xord_metrics *metrics)
{
    const struct xord_port_stats *stats = &metrics->port_stats;

    write_gauge(buf, "xord_port_up", "1: the port has a link, as far as it knows", metrics->port_up);
    write_total(buf, "xord_port_rx_packets_total", "datagrams that the port took in", stats->rx_packets);
    write_total(buf, "xord_port_tx_packets_total", "datagrams that the port sent", stats->tx_packets);
    write_total(buf, "xord_port_rx_missed_total", "lost for want of buffers, as far as the device tells",
            stats->rx_dropped);
    write_total(buf, "xord_port_tx_dropped_total", "not sent: full queue, refused by the system, unresolved neighbour",
            stats->tx_dropped);
    write_total(buf, "xord_port_rx_invalid_total", "not UDP to us, or broken", stats->rx_invalid);
    write_total(buf, "xord_port_neighbour_frames_total", "ARP and NDP frames handled", stats->neighbours);
    write_total(buf, "xord_port_echoes_total", "ICMP echo requests answered", stats->echoes);
}

static void write_process(struct xord_buf *buf, const struct xord_metrics *metrics)
{
    const struct xord_process_figures *process = &metrics->process;

    head(buf, "process_cpu_seconds_total", "counter", "CPU time, user and system");
    xord_buf_print(buf, "process_cpu_seconds_total %.3f\n", seconds(process->cpu_ns));
    write_gauge(buf, "process_resident_memory_bytes", "resident memory; without huge pages", process->resident_bytes);
    write_gauge(buf, "process_virtual_memory_bytes", "virtual memory", process->virtual_bytes);
    write_gauge(buf, "process_open_fds", "open file descriptors", process->open_fds);
    write_gauge(buf, "process_max_fds", "how many there may be", process->max_fds);
    write_gauge(buf, "process_start_time_seconds", "time of the start since the epoch", metrics->start_s);
}

void xord_metrics_write(struct xord_buf *buf, const struct xord_metrics *metrics)
{
    write_node(buf, metrics);
    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        if (!xord_metrics_drop_reason((enum xord_counter_id)id))
            write_counter(buf, metrics, (enum xord_counter_id)id);
    write_drops(buf, metrics);
    write_shards(buf, metrics);
    for (int id = 0; id < XORD_TIMING_CNT; id++)
        write_timing(buf, metrics, (enum xord_timing_id)id);
    write_port(buf, metrics);
    write_process(buf, metrics);
}
