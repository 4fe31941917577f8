/* SPDX-License-Identifier: BSD-3-Clause */
/* The record cache: a record is verified once, and only the very bytes that were verified count. */
#include "node_private.h"
#include "puppet.h"
#include "test_util.h"

static const struct xord_hash_key hash_key = {{1, 2}};
static struct record_cache *cache;

static void start(uint32_t capacity)
{
    cache = record_cache_new(capacity, &hash_key);
    cr_assert_not_null(cache);
}

static void stop(void)
{
    record_cache_free(cache);
    TEST_NO_LEAK();
}

static void raw_of(uint8_t raw[100], uint32_t n)
{
    memset(raw, 0x33, 100);
    xord_store_be32(raw + 50, n);
}

static const struct record_proof *find(uint32_t n)
{
    uint8_t raw[100];

    raw_of(raw, n);
    return record_cache_find(cache, raw, sizeof(raw));
}

static bool found(uint32_t n)
{
    const struct record_proof *proof = find(n);

    cr_assert(!proof || (xord_load_be32(proof->id32) == n && xord_load_be32(proof->y32) == ~n));
    return proof;
}

static void put(uint32_t n)
{
    struct record_proof proof = {0};
    uint8_t raw[100];

    raw_of(raw, n);
    xord_store_be32(proof.id32, n);
    xord_store_be32(proof.y32, ~n);
    record_cache_put(cache, &proof, raw, sizeof(raw));
}

Test(records, finds_the_very_bytes_only)
{
    uint8_t raw[100];

    start(64);
    cr_assert_not(found(1));
    put(1);
    cr_assert(found(1));
    raw_of(raw, 1);
    for (size_t i = 0; i < sizeof(raw); i++) {
        raw[i] ^= 1;
        cr_assert_not(record_cache_find(cache, raw, sizeof(raw)));
        raw[i] ^= 1;
        cr_assert_not(record_cache_find(cache, raw, i));
    }
    stop();
}

Test(records, the_newest_stay)
{
    uint32_t left = 0;

    start(1024);
    for (uint32_t i = 0; i < 10000; i++) {
        put(i);
        cr_assert(found(i));
    }
    for (uint32_t i = 0; i < 10000; i++)
        left += found(i);
    cr_assert_leq(left, 1024);
    cr_assert_geq(left, 950);
    for (uint32_t i = 9700; i < 10000; i++)
        cr_assert(found(i) || i < 9900, "record %u was pushed out by newer ones", i);
    stop();
}

/* Through a node: counted as verified the first time, as known the second; a forged one each time. */
Test(records, a_node_verifies_a_record_once)
{
    struct world *world = world_new(5);
    struct member *member = world_add(world, &(struct member_config){.ip = "10.0.0.1"});
    struct xord_enr good = puppet_record(world, "10.0.0.2", 9000, NULL, 0), forged = good, enr;
    struct xord_pubkey key, want;
    struct xord_node *node = member_node(member);

    forged.raw[20] ^= 1;
    cr_assert_eq(xord_pubkey_parse(world->curve, &want, good.pubkey33), 0);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(node_verify_record(node, &enr, &key, good.raw, good.len), 0);
        cr_assert_bytes(enr.id32, good.id32, 32);
        cr_assert_bytes(&key, &want, sizeof(key));
        cr_assert_neq(node_verify_record(node, &enr, &key, forged.raw, forged.len), 0);
    }
    cr_assert_eq(member_count(member, XORD_CNT_records_verified), 1 + 3);
    cr_assert_eq(member_count(member, XORD_CNT_records_cached), 2);
    world_free(world);
    TEST_NO_LEAK();
}
