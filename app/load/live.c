/* SPDX-License-Identifier: BSD-3-Clause */
/* The live view on a terminal: some lines, redrawn in their place each second. */
#include <math.h>

#include "load.h"

#define SPARKS 60

/* The last seconds on a logarithmic scale between their least and their most. */
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
        printf(" %s %-8s", report_names[i], latency_text(text, row->latency_ns[i]));
    printf(" max %s\n", latency_text(text, row->max_ns));
}

void live_show(struct report *report, const struct report_row *row)
{
    struct report_row total;

    report_row_fill(&total, &report->total, 0, report->seconds);
    if (report->live_lines > 0)
        printf("\033[%uA", report->live_lines);
    printf("\033[K%5.0f s of %.0f   %.0f sent/s   %.0f answers/s   loss %.3f%%\n", row->at,
            (double)report->args->duration_ns / 1e9, (double)row->sent / row->seconds, rate_of(row), row->loss * 100);
    latencies_print("second", row);
    latencies_print("total", &total);
    printf("\033[Kp99      ");
    sparks_print(report, p99_of);
    printf("\n\033[Kanswers  ");
    sparks_print(report, rate_of);
    printf("\n");
    report->live_lines = 5;
    fflush(stdout);
}

void live_end(struct report *report)
{
    if (report->live_lines > 0)
        printf("\033[%uA\033[J", report->live_lines);
    report->live_lines = 0;
}
