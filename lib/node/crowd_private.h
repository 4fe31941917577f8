/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of a crowd: crowd.c who there is, crowd_place.c where and when, crowd_record.c records, crowd_answer.c behaviour,
 * crowd_newcomers.c nodes from elsewhere. */
#pragma once

#include <stdatomic.h>

#include "xord_crowd.h"

/* What a decision is about, so that no two depend on each other. */
enum crowd_dice { DICE_KIND = 1, DICE_CLASS, DICE_ATTNETS, DICE_PHASE, DICE_TURN, DICE_STALE, DICE_LIE };

/* A record with everything but what differs from node to node; `at_*` are offsets in `enr.raw`. One for each length that a seq
 * may have in RLP, as that moves all the rest. */
#define CROWD_SEQ_LENS 4
struct crowd_template {
    struct xord_enr enr;
    uint16_t at_sig, at_seq, at_ip, at_pubkey, at_attnets; /* 0: has none */
    uint16_t body_len;                                     /* from the seq on: what is signed */
};

/* Written by whoever comes first, read by all: `version1` says of which version it is. */
#define CROWD_SIG_BUSY UINT32_MAX
struct crowd_sig {
    _Atomic uint32_t version1; /* + 1; 0: none yet; CROWD_SIG_BUSY: being written */
    uint32_t reserved;
    _Atomic uint64_t words[8];
};

/* Never changed nor freed while there are readers; what it was replaced by has it in its chain. */
struct crowd_newcomer {
    struct crowd_newcomer *older;
    uint8_t id32[32];
    uint16_t len;
    uint8_t raw[XORD_ENR_MAX_LEN];
};

struct crowd_layout {
    uint32_t sub_cnt;   /* /24s that nodes go round; 0: the prefix is too small, they stand in a row */
    uint32_t room;      /* addresses */
    uint32_t addresses; /* of each node */
};

struct xord_crowd {
    struct xord_crowd_config cfg;
    struct crowd_layout layout;
    struct xord_locals *locals;
    struct xord_directory *directory;
    uint8_t *kinds;
    uint8_t *classes;
    struct crowd_sig *sigs[2]; /* by the version's last bit; the second NULL: records do not change */
    struct crowd_template (*templates)[CROWD_SEQ_LENS];
    bool random_attnets[XORD_CROWD_CLASSES];
    uint32_t kind_cnt[XORD_CROWD_KIND_CNT];
    uint32_t sybils[XORD_CROWD_SYBILS_MAX];
    uint32_t eclipse[XORD_CROWD_ECLIPSE_MAX];
    uint8_t target32[32];
    uint64_t turn_ns; /* from turn to turn of a node; 0: no churn */
    _Atomic(struct crowd_newcomer *) newcomers[XORD_CROWD_NEWCOMERS];
    _Atomic uint32_t newcomer_cnt;    /* how many of these to look at */
    struct crowd_newcomer *dismissed; /* whom a reader may still be looking at; a chain */
    uint32_t admitted;                /* ever */
};

uint64_t crowd_roll(const struct xord_crowd *crowd, enum crowd_dice what, uint64_t a, uint64_t b);
/* The same as a fraction, 0 to below 1. */
double crowd_roll_fraction(const struct xord_crowd *crowd, enum crowd_dice what, uint64_t a, uint64_t b);

struct crowd_layout crowd_layout_of(unsigned host_bits, uint32_t node_cnt, bool moves);
/* The version before, of which some still hand out the record; the same when there was none. */
uint32_t crowd_old_version(const struct xord_crowd *crowd, uint32_t i, uint64_t now_ns);
int crowd_templates_init(struct xord_crowd *crowd);

bool crowd_is_among(const uint16_t *distances, uint32_t cnt, unsigned distance);

/* Those at the distances asked for, from `asker_id32` apart, at most `max`; whom of many depends on who answers. */
uint32_t crowd_newcomers_pick(const struct xord_crowd *crowd, const struct crowd_newcomer **out, uint32_t i,
        const uint16_t *distances, uint32_t distance_cnt, const uint8_t asker_id32[32], uint32_t max);
void crowd_newcomers_free(struct xord_crowd *crowd);
