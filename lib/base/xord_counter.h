/* SPDX-License-Identifier: BSD-3-Clause */
/* The one table of per-shard counters. Everything that shows, sums or documents a counter is made from it.
 * Threading: each counter has one writer (its shard); the control thread reads, relaxed. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

/* X(name, help) */
#define XORD_COUNTERS(X)                                                                                               \
    X(rx_packets, "datagrams taken in")                                                                                \
    X(rx_bytes, "UDP payload bytes taken in")                                                                          \
    X(tx_packets, "datagrams sent")                                                                                    \
    X(tx_bytes, "UDP payload bytes sent")                                                                              \
    X(tx_dropped, "datagrams not sent: the port was full")                                                             \
    X(steer_out, "datagrams handed over to the shard that owns their endpoint")                                        \
    X(steer_in, "datagrams handed over by other shards")                                                               \
    X(steer_dropped, "datagrams lost because the owner's ring was full")                                               \
    X(mail_out, "messages sent to other shards or to control")                                                         \
    X(mail_in, "messages received from other shards or from control")                                                  \
    X(mail_dropped, "messages lost because a ring or the mail pool was exhausted")                                     \
    X(drop_no_identity, "no local identity has the destination address")                                               \
    X(drop_banned, "from a banned prefix")                                                                             \
    X(drop_limit_address, "from an address that sends more than its limit")                                            \
    X(drop_limit_prefix, "from a prefix that sends more than its limit")                                               \
    X(drop_size, "length outside 63..1280")                                                                            \
    X(drop_not_discv5, "unmasks to another protocol id or version")                                                    \
    X(drop_header, "malformed header or authdata")                                                                     \
    X(drop_message, "authentic but malformed message")                                                                 \
    X(drop_message_type, "unknown message type")                                                                       \
    X(drop_unserved, "topic request, not served")                                                                      \
    X(drop_self, "sent in our own name")                                                                               \
    X(drop_unsolicited, "response without a request of ours")                                                          \
    X(drop_nodes_total, "NODES outside its announced total")                                                           \
    X(drop_nodes_repeated, "NODES packets that came a second time")                                                    \
    X(drop_record_distance, "record at a distance that was not asked for")                                             \
    X(drop_record_invalid, "record that does not decode or verify")                                                    \
    X(drop_record_address, "record naming an address that its sender has no business to name")                         \
    X(drop_whoareyou, "WHOAREYOU that answers no pending request, or a second one")                                    \
    X(drop_draining, "handshake of a stranger while draining")                                                         \
    X(drop_handshake_no_challenge, "handshake without an open challenge")                                              \
    X(drop_handshake_attempts, "handshake beyond the attempts that a challenge allows")                                \
    X(drop_handshake_record, "handshake without a usable record")                                                      \
    X(drop_handshake_signature, "handshake whose id signature does not verify")                                        \
    X(drop_handshake_auth, "handshake whose message does not authenticate")                                            \
    X(drop_lane_full, "slow work refused because the handshake lane was full")                                         \
    X(drop_request_full, "own requests refused because the request table was full")                                    \
    X(drop_session_exhausted, "sessions given up because their nonce count ran out")                                   \
    X(undecryptable, "messages that no session key opens, answered by WHOAREYOU")                                      \
    X(whoareyou_sent, "challenges sent")                                                                               \
    X(whoareyou_repeated, "identical challenges sent again")                                                           \
    X(challenge_evicted, "open challenges that gave way to newer ones")                                                \
    X(whoareyou_received, "challenges to our own requests")                                                            \
    X(handshakes_in, "handshakes completed as recipient")                                                              \
    X(handshakes_out, "handshakes completed as initiator")                                                             \
    X(sessions_evicted, "sessions that gave way to newer ones")                                                        \
    X(records_verified, "record signatures verified")                                                                  \
    X(records_cached, "records known byte for byte, not verified again")                                               \
    X(curve_operations, "signatures made and checked, key agreements, key pairs")                                      \
    X(ephemeral_made_late, "handshakes whose key pair was not made ahead")                                             \
    X(ping_in, "PING received")                                                                                        \
    X(pong_in, "PONG accepted")                                                                                        \
    X(findnode_in, "FINDNODE received")                                                                                \
    X(nodes_in, "NODES accepted")                                                                                      \
    X(talkreq_in, "TALKREQ received")                                                                                  \
    X(talkresp_in, "TALKRESP accepted")                                                                                \
    X(ping_out, "PING sent")                                                                                           \
    X(findnode_out, "FINDNODE sent")                                                                                   \
    X(talkreq_out, "TALKREQ sent")                                                                                     \
    X(requests_answered, "own requests answered in full")                                                              \
    X(requests_failed, "own requests that timed out")                                                                  \
    X(nodes_other_shard, "records handed out from another shard's table")                                              \
    X(nodes_own_shard, "records handed out from the own shard's table")                                                \
    X(record_updates, "changes of our own record")                                                                     \
    X(net_arp, "ARP and NDP frames handled")                                                                           \
    X(net_echo, "ICMP echo requests answered")                                                                         \
    X(net_dropped, "frames that the L2-L4 stack dropped")                                                              \
    X(net_tx_dropped, "datagrams and frames that the L2-L4 stack refused or the device did not take")

enum xord_counter_id {
#define X(name, help) XORD_CNT_##name,
    XORD_COUNTERS(X)
#undef X
            XORD_COUNTER_CNT
};

struct xord_counters {
    _Alignas(64) _Atomic uint64_t v[XORD_COUNTER_CNT];
};

/* By the owner only: a load and a store, no locked instruction. */
static inline void xord_counter_add(struct xord_counters *counters, enum xord_counter_id id, uint64_t n)
{
    uint64_t v = atomic_load_explicit(&counters->v[id], memory_order_relaxed);

    atomic_store_explicit(&counters->v[id], v + n, memory_order_relaxed);
}

static inline uint64_t xord_counter_get(const struct xord_counters *counters, enum xord_counter_id id)
{
    return atomic_load_explicit(&counters->v[id], memory_order_relaxed);
}

/* Static strings; NULL for an id out of range. */
const char *xord_counter_name(enum xord_counter_id id);
const char *xord_counter_help(enum xord_counter_id id);
