/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071). */
#include "netstack_private.h"

/* 32 bits of data a time into 64-bit lanes: no carry is lost below 2^32 additions. Loads of fixed size only, for a
 * memcpy of unknown length is a call. */
uint64_t netstack_sum(uint64_t sum, const uint8_t *data, size_t len)
{
    uint64_t odd = 0, word8;
    uint32_t word4;
    uint16_t word2;

    for (; len >= 8; len -= 8, data += 8) {
        memcpy(&word8, data, 8);
        sum += word8 & 0xffffffff;
        odd += word8 >> 32;
    }
    if (len & 4) {
        memcpy(&word4, data, 4);
        sum += word4;
        data += 4;
    }
    if (len & 2) {
        memcpy(&word2, data, 2);
        sum += word2;
        data += 2;
    }
    return sum + odd + (len & 1 ? netstack_sum_be16((uint16_t)(*data << 8)) : 0);
}

uint64_t netstack_sum_pseudo(const uint8_t src16[16], const uint8_t dst16[16], uint8_t proto, size_t l4_len)
{
    uint64_t sum = netstack_sum_be16(proto) + netstack_sum_be16((uint16_t)l4_len);

    if (xord_ip_is_v4(src16))
        return netstack_sum(netstack_sum(sum, src16 + 12, 4), dst16 + 12, 4);
    return netstack_sum(netstack_sum(sum, src16, 16), dst16, 16);
}

void netstack_sum_write(uint8_t *field, uint64_t pseudo, const uint8_t *data, size_t len)
{
    memset(field, 0, 2);
    netstack_sum_store(field, netstack_sum(pseudo, data, len));
}
