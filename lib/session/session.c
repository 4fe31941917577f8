/* SPDX-License-Identifier: BSD-3-Clause */
/* Session cache: slots in one array, an open-addressed index with linear probing, three lists.
 *
 * An index entry is 32 bits: as many of the hash as there is room for || slot + 1, and 0 where there is none. The bits of
 * the hash keep a probe from reading slots in vain; what is found is always compared whole. A probe begins at an entry whose
 * number is a multiple of four, and looks at four at once. */
#include "xord_session.h"

#include <emmintrin.h>
#include <stdlib.h>

#include "xord_hash56.h"
#include "xord_mem.h"

#define NIL   UINT32_MAX
#define GROUP 4 /* entries */

enum segment { PROBATION, IDLE, PROTECTED, SEGMENTS };

struct lru {
    uint32_t head; /* latest linked */
    uint32_t tail;
    uint32_t cnt;
};

struct xord_sessions {
    struct xord_hash56 hash;
    struct xord_session *slots;
    uint32_t *index;
    uint32_t index_mask;
    uint32_t slot_mask; /* the part of an entry that is slot + 1 */
    uint32_t capacity;
    uint32_t cnt;
    uint32_t fresh;     /* slots from here on have never been used */
    uint32_t free_head; /* those used before, chained by lru_next */
    struct lru lru[SEGMENTS];
};

_Static_assert(sizeof(struct xord_session_key) == XORD_HASH56_LEN, "a session key has no padding");
_Static_assert(sizeof(struct xord_session) == 128, "a session is two cache lines");
_Static_assert(offsetof(struct xord_session, key) == 64, "what is written for a packet shares the line of the keys");

static size_t slots_len(const struct xord_sessions *sessions)
{
    return (size_t)sessions->capacity * sizeof(*sessions->slots);
}

static size_t index_len(const struct xord_sessions *sessions)
{
    return ((size_t)sessions->index_mask + 1) * sizeof(*sessions->index);
}

struct xord_sessions *xord_sessions_new(uint32_t capacity, const struct xord_hash_key *hash_key)
{
    struct xord_sessions *sessions = xord_mem_alloc(sizeof(*sessions));

    if (!sessions)
        return NULL;
    sessions->slot_mask = 15;
    while (sessions->slot_mask < capacity)
        sessions->slot_mask = 2 * sessions->slot_mask + 1;
    sessions->index_mask = 15;
    while (sessions->index_mask < 2 * capacity - 1)
        sessions->index_mask = 2 * sessions->index_mask + 1;
    sessions->capacity = capacity;
    sessions->free_head = NIL;
    for (int segment = 0; segment < SEGMENTS; segment++)
        sessions->lru[segment] = (struct lru){.head = NIL, .tail = NIL};
    xord_hash56_init(&sessions->hash, hash_key);
    sessions->slots = xord_secret_alloc(slots_len(sessions));
    sessions->index = xord_mem_alloc(index_len(sessions));
    if (!sessions->slots || !sessions->index) {
        xord_sessions_free(sessions);
        return NULL;
    }
    return sessions;
}

void xord_sessions_free(struct xord_sessions *sessions)
{
    if (!sessions)
        return;
    xord_secret_free(sessions->slots, slots_len(sessions));
    xord_mem_free(sessions->index, index_len(sessions));
    xord_wipe(sessions, sizeof(*sessions));
    xord_mem_free(sessions, sizeof(*sessions));
}

/* ---- the index ---- */

static uint32_t slot_of(const struct xord_sessions *sessions, const struct xord_session *session)
{
    return (uint32_t)(session - sessions->slots);
}

/* What an entry has beside its slot: bits of the hash that choose no place in the index. */
static uint32_t tag_of(const struct xord_sessions *sessions, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ~sessions->slot_mask;
}

static uint32_t home_of(const struct xord_sessions *sessions, uint32_t hash)
{
    return hash & sessions->index_mask & ~(uint32_t)(GROUP - 1);
}

/* Which entries of a group have this tag or are empty, one bit each. */
static unsigned group_match(const struct xord_sessions *sessions, uint32_t group, uint32_t tag)
{
    __m128i entries = _mm_load_si128((const __m128i *)&sessions->index[group]);
    __m128i tags = _mm_andnot_si128(_mm_set1_epi32((int)sessions->slot_mask), entries);
    __m128i match = _mm_or_si128(_mm_cmpeq_epi32(tags, _mm_set1_epi32((int)tag)),
            _mm_cmpeq_epi32(entries, _mm_setzero_si128()));

    return (unsigned)_mm_movemask_ps(_mm_castsi128_ps(match));
}

/* The slot + 1 of the next entry from *at on that may be the hash's, or 0; *at is where it stands. */
static uint32_t index_next(const struct xord_sessions *sessions, uint64_t hash, uint32_t *at)
{
    uint32_t group = *at & ~(uint32_t)(GROUP - 1);
    unsigned match = group_match(sessions, group, tag_of(sessions, hash)) & ~0U << (*at - group);

    while (!match) {
        group = (group + GROUP) & sessions->index_mask;
        match = group_match(sessions, group, tag_of(sessions, hash));
    }
    *at = group + (uint32_t)__builtin_ctz(match);
    return sessions->index[*at] & sessions->slot_mask;
}

static void index_insert(struct xord_sessions *sessions, uint32_t slot, uint64_t hash)
{
    uint32_t i = home_of(sessions, (uint32_t)hash);

    while (sessions->index[i] != 0)
        i = (i + 1) & sessions->index_mask;
    sessions->index[i] = tag_of(sessions, hash) | (slot + 1);
}

/* Linear probing without tombstones: what follows a hole is moved back to where a probe would find it. */
static void index_remove(struct xord_sessions *sessions, uint32_t slot)
{
    uint32_t mask = sessions->index_mask;
    uint32_t hole = home_of(sessions, sessions->slots[slot].hash);

    while ((sessions->index[hole] & sessions->slot_mask) != slot + 1)
        hole = (hole + 1) & mask;
    for (uint32_t i = (hole + 1) & mask; sessions->index[i] != 0; i = (i + 1) & mask) {
        uint32_t home = home_of(sessions, sessions->slots[(sessions->index[i] & sessions->slot_mask) - 1].hash);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            sessions->index[hole] = sessions->index[i];
            hole = i;
        }
    }
    sessions->index[hole] = 0;
}

/* ---- finding ---- */

static __m128i differ16(const void *a, const void *b, size_t at)
{
    return _mm_xor_si128(_mm_loadu_si128((const __m128i *)((const uint8_t *)a + at)),
            _mm_loadu_si128((const __m128i *)((const uint8_t *)b + at)));
}

/* The last 16 of the 56 bytes overlap those before them. */
static bool key_equal(const struct xord_session_key *a, const struct xord_session_key *b)
{
    __m128i diff = _mm_or_si128(_mm_or_si128(differ16(a, b, 0), differ16(a, b, 16)),
            _mm_or_si128(differ16(a, b, 32), differ16(a, b, sizeof(*a) - 16)));

    return _mm_movemask_epi8(_mm_cmpeq_epi8(diff, _mm_setzero_si128())) == 0xffff;
}

/* The session's slot + 1, or 0, from the entry on that index_next has found at `at`. */
static uint32_t find_from(const struct xord_sessions *sessions, const struct xord_session_key *key, uint64_t hash,
        uint32_t at, uint32_t entry)
{
    while (entry && !key_equal(&sessions->slots[entry - 1].key, key)) {
        at = (at + 1) & sessions->index_mask;
        entry = index_next(sessions, hash, &at);
    }
    return entry;
}

static uint32_t find_hashed(const struct xord_sessions *sessions, const struct xord_session_key *key, uint64_t hash)
{
    uint32_t at = home_of(sessions, (uint32_t)hash);
    uint32_t entry = index_next(sessions, hash, &at);

    return find_from(sessions, key, hash, at, entry);
}

struct xord_session *xord_session_find(struct xord_sessions *sessions, const struct xord_session_key *key)
{
    uint32_t entry = find_hashed(sessions, key, xord_hash56(&sessions->hash, key));

    return entry ? &sessions->slots[entry - 1] : NULL;
}

size_t xord_sessions_find_bulk(struct xord_sessions *sessions, const struct xord_session_key *keys, size_t n,
        struct xord_session **found)
{
    uint64_t hashes[XORD_SESSIONS_BULK_MAX];
    uint32_t at[XORD_SESSIONS_BULK_MAX], entries[XORD_SESSIONS_BULK_MAX];
    size_t hits = 0;

    if (n > XORD_SESSIONS_BULK_MAX)
        n = XORD_SESSIONS_BULK_MAX;
    xord_hash56_bulk(&sessions->hash, hashes, keys, n);
    for (size_t i = 0; i < n; i++) {
        at[i] = home_of(sessions, (uint32_t)hashes[i]);
        __builtin_prefetch(&sessions->index[at[i]]);
    }
    for (size_t i = 0; i < n; i++) {
        entries[i] = index_next(sessions, hashes[i], &at[i]);
        if (entries[i]) {
            __builtin_prefetch(&sessions->slots[entries[i] - 1].key);
            __builtin_prefetch(&sessions->slots[entries[i] - 1]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t entry = find_from(sessions, &keys[i], hashes[i], at[i], entries[i]);

        found[i] = entry ? &sessions->slots[entry - 1] : NULL;
        hits += entry != 0;
    }
    return hits;
}

/* ---- order of use ---- */

static enum segment segment_of(const struct xord_session *session)
{
    if (session->is_protected)
        return PROTECTED;
    return session->is_idle ? IDLE : PROBATION;
}

static void lru_unlink(struct xord_sessions *sessions, struct xord_session *session)
{
    struct lru *lru = &sessions->lru[segment_of(session)];

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
    session->is_idle = segment == IDLE;
    session->lru_prev = NIL;
    session->lru_next = lru->head;
    if (lru->head == NIL)
        lru->tail = slot;
    else
        sessions->slots[lru->head].lru_prev = slot;
    lru->head = slot;
    lru->cnt++;
}

static void lru_move(struct xord_sessions *sessions, struct xord_session *session, enum segment segment)
{
    lru_unlink(sessions, session);
    lru_push(sessions, session, segment);
}

/* Of a list that is not empty. */
static struct xord_session *lru_tail(struct xord_sessions *sessions, enum segment segment)
{
    return &sessions->slots[sessions->lru[segment].tail];
}

/* The tail of a list: when it has been used it is sent to the front of `again` instead, and this returns NULL. */
static struct xord_session *lru_look(struct xord_sessions *sessions, enum segment segment, enum segment again)
{
    struct xord_session *session;

    if (sessions->lru[segment].cnt == 0)
        return NULL;
    session = lru_tail(sessions, segment);
    if (!session->is_used)
        return session;
    session->is_used = 0;
    lru_move(sessions, session, again);
    return NULL;
}

static void protected_demote(struct xord_sessions *sessions)
{
    struct xord_session *session = NULL;

    for (int i = 0; i < XORD_SESSION_CHANCES && !session; i++)
        session = lru_look(sessions, PROTECTED, PROTECTED);
    lru_move(sessions, session ? session : lru_tail(sessions, PROTECTED), PROBATION);
}

void xord_session_promote(struct xord_sessions *sessions, struct xord_session *session)
{
    session->is_used = 0;
    lru_move(sessions, session, PROTECTED);
    if (sessions->lru[PROTECTED].cnt > sessions->capacity - sessions->capacity / 8)
        protected_demote(sessions);
}

/* Keeps a stock of sessions that have not been used, so that a run of used ones at the end of the probation list, as an
 * undisturbed time leaves it, has passed by before the stock is exhausted. */
static void idle_collect(struct xord_sessions *sessions)
{
    for (int i = 0; i < XORD_SESSION_CHANCES; i++) {
        struct xord_session *session;

        if (4 * (uint64_t)sessions->lru[IDLE].cnt >= sessions->lru[PROBATION].cnt)
            return;
        session = lru_look(sessions, PROBATION, PROBATION);
        if (session)
            lru_move(sessions, session, IDLE);
    }
}

/* The oldest idle session; when those before it have all been used again meanwhile, the latest. The protected segment never
 * fills the whole cache: when all slots are taken, one of the other lists has a tail. */
static struct xord_session *victim(struct xord_sessions *sessions)
{
    struct xord_session *session = NULL, *latest;

    for (int i = 0; i < XORD_SESSION_CHANCES && !session; i++)
        session = lru_look(sessions, IDLE, PROBATION);
    if (session)
        return session;
    if (sessions->lru[IDLE].cnt == 0)
        return lru_tail(sessions, PROBATION);
    latest = &sessions->slots[sessions->lru[IDLE].head];
    return latest->is_used ? lru_tail(sessions, IDLE) : latest;
}

/* ---- slots ---- */

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

static struct xord_session *slot_free(struct xord_sessions *sessions)
{
    struct xord_session *session;

    if (sessions->free_head == NIL)
        return &sessions->slots[sessions->fresh++];
    session = &sessions->slots[sessions->free_head];
    sessions->free_head = session->lru_next;
    return session;
}

static struct xord_session *slot_take(struct xord_sessions *sessions, bool *evicted)
{
    if (sessions->cnt >= sessions->capacity - sessions->capacity / 4)
        idle_collect(sessions);
    if (sessions->cnt == sessions->capacity) {
        xord_session_remove(sessions, victim(sessions));
        if (evicted)
            *evicted = true;
    }
    sessions->cnt++;
    return slot_free(sessions);
}

struct xord_session *xord_session_put(struct xord_sessions *sessions, const struct xord_session_key *key,
        const uint8_t read_key16[16], const uint8_t write_key16[16], bool *evicted)
{
    uint64_t hash = xord_hash56(&sessions->hash, key);
    uint32_t entry = find_hashed(sessions, key, hash);
    struct xord_session *session;

    if (evicted)
        *evicted = false;
    if (entry) {
        session = &sessions->slots[entry - 1];
        memcpy(session->old_read_key16, session->read_key16, 16);
        session->has_old = 1;
        session->is_used = 1;
    } else {
        session = slot_take(sessions, evicted);
        session->key = *key;
        session->hash = (uint32_t)hash;
        session->in_use = 1;
        index_insert(sessions, slot_of(sessions, session), hash);
        lru_push(sessions, session, PROBATION);
    }
    memcpy(session->read_key16, read_key16, 16);
    memcpy(session->write_key16, write_key16, 16);
    session->sent_cnt = 0;
    return session;
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

const struct xord_session *xord_sessions_walk(const struct xord_sessions *sessions, uint32_t *pos)
{
    while (*pos < sessions->fresh && !sessions->slots[*pos].in_use)
        ++*pos;
    return *pos < sessions->fresh ? &sessions->slots[(*pos)++] : NULL;
}
