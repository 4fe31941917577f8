/* SPDX-License-Identifier: BSD-3-Clause */
/* What each thread gives up. In Linux user, capabilities and no_new_privs belong to a thread, and only the thread itself can
 * change them. So each is sent a signal, in whose handler it does. It is the signal by which the C library has all threads
 * follow a setuid: the one that no thread blocks, for the C library does not let it, so it reaches EAL's threads too, which
 * block all others. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "confine_private.h"

#define BROADCAST_SIGNAL 33
#define ROUNDS           4    /* threads that were made while the others were told need another one */
#define POLLS            4000 /* of 0.5 ms */
#define POLL_NS          500000
#define KERNEL_SIGSET    8 /* bytes */
#define SIGSYS_BIT       (UINT64_C(1) << (SIGSYS - 1))

/* The handler interrupts code that a sanitizer may be in the middle of. */
#define IN_HANDLER __attribute__((no_sanitize("address", "thread", "undefined")))

/* What the kernel calls a sigaction; the C library's has another layout. */
struct kernel_sigaction {
    void (*handler)(int sig, siginfo_t *info, void *context);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static struct {
    /* written before the signals go out */
    const struct xord_confine_user *user; /* NULL: no change */
    uint64_t keep_caps;
    bool drops_bounding, keeps_any;
    /* by the threads */
    _Atomic int error; /* errno of the first that failed */
    const char *_Atomic error_step;
} plan;

uint64_t confine_caps(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data))
        return 0;
    return data[0].effective | (uint64_t)data[1].effective << 32;
}

/* ---- in every thread ---- */

IN_HANDLER static void failed(const char *step)
{
    int none = 0;

    if (atomic_compare_exchange_strong(&plan.error, &none, errno))
        atomic_store(&plan.error_step, step);
}

/* By system calls and not by the C library's functions, which would call all threads together in turn. */
IN_HANDLER static void user_change(const struct xord_confine_user *user)
{
    if (syscall(SYS_prctl, PR_SET_KEEPCAPS, plan.keeps_any, 0, 0, 0))
        failed("keep capabilities");
    if (syscall(SYS_setgroups, user->group_cnt, user->groups))
        failed("leave the groups");
    if (syscall(SYS_setresgid, user->gid, user->gid, user->gid))
        failed("change the group");
    if (syscall(SYS_setresuid, user->uid, user->uid, user->uid))
        failed("change the user");
}

IN_HANDLER static void caps_drop(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];

    if (syscall(SYS_capget, &header, data)) {
        failed("read the capabilities");
        return;
    }
    for (int half = 0; half < 2; half++) {
        data[half].permitted &= (uint32_t)(plan.keep_caps >> (32 * half));
        data[half].effective = data[half].permitted;
        data[half].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data))
        failed("drop capabilities");
}

IN_HANDLER static void thread_drop(void)
{
    (void)syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (int cap = 0; plan.drops_bounding && cap < 64; cap++)
        if (syscall(SYS_prctl, PR_CAPBSET_DROP, cap, 0, 0, 0))
            break; /* the kernel knows no more */
    if (plan.user && syscall(SYS_getuid) != (long)plan.user->uid)
        user_change(plan.user);
    caps_drop();
    if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        failed("forbid new privileges");
}

/* When the handler returns, the thread's own signal mask comes back from the context: without SIGSYS, so that the filter's
 * signal finds its handler. */
IN_HANDLER static void on_broadcast(int sig, siginfo_t *info, void *context)
{
    ucontext_t *interrupted = context;
    int error = errno;

    (void)sig;
    (void)info;
    thread_drop();
    *(uint64_t *)&interrupted->uc_sigmask &= ~SIGSYS_BIT;
    errno = error;
}

/* ---- reaching them ---- */

static int kernel_sigaction(int sig, const struct kernel_sigaction *action, struct kernel_sigaction *before)
{
    return (int)syscall(SYS_rt_sigaction, sig, action, before, KERNEL_SIGSET);
}

/* How a handler returns is the C library's secret, which it gives the kernel with any handler: so it is borrowed from one
 * that it sets for us. */
static int handler_set(struct kernel_sigaction *before)
{
    struct sigaction action = {.sa_sigaction = on_broadcast, .sa_flags = SA_SIGINFO | SA_RESTART}, spare_before;
    struct kernel_sigaction ours;
    int spare = SIGRTMAX;

    if (sigaction(spare, &action, &spare_before))
        return -1;
    if (kernel_sigaction(spare, NULL, &ours) || sigaction(spare, &spare_before, NULL))
        return -1;
    ours.handler = on_broadcast; /* a sanitizer puts its own in front */
    return kernel_sigaction(BROADCAST_SIGNAL, &ours, before);
}

/* ---- what /proc says ---- */

struct task_state {
    unsigned uid[4];
    uint64_t effective, permitted, blocked;
    unsigned no_new_privs;
};

/* False when the thread has ended. */
static bool task_read(struct task_state *state, pid_t tid)
{
    char path[64], line[256];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
    file = fopen(path, "re");
    if (!file)
        return false;
    memset(state, 0, sizeof(*state));
    while (fgets(line, sizeof(line), file)) {
        (void)sscanf(line, "Uid: %u %u %u %u", &state->uid[0], &state->uid[1], &state->uid[2], &state->uid[3]);
        (void)sscanf(line, "SigBlk: %" SCNx64, &state->blocked);
        (void)sscanf(line, "CapEff: %" SCNx64, &state->effective);
        (void)sscanf(line, "CapPrm: %" SCNx64, &state->permitted);
        (void)sscanf(line, "NoNewPrivs: %u", &state->no_new_privs);
    }
    fclose(file);
    return true;
}

static bool is_dropped(const struct task_state *state)
{
    if (((state->effective | state->permitted) & ~plan.keep_caps) || !state->no_new_privs)
        return false;
    if (state->blocked & SIGSYS_BIT)
        return false;
    for (int i = 0; i < 4 && plan.user; i++)
        if (state->uid[i] != plan.user->uid)
            return false;
    return true;
}

/* Tells one thread and waits until /proc has it so: the handler's own word would come before it has returned, and with it the
 * signal mask. One that has ended meanwhile has given up everything. */
static int tell(pid_t tid)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    struct task_state state;

    if (syscall(SYS_tgkill, getpid(), tid, BROADCAST_SIGNAL))
        return errno == ESRCH ? 0 : -1;
    for (int polls = 0; polls < POLLS; polls++) {
        if (atomic_load(&plan.error) || !task_read(&state, tid) || is_dropped(&state))
            return 0;
        nanosleep(&pause, NULL);
    }
    errno = ETIMEDOUT;
    return -1;
}

/* Tells each thread but `except` that has not given up what it should. How many those were; -1 without /proc. */
static int undropped(pid_t except, bool tells)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    struct task_state state;
    int cnt = 0;

    if (!tasks)
        return -1;
    while ((task = readdir(tasks))) {
        pid_t tid = (pid_t)strtol(task->d_name, NULL, 10);

        if (tid <= 0 || tid == except || !task_read(&state, tid) || is_dropped(&state))
            continue;
        cnt++;
        if (tells && tell(tid))
            failed("be reached");
    }
    closedir(tasks);
    return cnt;
}

/* This thread last: it is the one that can still tell the others. */
static int broadcast(void)
{
    int left = 1;

    for (int round = 0; round < ROUNDS && left > 0 && !atomic_load(&plan.error); round++)
        left = undropped(gettid(), true);
    if (left != 0 || atomic_load(&plan.error))
        return left;
    return tell(gettid()) ? 1 : undropped(0, false);
}

static int give_up(char err[XORD_CONFINE_ERR_LEN])
{
    int left = broadcast();
    int error = atomic_load(&plan.error);
    const char *step = atomic_load(&plan.error_step);

    if (error)
        snprintf(err, XORD_CONFINE_ERR_LEN, "cannot give up privileges: a thread could not %s: %s", step ? step : "",
                strerror(error));
    else if (left < 0)
        snprintf(err, XORD_CONFINE_ERR_LEN,
                "cannot give up privileges: /proc tells which threads there are, and is not mounted");
    else if (left > 0)
        snprintf(err, XORD_CONFINE_ERR_LEN, "cannot give up privileges: %d of the threads still have them", left);
    return error || left ? -1 : 0;
}

int confine_drop(const struct xord_confine_user *user, uint64_t keep_caps, char err[XORD_CONFINE_ERR_LEN])
{
    struct kernel_sigaction before;
    int rc;

    memset(&plan, 0, sizeof(plan));
    plan.user = user && user->is_change ? user : NULL;
    plan.keep_caps = keep_caps & confine_caps();
    plan.keeps_any = plan.keep_caps != 0;
    plan.drops_bounding = (confine_caps() & CAP_BIT(CAP_SETPCAP)) != 0;
    if (handler_set(&before)) {
        snprintf(err, XORD_CONFINE_ERR_LEN, "cannot give up privileges: %s", strerror(errno));
        return -1;
    }
    rc = give_up(err);
    (void)kernel_sigaction(BROADCAST_SIGNAL, &before, NULL);
    return rc;
}
