/* SPDX-License-Identifier: BSD-3-Clause */
/* One page that needs nothing else: a table, and plots in SVG drawn here, so there is no script in it either. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "load.h"

#define WIDTH        920
#define HEIGHT       300
#define LEFT         70
#define RIGHT        110 /* the names of the lines */
#define TOP          16
#define BOTTOM       34
#define CURVE_POINTS 240
#define NAME_HEIGHT  13
#define SERIES_MAX   (REPORT_PERCENTILES + 1)

static const char *const colours[] = {"#4477aa", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#777777"};

/* The area of a plot and what its edges stand for. */
struct plot {
    FILE *out;
    double x_max, y_min, y_max;
    bool log_y;
    double names_y[SERIES_MAX]; /* where names beside lines stand, so that they do not overlap */
    int name_cnt;
};

static double x_at(const struct plot *plot, double x)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (plot->x_max > 0 ? x / plot->x_max : 0);
}

static double y_at(const struct plot *plot, double y)
{
    double share;

    if (plot->log_y)
        share = log(fmax(y, plot->y_min) / plot->y_min) / log(plot->y_max / plot->y_min);
    else
        share = (y - plot->y_min) / (plot->y_max - plot->y_min);
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
}

static void escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '&')
            fputs("&amp;", out);
        else
            fputc(*text, out);
    }
}

/* 1, 2 or 5 times a power of ten, so that there are some four to ten steps up to `max`. */
static double round_step(double max)
{
    double power = pow(10, floor(log10(max / 4)));

    if (max / power >= 40)
        return 10 * power;
    return max / power >= 20 ? 5 * power : max / power >= 10 ? 2 * power : power;
}

/* ---- axes ---- */

static void grid_y(const struct plot *plot, double y, const char *text)
{
    double at = y_at(plot, y);

    fprintf(plot->out, "<line class=g x1=%d x2=%d y1=%.1f y2=%.1f /><text x=%d y=%.1f text-anchor=end>%s</text>\n",
            LEFT, WIDTH - RIGHT, at, at, LEFT - 6, at + 4, text);
}

static void grid_x(const struct plot *plot, double x, const char *text)
{
    double at = x_at(plot, x);

    fprintf(plot->out, "<line class=g x1=%.1f x2=%.1f y1=%d y2=%d /><text x=%.1f y=%d text-anchor=middle>%s</text>\n",
            at, at, TOP, HEIGHT - BOTTOM, at, HEIGHT - BOTTOM + 16, text);
}

static void latency_axis(const struct plot *plot)
{
    static const int marks[] = {1, 2, 5};
    int first = (int)floor(log10(plot->y_min)), last = (int)floor(log10(plot->y_max));
    char text[LATENCY_TEXT_LEN];

    for (int power = first; power <= last; power++)
        for (int i = 0; i < 3; i++) {
            double y = pow(10, power) * marks[i];

            if (y >= plot->y_min && y <= plot->y_max)
                grid_y(plot, y, latency_text(text, (uint64_t)y));
        }
}

static void rate_axis(const struct plot *plot)
{
    double step = round_step(plot->y_max);
    char text[32];

    for (int i = 0; i * step <= plot->y_max; i++) {
        snprintf(text, sizeof(text), "%.6g", i * step);
        grid_y(plot, i * step, text);
    }
}

static void time_axis(const struct plot *plot)
{
    double step = round_step(plot->x_max);
    char text[32];

    for (int i = 0; i * step <= plot->x_max; i++) {
        snprintf(text, sizeof(text), "%.6g s", i * step);
        grid_x(plot, i * step, text);
    }
}

static void plot_begin(const struct plot *plot, const char *title)
{
    fprintf(plot->out, "<h2>%s</h2>\n<svg viewBox=\"0 0 %d %d\">\n", title, WIDTH, HEIGHT);
}

/* A name at the end of a line, moved up where others stand. */
static void line_name(struct plot *plot, const char *name, const char *colour, double y)
{
    double at = y_at(plot, y);

    for (int i = 0; i < plot->name_cnt; i++) {
        if (at >= plot->names_y[i] + NAME_HEIGHT || at <= plot->names_y[i] - NAME_HEIGHT)
            continue;
        at = plot->names_y[i] - NAME_HEIGHT;
        i = -1; /* it may now meet one of those before */
    }
    plot->names_y[plot->name_cnt++] = at;
    fprintf(plot->out, "<text x=%d y=%.1f style=\"fill:%s\">%s</text>\n", WIDTH - RIGHT + 6, at + 4, colour, name);
}

/* ---- over time ---- */

static double value_of(const struct report_row *row, int series)
{
    return series < REPORT_PERCENTILES ? (double)row->latency_ns[series] : (double)row->max_ns;
}

static void latency_line(struct plot *plot, const struct report *report, int series)
{
    double last = 0;

    fprintf(plot->out, "<polyline style=\"stroke:%s\" points=\"", colours[series]);
    for (uint32_t i = 0; i < report->row_cnt; i++) {
        const struct report_row *row = &report->rows[i];

        if (row->answered == 0)
            continue;
        last = value_of(row, series);
        fprintf(plot->out, "%.1f,%.1f ", x_at(plot, row->at), y_at(plot, last));
    }
    fputs("\"/>\n", plot->out);
    if (last > 0)
        line_name(plot, series < REPORT_PERCENTILES ? report_names[series] : "max", colours[series], last);
}

static void latency_range(struct plot *plot, const struct report_row *total)
{
    plot->log_y = true;
    plot->y_min = fmax((double)total->min_ns * 0.8, 100);
    plot->y_max = fmax((double)total->max_ns * 1.2, plot->y_min * 10);
}

static void latency_plot(FILE *out, const struct report *report, const struct report_row *total)
{
    struct plot plot = {.out = out, .x_max = report->seconds};

    latency_range(&plot, total);
    plot_begin(&plot, "Latency, each second");
    time_axis(&plot);
    latency_axis(&plot);
    for (int series = 0; series < SERIES_MAX; series++)
        latency_line(&plot, report, series);
    fputs("</svg>\n", out);
}

static double rate_of(const struct report_row *row, int series)
{
    uint64_t lost = row->timeouts + row->refused + row->unsent;
    uint64_t cnt = series == 0 ? row->sent : series == 1 ? row->answered + row->replies : lost;

    return (double)cnt / row->seconds;
}

static void rate_plot(FILE *out, const struct report *report)
{
    static const char *const names[] = {"sent", "answered", "lost"};
    struct plot plot = {.out = out, .x_max = report->seconds, .y_max = 1};

    for (uint32_t i = 0; i < report->row_cnt; i++)
        for (int series = 0; series < 3; series++)
            plot.y_max = fmax(plot.y_max, 1.1 * rate_of(&report->rows[i], series));
    plot_begin(&plot, "Requests a second");
    time_axis(&plot);
    rate_axis(&plot);
    for (int series = 0; series < 3 && report->row_cnt > 0; series++) {
        fprintf(out, "<polyline style=\"stroke:%s\" points=\"", colours[series == 2 ? 3 : series]);
        for (uint32_t i = 0; i < report->row_cnt; i++)
            fprintf(out, "%.1f,%.1f ", x_at(&plot, report->rows[i].at), y_at(&plot, rate_of(&report->rows[i], series)));
        fputs("\"/>\n", out);
        line_name(&plot, names[series], colours[series == 2 ? 3 : series],
                rate_of(&report->rows[report->row_cnt - 1], series));
    }
    fputs("</svg>\n", out);
}

/* ---- the distribution ---- */

/* As far as there are values to tell. */
static void curve(struct plot *plot, const struct xord_histogram *latency, const char *colour, const char *name)
{
    double end = fmin(plot->x_max, log10((double)latency->total));
    double last = 0;

    fprintf(plot->out, "<polyline style=\"stroke:%s\" points=\"", colour);
    for (int i = 0; i <= CURVE_POINTS; i++) {
        double x = end * i / CURVE_POINTS, percent = 100 * (1 - pow(10, -x));

        last = (double)xord_histogram_percentile(latency, percent);
        fprintf(plot->out, "%.1f,%.1f ", x_at(plot, x), y_at(plot, last));
    }
    fputs("\"/>\n", plot->out);
    line_name(plot, name, colour, last);
}

static void distribution_plot(FILE *out, const struct report *report, const struct report_row *total)
{
    static const char *const nines[] = {"0%", "90%", "99%", "99.9%", "99.99%", "99.999%", "99.9999%"};
    struct plot plot = {.out = out};

    plot.x_max = fmin(fmax(log10((double)report->total.latency.total), 1), 6);
    latency_range(&plot, total);
    plot_begin(&plot, "Latency by percentile");
    latency_axis(&plot);
    for (int i = 0; i <= (int)plot.x_max; i++)
        grid_x(&plot, i, nines[i]);
    curve(&plot, &report->total.latency, colours[0], report->args->is_mix ? "all" : "");
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        if (report->total.kinds[kind].answered > 0)
            curve(&plot, &report->total.kinds[kind].latency, colours[kind + 1], xord_mix_kind_names[kind]);
    fputs("</svg>\n", out);
}

/* ---- the page ---- */

static void head_print(FILE *out, const struct report *report)
{
    const struct load_args *args = report->args;
    time_t at = (time_t)(report->wall_ns / XORD_NS_PER_S);
    char when[64];
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
    fputs("<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>xord load</title>\n<style>\n"
          ":root{color-scheme:light dark}\n"
          "body{font:14px/1.4 system-ui,sans-serif;max-width:960px;margin:2em auto;padding:0 1em}\n"
          "h1{font-size:20px}h2{font-size:15px;margin:1.6em 0 .3em}\n"
          "table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #8884}\n"
          "svg{width:100%;height:auto}svg text{font-size:11px;fill:currentColor}\n"
          "polyline{fill:none;stroke-width:1.6}.g{stroke:#8884}\n"
          "</style></head><body>\n<h1>xord load: ",
            out);
    escaped(out, args->mode);
    if (args->detail) {
        fputc(' ', out);
        escaped(out, args->detail);
    }
    if (args->window)
        fprintf(out, ", closed loop, %u in flight", args->window);
    else
        fprintf(out, ", open loop, %.10g a second", args->rate);
    fprintf(out, "</h1>\n<p>%s; %u target%s, %u identit%s; %.6g s.%s</p>\n", when, args->targets.cnt,
            plural(args->targets.cnt), args->identities, args->identities == 1 ? "y" : "ies", report->seconds,
            args->window || args->is_hostile ? "" : " Latency counts from when a request was due.");
}

/* Of a mix, a row for each kind. */
static void kinds_print(FILE *out, const struct report *report)
{
    char text[LATENCY_TEXT_LEN];
    struct report_row row;

    if (!report->args->is_mix)
        return;
    fputs("<table><tr><th>kind<th>sent<th>answered<th>loss", out);
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        fprintf(out, "<th>%s", report_names[i]);
    fputs("<th>max", out);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        if (!report_kind_fill(&row, report, (enum xord_mix_kind)kind))
            continue;
        fprintf(out, "<tr><td style=\"color:%s\">%s<td>%llu<td>%llu<td>%.4g%%", colours[kind + 1],
                xord_mix_kind_names[kind], (unsigned long long)row.sent, (unsigned long long)row.answered,
                row.loss * 100);
        for (int i = 0; i < REPORT_PERCENTILES; i++)
            fprintf(out, "<td>%s", latency_text(text, row.latency_ns[i]));
        fprintf(out, "<td>%s", latency_text(text, row.max_ns));
    }
    fputs("</table>\n", out);
}

static void table_print(FILE *out, const struct report *report, const struct report_row *total)
{
    char text[LATENCY_TEXT_LEN];

    fputs("<table><tr><th>sent<th>answered<th>answers/s<th>loss<th>replies", out);
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        fprintf(out, "<th>%s", report_names[i]);
    fprintf(out, "<th>max<tr><td>%llu<td>%llu<td>%.0f<td>%.4g%%<td>%llu", (unsigned long long)total->sent,
            (unsigned long long)total->answered, (double)report->due_answered / report->due_seconds, total->loss * 100,
            (unsigned long long)total->replies);
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        fprintf(out, "<td>%s", latency_text(text, total->latency_ns[i]));
    fprintf(out, "<td>%s</table>\n", latency_text(text, total->max_ns));
    kinds_print(out, report);
    if (total->late > 0)
        fprintf(out, "<p>The generator itself was late with %llu requests, by up to %s.</p>\n",
                (unsigned long long)total->late, latency_text(text, total->late_max_ns));
}

int html_write(struct report *report, const struct report_row *total)
{
    FILE *out = report->html;
    bool bad;

    if (!out)
        return 0;
    if (report_file_clear(out, report->args->html_path))
        return EXIT_USER;
    report->html = NULL;
    head_print(out, report);
    table_print(out, report, total);
    if (total->answered > 0) {
        latency_plot(out, report, total);
        distribution_plot(out, report, total);
    }
    rate_plot(out, report);
    fputs("</body></html>\n", out);
    bad = fflush(out) || ferror(out);
    bad |= fclose(out) != 0;
    return bad ? complain("cannot write %s: %s", report->args->html_path, strerror(errno)) : 0;
}
