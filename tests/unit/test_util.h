/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the unit tests: hex constants, and the leak check that ends a test body. */
#pragma once

#include <criterion/criterion.h>
#include <string.h>

#include "xord_text.h"

#if defined(__SANITIZE_ADDRESS__)
#define XORD_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XORD_TEST_ASAN 1
#endif
#endif

#ifdef XORD_TEST_ASAN
#include <sanitizer/lsan_interface.h>
#define TEST_NO_LEAK() cr_assert(!__lsan_do_recoverable_leak_check(), "memory leaked")
#else
#define TEST_NO_LEAK() ((void)0)
#endif

/* Decodes a hex constant of any length into `out`; returns the number of bytes. */
static inline size_t test_hex(uint8_t *out, const char *hex)
{
    size_t len = strlen(hex) / 2;

    cr_assert(xord_hex_decode(out, len, hex, strlen(hex)) == 0, "bad hex in test: %s", hex);
    return len;
}

#define cr_assert_bytes(got, want, len) cr_assert(memcmp((got), (want), (len)) == 0, "%s differs from %s", #got, #want)
