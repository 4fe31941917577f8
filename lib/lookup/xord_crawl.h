/* SPDX-License-Identifier: BSD-3-Clause */
/* The crawl of a whole network: a frontier of nodes, each visited over all distances. No I/O: whoever drives it takes
 * queries, sends them, and reports what came back.
 *
 * One node's visit: a FINDNODE answer holds at most 16 records, so a full one hides others. Downwards from distance 256,
 * distances that are expected to fill an answer are asked singly, and then all that is left in one request; if that
 * comes back full, the next distances are asked singly (one, then two, four ...) before the rest is tried again. How many
 * distances are full follows from the size of the network, which is learned from the nodes visited before. The last
 * attempt of a request of many distances asks for few, because some implementations ignore long lists. A node has one
 * query open at a time. It is alive once it has answered anything; one that never answers is dead after `attempts` tries,
 * which lie seconds apart and come after all nodes that have not been tried.
 * The window of queries in flight grows while answers come and halves when nodes that have answered before fall silent.
 * A newer record of a known node replaces the older; if the endpoint changed and the node was dead or not yet visited, it
 * is visited at the new one.
 * Threading: one owner. Memory: grows with the number of known nodes, about 0.5 KB each (control path: allocates). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_clock.h"
#include "xord_enr.h"
#include "xord_hash.h"

#define XORD_CRAWL_MAX_DISTANCES    256                    /* a request */
#define XORD_CRAWL_NARROW_DISTANCES 10                     /* a request to a peer that seems to ignore long lists */
#define XORD_CRAWL_FULL             16                     /* records that make an answer full */
#define XORD_CRAWL_RETRY_NS         (500 * XORD_NS_PER_MS) /* pause before asking again a node that has answered */
#define XORD_CRAWL_RETRY_SILENT_NS  (1 * XORD_NS_PER_S)    /* and one that has not */
/* And one that has not answered twice: by then whatever challenge it has sent too late has expired (2 s in the slowest
 * implementation), and it sends another. */
#define XORD_CRAWL_RETRY_LAST_NS (2500 * XORD_NS_PER_MS)

enum xord_crawl_status {
    XORD_CRAWL_QUEUED,   /* known, not yet asked */
    XORD_CRAWL_VISITING, /* asked, at least one query open or to come */
    XORD_CRAWL_ALIVE,    /* visited: all distances asked, or given up after some answer (`incomplete`) */
    XORD_CRAWL_DEAD,     /* never answered */
    XORD_CRAWL_SKIPPED,  /* no UDP endpoint of a family that we have */
};

/* What hostile nodes are recognised by. */
/* X(NAME, text, what it did) */
#define XORD_CRAWL_HOSTILE_TABLE(X)                                                                                    \
    X(DISTANCE, "distance", "returned records at distances that were not asked for")                                   \
    X(INVALID, "invalid", "returned records whose signatures are wrong")                                               \
    X(TOTALS, "totals", "announced answers of more packets than there may be")                                         \
    X(WHOAREYOU, "whoareyou", "answered handshakes by another WHOAREYOU")                                              \
    X(SYBIL, "sybil", "many in one /24, where others are few")                                                         \
    X(ECLIPSE, "eclipse", "named nobody but its closest neighbours")                                                   \
    X(SLOW, "slow", "took much longer to answer than to challenge")

enum xord_crawl_hostile {
#define X(name, text, did) XORD_CRAWL_##name,
    XORD_CRAWL_HOSTILE_TABLE(X)
#undef X
            XORD_CRAWL_HOSTILE_CNT
};

/* Static strings: the second and third column above. */
const char *xord_crawl_hostile_name(enum xord_crawl_hostile kind);
const char *xord_crawl_hostile_did(enum xord_crawl_hostile kind);

/* How a peer has behaved in one request. */
struct xord_crawl_conduct {
    uint32_t wrong_distance; /* records */
    uint32_t invalid;        /* records */
    uint32_t bad_totals;     /* NODES that announce no packet or more than 16 */
    uint32_t loops;          /* WHOAREYOU in answer to a handshake */
    uint32_t farthest;       /* log distance of the record farthest from it; 0: none came */
    uint64_t rtt_ns;         /* 0: unknown */
    uint64_t challenge_ns;   /* until its WHOAREYOU came; 0: unknown */
    bool challenged;         /* a WHOAREYOU came: somebody is there */
};

/* What is known of one node; `first`/`last_response` are 0 while it has not answered. */
struct xord_crawl_node {
    uint64_t first_response_ns;
    uint64_t last_response_ns;
    uint64_t last_check_ns; /* when it was last asked */
    uint32_t requests;
    uint32_t answers;
    uint16_t seen_cnt;          /* mentions in answers, saturating */
    uint8_t status;             /* enum xord_crawl_status */
    uint8_t incomplete;         /* alive, but some distance never got an answer */
    uint8_t hostile;            /* bit k: enum xord_crawl_hostile k */
    const struct xord_enr *enr; /* stays where it is; its content changes when a newer record is added */
};

/* A zero stands for the value in the comment. */
struct xord_crawl_config {
    uint8_t self32[32];
    struct xord_hash_key hash_key;
    uint32_t window_min; /* queries in flight: 64 */
    uint32_t window_max; /* 4096 */
    uint32_t attempts;   /* of a request before it counts as failed: 3; twice that where somebody has challenged us */
    uint32_t max_nodes;  /* known nodes, against a peer that makes them up: 16 million */
    bool v4, v6;         /* families that we can send */
};

struct xord_crawl_query {
    uint64_t cookie; /* to name in answered/failed */
    const struct xord_enr *enr;
    struct xord_endpoint ep;
    const uint16_t *distances; /* farthest first; valid until the next call */
    uint32_t distance_cnt;
};

struct xord_crawl_stats {
    uint64_t known, queued, visiting, alive, dead, skipped;
    uint64_t incomplete; /* of those alive */
    uint64_t in_flight, window;
    uint64_t requests, answers, timeouts, records, records_invalid; /* records: mentions, repeated ones counted */
};

struct xord_crawl;

struct xord_crawl *xord_crawl_new(const struct xord_crawl_config *config); /* NULL when out of memory */
void xord_crawl_free(struct xord_crawl *crawl);

/* Adds a verified record (a bootnode, or one out of an answer). Returns 0 when new or newer, XORD_EEXIST when nothing
 * new (or our own), XORD_EFULL at max_nodes, XORD_ENOMEM. Counts the mention. */
XORD_MUST_CHECK int xord_crawl_add(struct xord_crawl *crawl, const struct xord_enr *enr, uint64_t now_ns);

/* Cheap test before verification: is a record of this id with this seq or newer known already (or is it ours)? If so,
 * counts the mention. */
bool xord_crawl_knows(struct xord_crawl *crawl, const uint8_t id32[32], uint64_t seq);

/* A record of an answer did not decode or verify: counts it. */
void xord_crawl_invalid(struct xord_crawl *crawl);

/* The next query to send now; false when the window is full or nothing is due. */
bool xord_crawl_next(struct xord_crawl *crawl, struct xord_crawl_query *query, uint64_t now_ns);

/* When `next` may have something, reports aside: 0 for now, UINT64_MAX for not before an answer or a failure. */
uint64_t xord_crawl_next_ns(const struct xord_crawl *crawl);

/* How the peer has behaved; to be told before the query is answered or failed. */
void xord_crawl_conduct(struct xord_crawl *crawl, uint64_t cookie, const struct xord_crawl_conduct *conduct);

/* What only all nodes together tell: who is slow, who is many in one place. When the crawl is over; more may be said and judged
 * afterwards. Allocates; out of memory nobody is judged. */
void xord_crawl_judge(struct xord_crawl *crawl);

/* An answer to a query is complete: `record_cnt` records came in it (after the distance filter). Add them first. A
 * cookie that is not open is ignored, here and below. */
void xord_crawl_answered(struct xord_crawl *crawl, uint64_t cookie, uint32_t record_cnt, uint64_t now_ns);

/* No (complete) answer. `partial`: some packets of it came, so the node is alive. */
void xord_crawl_failed(struct xord_crawl *crawl, uint64_t cookie, bool partial, uint64_t now_ns);

/* The frontier is empty: nothing queued, nothing in flight, nothing to be tried again. */
bool xord_crawl_is_done(const struct xord_crawl *crawl);

void xord_crawl_stats(const struct xord_crawl *crawl, struct xord_crawl_stats *stats);

/* Walks all known nodes, oldest first: start with *pos = 0; false at the end. */
bool xord_crawl_each(const struct xord_crawl *crawl, size_t *pos, struct xord_crawl_node *node);
bool xord_crawl_find(const struct xord_crawl *crawl, const uint8_t id32[32], struct xord_crawl_node *node);
