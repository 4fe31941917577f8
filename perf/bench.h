/* SPDX-License-Identifier: BSD-3-Clause */
/* The benchmark program: what a bench is, how it measures, and how it reports figures.
 *
 * A bench is a function with a name. It measures in short rounds of TSC cycles, its floor in turn with it, and reports
 * figures: a value with its unit, what it stands beside (the floor), and what it must reach. A figure counts only if the
 * work was right: BENCH_CHECK ends the program where it was not.
 * Threading: benches run one after another in the main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <x86intrin.h>

#define BENCH_CHECK(condition)                                                                                         \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ---- benches ---- */

struct bench {
    const char *name;
    void (*run)(void);
};

/* What a file offers; bench.c lists the groups. The last bench has no name. */
extern const struct bench bench_micro_crypto[];
extern const struct bench bench_micro_admit[];
extern const struct bench bench_micro_aes[];
extern const struct bench bench_micro_codec[];
extern const struct bench bench_micro_sessions[];
extern const struct bench bench_pingpong[];
extern const struct bench bench_findnode[];
extern const struct bench bench_handshake[];
extern const struct bench bench_latency[];
extern const struct bench bench_flood[];
extern const struct bench bench_memory[];
extern const struct bench bench_scaling[];
extern const struct bench bench_sockets[];

/* A run for a test suite: everything is done and checked, but the figures mean nothing. */
bool bench_is_quick(void);

/* `full`, or in a quick run `quick`. */
static inline uint32_t bench_scale(uint32_t full, uint32_t quick)
{
    return bench_is_quick() ? quick : full;
}

/* Bytes resident in this process, hugepages included: memory.c. */
double bench_resident(void);

/* Makes what `text` names, prints how many bytes are resident, and ends the process: memory.c. */
void bench_probe(const char *text) __attribute__((noreturn));

/* ---- figures ---- */

enum bench_goal {
    BENCH_REPORTED,  /* nothing to reach */
    BENCH_VALUE_MAX, /* value at most `bound` */
    BENCH_VALUE_MIN,
    BENCH_RATIO_MAX, /* value / floor at most `bound` */
    BENCH_RATIO_MIN,
};

struct bench_figure {
    const char *name;
    double value;
    const char *unit;
    double floor; /* 0: none */
    enum bench_goal goal;
    double bound;
    const char *note; /* may be NULL */
};

/* Prints a row of the table, and keeps the figure for the file. The strings are copied. */
void bench_report(const struct bench_figure *figure);

/* A figure of name, unit and note by format. */
void bench_reportf(const struct bench_figure *figure, const char *name_format, ...)
        __attribute__((format(printf, 2, 3)));

/* ---- measuring ---- */

/* The TSC, with everything before it done and nothing after it begun. */
static inline uint64_t bench_cycles(void)
{
    uint64_t cycles;

    _mm_lfence();
    cycles = __rdtsc();
    _mm_lfence();
    return cycles;
}

/* TSC cycles a second, by CLOCK_MONOTONIC. */
double bench_tsc_hz(void);

/* Something to measure: `run` does it `n` times over; each time counts as `batch` operations (0: 1). */
struct bench_op {
    void (*run)(void *ctx, uint32_t n);
    void *ctx;
    uint32_t batch;
};

/* Which of many rounds counts: the lower quartile, in values and floors alike. Whatever else the machine does only ever
 * adds, and at times it does so to more than half of the rounds. */
#define BENCH_QUIET 0.25

/* Cycles an operation of each, over many short rounds in which they take turns: what disturbs the machine disturbs all
 * alike. */
void bench_race(double *cycles, const struct bench_op *ops, uint32_t op_cnt);

/* The value below which `q` (0..1) of the values lie; sorts them. */
double bench_quantile(double *values, uint32_t cnt, double q);

/* ---- bench_report.c, for bench.c ---- */

void bench_table_begin(void);
/* Writes the figures reported so far as JSON, all of the file or nothing of it. 0 or -1. */
int bench_json_write(const char *path);
uint32_t bench_missed_cnt(void);

/* Reads results that nobody else does, so that the compiler has to compute them. */
static inline void bench_keep(const void *p)
{
    __asm__ __volatile__("" : : "r"(p) : "memory");
}
