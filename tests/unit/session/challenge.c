/* SPDX-License-Identifier: BSD-3-Clause */
/* The challenge store: the same bytes as long as a challenge is open, new ones afterwards, bounded in number. */
#include "xord_challenge.h"

#include <stdlib.h>

#include "test_util.h"

#define LIFE  XORD_CHALLENGE_LIFE_NS
#define START (1000 * XORD_NS_PER_S)

static const struct xord_hash_key hash_key = {{21, 22}};
static const uint8_t nonce_a12[12] = {0xa}, nonce_b12[12] = {0xb};
static struct xord_challenges *challenges;
static bool evicted;

static void start(uint32_t capacity)
{
    challenges = xord_challenges_new(capacity, LIFE, &hash_key);
    cr_assert_not_null(challenges);
}

static void stop(void)
{
    xord_challenges_free(challenges);
    TEST_NO_LEAK();
}

static struct xord_session_key key_of(uint32_t n)
{
    uint8_t ip4[4] = {10, 0, 0, 1};
    struct xord_session_key key = {.ep = xord_endpoint_v4(ip4, 9000)};

    xord_store_be32(key.peer_id32, n);
    return key;
}

static struct xord_challenge *open_at(uint32_t n, const uint8_t *nonce12, uint64_t now_ns)
{
    struct xord_session_key key = key_of(n);

    return xord_challenge_open(challenges, &key, nonce12, 7, now_ns, &evicted);
}

static struct xord_challenge *find_at(uint32_t n, uint64_t now_ns)
{
    struct xord_session_key key = key_of(n);

    return xord_challenge_find(challenges, &key, now_ns);
}

static void data_of(uint8_t out[XORD_CHALLENGE_DATA_LEN], uint32_t n, const struct xord_challenge *challenge)
{
    struct xord_session_key key = key_of(n);

    xord_challenge_data(out, challenges, challenge, &key);
}

Test(challenge, is_a_whoareyou)
{
    static const uint8_t head[] = {'d', 'i', 's', 'c', 'v', '5', 0, 1, XORD_FLAG_WHOAREYOU};
    uint8_t data[XORD_CHALLENGE_DATA_LEN];

    start(16);
    data_of(data, 1, open_at(1, nonce_a12, START));
    cr_assert_not(evicted);
    cr_assert_bytes(data + 16, head, sizeof(head));
    cr_assert_bytes(data + 25, nonce_a12, 12);
    cr_assert_eq(xord_load_be16(data + 37), 24);
    cr_assert_eq(xord_load_be64(data + 55), 7);
    stop();
}

Test(challenge, same_bytes_within_its_life)
{
    uint8_t first[XORD_CHALLENGE_DATA_LEN], again[XORD_CHALLENGE_DATA_LEN];

    start(16);
    data_of(first, 1, open_at(1, nonce_a12, START));
    cr_assert_not_null(find_at(1, START + LIFE - 1));
    data_of(again, 1, find_at(1, START + LIFE - 1));
    cr_assert_bytes(again, first, sizeof(first));
    stop();
}

Test(challenge, expires)
{
    start(16);
    open_at(1, nonce_a12, START);
    cr_assert_null(find_at(1, START + LIFE));
    cr_assert_null(find_at(1, START + 1000 * LIFE));
    stop();
}

Test(challenge, belongs_to_one_key)
{
    struct xord_session_key key = key_of(1), other;

    start(16);
    open_at(1, nonce_a12, START);
    for (size_t i = 0; i < sizeof(key); i++) {
        other = key;
        ((uint8_t *)&other)[i] ^= 0x80;
        cr_assert_null(xord_challenge_find(challenges, &other, START), "byte %zu of the key does not count", i);
    }
    stop();
}

Test(challenge, closes)
{
    start(16);
    xord_challenge_close(challenges, open_at(1, nonce_a12, START));
    cr_assert_null(find_at(1, START));
    open_at(1, nonce_b12, START);
    cr_assert_not(evicted);
    cr_assert_bytes(find_at(1, START)->request_nonce12, nonce_b12, 12);
    stop();
}

Test(challenge, attempts_are_kept)
{
    start(16);
    open_at(1, nonce_a12, START)->attempts = XORD_CHALLENGE_ATTEMPTS;
    cr_assert_eq(find_at(1, START + 1)->attempts, XORD_CHALLENGE_ATTEMPTS);
    cr_assert_eq(open_at(1, nonce_a12, START + LIFE)->attempts, 0);
    stop();
}

/* masking-iv and id-nonce of any two challenges differ: by key, by request nonce, by time, by the store's secret. */
Test(challenge, nonces_are_unique)
{
    enum { KEYS = 16, NONCES = 8, TIMES = 8, CNT = KEYS * NONCES * TIMES };
    static uint8_t seen[2 * CNT][16];
    uint8_t data[XORD_CHALLENGE_DATA_LEN], nonce12[12] = {0};
    uint32_t n = 0;

    start(CNT);
    for (uint32_t key = 0; key < KEYS; key++)
        for (nonce12[0] = 0; nonce12[0] < NONCES; nonce12[0]++)
            for (uint64_t t = 0; t < TIMES; t++) {
                struct xord_challenge *challenge = open_at(key, nonce12, START + t);

                data_of(data, key, challenge);
                memcpy(seen[n++], data, 16);
                memcpy(seen[n++], data + 39, 16);
                xord_challenge_close(challenges, challenge);
            }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < i; j++)
            cr_assert(memcmp(seen[i], seen[j], 16) != 0, "%u and %u", i, j);
    stop();
}

Test(challenge, depends_on_the_secret)
{
    static const struct xord_hash_key other_key = {{21, 23}};
    uint8_t a[XORD_CHALLENGE_DATA_LEN], b[XORD_CHALLENGE_DATA_LEN];

    start(16);
    data_of(a, 1, open_at(1, nonce_a12, START));
    xord_challenges_free(challenges);
    challenges = xord_challenges_new(16, LIFE, &other_key);
    data_of(b, 1, open_at(1, nonce_a12, START));
    cr_assert(memcmp(a, b, 16) != 0);
    cr_assert(memcmp(a + 39, b + 39, 16) != 0);
    stop();
}

/* With one set of eight the order of eviction shows: oldest first, wherever it stands, and only when all eight are open. */
Test(challenge, the_oldest_gives_way)
{
    start(8);
    for (uint32_t i = 0; i < 8; i++) {
        open_at(i, nonce_a12, START + i);
        cr_assert_not(evicted);
    }
    xord_challenge_close(challenges, find_at(0, START + 8));
    open_at(20, nonce_a12, START + 8);
    cr_assert_not(evicted);
    open_at(100, nonce_a12, START + 10);
    cr_assert(evicted);
    cr_assert_null(find_at(1, START + 10));
    for (uint32_t i = 2; i < 8; i++)
        cr_assert_not_null(find_at(i, START + 10), "challenge %u", i);
    cr_assert_not_null(find_at(20, START + 10));
    cr_assert_not_null(find_at(100, START + 10));
    stop();
}

Test(challenge, an_expired_one_gives_way_first)
{
    start(8);
    for (uint32_t i = 0; i < 8; i++)
        open_at(i, nonce_a12, START + i);
    open_at(100, nonce_a12, START + LIFE);
    cr_assert_not(evicted);
    for (uint32_t i = 1; i < 8; i++)
        cr_assert_not_null(find_at(i, START + LIFE), "challenge %u", i);
    stop();
}

/* A flood changes neither the memory nor the answer to whoever came last. */
Test(challenge, survives_a_flood)
{
    uint32_t evictions = 0;

    start(1024);
    for (uint32_t i = 0; i < 100000; i++) {
        open_at(i, nonce_a12, START + i);
        evictions += evicted;
        cr_assert_not_null(find_at(i, START + i));
    }
    cr_assert_geq(evictions, 100000 - 1024);
    stop();
}

Test(challenge, holds_its_capacity_of_open_ones)
{
    uint32_t found = 0;

    start(4096);
    for (uint32_t i = 0; i < 1024; i++)
        open_at(i, nonce_a12, START);
    for (uint32_t i = 0; i < 1024; i++)
        found += find_at(i, START) != NULL;
    cr_assert_geq(found, 1020, "%u of 1024 found at a quarter of the capacity", found);
    stop();
}
