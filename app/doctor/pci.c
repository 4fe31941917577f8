/* SPDX-License-Identifier: BSD-3-Clause */
/* What /sys says of a PCI device. */
#include <string.h>

#include "doctor.h"

#define DEVICES "/sys/bus/pci/devices"

struct search {
    const struct host *host;
    const char *bdf;
    char *found;
};

static bool take_iface(void *ctx, const char *name)
{
    struct search *search = ctx;

    snprintf(search->found, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1, name);
    return false;
}

/* A virtio NIC's interface stands below the virtio device on it. */
static bool see_child(void *ctx, const char *name)
{
    struct search *search = ctx;

    if (strncmp(name, "virtio", strlen("virtio")) == 0)
        host_each(search->host, take_iface, search, DEVICES "/%s/%s/net", search->bdf, name);
    return !*search->found;
}

bool pci_iface(char name[IF_NAMESIZE], const struct host *host, const char *bdf)
{
    struct search search = {.host = host, .bdf = bdf, .found = name};

    *name = '\0';
    host_each(host, take_iface, &search, DEVICES "/%s/net", bdf);
    if (!*name)
        host_each(host, see_child, &search, DEVICES "/%s", bdf);
    return *name != '\0';
}

/* Without one, vfio-pci puts the device into a group that it makes up. */
bool pci_has_iommu(const struct host *host, const char *bdf)
{
    char name[32];

    return host_has(host, DEVICES "/%s/iommu_group", bdf) &&
           !(host_read(name, sizeof(name), host, DEVICES "/%s/iommu_group/name", bdf) &&
                   strcmp(name, "vfio-noiommu") == 0);
}
