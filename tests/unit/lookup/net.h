/* SPDX-License-Identifier: BSD-3-Clause */
/* A network without crypto for the lookup and crawl tests: records with random ids, sorted, so that the bucket of any
 * node at any distance is a range. Tables are perfect but for their limit of 16 a bucket; a larger bucket shows 16 of
 * its nodes, each time the same. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "test_util.h"
#include "xord_enr.h"
#include "xord_hash.h"
#include "xord_rng.h"

#define NET_BUCKET 16

struct net_node {
    struct xord_enr enr;
    bool dead;              /* listed, never answers */
    bool lonely;            /* has an empty table */
    uint8_t limit;          /* records an answer */
    uint16_t max_distances; /* requests with more are ignored */
    uint16_t nearest;       /* least distance at which there is a node */
    uint16_t open;          /* queries to it that are open, */
    uint64_t asked_ns;      /* and when it was last asked: the crawl tests count */
};

struct net {
    struct net_node *nodes;
    size_t cnt;
    struct xord_rng rng;
    struct xord_hash_key key;
};

static inline int net_compare(const void *a, const void *b)
{
    return memcmp(((const struct net_node *)a)->enr.id32, ((const struct net_node *)b)->enr.id32, 32);
}

static inline void net_seed(struct xord_rng *rng, uint8_t seed)
{
    uint8_t seed32[XORD_RNG_SEED_LEN] = {seed};

    xord_rng_init(rng, seed32);
}

static inline struct net_node net_make_node(struct net *net)
{
    struct net_node node = {.limit = 16, .max_distances = 256};

    xord_rng_fill(&net->rng, node.enr.id32, 32);
    xord_rng_fill(&net->rng, node.enr.ip4 + 1, 3);
    node.enr.ip4[0] = 10;
    node.enr.seq = 1;
    node.enr.has_ip = 1;
    node.enr.has_udp = 1;
    node.enr.udp = 9000;
    return node;
}

static inline void net_init(struct net *net, size_t cnt, uint8_t seed)
{
    net->cnt = cnt;
    net_seed(&net->rng, seed);
    xord_rng_fill(&net->rng, &net->key, sizeof(net->key));
    net->nodes = calloc(cnt, sizeof(*net->nodes));
    cr_assert(net->nodes);
    for (size_t i = 0; i < cnt; i++)
        net->nodes[i] = net_make_node(net);
    qsort(net->nodes, cnt, sizeof(*net->nodes), net_compare);
    for (size_t i = 0; i < cnt; i++) {
        unsigned before = i > 0 ? xord_log_distance(net->nodes[i].enr.id32, net->nodes[i - 1].enr.id32) : 257;
        unsigned after = i + 1 < cnt ? xord_log_distance(net->nodes[i].enr.id32, net->nodes[i + 1].enr.id32) : 257;

        net->nodes[i].nearest = (uint16_t)(before < after ? before : after);
    }
}

static inline void net_deinit(struct net *net)
{
    free(net->nodes);
}

/* How many of all nodes have an id below `id32`. */
static inline size_t net_rank(const struct net *net, const uint8_t id32[32])
{
    size_t low = 0, high = net->cnt;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (memcmp(net->nodes[mid].enr.id32, id32, 32) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* The node with this id, which must exist. */
static inline struct net_node *net_find(const struct net *net, const uint8_t id32[32])
{
    size_t i = net_rank(net, id32);

    cr_assert(i < net->cnt && memcmp(net->nodes[i].enr.id32, id32, 32) == 0);
    return &net->nodes[i];
}

/* The nodes at a distance: [*first, *first + returned). */
static inline size_t net_range(const struct net *net, const struct net_node *node, unsigned distance, size_t *first)
{
    unsigned bit = 256 - distance;
    uint8_t low[32], high[32];

    memcpy(low, node->enr.id32, 32);
    low[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    memcpy(high, low, 32);
    for (unsigned i = bit + 1; i < 256; i++) {
        low[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
        high[i / 8] |= (uint8_t)(0x80 >> i % 8);
    }
    *first = net_rank(net, low);
    return net_rank(net, high) - *first;
}

/* Adds the bucket's nodes to an answer, `limit` in all. */
static inline size_t net_take(const struct net *net, const struct net_node *node, unsigned distance,
        const struct net_node **out, size_t cnt)
{
    size_t first, range_cnt = net_range(net, node, distance, &first);

    if (range_cnt <= NET_BUCKET) {
        for (size_t i = 0; i < range_cnt && cnt < node->limit; i++)
            out[cnt++] = &net->nodes[first + i];
        return cnt;
    }
    /* One node out of each sixteenth of the range: spread, distinct, and the same each time. */
    for (size_t taken = 0; taken < NET_BUCKET && cnt < node->limit; taken++) {
        uint64_t word[2] = {distance, taken};
        uint64_t pick = xord_hash64(&net->key, word, sizeof(word)) ^ xord_hash64(&net->key, node->enr.id32, 32);
        size_t low = range_cnt * taken / NET_BUCKET, high = range_cnt * (taken + 1) / NET_BUCKET;

        out[cnt++] = &net->nodes[first + low + pick % (high - low)];
    }
    return cnt;
}

/* The answer to one FINDNODE. */
static inline size_t net_answer(const struct net *net, const struct net_node *node, const uint16_t *distances,
        size_t distance_cnt, const struct net_node *out[NET_BUCKET])
{
    size_t cnt = 0;

    for (size_t i = 0; i < distance_cnt && cnt < node->limit && !node->lonely; i++)
        if (distances[i] >= node->nearest)
            cnt = net_take(net, node, distances[i], out, cnt);
    return cnt;
}
