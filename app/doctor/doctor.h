/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord doctor`: what a host has, held against what xord needs of it for a given port. Every check reads files below the
 * root of `struct host`, so that a copy of another machine's /proc and /sys, or a test's, can be looked at; what only a
 * running kernel answers (ioctl, sockets) is asked where the root is "/" alone.
 * Threading: the main thread only. */
#pragma once

#include <limits.h>
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- findings (findings.c) ---- */

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

#define FIX_LEN 1024 /* of a command that mends something */

struct findings {
    bool json, begun;
    unsigned cnt[3]; /* by enum finding */
};

/* One line of output. `fix` is a shell command for root, or NULL; only what is not ok has one. */
void finding_add(struct findings *findings, enum finding finding, const char *check, const char *fix,
        const char *format, ...) __attribute__((format(printf, 5, 6)));

#define finding_ok(findings, check, ...)        finding_add(findings, FINDING_OK, check, NULL, __VA_ARGS__)
#define finding_warn(findings, check, fix, ...) finding_add(findings, FINDING_WARN, check, fix, __VA_ARGS__)
#define finding_fail(findings, check, fix, ...) finding_add(findings, FINDING_FAIL, check, fix, __VA_ARGS__)

/* The end of the list; for people, a last line that sums up. */
void finding_end(const struct findings *findings, const char *spec);

/* ---- the host (host.c) ---- */

struct host {
    const char *root; /* "" for this machine */
};

static inline bool host_is_live(const struct host *host)
{
    return !*host->root;
}

/* The path below the root. */
void host_path(char path[PATH_MAX], const struct host *host, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

bool host_has(const struct host *host, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The beginning of a file, without white space at its end, at most cap - 1 bytes; false, and "", when it cannot be read. */
bool host_read(char *out, size_t cap, const struct host *host, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* A number that a file begins with, decimal or 0x...; `otherwise` when there is none. */
long long host_number(const struct host *host, long long otherwise, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* The last part of what a symbolic link points to; false, and "", when it is none. */
bool host_link(char *name, size_t cap, const struct host *host, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* Calls `visit` with each entry of a directory, in order of name; ends early when that returns false. */
void host_each(const struct host *host, bool (*visit)(void *ctx, const char *name), void *ctx, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* The value of a line "name:  value" of a file such as /proc/self/status, without white space around; false, and "", when there
 * is none. */
bool host_row(char *value, size_t cap, const struct host *host, const char *path, const char *name);

/* Has this process the capability (its number)? */
bool host_has_capability(const struct host *host, unsigned capability);

/* A limit of /proc/self/limits, soft or hard; UINT64_MAX: unlimited, or unknown. */
uint64_t host_limit(const struct host *host, const char *name, bool hard);

#define CPUS_MAX 4096

struct cpus {
    uint64_t bits[CPUS_MAX / 64];
};

/* Reads a list such as "0-3,8"; what is no list is empty. */
void cpus_parse(struct cpus *cpus, const char *list);
unsigned cpus_count(const struct cpus *cpus);
bool cpus_meet(const struct cpus *a, const struct cpus *b);
bool cpus_have(const struct cpus *cpus, unsigned cpu);

/* Those that this process may run on. */
void cpus_allowed(struct cpus *cpus, const struct host *host);

/* ---- interfaces of the kernel (iface.c) ---- */

struct iface {
    char name[IF_NAMESIZE];
    char driver[32];
    char bdf[32]; /* PCI address; "": none */
    bool up, carrier;
    unsigned mtu;
    long long speed_mb;             /* -1: not known */
    unsigned rx_queues, max_queues; /* 0: not known */
};

/* False: there is none of that name. */
bool iface_read(struct iface *iface, const struct host *host, const char *name);

/* Does traffic to the default route leave by it, directly or as part of a bridge, bond or VLAN? */
bool iface_is_default_route(const struct host *host, const char *name);

/* ---- PCI devices (pci.c) ---- */

/* The kernel's interface on a device; false, and "", when there is none. */
bool pci_iface(char name[IF_NAMESIZE], const struct host *host, const char *bdf);

/* Is there an IOMMU between the device and memory? */
bool pci_has_iommu(const struct host *host, const char *bdf);

/* ---- NIC families (nics.c; from drivers-config/nics) ---- */

enum nic_answer { NIC_NO, NIC_YES, NIC_DEVICE };

enum nic_bind {
    NIC_BIND_VFIO_PCI,
    NIC_BIND_BIFURCATED, /* the kernel keeps the device */
    NIC_BIND_INTERFACE,  /* a virtual device on an interface of the kernel */
    NIC_BIND_NONE,
};

#define NIC_ANY_NUMBER UINT16_MAX /* the device decides */

struct nic {
    const char *family, *title, *pmd, *library, *fallback;
    const char *kernel_drivers; /* separated by blanks; NULL: none */
    const char *capabilities;   /* of the process, likewise */
    const char *kernel_min;
    const uint16_t *devices;
    enum nic_bind bind;
    enum nic_answer uio; /* uio_pci_generic serves too */
    enum nic_answer rss, rx_udp_checksum, tx_udp_checksum, tx_ip4_checksum;
    uint16_t vendor, device_cnt; /* 0: a virtual device, whose name begins with `pmd` */
    uint16_t max_queues;
    uint16_t usable_queues; /* fewer than that, by xord; 0: no fewer */
    uint16_t rss_key_bytes, rss_reta;
    bool rss_udp; /* over the ports of UDP, of both IP versions */
};

extern const struct nic nics[];
extern const size_t nic_cnt;

/* NULL: no profile. */
const struct nic *nic_by_pci(unsigned vendor, unsigned device);
const struct nic *nic_by_name(const char *vdev);

/* ---- what is asked for ---- */

enum port_kind { PORT_SOCKET, PORT_PCI, PORT_IFACE, PORT_MEMIF, PORT_TAP, PORT_VDEV };

struct wish {
    struct host host;
    const char *spec;
    enum port_kind kind;
    char device[64]; /* of a dpdk port: "net_memif0", or a full PCI address */
    char iface[IF_NAMESIZE];
    const struct nic *nic; /* NULL: no profile, or not known yet */
    uint16_t udp_port;
    uint16_t workers;
    uint32_t memory_mb;            /* what DPDK will take, */
    uint32_t pool_mb;              /* of it on the node of the device */
    bool no_huge, needs_hugetlbfs; /* by EAL options */
    int numa_node;                 /* of the device; -1: unknown */
};

static inline bool wish_is_dpdk(const struct wish *wish)
{
    return wish->kind != PORT_SOCKET;
}

/* The value of an argument of the device, "iface" of "net_af_packet0,iface=eth1"; false, and "", when it has none. */
bool wish_argument(char *value, size_t cap, const struct wish *wish, const char *name);
/* The command that looks at the same device with another value of an argument, or without it (NULL). NULL: it cannot be quoted. */
const char *wish_otherwise(char fix[FIX_LEN], const struct wish *wish, const char *name, const char *value);

/* Checks, a file each; each asks by itself whether it concerns the port. */
void check_cpu(struct findings *findings, const struct wish *wish);
void check_clock(struct findings *findings, const struct wish *wish);
void check_memory(struct findings *findings, const struct wish *wish);
void check_limits(struct findings *findings, const struct wish *wish);
void check_udp(struct findings *findings, const struct wish *wish);
void check_driver(struct findings *findings, const struct wish *wish);
void check_pci(struct findings *findings, struct wish *wish);   /* finds wish->nic and wish->numa_node */
void check_iface(struct findings *findings, struct wish *wish); /* likewise */
void check_vdev(struct findings *findings, const struct wish *wish);
void check_queues(struct findings *findings, const struct wish *wish);
