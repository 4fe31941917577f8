/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernel sockets: who has our port already, whether we may bind it, and how much the kernel keeps for us. */
#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"
#include "xord_port.h"

/* ---- other users of the port ---- */

#define HOLDERS_MAX 8

struct holders {
    const struct host *host;
    const char *pid; /* whose files are looked at */
    unsigned long inodes[HOLDERS_MAX];
    unsigned cnt, uid;
    char found_pid[16]; /* of the first whose process is known */
};

/* Sockets bound to the port, by /proc/net/udp or udp6. */
static void holders_read(struct holders *holders, const char *table, uint16_t udp_port)
{
    char path[PATH_MAX], line[512];
    FILE *file;

    host_path(path, holders->host, "/proc/net/%s", table);
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file)) {
        unsigned port, uid;
        unsigned long inode;

        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %u %*s %lu", &port, &uid, &inode) == 3 &&
                port == udp_port && holders->cnt < HOLDERS_MAX) {
            holders->uid = uid;
            holders->inodes[holders->cnt++] = inode;
        }
    }
    if (file)
        fclose(file);
}

static bool see_file(void *ctx, const char *name)
{
    struct holders *holders = ctx;
    char target[64];

    if (!host_link(target, sizeof(target), holders->host, "/proc/%s/fd/%s", holders->pid, name))
        return true;
    for (unsigned i = 0; i < holders->cnt; i++) {
        unsigned long inode;

        if (sscanf(target, "socket:[%lu]", &inode) == 1 && inode == holders->inodes[i]) {
            snprintf(holders->found_pid, sizeof(holders->found_pid), "%s", holders->pid);
            return false;
        }
    }
    return true;
}

static bool see_process(void *ctx, const char *name)
{
    struct holders *holders = ctx;

    if (!isdigit((unsigned char)*name))
        return true;
    holders->pid = name;
    host_each(holders->host, see_file, holders, "/proc/%s/fd", name);
    return !*holders->found_pid;
}

/* "geth.service", when a unit of systemd is what runs the process. */
static bool unit_of(char *unit, size_t cap, const struct host *host, const char *pid)
{
    char groups[2048];
    size_t len;
    char *slash, *end;

    *unit = '\0';
    if (!host_read(groups, sizeof(groups), host, "/proc/%s/cgroup", pid))
        return false;
    end = strstr(groups, ".service");
    if (!end)
        return false;
    end += strlen(".service");
    *end = '\0';
    slash = strrchr(groups, '/');
    len = slash ? strlen(slash + 1) : 0;
    if (len == 0 || len >= cap ||
            strspn(slash + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-") != len)
        return false;
    memcpy(unit, slash + 1, len + 1);
    return true;
}

static void report_holder(struct findings *findings, const struct wish *wish, const struct holders *holders)
{
    enum finding finding = wish->kind == PORT_SOCKET ? FINDING_FAIL : FINDING_WARN;
    const char *and = finding == FINDING_FAIL ? "stop it, or take another by --udp" : "it gets our datagrams too";
    char comm[64], unit[128], fix[FIX_LEN];

    if (!*holders->found_pid) {
        snprintf(fix, sizeof(fix), "sudo xord doctor --port '%s' --udp %u", wish->spec, wish->udp_port);
        finding_add(findings, finding, "udp.port", geteuid() == 0 ? NULL : fix,
                "UDP port %u is in use by a process of user %u%s: %s", wish->udp_port, holders->uid,
                geteuid() == 0 ? ", in another PID namespace" : "; root can see which", and);
        return;
    }
    host_read(comm, sizeof(comm), &wish->host, "/proc/%s/comm", holders->found_pid);
    if (strcmp(comm, "xord") == 0) { /* asked about a node that runs: nobody is to stop it for that */
        finding_add(findings, FINDING_WARN, "udp.port", NULL,
                "UDP port %u is in use by xord, process %s: if that is the node meant, all is well; another takes "
                "another "
                "port by --udp",
                wish->udp_port, holders->found_pid);
        return;
    }
    if (unit_of(unit, sizeof(unit), &wish->host, holders->found_pid))
        snprintf(fix, sizeof(fix), "systemctl stop %s", unit);
    else
        snprintf(fix, sizeof(fix), "kill %s", holders->found_pid);
    finding_add(findings, finding, "udp.port", fix, "UDP port %u is in use by %s, process %s: %s", wish->udp_port, comm,
            holders->found_pid, and);
}

static void check_port(struct findings *findings, const struct wish *wish)
{
    struct holders holders = {.host = &wish->host};

    if (wish->udp_port == 0)
        return;
    holders_read(&holders, "udp", wish->udp_port);
    holders_read(&holders, "udp6", wish->udp_port);
    if (holders.cnt == 0) {
        finding_ok(findings, "udp.port", "UDP port %u is free", wish->udp_port);
        return;
    }
    host_each(&wish->host, see_process, &holders, "/proc");
    report_holder(findings, wish, &holders);
}

static void check_low_port(struct findings *findings, const struct wish *wish)
{
    long long first = host_number(&wish->host, 1024, "/proc/sys/net/ipv4/ip_unprivileged_port_start");
    char fix[FIX_LEN];

    if (wish->udp_port == 0 || wish->udp_port >= first || host_has_capability(&wish->host, CAP_NET_BIND_SERVICE)) {
        finding_ok(findings, "udp.privilege", "this process may bind the port");
        return;
    }
    snprintf(fix, sizeof(fix), "echo %u >/proc/sys/net/ipv4/ip_unprivileged_port_start", wish->udp_port);
    finding_fail(findings, "udp.privilege", fix, "ports below %lld need CAP_NET_BIND_SERVICE", first);
}

/* ---- buffers ---- */

/* What the kernel grants of XORD_PORT_SOCKET_BUF: by trying, or as the limit says. */
static long long granted(const struct wish *wish, int force, int plain, const char *limit)
{
    int size = XORD_PORT_SOCKET_BUF, got = 0, fd;
    socklen_t len = sizeof(got);

    if (!host_is_live(&wish->host)) {
        if (host_has_capability(&wish->host, CAP_NET_ADMIN))
            return size;
        return host_number(&wish->host, size, "/proc/sys/net/core/%s", limit);
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)))
        (void)setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
    if (getsockopt(fd, SOL_SOCKET, plain == SO_RCVBUF ? SO_RCVBUF : SO_SNDBUF, &got, &len))
        got = -2;
    close(fd);
    return got / 2; /* the kernel tells the double */
}

static void check_buffer(struct findings *findings, const struct wish *wish, const char *check, long long got,
        const char *limit, const char *lost)
{
    char path[PATH_MAX], fix[FIX_LEN];
    struct stat st;
    bool settable;

    if (got >= XORD_PORT_SOCKET_BUF) {
        finding_ok(findings, check, "%d kB, as xord asks for", XORD_PORT_SOCKET_BUF / 1024);
        return;
    }
    host_path(path, &wish->host, "/proc/sys/net/core/%s", limit);
    settable = stat(path, &st) == 0 && st.st_mode & 0222;
    snprintf(fix, sizeof(fix), "echo %d >/proc/sys/net/core/%s", XORD_PORT_SOCKET_BUF, limit);
    finding_warn(findings, check, settable ? fix : NULL, "the kernel grants %lld of %d kB, so that %s%s", got / 1024,
            XORD_PORT_SOCKET_BUF / 1024, lost,
            settable ? "" : "; only the host can change it, not this network namespace");
}

void check_udp(struct findings *findings, const struct wish *wish)
{
    if (wish->kind == PORT_SOCKET || wish->kind == PORT_IFACE)
        check_port(findings, wish);
    if (wish->kind != PORT_SOCKET)
        return;
    check_low_port(findings, wish);
    check_buffer(findings, wish, "udp.receive", granted(wish, SO_RCVBUFFORCE, SO_RCVBUF, "rmem_max"), "rmem_max",
            "bursts are lost");
    check_buffer(findings, wish, "udp.send", granted(wish, SO_SNDBUFFORCE, SO_SNDBUF, "wmem_max"), "wmem_max",
            "bursts of answers are lost");
}
