/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of all ports share: sending one datagram, anew or in the place of one received. */
#pragma once

#include "test_util.h"
#include "xord_port.h"

static inline void port_put(struct xord_port *port, uint16_t worker, const void *bytes, uint16_t len,
        const struct xord_endpoint *src, const struct xord_endpoint *dst, uint64_t now_ns)
{
    struct xord_tx tx = {.len = len, .src = *src, .dst = *dst};

    cr_assert(port->ops->tx_alloc(port, worker, &tx));
    memcpy(tx.data, bytes, len);
    port->ops->tx_put(port, worker, &tx, 1, now_ns);
}

/* Answers in the very buffer, with as much as a packet may hold. */
static inline void port_answer(struct xord_port *port, uint16_t worker, const struct xord_pkt *pkt, uint8_t fill,
        uint64_t now_ns)
{
    struct xord_tx tx = {.data = pkt->data,
            .buf = pkt->buf,
            .len = XORD_PACKET_MAX_LEN,
            .src = pkt->dst,
            .dst = pkt->src};

    cr_assert_not_null(pkt->buf);
    memset(tx.data, fill, XORD_PACKET_MAX_LEN);
    port->ops->tx_put(port, worker, &tx, 1, now_ns);
}
