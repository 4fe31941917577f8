/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole engine on a bench: it has a DPDK device made of rings, and the bench stands at their other ends, as the gateway
 * behind which clients live whose sessions, addresses and keys follow from their number.
 *
 *   requests made -> rig_put -> [in] -> the worker's turns, measured -> [out] -> rig_take -> every reply opened, checked
 *
 * Frames are whole: Ethernet, IPv4, UDP, checksums, all verified by the engine's stack. EAL starts with the first rig and
 * stays. Any number of rigs may stand side by side.
 * Threading: one thread, which is also the engine's only worker thread (rig_turn), unless config->threads. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "bench.h"
#include "engine_private.h"
#include "node_private.h"

#define RIG_WORKERS  4
#define RIG_RING_LEN 4096 /* frames that fit in, and out, a worker */
#define RIG_PORT     9000

struct rig_config {
    uint16_t worker_cnt;          /* 0: 1 */
    uint16_t queue_cnt;           /* to receive; 0: one a worker */
    bool threads;                 /* the engine runs its workers itself, spinning */
    struct xord_node_config node; /* capacities; the rest is filled in, with one host */
};

struct rig {
    struct xord_engine *engine;
    uint16_t worker_cnt, queue_cnt;
    bool threads;
    struct rte_ring *in[RIG_WORKERS], *out[RIG_WORKERS];
    struct rte_mempool *pool; /* of the frames made here */
    struct xord_curve *curve;
    const struct xord_aes_ops *aes_ops; /* the clients', which is not the engine's: each checks the other */
    struct xord_aes *aes;
    struct xord_ctr_key mask_key; /* of the engine's id */
    struct xord_locals *locals;
    struct xord_endpoint ep; /* the engine's */
    struct xord_rng rng;
    uint8_t mac6[6];
    uint64_t arp_cnt, other_cnt; /* ARP requests answered; frames to nobody here */
};

struct rig *rig_new(const struct rig_config *config);
void rig_free(struct rig *rig);

/* Does EAL have hugepages? Starts it. */
bool rig_has_hugepages(void);

/* Ends EAL, of which no file stays; exit() does it by itself. */
void rig_end(void);

/* ---- clients ---- */

#define RIG_CLIENTS_MAX (1U << 23)

struct rig_client {
    uint8_t id32[32];
    uint8_t write_key16[16]; /* with which it seals */
    uint8_t read_key16[16];
    struct xord_endpoint ep;
};

struct rig_client rig_client(uint32_t number);
/* Whose address it is; false: nobody's. */
bool rig_client_of(uint32_t *number, const struct xord_endpoint *ep);
uint16_t rig_shard_of(const struct rig *rig, uint32_t number);

/* Clients first..first+cnt-1 have sessions with the engine, each in the shard that owns it. Not while threads run. */
void rig_sessions_put(struct rig *rig, uint32_t first, uint32_t cnt);

/* ---- frames ---- */

/* A datagram from an address to the engine. Ends the program when there is no mbuf. */
struct rte_mbuf *rig_frame(struct rig *rig, const struct xord_endpoint *src, const uint8_t *payload, size_t len);

/* Requests of clients, sealed: number i asks `msg` with request id first_id + i (made recognisable: rig_request_id). At
 * most XORD_BURST_MAX. */
void rig_requests(struct rig *rig, struct rte_mbuf **frames, const uint32_t *clients, uint32_t cnt,
        const struct xord_message *msg, uint64_t first_id);
struct xord_request_id rig_request_id(uint64_t id);
/* The id in it; UINT64_MAX when it was not made here. */
uint64_t rig_id_of(const struct xord_request_id *request_id);

/* Into a worker's receive queue; all must fit. */
void rig_put(struct rig *rig, uint16_t worker, struct rte_mbuf **frames, uint32_t cnt);
/* What a worker has sent. */
uint32_t rig_take(struct rig *rig, uint16_t worker, struct rte_mbuf **frames, uint32_t max);

/* Takes turns of a worker until it has received all that was put; returns the cycles. */
uint64_t rig_turn(struct rig *rig, uint16_t worker);

/* Lets the engine's timers run for a while, answering ARP; what it sends is dropped. */
void rig_idle(struct rig *rig, uint64_t ns);

enum rig_kind {
    RIG_OTHER,      /* not for a client: ARP (answered), or for a node that is none of ours */
    RIG_MESSAGE,    /* opened: `msg`, whose views point into `plain` */
    RIG_WHOAREYOU,  /* to a client */
    RIG_UNREADABLE, /* to a client, and not readable with its keys: a request of the engine's own without a session */
};

struct rig_reply {
    enum rig_kind kind;
    uint32_t client;
    struct xord_message msg;
    size_t len;
    uint8_t plain[XORD_PACKET_MAX_LEN];
};

/* The datagram in a frame that the engine has sent, whose headers and checksums must be right. NULL: it is not IPv4. */
uint8_t *rig_datagram(const struct rig *rig, struct rte_mbuf *mbuf, struct xord_endpoint *dst, size_t *len);

/* Looks at a frame that the engine has sent: headers and checksums must be right. The frame is freed. */
void rig_open(struct rig *rig, struct rig_reply *reply, struct rte_mbuf *frame);
