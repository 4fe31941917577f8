/* SPDX-License-Identifier: BSD-3-Clause */
/* What this process takes of the machine. Its files are opened once: later nothing may be.
 * Threading: one owner. */
#pragma once

#include <stdint.h>

struct xord_process {
    int statm_fd, fd_dir; /* -1: not there */
};

struct xord_process_figures {
    uint64_t resident_bytes, virtual_bytes; /* 0: not known */
    uint64_t cpu_ns;
    uint32_t open_fds, max_fds;
};

void xord_process_open(struct xord_process *process);
void xord_process_read(const struct xord_process *process, struct xord_process_figures *figures);
void xord_process_close(struct xord_process *process);
