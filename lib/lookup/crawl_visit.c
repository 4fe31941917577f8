/* SPDX-License-Identifier: BSD-3-Clause */
/* Which distances to ask of one node. In a network of N nodes N/2 lie at distance 256, N/4 at 255, and so on: about
 * log2(N/16) distances fill an answer each, what lies below them sums up to one or two answers. */
#include "crawl_private.h"

#include <math.h>

/* Asking for the rest in one request costs two more when it comes back full; that is even odds at 15 expected records. */
#define LOG2_FITS 3.9

/* Too large an estimate costs little, because the first distance that does not fill its answer ends the single ones; too
 * small a one costs a request each time it is wrong. So it rises at once and falls slowly. */
#define SAMPLE_WEIGHT 16  /* visits over which it moves down by SAMPLE_DOWN */
#define SAMPLE_DOWN   0.5 /* powers of two */
#define LOG2_MAX      64.0

/* No two ids share 64 leading bits: not by chance, and making such a pair takes 2^64 keys. A peer that ignores long lists
 * is not asked any further down, it would take another twenty requests for nothing. */
#define NARROW_END 192

/* An answer that equals the largest one so far may have been cut there by a peer whose limit is below 16. */
#define CUT_MIN 4

void crawl_visit_init(struct crawl_visit *visit)
{
    *visit = (struct crawl_visit){.next = XORD_CRAWL_MAX_DISTANCES};
}

static bool visit_fits(const struct crawl_visit *visit, const struct crawl_depth *depth)
{
    if (visit->single_cnt > 0)
        return false;
    if (visit->partly)
        return true;
    return depth->sample_cnt > 0 && depth->log2_nodes + visit->next - XORD_CRAWL_MAX_DISTANCES <= LOG2_FITS;
}

void crawl_visit_plan(struct crawl_visit *visit, const struct crawl_depth *depth, uint32_t attempts)
{
    visit->span = visit_fits(visit, depth) ? visit->next : 1;
    if (visit->span <= XORD_CRAWL_NARROW_DISTANCES)
        return;
    if (visit->failures > 0 && visit->failures + 1U >= attempts)
        visit->narrow = true;
    if (visit->narrow)
        visit->span = XORD_CRAWL_NARROW_DISTANCES;
}

static bool visit_is_full(const struct crawl_visit *visit, uint32_t cnt)
{
    if (cnt >= XORD_CRAWL_FULL)
        return true;
    if (cnt == XORD_CRAWL_FULL - 1 && visit->max_cnt < XORD_CRAWL_FULL)
        return true; /* some peers stop at 15 */
    return cnt >= CUT_MIN && cnt == visit->max_cnt;
}

/* log2 without libm, within 0.09. */
static double log2_about(double x)
{
    int exponent;
    double mantissa = frexp(x, &exponent);

    return exponent - 2 + 2 * mantissa;
}

static void depth_move(struct crawl_depth *depth, double sample)
{
    double gap = sample - depth->log2_nodes;

    if (depth->sample_cnt < SAMPLE_WEIGHT)
        depth->sample_cnt++;
    if (depth->sample_cnt > 1 && gap < -SAMPLE_DOWN)
        gap = -SAMPLE_DOWN;
    depth->log2_nodes += gap / depth->sample_cnt;
    if (depth->log2_nodes > LOG2_MAX)
        depth->log2_nodes = LOG2_MAX;
}

/* The rest has come in one answer that was not full: with the distance before it, if that was not full either, it is
 * all of a subtree of known height. A node that never filled an answer has a poor table and says nothing. */
static void depth_learn(struct crawl_depth *depth, const struct crawl_visit *visit, uint32_t cnt)
{
    int height = XORD_CRAWL_MAX_DISTANCES - visit->next;

    if (visit->narrow || visit->max_cnt < XORD_CRAWL_FULL - 1)
        return;
    if (visit->partly) {
        cnt += visit->last_cnt;
        height--;
    }
    depth_move(depth, height + log2_about(cnt > 0 ? cnt : 1));
}

/* The rest did not fit. By chance it is a few records too many; when it was far from fitting, the estimate is wrong for
 * all the visits that are under way. */
static void depth_raise(struct crawl_depth *depth, const struct crawl_visit *visit)
{
    double least = XORD_CRAWL_MAX_DISTANCES - visit->next + log2_about(XORD_CRAWL_FULL);

    if (depth->sample_cnt > 0 && least > depth->log2_nodes + 1 && least < LOG2_MAX)
        depth->log2_nodes = least;
}

static void visit_took_single(struct crawl_visit *visit, bool full)
{
    visit->next--;
    visit->partly = !full;
    if (visit->single_cnt > 0)
        visit->single_cnt--;
}

static void visit_took_rest(struct crawl_visit *visit, struct crawl_depth *depth, uint32_t cnt, bool full)
{
    if (full) {
        visit->single_cnt = (uint8_t)(1U << (visit->full_cnt < 7 ? visit->full_cnt : 7));
        visit->full_cnt++;
        depth_raise(depth, visit);
        return;
    }
    depth_learn(depth, visit, cnt);
    visit->next -= visit->span;
    if (visit->narrow && visit->next < NARROW_END)
        visit->next = 0;
    visit->partly = true;
}

bool crawl_visit_answered(struct crawl_visit *visit, struct crawl_depth *depth, uint32_t cnt)
{
    bool full = visit_is_full(visit, cnt);
    uint8_t cnt8 = cnt < UINT8_MAX ? (uint8_t)cnt : UINT8_MAX;

    visit->failures = 0;
    if (visit->span == 1)
        visit_took_single(visit, full);
    else
        visit_took_rest(visit, depth, cnt, full);
    visit->last_cnt = cnt8;
    if (cnt8 > visit->max_cnt)
        visit->max_cnt = cnt8;
    return visit->next == 0;
}

bool crawl_visit_failed(struct crawl_visit *visit, uint32_t attempts)
{
    if (visit->failures < UINT8_MAX)
        visit->failures++;
    return visit->failures >= attempts;
}
