/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's own drivers: libraries that EAL loads at run time, each in a Debian package of its own. */
#include <ctype.h>
#include <string.h>

#include <rte_build_config.h>

#include "doctor.h"

#define DRIVERS_MAX 4

/* "librte_net_ice" is in librte-net-ice23, "librte_net_mlx5" in librte-net-mlx5-23. */
static void package_of(char *package, size_t cap, const char *library)
{
    const char *version = strrchr(RTE_EAL_PMD_PATH, '-');
    size_t len = strlen(library);

    snprintf(package, cap, "%s%s%.*s", library, isdigit((unsigned char)library[len - 1]) ? "-" : "",
            version ? (int)strcspn(version + 1, ".") : 0, version ? version + 1 : "");
    for (char *c = package; *c; c++)
        if (*c == '_')
            *c = '-';
}

static bool starts_with_library(const char *name, const char *library)
{
    size_t len = strlen(library);

    return strncmp(name, library, len) == 0 && strncmp(name + len, ".so", 3) == 0;
}

struct search {
    const char *library;
    bool found;
};

static bool see_library(void *ctx, const char *name)
{
    struct search *search = ctx;

    search->found = starts_with_library(name, search->library);
    return !search->found;
}

static bool is_there(const struct host *host, const char *library)
{
    struct search search = {.library = library};

    host_each(host, see_library, &search, "%s", RTE_EAL_PMD_PATH);
    return search.found;
}

/* Virtual devices without a profile. */
static const struct {
    const char *name, *library;
} others[] = {
        {"net_null", "librte_net_null"},
        {"net_pcap", "librte_net_pcap"},
        {"net_ring", "librte_net_ring"},
        {"net_tap", "librte_net_tap"},
        {"net_virtio_user", "librte_net_virtio"},
};

static const char *library_of(const struct wish *wish)
{
    if (wish->nic)
        return wish->nic->library;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strncmp(wish->device, others[i].name, strlen(others[i].name)) == 0)
            return others[i].library;
    return NULL;
}

void check_driver(struct findings *findings, const struct wish *wish)
{
    const char *libraries[DRIVERS_MAX] = {"librte_mempool_ring",
            wish->kind == PORT_PCI ? "librte_bus_pci" : "librte_bus_vdev"};
    char missing[256] = "", package[128], fix[FIX_LEN];

    if (!wish_is_dpdk(wish))
        return;
    libraries[2] = library_of(wish);
    if (!libraries[2] && wish->kind != PORT_PCI)
        finding_fail(findings, "dpdk.driver", NULL,
                "xord knows no device \"%s\": name a PCI address, or net_af_packet0, net_af_xdp0, net_memif0, "
                "net_pcap0, "
                "net_ring0, net_tap0 with its arguments",
                wish->device);
    for (size_t i = 0; libraries[i]; i++) {
        size_t len = strlen(missing);

        package_of(package, sizeof(package), libraries[i]);
        if (!is_there(&wish->host, libraries[i]))
            snprintf(missing + len, sizeof(missing) - len, "%s%s", len ? " " : "", package);
    }
    if (!*missing) {
        finding_ok(findings, "dpdk.driver", "%s is installed", libraries[2] ? libraries[2] : "what every device needs");
        return;
    }
    snprintf(fix, sizeof(fix), "apt-get update && apt-get install -y %s", missing);
    finding_fail(findings, "dpdk.driver", fix, "DPDK lacks a driver, in the package%s %s",
            strchr(missing, ' ') ? "s" : "", missing);
}
