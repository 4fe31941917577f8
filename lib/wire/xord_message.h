/* SPDX-License-Identifier: BSD-3-Clause */
/* The ten messages. Spec: discv5-wire.md, "Protocol Messages". A message is type 1 || RLP list.
 *
 * Decoding yields views into the plain text: nothing is copied but small integers. Lists of distances and records are
 * walked with iterators. A request id longer than 8 bytes, trailing bytes and non-canonical RLP are errors.
 * Threading: pure. Memory: borrows the input; encoders write into the caller's buffer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_bytes.h"
#include "xord_err.h"

enum xord_message_type {
    XORD_MSG_PING = 1,
    XORD_MSG_PONG = 2,
    XORD_MSG_FINDNODE = 3,
    XORD_MSG_NODES = 4,
    XORD_MSG_TALKREQ = 5,
    XORD_MSG_TALKRESP = 6,
    XORD_MSG_REGTOPIC = 7,
    XORD_MSG_REGCONFIRMATION = 8,
    XORD_MSG_TOPICQUERY = 9,
    XORD_MSG_TOPICNODES = 10,
};

#define XORD_REQUEST_ID_MAX_LEN 8

struct xord_request_id {
    uint8_t len;
    uint8_t bytes[XORD_REQUEST_ID_MAX_LEN];
};

/* Payload of an RLP list already checked to be well formed (distances: canonical integers; records: a sequence of RLP
 * lists, each at most 300 bytes, contents not yet looked at). */
struct xord_rlp_view {
    const uint8_t *data;
    uint16_t len;
    uint16_t cnt; /* items */
};

struct xord_bytes_view {
    const uint8_t *data;
    uint16_t len;
};

struct xord_message {
    enum xord_message_type type;
    struct xord_request_id request_id;
    union {
        struct {
            uint64_t enr_seq;
        } ping;
        struct {
            uint64_t enr_seq;
            uint8_t ip16[16]; /* IPv4 in mapped form; 16 bytes of that form are accepted, 4 are sent */
            uint16_t port;
        } pong;
        struct {
            struct xord_rlp_view distances;
        } findnode;
        struct {
            uint64_t total;
            struct xord_rlp_view records;
        } nodes; /* also topicnodes */
        struct {
            struct xord_bytes_view protocol, request;
        } talkreq;
        struct {
            struct xord_bytes_view response;
        } talkresp;
        struct {
            const uint8_t *topic32;
            struct xord_bytes_view record; /* RLP list, contents not yet looked at */
            struct xord_bytes_view ticket;
            struct xord_rlp_view distances;
        } regtopic;
        struct {
            uint64_t total;
            struct xord_bytes_view ticket;
            uint64_t wait_time_ms;
        } regconfirmation;
        struct {
            const uint8_t *topic32;
            struct xord_rlp_view distances;
        } topicquery;
    };
};

/* EFLAG: unknown type. ESIZE: request id or record too long, topic or address of another length, more than a packet can
 * hold. ETRAIL: bytes after the list, or elements in it after the message's last. ECANON, ESHORT, ETYPE, ERANGE as in
 * RLP. After an error `*msg` is not to be used. */
XORD_MUST_CHECK int xord_message_decode(struct xord_message *msg, const uint8_t *data, size_t len);

/* Writes type || RLP; sets *len. ENOSPC when `cap` is too small, EFLAG for an unknown type. Views of distances and
 * records are written as they stand (build them with the helpers below). */
XORD_MUST_CHECK int xord_message_encode(uint8_t *out, size_t *len, size_t cap, const struct xord_message *msg);

/* Walks distances: start with *pos = 0, false at the end. Values above UINT32_MAX are reported as UINT32_MAX. */
bool xord_distances_next(const struct xord_rlp_view *view, size_t *pos, uint32_t *distance);

/* Walks records: views of whole RLP items, ready for xord_enr_decode. */
bool xord_records_next(const struct xord_rlp_view *view, size_t *pos, struct xord_bytes_view *record);

/* Writes distances as list payload into `buf`, for encoding. ENOSPC, also above UINT16_MAX bytes. */
XORD_MUST_CHECK int xord_distances_put(struct xord_rlp_view *view, uint8_t *buf, size_t cap, const uint16_t *distances,
        size_t cnt);

static inline bool xord_message_is_request(enum xord_message_type type)
{
    return type & 1; /* requests have odd numbers */
}
