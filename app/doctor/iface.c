/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's network interfaces. On this machine the kernel is asked itself, since /sys may show another network namespace
 * than ours; of a copy there is only /sys. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "doctor.h"

#define NET "/sys/class/net"

/* ---- by ioctl ---- */

static bool ask(int fd, const char *name, unsigned long request, struct ifreq *ifr)
{
    snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
    return ioctl(fd, request, ifr) == 0;
}

static bool ethtool(int fd, const char *name, void *command)
{
    struct ifreq ifr = {.ifr_data = command};

    return ask(fd, name, SIOCETHTOOL, &ifr);
}

static void read_ethtool(struct iface *iface, int fd)
{
    struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    struct ethtool_cmd link = {.cmd = ETHTOOL_GSET};

    if (ethtool(fd, iface->name, &info)) {
        snprintf(iface->driver, sizeof(iface->driver), "%.31s", info.driver);
        if (strchr(info.bus_info, ':'))
            snprintf(iface->bdf, sizeof(iface->bdf), "%.31s", info.bus_info);
    }
    if (ethtool(fd, iface->name, &channels)) {
        iface->rx_queues = channels.combined_count + channels.rx_count;
        iface->max_queues = channels.max_combined + channels.max_rx;
    }
    if (ethtool(fd, iface->name, &link) && ethtool_cmd_speed(&link) != (__u32)SPEED_UNKNOWN)
        iface->speed_mb = ethtool_cmd_speed(&link);
}

static bool read_live(struct iface *iface)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq ifr = {0};
    bool found;

    if (fd < 0)
        return false;
    found = ask(fd, iface->name, SIOCGIFFLAGS, &ifr);
    if (found) {
        iface->up = ifr.ifr_flags & IFF_UP;
        iface->carrier = ifr.ifr_flags & IFF_RUNNING;
        if (ask(fd, iface->name, SIOCGIFMTU, &ifr))
            iface->mtu = (unsigned)ifr.ifr_mtu;
        read_ethtool(iface, fd);
    }
    close(fd);
    return found;
}

/* ---- by /sys ---- */

static bool count_queue(void *ctx, const char *name)
{
    unsigned *cnt = ctx;

    *cnt += strncmp(name, "rx-", 3) == 0;
    return true;
}

static bool read_copy(struct iface *iface, const struct host *host)
{
    char text[64];

    if (!host_has(host, NET "/%s", iface->name))
        return false;
    iface->up = host_number(host, 0, NET "/%s/flags", iface->name) & IFF_UP;
    iface->carrier = host_number(host, 0, NET "/%s/carrier", iface->name) == 1;
    iface->mtu = (unsigned)host_number(host, 0, NET "/%s/mtu", iface->name);
    iface->speed_mb = host_number(host, -1, NET "/%s/speed", iface->name);
    host_link(iface->driver, sizeof(iface->driver), host, NET "/%s/device/driver", iface->name);
    if (host_link(text, sizeof(text), host, NET "/%s/device", iface->name) && strchr(text, ':'))
        snprintf(iface->bdf, sizeof(iface->bdf), "%.31s", text);
    host_each(host, count_queue, &iface->rx_queues, NET "/%s/queues", iface->name);
    return true;
}

bool iface_read(struct iface *iface, const struct host *host, const char *name)
{
    *iface = (struct iface){.speed_mb = -1};
    if (!*name || strchr(name, '/'))
        return false;
    snprintf(iface->name, sizeof(iface->name), "%s", name);
    return host_is_live(host) ? read_live(iface) : read_copy(iface, host);
}

/* ---- routes ---- */

#define DEPTH_MAX 8 /* of VLANs on bridges on bonds */

struct stack {
    const struct host *host;
    const char *wanted;
    unsigned depth;
    bool found;
};

static void look_below(struct stack *stack, const char *name);

static bool see_lower(void *ctx, const char *entry)
{
    if (strncmp(entry, "lower_", strlen("lower_")) == 0)
        look_below(ctx, entry + strlen("lower_"));
    return !((struct stack *)ctx)->found;
}

/* Is `wanted` the interface, or among those that it stands on? */
static void look_below(struct stack *stack, const char *name)
{
    if (strcmp(name, stack->wanted) == 0)
        stack->found = true;
    if (stack->found || stack->depth == DEPTH_MAX)
        return;
    stack->depth++;
    host_each(stack->host, see_lower, stack, NET "/%s", name);
    stack->depth--;
}

static bool routes4(struct stack *stack)
{
    char path[PATH_MAX], line[512], name[64];
    unsigned destination, mask, flags;
    FILE *file;

    host_path(path, stack->host, "/proc/net/route");
    file = fopen(path, "re");
    while (file && !stack->found && fgets(line, sizeof(line), file))
        if (sscanf(line, "%63s %x %*x %x %*d %*d %*d %x", name, &destination, &flags, &mask) == 4 && destination == 0 &&
                mask == 0 && flags & 1)
            look_below(stack, name);
    if (file)
        fclose(file);
    return stack->found;
}

static bool routes6(struct stack *stack)
{
    char path[PATH_MAX], line[512], destination[64], name[64];
    unsigned prefix, flags;
    FILE *file;

    host_path(path, stack->host, "/proc/net/ipv6_route");
    file = fopen(path, "re");
    while (file && !stack->found && fgets(line, sizeof(line), file))
        if (sscanf(line, "%63s %x %*s %*x %*s %*x %*x %*x %x %63s", destination, &prefix, &flags, name) == 4 &&
                prefix == 0 && strspn(destination, "0") == 32 && strcmp(name, "lo") != 0 && !(flags & 0x200))
            look_below(stack, name);
    if (file)
        fclose(file);
    return stack->found;
}

bool iface_is_default_route(const struct host *host, const char *name)
{
    struct stack stack = {.host = host, .wanted = name};

    return routes4(&stack) || routes6(&stack);
}
