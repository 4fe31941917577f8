/* SPDX-License-Identifier: BSD-3-Clause */
/* The session cache: found by the whole key, evicted by segments with second chances, held against a model; keys and nonces. */
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

/* Many come and go: the index stays whole through the removals that move its entries. The mapped path of the memory, too. */
Test(session, a_large_cache_finds_all_it_holds)
{
    static bool there[60000];
    uint8_t seed32[32] = {8};
    struct xord_rng rng;
    uint32_t cnt = 0;

    xord_rng_init(&rng, seed32);
    start(40000);
    for (int i = 0; i < 200000; i++) {
        uint32_t n = (uint32_t)xord_rng_below(&rng, 60000);

        if (there[n]) {
            xord_session_remove(sessions, find(n));
            there[n] = false;
            cnt--;
        } else if (cnt < 40000) {
            put(n, NULL);
            there[n] = true;
            cnt++;
        }
    }
    cr_assert_eq(xord_sessions_cnt(sessions), cnt);
    for (uint32_t n = 0; n < 60000; n++)
        cr_assert_eq(find(n) != NULL, there[n], "number %u", n);
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

/* Whoever is used may stay for another turn, once for each use; whoever is not goes. */
Test(session, a_used_stranger_gets_a_second_chance_for_each_use)
{
    start(8);
    for (uint32_t i = 0; i < 8; i++)
        put(i, NULL);
    xord_session_touch(sessions, find(0), false);
    for (uint32_t i = 100; find(1); i++)
        put(i, NULL);
    cr_assert_not_null(find(0));
    cr_assert_not(find(0)->is_used);
    for (uint32_t i = 200; i < 208; i++)
        put(i, NULL);
    cr_assert_null(find(0), "a use counts only once");
    stop();
}

/* Who was found idle and is used before he has gone is as safe as before. */
Test(session, an_idle_stranger_who_is_used_again_stays)
{
    uint32_t idle = 0;

    start(64);
    for (uint32_t i = 0; i < 64; i++)
        put(i, NULL);
    for (uint32_t n = 1000; n < 3000; n++) {
        for (uint32_t i = 0; i < 8; i++)
            if (find(i)->is_idle) {
                xord_session_touch(sessions, find(i), false);
                idle++;
            }
        put(n, NULL);
    }
    for (uint32_t i = 0; i < 8; i++)
        cr_assert_not_null(find(i));
    cr_assert(idle >= 8, "only %u were ever idle", idle);
    stop();
}

static size_t used_cnt(uint32_t below)
{
    size_t cnt = 0;

    for (uint32_t n = 0; n < below; n++)
        cnt += find(n) && find(n)->is_used;
    return cnt;
}

/* However many are used, a handshake's work is the same: it looks at 8 on probation, and at 8 of those found idle. */
Test(session, one_insertion_gives_a_bounded_number_of_second_chances)
{
    const uint32_t cap = 1000;

    start(cap);
    for (uint32_t i = 0; i < cap; i++)
        put(i, NULL);
    for (uint32_t i = 0; i < cap; i++)
        xord_session_touch(sessions, find(i), false);
    for (uint32_t i = 0; i < 50; i++) {
        size_t before = used_cnt(cap), lost;
        bool evicted;

        put(cap + i, &evicted);
        lost = before - used_cnt(cap);
        cr_assert(evicted);
        cr_assert(lost >= XORD_SESSION_CHANCES && lost <= 2 * XORD_SESSION_CHANCES + 1, "%zu lost their mark", lost);
    }
    stop();
}

/* Nor is that of a promotion to a protected segment that is full. */
Test(session, one_promotion_gives_a_bounded_number_of_second_chances)
{
    const uint32_t cap = 800;

    start(cap);
    for (uint32_t i = 0; i < cap; i++)
        put(i, NULL);
    for (uint32_t i = 0; i < 700; i++)
        xord_session_touch(sessions, find(i), true);
    for (uint32_t i = 0; i < 700; i++)
        xord_session_touch(sessions, find(i), false);
    cr_assert_eq(used_cnt(700), 700);
    xord_session_touch(sessions, find(700), true);
    cr_assert_eq(used_cnt(700), 700 - XORD_SESSION_CHANCES);
    cr_assert(find(700)->is_protected);
    cr_assert_not(find(8)->is_protected, "the first without a chance left is on probation");
    cr_assert(find(8)->is_used);
    for (uint32_t i = 0; i < 700; i++)
        cr_assert(i == 8 || find(i)->is_protected);
    stop();
}

/* The packet path writes to the session's own first line and to nothing else. */
Test(session, a_touch_changes_one_line)
{
    static struct xord_session before[200];
    struct xord_session *all[200];

    start(200);
    for (uint32_t i = 0; i < 200; i++)
        all[i] = put(i, NULL);
    for (uint32_t i = 0; i < 100; i++)
        xord_session_touch(sessions, all[i], true);
    for (uint32_t t = 0; t < 200; t++) {
        for (uint32_t i = 0; i < 200; i++)
            before[i] = *all[i];
        xord_session_touch(sessions, all[t], t < 100);
        cr_assert(all[t]->is_used);
        for (uint32_t i = 0; i < 200; i++)
            cr_assert(i == t || memcmp(all[i], &before[i], sizeof(before[i])) == 0);
        cr_assert_bytes((uint8_t *)all[t] + 64, (uint8_t *)&before[t] + 64, 64);
    }
    stop();
}

/* Two thirds of those on probation stay in use: they survive any number of handshakes, although an undisturbed time has left
 * them all together at the end of the list. */
Test(session, a_flood_of_handshakes_pushes_out_only_who_is_not_in_use)
{
    const uint32_t cap = 1024, used = 680;

    start(cap);
    for (uint32_t i = 0; i < used; i++)
        put(i, NULL);
    for (uint32_t n = 10000; n < 60000; n++) {
        if (n % 64 == 0)
            for (uint32_t i = 0; i < used; i++)
                xord_session_touch(sessions, find(i), false);
        put(n, NULL);
        if (n % 3 == 0)
            xord_session_touch(sessions, find(n), false); /* its handshake brought a message */
    }
    for (uint32_t i = 0; i < used; i++)
        cr_assert_not_null(find(i), "%u was in use and is gone", i);
    stop();
}

/* However many strangers shake hands and send, whoever has worked for us stays, used or not. */
Test(session, strangers_cannot_push_out_working_peers)
{
    bool evicted;

    start(64);
    for (uint32_t i = 0; i < 56; i++)
        xord_session_touch(sessions, put(i, NULL), true);
    for (uint32_t i = 1000; i < 11000; i++) {
        xord_session_touch(sessions, put(i, &evicted), false);
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

/* ---- against a model: lists of numbers, latest linked first ---- */

struct list {
    uint32_t n[MODEL_MAX];
    uint32_t cnt;
};

static struct list model[3]; /* probation, protected, idle */
static bool model_used[2 * MODEL_MAX];

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

static uint32_t list_last(const struct list *list)
{
    return list->n[list->cnt - 1];
}

static bool list_has(const struct list *list, uint32_t n)
{
    for (uint32_t i = 0; i < list->cnt; i++)
        if (list->n[i] == n)
            return true;
    return false;
}

static bool model_has(uint32_t n)
{
    return list_has(&model[0], n) || list_has(&model[1], n) || list_has(&model[2], n);
}

/* The last of a list if it has not been used; else it has another chance in `again`. */
static bool model_look(struct list *list, struct list *again)
{
    uint32_t n = list_last(list);

    if (!model_used[n])
        return true;
    model_used[n] = false;
    list->cnt--;
    list_push(again, n);
    return false;
}

static void model_touch(uint32_t n, bool worked, uint32_t capacity)
{
    model_used[n] = true;
    if (!worked || list_has(&model[1], n))
        return;
    model_used[n] = false;
    list_remove(&model[0], n);
    list_remove(&model[2], n);
    list_push(&model[1], n);
    if (model[1].cnt <= capacity - capacity / 8)
        return;
    for (int i = 0; i < XORD_SESSION_CHANCES && !model_look(&model[1], &model[1]); i++)
        ;
    list_push(&model[0], list_last(&model[1]));
    model[1].cnt--;
}

static void model_collect(void)
{
    for (int i = 0; i < XORD_SESSION_CHANCES && model[2].cnt < (model[0].cnt + 3) / 4; i++)
        if (model_look(&model[0], &model[0]))
            list_push(&model[2], model[0].n[--model[0].cnt]);
}

static void model_evict(void)
{
    for (int i = 0; i < XORD_SESSION_CHANCES && model[2].cnt > 0; i++) {
        if (model_look(&model[2], &model[0])) {
            model[2].cnt--;
            return;
        }
    }
    if (model[2].cnt == 0)
        model[0].cnt--;
    else if (!model_used[model[2].n[0]])
        list_remove(&model[2], model[2].n[0]);
    else
        model[2].cnt--;
}

static bool model_put(uint32_t n, uint32_t capacity)
{
    uint32_t cnt = model[0].cnt + model[1].cnt + model[2].cnt;

    if (model_has(n)) {
        model_used[n] = true;
        return false;
    }
    if (cnt >= capacity - capacity / 4)
        model_collect();
    if (cnt == capacity)
        model_evict();
    list_push(&model[0], n);
    model_used[n] = false;
    return cnt == capacity;
}

static void compare_all(uint32_t numbers)
{
    cr_assert_eq(xord_sessions_cnt(sessions), model[0].cnt + model[1].cnt + model[2].cnt);
    for (uint32_t n = 0; n < numbers; n++) {
        const struct xord_session *session = find(n);

        cr_assert_eq(session != NULL, model_has(n), "number %u", n);
        if (!session)
            continue;
        cr_assert_eq(xord_load_be32(session->read_key16 + 4), n);
        cr_assert_eq(session->is_used, model_used[n]);
        cr_assert_eq(session->is_protected, list_has(&model[1], n));
        cr_assert_eq(session->is_idle, list_has(&model[2], n));
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
        for (int list = 0; list < 3; list++)
            list_remove(&model[list], n);
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
        memset(model_used, 0, sizeof(model_used));
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
