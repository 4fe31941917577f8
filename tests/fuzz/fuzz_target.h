/* SPDX-License-Identifier: BSD-3-Clause */
/* What every fuzz target shares: its entry point, an exactly sized copy of the input so that a sanitizer sees the first
 * byte read past it, and a check that stays in every build. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            abort();                                                                                                   \
    } while (0)

/* The caller frees it. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size);

    FUZZ_CHECK(copy || size == 0);
    if (size)
        memcpy(copy, data, size);
    return copy;
}
