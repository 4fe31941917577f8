/* SPDX-License-Identifier: BSD-3-Clause */
/* The table, and the file. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "bench.h"

#define NAME_LEN 64

static json_t *figures;
static uint32_t missed_cnt;

static const char *number(char out[32], double value)
{
    snprintf(out, 32, value >= 1000 || value == (double)(int64_t)value ? "%.0f" : value >= 10 ? "%.1f" : "%.3f", value);
    return out;
}

static bool ratio_of(const struct bench_figure *figure, double *ratio)
{
    if (figure->floor <= 0)
        return false;
    *ratio = figure->value / figure->floor;
    return true;
}

static const char *verdict_of(const struct bench_figure *figure)
{
    bool by_ratio = figure->goal == BENCH_RATIO_MAX || figure->goal == BENCH_RATIO_MIN;
    double reached = figure->value;
    bool met;

    if (figure->goal == BENCH_REPORTED)
        return "reported";
    if (bench_is_quick())
        return "quick";
    if (by_ratio)
        BENCH_CHECK(ratio_of(figure, &reached));
    met = figure->goal == BENCH_VALUE_MAX || figure->goal == BENCH_RATIO_MAX ? reached <= figure->bound
                                                                             : reached >= figure->bound;
    missed_cnt += !met;
    return met ? "met" : "MISSED";
}

static const char *target_of(char out[48], const struct bench_figure *figure)
{
    static const char *const words[] = {"", "<= ", ">= ", "ratio <= ", "ratio >= "};
    char text[32];

    snprintf(out, 48, "%s%s", words[figure->goal], figure->goal == BENCH_REPORTED ? "" : number(text, figure->bound));
    return out;
}

void bench_table_begin(void)
{
    printf("%-34s %12s  %-20s %12s %7s  %-14s %s\n", "name", "value", "unit", "floor", "ratio", "target", "verdict");
    fflush(stdout);
}

static void row(const struct bench_figure *figure)
{
    char value[32], floor[32] = "", ratio_text[32] = "", target[48];
    double ratio;

    if (ratio_of(figure, &ratio)) {
        number(floor, figure->floor);
        snprintf(ratio_text, sizeof(ratio_text), ratio < 0.1 ? "%.4f" : "%.2f", ratio);
    }
    printf("%-34s %12s  %-20s %12s %7s  %-14s %s\n", figure->name, number(value, figure->value), figure->unit, floor,
            ratio_text, target_of(target, figure), verdict_of(figure));
    if (figure->note)
        printf("    %s\n", figure->note);
    fflush(stdout);
}

static void keep(const struct bench_figure *figure)
{
    json_t *object = json_object();
    double ratio;
    int failed = 0;

    if (!figures)
        figures = json_array();
    BENCH_CHECK(figures && object);
    failed |= json_object_set_new(object, "name", json_string(figure->name));
    failed |= json_object_set_new(object, "value", json_real(figure->value));
    failed |= json_object_set_new(object, "unit", json_string(figure->unit));
    failed |= json_object_set_new(object, "floor", figure->floor > 0 ? json_real(figure->floor) : json_null());
    failed |= json_object_set_new(object, "ratio", ratio_of(figure, &ratio) ? json_real(ratio) : json_null());
    if (figure->note)
        failed |= json_object_set_new(object, "note", json_string(figure->note));
    failed |= json_array_append_new(figures, object);
    BENCH_CHECK(!failed);
}

void bench_report(const struct bench_figure *figure)
{
    row(figure);
    keep(figure);
}

void bench_reportf(const struct bench_figure *figure, const char *name_format, ...)
{
    struct bench_figure named = *figure;
    char name[NAME_LEN];
    va_list args;

    va_start(args, name_format);
    vsnprintf(name, sizeof(name), name_format, args);
    va_end(args);
    named.name = name;
    bench_report(&named);
}

uint32_t bench_missed_cnt(void)
{
    return missed_cnt;
}

/* Beside the file, on disk before it takes its name. */
static int write_whole(FILE *file)
{
    int failed = json_dumpf(figures ? figures : json_array(), file, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

    failed |= fputc('\n', file) == EOF;
    failed |= fflush(file);
    failed |= fsync(fileno(file));
    return failed;
}

int bench_json_write(const char *path)
{
    char beside[4096];
    FILE *file;
    int failed;

    if ((size_t)snprintf(beside, sizeof(beside), "%s.%d", path, (int)getpid()) >= sizeof(beside))
        return -1;
    file = fopen(beside, "wxe");
    if (!file)
        return -1;
    failed = write_whole(file);
    failed |= fclose(file);
    if (!failed && rename(beside, path) == 0)
        return 0;
    unlink(beside);
    return -1;
}
