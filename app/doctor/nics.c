/* SPDX-License-Identifier: BSD-3-Clause */
/* The NIC families that drivers-config/nics knows, made a table by nics.awk. */
#include <string.h>

#include "doctor.h"

const struct nic nics[] = {
#include "nics.inc"
};

const size_t nic_cnt = sizeof(nics) / sizeof(nics[0]);

static bool has_device(const struct nic *nic, unsigned device)
{
    for (uint16_t i = 0; i < nic->device_cnt; i++)
        if (nic->devices[i] == device)
            return true;
    return false;
}

const struct nic *nic_by_pci(unsigned vendor, unsigned device)
{
    for (size_t i = 0; i < nic_cnt; i++)
        if (nics[i].vendor == vendor && has_device(&nics[i], device))
            return &nics[i];
    return NULL;
}

const struct nic *nic_by_name(const char *vdev)
{
    for (size_t i = 0; i < nic_cnt; i++)
        if (nics[i].device_cnt == 0 && strncmp(vdev, nics[i].pmd, strlen(nics[i].pmd)) == 0)
            return &nics[i];
    return NULL;
}
