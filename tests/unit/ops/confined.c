/* SPDX-License-Identifier: BSD-3-Clause */
/* Children that confine themselves. */
#include "confined.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct ending child_run(int (*body)(void *ctx), void *ctx)
{
    struct ending ending = {.code = -1};
    int status, ends[2];
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    cr_assert_eq(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        const struct rlimit none = {0, 0};

        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        setrlimit(RLIMIT_CORE, &none);
        _exit(body(ctx));
    }
    close(ends[1]);
    while ((n = read(ends[0], ending.said + len, sizeof(ending.said) - 1 - len)) > 0)
        len += (size_t)n;
    close(ends[0]);
    cr_assert(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFSIGNALED(status))
        ending.signal = WTERMSIG(status);
    else
        ending.code = WEXITSTATUS(status);
    return ending;
}

void rights_read(struct rights *rights)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}, {0}};

    memset(rights, 0, sizeof(*rights));
    getresuid(&rights->uid[0], &rights->uid[1], &rights->uid[2]);
    getresgid(&rights->gid[0], &rights->gid[1], &rights->gid[2]);
    rights->group_cnt = getgroups(0, NULL);
    syscall(SYS_capget, &header, data);
    rights->effective = data[0].effective | (uint64_t)data[1].effective << 32;
    rights->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    rights->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
    for (int cap = 0; cap < 64; cap++) {
        rights->bounding |= prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 ? CAP_BIT(cap) : 0;
        rights->ambient |= prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1 ? CAP_BIT(cap) : 0;
    }
    rights->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
    rights->dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
}
