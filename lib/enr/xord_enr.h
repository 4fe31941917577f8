/* SPDX-License-Identifier: BSD-3-Clause */
/* Node records: decode, verify, build, sign, text form. Spec: enr.md, enr-entries/.
 *
 * Decoding checks everything but the signature (structure, canonical RLP, sorted unique keys, size, scheme, a
 * well-formed key); verifying is apart because it costs 45 us. A decoded record keeps its bytes and offers typed views.
 * Threading: pure. Memory: `struct xord_enr` is a value of about 400 bytes; nothing allocates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xord_endpoint.h"
#include "xord_err.h"
#include "xord_identity.h"

#define XORD_ENR_MAX_LEN      300
#define XORD_ENR_MAX_TEXT_LEN 404 /* "enr:" + base64 of 300 bytes */

struct xord_enr {
    uint64_t seq;
    uint8_t id32[XORD_ID_LEN]; /* set by verify and by build; zero after a mere decode */
    uint8_t pubkey33[XORD_PUBKEY_LEN];
    uint8_t has_ip : 1, has_ip6 : 1, has_udp : 1, has_udp6 : 1, has_tcp : 1, has_tcp6 : 1;
    uint8_t ip4[4];
    uint8_t ip6[16];
    uint16_t udp, udp6, tcp, tcp6; /* host byte order; zero when absent */
    uint16_t len;
    uint8_t raw[XORD_ENR_MAX_LEN]; /* the record's RLP, byte for byte */
};

/* Decodes exactly `len` bytes. Errors: the RLP ones, ESIZE (above 300, or a signature that is not 64 bytes), EORDER,
 * ESCHEME, EMISSING (id or secp256k1), EKEY, ERANGE (seq above 64 bits, or a malformed value of one of the six endpoint
 * keys). On error `enr` is all zeroes.
 *
 * How strict: what discovery itself reads must be well formed. The frame (list, signature, seq, keys, each value's own
 * header) has to be canonical RLP, else one record would have many encodings and two nodes could disagree about where a
 * value ends. ip, ip6, udp, udp6, tcp, tcp6 have to be addresses of the right length and canonical 16-bit integers: a
 * record with, say, a port of leading zeroes is refused whole, because some peers would read it as a port and others as
 * none, and a node that signs such a record cannot be dialled by both. No record of the real networks at hand has one.
 * All other values pass unread, the inside of lists included: new keys need nobody's consent (enr.md, "Rationale"), and
 * a malformed `eth` or `attnets` concerns those who use it (see xord_enr_keys.h), not whether the node exists. */
XORD_MUST_CHECK int xord_enr_decode(struct xord_enr *enr, const uint8_t *data, size_t len);

/* Checks the signature and sets id32 (zeroes on error). EKEY or ESIG. */
XORD_MUST_CHECK int xord_enr_verify(struct xord_enr *enr, const struct xord_curve *curve);
/* The same, and gives the key taken apart, for who has more to do with it. */
XORD_MUST_CHECK int xord_enr_verify_key(struct xord_enr *enr, struct xord_pubkey *pubkey,
        const struct xord_curve *curve);

/* "enr:..." to a record: decode only. ETEXT, ECANON, ESIZE or decode's errors. White space around is not accepted. */
XORD_MUST_CHECK int xord_enr_from_text(struct xord_enr *enr, const char *text, size_t text_len);

/* Returns `out`. */
char *xord_enr_to_text(char out[XORD_ENR_MAX_TEXT_LEN + 1], const struct xord_enr *enr);

/* Where the node is reached over UDP, by family. `udp6` missing: `udp` serves both. False when there is no address, the
 * port is 0, or the address is unspecified or multicast; an IPv4-mapped `ip6` is no IPv6 endpoint. */
bool xord_enr_endpoint4(const struct xord_enr *enr, struct xord_endpoint *ep);
bool xord_enr_endpoint6(const struct xord_enr *enr, struct xord_endpoint *ep);

/* ---- key/value pairs ---- */

struct xord_enr_pair {
    const uint8_t *key;
    const uint8_t *value;     /* payload of a string, or payload of a list */
    const uint8_t *value_raw; /* the whole RLP item */
    uint16_t key_len;
    uint16_t value_len;
    uint16_t value_raw_len;
    bool is_list;
};

/* Walks the pairs in order: start with *pos = 0; false at the end. Views into enr->raw. */
bool xord_enr_next_pair(const struct xord_enr *enr, size_t *pos, struct xord_enr_pair *pair);
bool xord_enr_find(const struct xord_enr *enr, const char *key, struct xord_enr_pair *pair);

/* ---- building ---- */

/* A draft is a sorted set of pairs and a seq; unknown keys stay byte for byte. It holds more than a record can: 300
 * bytes have room for 90 pairs besides the signer's own. */
#define XORD_ENR_MAX_PAIRS 96
struct xord_enr_draft {
    uint64_t seq;
    uint16_t pair_cnt;
    uint16_t buf_len;
    struct {
        uint16_t key_off, key_len, value_off, value_len; /* value: whole RLP item */
    } pairs[XORD_ENR_MAX_PAIRS];
    uint8_t buf[1024];
};

void xord_enr_draft_init(struct xord_enr_draft *draft, uint64_t seq);

/* Takes over all pairs of a decoded record but `id` and `secp256k1`, and its seq (not incremented). */
void xord_enr_draft_from(struct xord_enr_draft *draft, const struct xord_enr *enr);

/* Sets a key to a byte string, to an unsigned integer, or to an RLP item as it stands (checked to be canonical all the
 * way down, at most 16 lists deep: RLP errors). ENOSPC when the draft is full, ERANGE for `id` and `secp256k1` (sign
 * sets those). On error the draft is as it was. */
XORD_MUST_CHECK int xord_enr_draft_set(struct xord_enr_draft *draft, const uint8_t *key, size_t key_len,
        const uint8_t *value, size_t value_len);
XORD_MUST_CHECK int xord_enr_draft_set_uint(struct xord_enr_draft *draft, const char *key, uint64_t value);
XORD_MUST_CHECK int xord_enr_draft_set_rlp(struct xord_enr_draft *draft, const uint8_t *key, size_t key_len,
        const uint8_t *item, size_t item_len);
void xord_enr_draft_unset(struct xord_enr_draft *draft, const char *key);

/* Sets ip/udp or ip6/udp6 from an endpoint's family (a zero port sets the address only). */
XORD_MUST_CHECK int xord_enr_draft_set_endpoint(struct xord_enr_draft *draft, const struct xord_endpoint *ep);

/* Signs the draft into a complete record, id32 set. ESIZE when it exceeds 300 bytes, EKEY on a bad key, ERANGE when the
 * draft holds a malformed endpoint value. The same draft and key give the same bytes. On error `enr` is all zeroes. */
XORD_MUST_CHECK int xord_enr_sign(struct xord_enr *enr, const struct xord_enr_draft *draft,
        const struct xord_curve *curve, const uint8_t seckey32[XORD_SECKEY_LEN]);

/* ---- distances ---- */

/* 0 when equal, else 256 - (leading equal bits). */
unsigned xord_log_distance(const uint8_t a32[32], const uint8_t b32[32]);

/* <0, 0, >0: is a closer to target than b? */
int xord_distance_compare(const uint8_t target32[32], const uint8_t a32[32], const uint8_t b32[32]);
