/* SPDX-License-Identifier: BSD-3-Clause */
/* The live view on a terminal: some lines, redrawn in their place each second. */
#include <math.h>

#include "load.h"

#define SPARKS  60
#define NO_WRAP "\033[?7l" /* what is wider than the terminal is cut off: a line of ours is one of its */
#define WRAP    "\033[?7h"

/* The last seconds on a logarithmic scale between their least and their most, or up to twice the least, so that noise does not
 * look like a mountain. */
static void sparks_print(const struct report *report, double (*value)(const struct report_row *row))
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    uint32_t first = report->row_cnt > SPARKS ? report->row_cnt - SPARKS : 0;
    double low = HUGE_VAL, high = 0;

    for (uint32_t i = first; i < report->row_cnt; i++) {
        low = fmin(low, value(&report->rows[i]));
        high = fmax(high, value(&report->rows[i]));
    }
    low = fmax(low, high / 1e6);
    high = fmax(high, 2 * low);
    for (uint32_t i = first; i < report->row_cnt; i++) {
        double share = high > low ? log(fmax(value(&report->rows[i]), low) / low) / log(high / low) : 0;

        fputs(blocks[(int)(share * 7.99)], stdout);
    }
}

static double p99_of(const struct report_row *row)
{
    return (double)row->latency_ns[2];
}

static double rate_of(const struct report_row *row)
{
    return (double)(row->answered + row->replies) / row->seconds;
}

static void latencies_print(const char *name, const struct report_row *row)
{
    char text[LATENCY_TEXT_LEN];

    printf("\033[K%-8s", name);
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        printf(" %8s", row->answered ? latency_text(text, row->latency_ns[i]) : "-");
    printf(" %8s\n", row->answered ? latency_text(text, row->max_ns) : "-");
}

static void latencies_show(const struct report *report, const struct report_row *row)
{
    struct report_row total;

    report_row_fill(&total, &report->total, 0, report->seconds);
    printf("\033[K%-8s", "");
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        printf(" %8s", report_names[i]);
    printf(" %8s\n", "max");
    latencies_print("second", row);
    latencies_print("total", &total);
    printf("\033[Kp99      ");
    sparks_print(report, p99_of);
    printf("\n\033[Kanswers  ");
    sparks_print(report, rate_of);
    printf("\n");
}

void live_show(struct report *report, const struct report_row *row)
{
    const bool is_hostile = report->args->is_hostile;

    if (report->live_lines > 0)
        printf("\033[%uA", report->live_lines);
    printf(NO_WRAP "\033[K%5.0f s of %.6g   %.0f sent/s   %.0f %s/s", row->at, (double)report->args->duration_ns / 1e9,
            (double)row->sent / row->seconds, rate_of(row), is_hostile ? "replies" : "answers");
    if (!is_hostile)
        printf("   loss %.3f%%", row->loss * 100);
    printf("\n");
    if (!is_hostile)
        latencies_show(report, row);
    printf(WRAP);
    report->live_lines = is_hostile ? 1 : 6;
    fflush(stdout);
}

void live_end(struct report *report)
{
    if (report->live_lines > 0)
        printf("\033[%uA\033[J", report->live_lines);
    report->live_lines = 0;
}
