/* SPDX-License-Identifier: BSD-3-Clause */
/* The filter: what is forbidden ends the process with a line that says what it was, in any thread; what each need allows
 * works; and what happens where the kernel has no filters. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "confined.h"

static int confine(unsigned needs, enum xord_seccomp seccomp)
{
    struct xord_confine_config config = {.needs = needs, .seccomp = seccomp, .core_dumps = true};
    char err[XORD_CONFINE_ERR_LEN] = "";
    int rc = xord_confine(&config, err);

    if (rc)
        fprintf(stderr, "%s\n", err);
    return rc;
}

/* ---- one call ---- */

struct call {
    const char *name; /* as the line has it */
    long number, args[4];
    unsigned needs;
    bool in_thread;
    enum xord_seccomp seccomp;
};

static struct {
    const struct call *call;
    pthread_barrier_t begun, confined;
} stage;

static void call_make(const struct call *call)
{
    (void)!syscall(call->number, call->args[0], call->args[1], call->args[2], call->args[3], 0L, 0L);
}

static void *caller(void *arg)
{
    sigset_t all;

    (void)arg;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_barrier_wait(&stage.begun);
    pthread_barrier_wait(&stage.confined);
    call_make(stage.call);
    return NULL;
}

static int make(void *ctx)
{
    const struct call *call = ctx;
    pthread_t thread;

    stage.call = call;
    pthread_barrier_init(&stage.begun, NULL, 2);
    pthread_barrier_init(&stage.confined, NULL, 2);
    if (call->in_thread && pthread_create(&thread, NULL, caller, NULL))
        return 1;
    if (call->in_thread)
        pthread_barrier_wait(&stage.begun);
    if (confine(call->needs, call->seccomp))
        return 2;
    if (call->in_thread) {
        pthread_barrier_wait(&stage.confined);
        pthread_join(thread, NULL);
    } else {
        call_make(call);
    }
    return 0;
}

static const unsigned every_need =
        XORD_NEED_FILES | XORD_NEED_CLIENTS | XORD_NEED_THREADS | XORD_NEED_DEVICE | XORD_NEED_XDP;

static void expect_end(const struct call *call)
{
    struct ending ending = child_run(make, (void *)call);
    char wanted[96];

    snprintf(wanted, sizeof(wanted), "xord: error: system call %s (%ld) is not one", call->name, call->number);
    cr_assert_eq(ending.signal, SIGSYS, "%s: exit code %d, signal %d: %s", call->name, ending.code, ending.signal,
            ending.said);
    cr_assert(strncmp(ending.said, wanted, strlen(wanted)) == 0, "%s: said \"%s\"", call->name, ending.said);
    cr_assert(strchr(ending.said, '\n') == ending.said + strlen(ending.said) - 1, "not one line: %s", ending.said);
}

Test(confine_seccomp, what_no_command_may)
{
#define CALL(call, ...)                                                                                                \
    {                                                                                                                  \
        .name = #call, .number = SYS_##call, .args = { __VA_ARGS__ }                                                   \
    }
    static const struct call calls[] = {CALL(execve, 0), CALL(execveat, 0), CALL(fork), CALL(vfork), CALL(setuid, 0),
            CALL(setresuid, 0, 0, 0), CALL(setgroups, 0), CALL(capset, 0), CALL(mount, 0), CALL(umount2, 0),
            CALL(chroot, 0), CALL(keyctl, 0), CALL(add_key, 0), CALL(init_module, 0), CALL(unshare, 0), CALL(setns, 0),
            CALL(perf_event_open, 0), CALL(userfaultfd, 0), CALL(process_vm_writev, 0), CALL(io_uring_setup, 0),
            CALL(chmod, 0), CALL(chown, 0), CALL(link, 0), CALL(symlink, 0), CALL(mknod, 0), CALL(kexec_load, 0),
            CALL(pidfd_open, 0), CALL(seccomp, 0), CALL(listen, 0), CALL(settimeofday, 0)};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct call call = calls[i];

        call.in_thread = i % 2;
        expect_end(&call);
        call.needs = every_need;
        expect_end(&call);
    }
}

#ifndef XORD_TEST_ASAN /* whose run-time library needs some of them */
Test(confine_seccomp, arguments_count)
{
    static const struct call calls[] = {CALL(ptrace, 0), CALL(setrlimit, 0), CALL(prctl, PR_SET_DUMPABLE, 1),
            CALL(kill, 1, 0), CALL(tgkill, 1, 1, 0),
            CALL(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS), CALL(mprotect, 0, 4096, PROT_EXEC),
            CALL(openat, AT_FDCWD, 0, O_WRONLY), CALL(openat, AT_FDCWD, 0, O_RDWR),
            CALL(openat, AT_FDCWD, 0, O_RDONLY | O_CREAT), CALL(ioctl, 0, TIOCSTI), CALL(fcntl, 0, F_SETOWN, 1),
            CALL(socket, AF_INET, SOCK_DGRAM), CALL(socket, AF_UNIX, SOCK_STREAM), CALL(rename, 0), CALL(unlink, 0),
            CALL(clone, SIGCHLD), CALL(clone, CLONE_VM | CLONE_VFORK | SIGCHLD), CALL(accept4, 0), CALL(connect, 0),
            CALL(bind, 0), CALL(bpf, 0), CALL(dup, 0), CALL(memfd_create, 0)};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct call call = calls[i];

        call.in_thread = i % 2;
        expect_end(&call);
    }
}

Test(confine_seccomp, arguments_count_whatever_is_needed)
{
    static const struct call calls[] = {CALL(ptrace, 0), CALL(prctl, PR_SET_DUMPABLE, 1),
            CALL(mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS), CALL(clone, SIGCHLD),
            CALL(clone, CLONE_VM | CLONE_VFORK | SIGCHLD), CALL(ioctl, 0, TIOCSTI), CALL(socket, AF_PACKET, SOCK_RAW),
            CALL(prlimit64, 0, RLIMIT_CORE, 1), CALL(socket, AF_INET6, SOCK_RAW), CALL(socket, AF_ALG, SOCK_SEQPACKET),
            CALL(tgkill, 1, 1, 0)};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct call call = calls[i];

        call.needs = every_need;
        expect_end(&call);
    }
}
#endif

static int unknown(void *ctx)
{
    (void)ctx;
    if (confine(0, XORD_SECCOMP_ON))
        return 1;
    (void)!syscall(4711);
    return 2;
}

Test(confine_seccomp, a_call_without_a_name)
{
    struct ending ending = child_run(unknown, NULL);

    cr_assert_eq(ending.signal, SIGSYS);
    cr_assert(strstr(ending.said, "system call 4711 is not one"), "%s", ending.said);
}

Test(confine_seccomp, off_and_log_let_it_pass)
{
    struct call call = CALL(setresuid, -1, -1, -1);

    for (int i = 0; i < 2; i++) {
        struct ending ending;

        call.seccomp = i ? XORD_SECCOMP_OFF : XORD_SECCOMP_LOG;
        ending = child_run(make, &call);
        cr_assert(ending.code == 0 && !ending.said[0], "%d %d %s", ending.code, ending.signal, ending.said);
    }
}

/* ---- what works ---- */

static int computes(void *ctx)
{
    const struct timespec nap = {.tv_nsec = 1000};
    char *text = NULL;
    size_t len = 0;
    FILE *file;

    (void)ctx;
    if (confine(0, XORD_SECCOMP_ON))
        return 1;
    nanosleep(&nap, NULL);
    for (size_t size = 16; size < 64 << 20; size *= 4)
        free(calloc(size, 1));
    file = open_memstream(&text, &len);
    fprintf(file, "%f %ld\n", 1.5, (long)time(NULL));
    fclose(file);
    free(text);
    file = fopen("/proc/self/status", "re");
    if (!file || fgetc(file) != 'N' || fclose(file))
        return 2;
    return isatty(2) ? 3 : 0;
}

static int writes_files(void *ctx)
{
    char tmp[160], path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/state", (const char *)ctx);
    snprintf(tmp, sizeof(tmp), "%s.tmp", path);
    if (confine(XORD_NEED_FILES, XORD_SECCOMP_ON))
        return 1;
    file = fopen(tmp, "wxe");
    if (!file || fputs("state", file) < 0 || fflush(file) || fsync(fileno(file)) || fclose(file) || rename(tmp, path))
        return 2;
    return unlink(path) ? 3 : 0;
}

static void *nothing(void *arg)
{
    return arg;
}

static int makes_threads(void *ctx)
{
    pthread_t thread;

    (void)ctx;
    if (confine(XORD_NEED_THREADS, XORD_SECCOMP_ON))
        return 1;
    return pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL) ? 2 : 0;
}

static int aborts(void *ctx)
{
    (void)ctx;
    if (confine(0, XORD_SECCOMP_ON))
        return 1;
    signal(SIGABRT, SIG_DFL);
    abort();
}

Test(confine_seccomp, what_is_needed_works)
{
    char dir[] = "/tmp/xord-confine-XXXXXX";
    struct {
        int (*body)(void *ctx);
        const char *name;
    } rows[] = {{computes, "computes"}, {writes_files, "writes files"}, {makes_threads, "makes threads"}};
    struct ending ending;

    cr_assert_not_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ending = child_run(rows[i].body, dir);
        cr_assert(ending.code == 0 && !ending.said[0], "%s: %d %d %s", rows[i].name, ending.code, ending.signal,
                ending.said);
    }
    rmdir(dir);
    ending = child_run(aborts, NULL);
    cr_assert_eq(ending.signal, SIGABRT, "%d %d %s", ending.code, ending.signal, ending.said);
}

/* ---- a kernel without ---- */

/* As a kernel without CONFIG_SECCOMP_FILTER answers, or a container that does not let one have a filter. */
static int without(void *ctx)
{
    scmp_filter_ctx kernel = seccomp_init(SCMP_ACT_ALLOW);
    const struct scmp_arg_cmp is_set = SCMP_CMP64(0, SCMP_CMP_EQ, PR_SET_SECCOMP);
    const enum xord_seccomp *seccomp = ctx;
    int rc;

    if (!kernel || seccomp_rule_add_array(kernel, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, &is_set) ||
            seccomp_rule_add_array(kernel, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0, NULL) || seccomp_load(kernel))
        return 10;
    seccomp_release(kernel);
    rc = confine(0, *seccomp);
    if (rc == 0)
        (void)!syscall(SYS_setresuid, -1, -1, -1); /* nobody minds */
    return rc ? 1 : 0;
}

Test(confine_seccomp, a_kernel_without_it)
{
    static enum xord_seccomp rows[] = {XORD_SECCOMP_DEFAULT, XORD_SECCOMP_ON, XORD_SECCOMP_LOG, XORD_SECCOMP_OFF};

    for (int i = 0; i < 4; i++) {
        struct ending ending = child_run(without, &rows[i]);

        cr_assert_eq(ending.code, i == 1 || i == 2, "%d: %d %d %s", i, ending.code, ending.signal, ending.said);
        if (i == 0)
            cr_assert(strstr(ending.said, "warning: running without a seccomp filter"), "%s", ending.said);
        else if (i < 3)
            cr_assert(strstr(ending.said, "has no seccomp filters"), "%s", ending.said);
    }
}
