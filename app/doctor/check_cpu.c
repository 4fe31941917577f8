/* SPDX-License-Identifier: BSD-3-Clause */
/* The processor: instructions, how many cores, what they are kept free of. */
#include <string.h>

#include "doctor.h"
#include "xord_aes.h"

static bool has_flag(const char *flags, const char *flag)
{
    size_t len = strlen(flag);
    const char *at = flags;

    while ((at = strstr(at, flag))) {
        if ((at == flags || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
        at += len;
    }
    return false;
}

/* The first of `wanted` (separated by blanks) that is not there; false: all are. */
static bool lacks(char missing[32], const char *flags, const char *wanted)
{
    while (*wanted) {
        size_t len = strcspn(wanted, " ");

        snprintf(missing, 32, "%.*s", (int)len, wanted);
        if (!has_flag(flags, missing))
            return true;
        wanted += len + (wanted[len] == ' ');
    }
    return false;
}

/* As lib/crypto/aes_native.c chooses. */
static const char *kernel_by_flags(const char *flags)
{
    char missing[32];

    if (lacks(missing, flags, "aes pclmulqdq ssse3 sse4_1"))
        return NULL;
    if (lacks(missing, flags, "vaes vpclmulqdq avx2 bmi1 bmi2"))
        return "sse";
    return lacks(missing, flags, "avx512f avx512bw avx512dq avx512vl") ? "avx2" : "avx512";
}

static void check_aes(struct findings *findings, const struct wish *wish, const char *flags)
{
    const char *kernel = host_is_live(&wish->host) ? xord_aes_native_kernel() : kernel_by_flags(flags);
    char missing[32];

    if (kernel)
        finding_ok(findings, "cpu.aes", "AES by the %s kernel%s", kernel,
                strcmp(kernel, "sse") == 0 ? ", one packet an instruction: this CPU has no VAES" : "");
    else if (lacks(missing, flags, "aes pclmulqdq ssse3 sse4_1"))
        finding_fail(findings, "cpu.aes", NULL,
                "the CPU, or the virtual machine that stands for it, lacks %s: in a virtual machine choose the host's "
                "own "
                "CPU model (QEMU: -cpu host)",
                missing);
    else
        finding_fail(findings, "cpu.aes", NULL, "xord finds no AES instructions");
}

/* Debian builds DPDK for -march=corei7. */
static void check_dpdk_flags(struct findings *findings, const char *flags)
{
    char missing[32];

    if (lacks(missing, flags, "sse4_2 popcnt cx16"))
        finding_fail(findings, "cpu.dpdk", NULL, "DPDK does not start on this CPU: it lacks %s", missing);
    else
        finding_ok(findings, "cpu.dpdk", "the CPU has what DPDK was built for");
}

/* A bare chroot or container may lack it, and EAL then finds not even CPU 0. */
static void check_sysfs(struct findings *findings, const struct wish *wish)
{
    if (host_has(&wish->host, "/sys/devices/system/cpu"))
        finding_ok(findings, "host.sysfs", "/sys is mounted");
    else
        finding_fail(findings, "host.sysfs", "mkdir -p /sys && mount -t sysfs sysfs /sys",
                "/sys is not mounted, where DPDK looks for CPUs and devices");
}

static void check_count(struct findings *findings, const struct wish *wish, const struct cpus *allowed)
{
    unsigned cnt = cpus_count(allowed), spins = wish_is_dpdk(wish) ? wish->workers : 0;
    char fix[FIX_LEN];

    if (cnt == 0) {
        finding_warn(findings, "cpu.count", NULL, "/proc/self/status does not say which CPUs may be used");
    } else if (wish->workers > cnt) {
        snprintf(fix, sizeof(fix), "xord doctor --port '%s' --workers %u", wish->spec, cnt);
        finding_warn(findings, "cpu.count", fix, "%u workers on %u CPU%s wait for each other: use fewer", wish->workers,
                cnt, cnt == 1 ? "" : "s");
    } else {
        finding_ok(findings, "cpu.count", "%u CPU%s for %u worker%s%s", cnt, cnt == 1 ? "" : "s", wish->workers,
                wish->workers == 1 ? "" : "s",
                spins == cnt ? "; spinning, they leave none to the system: --idle sleep is gentler" : "");
    }
}

/* Cores that the scheduler gives to nobody are the operator's to hand out, by taskset or CPUAffinity=. */
static void check_isolated(struct findings *findings, const struct wish *wish, const struct cpus *allowed)
{
    char list[256], fix[FIX_LEN];
    struct cpus isolated;
    unsigned cnt = cpus_count(allowed);

    host_read(list, sizeof(list), &wish->host, "/sys/devices/system/cpu/isolated");
    cpus_parse(&isolated, list);
    if (cpus_count(&isolated) > 0 && !cpus_meet(&isolated, allowed)) {
        snprintf(fix, sizeof(fix), "taskset -c %s xord doctor --port '%s' --workers %u", list, wish->spec,
                wish->workers);
        finding_warn(findings, "cpu.isolated", fix, "CPUs %s are isolated, and xord was not started on them", list);
    } else if (cpus_count(&isolated) > 0) {
        finding_ok(findings, "cpu.isolated", "isolated and ours: CPUs %s", list);
    } else if (cnt < wish->workers + 2U) {
        finding_ok(findings, "cpu.isolated", "none, and none to spare: xord shares its CPUs with the system");
    } else {
        unsigned first = 0, last;

        for (last = CPUS_MAX - 1; !cpus_have(allowed, last); last--)
            ;
        for (unsigned n = 0, cpu = last; n < wish->workers; cpu--)
            if (cpus_have(allowed, cpu)) {
                first = cpu;
                n++;
            }
        snprintf(fix, sizeof(fix),
                "mkdir -p /etc/default/grub.d && echo 'GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX isolcpus=%u-%u "
                "nohz_full=%u-%u\"' >/etc/default/grub.d/xord-cpus.cfg && update-grub && reboot",
                first, last, first, last);
        finding_warn(findings, "cpu.isolated", fix,
                "none: the system runs its own work on the workers' CPUs now and then");
    }
}

struct governors {
    const struct host *host;
    unsigned cnt;
    char slow[32]; /* one that is not "performance" */
};

static bool see_governor(void *ctx, const char *name)
{
    struct governors *governors = ctx;
    char text[32];

    if (!host_read(text, sizeof(text), governors->host, "/sys/devices/system/cpu/%s/cpufreq/scaling_governor", name))
        return true;
    governors->cnt++;
    if (strcmp(text, "performance") != 0)
        memcpy(governors->slow, text, sizeof(text));
    return true;
}

static void check_governor(struct findings *findings, const struct wish *wish)
{
    struct governors governors = {.host = &wish->host};

    host_each(&wish->host, see_governor, &governors, "/sys/devices/system/cpu");
    if (governors.cnt == 0)
        finding_ok(findings, "cpu.governor", "the system does not change the CPUs' frequency");
    else if (!*governors.slow)
        finding_ok(findings, "cpu.governor", "performance");
    else
        finding_warn(findings, "cpu.governor",
                "for f in /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor; do echo performance >\"$f\"; done",
                "\"%s\" lowers the CPUs' frequency", governors.slow);
}

void check_cpu(struct findings *findings, const struct wish *wish)
{
    char flags[8192];
    struct cpus allowed;

    host_row(flags, sizeof(flags), &wish->host, "/proc/cpuinfo", "flags");
    cpus_allowed(&allowed, &wish->host);
    check_aes(findings, wish, flags);
    if (wish_is_dpdk(wish)) {
        check_dpdk_flags(findings, flags);
        check_sysfs(findings, wish);
    }
    check_count(findings, wish, &allowed);
    if (wish_is_dpdk(wish)) {
        check_isolated(findings, wish, &allowed);
        check_governor(findings, wish);
    }
}
