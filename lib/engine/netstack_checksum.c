/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071). */
#include "netstack_private.h"

/* 32 bits of data go into each 64-bit lane, so that no carry is lost below 2^32 additions. */
uint64_t netstack_sum(uint64_t sum, const uint8_t *data, size_t len)
{
    uint64_t even = sum & 0xffffffff, odd = sum >> 32, word;

    for (; len >= 8; len -= 8, data += 8) {
        memcpy(&word, data, 8);
        even += word & 0xffffffff;
        odd += word >> 32;
    }
    if (len) {
        word = 0;
        memcpy(&word, data, len);
        even += word & 0xffffffff;
        odd += word >> 32;
    }
    return netstack_sum_fold(even) + (uint64_t)netstack_sum_fold(odd);
}

uint64_t netstack_sum_pseudo(const uint8_t *frame, uint8_t proto, size_t l4_len)
{
    bool v4 = frame[NETSTACK_L3] >> 4 == 4;
    uint8_t tail8[8] = {0, 0, 0, 0, 0, 0, 0, proto};

    xord_store_be32(tail8, (uint32_t)l4_len);
    return netstack_sum(netstack_sum(0, tail8, 8), frame + NETSTACK_L3 + (v4 ? 12 : 8), v4 ? 8 : 32);
}

void netstack_sum_write(uint8_t *field, uint64_t pseudo, const uint8_t *data, size_t len)
{
    uint16_t sum;

    memset(field, 0, 2);
    sum = (uint16_t)~netstack_sum_fold(netstack_sum(pseudo, data, len));
    memcpy(field, &sum, 2);
}
