/* SPDX-License-Identifier: BSD-3-Clause */
#include "xord_process.h"

#include <unistd.h>

#include "test_util.h"

Test(process, figures_of_this_process)
{
    struct xord_process_figures before, after;
    struct xord_process process;
    int pipe_fds[2];

    xord_process_open(&process);
    xord_process_read(&process, &before);
    cr_assert_eq(pipe(pipe_fds), 0);
    xord_process_read(&process, &after);
    cr_assert_eq(after.open_fds, before.open_fds + 2);
    cr_assert_gt(before.open_fds, 4); /* the standard ones, and those of ours */
    cr_assert_gt(before.max_fds, before.open_fds);
    cr_assert_gt(before.resident_bytes, 100000);
    cr_assert_gt(before.virtual_bytes, before.resident_bytes);
    cr_assert_gt(before.cpu_ns, 0);
    cr_assert_geq(after.cpu_ns, before.cpu_ns);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    xord_process_close(&process);
    xord_process_read(&process, &after);
    cr_assert_eq(after.open_fds, 0);
    cr_assert_eq(after.resident_bytes, 0);
    TEST_NO_LEAK();
}
