/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between shards, and between shards and control: by value, over bounded rings, from a fixed pool.
 *
 * The pattern: a requester sends XORD_MAIL_REQUEST (or LOOKUP) with a cookie to the shard that owns the peer's endpoint and
 * gets back any number of PONG / RECORDS / TALK and then exactly one DONE with that cookie - unless a full ring lost one, so
 * whoever must not wait forever keeps a timer.
 * Threading: a mail belongs to whoever holds it. Memory: about 2 KB each, out of the engine's pool. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_endpoint.h"
#include "xord_enr.h"
#include "xord_limit.h"
#include "xord_message.h"
#include "xord_packet.h"
#include "xord_prefix.h"
#include "xord_session.h"

#define XORD_CONTROL   UINT16_MAX       /* the control thread as a receiver of mail */
#define XORD_GUEST     (UINT16_MAX - 1) /* the guest of the worker, see xord_engine.h */
#define XORD_MAIL_DATA 1792

/* Longest plain message that an ordinary packet carries, and what remains for a TALK payload. */
#define XORD_MESSAGE_MAX_LEN (XORD_PACKET_MAX_LEN - XORD_ORDINARY_HEAD_LEN - XORD_GCM_TAG_LEN)
#define XORD_TALK_MAX_LEN    (XORD_MESSAGE_MAX_LEN - 20)

enum xord_mail_kind {
    XORD_MAIL_REQUEST, /* send a request */
    XORD_MAIL_LOOKUP,  /* run a lookup; answered by RECORDS ... DONE */
    XORD_MAIL_OFFER,   /* a verified record for the receiver's table; to control: of a newcomer to a crowd */
    XORD_MAIL_VOTE,    /* what a peer said our endpoint is */
    XORD_MAIL_SELF,    /* our own record has changed */
    XORD_MAIL_SEED,    /* a verified record from an earlier life, for the table of the shard that owns its endpoint */
    XORD_MAIL_BAN,     /* a prefix from which nothing is taken in any more, or again */
    XORD_MAIL_LIMITS,  /* other limits by source */
    XORD_MAIL_DRAIN,   /* no handshakes of strangers any more, or again */
    XORD_MAIL_LIST,    /* what is in the table, or the sessions; answered by one LISTED */
    XORD_MAIL_LISTED,
    XORD_MAIL_PONG,
    XORD_MAIL_RECORDS, /* verified records out of one NODES packet */
    XORD_MAIL_TALK,
    XORD_MAIL_DONE,
};

/* A peer as the target of a request. */
struct xord_peer {
    uint8_t id32[32];
    uint8_t pubkey33[XORD_PUBKEY_LEN];
    uint8_t reserved[3];
    struct xord_endpoint ep;
};

struct xord_mail_request {
    struct xord_peer peer;
    uint8_t type; /* XORD_MSG_PING, FINDNODE, TALKREQ */
    uint16_t distance_cnt;
    uint16_t protocol_len;
    uint16_t request_len;
    union {
        uint16_t distances[256];
        uint8_t talk[XORD_TALK_MAX_LEN]; /* protocol, then request */
    };
};

struct xord_mail_records {
    uint16_t cnt;
    uint16_t len;
    uint8_t data[XORD_MAIL_DATA - 4]; /* cnt times: id 32 || seq 8 || length 2 (both in host order) || record */
};

/* One of them, not decoded. */
struct xord_mail_record {
    const uint8_t *id32;
    const uint8_t *raw;
    uint64_t seq;
    uint16_t len;
};

struct xord_mail_done {
    int32_t err;           /* 0, XORD_ETIMEOUT, XORD_EFULL, XORD_ESIZE */
    uint32_t record_cnt;   /* records that were accepted */
    uint32_t packet_cnt;   /* response packets; > 0 with XORD_ETIMEOUT: part of the answer came */
    uint32_t queries;      /* of a lookup */
    uint64_t rtt_ns;       /* of the packet that was answered; 0 when none was */
    uint64_t challenge_ns; /* until the WHOAREYOU to the first packet was there; 0: there was none */
    uint8_t handshake;     /* the exchange needed one */
    /* What no honest peer does: */
    uint8_t loops;           /* WHOAREYOU in answer to our handshake */
    uint8_t bad_totals;      /* NODES that announce no packet or more than 16 */
    uint16_t wrong_distance; /* records at a distance that we did not ask for */
    uint16_t invalid;        /* records that do not decode or verify */
};

enum xord_list { XORD_LIST_TABLE, XORD_LIST_SESSIONS };

/* A node of the table, replacements included. */
struct xord_listed_node {
    struct xord_endpoint ep;
    uint32_t local; /* whose table */
    uint32_t live_checks, past_checks;
    uint64_t last_live_ns, seen_ns; /* 0: never */
    uint16_t distance;
    uint8_t misses;
    uint8_t replacement;
    uint16_t enr_len;
    uint8_t id32[32];
    uint8_t enr[XORD_ENR_MAX_LEN];
};

struct xord_listed_session {
    struct xord_session_key key;
    uint32_t sent_cnt;    /* messages under the present keys */
    uint8_t is_protected; /* the peer has answered a request of ours */
};

#define XORD_LISTED_NODES    4
#define XORD_LISTED_SESSIONS 24
#define XORD_LIST_END        UINT32_MAX

struct xord_listed {
    uint8_t what;
    uint8_t cnt;   /* may be 0 before the end */
    uint32_t next; /* where to go on, or XORD_LIST_END */
    union {
        struct xord_listed_node nodes[XORD_LISTED_NODES];
        struct xord_listed_session sessions[XORD_LISTED_SESSIONS];
    };
};

struct xord_mail {
    struct xord_mail *next; /* for whoever holds it */
    uint8_t kind;
    uint8_t probe_answered; /* DONE: the peer sent at least a WHOAREYOU */
    uint16_t from;          /* shard, or XORD_CONTROL */
    uint16_t reply_to;      /* shard, or XORD_CONTROL */
    uint32_t local;         /* identity on whose behalf */
    uint64_t cookie;
    struct xord_peer peer; /* replies: who answered */
    union {
        struct xord_mail_request request;
        struct xord_mail_records records;
        struct xord_mail_done done;
        struct {
            uint8_t target32[32];
        } lookup;
        struct {
            struct xord_enr enr;
            struct xord_endpoint ep;
            uint8_t inbound;
        } offer;
        struct {
            struct xord_endpoint voter, said;
        } vote;
        struct {
            uint64_t enr_seq;
            struct xord_endpoint said;
        } pong;
        struct {
            uint16_t len;
            uint8_t data[XORD_MESSAGE_MAX_LEN];
        } talk;
        struct xord_enr self;
        struct {
            struct xord_enr enr;
            uint32_t past_checks;
        } seed;
        struct {
            struct xord_prefix prefix;
            uint64_t until_ns; /* 0: not banned any more */
        } ban;
        struct xord_limit_config limits;
        bool drain;
        struct {
            uint8_t what;
            uint8_t id_digits; /* only those whose node id begins with so many hexadecimal digits of id32; 0: all */
            uint8_t id32[32];
            uint32_t pos; /* 0, or `next` of the answer before */
        } list;
        struct xord_listed listed;
    };
};

/* Appends a verified record; false when there is no room. */
bool xord_mail_records_put(struct xord_mail_records *records, const struct xord_enr *enr);

/* Walks the records: start with *pos = 0; false at the end. */
bool xord_mail_records_peek(const struct xord_mail_records *records, size_t *pos, struct xord_mail_record *record);
/* Decodes one, and sets its id. */
XORD_MUST_CHECK int xord_mail_record_decode(struct xord_enr *enr, const struct xord_mail_record *record);
/* Both at once. */
bool xord_mail_records_next(const struct xord_mail_records *records, size_t *pos, struct xord_enr *enr);

/* A peer out of a verified record and the endpoint of it to use. */
struct xord_peer xord_peer_from_enr(const struct xord_enr *enr, const struct xord_endpoint *ep);
