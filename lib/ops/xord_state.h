/* SPDX-License-Identifier: BSD-3-Clause */
/* What a bootnode remembers from one life to the next: of each identity its own record and its routing table with what is known of
 * each node's liveness, and the bans.
 *
 * The file (all numbers big-endian) is a head of 64 bytes and a body:
 *
 *   "XORDSTAT" || version 4 || length of the head 4 || length of the body 8 || when saved, Unix seconds 8 || zeroes 16 ||
 *   first 16 bytes of keccak-256 over the head up to here and the body
 *
 * The body is a row of items, type 1 || length 2 || content:
 *
 *   1 own record: RLP; the nodes that follow are of its table
 *   2 node: PINGs answered 4 || last answer, Unix seconds 8 (0: never) || replacement 1 || record RLP
 *   3 ban: address 16 || bits 1 || until, Unix seconds 8 (0: for ever)
 *
 * A file is taken whole or not at all. A new one replaces the old by rename, after it is on disk.
 * Threading: one owner. Memory: grows with what is added. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "xord_enr.h"
#include "xord_prefix.h"

#define XORD_STATE_VERSION  1
#define XORD_STATE_HEAD_LEN 64
#define XORD_STATE_MAX_LEN  (64U << 20) /* far more than can be saved: 64 identities with full tables, all bans */
#define XORD_STATE_ERR_LEN  512

struct xord_state_node {
    struct xord_enr enr; /* id32 is not set before verify */
    uint32_t live_checks;
    uint64_t last_live_s;
    bool replacement;
};

struct xord_state_self {
    struct xord_enr enr;
    struct xord_state_node *nodes;
    uint32_t node_cnt, node_cap;
};

struct xord_state_ban {
    struct xord_prefix prefix;
    uint64_t until_s; /* 0: for ever */
};

struct xord_state {
    uint64_t saved_s;
    struct xord_state_self *selves;
    struct xord_state_ban *bans;
    uint32_t self_cnt, self_cap;
    uint32_t ban_cnt, ban_cap;
};

/* To be begun with all zeroes. A node is added to the last identity. XORD_ENOMEM; XORD_ESTATE for a node before any identity. */
XORD_MUST_CHECK int xord_state_add_self(struct xord_state *state, const struct xord_enr *enr);
XORD_MUST_CHECK int xord_state_add_node(struct xord_state *state, const struct xord_state_node *node);
/* To the identity of that number, in the order in which they were added. */
XORD_MUST_CHECK int xord_state_add_node_of(struct xord_state *state, uint32_t self_number,
        const struct xord_state_node *node);
XORD_MUST_CHECK int xord_state_add_ban(struct xord_state *state, const struct xord_state_ban *ban);
void xord_state_free(struct xord_state *state);

/* *out is the caller's, to be freed. XORD_ENOMEM. */
XORD_MUST_CHECK int xord_state_encode(uint8_t **out, size_t *len, const struct xord_state *state);

/* `state` stays empty on error: XORD_EPROTO (not such a file, or of another version), XORD_ESHORT or XORD_ETRAIL (not whole),
 * XORD_EAUTH (the checksum differs), XORD_ENOMEM, and with a right checksum XORD_ETYPE or a record's errors. */
XORD_MUST_CHECK int xord_state_decode(struct xord_state *state, const uint8_t *data, size_t len);
/* Checks all records' signatures, and sets their ids; a record's errors. */
XORD_MUST_CHECK int xord_state_verify(struct xord_state *state, const struct xord_curve *curve);

/* Writes path.new, brings it to disk, and renames it. On error the old file is as it was, and `err` has one sentence. XORD_EIO,
 * XORD_ENOMEM. */
XORD_MUST_CHECK int xord_state_save(const char *path, const struct xord_state *state, char err[XORD_STATE_ERR_LEN]);

/* Can it be written at all? To be asked at the start, not after the first minute. XORD_EIO. */
XORD_MUST_CHECK int xord_state_check(const char *path, char err[XORD_STATE_ERR_LEN]);

/* XORD_ENOENT: there is none. XORD_EIO: it cannot be read. What is no sound state is set aside as path.bad, so
 * that the next save does not destroy it: the error of decode or verify. In all cases but the first `err` has one sentence. */
XORD_MUST_CHECK int xord_state_load(struct xord_state *state, const char *path, const struct xord_curve *curve,
        char err[XORD_STATE_ERR_LEN]);
