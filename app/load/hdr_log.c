/* SPDX-License-Identifier: BSD-3-Clause */
/* The HdrHistogram log, format version 1.3: comments, a legend, and a line for each interval with its begin and length in
 * seconds, its maximum in milliseconds, and its histogram of nanoseconds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"

int hdr_log_begin(struct report *report)
{
    time_t at = (time_t)(report->wall_ns / XORD_NS_PER_S);
    char text[64];
    struct tm tm;

    if (!report->hdr)
        return 0;
    if (report_file_clear(report->hdr, report->args->hdr_path))
        return EXIT_USER;
    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), "%a %b %d %H:%M:%S UTC %Y", &tm);
    fprintf(report->hdr,
            "#[Latency of xord load, in nanoseconds from when a request was due]\n"
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: %.3f (seconds since epoch), %s]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
            (double)report->wall_ns / 1e9, text);
    return 0;
}

static int failed(const struct report *report)
{
    return complain("cannot write %s: %s", report->args->hdr_path, strerror(errno));
}

int hdr_log_row(struct report *report, double at, double seconds)
{
    char *text;

    if (!report->hdr)
        return 0;
    text = malloc(XORD_HISTOGRAM_TEXT_LEN);
    if (!text || xord_histogram_encode(text, &report->second.latency)) {
        free(text);
        return complain("out of memory");
    }
    fprintf(report->hdr, "%.3f,%.3f,%.6f,%s\n", at, seconds, (double)report->second.latency.max / 1e6, text);
    free(text);
    return fflush(report->hdr) || ferror(report->hdr) ? failed(report) : 0;
}

int hdr_log_end(struct report *report)
{
    FILE *file = report->hdr;

    report->hdr = NULL;
    return file && fclose(file) ? failed(report) : 0;
}
