/* SPDX-License-Identifier: BSD-3-Clause */
/* Figures of this process out of /proc. */
#include "xord_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "xord_clock.h"

void xord_process_open(struct xord_process *process)
{
    process->statm_fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    process->fd_dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void read_memory(const struct xord_process *process, struct xord_process_figures *figures)
{
    unsigned long long all, resident;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    char text[128];
    ssize_t len = process->statm_fd < 0 ? -1 : pread(process->statm_fd, text, sizeof(text) - 1, 0);

    if (len <= 0)
        return;
    text[len] = '\0';
    if (sscanf(text, "%llu %llu", &all, &resident) != 2)
        return;
    figures->virtual_bytes = all * page;
    figures->resident_bytes = resident * page;
}

/* Entries but "." and "..", by the bare system call: readdir would keep a place of its own. */
static uint32_t count_files(int dir)
{
    _Alignas(struct dirent64) char entries[4096];
    uint32_t cnt = 0;
    long len;

    if (dir < 0 || lseek(dir, 0, SEEK_SET) < 0)
        return 0;
    while ((len = syscall(SYS_getdents64, dir, entries, sizeof(entries))) > 0)
        for (long at = 0; at < len;) {
            uint16_t entry_len;

            memcpy(&entry_len, entries + at + offsetof(struct dirent64, d_reclen), sizeof(entry_len));
            cnt += entries[at + (long)offsetof(struct dirent64, d_name)] != '.';
            at += entry_len;
        }
    return cnt;
}

void xord_process_read(const struct xord_process *process, struct xord_process_figures *figures)
{
    struct timespec cpu = {0};
    struct rlimit files = {0};

    memset(figures, 0, sizeof(*figures));
    read_memory(process, figures);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    figures->cpu_ns = (uint64_t)cpu.tv_sec * XORD_NS_PER_S + (uint64_t)cpu.tv_nsec;
    figures->open_fds = count_files(process->fd_dir);
    getrlimit(RLIMIT_NOFILE, &files);
    figures->max_fds = files.rlim_cur > UINT32_MAX ? UINT32_MAX : (uint32_t)files.rlim_cur;
}

void xord_process_close(struct xord_process *process)
{
    if (process->statm_fd >= 0)
        close(process->statm_fd);
    if (process->fd_dir >= 0)
        close(process->fd_dir);
    process->statm_fd = process->fd_dir = -1;
}
