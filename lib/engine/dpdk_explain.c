/* SPDX-License-Identifier: BSD-3-Clause */
/* Device names, and what to do when a device cannot be had. */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_pci.h>

#include "dpdk_private.h"
#include "xord_log.h"

char *dpdk_devargs_name(char name[DPDK_NAME_LEN], const char *devargs)
{
    snprintf(name, DPDK_NAME_LEN, "%.*s", (int)strcspn(devargs, ","), devargs);
    return name;
}

bool dpdk_devargs_is_pci(char bdf[DPDK_NAME_LEN], const char *devargs)
{
    struct rte_pci_addr addr;

    if (rte_pci_addr_parse(dpdk_devargs_name(bdf, devargs), &addr))
        return false;
    rte_pci_device_name(&addr, bdf, DPDK_NAME_LEN);
    return true;
}

/* The interface that iface= names; false when there is none. */
static bool devargs_iface(char iface[IF_NAMESIZE], const char *devargs)
{
    const char *found = strstr(devargs, ",iface=");

    if (!found)
        return false;
    found += strlen(",iface=");
    snprintf(iface, IF_NAMESIZE, "%.*s", (int)strcspn(found, ","), found);
    return true;
}

/* The kernel's driver of a PCI device; false when it has none. */
static bool pci_driver(char driver[DPDK_NAME_LEN], const char *bdf)
{
    char path[PATH_MAX], target[PATH_MAX];
    const char *slash;
    ssize_t n;

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", bdf);
    n = readlink(path, target, sizeof(target) - 1);
    if (n <= 0)
        return false;
    target[n] = '\0';
    slash = strrchr(target, '/');
    snprintf(driver, DPDK_NAME_LEN, "%.*s", DPDK_NAME_LEN - 1, slash ? slash + 1 : target);
    return true;
}

static void explain_pci(char *err, const char *bdf, const char *said)
{
    char path[PATH_MAX], driver[DPDK_NAME_LEN] = "none";

    snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", bdf);
    if (access(path, F_OK)) {
        snprintf(err, XORD_PORT_ERR_LEN, "there is no PCI device %s: `lspci -D` lists those that are there", bdf);
        return;
    }
    if (!pci_driver(driver, bdf) || !(strcmp(driver, "vfio-pci") == 0 || strstr(driver, "uio")))
        snprintf(err, XORD_PORT_ERR_LEN,
                "PCI device %s is not bound to a driver for DPDK (now: %s): as root, `dpdk-devbind.py -b vfio-pci %s`",
                bdf, driver, bdf);
    else if (strstr(driver, "uio") && !rte_eal_has_hugepages())
        snprintf(err, XORD_PORT_ERR_LEN,
                "PCI device %s, bound to %s, needs hugepages: as root, `echo 512 >/proc/sys/vm/nr_hugepages`, or bind "
                "it "
                "to vfio-pci",
                bdf, driver);
    else
        snprintf(err, XORD_PORT_ERR_LEN, "DPDK cannot open PCI device %s (%.140s): run as root; -v shows more", bdf,
                *said ? said : "no driver of its own knows it");
}

/* May this process open a packet socket? */
static bool has_net_raw(void)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno != EPERM;
    close(fd);
    return true;
}

static bool name_is(const char *name, const char *driver)
{
    return strncmp(name, driver, strlen(driver)) == 0;
}

static void explain_vdev(char *err, const char *name, const char *devargs, const char *said)
{
    bool on_interface = name_is(name, "net_af_packet") || name_is(name, "net_af_xdp");
    char iface[IF_NAMESIZE] = "";
    bool has_iface = devargs_iface(iface, devargs);

    if (strstr(said, "failed to parse device") || !name_is(name, "net_"))
        snprintf(err, XORD_PORT_ERR_LEN,
                "DPDK has no driver for \"%s\": name a PCI address, or net_af_packet0, net_af_xdp0, net_memif0, "
                "net_pcap0, net_ring0, net_tap0 with its arguments",
                name);
    else if (on_interface && !has_iface)
        snprintf(err, XORD_PORT_ERR_LEN, "\"%s\" needs to know its interface: dpdk:%s,iface=eth1", name, name);
    else if (has_iface && !if_nametoindex(iface))
        snprintf(err, XORD_PORT_ERR_LEN, "there is no network interface \"%s\": `ip link` lists those that are there",
                iface);
    else if (!has_net_raw())
        snprintf(err, XORD_PORT_ERR_LEN,
                "not permitted to open \"%s\": it needs CAP_NET_RAW (net_tap, net_af_xdp: CAP_NET_ADMIN too): run as "
                "root or in a user namespace (unshare -Urn)",
                name);
    else
        snprintf(err, XORD_PORT_ERR_LEN, "DPDK cannot open \"%s\" (%.140s): check its arguments; -v shows more", name,
                *said ? said : "no reason given");
}

void dpdk_explain(char err[XORD_PORT_ERR_LEN], const char *devargs, const char *said)
{
    char name[DPDK_NAME_LEN], bdf[DPDK_NAME_LEN];

    if (dpdk_devargs_is_pci(bdf, devargs))
        explain_pci(err, bdf, said);
    else
        explain_vdev(err, dpdk_devargs_name(name, devargs), devargs, said);
}

void dpdk_warn_if_down(const char *devargs)
{
    struct ifreq request = {0};
    int fd;

    if (!devargs_iface(request.ifr_name, devargs))
        return;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    if (ioctl(fd, SIOCGIFFLAGS, &request) == 0 && !(request.ifr_flags & IFF_UP))
        xord_log(XORD_LOG_WARN, "interface %s is down: nothing comes or goes before `ip link set %s up`",
                request.ifr_name, request.ifr_name);
    close(fd);
}
