/* SPDX-License-Identifier: BSD-3-Clause */
/* One question to a running bootnode. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_path.h"

#define PATIENCE_S 5
#define REPLY_MAX  (256UL << 20)

static int no_answer(const char *path)
{
    return complain(
            "the bootnode at %s does not answer within %d s: it is overloaded or stuck; its log, and /healthz, may "
            "tell more",
            path, PATIENCE_S);
}

static int cannot_connect(const char *path)
{
    switch (errno) {
    case ENOENT:
        return complain("there is no bootnode's socket at %s: is one running? --socket PATH names where it is", path);
    case ECONNREFUSED:
        return complain("nobody listens at %s any more: the bootnode that made it has ended", path);
    case EACCES:
    case EPERM:
        return complain("no permission to talk to %s: it takes its owner or a member of its group", path);
    default:
        return complain("cannot talk to %s: %s", path, strerror(errno));
    }
}

/* Waits for room in the kernel's queue too, when many ask at once. */
static int connect_until(int fd, const struct sockaddr_un *addr, uint64_t until_ns)
{
    while (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            return cannot_connect(addr->sun_path);
        if (xord_now_ns() >= until_ns)
            return no_answer(addr->sun_path);
        nanosleep(&(struct timespec){.tv_nsec = 10 * (long)XORD_NS_PER_MS}, NULL);
    }
    return 0;
}

static bool wait_until(int fd, short events, uint64_t until_ns)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    uint64_t now_ns = xord_now_ns();

    return now_ns < until_ns && poll(&poll_fd, 1, (int)((until_ns - now_ns) / XORD_NS_PER_MS) + 1) > 0;
}

static int send_all(int fd, const char *path, const char *data, size_t len, uint64_t until_ns)
{
    while (len > 0) {
        ssize_t n;

        if (!wait_until(fd, POLLOUT, until_ns))
            return no_answer(path);
        n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return 0; /* there may be an answer all the same */
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return cannot_connect(path);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* As long as something comes, the answer may be as long as it likes. */
static int receive_line(struct xord_buf *reply, int fd, const char *path)
{
    char part[65536];

    for (;;) {
        ssize_t n;
        char *end;

        if (!wait_until(fd, POLLIN, xord_now_ns() + PATIENCE_S * XORD_NS_PER_S))
            return no_answer(path);
        n = recv(fd, part, sizeof(part), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return complain("the bootnode at %s has ended the connection without an answer", path);
        end = memchr(part, '\n', (size_t)n);
        xord_buf_put(reply, part, end ? (size_t)(end - part) : (size_t)n);
        if (reply->failed || reply->len > REPLY_MAX)
            return complain("the answer is too long");
        if (end)
            return 0;
    }
}

static int exchange(struct xord_buf *reply, const struct sockaddr_un *addr, const char *line)
{
    uint64_t until_ns = xord_now_ns() + PATIENCE_S * XORD_NS_PER_S;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int err;

    if (fd < 0)
        return complain("cannot make a socket: %s", strerror(errno));
    err = connect_until(fd, addr, until_ns);
    if (!err)
        err = send_all(fd, addr->sun_path, line, strlen(line), until_ns);
    if (!err)
        err = receive_line(reply, fd, addr->sun_path);
    close(fd);
    return err;
}

int ctl_exchange(struct xord_buf *reply, const char *path, const char *line)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};

    if (!path && !ctl_path_to_ask(addr.sun_path))
        return complain("no bootnode's socket is in $XDG_RUNTIME_DIR or " CTL_SYSTEM_DIR
                        ": is one running? --socket PATH names where it is");
    if (path && strlen(path) >= sizeof(addr.sun_path))
        return complain("--socket %.60s...: the path of a socket has at most %zu bytes", path,
                sizeof(addr.sun_path) - 1);
    if (path)
        memcpy(addr.sun_path, path, strlen(path) + 1);
    return exchange(reply, &addr, line);
}
