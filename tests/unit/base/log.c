/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines: their prefix, the level that lets them through, and lines too long for the buffer. */
#include "xord_log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

#include "test_util.h"

static void write_each_level(void)
{
    xord_log(XORD_LOG_ERROR, "%s %d", "e", 1);
    xord_log(XORD_LOG_WARN, "w");
    xord_log(XORD_LOG_INFO, "i");
    xord_log(XORD_LOG_DEBUG, "d");
}

Test(log, info_is_the_level_at_start, .init = cr_redirect_stderr)
{
    cr_assert(xord_log_get_level() == XORD_LOG_INFO);
    write_each_level();
    fflush(stderr);
    cr_assert_stderr_eq_str("xord: error: e 1\nxord: warning: w\nxord: i\n");
}

Test(log, a_lower_level_hides_more, .init = cr_redirect_stderr)
{
    xord_log_set_level(XORD_LOG_ERROR);
    cr_assert(xord_log_get_level() == XORD_LOG_ERROR);
    write_each_level();
    fflush(stderr);
    cr_assert_stderr_eq_str("xord: error: e 1\n");
}

Test(log, debug_shows_all, .init = cr_redirect_stderr)
{
    xord_log_set_level(XORD_LOG_DEBUG);
    write_each_level();
    fflush(stderr);
    cr_assert_stderr_eq_str("xord: error: e 1\nxord: warning: w\nxord: i\nxord: debug: d\n");
}

Test(log, a_line_too_long_is_cut_and_still_ends, .init = cr_redirect_stderr)
{
    char words[3000], want[3000];

    memset(words, 'x', sizeof(words) - 1);
    words[sizeof(words) - 1] = '\0';
    xord_log(XORD_LOG_INFO, "%s", words);
    fflush(stderr);
    snprintf(want, sizeof(want), "xord: %.1023s\n", words);
    cr_assert_stderr_eq_str(want);
}
