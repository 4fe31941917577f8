/* SPDX-License-Identifier: BSD-3-Clause */
/* Rounds of cycles. */
#include <time.h>

#include "bench.h"

#define ROUND_CYCLES 25000     /* shorter than a time slice by far, longer than reading the TSC by far */
#define TOTAL_CYCLES 300000000 /* for an operation, all rounds */
#define ROUNDS_MAX   600
#define ROUNDS_MIN   60
#define ROUNDS_QUICK 3
#define OPS_MAX      8
#define CALIBRATE_NS 20000000ULL

static uint64_t clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

double bench_tsc_hz(void)
{
    static double hz;

    if (hz == 0) {
        uint64_t start_ns = clock_ns(), start = bench_cycles(), now_ns;

        do
            now_ns = clock_ns();
        while (now_ns - start_ns < CALIBRATE_NS);
        hz = (double)(bench_cycles() - start) * 1e9 / (double)(now_ns - start_ns);
    }
    return hz;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_quantile(double *values, uint32_t cnt, double q)
{
    BENCH_CHECK(cnt > 0);
    qsort(values, cnt, sizeof(*values), compare);
    return values[(uint32_t)(q * (cnt - 1) + 0.5)];
}

static double round_of(const struct bench_op *op, uint32_t n)
{
    uint64_t start = bench_cycles();

    op->run(op->ctx, n);
    return (double)(bench_cycles() - start);
}

/* How many times make a round; warms up on the way. */
static uint32_t round_len(const struct bench_op *op)
{
    uint32_t n = 1;

    if (bench_is_quick()) {
        op->run(op->ctx, 1);
        return 1;
    }
    while (n < 1U << 20 && round_of(op, n) < ROUND_CYCLES)
        n *= 2;
    return n;
}

static uint32_t round_cnt(const struct bench_op *op, uint32_t n)
{
    double cnt = TOTAL_CYCLES / round_of(op, n);

    if (bench_is_quick())
        return ROUNDS_QUICK;
    return cnt > ROUNDS_MAX ? ROUNDS_MAX : cnt < ROUNDS_MIN ? ROUNDS_MIN : (uint32_t)cnt;
}

void bench_race(double *cycles, const struct bench_op *ops, uint32_t op_cnt)
{
    double took[OPS_MAX][ROUNDS_MAX];
    uint32_t len[OPS_MAX], rounds = ROUNDS_MAX;

    BENCH_CHECK(op_cnt <= OPS_MAX);
    for (uint32_t i = 0; i < op_cnt; i++) {
        uint32_t cnt;

        len[i] = round_len(&ops[i]);
        cnt = round_cnt(&ops[i], len[i]);
        rounds = cnt < rounds ? cnt : rounds;
    }
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < op_cnt; i++)
            took[i][round] = round_of(&ops[i], len[i]);
    for (uint32_t i = 0; i < op_cnt; i++)
        cycles[i] = bench_quantile(took[i], rounds, BENCH_QUIET) / len[i] / (ops[i].batch ? ops[i].batch : 1);
}
