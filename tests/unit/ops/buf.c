/* SPDX-License-Identifier: BSD-3-Clause */
#include "xord_buf.h"

#include <stdlib.h>

#include "test_util.h"

Test(buf, grows)
{
    struct xord_buf buf = {0};
    char *text;

    for (int i = 0; i < 1000; i++)
        xord_buf_print(&buf, "%03d,", i);
    cr_assert_eq(buf.len, 4000);
    cr_assert_eq(strncmp(buf.data, "000,001,", 8), 0);
    xord_buf_put(&buf, "x\0y", 3);
    cr_assert_eq(buf.len, 4003);
    cr_assert_eq(buf.data[buf.len], '\0');
    xord_buf_clear(&buf);
    cr_assert_str_eq(buf.data, "");
    xord_buf_print(&buf, "%s", "again");
    text = xord_buf_take(&buf);
    cr_assert_str_eq(text, "again");
    cr_assert_null(buf.data);
    free(text);
    TEST_NO_LEAK();
}

Test(buf, empty_text_can_be_taken)
{
    struct xord_buf buf = {0};
    char *text = xord_buf_take(&buf);

    cr_assert_str_eq(text, "");
    free(text);
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}

Test(buf, what_has_failed_gives_no_text)
{
    struct xord_buf buf = {0};

    xord_buf_print(&buf, "half");
    buf.failed = true;
    xord_buf_print(&buf, "more");
    cr_assert_eq(buf.len, 4);
    cr_assert_null(xord_buf_take(&buf));
    TEST_NO_LEAK();
}
