/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual devices without an interface of the kernel: memif, tap. */
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

/* ---- memif ---- */

/* Does somebody listen at a UNIX socket of that name? */
static bool is_listened(const struct host *host, const char *name)
{
    char path[PATH_MAX], line[512], at[256];
    unsigned flags;
    bool found = false;
    FILE *file;

    host_path(path, host, "/proc/net/unix");
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "%*s %*x %*x %x %*x %*x %*u %255s", &flags, at) == 2 && strcmp(at, name) == 0)
            found = found || flags & 0x10000; /* __SO_ACCEPTCON */
    if (file)
        fclose(file);
    return found;
}

static void check_server(struct findings *findings, const struct wish *wish, const char *name, bool abstract)
{
    char dir[256], path[PATH_MAX], fix[FIX_LEN];
    const char *slash = strrchr(name, '/');

    if (is_listened(&wish->host, name)) {
        snprintf(dir, sizeof(dir), "%.120s.2", name + abstract);
        finding_fail(findings, "memif.socket", wish_otherwise(fix, wish, "socket", dir),
                "another server has the socket %s: choose another", name);
        return;
    }
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - name) : 0, name); /* shorter than a socket's name */
    host_path(path, &wish->host, "%s/.", dir);
    if (!abstract && access(path, W_OK)) {
        bool there = access(path, F_OK) == 0;

        snprintf(fix, sizeof(fix), there ? "chown %2$u '%1$s'" : "mkdir -p '%1$s' && chown %2$u '%1$s'", dir,
                (unsigned)geteuid());
        finding_fail(findings, "memif.socket", fix, "the socket's directory %s %s", dir,
                there ? "may not be written to by this user" : "is not there");
        return;
    }
    host_path(path, &wish->host, "%s", name);
    if (!abstract && access(path, F_OK) == 0) {
        snprintf(fix, sizeof(fix), "rm '%s'", name);
        finding_fail(findings, "memif.socket", fix, "%s is left over from a server that is gone", name);
        return;
    }
    finding_ok(findings, "memif.socket", "%s can be made", name);
}

static void check_client(struct findings *findings, const struct wish *wish, const char *name)
{
    if (is_listened(&wish->host, name))
        finding_ok(findings, "memif.socket", "a server listens at %s", name);
    else
        finding_warn(findings, "memif.socket", NULL, "no server listens at %s yet: xord waits for one", name);
}

static void check_memif(struct findings *findings, const struct wish *wish)
{
    char socket[128], name[130], role[16], text[8];
    bool abstract = !wish_argument(text, sizeof(text), wish, "socket-abstract") || strcmp(text, "no") != 0;

    if (!wish_argument(socket, sizeof(socket), wish, "socket"))
        snprintf(socket, sizeof(socket), "/tmp/memif.sock");
    snprintf(name, sizeof(name), "%s%s", abstract ? "@" : "", socket);
    wish_argument(role, sizeof(role), wish, "role");
    if (strcmp(role, "server") == 0 || strcmp(role, "master") == 0)
        check_server(findings, wish, name, abstract);
    else
        check_client(findings, wish, name);
}

/* ---- tap ---- */

static void check_tap(struct findings *findings, const struct wish *wish)
{
    char fix[FIX_LEN];

    snprintf(fix, sizeof(fix), "sudo xord doctor --port '%s'", wish->spec);
    if (!host_has(&wish->host, "/dev/net/tun"))
        finding_fail(findings, "tap.device",
                "mkdir -p /dev/net && { modprobe tun; [ -c /dev/net/tun ] || mknod /dev/net/tun c 10 200; }",
                "there is no /dev/net/tun");
    else if (!host_has_capability(&wish->host, CAP_NET_ADMIN))
        finding_fail(findings, "tap.device", fix, "this process lacks cap_net_admin, which a tap needs");
    else
        finding_ok(findings, "tap.device", "/dev/net/tun is there and may be used");
}

void check_vdev(struct findings *findings, const struct wish *wish)
{
    if (wish->kind == PORT_MEMIF)
        check_memif(findings, wish);
    if (wish->kind == PORT_TAP)
        check_tap(findings, wish);
}
