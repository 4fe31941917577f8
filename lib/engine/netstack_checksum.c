/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071). */
#include "netstack_private.h"

typedef uint64_t lanes __attribute__((vector_size(16)));

/* 32 bits of data a time into 64-bit lanes: no carry is lost below 2^32 additions. Loads of fixed size only, for a
 * memcpy of unknown length is a call. */
uint64_t netstack_sum(uint64_t sum, const uint8_t *data, size_t len)
{
    lanes even = {0}, odd = {0}, word16;
    uint64_t word8;
    uint32_t word4;
    uint16_t word2;

    for (; len >= 16; len -= 16, data += 16) {
        memcpy(&word16, data, 16);
        even += word16 & 0xffffffff;
        odd += word16 >> 32;
    }
    even += odd;
    sum += even[0] + even[1];
    if (len & 8) {
        memcpy(&word8, data, 8);
        sum += (word8 & 0xffffffff) + (word8 >> 32);
        data += 8;
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
    return sum + (len & 1 ? netstack_sum_be16((uint16_t)(*data << 8)) : 0);
}

uint64_t netstack_sum_pseudo(const uint8_t src16[16], const uint8_t dst16[16], uint8_t proto, size_t l4_len)
{
    uint64_t sum = netstack_sum_be16(proto) + netstack_sum_be16((uint16_t)l4_len);

    if (xord_ip_is_v4(src16))
        return netstack_sum4(netstack_sum4(sum, src16 + 12), dst16 + 12);
    return netstack_sum(netstack_sum(sum, src16, 16), dst16, 16);
}

void netstack_sum_write(uint8_t *field, uint64_t pseudo, const uint8_t *data, size_t len)
{
    memset(field, 0, 2);
    netstack_sum_store(field, netstack_sum(pseudo, data, len));
}
