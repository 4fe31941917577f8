/* SPDX-License-Identifier: BSD-3-Clause */
/* Every error has words of its own. */
#include "xord_err.h"

#include "test_util.h"

Test(err, every_error_has_words_of_its_own)
{
    for (int a = XORD_OK; a >= XORD_EMISSING; a--) {
        cr_assert(strcmp(xord_strerror(a), xord_strerror(1)) != 0, "%d has no words", a);
        for (int b = XORD_OK; b > a; b--)
            cr_assert(strcmp(xord_strerror(a), xord_strerror(b)) != 0, "%d and %d have the same words", a, b);
    }
}

Test(err, other_numbers_have_words_too)
{
    cr_assert_str_eq(xord_strerror(1), "unknown error");
    cr_assert_str_eq(xord_strerror(-1000), "unknown error");
}
