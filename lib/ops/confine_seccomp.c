/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls of a running xord, as a seccomp filter. Found by tracing each command on each kind of port, from the end
 * of its start to its end; docs/decisions.md says how to do that again.
 *
 * A call that is not on the list raises SIGSYS in its thread. The handler writes which call that was and lets the signal end
 * the process, so that a supervisor sees it and a core dump, where those are allowed, shows the place. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine_private.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define NAMES_CNT 512 /* of the calls; x86-64 has fewer than 500 */
#define NAME_LEN  32

/* ---- the lists ---- */

/* Memory; threads that are there, and their end; time; signals of our own; files that are open; the UDP sockets. */
static const char *const always[] = {
        "brk munmap mremap madvise",
        "futex sched_yield sched_getaffinity sysinfo gettid getpid exit exit_group restart_syscall",
        "rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack",
        "clock_gettime clock_nanosleep nanosleep gettimeofday time getrandom getrusage",
        "read write writev lseek close ftruncate fsync fstat newfstatat",
        "poll ppoll recvmmsg sendmmsg",
        NULL,
};

/* A new file beside the old one, and then in its place. */
static const char *const files[] = {
        "open openat access faccessat faccessat2 rename renameat renameat2 unlink unlinkat",
        "fdatasync fchmod pread64 pwrite64",
        NULL,
};

/* The control socket, and what libmicrohttpd does. */
static const char *const clients[] = {
        "accept accept4 recvfrom recvmsg sendto sendmsg sendfile shutdown",
        "getsockopt setsockopt getsockname getpeername",
        "select pselect6 epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 unlink unlinkat",
        "getdents64", /* metrics: how many files are open */
        NULL,
};

static const char *const threads[] = {
        "set_robust_list rseq sched_setscheduler sched_setaffinity",
        NULL,
};

/* Interrupts and alarms; a memif peer that comes and goes; the frames of a tap, an af_packet, an af_xdp; what is given back at
 * the end, and the driver's words about that. */
static const char *const device[] = {
        "epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait eventfd2 timerfd_create timerfd_settime pipe2",
        "accept accept4 connect bind shutdown getsockopt setsockopt getsockname",
        "recvfrom recvmsg sendto sendmsg readv pread64 pwrite64 memfd_create fallocate flock dup dup2",
        "open openat access getdents64 unlink unlinkat rmdir",
        "mlock munlock mincore get_mempolicy set_mempolicy mbind",
        NULL,
};

/* libxdp, to take a program from an interface. */
static const char *const xdp[] = {
        "bpf mkdir statfs fstatfs",
        NULL,
};

/* What sanitizers do to look for leaks and to say what they have found. */
static const char *const sanitizer[] = {
        "clone wait4 ptrace prctl personality process_vm_readv tgkill kill getrlimit setrlimit prlimit64 arch_prctl",
        "mmap mprotect open openat access stat readlink readlinkat getdents getdents64 pread64 pipe pipe2 ioctl fcntl "
        "unlink",
        "getuid geteuid getppid uname set_robust_list rseq",
        NULL,
};

/* ---- rules ---- */

struct rules {
    scmp_filter_ctx ctx;
    int error; /* 0, or what libseccomp said first */
};

static void rule(struct rules *rules, uint32_t action, int call, unsigned cnt, const struct scmp_arg_cmp *args)
{
    int rc = seccomp_rule_add_array(rules->ctx, action, call, cnt, args);

    if (rc && rc != -EEXIST && !rules->error)
        rules->error = rc;
}

static void allow_words(struct rules *rules, const char *words)
{
    char name[NAME_LEN];
    int len, call;

    while (sscanf(words, " %31s%n", name, &len) == 1) {
        words += len;
        call = seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR)
            rules->error = -ENOENT;
        else
            rule(rules, SCMP_ACT_ALLOW, call, 0, NULL);
    }
}

static void allow(struct rules *rules, const char *const *lines)
{
    for (; *lines; lines++)
        allow_words(rules, *lines);
}

/* Where the bits of `mask` of argument `arg` are `value`. */
static void allow_masked(struct rules *rules, int call, unsigned arg, uint64_t mask, uint64_t value)
{
    struct scmp_arg_cmp cmp = SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value);

    rule(rules, SCMP_ACT_ALLOW, call, 1, &cmp);
}

/* Where argument `arg`, an int, is `value`; at what stands above its 32 bits the kernel does not look. */
static void allow_int(struct rules *rules, int call, unsigned arg, uint32_t value)
{
    allow_masked(rules, call, arg, UINT32_MAX, value);
}

static void rules_always(struct rules *rules)
{
    allow(rules, always);
    allow_masked(rules, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
    allow_masked(rules, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
    allow_masked(rules, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
    allow_int(rules, SCMP_SYS(tgkill), 0, (uint32_t)getpid()); /* abort */
    allow_int(rules, SCMP_SYS(fcntl), 1, F_GETFD);
    allow_int(rules, SCMP_SYS(fcntl), 1, F_SETFD);
    allow_int(rules, SCMP_SYS(fcntl), 1, F_GETFL);
    allow_int(rules, SCMP_SYS(fcntl), 1, F_SETFL);
    allow_int(rules, SCMP_SYS(ioctl), 1, TCGETS); /* is it a terminal? */
    allow_int(rules, SCMP_SYS(ioctl), 1, TIOCGWINSZ);
}

/* clone3 has its flags in memory, where a filter cannot see them; without it the C library takes clone. */
static void rules_threads(struct rules *rules)
{
    allow(rules, threads);
    rule(rules, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);
    allow_masked(rules, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
}

static void rules_device(struct rules *rules)
{
    static const uint32_t families[] = {AF_UNIX, AF_INET, AF_NETLINK}; /* memif, ioctls on interfaces, XDP and taps */
    static const uint32_t ioctls[] = {';', 0x89, 0x1b};                /* VFIO, network interfaces, InfiniBand verbs */

    allow(rules, device);
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        allow_int(rules, SCMP_SYS(socket), 0, families[i]);
    for (size_t i = 0; i < sizeof(ioctls) / sizeof(ioctls[0]); i++)
        allow_masked(rules, SCMP_SYS(ioctl), 1, 0xff00, ioctls[i] << 8);
    allow_masked(rules, SCMP_SYS(ioctl), 1, 0xc000ff00, 0x40005400); /* taps: TUNSETIFF and its kin, no terminal */
}

static void rules_make(struct rules *rules, unsigned needs)
{
    rules_always(rules);
    if (needs & XORD_NEED_FILES)
        allow(rules, files);
    if (needs & XORD_NEED_CLIENTS) {
        allow(rules, clients);
        allow_masked(rules, SCMP_SYS(prlimit64), 2, UINT64_MAX, 0); /* metrics: limits are read, not set */
    }
    if (needs & XORD_NEED_THREADS)
        rules_threads(rules);
    if (needs & XORD_NEED_DEVICE)
        rules_device(rules);
    if (needs & XORD_NEED_XDP)
        allow(rules, xdp);
    if (SANITIZED)
        allow(rules, sanitizer);
}

/* ---- a forbidden call ---- */

static char names[NAMES_CNT][NAME_LEN]; /* looked up ahead: the handler may not */

static void names_fill(void)
{
    for (int call = 0; call < NAMES_CNT; call++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

        snprintf(names[call], NAME_LEN, "%s", name ? name : "");
        free(name);
    }
}

/* Appends to a line in a handler, where there is no stdio. */
static size_t line_add(char *line, size_t len, size_t cap, const char *text)
{
    while (*text && len < cap)
        line[len++] = *text++;
    return len;
}

static size_t line_add_number(char *line, size_t len, size_t cap, unsigned number)
{
    char digits[16] = "";
    size_t at = sizeof(digits) - 1;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    return line_add(line, len, cap, &digits[at]);
}

/* The signal is reset to its default by SA_RESETHAND and blocked until we return: then it ends the process. */
static void on_sigsys(int sig, siginfo_t *info, void *context)
{
    unsigned call = (unsigned)info->si_syscall;
    char line[400];
    size_t len = 0, cap = sizeof(line);

    (void)context;
    len = line_add(line, len, cap, "xord: error: system call ");
    if (call < NAMES_CNT && names[call][0]) {
        len = line_add(line, len, cap, names[call]);
        len = line_add(line, len, cap, " (");
    }
    len = line_add_number(line, len, cap, call);
    if (call < NAMES_CNT && names[call][0])
        len = line_add(line, len, cap, ")");
    len = line_add(line, len, cap,
            " is not one that xord makes once it runs, and the seccomp filter has ended it: it was made to do what it "
            "should not, or the list lacks a call; please report this line, and see --seccomp\n");
    (void)!write(STDERR_FILENO, line, len);
    (void)syscall(SYS_tgkill, getpid(), gettid(), sig);
}

static void handler_set(void)
{
    struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = (int)(SA_SIGINFO | SA_RESETHAND)};

    (void)sigaction(SIGSYS, &action, NULL);
}

/* ---- loading ---- */

static bool is_absent(int rc)
{
    return rc == -ENOSYS || rc == -EINVAL || rc == -EOPNOTSUPP;
}

static int filter_load(struct rules *rules)
{
    int rc = rules->error;

    if (!rc)
        rc = seccomp_attr_set(rules->ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
    if (!rc)
        rc = seccomp_attr_set(rules->ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!rc)
        rc = seccomp_attr_set(rules->ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (!rc)
        rc = seccomp_attr_set(rules->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
    return rc ? rc : seccomp_load(rules->ctx);
}

/* Does the kernel have seccomp filters, as far as we are let? */
static bool kernel_has_seccomp(void)
{
    /* A filter at no address: a kernel that would take one cannot read it. */
    return prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, NULL, 0, 0) == 0 || errno == EFAULT;
}

int confine_filter(unsigned needs, bool log_only, char err[XORD_CONFINE_ERR_LEN])
{
    struct rules rules = {0};
    int rc;

    if (!kernel_has_seccomp()) {
        snprintf(err, XORD_CONFINE_ERR_LEN, "this kernel, or this container, has no seccomp filters");
        return 1;
    }
    names_fill();
    handler_set();
    rules.ctx = seccomp_init(log_only ? SCMP_ACT_LOG : SCMP_ACT_TRAP);
    if (rules.ctx)
        rules_make(&rules, needs);
    rc = rules.ctx ? filter_load(&rules) : -ENOMEM;
    seccomp_release(rules.ctx);
    if (rc == 0)
        return 0;
    snprintf(err, XORD_CONFINE_ERR_LEN, "cannot install the seccomp filter: %s", strerror(-rc));
    return is_absent(rc) ? 1 : -1;
}
