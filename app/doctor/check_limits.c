/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits of the process. */
#include <linux/capability.h>
#include <unistd.h>

#include "doctor.h"

#define FILES_BASE   64 /* what any command has open, and to spare */
#define FILES_WORKER 4  /* two sockets, one to wake by, one to spare */
#define FILE_MB      2  /* with --in-memory each page is a file, and pages are of 2 MB or more */

/* For the shell that it is pasted into. Up to the hard limit anybody may go; root lifts that, here for the shell of another. */
static void raise_command(char fix[FIX_LEN], const struct host *host, const char *name, char letter,
        const char *resource, unsigned long long wanted, unsigned unit)
{
    if (host_limit(host, name, true) >= wanted)
        snprintf(fix, FIX_LEN, "ulimit -S -%c %llu", letter, (wanted + unit - 1) / unit);
    else
        snprintf(fix, FIX_LEN, "%sprlimit --pid $$ --%s=%llu:%llu", geteuid() == 0 ? "" : "sudo ", resource, wanted,
                wanted);
}

static uint64_t files_wanted(const struct wish *wish)
{
    uint64_t cnt = FILES_BASE + (uint64_t)FILES_WORKER * wish->workers;

    return wish_is_dpdk(wish) && !wish->no_huge ? cnt + wish->memory_mb / FILE_MB : cnt;
}

/* EAL raises the soft limit to the hard one by itself. */
static void check_files(struct findings *findings, const struct wish *wish)
{
    uint64_t wanted = files_wanted(wish), limit = host_limit(&wish->host, "Max open files", wish_is_dpdk(wish));
    char fix[FIX_LEN];

    if (limit >= wanted) {
        finding_ok(findings, "limits.files", "%llu open files are enough", (unsigned long long)wanted);
        return;
    }
    raise_command(fix, &wish->host, "Max open files", 'n', "nofile", wanted, 1);
    finding_fail(findings, "limits.files", fix, "%llu open files are allowed, %u worker%s may need %llu",
            (unsigned long long)limit, wish->workers, wish->workers == 1 ? "" : "s", (unsigned long long)wanted);
}

/* Whose memory is pinned for a device, by VFIO or an AF_XDP socket, and counted. */
static bool pins_memory(const struct wish *wish)
{
    return wish->kind == PORT_PCI || (wish->nic && wish->kind == PORT_IFACE && wish->nic->kernel_min);
}

static void check_memlock(struct findings *findings, const struct wish *wish)
{
    uint64_t limit = host_limit(&wish->host, "Max locked memory", false);
    uint64_t wanted = (uint64_t)wish->memory_mb << 20;
    char fix[FIX_LEN];

    if (!pins_memory(wish))
        return;
    if (host_has_capability(&wish->host, CAP_IPC_LOCK)) {
        finding_ok(findings, "limits.memlock", "CAP_IPC_LOCK: locked memory has no limit");
    } else if (limit >= wanted) {
        finding_ok(findings, "limits.memlock", "%u MB may be locked", wish->memory_mb);
    } else {
        raise_command(fix, &wish->host, "Max locked memory", 'l', "memlock", wanted, 1024);
        finding_fail(findings, "limits.memlock", fix, "%llu kB may be locked, the device needs %u MB",
                (unsigned long long)(limit / 1024), wish->memory_mb);
    }
}

void check_limits(struct findings *findings, const struct wish *wish)
{
    check_files(findings, wish);
    check_memlock(findings, wish);
}
