/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL with defaults that suit a program which is no guest of honour on the machine: it touches no PCI device but the one
 * named, runs without hugepages if there are none free, shares nothing with other processes, stays silent, and leaves
 * nothing behind. What stands after "--" on the command line is added, and wins. An application that has started EAL
 * itself keeps it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include "dpdk_private.h"
#include "xord_hash.h"
#include "xord_log.h"
#include "xord_port.h"

#define HUGEPAGES_DIR    "/sys/kernel/mm/hugepages"
#define ARG_MAX_CNT      96
#define ARG_BYTES        8192
#define AF_PACKET_QUEUES 16   /* the most that its driver makes */
#define BASE_MB          64   /* EAL's own, and what drivers take besides mbufs */
#define MBUF_BYTES       4096 /* without hugepages each has a page of its own */
#define RUNTIME_DIR_MAX  64
#define DEVARGS_LEN      1024
#define DEVARGS_MAX      (DEVARGS_LEN - 64)

struct args {
    char *argv[ARG_MAX_CNT + 1];
    int argc;
    bool overflow;
    size_t used;
    char bytes[ARG_BYTES];
};

static struct {
    bool started_ever;
    bool own_prefix; /* the runtime directory is ours alone */
    bool telemetry;  /* wanted */
    bool running;
    char runtime_dir[256];
    int runtime_fd; /* of it, if there is something in it */
} eal = {.runtime_fd = -1};

/* ---- the arguments ---- */

static void arg(struct args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void arg(struct args *args, const char *format, ...)
{
    size_t room = sizeof(args->bytes) - args->used;
    va_list list;
    int len;

    va_start(list, format);
    len = vsnprintf(args->bytes + args->used, room, format, list);
    va_end(list);
    if (len < 0 || (size_t)len >= room || args->argc == ARG_MAX_CNT) {
        args->overflow = true;
        return;
    }
    args->argv[args->argc++] = args->bytes + args->used;
    args->used += (size_t)len + 1;
}

/* Did the user give an option of this name? Short ones may carry their value: "-l2". */
static bool given(const struct xord_port_config *config, const char *option)
{
    size_t len = strlen(option);
    bool is_long = option[1] == '-';

    for (int i = 0; i < config->eal_arg_cnt; i++) {
        const char *text = config->eal_args[i];

        if (strncmp(text, option, len) == 0 && (!is_long || text[len] == '\0' || text[len] == '='))
            return true;
    }
    return false;
}

static bool given_any(const struct xord_port_config *config, const char *const *options)
{
    for (; *options; options++)
        if (given(config, *options))
            return true;
    return false;
}

static uint64_t hugepage_free_kb(const char *dir)
{
    char path[512];
    unsigned long long size_kb, cnt = 0;
    FILE *file;

    if (sscanf(dir, "hugepages-%llukB", &size_kb) != 1)
        return 0;
    snprintf(path, sizeof(path), HUGEPAGES_DIR "/%s/free_hugepages", dir);
    file = fopen(path, "re");
    if (!file)
        return 0;
    if (fscanf(file, "%llu", &cnt) != 1)
        cnt = 0;
    fclose(file);
    return cnt * size_kb;
}

static uint64_t hugepages_free_mb(void)
{
    DIR *dir = opendir(HUGEPAGES_DIR);
    const struct dirent *entry;
    uint64_t kb = 0;

    if (!dir)
        return 0;
    while ((entry = readdir(dir)))
        kb += hugepage_free_kb(entry->d_name);
    closedir(dir);
    return kb / 1024;
}

uint32_t dpdk_mbuf_cnt(uint16_t worker_cnt)
{
    /* two rings of 1,024, a burst in and one out, frames handed over, the worker's cache */
    return 4096U * worker_cnt;
}

uint32_t xord_port_dpdk_mb(uint16_t worker_cnt)
{
    return BASE_MB + (uint32_t)((uint64_t)dpdk_mbuf_cnt(worker_cnt) * MBUF_BYTES / (1 << 20));
}

static void memory_args(struct args *args, const struct xord_port_config *config)
{
    static const char *const own_ways[] = {"--in-memory", "--huge-dir", "--huge-unlink", "--legacy-mem",
            "--single-file-segments", "--match-allocations", "--proc-type", NULL};
    static const char *const sizes[] = {"-m", "--socket-mem", NULL};
    uint32_t mb = xord_port_dpdk_mb(config->worker_cnt);
    bool no_huge = given(config, "--no-huge");

    if (given_any(config, own_ways))
        return;
    if (!no_huge && hugepages_free_mb() >= mb) {
        arg(args, "--in-memory");
        return;
    }
    if (!no_huge)
        arg(args, "--no-huge");
    if (!given(config, "--no-shconf"))
        arg(args, "--no-shconf");
    if (!given_any(config, sizes)) {
        arg(args, "-m");
        arg(args, "%u", mb);
    }
}

static int first_cpu(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &set))
                return cpu;
    return 0;
}

/* DPDK ends when it cannot make the socket: it stands in a directory of its own below one of these. */
static bool telemetry_has_room(void)
{
    const char *dir = getuid() == 0 ? "/var/run" : getenv("XDG_RUNTIME_DIR");
    char own[256];

    if (!dir)
        dir = "/tmp";
    snprintf(own, sizeof(own), "%s/dpdk", dir);
    if (strlen(dir) < RUNTIME_DIR_MAX && access(access(own, F_OK) == 0 ? own : dir, W_OK) == 0)
        return true;
    xord_log(XORD_LOG_INFO, "no DPDK telemetry: nothing can be made in %s", dir);
    return false;
}

static void telemetry_args(struct args *args, const struct xord_port_config *config)
{
    eal.telemetry = given(config, "--telemetry") ||
                    (config->telemetry && !given(config, "--no-telemetry") && telemetry_has_room());
    if (!eal.telemetry && !given(config, "--no-telemetry"))
        arg(args, "--no-telemetry");
}

static void args_build(struct args *args, const struct xord_port_config *config, const char *devargs)
{
    static const char *const cores[] = {"-l", "-c", "--lcores", NULL};
    static const char *const devices[] = {"-a", "--allow", "-b", "--block", "--no-pci", NULL};
    char bdf[DPDK_NAME_LEN];

    arg(args, "xord");
    if (dpdk_devargs_is_pci(bdf, devargs)) {
        arg(args, "-a");
        arg(args, "%s", devargs);
    } else if (!given_any(config, devices)) {
        arg(args, "--no-pci");
    }
    memory_args(args, config);
    if (!given_any(config, cores)) {
        arg(args, "--lcores");
        arg(args, "0@%d", first_cpu());
    }
    telemetry_args(args, config);
    eal.own_prefix = !given(config, "--file-prefix");
    if (eal.own_prefix)
        arg(args, "--file-prefix=xord-%d", (int)getpid());
    arg(args, "--log-level=*:%s", xord_log_get_level() >= XORD_LOG_DEBUG ? "info" : "error");
    for (int i = 0; i < config->eal_arg_cnt; i++)
        arg(args, "%s", config->eal_args[i]);
}

/* ---- the runtime directory ---- */

/* What was killed has left its telemetry socket, which nobody serves any more. */
static void dead_socket_remove(const char *dir)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int len = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk_telemetry.v2", dir);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    if (len > 0 && (size_t)len < sizeof(addr.sun_path) && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 &&
            errno == ECONNREFUSED)
        (void)unlink(addr.sun_path);
    close(fd);
}

/* One who has left root cannot remove its directory from that of all, which is root's: it stays until the next start. */
static void dead_ones_remove(void)
{
    const char *slash = strrchr(eal.runtime_dir, '/');
    const struct dirent *entry;
    char path[sizeof(eal.runtime_dir) + sizeof(entry->d_name)];
    DIR *all;

    if (!slash)
        return;
    snprintf(path, sizeof(path), "%.*s", (int)(slash - eal.runtime_dir), eal.runtime_dir);
    all = opendir(path);
    while (all && (entry = readdir(all))) {
        int pid, len = 0;

        if (sscanf(entry->d_name, "xord-%d%n", &pid, &len) != 1 || entry->d_name[len] || kill(pid, 0) == 0 ||
                errno != ESRCH)
            continue;
        snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - eal.runtime_dir), eal.runtime_dir, entry->d_name);
        dead_socket_remove(path);
        (void)rmdir(path); /* if it is empty now */
    }
    if (all)
        closedir(all);
}

/* What shares nothing needs none; else it is not empty, and goes at the end. */
static void runtime_dir_note(void)
{
    snprintf(eal.runtime_dir, sizeof(eal.runtime_dir), "%s", rte_eal_get_runtime_dir());
    if (!eal.own_prefix)
        return;
    dead_ones_remove();
    if (rmdir(eal.runtime_dir))
        eal.runtime_fd = open(eal.runtime_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void xord_port_hand_over(uid_t uid, gid_t gid)
{
    if (eal.runtime_fd >= 0)
        (void)!fchown(eal.runtime_fd, uid, gid);
}

/* Removes what EAL has put into its runtime directory. */
static void runtime_dir_remove(void)
{
    DIR *dir = eal.runtime_fd >= 0 ? fdopendir(eal.runtime_fd) : NULL;
    const struct dirent *entry;

    eal.runtime_fd = -1;
    if (!dir)
        return;
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    (void)rmdir(eal.runtime_dir);
}

/* ---- starting ---- */

/* EAL pins the calling thread, and its own threads inherit the signal mask: signals are the control thread's, and where
 * workers run is not for EAL to say. */
static int init_quietly(struct args *args, char said[DPDK_SAID_LEN])
{
    struct dpdk_capture capture;
    sigset_t all, before;
    cpu_set_t cpus;
    bool has_cpus = pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus) == 0;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    dpdk_capture_begin(&capture);
    (void)rte_openlog_stream(stderr); /* and not to syslog */
    rc = rte_eal_init(args->argc, args->argv);
    dpdk_capture_end(&capture, said);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (has_cpus)
        (void)pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
    runtime_dir_note();
    return rc;
}

/* A MAC that is the same whenever this address is at this end: whoever comes back is to be found by those who remember it. */
static void mac_complete(char *out, size_t cap, const char *devargs, const struct xord_port_config *config)
{
    static const struct xord_hash_key key = {0};
    bool server = strstr(devargs, ",role=server") || strstr(devargs, ",role=master");
    uint64_t hash = xord_hash64(&key, config->addrs[0].ip16, sizeof(config->addrs[0].ip16)) ^ server;

    (void)snprintf(out, cap, ",mac=02:%02x:%02x:%02x:%02x:%02x", (unsigned)(hash >> 32 & 0xff),
            (unsigned)(hash >> 24 & 0xff), (unsigned)(hash >> 16 & 0xff), (unsigned)(hash >> 8 & 0xff),
            (unsigned)(hash & 0xff));
}

/* A virtual device's arguments, with better defaults where the driver's are poor: af_packet has one queue, and room for
 * 512 frames, which a crawl fills in milliseconds; memif has another MAC each time. */
static void devargs_complete(char out[DEVARGS_LEN], const char *devargs, const struct xord_port_config *config)
{
    unsigned queues = config->worker_cnt < AF_PACKET_QUEUES ? config->worker_cnt : AF_PACKET_QUEUES;
    bool af_packet = strncmp(devargs, "net_af_packet", strlen("net_af_packet")) == 0;
    bool memif = strncmp(devargs, "net_memif", strlen("net_memif")) == 0;
    int len = snprintf(out, DEVARGS_LEN, "%s", devargs);

    if (af_packet && !strstr(devargs, ",qpairs="))
        len += snprintf(out + len, DEVARGS_LEN - (size_t)len, ",qpairs=%u", queues);
    if (af_packet && !strstr(devargs, ",framecnt=") && !strstr(devargs, ",framesz=") && !strstr(devargs, ",blocksz="))
        (void)snprintf(out + len, DEVARGS_LEN - (size_t)len, ",framecnt=2048");
    if (memif && config->addr_cnt > 0 && !strstr(devargs, ",mac="))
        mac_complete(out + len, DEVARGS_LEN - (size_t)len, devargs, config);
}

/* The first port of the device; a PCI device was probed at start, of which `said` tells, a virtual one is now. */
static int device_probe(uint16_t *port_id, char said[DPDK_SAID_LEN], const char *devargs,
        const struct xord_port_config *config, char *err)
{
    char name[DPDK_NAME_LEN], full[DEVARGS_LEN];
    struct dpdk_capture capture;

    if (!dpdk_devargs_is_pci(name, devargs)) {
        devargs_complete(full, devargs, config);
        dpdk_capture_begin(&capture);
        (void)rte_dev_probe(full);
        dpdk_capture_end(&capture, said);
        dpdk_devargs_name(name, devargs);
    }
    RTE_ETH_FOREACH_DEV(*port_id)
    {
        struct rte_eth_dev_info info;

        if (rte_eth_dev_info_get(*port_id, &info) == 0 && strcmp(rte_dev_name(info.device), name) == 0)
            return 0;
    }
    dpdk_explain(err, devargs, said);
    return -1;
}

static bool wants_help(const struct xord_port_config *config)
{
    return given(config, "--help") || given(config, "-h") || given(config, "-v");
}

/* The device is the application's, who has made it. */
static int device_find(uint16_t *port_id, const char *devargs, char *err)
{
    char name[DPDK_NAME_LEN];

    if (!dpdk_devargs_is_pci(name, devargs))
        dpdk_devargs_name(name, devargs);
    if (rte_eth_dev_get_port_by_name(name, port_id) == 0)
        return 0;
    snprintf(err, XORD_PORT_ERR_LEN, "there is no device %.60s in the DPDK that runs in this process", name);
    return -1;
}

int dpdk_eal_start(uint16_t *port_id, bool *started, const struct xord_port_config *config, char err[XORD_PORT_ERR_LEN])
{
    const char *devargs = config->spec + strlen("dpdk:");
    struct args args = {0};
    char said[DPDK_SAID_LEN];

    *started = false;
    if (!eal.started_ever && rte_lcore_count() > 0)
        return device_find(port_id, devargs, err);
    if (eal.started_ever) {
        snprintf(err, XORD_PORT_ERR_LEN, "DPDK can be started only once in a process: start xord anew");
        return -1;
    }
    if (wants_help(config)) {
        snprintf(err, XORD_PORT_ERR_LEN, "after \"--\" stand EAL options that run DPDK, not --help, -h or -v");
        return -1;
    }
    args_build(&args, config, devargs);
    if (args.overflow || strlen(devargs) > DEVARGS_MAX) {
        snprintf(err, XORD_PORT_ERR_LEN, "--port or the EAL options after \"--\" are too long");
        return -1;
    }
    eal.started_ever = true;
    if (init_quietly(&args, said) < 0) {
        snprintf(err, XORD_PORT_ERR_LEN, "DPDK cannot start (%.160s): check the options after \"--\"; -v shows more",
                *said ? said : rte_strerror(rte_errno));
        runtime_dir_remove();
        return -1;
    }
    eal.running = true;
    if (device_probe(port_id, said, devargs, config, err) == 0) {
        *started = true;
        return 0;
    }
    dpdk_eal_stop();
    return -1;
}

const char *dpdk_eal_telemetry_dir(void)
{
    return eal.telemetry && eal.running ? eal.runtime_dir : NULL;
}

void dpdk_eal_stop(void)
{
    struct dpdk_capture capture;

    eal.running = false;
    dpdk_capture_begin(&capture);
    (void)rte_eal_cleanup();
    dpdk_capture_end(&capture, NULL);
    runtime_dir_remove();
}
