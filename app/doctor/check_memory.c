/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugepages: how many are free, where, and whether they can be had. xord takes them by EAL's --in-memory, for which no
 * hugetlbfs need be mounted; it goes without them where there are too few. */
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

#define HUGEPAGES "hugepages"

struct huge {
    const struct host *host;
    const char *dir;
    uint64_t total_kb, free_kb;
    unsigned long page_kb; /* the size of those that are there, or else the smallest that there could be */
    char text[128];        /* "512 of 2048 kB" */
};

static bool see_size(void *ctx, const char *name)
{
    struct huge *huge = ctx;
    unsigned long page_kb;
    long long total, unused;
    size_t len = strlen(huge->text);

    if (strncmp(name, HUGEPAGES "-", strlen(HUGEPAGES "-")) != 0)
        return true;
    page_kb = strtoul(name + strlen(HUGEPAGES "-"), NULL, 10);
    total = host_number(huge->host, 0, "%s/%s/nr_hugepages", huge->dir, name);
    unused = host_number(huge->host, 0, "%s/%s/free_hugepages", huge->dir, name);
    if (page_kb == 0 || total < 0 || unused < 0)
        return true;
    if (huge->page_kb == 0 || (total > 0 && huge->total_kb == 0))
        huge->page_kb = page_kb;
    huge->total_kb += (uint64_t)total * page_kb;
    huge->free_kb += (uint64_t)unused * page_kb;
    if (total > 0)
        snprintf(huge->text + len, sizeof(huge->text) - len, "%s%lld of %lld pages of %lu kB", len ? ", " : "", unused,
                total, page_kb);
    return true;
}

static struct huge huge_read(const struct host *host, const char *dir)
{
    struct huge huge = {.host = host, .dir = dir};

    host_each(host, see_size, &huge, "%s", dir);
    return huge;
}

/* Where `huge` was read, so many that `wanted_mb` are free. */
static void more_pages(char fix[FIX_LEN], uint32_t wanted_mb, const struct huge *huge)
{
    uint64_t lack_kb = wanted_mb * 1024ULL - huge->free_kb;
    uint64_t pages = (huge->total_kb + lack_kb + huge->page_kb - 1) / huge->page_kb;

    snprintf(fix, FIX_LEN, "echo %llu >%s/" HUGEPAGES "-%lukB/nr_hugepages", (unsigned long long)pages, huge->dir,
            huge->page_kb);
}

/* Devices that are driven by physical addresses cannot do without: memory that is not huge has none that stays. */
static bool must_be_huge(const struct wish *wish)
{
    char driver[64];

    if (wish->kind != PORT_PCI ||
            !host_link(driver, sizeof(driver), &wish->host, "/sys/bus/pci/devices/%s/driver", wish->device))
        return false;
    if (strstr(driver, "uio"))
        return true;
    return strcmp(driver, "vfio-pci") == 0 && !pci_has_iommu(&wish->host, wish->device);
}

static void report_lack(struct findings *findings, uint32_t wanted_mb, const char *check, const char *fix,
        const char *where, const struct huge *huge, bool fatal)
{
    const char *text = *huge->text ? huge->text : "there are none";

    if (fatal)
        finding_fail(findings, check, fix, "xord needs %u MB in hugepages%s: %s%s", wanted_mb, where, text,
                *huge->text ? " are free" : "");
    else
        finding_warn(findings, check, fix, "xord wants %u MB in hugepages%s: %s%s, so it runs without, and more slowly",
                wanted_mb, where, text, *huge->text ? " are free" : "");
}

/* The node that the mbufs are to stand on; -1: any. */
static int node_wanted(const struct wish *wish)
{
    return host_has(&wish->host, "/sys/devices/system/node/node1") ? wish->numa_node : -1;
}

static struct huge huge_of_node(char dir[128], const struct wish *wish, int node)
{
    if (node < 0)
        snprintf(dir, 128, "/sys/kernel/mm/hugepages");
    else
        snprintf(dir, 128, "/sys/devices/system/node/node%d/hugepages", node);
    return huge_read(&wish->host, dir);
}

/* The mbufs stand on the device's node, or nowhere. */
static void check_node(struct findings *findings, const struct wish *wish)
{
    char dir[128], where[64], fix[FIX_LEN];
    int node = node_wanted(wish);
    struct huge huge = huge_of_node(dir, wish, node);

    if (node < 0)
        return;
    snprintf(where, sizeof(where), " of node %d, the device's", node);
    if (huge.page_kb > 0 && huge.free_kb < wish->pool_mb * 1024ULL) {
        more_pages(fix, wish->pool_mb, &huge);
        report_lack(findings, wish->pool_mb, "memory.node", fix, where, &huge, true);
    } else {
        finding_ok(findings, "memory.node", "node %d, the device's, has them: %s free", node, huge.text);
    }
}

static void check_hugepages(struct findings *findings, const struct wish *wish)
{
    struct huge huge = huge_read(&wish->host, "/sys/kernel/mm/hugepages");
    bool fatal = must_be_huge(wish);
    char dir[128], fix[FIX_LEN];

    if (wish->no_huge) {
        finding_ok(findings, "memory.hugepages", "none are wanted (--no-huge)");
    } else if (huge.page_kb == 0) {
        finding_add(findings, fatal ? FINDING_FAIL : FINDING_WARN, "memory.hugepages", NULL,
                "this kernel has no hugepages: xord %s",
                fatal ? "needs them for this device" : "runs without, and more slowly");
    } else if (huge.free_kb < wish->memory_mb * 1024ULL) {
        struct huge where = huge_of_node(dir, wish, node_wanted(wish));

        more_pages(fix, wish->memory_mb, where.page_kb > 0 ? &where : &huge);
        report_lack(findings, wish->memory_mb, "memory.hugepages", fix, "", &huge, fatal);
    } else {
        finding_ok(findings, "memory.hugepages", "%s free, %u MB wanted", huge.text, wish->memory_mb);
        check_node(findings, wish);
    }
}

static bool is_mounted(const struct host *host)
{
    char path[PATH_MAX], line[1024], type[64];
    bool found = false;
    FILE *file;

    host_path(path, host, "/proc/self/mounts");
    file = fopen(path, "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "%*s %*s %63s", type) == 1 && strcmp(type, "hugetlbfs") == 0)
            found = true;
    if (file)
        fclose(file);
    return found;
}

static void check_hugetlbfs(struct findings *findings, const struct wish *wish)
{
    bool mounted = is_mounted(&wish->host);

    if (mounted)
        finding_ok(findings, "memory.hugetlbfs", "mounted");
    else if (!wish->needs_hugetlbfs)
        finding_ok(findings, "memory.hugetlbfs", "not mounted, and not needed: xord takes hugepages without files");
    else
        finding_fail(findings, "memory.hugetlbfs",
                "mkdir -p /dev/hugepages && mount -t hugetlbfs hugetlbfs /dev/hugepages",
                "not mounted, which the EAL options after -- ask for");
}

void check_memory(struct findings *findings, const struct wish *wish)
{
    if (!wish_is_dpdk(wish))
        return;
    check_hugepages(findings, wish);
    check_hugetlbfs(findings, wish);
}
