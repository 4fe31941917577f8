/* SPDX-License-Identifier: BSD-3-Clause */
/* What the race programs share: a check that ends the program. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define RACE_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                            \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)
