/* SPDX-License-Identifier: BSD-3-Clause */
/* Session cache: slots in one array, an open-addressed index with linear probing, two LRU lists. */
#include "xord_session.h"

#include <stdlib.h>

#define NIL UINT32_MAX

enum segment { PROBATION, PROTECTED };

struct lru {
    uint32_t head; /* most recent */
    uint32_t tail;
    uint32_t cnt;
};

struct xord_sessions {
    struct xord_session *slots;
    uint32_t *index; /* slot number or NIL */
    uint32_t index_mask;
    uint32_t capacity;
    uint32_t cnt;
    uint32_t free_head; /* chained by lru_next */
    struct lru lru[2];
    struct xord_hash_key hash_key;
};

_Static_assert(sizeof(struct xord_session_key) == 56, "a session key has no padding");
_Static_assert(sizeof(struct xord_session) == 128, "a session is two cache lines");

static void slots_chain_free(struct xord_sessions *sessions)
{
    for (uint32_t i = 0; i < sessions->capacity; i++)
        sessions->slots[i].lru_next = i + 1 < sessions->capacity ? i + 1 : NIL;
    sessions->free_head = 0;
}

struct xord_sessions *xord_sessions_new(uint32_t capacity, const struct xord_hash_key *hash_key)
{
    struct xord_sessions *sessions = calloc(1, sizeof(*sessions));
    uint32_t index_len = 16;

    if (!sessions)
        return NULL;
    while (index_len < capacity + capacity / 2)
        index_len *= 2;
    sessions->capacity = capacity;
    sessions->index_mask = index_len - 1;
    sessions->hash_key = *hash_key;
    sessions->lru[PROBATION] = sessions->lru[PROTECTED] = (struct lru){.head = NIL, .tail = NIL};
    sessions->slots = aligned_alloc(64, (size_t)capacity * sizeof(*sessions->slots));
    sessions->index = malloc((size_t)index_len * sizeof(*sessions->index));
    if (!sessions->slots || !sessions->index) {
        xord_sessions_free(sessions);
        return NULL;
    }
    memset(sessions->slots, 0, (size_t)capacity * sizeof(*sessions->slots));
    memset(sessions->index, 0xff, (size_t)index_len * sizeof(*sessions->index));
    slots_chain_free(sessions);
    return sessions;
}

void xord_sessions_free(struct xord_sessions *sessions)
{
    if (!sessions)
        return;
    if (sessions->slots)
        xord_wipe(sessions->slots, (size_t)sessions->capacity * sizeof(*sessions->slots));
    free(sessions->slots);
    free(sessions->index);
    free(sessions);
}

static uint32_t slot_of(const struct xord_sessions *sessions, const struct xord_session *session)
{
    return (uint32_t)(session - sessions->slots);
}

static void lru_unlink(struct xord_sessions *sessions, struct xord_session *session)
{
    struct lru *lru = &sessions->lru[session->is_protected];

    if (session->lru_prev == NIL)
        lru->head = session->lru_next;
    else
        sessions->slots[session->lru_prev].lru_next = session->lru_next;
    if (session->lru_next == NIL)
        lru->tail = session->lru_prev;
    else
        sessions->slots[session->lru_next].lru_prev = session->lru_prev;
    lru->cnt--;
}

static void lru_push(struct xord_sessions *sessions, struct xord_session *session, enum segment segment)
{
    struct lru *lru = &sessions->lru[segment];
    uint32_t slot = slot_of(sessions, session);

    session->is_protected = segment == PROTECTED;
    session->lru_prev = NIL;
    session->lru_next = lru->head;
    if (lru->head == NIL)
        lru->tail = slot;
    else
        sessions->slots[lru->head].lru_prev = slot;
    lru->head = slot;
    lru->cnt++;
}

static uint32_t key_hash(const struct xord_sessions *sessions, const struct xord_session_key *key)
{
    return (uint32_t)xord_hash64(&sessions->hash_key, key, sizeof(*key));
}

static struct xord_session *find_hashed(struct xord_sessions *sessions, const struct xord_session_key *key,
        uint32_t hash)
{
    for (uint32_t i = hash & sessions->index_mask; sessions->index[i] != NIL; i = (i + 1) & sessions->index_mask) {
        struct xord_session *session = &sessions->slots[sessions->index[i]];

        if (session->hash == hash && memcmp(&session->key, key, sizeof(*key)) == 0)
            return session;
    }
    return NULL;
}

struct xord_session *xord_session_find(struct xord_sessions *sessions, const struct xord_session_key *key)
{
    return find_hashed(sessions, key, key_hash(sessions, key));
}

static void session_prefetch(const struct xord_session *session)
{
    __builtin_prefetch(session, 1);
    __builtin_prefetch(&session->key, 0);
}

size_t xord_sessions_find_bulk(struct xord_sessions *sessions, const struct xord_session_key *keys, size_t n,
        struct xord_session **found)
{
    uint32_t hashes[XORD_SESSIONS_BULK_MAX];
    size_t hits = 0;

    if (n > XORD_SESSIONS_BULK_MAX)
        n = XORD_SESSIONS_BULK_MAX;
    for (size_t i = 0; i < n; i++) {
        hashes[i] = key_hash(sessions, &keys[i]);
        __builtin_prefetch(&sessions->index[hashes[i] & sessions->index_mask]);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = sessions->index[hashes[i] & sessions->index_mask];

        if (slot != NIL)
            session_prefetch(&sessions->slots[slot]);
    }
    for (size_t i = 0; i < n; i++) {
        found[i] = find_hashed(sessions, &keys[i], hashes[i]);
        hits += found[i] != NULL;
    }
    return hits;
}

static void index_insert(struct xord_sessions *sessions, uint32_t slot)
{
    uint32_t i = sessions->slots[slot].hash & sessions->index_mask;

    while (sessions->index[i] != NIL)
        i = (i + 1) & sessions->index_mask;
    sessions->index[i] = slot;
}

/* Linear probing without tombstones: what follows a hole is moved back to where a probe would find it. */
static void index_remove(struct xord_sessions *sessions, uint32_t slot)
{
    uint32_t mask = sessions->index_mask;
    uint32_t hole = sessions->slots[slot].hash & mask;

    while (sessions->index[hole] != slot)
        hole = (hole + 1) & mask;
    for (uint32_t i = (hole + 1) & mask; sessions->index[i] != NIL; i = (i + 1) & mask) {
        uint32_t home = sessions->slots[sessions->index[i]].hash & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            sessions->index[hole] = sessions->index[i];
            hole = i;
        }
    }
    sessions->index[hole] = NIL;
}

void xord_session_remove(struct xord_sessions *sessions, struct xord_session *session)
{
    uint32_t slot = slot_of(sessions, session);

    index_remove(sessions, slot);
    lru_unlink(sessions, session);
    xord_wipe(session, sizeof(*session));
    session->lru_next = sessions->free_head;
    sessions->free_head = slot;
    sessions->cnt--;
}

/* The protected segment never fills the whole cache, so when all slots are taken the probation list has a tail. */
static struct xord_session *slot_take(struct xord_sessions *sessions, bool *evicted)
{
    struct xord_session *session;

    if (sessions->free_head == NIL) {
        xord_session_remove(sessions, &sessions->slots[sessions->lru[PROBATION].tail]);
        if (evicted)
            *evicted = true;
    }
    session = &sessions->slots[sessions->free_head];
    sessions->free_head = session->lru_next;
    sessions->cnt++;
    return session;
}

struct xord_session *xord_session_put(struct xord_sessions *sessions, const struct xord_session_key *key,
        const uint8_t read_key16[16], const uint8_t write_key16[16], bool *evicted)
{
    struct xord_session *session = xord_session_find(sessions, key);

    if (evicted)
        *evicted = false;
    if (session) {
        memcpy(session->old_read_key16, session->read_key16, 16);
        session->has_old = 1;
        xord_session_touch(sessions, session, false);
    } else {
        session = slot_take(sessions, evicted);
        session->key = *key;
        session->hash = key_hash(sessions, key);
        session->in_use = 1;
        index_insert(sessions, slot_of(sessions, session));
        lru_push(sessions, session, PROBATION);
    }
    memcpy(session->read_key16, read_key16, 16);
    memcpy(session->write_key16, write_key16, 16);
    session->sent_cnt = 0;
    return session;
}

void xord_session_touch(struct xord_sessions *sessions, struct xord_session *session, bool worked)
{
    enum segment segment = worked || session->is_protected ? PROTECTED : PROBATION;

    if (sessions->lru[segment].head == slot_of(sessions, session))
        return;
    lru_unlink(sessions, session);
    lru_push(sessions, session, segment);
    if (sessions->lru[PROTECTED].cnt > sessions->capacity - sessions->capacity / 8) {
        struct xord_session *oldest = &sessions->slots[sessions->lru[PROTECTED].tail];

        lru_unlink(sessions, oldest);
        lru_push(sessions, oldest, PROBATION);
    }
}

int xord_session_nonce(struct xord_session *session, uint8_t nonce12[12], struct xord_rng *rng)
{
    if (session->sent_cnt >= XORD_SESSION_MAX_SENT)
        return XORD_ESTATE;
    xord_store_be32(nonce12, session->sent_cnt++);
    xord_rng_fill(rng, nonce12 + 4, 8);
    return 0;
}

uint32_t xord_sessions_cnt(const struct xord_sessions *sessions)
{
    return sessions->cnt;
}
