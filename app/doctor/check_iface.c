/* SPDX-License-Identifier: BSD-3-Clause */
/* An interface of the kernel that a virtual device stands on, or that a bifurcated driver keeps. */
#include <linux/capability.h>
#include <string.h>

#include "doctor.h"
#include "xord_port.h"

struct others {
    const struct wish *wish;
    char text[256], first[IF_NAMESIZE];
};

static bool see_other(void *ctx, const char *name)
{
    struct others *others = ctx;
    size_t len = strlen(others->text);

    if (strcmp(name, "lo") == 0 || strcmp(name, others->wish->iface) == 0)
        return true;
    snprintf(others->text + len, sizeof(others->text) - len, "%s%s", len ? ", " : "", name);
    if (!*others->first && !iface_is_default_route(&others->wish->host, name))
        snprintf(others->first, sizeof(others->first), "%s", name);
    return true;
}

/* The interfaces that could be named instead; NULL: there is none to take. */
static const char *others_find(struct others *others, char fix[FIX_LEN], const struct wish *wish)
{
    *others = (struct others){.wish = wish, .text = ""};
    host_each(&wish->host, see_other, others, "/sys/class/net");
    return *others->first ? wish_otherwise(fix, wish, "iface", others->first) : NULL;
}

static void report_missing(struct findings *findings, const struct wish *wish)
{
    struct others others;
    char text[FIX_LEN];
    const char *fix = others_find(&others, text, wish), *list = *others.text ? others.text : "none";

    if (*wish->iface)
        finding_fail(findings, "iface.present", fix, "there is no interface %s; there are: %s", wish->iface, list);
    else
        finding_fail(findings, "iface.present", fix,
                "the device needs to know its interface: dpdk:%s,iface=NAME with one of: %s", wish->device, list);
}

static void check_link(struct findings *findings, const struct iface *iface)
{
    char fix[FIX_LEN], speed[32] = "";

    if (iface->speed_mb > 0)
        snprintf(speed, sizeof(speed), ", %lld Mbit/s", iface->speed_mb);
    snprintf(fix, sizeof(fix), "ip link set %s up", iface->name);
    if (!iface->up)
        finding_fail(findings, "iface.link", fix, "%s is down", iface->name);
    else if (!iface->carrier)
        finding_warn(findings, "iface.link", NULL,
                "%s is up and has no carrier: is its cable, or its other end, connected?", iface->name);
    else
        finding_ok(findings, "iface.link", "%s is up%s", iface->name, speed);
}

static void check_mtu(struct findings *findings, const struct iface *iface)
{
    char fix[FIX_LEN];

    snprintf(fix, sizeof(fix), "ip link set %s mtu 1500", iface->name);
    if (iface->mtu < XORD_PORT_MTU)
        finding_warn(findings, "iface.mtu", fix, "%u: the longest packets need %u", iface->mtu, XORD_PORT_MTU);
    else
        finding_ok(findings, "iface.mtu", "%u", iface->mtu);
}

/* ---- what the process may ---- */

static const struct {
    const char *name;
    unsigned number;
} capabilities[] = {{"net_raw", CAP_NET_RAW}, {"net_admin", CAP_NET_ADMIN}, {"bpf", CAP_BPF}};

/* CAP_SYS_ADMIN covers CAP_BPF, which is younger. */
static bool has(const struct host *host, unsigned number)
{
    return host_has_capability(host, number) || (number == CAP_BPF && host_has_capability(host, CAP_SYS_ADMIN));
}

static void check_capabilities(struct findings *findings, const struct wish *wish)
{
    char missing[64] = "", fix[FIX_LEN];

    if (!wish->nic || !wish->nic->capabilities)
        return;
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
        size_t len = strlen(missing);

        if (strstr(wish->nic->capabilities, capabilities[i].name) && !has(&wish->host, capabilities[i].number))
            snprintf(missing + len, sizeof(missing) - len, "%scap_%s", len ? "," : "", capabilities[i].name);
    }
    if (!*missing) {
        finding_ok(findings, "iface.privilege", "this process may open the device");
        return;
    }
    snprintf(fix, sizeof(fix), "sudo xord doctor --port '%s' --workers %u", wish->spec, wish->workers);
    finding_fail(findings, "iface.privilege", fix, "this process lacks %s, which the device needs", missing);
}

static void check_kernel(struct findings *findings, const struct wish *wish)
{
    unsigned major = 0, minor = 0, want_major = 0, want_minor = 0;
    char release[64];

    if (!wish->nic || !wish->nic->kernel_min)
        return;
    host_read(release, sizeof(release), &wish->host, "/proc/sys/kernel/osrelease");
    (void)sscanf(release, "%u.%u", &major, &minor);
    (void)sscanf(wish->nic->kernel_min, "%u.%u", &want_major, &want_minor);
    if (major > want_major || (major == want_major && minor >= want_minor))
        finding_ok(findings, "iface.kernel", "Linux %u.%u, at least %s is needed", major, minor, wish->nic->kernel_min);
    else
        finding_fail(findings, "iface.kernel", "apt-get install -y linux-image-amd64 && reboot",
                "Linux %s is older than %s", release, wish->nic->kernel_min);
}

/* ---- beside the kernel ---- */

static void report_cut_off(struct findings *findings, const struct wish *wish)
{
    struct others others;
    char text[FIX_LEN];
    const char *fix = others_find(&others, text, wish);

    finding_fail(findings, "iface.route", fix,
            "%s carries this machine's default route: xord would cut it off. Other interfaces: %s", wish->iface,
            *others.text ? others.text : "none");
}

/* A packet socket sees all and takes nothing away; an XDP program takes all from the kernel. */
static void check_route(struct findings *findings, const struct wish *wish)
{
    bool takes_all = wish->nic && strcmp(wish->nic->family, "af_packet") != 0;

    if (!iface_is_default_route(&wish->host, wish->iface))
        finding_ok(findings, "iface.route", "%s does not carry the default route", wish->iface);
    else if (takes_all)
        report_cut_off(findings, wish);
    else
        finding_ok(findings, "iface.route",
                "%s carries the default route, and the kernel goes on using it: give xord an "
                "address that the kernel has not",
                wish->iface);
}

static void numa_of(struct wish *wish, const struct iface *iface)
{
    if (*iface->bdf)
        wish->numa_node = (int)host_number(&wish->host, -1, "/sys/bus/pci/devices/%s/numa_node", iface->bdf);
}

/* The interface that the kernel keeps while DPDK works beside it. */
static void check_kept(struct findings *findings, const struct wish *wish)
{
    struct iface iface;
    char name[IF_NAMESIZE];

    if (!wish->nic || wish->nic->bind != NIC_BIND_BIFURCATED || !pci_iface(name, &wish->host, wish->device) ||
            !iface_read(&iface, &wish->host, name))
        return;
    check_link(findings, &iface);
    check_mtu(findings, &iface);
    check_capabilities(findings, wish);
}

void check_iface(struct findings *findings, struct wish *wish)
{
    struct iface iface;

    if (wish->kind == PORT_PCI)
        check_kept(findings, wish);
    if (wish->kind != PORT_IFACE)
        return;
    if (!iface_read(&iface, &wish->host, wish->iface)) {
        report_missing(findings, wish);
        return;
    }
    numa_of(wish, &iface);
    check_link(findings, &iface);
    check_mtu(findings, &iface);
    check_route(findings, wish);
    check_kernel(findings, wish);
    check_capabilities(findings, wish);
}
