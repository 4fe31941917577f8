/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of a shard and what they call of each other:
 *
 *   rx.c       datagrams: unmask, classify, open, hand on
 *   tx.c       datagrams that the call sends: seal, mask, send
 *   lane.c     handshakes in both directions and NODES with unknown records, a bounded amount a turn
 *   request.c  own requests: send, match responses, time out; conversations order them behind a handshake
 *   serve.c    requests of others: answer
 *   admit.c    bans, limits by source
 *   host.c     table upkeep: liveness, offers, votes, record updates, snapshots
 *   seeker.c   lookups running on this shard
 *   records.c  record cache: bytes already verified */
#pragma once

#include "xord_ban.h"
#include "xord_challenge.h"
#include "xord_handshake.h"
#include "xord_lookup.h"
#include "xord_node.h"
#include "xord_session.h"
#include "xord_votes.h"
#include "xord_wheel.h"

#define NIL UINT32_MAX

/* What a reply to a request of the shard's own is for: top byte of the cookie. */
enum purpose { PURPOSE_LIVENESS = 1, PURPOSE_FETCH, PURPOSE_LOOKUP, PURPOSE_VOTE };
#define PURPOSE_SHIFT 56

/* ---- records.c ---- */

struct record_cache;
struct record_cache *record_cache_new(uint32_t capacity, const struct xord_hash_key *key);
void record_cache_free(struct record_cache *cache);
/* What verifying a record has found out. */
struct record_proof {
    uint8_t id32[32];
    uint8_t y32[32]; /* of the key, whose x stands in the record */
};
/* The proof when exactly these bytes were verified before, else NULL; valid until the next put. */
const struct record_proof *record_cache_find(const struct record_cache *cache, const uint8_t *raw, size_t len);
void record_cache_put(struct record_cache *cache, const struct record_proof *proof, const uint8_t *raw, size_t len);
/* Decodes and verifies, by the cache where it can. */
int node_verify_record(struct xord_node *node, struct xord_enr *enr, struct xord_pubkey *pubkey, const uint8_t *raw,
        size_t len);
/* The key of a record that was verified at some time. */
int node_record_key(const struct xord_node *node, struct xord_pubkey *pubkey, const struct xord_enr *enr);

/* ---- request.c ---- */

enum req_state {
    REQ_FREE,
    REQ_WAITING,   /* behind a handshake with the same peer */
    REQ_PROBE,     /* sent with random content, to be challenged */
    REQ_SENT,      /* sent under a session */
    REQ_IN_LANE,   /* challenged, the answer waits in the lane */
    REQ_HANDSHAKE, /* sent as handshake packet */
};

#define NODES_MAX_TOTAL 16

struct req {
    struct xord_timer timer;
    uint32_t conv;
    uint32_t next;       /* in the conversation, or free list */
    uint32_t prev;       /* in the conversation */
    uint32_t nonce_next; /* chain of the nonce index */
    uint32_t nonce_bucket;
    uint8_t state;
    uint8_t type;
    bool handshaken; /* has been challenged once */
    bool indexed;    /* its nonce is in the index */
    uint16_t reply_to;
    uint16_t msg_len;
    uint64_t cookie;
    uint64_t sent_ns;
    uint64_t rtt_ns;
    uint64_t challenge_ns; /* until its WHOAREYOU came */
    uint32_t total;        /* NODES packets announced; 0: none came yet */
    uint32_t got;          /* of them */
    uint32_t record_cnt;
    bool lost;                            /* part of the answer could not be passed on: it must not count as whole */
    uint64_t whole_by_ns;                 /* NODES: when the last packet must be here */
    uint8_t loops, bad_totals;            /* see struct xord_mail_done */
    uint16_t wrong_distance, invalid;     /* records */
    uint32_t lane_cnt;                    /* NODES packets of it that wait in the lane */
    uint32_t nodes_hash[NODES_MAX_TOTAL]; /* of each NODES packet that came */
    uint8_t request_id8[8];
    uint8_t nonce12[12];
    uint8_t wanted[33]; /* bit d: distance d was asked for */
    uint8_t msg[XORD_MESSAGE_MAX_LEN];
};

/* A request id is slot 4 || random 4, with the top bit set: implementations that hold ids as numbers lose leading zeroes. */
#define REQUEST_ID_TOP UINT32_C(0x80000000)

/* All requests open to one peer, in order. */
struct conv {
    struct xord_session_key key;
    struct xord_peer peer;
    uint32_t head, tail; /* requests */
    uint32_t lead;       /* the request that makes the handshake, or NIL */
    uint32_t hash_next;
    uint32_t bucket;
    bool in_use;
    bool has_keys; /* handshake sent, keys not yet confirmed by an answer */
    struct xord_session_keys keys;
};

/* ---- lane.c ---- */

enum lane_class { LANE_OWN, LANE_KNOWN, LANE_STRANGER, LANE_CLASSES };
enum job_kind { JOB_WHOAREYOU, JOB_HANDSHAKE, JOB_MESSAGE, JOB_NODES };

struct job {
    uint8_t kind;
    uint16_t len;
    uint32_t req; /* WHOAREYOU, NODES */
    uint64_t since_ns;
    size_t pos; /* NODES: behind the records that were looked at */
    uint8_t request_id8[8];
    uint32_t local;
    struct xord_endpoint peer, dst;
    struct xord_packet pkt; /* views into data */
    uint8_t data[XORD_PACKET_MAX_LEN];
};

struct lane {
    struct job *ring[LANE_CLASSES];
    uint32_t head[LANE_CLASSES], cnt[LANE_CLASSES];
    uint32_t cap[LANE_CLASSES];
    uint64_t owed;         /* operations that others had while strangers waited */
    uint64_t turn_ns;      /* the last turn */
    uint64_t share_ns;     /* of the time, not yet used */
    uint64_t full_ns;      /* since when the load is full; UINT64_MAX: it is not */
    uint64_t operations;   /* that the last turn had */
    uint64_t operation_ns; /* what one takes */
    bool idle;             /* the last turn left nothing to do */
};

/* ---- host.c, seeker.c ---- */

#define SEEKER_CNT 4

struct seeker {
    bool in_use;
    bool is_refresh; /* nobody waits for the result */
    uint32_t host;
    uint16_t reply_to;
    uint64_t cookie;
    uint64_t started_ns;
    struct xord_lookup lookup;
};

struct host {
    struct xord_table *table;
    struct xord_votes *votes; /* on the home shard only */
    struct xord_enr enr;
    uint64_t snap_ns;  /* when a snapshot was last published, or should have been */
    uint64_t fetch_ns; /* when fetch_key's record is to be asked for; 0: nobody's */
    struct xord_session_key fetch_key;
    uint64_t refresh_ns; /* when the next refresh is due */
    uint64_t vote6_ns;   /* when somebody may be asked over IPv6 what he sees of us */
    bool started;        /* has joined the network: bootnodes offered, own id looked up */
};

struct opened {
    _Alignas(64) uint8_t plain[XORD_PACKET_MAX_LEN];
    uint16_t len;
    bool ok;
};

/* What is still to be done to a datagram before it can be sent. Its own copies: the session may be gone by then. */
struct tx_job {
    uint8_t seal_key16[16];
    uint8_t mask_key16[16];
    uint16_t head_len;
    bool sealed;
};

struct xord_node {
    struct xord_counters counters;
    struct xord_timing timings[XORD_TIMING_CNT];
    struct xord_rng rng;
    struct xord_hash_key hash_key;
    struct xord_node_config cfg;
    struct xord_aes *aes;
    struct xord_wheel wheel;
    struct xord_sessions *sessions;
    struct xord_challenges *challenges;
    struct record_cache *records;
    struct xord_bans *bans;
    struct xord_limit *limit;
    bool draining; /* handshakes of strangers are refused */
    struct xord_ephemerals *ephemerals;
    struct lane lane;
    struct req *reqs;
    struct conv *convs;
    uint32_t *conv_index, *nonce_index;
    uint32_t index_mask;
    uint32_t free_req, free_conv, req_cnt;
    struct host *hosts;
    struct seeker *seekers;
    struct mail_queue { /* to ourselves */
        struct xord_mail *head, *tail;
    } self_mail;
    struct xord_enr crowd_enr;    /* the one that node_enr has given out */
    uint64_t now_ns;              /* of the call being served */
    uint32_t confirmed_cnt;       /* sessions that came to stand as own handshakes were confirmed */
    uint32_t burst_confirmed_cnt; /* as the burst was opened */
    /* burst scratch */
    uint32_t tx_cnt;
    struct xord_packet pkts[XORD_BURST_MAX];
    struct opened opened[XORD_BURST_MAX];
    struct tx_job tx_jobs[XORD_BURST_MAX];
    struct xord_tx tx[XORD_BURST_MAX];
};

static inline void node_count(struct xord_node *node, enum xord_counter_id id)
{
    xord_counter_add(&node->counters, id, 1);
}
#define COUNT(node, name) node_count((node), XORD_CNT_##name)

/* Curve operations done so far: what slow work is measured in. */
static inline uint64_t node_operations(const struct xord_node *node)
{
    return xord_counter_get(&node->counters, XORD_CNT_curve_operations);
}

static inline bool node_is_host(const struct xord_node *node, uint32_t local)
{
    return local < node->cfg.host_cnt;
}

/* The record of an identity as it is now; that of a crowd's is valid until the next one is asked for. */
const struct xord_enr *node_enr(struct xord_node *node, uint32_t local);
uint64_t node_enr_seq(const struct xord_node *node, uint32_t local);
struct xord_self node_self(struct xord_node *node, uint32_t local);

/* ---- tx.c ---- */

/* Room for a datagram to `dst`: over the datagram that it answers, if that may be overwritten (`answered` may be NULL), else
 * in a buffer of the port. NULL when there is none (counted). It becomes part of the call's burst by tx_end (whole as it is)
 * or tx_end_sealed (message behind `head_len` bytes to be sealed), before the next is begun. `dst_id32` may point into what is
 * answered. */
uint8_t *tx_begin(struct xord_node *node, struct xord_dgram *answered, const uint8_t dst_id32[32],
        const struct xord_endpoint *src, const struct xord_endpoint *dst);
void tx_end(struct xord_node *node, size_t head_len, size_t len);
void tx_end_sealed(struct xord_node *node, size_t head_len, size_t msg_len, const uint8_t key16[16]);
/* The same for a message under a session: *msg is where it goes, XORD_MESSAGE_MAX_LEN bytes. XORD_ESTATE: the session is
 * exhausted and gone; XORD_EFULL: no room. */
XORD_MUST_CHECK int tx_message_begin(struct xord_node *node, uint8_t **msg, struct xord_session *session,
        struct xord_dgram *answered, const struct xord_endpoint *src, uint8_t *nonce12_out);
void tx_message_end(struct xord_node *node, const struct xord_session *session, size_t len);
/* Both, for a message that stands elsewhere; what finds no room is lost like on the wire. XORD_ESTATE as above. */
XORD_MUST_CHECK int tx_message(struct xord_node *node, struct xord_session *session, const uint8_t *msg, size_t len,
        const struct xord_endpoint *src, uint8_t *nonce12_out);
/* Seals, masks and sends what the call has built. */
void tx_flush(struct xord_node *node);

/* ---- mail ---- */

/* A mail to fill in and give to node_mail_to; NULL when the pool is exhausted (counted). */
struct xord_mail *node_mail_new(struct xord_node *node, enum xord_mail_kind kind, uint32_t local, uint64_t cookie);
/* Gives a mail to a shard, ours included, or to control. Ours is taken in when the packet or call in progress is done with, so
 * that nothing is re-entered. */
void node_mail_to(struct xord_node *node, uint16_t to, struct xord_mail *mail);
/* Takes in what was sent to ourselves. */
void node_mail_take_own(struct xord_node *node);

/* ---- request.c ---- */

int requests_init(struct xord_node *node);
void requests_free(struct xord_node *node);
/* Starts what a REQUEST mail asks for; failures are reported like those of the wire. */
void request_start(struct xord_node *node, const struct xord_mail *mail);
/* Finds the request that a WHOAREYOU answers; NULL when there is none. */
struct req *request_by_nonce(struct xord_node *node, const uint8_t nonce12[12], uint32_t local,
        const struct xord_endpoint *ep);
/* A WHOAREYOU that answers nothing which may be challenged: the peer of a handshake of ours is charged with it. */
void request_on_loop(struct xord_node *node, const uint8_t nonce12[12], uint32_t local, const struct xord_endpoint *ep);
/* The request in a slot if it is still the one with this id; NULL otherwise. */
struct req *request_at(struct xord_node *node, uint32_t slot, const uint8_t request_id8[8]);
struct conv *conv_find(struct xord_node *node, const struct xord_session_key *key);
/* The challenge was answered: the handshake packet is out. */
void request_handshake_sent(struct xord_node *node, struct req *req, const struct xord_session_keys *keys,
        const uint8_t nonce12[12]);
/* A challenge came: returns the request that makes the handshake - this one or, when it is too long for a handshake packet,
 * a PING of our own; all others of the peer wait. NULL when there is no room for that: the request has failed. */
struct req *request_challenged(struct xord_node *node, struct req *req);
/* A message opened under the conversation's new keys: the session stands. */
struct xord_session *conv_confirm(struct xord_node *node, struct conv *conv);
/* The peer has set up a session while our first packet to it was under way: what waits goes out under that one. */
void conv_adopt(struct xord_node *node, const struct xord_session_key *key);
/* A session stands: send what waits. */
void conv_flush(struct xord_node *node, struct conv *conv);
/* A response of any kind. */
void request_on_response(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        const uint8_t *plain, size_t plain_len);
/* The records of a NODES packet from *pos on: verifies those not cached, passes on those that were asked for. False when so
 * many curve operations were not enough: *pos is where to go on. */
bool request_on_nodes(struct xord_node *node, struct req *req, const struct xord_message *msg, size_t *pos,
        uint64_t operations);
/* May a peer at `sender` name the addresses in a record? A public one not those of a private network, nobody those that
 * cannot be a node's. */
bool node_record_is_plausible(const struct xord_enr *enr, const struct xord_endpoint *sender);
/* Ends a request whose answer is complete. */
void request_check_complete(struct xord_node *node, struct req *req);
void request_finish(struct xord_node *node, struct req *req, int err);
void request_on_timer(struct xord_node *node, struct xord_timer *timer);

/* ---- lane.c ---- */

int lane_init(struct xord_node *node);
void lane_free(struct xord_node *node);
uint32_t lane_cnt(const struct xord_node *node);
/* Room for a job of a class; NULL when full (counted). It counts as queued at once. */
struct job *lane_push(struct xord_node *node, enum lane_class class);
bool lane_has_work(const struct xord_node *node, enum xord_load load);
void lane_work(struct xord_node *node, enum xord_load load);
void lane_took(struct lane *lane, uint64_t took_ns);
void lane_push_whoareyou(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram);
void lane_push_handshake(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram);
/* A message whose sender's handshake still waits in the lane follows it there. False: it does not, or there is no room. */
bool lane_push_behind(struct xord_node *node, const struct xord_packet *pkt, const struct xord_dgram *dgram,
        const struct xord_session_key *key);
bool lane_push_nodes(struct xord_node *node, const struct req *req, const uint8_t *plain, size_t len);

/* ---- admit.c ---- */

int admit_init(struct xord_node *node);
void admit_free(struct xord_node *node);
void admit_on_limits(struct xord_node *node, const struct xord_mail *mail);
void admit_on_ban(struct xord_node *node, const struct xord_mail *mail);
/* The numbers of those of a burst that are let in; returns how many. */
size_t admit(struct xord_node *node, const struct xord_dgram *burst, uint8_t *let_in, size_t cnt);
bool admit_is_banned(const struct xord_node *node, const struct xord_endpoint *peer);
void admit_poll(struct xord_node *node);

/* ---- listing.c ---- */

/* Answers a LIST. */
void node_on_list(struct xord_node *node, const struct xord_mail *mail);

/* ---- rx.c ---- */

void rx_burst(struct xord_node *node, struct xord_dgram *burst, size_t cnt);
/* A message that waited in the lane behind a handshake. */
void rx_late(struct xord_node *node, const struct xord_packet *pkt, struct xord_dgram *dgram);
/* An authentic message under a session; `plain` stands apart from the datagram. */
void rx_message(struct xord_node *node, struct xord_session *session, const uint8_t *plain, size_t len,
        struct xord_dgram *dgram);

/* ---- serve.c ---- */

void serve_request(struct xord_node *node, struct xord_session *session, const struct xord_message *msg,
        struct xord_dgram *dgram);

/* ---- host.c ---- */

int hosts_init(struct xord_node *node);
void hosts_free(struct xord_node *node);
void hosts_poll(struct xord_node *node);
uint64_t hosts_next_ns(const struct xord_node *node);
/* A verified record: to the table of the shard that owns its endpoint. */
/* A record for a table, or of a newcomer, to another shard or to control. */
void offer_mail(struct xord_node *node, uint16_t to, uint32_t local, const struct xord_enr *enr,
        const struct xord_endpoint *ep, bool inbound);
void host_offer(struct xord_node *node, uint32_t host, const struct xord_enr *enr, bool inbound);
void host_on_offer(struct xord_node *node, const struct xord_mail *mail);
void host_on_seed(struct xord_node *node, const struct xord_mail *mail);
void host_on_vote(struct xord_node *node, const struct xord_mail *mail);
void host_on_self(struct xord_node *node, const struct xord_mail *mail);
/* Replies to liveness checks and record fetches. */
void host_on_reply(struct xord_node *node, const struct xord_mail *mail);
/* A PONG to any request of a host. */
void host_vote(struct xord_node *node, uint32_t host, const struct xord_endpoint *voter,
        const struct xord_endpoint *said);
/* The table's node of an id, if it is at that endpoint; NULL otherwise. What a stranger claims to be tells him nothing. */
const struct xord_table_node *node_known_at(const struct xord_node *node, uint32_t local, const uint8_t id32[32],
        const struct xord_endpoint *ep);
/* Does a record name this endpoint as the one to use? */
bool node_is_at(const struct xord_node *node, uint32_t local, const struct xord_enr *enr,
        const struct xord_endpoint *ep);
/* An authentic PING: a peer that the table does not have is asked for its record, now and then. */
void host_on_ping(struct xord_node *node, const struct xord_session_key *key);
/* The endpoint of a record that we would use: IPv4 before IPv6, by the families that the identity has. */
bool node_pick_endpoint(const struct xord_node *node, uint32_t local, const struct xord_enr *enr,
        struct xord_endpoint *ep);

/* ---- seeker.c ---- */

void seeker_start(struct xord_node *node, uint32_t host, const uint8_t target32[32], uint16_t reply_to, uint64_t cookie,
        bool is_refresh);
void seeker_on_reply(struct xord_node *node, const struct xord_mail *mail);
