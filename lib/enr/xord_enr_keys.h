/* SPDX-License-Identifier: BSD-3-Clause */
/* The known record keys, typed. Spec: enr.md; enr-entries/{eth,les,ng}.md; the consensus-layer p2p interface (eth2,
 * attnets, syncnets, cgc, nfd, quic); EIP-2124 (eth fork id); EIP-7636 (client); and what OP Stack, Fantom, BNB Smart
 * Chain, SSV, Swarm and Waku nodes publish. A key not in the table is "unknown": shown as hex, kept byte for byte.
 * Threading: pure. Memory: writes into the caller's buffer. */
#pragma once

#include <stddef.h>

#include "xord_enr.h"

enum xord_enr_kind {
    XORD_KIND_BYTES, /* opaque */
    XORD_KIND_TEXT,  /* printable string */
    XORD_KIND_UINT,  /* canonical, at most 64 bits */
    XORD_KIND_PORT,
    XORD_KIND_IP4,
    XORD_KIND_IP6,
    XORD_KIND_PUBKEY,
    XORD_KIND_BITS,    /* attnets, syncnets: a bit vector, bit i is byte i/8's bit i%8 */
    XORD_KIND_ETH,     /* [[fork-hash, fork-next], ...] */
    XORD_KIND_ETH2,    /* SSZ ENRForkID: digest 4, next version 4, next epoch 8 little-endian */
    XORD_KIND_OPSTACK, /* chain id and version, each an unsigned LEB128 integer */
    XORD_KIND_CLIENT,  /* [name, version] or [name, version, build], printable */
    XORD_KIND_LIST,    /* les, snap and other RLP lists */
};

struct xord_enr_key {
    const char *name;
    enum xord_enr_kind kind;
    uint16_t size; /* of the value in bytes; 0: any */
};

/* NULL when unknown. */
const struct xord_enr_key *xord_enr_key_lookup(const uint8_t *key, size_t key_len);

/* Holds any value of a record of 300 bytes, NUL included. */
#define XORD_ENR_VALUE_TEXT_LEN 2048

/* Writes the value for people: "30303", "127.0.0.1", "fork 0xfc64ec04 next 1150000", "[[0x01], 0x]" for lists, hex when
 * unknown or malformed. Only printable ASCII is ever written, NUL-terminated within `cap`, cut when longer. Returns 0,
 * or XORD_ERANGE when a known key's value has not its form. */
int xord_enr_value_format(char *out, size_t cap, const struct xord_enr_pair *pair);
