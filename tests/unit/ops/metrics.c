/* SPDX-License-Identifier: BSD-3-Clause */
#include "xord_metrics.h"

#include <stdio.h>

#include "test_util.h"

static struct xord_counters counters[2];
static struct xord_timing timings[2][XORD_TIMING_CNT];
static struct xord_metrics_shard shards[2];
static const uint64_t seqs[2] = {7, UINT64_MAX};

static struct xord_metrics sample(void)
{
    struct xord_metrics metrics = {.version = "1.2.3",
            .port = "socket",
            .shards = shards,
            .shard_cnt = 2,
            .port_up = true,
            .draining = true,
            .bans = 3,
            .uptime_ns = 90 * XORD_NS_PER_S + 500 * XORD_NS_PER_MS,
            .start_s = 1700000000,
            .record_seqs = seqs,
            .identity_cnt = 2,
            .process = {.resident_bytes = 4096, .cpu_ns = 1500 * XORD_NS_PER_MS}};

    for (int i = 0; i < 2; i++) {
        shards[i].counters = &counters[i];
        for (int id = 0; id < XORD_TIMING_CNT; id++)
            shards[i].timings[id] = &timings[i][id];
    }
    return metrics;
}

static void assert_line(const struct xord_buf *buf, const char *line)
{
    char whole[256];

    snprintf(whole, sizeof(whole), "\n%s\n", line);
    cr_assert_not_null(strstr(buf->data, whole), "no line \"%s\"", line);
}

static unsigned count(const char *text, const char *what)
{
    unsigned cnt = 0;

    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        cnt++;
    return cnt;
}

Test(metrics, every_counter_of_every_shard_has_a_line)
{
    struct xord_metrics metrics = sample();
    struct xord_buf buf = {0};
    char line[160];

    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        for (unsigned i = 0; i < 2; i++)
            xord_counter_add(&counters[i], (enum xord_counter_id)id, (uint64_t)id * 10 + i);
    xord_metrics_write(&buf, &metrics);
    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        for (unsigned i = 0; i < 2; i++) {
            const char *reason = xord_metrics_drop_reason((enum xord_counter_id)id);
            unsigned long long v = (unsigned long long)id * 10 + i;

            if (reason)
                snprintf(line, sizeof(line), "xord_drops_total{shard=\"%u\",reason=\"%s\"} %llu", i, reason, v);
            else
                snprintf(line, sizeof(line), "xord_%s_total{shard=\"%u\"} %llu",
                        xord_counter_name((enum xord_counter_id)id), i, v);
            assert_line(&buf, line);
        }
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}

Test(metrics, drops_are_one_metric)
{
    struct xord_metrics metrics = sample();
    struct xord_buf buf = {0};

    xord_metrics_write(&buf, &metrics);
    cr_assert_eq(count(buf.data, "# TYPE xord_drops_total counter\n"), 1);
    cr_assert_null(strstr(buf.data, "xord_drop_"));
    cr_assert_str_eq(xord_metrics_drop_reason(XORD_CNT_drop_banned), "banned");
    cr_assert_null(xord_metrics_drop_reason(XORD_CNT_tx_dropped));
    cr_assert_null(xord_metrics_drop_reason(XORD_COUNTER_CNT));
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}

Test(metrics, each_has_help_and_type_once)
{
    struct xord_metrics metrics = sample();
    struct xord_buf buf = {0};
    char name[96], help[128];

    xord_metrics_write(&buf, &metrics);
    cr_assert_eq(count(buf.data, "# HELP "), count(buf.data, "# TYPE "));
    for (const char *at = strstr(buf.data, "# TYPE "); at; at = strstr(at + 1, "# TYPE ")) {
        cr_assert_eq(sscanf(at, "# TYPE %90s", name), 1);
        snprintf(help, sizeof(help), "# HELP %s ", name);
        cr_assert_eq(count(buf.data, help), 1, "%s", help);
    }
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}

Test(metrics, histogram_is_cumulative)
{
    struct xord_metrics metrics = sample();
    struct xord_buf buf = {0};

    xord_timing_add(&timings[1][XORD_TIMING_service], 1500, 2);              /* up to 2 us */
    xord_timing_add(&timings[1][XORD_TIMING_service], XORD_NS_PER_MS, 3);    /* up to 1.024 ms */
    xord_timing_add(&timings[1][XORD_TIMING_service], 5 * XORD_NS_PER_S, 1); /* above all */
    xord_metrics_write(&buf, &metrics);
    assert_line(&buf, "# TYPE xord_service_seconds histogram");
    assert_line(&buf, "xord_service_seconds_bucket{shard=\"1\",le=\"1e-06\"} 0");
    assert_line(&buf, "xord_service_seconds_bucket{shard=\"1\",le=\"2e-06\"} 2");
    assert_line(&buf, "xord_service_seconds_bucket{shard=\"1\",le=\"0.000512\"} 2");
    assert_line(&buf, "xord_service_seconds_bucket{shard=\"1\",le=\"0.001024\"} 5");
    assert_line(&buf, "xord_service_seconds_bucket{shard=\"1\",le=\"1.048576\"} 5");
    assert_line(&buf, "xord_service_seconds_bucket{shard=\"1\",le=\"+Inf\"} 6");
    assert_line(&buf, "xord_service_seconds_count{shard=\"1\"} 6");
    assert_line(&buf, "xord_service_seconds_sum{shard=\"1\"} 5.003003");
    assert_line(&buf, "xord_lane_wait_seconds_count{shard=\"0\"} 0");
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}

Test(metrics, quantiles)
{
    static struct xord_timing timing;

    cr_assert_eq(xord_metrics_quantile_ns(&timing, 50), 0);
    xord_timing_add(&timing, 900, 98);
    xord_timing_add(&timing, 3000, 1);
    xord_timing_add(&timing, 10 * XORD_NS_PER_S, 1);
    cr_assert_eq(xord_metrics_quantile_ns(&timing, 50), 1000);
    cr_assert_eq(xord_metrics_quantile_ns(&timing, 98), 1000);
    cr_assert_eq(xord_metrics_quantile_ns(&timing, 99), 4000);
    cr_assert_eq(xord_metrics_quantile_ns(&timing, 100), xord_timing_bound_ns(XORD_TIMING_BOUNDS));
}

Test(metrics, gauges)
{
    struct xord_metrics metrics = sample();
    struct xord_buf buf = {0};

    shards[0].sizes = (struct xord_node_sizes){.sessions = 5, .requests = 6, .lane = 7, .table = 8, .table_live = 9};
    shards[1].turned_ago_ns = 1250 * XORD_NS_PER_MS;
    metrics.port_stats.rx_dropped = 11;
    xord_metrics_write(&buf, &metrics);
    assert_line(&buf, "xord_build_info{version=\"1.2.3\",port=\"socket\"} 1");
    assert_line(&buf, "xord_uptime_seconds 90.500");
    assert_line(&buf, "xord_ready 0");
    assert_line(&buf, "xord_draining 1");
    assert_line(&buf, "xord_bans 3");
    assert_line(&buf, "xord_record_seq{identity=\"1\"} 18446744073709551615");
    assert_line(&buf, "xord_sessions{shard=\"0\"} 5");
    assert_line(&buf, "xord_requests{shard=\"0\"} 6");
    assert_line(&buf, "xord_lane_jobs{shard=\"0\"} 7");
    assert_line(&buf, "xord_table_nodes{shard=\"0\"} 8");
    assert_line(&buf, "xord_table_verified_nodes{shard=\"0\"} 9");
    assert_line(&buf, "xord_shard_idle_seconds{shard=\"1\"} 1.250");
    assert_line(&buf, "xord_port_up 1");
    assert_line(&buf, "xord_port_rx_missed_total 11");
    assert_line(&buf, "process_cpu_seconds_total 1.500");
    assert_line(&buf, "process_resident_memory_bytes 4096");
    assert_line(&buf, "process_start_time_seconds 1700000000");
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}
