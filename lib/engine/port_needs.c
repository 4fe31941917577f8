/* SPDX-License-Identifier: BSD-3-Clause */
/* What an open port still needs of the rights that it was opened with. */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include "xord_port.h"

static bool is_driver(const char *devargs, const char *driver)
{
    return strncmp(devargs, driver, strlen(driver)) == 0;
}

/* A memif socket with a name in the file system: its server removes it at the end, its client comes back to it. */
static void memif_needs(struct xord_port_needs *needs, const char *devargs)
{
    const char *socket = strstr(devargs, ",socket=");
    bool server = strstr(devargs, ",role=server") || strstr(devargs, ",role=master");
    size_t len;
    char *slash;

    if (!socket || !strstr(devargs, ",socket-abstract=no"))
        return;
    socket += strlen(",socket=");
    len = strcspn(socket, ",");
    if (len >= sizeof(needs->path))
        return;
    memcpy(needs->path, socket, len);
    needs->path[len] = '\0';
    slash = strrchr(needs->path, '/');
    if (!server)
        return;
    if (!slash)
        snprintf(needs->path, sizeof(needs->path), ".");
    else
        slash[slash == needs->path] = '\0'; /* of "/socket" the slash stays */
}

static bool has_arg(const struct xord_port_config *config, const char *name)
{
    for (int i = 0; i < config->eal_arg_cnt; i++)
        if (strcmp(config->eal_args[i], name) == 0)
            return true;
    return false;
}

void xord_port_needs(struct xord_port_needs *needs, const struct xord_port_config *config)
{
    const char *devargs = config->spec + strlen("dpdk:");

    memset(needs, 0, sizeof(*needs));
    if (strncmp(config->spec, "dpdk:", strlen("dpdk:")) != 0)
        return;
    needs->is_device = true;
    needs->has_telemetry = has_arg(config, "--telemetry") || (config->telemetry && !has_arg(config, "--no-telemetry"));
    needs->has_xdp = is_driver(devargs, "net_af_xdp");
    if (needs->has_xdp) /* to take its program from the interface */
        needs->caps = UINT64_C(1) << CAP_NET_ADMIN;
    else if (is_driver(devargs, "net_memif"))
        memif_needs(needs, devargs);
}
