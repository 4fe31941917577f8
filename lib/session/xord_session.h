/* SPDX-License-Identifier: BSD-3-Clause */
/* The session cache: AES-GCM keys shared with peers, bound to (local identity, peer node id, peer endpoint).
 * Spec: discv5-theory.md, "Sessions", "Session Cache".
 *
 * Capacity is fixed. A new session starts on probation; one whose peer has done real work (answered a request of ours) is
 * promoted to the protected segment, which may hold up to 7/8 of the capacity; beyond that its oldest is on probation again.
 * Only the probation segment is evicted from, so handshakes by strangers can push out nothing but other strangers.
 *
 * Using a session only sets a mark in its own first cache line; the lists are in the order in which sessions came to them.
 * From the time when three quarters of the capacity are taken, each insertion looks at up to XORD_SESSION_CHANCES sessions
 * at the end of the probation list: one that bears the mark loses it and goes to the front, a second chance; one that does
 * not goes to the idle list, from whose end sessions are evicted - unless they bear the mark by then, which brings them back.
 * The idle list holds up to a fifth of the probation segment: a stock, for when a run of used sessions is at the end of the
 * other list. So an insertion's work is bounded, and as long as a third of the probation segment is not in use, none that
 * is goes; to be in use means to be used again before each turn, which comes after capacity / 8 insertions at the earliest.
 *
 * A session keeps the read key before the last one, so that two handshakes crossing on the wire converge.
 * The index hash is keyed (xord_hash56.h): without the key nobody can make sessions that collide in it.
 * Threading: one owner. Memory: 128 bytes a session and 8 to 16 for the index, on huge pages where there are any
 * (xord_mem.h), all of it there after new; keys are wiped on removal,
 * and core dumps are without them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_endpoint.h"
#include "xord_err.h"
#include "xord_hash.h"
#include "xord_packet.h"
#include "xord_rng.h"

/* Who talks to whom; compared and hashed whole, so it has no padding. */
struct xord_session_key {
    uint8_t peer_id32[32];
    struct xord_endpoint ep;
    uint32_t local; /* index of the local identity */
};

/* Two cache lines; the first is all that the packet path touches after the comparison. */
struct xord_session {
    _Alignas(64) uint8_t read_key16[16];
    uint8_t write_key16[16];
    uint8_t old_read_key16[16];
    uint32_t sent_cnt; /* messages sealed under write_key16 */
    uint32_t has_old : 1, is_protected : 1, in_use : 1;
    uint32_t is_idle : 1;
    uint32_t is_used : 1; /* since it was last linked into its list */
    uint32_t hash;        /* of key, as many bits as choose a place in the index */
    uint32_t reserved;
    _Alignas(64) struct xord_session_key key;
    uint32_t lru_next, lru_prev;
};

/* Re-key before the 32-bit count can wrap. */
#define XORD_SESSION_MAX_SENT UINT32_C(0xfffffff0)

#define XORD_SESSION_CHANCES 8

struct xord_sessions;

/* NULL when out of memory. 8 <= `capacity` <= 2^30. */
struct xord_sessions *xord_sessions_new(uint32_t capacity, const struct xord_hash_key *hash_key);
void xord_sessions_free(struct xord_sessions *sessions);

/* NULL when there is none. Does not touch the LRU order. */
struct xord_session *xord_session_find(struct xord_sessions *sessions, const struct xord_session_key *key);

#define XORD_SESSIONS_BULK_MAX 64

/* The same for up to XORD_SESSIONS_BULK_MAX keys at once (more are not looked up), each stage over all of them with its
 * memory announced by the one before: found[i] is the session of keys[i] or NULL. Returns how many were found. Both lines
 * of each session found are on their way into the cache. */
size_t xord_sessions_find_bulk(struct xord_sessions *sessions, const struct xord_session_key *keys, size_t n,
        struct xord_session **found);

/* Sets the keys of a new handshake; an existing session keeps its old read key and its segment, and counts as used. Evicts
 * when full (sets *evicted if not NULL). Never fails. */
struct xord_session *xord_session_put(struct xord_sessions *sessions, const struct xord_session_key *key,
        const uint8_t read_key16[16], const uint8_t write_key16[16], bool *evicted);

/* To the protected segment, which may put its oldest on probation again. Use xord_session_touch. */
void xord_session_promote(struct xord_sessions *sessions, struct xord_session *session);

/* Recently used; `worked` promotes it. Touches nothing but the session's first line unless it promotes. */
static inline void xord_session_touch(struct xord_sessions *sessions, struct xord_session *session, bool worked)
{
    session->is_used = 1;
    if (worked && !session->is_protected)
        xord_session_promote(sessions, session);
}

void xord_session_remove(struct xord_sessions *sessions, struct xord_session *session);

/* The next message's nonce: 32-bit count || 64 random bits. XORD_ESTATE when the session must be re-keyed first. */
XORD_MUST_CHECK int xord_session_nonce(struct xord_session *session, uint8_t nonce12[12], struct xord_rng *rng);

uint32_t xord_sessions_cnt(const struct xord_sessions *sessions);

/* Walks all sessions: start with *pos = 0; NULL at the end. One that comes or goes meanwhile may be missed. */
const struct xord_session *xord_sessions_walk(const struct xord_sessions *sessions, uint32_t *pos);
