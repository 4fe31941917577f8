/* SPDX-License-Identifier: BSD-3-Clause */
/* How a crawl is getting on, and what it came to. */
#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "crawl.h"
#include "xord_text.h"

#define TTY_NS       (200 * XORD_NS_PER_MS)
#define LOG_NS       (10 * XORD_NS_PER_S)
#define LOG_FIRST_NS (1 * XORD_NS_PER_S) /* so that a short crawl shows that it moves */

void progress_init(struct progress *progress, uint64_t now_ns)
{
    progress->tty = isatty(STDERR_FILENO);
    progress->last_ns = now_ns;
    progress->last_done = 0;
    progress->next_ns = now_ns + (progress->tty ? TTY_NS : LOG_FIRST_NS);
}

/* A line that a terminal would break could not be overwritten by the next. */
static void line_show(const struct progress *progress, const char *line)
{
    struct winsize size = {0};

    if (xord_log_get_level() <= XORD_LOG_ERROR)
        return;
    if (!progress->tty)
        fprintf(stderr, "%s\n", line);
    else if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        fprintf(stderr, "\r\033[K%.*s", size.ws_col - 1, line);
    else
        fprintf(stderr, "\r\033[K%s", line);
}

void progress_show(struct progress *progress, const struct driver *driver, uint64_t now_ns)
{
    struct xord_crawl_stats stats;
    uint64_t done;
    double seconds;
    char line[160];

    if (now_ns < progress->next_ns)
        return;
    xord_crawl_stats(driver->crawl, &stats);
    done = stats.alive + stats.dead;
    seconds = (double)(now_ns - progress->last_ns) / 1e9;
    snprintf(line, sizeof(line),
            "xord: known %" PRIu64 ", visited %" PRIu64 ", alive %" PRIu64 ", in flight %" PRIu64
            ", %.0f nodes/s, elapsed %.1f s",
            stats.known, done, stats.alive, stats.in_flight, (double)(done - progress->last_done) / seconds,
            (double)(now_ns - driver->started_ns) / 1e9);
    line_show(progress, line);
    progress->last_ns = now_ns;
    progress->last_done = done;
    progress->next_ns = now_ns + (progress->tty ? TTY_NS : LOG_NS);
}

void progress_end(struct progress *progress)
{
    if (progress->tty && xord_log_get_level() > XORD_LOG_ERROR)
        fputs("\r\033[K", stderr);
}

static double peak_mib(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

struct totals {
    struct xord_crawl_stats stats;
    uint64_t packets_out, packets_in, bytes_out, bytes_in;
    uint64_t alive;         /* have answered, also those whose visit was cut short */
    uint64_t unfinished;    /* of those: visits cut short */
    uint64_t silent_so_far; /* neither alive nor dead nor skipped: not asked, or not long enough */
    double seconds, requests_a_node;
};

static struct totals totals_of(const struct driver *driver)
{
    const struct xord_engine *engine = driver->service->engine;
    struct totals t = {
            .packets_out = xord_engine_counter_sum(engine, XORD_CNT_tx_packets),
            .packets_in = xord_engine_counter_sum(engine, XORD_CNT_rx_packets),
            .bytes_out = xord_engine_counter_sum(engine, XORD_CNT_tx_bytes),
            .bytes_in = xord_engine_counter_sum(engine, XORD_CNT_rx_bytes),
            .seconds = (double)(xord_now_ns() - driver->started_ns) / 1e9,
    };
    struct xord_crawl_node node;
    uint64_t asked = 0;
    size_t pos = 0;

    xord_crawl_stats(driver->crawl, &t.stats);
    while (xord_crawl_each(driver->crawl, &pos, &node)) {
        asked += node.requests > 0;
        t.alive += node.last_response_ns > 0;
        t.unfinished += node.last_response_ns > 0 && node.status == XORD_CRAWL_VISITING;
    }
    t.silent_so_far = t.stats.known - t.alive - t.stats.dead - t.stats.skipped;
    t.requests_a_node = asked ? (double)t.stats.requests / (double)asked : 0;
    return t;
}

/* ---- hostile nodes ---- */

#define SHOWN_MAX 4 /* ids of a kind, to people */

static uint64_t hostile_cnt(const struct driver *driver, enum xord_crawl_hostile kind)
{
    struct xord_crawl_node node;
    uint64_t cnt = 0;
    size_t pos = 0;

    while (xord_crawl_each(driver->crawl, &pos, &node))
        cnt += node.hostile >> kind & 1;
    return cnt;
}

/* The ids of one kind, at most `max`. */
static void hostile_ids(const struct driver *driver, enum xord_crawl_hostile kind, uint64_t max, const char *format,
        const char *between)
{
    struct xord_crawl_node node;
    const char *before = "";
    char id[65];
    size_t pos = 0;

    while (max > 0 && xord_crawl_each(driver->crawl, &pos, &node)) {
        if (!(node.hostile >> kind & 1))
            continue;
        xord_hex_encode(id, node.enr->id32, 32);
        printf("%s", before);
        printf(format, id);
        before = between;
        max--;
    }
}

static void hostile_json(const struct driver *driver)
{
    printf("\"hostile\":{");
    for (int kind = 0; kind < XORD_CRAWL_HOSTILE_CNT; kind++) {
        printf("%s\"%s\":[", kind > 0 ? "," : "", xord_crawl_hostile_name((enum xord_crawl_hostile)kind));
        hostile_ids(driver, (enum xord_crawl_hostile)kind, UINT64_MAX, "\"%s\"", ",");
        printf("]");
    }
    printf("},");
}

static void hostile_text(const struct driver *driver)
{
    for (int kind = 0; kind < XORD_CRAWL_HOSTILE_CNT; kind++) {
        uint64_t cnt = hostile_cnt(driver, (enum xord_crawl_hostile)kind);

        if (cnt == 0)
            continue;
        printf("  hostile   %10" PRIu64 "  %s (%s): ", cnt, xord_crawl_hostile_name((enum xord_crawl_hostile)kind),
                xord_crawl_hostile_did((enum xord_crawl_hostile)kind));
        hostile_ids(driver, (enum xord_crawl_hostile)kind, SHOWN_MAX, "%.16s...", " ");
        printf("%s\n", cnt > SHOWN_MAX ? " and others" : "");
    }
}

void hostile_write(const struct driver *driver)
{
    char id[65], text[XORD_ENR_MAX_TEXT_LEN + 1];
    struct xord_crawl_node node;
    size_t pos = 0;

    while (driver->ndjson && xord_crawl_each(driver->crawl, &pos, &node)) {
        const char *before = "";

        if (!node.hostile)
            continue;
        xord_hex_encode(id, node.enr->id32, 32);
        fprintf(driver->ndjson, "{\"node_id\":\"%s\",\"hostile\":[", id);
        for (int kind = 0; kind < XORD_CRAWL_HOSTILE_CNT; kind++) {
            if (!(node.hostile >> kind & 1))
                continue;
            fprintf(driver->ndjson, "%s\"%s\"", before, xord_crawl_hostile_name((enum xord_crawl_hostile)kind));
            before = ",";
        }
        fprintf(driver->ndjson, "],\"record\":\"%s\"}\n", xord_enr_to_text(text, node.enr));
    }
}

static void summary_json(const struct driver *driver, const struct totals *t, const char *out_path, bool complete)
{
    printf("{");
    hostile_json(driver);
    printf("\"complete\":%s,\"alive\":%" PRIu64 ",\"dead\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"unvisited\":%" PRIu64
           ",\"incomplete\":%" PRIu64 ",\"known\":%" PRIu64 ",\"records\":%" PRIu64 ",\"requests\":%" PRIu64
           ",\"requests_a_node\":%.2f,\"answers\":%" PRIu64 ",\"timeouts\":%" PRIu64 ",\"packets_out\":%" PRIu64
           ",\"packets_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"bytes_in\":%" PRIu64
           ",\"seconds\":%.3f,\"peak_mib\":%.1f,\"out\":",
            complete ? "true" : "false", t->alive, t->stats.dead, t->stats.skipped, t->silent_so_far,
            t->stats.incomplete + t->unfinished, t->stats.known, t->stats.records, t->stats.requests,
            t->requests_a_node, t->stats.answers, t->stats.timeouts, t->packets_out, t->packets_in, t->bytes_out,
            t->bytes_in, t->seconds, peak_mib());
    json_print_string(stdout, out_path ? out_path : "", out_path ? strlen(out_path) : 0);
    puts("}");
}

static void summary_text(const struct driver *driver, const struct totals *t, const char *out_path, bool complete)
{
    printf("%s\n", complete ? "crawl complete" : "crawl cut short");
    printf("  alive     %10" PRIu64 "  (%" PRIu64 " of them incompletely answered)\n", t->alive,
            t->stats.incomplete + t->unfinished);
    printf("  dead      %10" PRIu64 "  (known, but silent)\n", t->stats.dead);
    if (t->stats.skipped)
        printf("  skipped   %10" PRIu64 "  (no UDP endpoint of our address family)\n", t->stats.skipped);
    if (t->silent_so_far)
        printf("  unvisited %10" PRIu64 "  (known, not yet heard of)\n", t->silent_so_far);
    printf("  records   %10" PRIu64 "  (mentions, of %" PRIu64 " node%s)\n", t->stats.records, t->stats.known,
            plural(t->stats.known));
    printf("  requests  %10" PRIu64 "  (%.1f a node; %" PRIu64 " timeout%s)\n", t->stats.requests, t->requests_a_node,
            t->stats.timeouts, plural(t->stats.timeouts));
    printf("  packets   %10" PRIu64 "  (%" PRIu64 " out, %" PRIu64 " in)\n", t->packets_out + t->packets_in,
            t->packets_out, t->packets_in);
    printf("  bytes     %10" PRIu64 "  (%" PRIu64 " out, %" PRIu64 " in)\n", t->bytes_out + t->bytes_in, t->bytes_out,
            t->bytes_in);
    hostile_text(driver);
    printf("  time      %10.2f s\n", t->seconds);
    printf("  memory    %10.1f MiB at most\n", peak_mib());
    if (out_path)
        printf("  written   %s\n", out_path);
}

void summary_print(const struct driver *driver, const char *out_path, bool complete)
{
    struct totals t = totals_of(driver);

    if (driver->options->json)
        summary_json(driver, &t, out_path, complete);
    else
        summary_text(driver, &t, out_path, complete);
}
