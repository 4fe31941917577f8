/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the table's tests: node ids at chosen distances and records that nobody signed. */
#pragma once

#include "test_util.h"
#include "xord_bytes.h"
#include "xord_table.h"

#define MS XORD_NS_PER_MS
#define S  XORD_NS_PER_S

/* An address that IP limits do not touch, and one that they do: prefix 0..65535, host 0..255. */
#define IP_PRIVATE(n)           (0x0a000001U + (n))
#define IP_GLOBAL(prefix, host) (0x50000000U + ((uint32_t)(prefix) << 8) + (host))

static const uint8_t test_self32[32] = {0x5a, 0x17, 0xc3, [15] = 0x99, [31] = 0x42};

static inline struct xord_rng test_rng(uint32_t seed)
{
    uint8_t seed32[XORD_RNG_SEED_LEN] = {0};
    struct xord_rng rng;

    xord_store_be32(seed32, seed);
    xord_rng_init(&rng, seed32);
    return rng;
}

/* The id at log distance 1..256 of ours whose last bits differ from ours as `salt` says. */
static inline void test_id(uint8_t id32[32], unsigned distance, uint32_t salt)
{
    unsigned b = distance - 1;

    memcpy(id32, test_self32, 32);
    id32[31 - b / 8] ^= (uint8_t)(1U << b % 8);
    for (unsigned i = 0; i < 32 && i < b; i++)
        id32[31 - i / 8] ^= (uint8_t)((salt >> i & 1) << i % 8);
}

static inline struct xord_enr test_enr(unsigned distance, uint32_t salt, uint64_t seq, uint32_t ip4)
{
    struct xord_enr enr = {.seq = seq, .has_ip = 1, .has_udp = 1, .udp = 9000, .len = 120};

    test_id(enr.id32, distance, salt);
    xord_store_be32(enr.ip4, ip4);
    memset(enr.raw, (int)(seq & 0xff), enr.len);
    memcpy(enr.raw, enr.id32, 32);
    return enr;
}

static inline struct xord_endpoint test_ep(const struct xord_enr *enr)
{
    return xord_endpoint_v4(enr->ip4, enr->udp);
}

static inline enum xord_table_verdict test_add(struct xord_table *table, const struct xord_enr *enr, bool inbound,
        uint64_t now_ns)
{
    struct xord_endpoint ep = test_ep(enr);

    return xord_table_add(table, NULL, enr, &ep, inbound, now_ns);
}

static inline bool test_live(struct xord_table *table, const struct xord_enr *enr, uint64_t now_ns)
{
    struct xord_endpoint ep = test_ep(enr);

    return xord_table_on_live(table, enr->id32, &ep, now_ns);
}

/* Adds a node with an exempt address and verifies it at once. */
static inline struct xord_enr test_add_live(struct xord_table *table, unsigned distance, uint32_t salt, uint64_t now_ns)
{
    struct xord_enr enr = test_enr(distance, salt, 1, IP_PRIVATE(distance << 8 | salt));

    cr_assert_eq(test_add(table, &enr, true, now_ns), XORD_TABLE_ADDED);
    cr_assert(test_live(table, &enr, now_ns));
    return enr;
}

/* Fills bucket `distance` with verified nodes, salts 0..15. */
static inline void test_fill_bucket(struct xord_table *table, unsigned distance, uint64_t now_ns)
{
    for (uint32_t salt = 0; salt < XORD_TABLE_K; salt++)
        test_add_live(table, distance, salt, now_ns);
}

/* Takes the check that is due next, at the time it is due, which it returns. */
static inline uint64_t test_check(struct xord_table *table, struct xord_table_node *node)
{
    uint64_t due_ns = xord_table_next_check_ns(table);

    cr_assert_neq(due_ns, UINT64_MAX, "nothing is scheduled");
    cr_assert(due_ns == 0 || !xord_table_next_check(table, node, due_ns - 1), "handed out before it is due");
    cr_assert(xord_table_next_check(table, node, due_ns), "not handed out when due");
    return due_ns;
}

/* Lets one node miss its next check, while all others that come before answer theirs. Returns when. */
static inline uint64_t test_miss(struct xord_table *table, const uint8_t id32[32])
{
    struct xord_table_node node;

    for (;;) {
        uint64_t now_ns = test_check(table, &node);

        if (memcmp(node.enr.id32, id32, 32) == 0) {
            xord_table_on_dead(table, id32, now_ns);
            return now_ns;
        }
        cr_assert(xord_table_on_live(table, node.enr.id32, &node.ep, now_ns));
    }
}
