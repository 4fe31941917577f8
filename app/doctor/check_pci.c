/* SPDX-License-Identifier: BSD-3-Clause */
/* A NIC by its PCI address: what it is, which driver has it, what stands between it and memory. */
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define DEVICES      "/sys/bus/pci/devices"
#define NOIOMMU_FILE "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"
#define NETWORK      0x02 /* class of a network controller */

/* ---- which ---- */

struct candidates {
    const struct wish *wish;
    char first[32]; /* that one may take */
    char text[512];
};

static bool see_candidate(void *ctx, const char *bdf)
{
    struct candidates *found = ctx;
    const struct host *host = &found->wish->host;
    size_t len = strlen(found->text);
    char iface[IF_NAMESIZE];
    bool taken;

    if (host_number(host, 0, DEVICES "/%s/class", bdf) >> 16 != NETWORK || strcmp(bdf, found->wish->device) == 0)
        return true;
    taken = pci_iface(iface, host, bdf) && iface_is_default_route(host, iface);
    if (!*found->first && !taken)
        snprintf(found->first, sizeof(found->first), "%.31s", bdf);
    snprintf(found->text + len, sizeof(found->text) - len, "%s%s%s%s", len ? ", " : "", bdf, *iface ? " " : "", iface);
    return true;
}

/* Another NIC to name; false: there is none to take. */
static bool candidates_find(struct candidates *found, char fix[FIX_LEN], const struct wish *wish)
{
    *found = (struct candidates){.wish = wish};
    host_each(&wish->host, see_candidate, found, DEVICES);
    snprintf(fix, FIX_LEN, "xord doctor --port dpdk:%s --workers %u", found->first, wish->workers);
    return *found->first != '\0';
}

static bool check_present(struct findings *findings, const struct wish *wish)
{
    struct candidates found;
    char fix[FIX_LEN];
    bool any;

    if (host_has(&wish->host, DEVICES "/%s", wish->device) &&
            host_number(&wish->host, 0, DEVICES "/%s/class", wish->device) >> 16 == NETWORK)
        return true;
    any = candidates_find(&found, fix, wish);
    finding_fail(findings, "device.present", any ? fix : NULL, "%s is %s; network devices here: %s", wish->device,
            host_has(&wish->host, DEVICES "/%s", wish->device) ? "no network device" : "not there",
            *found.text ? found.text : "none on the PCI bus");
    return false;
}

static const struct nic *check_family(struct findings *findings, const struct wish *wish)
{
    unsigned vendor = (unsigned)host_number(&wish->host, 0, DEVICES "/%s/vendor", wish->device);
    unsigned device = (unsigned)host_number(&wish->host, 0, DEVICES "/%s/device", wish->device);
    const struct nic *nic = nic_by_pci(vendor, device);

    if (nic)
        finding_ok(findings, "device.family", "%04x:%04x is of the family %s: %s", vendor, device, nic->family,
                nic->title);
    else
        finding_warn(findings, "device.family", NULL,
                "%04x:%04x is of no family that xord has a profile of: it works as far as DPDK has a driver", vendor,
                device);
    return nic;
}

/* ---- its driver ---- */

/* Can this kernel's VFIO do without an IOMMU? Those of Debian 12 are built so that it cannot. */
static bool kernel_has_noiommu(const struct host *host)
{
    char release[64], path[PATH_MAX], line[256];
    bool has = host_has(host, NOIOMMU_FILE);
    FILE *file;

    if (has || !host_read(release, sizeof(release), host, "/proc/sys/kernel/osrelease"))
        return has;
    host_path(path, host, "/boot/config-%s", release);
    file = fopen(path, "re");
    while (file && !has && fgets(line, sizeof(line), file))
        has = strcmp(line, "CONFIG_VFIO_NOIOMMU=y\n") == 0;
    if (file)
        fclose(file);
    return has;
}

/* By which DPDK gets at the device on this machine. */
static const char *driver_for(const struct wish *wish)
{
    if (pci_has_iommu(&wish->host, wish->device) || kernel_has_noiommu(&wish->host))
        return "vfio-pci";
    return wish->nic && wish->nic->uio == NIC_NO ? "igb_uio" : "uio_pci_generic";
}

/* What binds the device to `driver`, whoever has it now. */
static void bind_command(char fix[FIX_LEN], const struct wish *wish, const char *driver)
{
    const char *bdf = wish->device;
    bool unsafe = strcmp(driver, "vfio-pci") == 0 && !pci_has_iommu(&wish->host, bdf);
    char unbind[256] = "";

    if (host_has(&wish->host, DEVICES "/%s/driver", bdf))
        snprintf(unbind, sizeof(unbind), "echo %s >" DEVICES "/%s/driver/unbind && ", bdf, bdf);
    snprintf(fix, FIX_LEN,
            "%smodprobe %s && %secho %s >" DEVICES "/%s/driver_override && %secho %s >/sys/bus/pci/drivers_probe",
            strcmp(driver, "igb_uio") == 0
                    ? "apt-get update && apt-get install -y linux-headers-amd64 dpdk-kmods-dkms && "
                    : "",
            driver, unsafe ? "echo 1 >" NOIOMMU_FILE " && " : "", driver, bdf, unbind, bdf);
}

static bool is_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; at && (at = strstr(at, word)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

/* The kernel's own driver is to stay, and to have its RDMA half beside it. */
static void check_bifurcated(struct findings *findings, const struct wish *wish, const char *driver)
{
    char fix[FIX_LEN];

    if (!is_word(wish->nic->kernel_drivers, driver)) {
        bind_command(fix, wish, wish->nic->kernel_drivers);
        finding_fail(findings, "device.driver", fix, "%s has the device, but DPDK works beside the kernel's %s here",
                *driver ? driver : "no driver", wish->nic->kernel_drivers);
    } else if (!host_has(&wish->host, DEVICES "/%s/infiniband", wish->device)) {
        finding_fail(findings, "device.driver", "modprobe ib_uverbs && modprobe mlx5_ib",
                "%s has the device, as it should, but its RDMA half is not loaded", driver);
    } else {
        finding_ok(findings, "device.driver", "%s has the device, and DPDK works beside it: nothing to bind", driver);
    }
}

static void report_kernel_has(struct findings *findings, const struct wish *wish, const char *driver)
{
    const char *other = driver_for(wish);
    char iface[IF_NAMESIZE] = "", fix[FIX_LEN];

    bind_command(fix, wish, other);
    if (*driver)
        (void)pci_iface(iface, &wish->host, wish->device);
    finding_fail(findings, "device.driver", fix, "%s%s has the device%s%s; DPDK gets at it by %s%s",
            *driver ? "the kernel's " : "no driver", driver, *iface ? ", as " : "", iface, other,
            pci_has_iommu(&wish->host, wish->device) ? "" : ", for no IOMMU is on");
}

/* True: one by which DPDK gets at the device. */
static bool check_bound(struct findings *findings, const struct wish *wish, const char *driver)
{
    bool generic = strcmp(driver, "uio_pci_generic") == 0;
    char fix[FIX_LEN];

    if (!generic && strcmp(driver, "vfio-pci") != 0 && strcmp(driver, "igb_uio") != 0) {
        report_kernel_has(findings, wish, driver);
        return false;
    }
    if (generic && wish->nic && wish->nic->uio == NIC_NO) {
        bind_command(fix, wish, driver_for(wish));
        finding_fail(findings, "device.driver", fix, "bound to uio_pci_generic, by which %s does not work",
                wish->nic->pmd);
        return false;
    }
    finding_ok(findings, "device.driver", "bound to %s", driver);
    return true;
}

/* Whoever takes the NIC away from the default route cuts the machine off. */
static bool check_route(struct findings *findings, const struct wish *wish)
{
    struct candidates found;
    char iface[IF_NAMESIZE], fix[FIX_LEN];
    bool any;

    if (!pci_iface(iface, &wish->host, wish->device) || !iface_is_default_route(&wish->host, iface))
        return true;
    any = candidates_find(&found, fix, wish);
    finding_fail(findings, "device.route", any ? fix : NULL,
            "%s carries this machine's default route: xord would cut it off. Other network devices here: %s", iface,
            *found.text ? found.text : "none on the PCI bus");
    return false;
}

/* ---- the way to memory ---- */

struct group {
    const struct host *host;
    const char *bdf;
    char other[32], driver[64]; /* a device of the group that the kernel drives */
};

static bool see_member(void *ctx, const char *bdf)
{
    struct group *group = ctx;

    if (host_number(group->host, 0, DEVICES "/%s/class", bdf) >> 16 == 0x06) /* bridges may keep theirs */
        return true;
    if (!host_link(group->driver, sizeof(group->driver), group->host, DEVICES "/%s/driver", bdf) ||
            strcmp(group->driver, "vfio-pci") == 0 || strcmp(group->driver, "pci-stub") == 0)
        return true;
    snprintf(group->other, sizeof(group->other), "%.31s", bdf);
    return false;
}

static void check_group(struct findings *findings, const struct wish *wish)
{
    struct group group = {.host = &wish->host, .bdf = wish->device};
    char number[16], path[PATH_MAX], fix[FIX_LEN], iface[IF_NAMESIZE];

    host_link(number, sizeof(number), &wish->host, DEVICES "/%s/iommu_group", wish->device);
    host_each(&wish->host, see_member, &group, DEVICES "/%s/iommu_group/devices", wish->device);
    host_path(path, &wish->host, "/dev/vfio/%s", number);
    if (*group.other) {
        bool route = pci_iface(iface, &wish->host, group.other) && iface_is_default_route(&wish->host, iface);

        snprintf(fix, sizeof(fix), "echo %s >" DEVICES "/%s/driver/unbind", group.other, group.other);
        finding_fail(findings, "iommu.group", route ? NULL : fix,
                "group %s holds %s too, which %s drives%s%s%s: VFIO gives out whole groups", number, group.other,
                group.driver, *iface ? " as " : "", iface, route ? ", with the default route" : "");
    } else if (access(path, R_OK | W_OK) && access(path, F_OK) == 0) {
        snprintf(fix, sizeof(fix), "chown %u /dev/vfio/%s", (unsigned)geteuid(), number);
        finding_fail(findings, "iommu.group", fix, "/dev/vfio/%s may not be opened by this user", number);
    } else {
        finding_ok(findings, "iommu.group", "group %s is the device's alone, or all of it is VFIO's", number);
    }
}

/* vfio-pci without an IOMMU: the device then writes wherever it is told to, and only root may tell it. */
static void check_noiommu(struct findings *findings, const struct wish *wish)
{
    char text[8], fix[FIX_LEN];
    bool on = host_read(text, sizeof(text), &wish->host, NOIOMMU_FILE) && (*text == 'Y' || *text == '1');

    if (on && host_has(&wish->host, DEVICES "/%s/iommu_group", wish->device)) {
        finding_ok(findings, "iommu.state", "there is none: VFIO works in its no-IOMMU mode, for root only");
        return;
    }
    bind_command(fix, wish, driver_for(wish));
    if (kernel_has_noiommu(&wish->host))
        finding_fail(findings, "iommu.state", fix,
                "none is on, and vfio-pci has not got the device in its no-IOMMU mode");
    else
        finding_fail(findings, "iommu.state", fix, "none is on, and this kernel's VFIO cannot do without: use %s",
                driver_for(wish));
}

/* UIO tells a device physical addresses: an IOMMU that translates makes others of them. */
static void check_uio(struct findings *findings, const struct wish *wish, const char *driver)
{
    char type[32], fix[FIX_LEN];

    if (!pci_has_iommu(&wish->host, wish->device) ||
            (host_read(type, sizeof(type), &wish->host, DEVICES "/%s/iommu_group/type", wish->device) &&
                    strcmp(type, "identity") == 0)) {
        finding_ok(findings, "iommu.state", "not in the way of %s", driver);
        return;
    }
    bind_command(fix, wish, "vfio-pci");
    finding_fail(findings, "iommu.state", fix, "on, and in the way of %s: use vfio-pci", driver);
}

static void check_iommu(struct findings *findings, const struct wish *wish, const char *driver)
{
    bool vfio = strcmp(driver, "vfio-pci") == 0, guarded = vfio && pci_has_iommu(&wish->host, wish->device);
    char fix[FIX_LEN];

    if (guarded) {
        finding_ok(findings, "iommu.state", "on");
        check_group(findings, wish);
        return;
    }
    if (vfio)
        check_noiommu(findings, wish);
    else
        check_uio(findings, wish, driver);
    snprintf(fix, sizeof(fix), "sudo xord doctor --port '%s' --workers %u", wish->spec, wish->workers);
    if (!host_has_capability(&wish->host, CAP_SYS_ADMIN))
        finding_fail(findings, "device.privilege", fix, "without an IOMMU only root may drive a device");
}

/* ---- where it stands ---- */

static void check_numa(struct findings *findings, const struct wish *wish)
{
    struct cpus allowed, local;
    char list[512], fix[FIX_LEN];

    if (wish->numa_node < 0 || !host_has(&wish->host, "/sys/devices/system/node/node1")) {
        finding_ok(findings, "device.numa", "one node, or not known");
        return;
    }
    host_read(list, sizeof(list), &wish->host, "/sys/devices/system/node/node%d/cpulist", wish->numa_node);
    cpus_parse(&local, list);
    cpus_allowed(&allowed, &wish->host);
    for (unsigned i = 0; i < CPUS_MAX / 64; i++)
        allowed.bits[i] &= ~local.bits[i];
    if (cpus_count(&allowed) == 0) {
        finding_ok(findings, "device.numa", "node %d, like the CPUs that xord may use", wish->numa_node);
        return;
    }
    snprintf(fix, sizeof(fix), "taskset -c %s xord doctor --port '%s' --workers %u", list, wish->spec, wish->workers);
    finding_warn(findings, "device.numa", fix,
            "the device is on node %d, and xord may run on CPUs of others: start it on %s", wish->numa_node, list);
}

static void check_pcie(struct findings *findings, const struct wish *wish)
{
    long long width = host_number(&wish->host, 0, DEVICES "/%s/current_link_width", wish->device);
    long long most = host_number(&wish->host, 0, DEVICES "/%s/max_link_width", wish->device);

    if (width > 0 && most > 0)
        finding_ok(findings, "device.pcie", "x%lld%s", width, width < most ? ", less than the card has" : "");
}

void check_pci(struct findings *findings, struct wish *wish)
{
    char driver[64];

    if (wish->kind != PORT_PCI || !check_present(findings, wish))
        return;
    wish->nic = check_family(findings, wish);
    wish->numa_node = (int)host_number(&wish->host, -1, DEVICES "/%s/numa_node", wish->device);
    host_link(driver, sizeof(driver), &wish->host, DEVICES "/%s/driver", wish->device);
    if (check_route(findings, wish)) {
        if (wish->nic && wish->nic->bind == NIC_BIND_BIFURCATED)
            check_bifurcated(findings, wish, driver);
        else if (check_bound(findings, wish, driver))
            check_iommu(findings, wish, driver);
    }
    check_numa(findings, wish);
    check_pcie(findings, wish);
}
