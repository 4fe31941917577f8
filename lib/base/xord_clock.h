/* SPDX-License-Identifier: BSD-3-Clause */
/* Time is an argument: monotonic nanoseconds `now_ns` from any epoch. Only the engine reads a clock. */
#pragma once

#include <stdint.h>

#define XORD_NS_PER_US 1000ULL
#define XORD_NS_PER_MS 1000000ULL
#define XORD_NS_PER_S  1000000000ULL
