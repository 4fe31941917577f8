/* SPDX-License-Identifier: BSD-3-Clause */
/* The session cache: found by the whole key, evicted as a segmented LRU, held against a model; keys and nonces. */
#include "xord_session.h"

#include "test_util.h"

#define MODEL_MAX 64

static const struct xord_hash_key hash_key = {{11, 12}};
static struct xord_sessions *sessions;

static void start(uint32_t capacity)
{
    sessions = xord_sessions_new(capacity, &hash_key);
    cr_assert_not_null(sessions);
}

static void stop(void)
{
    xord_sessions_free(sessions);
    TEST_NO_LEAK();
}

static struct xord_session_key key_of(uint32_t n)
{
    uint8_t ip4[4] = {10, 0, 0, (uint8_t)n};
    struct xord_session_key key = {.ep = xord_endpoint_v4(ip4, 9000), .local = n >> 16};

    xord_store_be32(key.peer_id32, n);
    return key;
}

static struct xord_session *put(uint32_t n, bool *evicted)
{
    struct xord_session_key key = key_of(n);
    uint8_t read_key16[16] = {1}, write_key16[16] = {2};

    xord_store_be32(read_key16 + 4, n);
    xord_store_be32(write_key16 + 4, n);
    return xord_session_put(sessions, &key, read_key16, write_key16, evicted);
}

static struct xord_session *find(uint32_t n)
{
    struct xord_session_key key = key_of(n);

    return xord_session_find(sessions, &key);
}

Test(session, is_found_by_its_whole_key)
{
    struct xord_session_key key = key_of(1), other;

    start(8);
    cr_assert_null(find(1));
    cr_assert_not_null(put(1, NULL));
    cr_assert_eq(find(1)->read_key16[7], 1);
    cr_assert_eq(find(1)->write_key16[0], 2);
    cr_assert_eq(find(1)->has_old, 0);
    for (size_t i = 0; i < sizeof(key); i++) {
        other = key;
        ((uint8_t *)&other)[i] ^= 1;
        cr_assert_null(xord_session_find(sessions, &other), "byte %zu of the key does not count", i);
    }
    cr_assert_eq(xord_sessions_cnt(sessions), 1);
    stop();
}

/* Bursts of every size, known keys and unknown ones mixed, one key more than once. */
Test(session, bulk_finds_what_one_at_a_time_finds)
{
    static struct xord_session_key keys[XORD_SESSIONS_BULK_MAX];
    struct xord_session *found[XORD_SESSIONS_BULK_MAX + 1];
    uint8_t seed32[32] = {7};
    struct xord_rng rng;

    xord_rng_init(&rng, seed32);
    start(1000);
    for (uint32_t i = 0; i < 1000; i++)
        put(i, NULL);
    for (size_t n = 0; n <= XORD_SESSIONS_BULK_MAX; n++) {
        size_t hits = 0;

        for (size_t i = 0; i < n; i++)
            keys[i] = key_of((uint32_t)xord_rng_below(&rng, 1500));
        found[n] = (void *)keys;
        hits = xord_sessions_find_bulk(sessions, keys, n, found);
        cr_assert_eq(found[n], (void *)keys, "wrote beyond %zu", n);
        for (size_t i = 0; i < n; i++) {
            cr_assert_eq(found[i], xord_session_find(sessions, &keys[i]));
            hits -= found[i] != NULL;
        }
        cr_assert_eq(hits, 0);
    }
    stop();
}

Test(session, a_new_handshake_keeps_the_read_key_before_it)
{
    struct xord_session_key key = key_of(1);
    uint8_t nonce12[12], first16[16] = {1}, second16[16] = {2}, third16[16] = {3}, write16[16] = {9};
    static const uint8_t seed32[32];
    struct xord_session *session;
    struct xord_rng rng;
    bool evicted = true;

    start(8);
    xord_rng_init(&rng, seed32);
    session = xord_session_put(sessions, &key, first16, write16, &evicted);
    cr_assert_not(evicted);
    cr_assert_eq(xord_session_nonce(session, nonce12, &rng), 0);
    cr_assert_eq(xord_session_put(sessions, &key, second16, write16, &evicted), session);
    cr_assert_not(evicted);
    cr_assert_eq(session->sent_cnt, 0);
    cr_assert(session->has_old);
    cr_assert_bytes(session->old_read_key16, first16, 16);
    cr_assert_bytes(session->read_key16, second16, 16);
    session = xord_session_put(sessions, &key, third16, write16, &evicted);
    cr_assert_bytes(session->old_read_key16, second16, 16);
    cr_assert_eq(xord_sessions_cnt(sessions), 1);
    stop();
}

Test(session, keys_are_wiped_on_removal)
{
    static const uint8_t zero16[16];
    struct xord_session *session;

    start(8);
    session = put(5, NULL);
    put(5, NULL);
    xord_session_remove(sessions, session);
    cr_assert_bytes(session->read_key16, zero16, 16);
    cr_assert_bytes(session->write_key16, zero16, 16);
    cr_assert_bytes(session->old_read_key16, zero16, 16);
    cr_assert_null(find(5));
    cr_assert_eq(xord_sessions_cnt(sessions), 0);
    stop();
}

Test(session, nonces_count_and_differ)
{
    static const uint8_t seed32[32] = {3};
    struct xord_session *session;
    struct xord_rng rng;
    uint8_t a12[12], b12[12];

    start(8);
    xord_rng_init(&rng, seed32);
    session = put(1, NULL);
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert_eq(xord_session_nonce(session, a12, &rng), 0);
        cr_assert_eq(xord_load_be32(a12), i);
        cr_assert(i == 0 || memcmp(a12 + 4, b12 + 4, 8) != 0);
        memcpy(b12, a12, 12);
    }
    stop();
}

Test(session, must_be_rekeyed_before_the_count_wraps)
{
    static const uint8_t seed32[32] = {4};
    struct xord_session *session;
    struct xord_rng rng;
    uint8_t nonce12[12];

    start(8);
    xord_rng_init(&rng, seed32);
    session = put(1, NULL);
    session->sent_cnt = XORD_SESSION_MAX_SENT - 1;
    cr_assert_eq(xord_session_nonce(session, nonce12, &rng), 0);
    cr_assert_eq(xord_load_be32(nonce12), XORD_SESSION_MAX_SENT - 1);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(xord_session_nonce(session, nonce12, &rng), XORD_ESTATE);
    put(1, NULL);
    cr_assert_eq(xord_session_nonce(session, nonce12, &rng), 0);
    cr_assert_eq(xord_load_be32(nonce12), 0);
    stop();
}

Test(session, the_least_recently_used_stranger_goes)
{
    bool evicted;

    start(8);
    for (uint32_t i = 0; i < 8; i++) {
        put(i, &evicted);
        cr_assert_not(evicted);
    }
    xord_session_touch(sessions, find(0), false);
    put(100, &evicted);
    cr_assert(evicted);
    cr_assert_null(find(1));
    cr_assert_not_null(find(0));
    cr_assert_eq(xord_sessions_cnt(sessions), 8);
    stop();
}

/* However many strangers shake hands, whoever has worked for us stays. */
Test(session, strangers_cannot_push_out_working_peers)
{
    bool evicted;

    start(64);
    for (uint32_t i = 0; i < 56; i++)
        xord_session_touch(sessions, put(i, NULL), true);
    for (uint32_t i = 1000; i < 11000; i++) {
        put(i, &evicted);
        cr_assert_eq(evicted, i >= 1008);
    }
    for (uint32_t i = 0; i < 56; i++)
        cr_assert_not_null(find(i), "working peer %u is gone", i);
    stop();
}

/* The protected segment is bounded: beyond 7/8 its oldest is on probation again, and there is always someone to evict. */
Test(session, the_protected_segment_is_bounded)
{
    start(16);
    for (uint32_t i = 0; i < 16; i++)
        xord_session_touch(sessions, put(i, NULL), true);
    cr_assert_eq(find(0)->is_protected, 0);
    cr_assert_eq(find(1)->is_protected, 0);
    cr_assert_eq(find(2)->is_protected, 1);
    put(100, NULL);
    cr_assert_null(find(0));
    cr_assert_not_null(find(1));
    stop();
}

Test(session, a_new_handshake_keeps_the_segment)
{
    start(8);
    xord_session_touch(sessions, put(1, NULL), true);
    put(2, NULL);
    cr_assert_eq(put(1, NULL)->is_protected, 1);
    cr_assert_eq(put(2, NULL)->is_protected, 0);
    stop();
}

/* ---- against a model: two lists of numbers, most recent first ---- */

struct list {
    uint32_t n[MODEL_MAX];
    uint32_t cnt;
};

static struct list model[2]; /* probation, protected */

static bool list_remove(struct list *list, uint32_t n)
{
    for (uint32_t i = 0; i < list->cnt; i++) {
        if (list->n[i] != n)
            continue;
        memmove(&list->n[i], &list->n[i + 1], (list->cnt - i - 1) * sizeof(n));
        list->cnt--;
        return true;
    }
    return false;
}

static void list_push(struct list *list, uint32_t n)
{
    memmove(&list->n[1], &list->n[0], list->cnt * sizeof(n));
    list->n[0] = n;
    list->cnt++;
}

static bool model_has(uint32_t n)
{
    for (int s = 0; s < 2; s++)
        for (uint32_t i = 0; i < model[s].cnt; i++)
            if (model[s].n[i] == n)
                return true;
    return false;
}

static void model_touch(uint32_t n, bool worked, uint32_t capacity)
{
    bool was_protected = list_remove(&model[1], n);

    list_remove(&model[0], n);
    list_push(&model[was_protected || worked], n);
    if (model[1].cnt > capacity - capacity / 8)
        list_push(&model[0], model[1].n[--model[1].cnt]);
}

static bool model_put(uint32_t n, uint32_t capacity)
{
    bool full = model[0].cnt + model[1].cnt == capacity;

    if (model_has(n)) {
        model_touch(n, false, capacity);
        return false;
    }
    if (full)
        model[0].cnt--;
    list_push(&model[0], n);
    return full;
}

static void compare_all(uint32_t numbers)
{
    cr_assert_eq(xord_sessions_cnt(sessions), model[0].cnt + model[1].cnt);
    for (uint32_t n = 0; n < numbers; n++) {
        const struct xord_session *session = find(n);

        cr_assert_eq(session != NULL, model_has(n), "number %u", n);
        if (session)
            cr_assert_eq(xord_load_be32(session->read_key16 + 4), n);
    }
}

static void random_op(struct xord_rng *rng, uint32_t numbers, uint32_t capacity)
{
    uint32_t n = (uint32_t)xord_rng_below(rng, numbers), op = (uint32_t)xord_rng_below(rng, 10);
    struct xord_session *session = find(n);
    bool evicted;

    if (op < 5) {
        put(n, &evicted);
        cr_assert_eq(evicted, model_put(n, capacity));
    } else if (session && op < 9) {
        xord_session_touch(sessions, session, op == 8);
        model_touch(n, op == 8, capacity);
    } else if (session) {
        xord_session_remove(sessions, session);
        list_remove(&model[0], n);
        list_remove(&model[1], n);
    }
}

Test(session, agrees_with_a_model)
{
    static const uint32_t capacities[] = {8, 9, 16, 50, MODEL_MAX - 1};

    for (size_t c = 0; c < sizeof(capacities) / sizeof(capacities[0]); c++) {
        uint32_t capacity = capacities[c], numbers = 2 * capacity;
        uint8_t seed32[32] = {(uint8_t)c};
        struct xord_rng rng;

        memset(model, 0, sizeof(model));
        xord_rng_init(&rng, seed32);
        start(capacity);
        for (int i = 0; i < 4000; i++) {
            random_op(&rng, numbers, capacity);
            compare_all(numbers);
        }
        xord_sessions_free(sessions);
    }
    TEST_NO_LEAK();
}
