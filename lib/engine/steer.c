/* SPDX-License-Identifier: BSD-3-Clause */
/* The symmetric Toeplitz hash, as a table over bytes. Bit i (from the top) of the input adds key bits [i, i+32); the key
 * repeats every 16 bits, so both halves of the hash are the same, and input bits 16 apart add the same word. */
#include "xord_steer.h"

#define KEY8  0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a, 0x6d, 0x5a
#define KEY32 KEY8, KEY8, KEY8, KEY8

const uint8_t xord_steer_key52[XORD_STEER_KEY_LEN] = {KEY32, KEY8, KEY8, 0x6d, 0x5a, 0x6d, 0x5a};

/* What bit i of the first byte adds, and byte b, and rows of bytes. */
#define KEY_AT(i)  ((0x6d5a6d5aU >> (16 - (i))) & 0xffffU)
#define BIT(b, i)  ((b) >> (7 - (i)) & 1 ? KEY_AT(i) : 0)
#define BYTE(b)    (BIT(b, 0) ^ BIT(b, 1) ^ BIT(b, 2) ^ BIT(b, 3) ^ BIT(b, 4) ^ BIT(b, 5) ^ BIT(b, 6) ^ BIT(b, 7))
#define BYTES4(b)  BYTE(b), BYTE((b) + 1), BYTE((b) + 2), BYTE((b) + 3)
#define BYTES16(b) BYTES4(b), BYTES4((b) + 4), BYTES4((b) + 8), BYTES4((b) + 12)
#define BYTES64(b) BYTES16(b), BYTES16((b) + 16), BYTES16((b) + 32), BYTES16((b) + 48)

const uint16_t xord_steer_bytes[256] = {BYTES64(0), BYTES64(64), BYTES64(128), BYTES64(192)};

/* Of 128 parts of a worker's work that all packets make, this many are to poll for them and to hand them over: with so many both
 * of two workers end together in perf/scale.c. */
#define POLLING 4

/* Each entry goes to the shard that is furthest behind its share. */
void xord_steer_deal(uint8_t reta[XORD_STEER_RETA_LEN], uint16_t shard_cnt, uint16_t poller_cnt)
{
    int polling = poller_cnt < shard_cnt ? POLLING : 0;
    int share = poller_cnt * (XORD_STEER_RETA_LEN + polling); /* in parts of shard_cnt * poller_cnt */
    int poller_share = share - shard_cnt * polling > 0 ? share - shard_cnt * polling : 0;
    int all = poller_cnt * poller_share + (shard_cnt - poller_cnt) * share;
    int behind[UINT8_MAX + 1] = {0};

    for (unsigned i = 0; i < XORD_STEER_RETA_LEN; i++) {
        uint16_t most = 0;

        for (uint16_t s = 0; s < shard_cnt; s++) {
            behind[s] += s < poller_cnt ? poller_share : share;
            if (behind[s] > behind[most])
                most = s;
        }
        behind[most] -= all;
        reta[i] = (uint8_t)most;
    }
}
