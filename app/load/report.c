/* SPDX-License-Identifier: BSD-3-Clause */
/* What a load has shown: a line a second, a summary, JSON, the verdict of the assertions. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "xord_mem.h"

const double report_percentiles[REPORT_PERCENTILES] = {50, 90, 99, 99.9, 99.99};
const char *const report_names[REPORT_PERCENTILES] = {"p50", "p90", "p99", "p99.9", "p99.99"};

#define REST_SECONDS 0.3
#define DUE_SLACK    0.3
#define SHORT_SHARE  0.01
#define LATE_SHARE   0.001 /* of all requests: beyond that the generator is to blame, and says so */
#define MISSED_SHARE 0.01  /* of all requests: beyond that no assertion holds */

static double cpu_seconds(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void latencies_fill(struct report_row *row, const struct xord_histogram *latency)
{
    row->max_ns = latency->max;
    row->min_ns = latency->total ? latency->min : 0;
    row->mean_ns = xord_histogram_mean(latency);
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        row->latency_ns[i] = xord_histogram_percentile(latency, report_percentiles[i]);
}

void report_row_fill(struct report_row *row, const struct xord_tally *tally, double at, double seconds)
{
    *row = (struct report_row){
            .at = at,
            .seconds = seconds,
            .sent = tally->sent,
            .answered = tally->answered,
            .timeouts = tally->timeouts,
            .refused = tally->refused,
            .unsent = tally->unsent,
            .missed = tally->missed,
            .handshakes = tally->handshakes,
            .late = tally->late,
            .held = tally->held,
            .starved = tally->starved,
            .replies = tally->replies,
            .late_max_ns = tally->late_max_ns,
            .loss = xord_tally_loss(tally),
    };
    latencies_fill(row, &tally->latency);
}

bool report_kind_fill(struct report_row *row, const struct report *report, enum xord_mix_kind kind)
{
    const struct xord_tally_kind *of = &report->total.kinds[kind];
    uint64_t ended = of->answered + of->lost;

    *row = (struct report_row){
            .seconds = report->due_seconds,
            .sent = of->sent,
            .answered = of->answered,
            .handshakes = of->handshakes,
            .loss = ended ? (double)of->lost / (double)ended : 0,
    };
    latencies_fill(row, &of->latency);
    return report->args->is_mix && report->args->mix.weight[kind] > 0;
}

/* Three digits or so, with the unit that fits. */
const char *latency_text(char out[LATENCY_TEXT_LEN], uint64_t ns)
{
    double v = (double)ns;
    const char *unit = "us";

    v /= 1e3;
    if (v >= 1000) {
        v /= 1e3;
        unit = "ms";
    }
    if (v >= 1000 && unit[0] == 'm') {
        v /= 1e3;
        unit = "s";
    }
    snprintf(out, LATENCY_TEXT_LEN, v < 10 ? "%.2f%s" : v < 100 ? "%.1f%s" : "%.0f%s", v, unit);
    return out;
}

static const char *mode_text(char *out, size_t len, const struct load_args *args)
{
    snprintf(out, len, "%s%s%s", args->mode, args->detail ? " " : "", args->detail ? args->detail : "");
    return out;
}

static void header_print(FILE *out, const struct load_args *args, uint32_t pairs)
{
    char mode[256];

    fprintf(out, "%s to %u node%s from %u identit%s (%u pair%s): ", mode_text(mode, sizeof(mode), args),
            args->targets.cnt, plural(args->targets.cnt), args->identities, args->identities == 1 ? "y" : "ies", pairs,
            plural(pairs));
    if (args->window)
        fprintf(out, "closed loop, %u in flight", args->window);
    else
        fprintf(out, "open loop, %.10g %s a second", args->rate, args->is_hostile ? "datagrams" : "requests");
    fprintf(out, ", %.6g s", (double)args->duration_ns / 1e9);
    if (args->ramp_ns)
        fprintf(out, " (ramp %.6g s)", (double)args->ramp_ns / 1e9);
    fputc('\n', out);
    fflush(out);
}

static FILE *lines_out(const struct load_args *args)
{
    return args->node.json ? stderr : stdout;
}

static void columns_print(const struct report *report)
{
    FILE *out = lines_out(report->args);

    if (report->args->node.quiet || report->live)
        return;
    if (report->args->is_hostile) {
        fprintf(out, "%7s %10s %10s\n", "second", "sent/s", "replies/s");
        return;
    }
    fprintf(out, "%7s %10s %10s %8s", "second", "sent/s", "answers/s", "loss");
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        fprintf(out, " %8s", report_names[i]);
    fprintf(out, " %8s\n", "max");
}

/* What is in it stays there until report_file_clear: a load that never begins leaves the last one's results alone. */
static int file_open(FILE **file, const char *path)
{
    if (path)
        *file = fopen(path, "ae");
    return path && !*file ? complain("cannot write %s: %s", path, strerror(errno)) : 0;
}

int report_file_clear(FILE *file, const char *path)
{
    struct stat stat;
    int fd = fileno(file);

    if (fstat(fd, &stat) || (S_ISREG(stat.st_mode) && ftruncate(fd, 0)))
        return complain("cannot write %s: %s", path, strerror(errno));
    return 0;
}

int report_open(struct report *report, const struct load_args *args)
{
    int err = file_open(&report->hdr, args->hdr_path);

    report->args = args;
    return err ? err : file_open(&report->html, args->html_path);
}

int report_begin(struct report *report, uint32_t pairs, uint32_t silent, uint64_t start_ns)
{
    const struct load_args *args = report->args;
    struct timespec ts;

    report->pairs = pairs;
    report->silent = silent;
    report->live = !args->node.json && !args->node.quiet && isatty(STDOUT_FILENO);
    xord_tally_reset(&report->total);
    report->cpu_seconds = -cpu_seconds();
    clock_gettime(CLOCK_REALTIME, &ts);
    report->wall_ns = (uint64_t)ts.tv_sec * XORD_NS_PER_S + (uint64_t)ts.tv_nsec + start_ns - xord_now_ns();
    if (!args->node.quiet)
        header_print(lines_out(args), args, pairs);
    columns_print(report);
    return hdr_log_begin(report);
}

/* 0, or EXIT_USER when stdout takes no more: the load would go on for nobody. */
static int line_print(const struct report *report, const struct report_row *row)
{
    FILE *out = lines_out(report->args);
    char text[LATENCY_TEXT_LEN];

    if (report->args->is_hostile) {
        fprintf(out, "%7.1f %10.0f %10.0f\n", row->at, (double)row->sent / row->seconds,
                (double)row->replies / row->seconds);
    } else {
        fprintf(out, "%7.1f %10.0f %10.0f %7.3f%%", row->at, (double)row->sent / row->seconds,
                (double)row->answered / row->seconds, row->loss * 100);
        for (int i = 0; i < REPORT_PERCENTILES; i++)
            fprintf(out, " %8s", row->answered ? latency_text(text, row->latency_ns[i]) : "-");
        fprintf(out, " %8s\n", row->answered ? latency_text(text, row->max_ns) : "-");
    }
    if (out == stdout)
        return output_end();
    fflush(out);
    return 0;
}

static int row_add(struct report *report, const struct report_row *row)
{
    struct report_row *rows = xord_grow(report->rows, report->row_cnt, &report->row_cap, sizeof(*rows));

    if (!rows)
        return complain("out of memory");
    report->rows = rows;
    report->rows[report->row_cnt++] = *row;
    return 0;
}

static double rate_of(const struct report *report)
{
    return report->due_seconds > 0 ? (double)report->due_answered / report->due_seconds : 0;
}

/* What comes in after the requests were due does not count for the rate: mostly there are only timeouts left. */
static void rate_note(struct report *report)
{
    if (report->due_seconds > 0 && report->seconds > (double)report->args->duration_ns / 1e9 + DUE_SLACK)
        return;
    report->due_seconds = fmin(report->seconds, (double)report->args->duration_ns / 1e9);
    report->due_answered = report->total.answered;
}

/* The short rest behind the last second goes into its row. */
static int rest_add(struct report *report, double at)
{
    struct report_row *row = &report->rows[report->row_cnt - 1];

    xord_tally_add(&report->last, &report->second);
    report_row_fill(row, &report->last, at, at - row->at + row->seconds);
    report->seconds = at;
    return 0;
}

int report_second(struct report *report, double at)
{
    struct report_row row;
    double seconds = at - report->seconds;

    if (seconds <= 0)
        return 0;
    xord_tally_add(&report->total, &report->second);
    report_row_fill(&row, &report->second, at, seconds);
    if (hdr_log_row(report, report->seconds, seconds))
        return EXIT_USER;
    if (report->row_cnt > 0 && seconds < REST_SECONDS)
        return rest_add(report, at);
    report->seconds = at;
    report->last = report->second;
    rate_note(report);
    if (row_add(report, &row))
        return EXIT_USER;
    if (report->live)
        live_show(report, &row);
    else if (!report->args->node.quiet)
        return line_print(report, &row);
    return 0;
}

/* ---- the end ---- */

static bool is_late(const struct report_row *total)
{
    return (double)(total->late + total->missed) > LATE_SHARE * (double)(total->sent + total->missed);
}

static const char *rate_text(char out[LATENCY_TEXT_LEN], double rate)
{
    snprintf(out, LATENCY_TEXT_LEN, rate < 10 ? "%.2g" : "%.0f", rate);
    return out;
}

static void latencies_print(const struct report_row *row)
{
    char text[LATENCY_TEXT_LEN];

    for (int i = 0; i < REPORT_PERCENTILES; i++)
        printf(" %s %s", report_names[i], latency_text(text, row->latency_ns[i]));
    printf(" max %s\n", latency_text(text, row->max_ns));
}

static void kinds_print(const struct report *report)
{
    struct report_row row;

    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        if (!report_kind_fill(&row, report, (enum xord_mix_kind)kind))
            continue;
        printf("%s: %llu sent, %llu answered, loss %.4g%%,", xord_mix_kind_names[kind], (unsigned long long)row.sent,
                (unsigned long long)row.answered, row.loss * 100);
        latencies_print(&row);
    }
}

static void summary_print(const struct report *report, const struct report_row *total)
{
    char text[LATENCY_TEXT_LEN];

    if (report->args->is_hostile) {
        printf("%llu datagrams in %.1f s, %s a second; %llu replies", (unsigned long long)total->sent,
                report->due_seconds, rate_text(text, (double)total->sent / report->due_seconds),
                (unsigned long long)total->replies);
        if (total->unsent > 0)
            printf("; %llu more were due", (unsigned long long)total->unsent);
        putchar('\n');
        return;
    }
    printf("%llu sent, %llu answered in %.1f s: %s answers a second, loss %.4g%%", (unsigned long long)total->sent,
            (unsigned long long)total->answered, report->seconds, rate_text(text, rate_of(report)), total->loss * 100);
    if (total->timeouts + total->refused + total->unsent > 0)
        printf(" (%llu timed out, %llu refused, %llu not sent)", (unsigned long long)total->timeouts,
                (unsigned long long)total->refused, (unsigned long long)total->unsent);
    if (total->handshakes > 0)
        printf(", %llu handshakes", (unsigned long long)total->handshakes);
    if (total->missed > 0)
        printf("; %llu more were due", (unsigned long long)total->missed);
    printf("\nlatency");
    latencies_print(total);
    kinds_print(report);
}

static void latencies_print_json(const struct report_row *row)
{
    printf("\"loss\":%.6g,\"latency_us\":{\"min\":%.3f,\"mean\":%.3f", row->loss, (double)row->min_ns / 1e3,
            row->mean_ns / 1e3);
    for (int i = 0; i < REPORT_PERCENTILES; i++)
        printf(",\"%s\":%.3f", report_names[i], (double)row->latency_ns[i] / 1e3);
    printf(",\"max\":%.3f}", (double)row->max_ns / 1e3);
}

struct field {
    const char *name;
    uint64_t cnt;
};

static void fields_print_json(const struct field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf(",\"%s\":%llu", fields[i].name, (unsigned long long)fields[i].cnt);
}

/* Hostile traffic has no answers, and so neither loss nor latency. */
static void row_print_json(const struct report_row *row, double seconds, double rate, bool is_hostile)
{
    const struct field hostile[] = {{"sent", row->sent}, {"unsent", row->unsent}, {"late", row->late},
            {"replies", row->replies}};
    const struct field fields[] = {{"sent", row->sent}, {"answered", row->answered}, {"timeouts", row->timeouts},
            {"refused", row->refused}, {"unsent", row->unsent}, {"missed", row->missed},
            {"handshakes", row->handshakes}, {"held", row->held}, {"starved", row->starved}, {"late", row->late}};

    printf("\"seconds\":%.3f", seconds);
    if (is_hostile) {
        fields_print_json(hostile, sizeof(hostile) / sizeof(hostile[0]));
        printf(",\"late_max_us\":%.1f", (double)row->late_max_ns / 1e3);
        return;
    }
    fields_print_json(fields, sizeof(fields) / sizeof(fields[0]));
    printf(",\"late_max_us\":%.1f,\"rate\":%.3f,", (double)row->late_max_ns / 1e3, rate);
    latencies_print_json(row);
}

static void kinds_print_json(const struct report *report)
{
    struct report_row row;
    bool first = true;

    fputs(",\"kinds\":{", stdout);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        if (!report_kind_fill(&row, report, (enum xord_mix_kind)kind))
            continue;
        printf("%s\"%s\":{\"sent\":%llu,\"answered\":%llu,\"handshakes\":%llu,", first ? "" : ",",
                xord_mix_kind_names[kind], (unsigned long long)row.sent, (unsigned long long)row.answered,
                (unsigned long long)row.handshakes);
        latencies_print_json(&row);
        fputc('}', stdout);
        first = false;
    }
    fputc('}', stdout);
}

/* ---- what every assertion takes for granted: that the load was put on, and on all ---- */

static double missed_share(const struct report *report)
{
    const struct xord_tally *total = &report->total;
    uint64_t due = total->sent + total->unsent + total->missed;

    return due ? (double)total->missed / (double)due : 0;
}

static bool load_was_made(const struct report *report)
{
    return missed_share(report) <= MISSED_SHARE;
}

static void granted_print_json(const char *term, bool holds, double value)
{
    printf(",{\"term\":\"%s\",\"implicit\":true,\"holds\":%s,\"value\":%.6g}", term, holds ? "true" : "false", value);
}

static int granted_judge(const struct report *report)
{
    const struct xord_tally *total = &report->total;
    int code = EXIT_OK;

    if (!load_was_made(report))
        code = complain(
                "assertion failed: the generator itself could not send %.3g%% of what was due (%llu requests), so "
                "this was not the load that was asked for; give a lower --rate, more --workers, or a CPU of its own",
                100 * missed_share(report), (unsigned long long)total->missed);
    if (report->silent > 0)
        code = complain("assertion failed: %" PRIu32 " of %" PRIu32
                        " got no load, for they did not answer a first PING; "
                        "leave them out, or see why they are silent",
                report->silent, report->silent + report->pairs);
    return code ? EXIT_ASSERTION : EXIT_OK;
}

static void assertions_print_json(const struct report *report)
{
    const struct xord_assertion *assertion = &report->args->assertion;
    double value;

    fputs(",\"assertions\":[", stdout);
    for (uint32_t i = 0; i < assertion->cnt; i++) {
        const struct xord_assertion_term *term = &assertion->terms[i];
        bool holds = xord_assertion_holds(term, &value, &report->total, rate_of(report));

        fputs(i ? ",{\"term\":" : "{\"term\":", stdout);
        json_print_string(stdout, term->text, strlen(term->text));
        printf(",\"holds\":%s,\"value\":%.6g}", holds ? "true" : "false", value);
    }
    if (assertion->cnt > 0) {
        granted_print_json("missed<=1%", load_was_made(report), missed_share(report));
        granted_print_json("silent<=0", report->silent == 0, report->silent);
    }
    fputc(']', stdout);
}

static void mode_print_json(const struct load_args *args)
{
    char mode[256];

    fputs("{\"mode\":", stdout);
    mode_text(mode, sizeof(mode), args);
    json_print_string(stdout, mode, strlen(mode));
}

static void json_print(const struct report *report, const struct report_row *total)
{
    const struct load_args *args = report->args;

    mode_print_json(args);
    printf(",\"targets\":%u,\"identities\":%u,\"pairs\":%" PRIu32 ",\"silent\":%" PRIu32 ",", args->targets.cnt,
            args->identities, report->pairs, report->silent);
    if (args->window)
        printf("\"window\":%u,", args->window);
    else
        printf("\"wanted_rate\":%.10g,", args->rate);
    printf("\"started\":%.3f,\"cpu_seconds\":%.3f,\"generator_late\":%s,\"total\":{", (double)report->wall_ns / 1e9,
            report->cpu_seconds, is_late(total) ? "true" : "false");
    row_print_json(total, report->seconds, rate_of(report), args->is_hostile);
    fputs("},\"intervals\":[", stdout);
    for (uint32_t i = 0; i < report->row_cnt; i++) {
        printf("%s{\"at\":%.3f,", i ? "," : "", report->rows[i].at);
        row_print_json(&report->rows[i], report->rows[i].seconds,
                (double)report->rows[i].answered / report->rows[i].seconds, args->is_hostile);
        fputc('}', stdout);
    }
    fputc(']', stdout);
    if (args->is_mix)
        kinds_print_json(report);
    assertions_print_json(report);
    fputs("}\n", stdout);
}

static int judge(const struct report *report)
{
    const struct xord_assertion *assertion = &report->args->assertion;
    char text[XORD_ASSERTION_VALUE_LEN];
    int code = assertion->cnt > 0 ? granted_judge(report) : EXIT_OK;
    double value;

    for (uint32_t i = 0; i < assertion->cnt; i++) {
        const struct xord_assertion_term *term = &assertion->terms[i];

        if (xord_assertion_holds(term, &value, &report->total, rate_of(report)))
            continue;
        if (report->total.answered == 0)
            complain("assertion failed: %s, but nothing was answered", term->text);
        else
            complain("assertion failed: %s, but it was %s", term->text, xord_assertion_value_text(text, term, value));
        code = EXIT_ASSERTION;
    }
    return code;
}

/* Unsent: nobody had a challenge to answer. An identity has one at a time from each target. */
static void warn_if_unchallenged(const struct report *report, double wanted)
{
    const struct xord_tally *total = &report->total;
    double needed = ceil(1.2 * report->pairs * wanted / (double)(total->sent ? total->sent : 1));

    if (report->args->hostile == XORD_HOSTILE_SLOW)
        needed = fmax(needed, ceil(report->args->rate)); /* each waits for almost a second */
    if (total->replies == 0)
        xord_log(XORD_LOG_WARN,
                "only %llu datagrams of the %.0f that were wanted were sent: no challenge came to be answered",
                (unsigned long long)total->sent, wanted);
    else
        xord_log(XORD_LOG_WARN,
                "only %llu datagrams of the %.0f that were wanted were sent: identities had to wait for challenges; "
                "give --identities %.0f, or a lower --rate",
                (unsigned long long)total->sent, wanted, needed);
}

/* A generator that cannot keep up does not measure what was asked for. */
static void warn_if_short(const struct report *report)
{
    const struct load_args *args = report->args;
    const struct xord_tally *total = &report->total;
    struct xord_schedule schedule = {.rate = args->rate, .ramp_ns = args->ramp_ns, .duration_ns = args->duration_ns};
    double wanted = (double)xord_schedule_cnt(&schedule), made = (double)(total->sent + total->unsent);

    if (args->window || interrupted())
        return;
    if (args->is_hostile && (double)total->unsent > SHORT_SHARE * wanted)
        warn_if_unchallenged(report, wanted);
    else if (made < (1 - SHORT_SHARE) * wanted)
        xord_log(XORD_LOG_WARN,
                "the generator could make only %.0f %s in %.1f s, %.0f a second, of the %.0f that were wanted", made,
                args->is_hostile ? "datagrams" : "requests", report->seconds, made / report->seconds, wanted);
}

static void warn_if_late(const struct report_row *total)
{
    char text[LATENCY_TEXT_LEN];

    if (is_late(total))
        xord_log(XORD_LOG_WARN,
                "the generator itself was late with %.3g%% of its requests, by up to %s: that time is part of the "
                "latency, and not the target's; give a lower --rate, more --workers, or a CPU of its own",
                100.0 * (double)(total->late + total->missed) / (double)(total->sent + total->missed),
                latency_text(text, total->late_max_ns));
}

static double handshake_share(const struct load_args *args)
{
    return args->is_hostile ? 0 : args->mix.weight[XORD_MIX_HANDSHAKE];
}

/* How many identities it takes until no handshake waits for one; 0: they did not wait, or there were enough, and what kept them
 * was the target. */
static uint32_t identities_lacking(const struct report *report)
{
    const struct load_args *args = report->args;
    const struct xord_tally *total = &report->total;
    double share = handshake_share(args);
    uint64_t pairs;

    if ((double)total->starved <= LATE_SHARE * (double)total->pair_turns)
        return 0;
    pairs = args->window ? args->window : xord_tally_pairs_needed(total, args->rate * share);
    if (share < 1)
        pairs *= 4; /* as the generator parts them */
    return pairs > report->pairs ? (uint32_t)(pairs < UINT32_MAX ? pairs : UINT32_MAX) : 0;
}

static void warn_if_starved(const struct report *report)
{
    uint32_t lacking = identities_lacking(report);

    if (lacking > 0)
        xord_log(XORD_LOG_WARN,
                "too few --identities: %llu handshakes had to wait for one that was free, and that time is part of "
                "their "
                "latency, and not the target's; give --identities %" PRIu32,
                (unsigned long long)report->total.starved, lacking);
}

int report_end(struct report *report)
{
    struct report_row total;
    int code;

    report->cpu_seconds += cpu_seconds();
    report_row_fill(&total, &report->total, 0, report->due_seconds);
    if (report->live)
        live_end(report);
    if (report->args->node.json)
        json_print(report, &total);
    else
        summary_print(report, &total);
    fflush(stdout);
    warn_if_short(report);
    if (!report->args->is_hostile)
        warn_if_late(&total);
    warn_if_starved(report);
    if (hdr_log_end(report) || html_write(report, &total))
        return EXIT_USER;
    code = judge(report);
    if (code)
        return code;
    if (total.answered == 0 && !report->args->is_hostile) {
        complain("nothing was answered");
        return EXIT_NOTHING;
    }
    return EXIT_OK;
}

void report_free(struct report *report)
{
    free(report->rows);
    if (report->hdr)
        fclose(report->hdr);
    if (report->html)
        fclose(report->html);
}

void report_nobody(const struct load_args *args, const char *why)
{
    complain("%s", why);
    if (!args->node.json)
        return;
    mode_print_json(args);
    fputs(",\"error\":", stdout);
    json_print_string(stdout, why, strlen(why));
    fputs("}\n", stdout);
    fflush(stdout);
}
