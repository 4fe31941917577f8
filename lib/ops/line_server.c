/* SPDX-License-Identifier: BSD-3-Clause */
/* A server of lines. Listener and clients stand in an epoll of its own, so that its owner has one descriptor to wait for. */
#include "xord_line_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xord_clock.h"

#define PATIENCE_NS   (5 * XORD_NS_PER_S)
#define PAUSE_NS      (1 * XORD_NS_PER_S)
#define BACKLOG       128
#define MODE          0660
#define MASK_OF(mode) (0777 & ~(mode))

struct client {
    int fd; /* -1: free */
    uint64_t until_ns;
    bool last; /* goes when it has its answer */
    size_t in_len, sent;
    struct xord_buf out;
    char in[XORD_LINE_LEN];
};

struct xord_line_server {
    int listener, epoll;
    bool listening; /* there is room for more */
    uint64_t paused_until_ns;
    uint32_t client_cnt;
    const char *too_long;
    xord_line_answer answer;
    void *ctx;
    struct sockaddr_un addr;
    dev_t dev; /* of the socket as we made it */
    ino_t ino;
    struct client clients[XORD_LINE_CLIENTS];
};

/* ---- listening ---- */

static int fail(char err[XORD_LINE_ERR_LEN], const char *path, const char *what)
{
    snprintf(err, XORD_LINE_ERR_LEN, "cannot listen at %.100s: %.100s", path, what);
    return -1;
}

static int bind_with_mode(int fd, const struct sockaddr_un *addr)
{
    mode_t before = umask(MASK_OF(MODE));
    int rc = bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
    int error = errno;

    umask(before);
    errno = error;
    return rc;
}

/* Does anybody listen there? A socket whose process is dead refuses. */
static bool is_alive(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return !refused;
}

/* 0 when what stands in our place has been removed. */
static int replace(const struct sockaddr_un *addr, bool *taken, char err[XORD_LINE_ERR_LEN])
{
    struct stat st;

    if (lstat(addr->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return fail(err, addr->sun_path, "there is a file that is no socket");
    if (is_alive(addr)) {
        *taken = true;
        return fail(err, addr->sun_path, "another process serves it; name another path, or end that process");
    }
    if (unlink(addr->sun_path) != 0 && errno != ENOENT)
        return fail(err, addr->sun_path, strerror(errno));
    return 0;
}

static int listen_at(struct xord_line_server *server, bool *taken, char err[XORD_LINE_ERR_LEN])
{
    const char *path = server->addr.sun_path;
    struct stat st;
    int rc;

    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0)
        return fail(err, path, strerror(errno));
    rc = bind_with_mode(server->listener, &server->addr);
    if (rc != 0 && errno == EADDRINUSE) {
        if (replace(&server->addr, taken, err))
            return -1;
        rc = bind_with_mode(server->listener, &server->addr);
    }
    if (rc != 0)
        return fail(err, path, strerror(errno));
    if (lstat(path, &st) == 0) {
        server->dev = st.st_dev;
        server->ino = st.st_ino;
    }
    return listen(server->listener, BACKLOG) == 0 ? 0 : fail(err, path, strerror(errno));
}

static void listening_set(struct xord_line_server *server, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = server};

    server->listening = on;
    (void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
}

static int open_all(struct xord_line_server *server, bool *taken, char err[XORD_LINE_ERR_LEN])
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = server};

    if (listen_at(server, taken, err))
        return -1;
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server->epoll < 0 || epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) != 0)
        return fail(err, server->addr.sun_path, strerror(errno));
    server->listening = true;
    return 0;
}

struct xord_line_server *xord_line_server_open(const char *path, const char *too_long, xord_line_answer answer,
        void *ctx, bool *taken, char err[XORD_LINE_ERR_LEN])
{
    struct xord_line_server *server = calloc(1, sizeof(*server));

    *taken = false;
    if (!server) {
        (void)fail(err, path, "out of memory");
        return NULL;
    }
    server->listener = server->epoll = -1;
    server->too_long = too_long;
    server->answer = answer;
    server->ctx = ctx;
    server->addr.sun_family = AF_UNIX;
    for (int i = 0; i < XORD_LINE_CLIENTS; i++)
        server->clients[i].fd = -1;
    if (strlen(path) >= sizeof(server->addr.sun_path)) {
        (void)fail(err, path, "the path of a socket has at most 107 bytes");
    } else {
        memcpy(server->addr.sun_path, path, strlen(path) + 1);
        if (open_all(server, taken, err) == 0)
            return server;
    }
    xord_line_server_close(server);
    return NULL;
}

int xord_line_server_fd(const struct xord_line_server *server)
{
    return server->epoll;
}

/* ---- clients ---- */

static void client_drop(struct xord_line_server *server, struct client *client)
{
    close(client->fd); /* which takes it out of the epoll */
    xord_buf_free(&client->out);
    client->fd = -1;
    server->client_cnt--;
    if (!server->listening && server->paused_until_ns == 0)
        listening_set(server, true);
}

static void client_wants(struct xord_line_server *server, struct client *client, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = client};

    (void)epoll_ctl(server->epoll, EPOLL_CTL_MOD, client->fd, &event);
}

static void client_add(struct xord_line_server *server, int fd, uint64_t now_ns)
{
    struct client *client = server->clients;
    struct epoll_event event = {.events = EPOLLIN};

    while (client->fd >= 0) /* there is room, or we would not listen */
        client++;
    event.data.ptr = client;
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        close(fd);
        return;
    }
    client->fd = fd;
    client->until_ns = now_ns + PATIENCE_NS;
    client->last = false;
    client->in_len = client->sent = 0;
    if (++server->client_cnt == XORD_LINE_CLIENTS)
        listening_set(server, false);
}

static void accept_all(struct xord_line_server *server, uint64_t now_ns)
{
    while (server->listening) {
        int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            client_add(server, fd, now_ns);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            listening_set(server, false); /* it stays readable: not to spin */
            server->paused_until_ns = now_ns + PAUSE_NS;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

/* ---- questions and answers ---- */

/* False: the client is to be dropped. */
static bool client_send(struct xord_line_server *server, struct client *client, uint64_t now_ns)
{
    while (client->sent < client->out.len) {
        ssize_t n = send(client->fd, client->out.data + client->sent, client->out.len - client->sent,
                MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && errno == EAGAIN) {
            client_wants(server, client, EPOLLOUT);
            return true;
        }
        if (n <= 0)
            return false;
        client->sent += (size_t)n;
    }
    xord_buf_free(&client->out); /* a long one is not kept */
    client->sent = 0;
    client->until_ns = now_ns + PATIENCE_NS;
    client_wants(server, client, EPOLLIN);
    return !client->last;
}

/* Answers the first line, if there is a whole one, and moves up what follows. */
static bool answer_line(struct xord_line_server *server, struct client *client)
{
    char *end = memchr(client->in, '\n', client->in_len);
    size_t len;

    if (!end)
        return false;
    len = (size_t)(end - client->in);
    server->answer(server->ctx, client->in, len, &client->out);
    xord_buf_put(&client->out, "\n", 1);
    client->in_len -= len + 1;
    memmove(client->in, end + 1, client->in_len);
    return true;
}

/* Lines that came together are answered one after another, each when the answer before is gone. */
static bool client_answer(struct xord_line_server *server, struct client *client, uint64_t now_ns)
{
    while (client->out.len == 0) {
        if (!answer_line(server, client)) {
            if (client->in_len < sizeof(client->in))
                return true;
            xord_buf_print(&client->out, "%s\n", server->too_long);
            client->last = true;
        }
        if (client->out.failed || !client_send(server, client, now_ns))
            return false;
    }
    return true;
}

static bool client_read(struct xord_line_server *server, struct client *client, uint64_t now_ns)
{
    ssize_t n = recv(client->fd, client->in + client->in_len, sizeof(client->in) - client->in_len, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    client->in_len += (size_t)n;
    return client_answer(server, client, now_ns);
}

static void client_turn(struct xord_line_server *server, struct client *client, uint64_t now_ns)
{
    bool stays;

    if (client->fd < 0)
        return;
    if (client->out.len > 0)
        stays = client_send(server, client, now_ns) && client_answer(server, client, now_ns);
    else
        stays = client_read(server, client, now_ns);
    if (!stays)
        client_drop(server, client);
}

void xord_line_server_turn(struct xord_line_server *server, uint64_t now_ns)
{
    struct epoll_event events[XORD_LINE_CLIENTS + 1];
    int n = epoll_wait(server->epoll, events, XORD_LINE_CLIENTS + 1, 0);

    for (int i = 0; i < n; i++) {
        if (events[i].data.ptr == server)
            accept_all(server, now_ns);
        else
            client_turn(server, events[i].data.ptr, now_ns);
    }
    for (int i = 0; i < XORD_LINE_CLIENTS; i++)
        if (server->clients[i].fd >= 0 && now_ns >= server->clients[i].until_ns)
            client_drop(server, &server->clients[i]);
    if (server->paused_until_ns && now_ns >= server->paused_until_ns) {
        server->paused_until_ns = 0;
        listening_set(server, server->client_cnt < XORD_LINE_CLIENTS);
    }
}

void xord_line_server_close(struct xord_line_server *server)
{
    struct stat st;

    if (!server)
        return;
    for (int i = 0; i < XORD_LINE_CLIENTS; i++)
        if (server->clients[i].fd >= 0)
            client_drop(server, &server->clients[i]);
    if (server->listener >= 0)
        close(server->listener);
    if (server->epoll >= 0)
        close(server->epoll);
    if (server->ino && lstat(server->addr.sun_path, &st) == 0 && st.st_dev == server->dev && st.st_ino == server->ino)
        (void)unlink(server->addr.sun_path);
    free(server);
}
