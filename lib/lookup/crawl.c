/* SPDX-License-Identifier: BSD-3-Clause */
/* The frontier: which node is asked next, and what its answers make of it. */
#include "xord_crawl.h"

#include <stdlib.h>
#include <string.h>

#include "crawl_private.h"

#define WINDOW_MIN  64
#define WINDOW_MAX  4096
#define ATTEMPTS    3
#define LOSSY_SHARE 20 /* a network that loses more than every twentieth request */
#define MAX_NODES   (16U << 20)

struct crawl_list {
    struct crawl_node *head, *tail;
};

struct xord_crawl {
    struct xord_crawl_config config;
    struct crawl_map map;
    struct crawl_window window;
    struct crawl_depth depth;
    struct crawl_list ready;        /* visits that go on now */
    struct crawl_list fresh;        /* not yet asked */
    struct crawl_list retry;        /* have answered before and wait until due_ns, in order */
    struct crawl_list retry_silent; /* never answered; the same */
    struct crawl_list retry_last;   /* nor when asked again */
    struct xord_crawl_stats stats;
    uint64_t lost_cnt; /* requests that failed to nodes that have answered others */
    uint64_t by_status[XORD_CRAWL_SKIPPED + 1];
    uint16_t distances[XORD_CRAWL_MAX_DISTANCES];
};

static void list_push(struct crawl_list *list, struct crawl_node *node)
{
    node->next = NULL;
    if (list->head)
        list->tail->next = node;
    else
        list->head = node;
    list->tail = node;
}

static struct crawl_node *list_pop(struct crawl_list *list)
{
    struct crawl_node *node = list->head;

    list->head = node->next;
    return node;
}

static void config_default(struct xord_crawl_config *config)
{
    if (config->window_min == 0)
        config->window_min = WINDOW_MIN;
    if (config->window_max == 0)
        config->window_max = WINDOW_MAX;
    if (config->attempts == 0)
        config->attempts = ATTEMPTS;
    if (config->max_nodes == 0 || config->max_nodes > UINT32_MAX / 4)
        config->max_nodes = MAX_NODES;
}

struct xord_crawl *xord_crawl_new(const struct xord_crawl_config *config)
{
    struct xord_crawl *crawl = calloc(1, sizeof(*crawl));

    if (!crawl)
        return NULL;
    crawl->config = *config;
    config_default(&crawl->config);
    crawl_window_init(&crawl->window, crawl->config.window_min, crawl->config.window_max);
    if (crawl_map_init(&crawl->map, &config->hash_key) != 0) {
        free(crawl);
        return NULL;
    }
    return crawl;
}

void xord_crawl_free(struct xord_crawl *crawl)
{
    if (!crawl)
        return;
    crawl_map_deinit(&crawl->map);
    free(crawl);
}

/* ---- nodes ---- */

static void node_set_status(struct xord_crawl *crawl, struct crawl_node *node, enum xord_crawl_status status)
{
    crawl->by_status[node->status]--;
    crawl->by_status[status]++;
    node->status = (uint8_t)status;
}

static void node_mention(struct xord_crawl *crawl, struct crawl_node *node)
{
    crawl->stats.records++;
    if (node->seen_cnt < UINT16_MAX)
        node->seen_cnt++;
}

/* A node of both families is tried over IPv4 and IPv6 in turn, until it answers over one. */
static bool node_endpoint(const struct xord_crawl *crawl, struct crawl_node *node, struct xord_endpoint *ep)
{
    struct xord_endpoint ep6 = {0};
    bool v4 = crawl->config.v4 && xord_enr_endpoint4(&node->enr, ep);
    bool v6 = crawl->config.v6 && xord_enr_endpoint6(&node->enr, &ep6);

    if (v4 && v6 && !node->responded)
        node->on_v6 = node->visit.failures % 2 != 0;
    else if (!v4 || !v6)
        node->on_v6 = v6;
    if (node->on_v6)
        *ep = ep6;
    return v4 || v6;
}

static void node_queue(struct xord_crawl *crawl, struct crawl_node *node)
{
    struct xord_endpoint ep;

    crawl_visit_init(&node->visit);
    if (node_endpoint(crawl, node, &ep)) {
        node_set_status(crawl, node, XORD_CRAWL_QUEUED);
        list_push(&crawl->fresh, node);
    } else {
        node_set_status(crawl, node, XORD_CRAWL_SKIPPED);
    }
}

static void node_finish(struct xord_crawl *crawl, struct crawl_node *node, bool complete)
{
    node_set_status(crawl, node, node->responded ? XORD_CRAWL_ALIVE : XORD_CRAWL_DEAD);
    if (complete)
        crawl_judge_visit(node, &crawl->depth);
    node->incomplete = node->responded && !complete;
    crawl->stats.incomplete += node->incomplete;
}

static void node_retry(struct xord_crawl *crawl, struct crawl_node *node, uint64_t now_ns)
{
    if (node->responded) {
        node->due_ns = now_ns + XORD_CRAWL_RETRY_NS;
        list_push(&crawl->retry, node);
    } else if (node->visit.failures < 2) {
        node->due_ns = now_ns + XORD_CRAWL_RETRY_SILENT_NS;
        list_push(&crawl->retry_silent, node);
    } else {
        node->due_ns = now_ns + XORD_CRAWL_RETRY_LAST_NS;
        list_push(&crawl->retry_last, node);
    }
}

static void node_responded(struct crawl_node *node, uint64_t now_ns)
{
    if (!node->responded)
        node->first_response_ns = now_ns;
    node->last_response_ns = now_ns;
    node->responded = true;
}

/* ---- records ---- */

static bool endpoint_moved(const struct xord_enr *a, const struct xord_enr *b)
{
    struct xord_endpoint a4 = {0}, b4 = {0}, a6 = {0}, b6 = {0};

    return xord_enr_endpoint4(a, &a4) != xord_enr_endpoint4(b, &b4) ||
           xord_enr_endpoint6(a, &a6) != xord_enr_endpoint6(b, &b6) || !xord_endpoint_equal(&a4, &b4) ||
           !xord_endpoint_equal(&a6, &b6);
}

static void node_update(struct xord_crawl *crawl, struct crawl_node *node, const struct xord_enr *enr)
{
    bool moved = endpoint_moved(&node->enr, enr);

    node->enr = *enr;
    if (!moved)
        return;
    if (node->status == XORD_CRAWL_DEAD || node->status == XORD_CRAWL_SKIPPED)
        node_queue(crawl, node);
    else if (!node->responded)
        node->visit.failures = 0;
}

static bool is_self(const struct xord_crawl *crawl, const uint8_t id32[32])
{
    return memcmp(crawl->config.self32, id32, sizeof(crawl->config.self32)) == 0;
}

static int crawl_insert(struct xord_crawl *crawl, const struct xord_enr *enr)
{
    struct crawl_node *node;

    if (crawl->map.node_cnt >= crawl->config.max_nodes)
        return XORD_EFULL;
    node = crawl_map_insert(&crawl->map, enr);
    if (!node)
        return XORD_ENOMEM;
    node->status = XORD_CRAWL_QUEUED;
    crawl->by_status[node->status]++;
    node_mention(crawl, node);
    node_queue(crawl, node);
    return 0;
}

int xord_crawl_add(struct xord_crawl *crawl, const struct xord_enr *enr, uint64_t now_ns)
{
    struct crawl_node *node;

    (void)now_ns;
    if (is_self(crawl, enr->id32))
        return XORD_EEXIST;
    node = crawl_map_find(&crawl->map, enr->id32);
    if (!node)
        return crawl_insert(crawl, enr);
    node_mention(crawl, node);
    if (node->enr.seq >= enr->seq)
        return XORD_EEXIST;
    node_update(crawl, node, enr);
    return 0;
}

bool xord_crawl_knows(struct xord_crawl *crawl, const uint8_t id32[32], uint64_t seq)
{
    struct crawl_node *node = crawl_map_find(&crawl->map, id32);

    if (!node)
        return is_self(crawl, id32);
    if (node->enr.seq < seq)
        return false;
    node_mention(crawl, node);
    return true;
}

void xord_crawl_invalid(struct xord_crawl *crawl)
{
    crawl->stats.records_invalid++;
}

/* ---- queries ---- */

static bool list_is_due(const struct crawl_list *list, uint64_t now_ns)
{
    return list->head && list->head->due_ns <= now_ns;
}

/* Visits under way first: they hold sessions and end soonest. What never answered comes after all else, which also
 * spaces its attempts. */
static struct crawl_node *frontier_pop(struct xord_crawl *crawl, uint64_t now_ns)
{
    if (crawl->stats.in_flight >= crawl->window.size)
        return NULL;
    if (crawl->ready.head)
        return list_pop(&crawl->ready);
    if (list_is_due(&crawl->retry, now_ns))
        return list_pop(&crawl->retry);
    if (crawl->fresh.head)
        return list_pop(&crawl->fresh);
    if (list_is_due(&crawl->retry_silent, now_ns))
        return list_pop(&crawl->retry_silent);
    if (list_is_due(&crawl->retry_last, now_ns))
        return list_pop(&crawl->retry_last);
    return NULL;
}

static void node_send(struct xord_crawl *crawl, struct crawl_node *node, uint64_t now_ns)
{
    crawl_visit_plan(&node->visit, &crawl->depth, crawl->config.attempts);
    for (uint16_t i = 0; i < node->visit.span; i++)
        crawl->distances[i] = node->visit.next - i;
    if (node->status != XORD_CRAWL_VISITING)
        node_set_status(crawl, node, XORD_CRAWL_VISITING);
    node->in_flight = true;
    node->requests++;
    node->last_check_ns = now_ns;
    crawl->stats.in_flight++;
    crawl->stats.requests++;
}

bool xord_crawl_next(struct xord_crawl *crawl, struct xord_crawl_query *query, uint64_t now_ns)
{
    struct crawl_node *node;

    while ((node = frontier_pop(crawl, now_ns))) {
        /* A newer record may have come without an endpoint of ours. */
        if (!node_endpoint(crawl, node, &query->ep)) {
            node_finish(crawl, node, false);
            if (!node->responded)
                node_set_status(crawl, node, XORD_CRAWL_SKIPPED);
            continue;
        }
        node_send(crawl, node, now_ns);
        query->cookie = (uint64_t)node->requests << 32 | node->index;
        query->enr = &node->enr;
        query->distances = crawl->distances;
        query->distance_cnt = node->visit.span;
        return true;
    }
    return false;
}

static uint64_t sooner(uint64_t due_ns, const struct crawl_list *list)
{
    return list->head && list->head->due_ns < due_ns ? list->head->due_ns : due_ns;
}

uint64_t xord_crawl_next_ns(const struct xord_crawl *crawl)
{
    if (crawl->stats.in_flight >= crawl->window.size)
        return UINT64_MAX;
    if (crawl->ready.head || crawl->fresh.head)
        return 0;
    return sooner(sooner(sooner(UINT64_MAX, &crawl->retry), &crawl->retry_silent), &crawl->retry_last);
}

/* Closes the query of a cookie; NULL when it is not open. */
static struct crawl_node *query_close(struct xord_crawl *crawl, uint64_t cookie)
{
    uint32_t index = (uint32_t)cookie;
    struct crawl_node *node;

    if (index >= crawl->map.node_cnt)
        return NULL;
    node = crawl_map_at(&crawl->map, index);
    if (!node->in_flight || node->requests != cookie >> 32)
        return NULL;
    node->in_flight = false;
    crawl->stats.in_flight--;
    return node;
}

void xord_crawl_conduct(struct xord_crawl *crawl, uint64_t cookie, const struct xord_crawl_conduct *conduct)
{
    uint32_t index = (uint32_t)cookie;
    struct crawl_node *node = index < crawl->map.node_cnt ? crawl_map_at(&crawl->map, index) : NULL;

    if (node && node->in_flight && node->requests == cookie >> 32)
        crawl_judge_conduct(node, conduct);
}

void xord_crawl_judge(struct xord_crawl *crawl)
{
    crawl_judge_all(&crawl->map);
}

void xord_crawl_answered(struct xord_crawl *crawl, uint64_t cookie, uint32_t record_cnt, uint64_t now_ns)
{
    struct crawl_node *node = query_close(crawl, cookie);

    if (!node)
        return;
    crawl->stats.answers++;
    node->answers++;
    node_responded(node, now_ns);
    crawl_window_good(&crawl->window, crawl->stats.in_flight + 1, now_ns);
    if (crawl_visit_answered(&node->visit, &crawl->depth, record_cnt))
        node_finish(crawl, node, true);
    else
        list_push(&crawl->ready, node);
}

/* Whoever has challenged us is there, and only unlucky; who leads us in circles has had his chance. Where much is lost, silence
 * has to last longer to mean something. */
static uint32_t attempts_of(const struct xord_crawl *crawl, const struct crawl_node *node)
{
    if (node->hostile & (1U << XORD_CRAWL_TOTALS | 1U << XORD_CRAWL_WHOAREYOU))
        return 1;
    if (node->challenged && !node->responded)
        return 2 * crawl->config.attempts;
    if (!node->responded && crawl->lost_cnt * LOSSY_SHARE > crawl->stats.answers)
        return crawl->config.attempts + 1;
    return crawl->config.attempts;
}

void xord_crawl_failed(struct xord_crawl *crawl, uint64_t cookie, bool partial, uint64_t now_ns)
{
    struct crawl_node *node = query_close(crawl, cookie);

    if (!node)
        return;
    crawl->stats.timeouts++;
    if (partial)
        node_responded(node, now_ns);
    crawl->lost_cnt += node->responded;
    if (node->responded)
        crawl_window_lost(&crawl->window, now_ns);
    if (crawl_visit_failed(&node->visit, attempts_of(crawl, node)))
        node_finish(crawl, node, false);
    else
        node_retry(crawl, node, now_ns);
}

/* ---- looking on ---- */

bool xord_crawl_is_done(const struct xord_crawl *crawl)
{
    return crawl->by_status[XORD_CRAWL_QUEUED] == 0 && crawl->by_status[XORD_CRAWL_VISITING] == 0;
}

void xord_crawl_stats(const struct xord_crawl *crawl, struct xord_crawl_stats *stats)
{
    *stats = crawl->stats;
    stats->known = crawl->map.node_cnt;
    stats->queued = crawl->by_status[XORD_CRAWL_QUEUED];
    stats->visiting = crawl->by_status[XORD_CRAWL_VISITING];
    stats->alive = crawl->by_status[XORD_CRAWL_ALIVE];
    stats->dead = crawl->by_status[XORD_CRAWL_DEAD];
    stats->skipped = crawl->by_status[XORD_CRAWL_SKIPPED];
    stats->window = crawl->window.size;
}

static void node_show(struct xord_crawl_node *out, const struct crawl_node *node)
{
    *out = (struct xord_crawl_node){
            .first_response_ns = node->first_response_ns,
            .last_response_ns = node->last_response_ns,
            .last_check_ns = node->last_check_ns,
            .requests = node->requests,
            .answers = node->answers,
            .seen_cnt = node->seen_cnt,
            .status = node->status,
            .incomplete = node->incomplete,
            .hostile = node->hostile,
            .enr = &node->enr,
    };
}

bool xord_crawl_each(const struct xord_crawl *crawl, size_t *pos, struct xord_crawl_node *node)
{
    if (*pos >= crawl->map.node_cnt)
        return false;
    node_show(node, crawl_map_at(&crawl->map, (uint32_t)*pos));
    (*pos)++;
    return true;
}

bool xord_crawl_find(const struct xord_crawl *crawl, const uint8_t id32[32], struct xord_crawl_node *node)
{
    const struct crawl_node *found = crawl_map_find(&crawl->map, id32);

    if (!found)
        return false;
    node_show(node, found);
    return true;
}
