/* SPDX-License-Identifier: BSD-3-Clause */
/* XOR distances between node ids, 64 bits at a time. Spec: discv5-theory.md, "Nodes, Records and Distances". */
#include "xord_bytes.h"
#include "xord_enr.h"

#define ID_BITS 256

unsigned xord_log_distance(const uint8_t a32[32], const uint8_t b32[32])
{
    for (unsigned i = 0; i < 32; i += 8) {
        uint64_t diff = xord_load_be64(a32 + i) ^ xord_load_be64(b32 + i);

        if (diff)
            return ID_BITS - 8 * i - (unsigned)__builtin_clzll(diff);
    }
    return 0;
}

int xord_distance_compare(const uint8_t target32[32], const uint8_t a32[32], const uint8_t b32[32])
{
    for (unsigned i = 0; i < 32; i += 8) {
        uint64_t target = xord_load_be64(target32 + i);
        uint64_t a = xord_load_be64(a32 + i) ^ target;
        uint64_t b = xord_load_be64(b32 + i) ^ target;

        if (a != b)
            return a < b ? -1 : 1;
    }
    return 0;
}
