/* SPDX-License-Identifier: BSD-3-Clause */
/* To be loaded before a command (LD_PRELOAD): as somebody would who has got hold of a running xord, it makes a system call that
 * xord never makes, as soon as the file that $FORBIDDEN_WHEN names is there, in the thread that calls the function of
 * $FORBIDDEN_IN: "ppoll" waits for the control thread, "recvmmsg" for a worker. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void maybe(const char *function)
{
    const char *when = getenv("FORBIDDEN_WHEN"), *in = getenv("FORBIDDEN_IN");
    static char *const none[] = {NULL};
    int fd = when && in && strcmp(in, function) == 0 ? open(when, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0)
        syscall(SYS_execve, "/bin/true", none, none);
}

int ppoll(struct pollfd *fds, nfds_t cnt, const struct timespec *timeout, const sigset_t *mask)
{
    int (*real)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *) = dlsym(RTLD_NEXT, "ppoll");

    maybe("ppoll");
    return real(fds, cnt, timeout, mask);
}

int recvmmsg(int fd, struct mmsghdr *msgs, unsigned cnt, int flags, struct timespec *timeout)
{
    int (*real)(int, struct mmsghdr *, unsigned, int, struct timespec *) = dlsym(RTLD_NEXT, "recvmmsg");

    maybe("recvmmsg");
    return real(fd, msgs, cnt, flags, timeout);
}
