/* SPDX-License-Identifier: BSD-3-Clause */
/* The server of lines, its clients being non-blocking sockets of the test: no thread, and a clock that the test moves. */
#include "xord_line_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "test_util.h"
#include "xord_clock.h"

#define S XORD_NS_PER_S

static char dir[] = "/tmp/xord-lines-XXXXXX";
static char path[64];
static struct xord_line_server *server;
static unsigned asked;
static size_t answer_len; /* 0: an echo */

static void answer(void *ctx, const char *line, size_t len, struct xord_buf *reply)
{
    (void)ctx;
    asked++;
    if (answer_len == 0)
        xord_buf_put(reply, line, len);
    for (size_t i = 0; i < answer_len; i++)
        xord_buf_put(reply, "x", 1);
}

static void open_server(void)
{
    char err[XORD_LINE_ERR_LEN] = "";
    bool taken;

    server = xord_line_server_open(path, "too long", answer, NULL, &taken, err);
    cr_assert_not_null(server, "%s", err);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/s", dir);
    open_server();
}

static void teardown(void)
{
    xord_line_server_close(server);
    rmdir(dir);
    TEST_NO_LEAK();
}

TestSuite(line_server, .init = setup, .fini = teardown);

static int client(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "%s", strerror(errno));
    return fd;
}

static void say(int fd, const char *text)
{
    cr_assert_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What came; "" when nothing has, "EOF" when the server has gone. */
static const char *heard(int fd)
{
    static char text[256];
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

    if (n == 0 || (n < 0 && errno == ECONNRESET))
        return "EOF";
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void turn(uint64_t now_ns)
{
    for (int i = 0; i < 4; i++)
        xord_line_server_turn(server, now_ns);
}

Test(line_server, answers_lines_however_they_come)
{
    int fd = client();

    turn(S);
    say(fd, "o");
    turn(S);
    cr_assert_str_eq(heard(fd), "");
    say(fd, "ne\ntwo\n\nthr");
    turn(S);
    cr_assert_str_eq(heard(fd), "one\ntwo\n\n");
    say(fd, "ee\n");
    turn(S);
    cr_assert_str_eq(heard(fd), "three\n");
    cr_assert_eq(asked, 4);
    close(fd);
    turn(S);
}

Test(line_server, socket_has_its_mode_and_goes)
{
    struct stat st;

    cr_assert_eq(lstat(path, &st), 0);
    cr_assert(S_ISSOCK(st.st_mode));
    cr_assert_eq(st.st_mode & 07777, 0660);
    xord_line_server_close(server);
    server = NULL;
    cr_assert_eq(lstat(path, &st), -1);
}

Test(line_server, live_socket_is_left_alone)
{
    char err[XORD_LINE_ERR_LEN] = "";
    bool taken = false;
    int fd;

    cr_assert_null(xord_line_server_open(path, "", answer, NULL, &taken, err));
    cr_assert(taken);
    cr_assert_not_null(strstr(err, "another process"), "%s", err);
    fd = client();
    say(fd, "still there\n");
    turn(S);
    cr_assert_str_eq(heard(fd), "still there\n");
    close(fd);
}

Test(line_server, dead_socket_is_replaced)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    xord_line_server_close(server);
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    close(fd);
    open_server();
    fd = client();
    say(fd, "new\n");
    turn(S);
    cr_assert_str_eq(heard(fd), "new\n");
    close(fd);
}

Test(line_server, what_is_no_socket_stays)
{
    char err[XORD_LINE_ERR_LEN] = "";
    bool taken = false;
    FILE *file;

    xord_line_server_close(server);
    server = NULL;
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fclose(file);
    cr_assert_null(xord_line_server_open(path, "", answer, NULL, &taken, err));
    cr_assert_not(taken);
    cr_assert_not_null(strstr(err, "no socket"), "%s", err);
    cr_assert_eq(unlink(path), 0);
}

Test(line_server, path_that_is_too_long)
{
    char err[XORD_LINE_ERR_LEN] = "", name[200];
    bool taken;

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    cr_assert_null(xord_line_server_open(name, "", answer, NULL, &taken, err));
    cr_assert_not_null(strstr(err, "at most 107"), "%s", err);
}

/* Another bootnode's socket, which has come to the same place. */
Test(line_server, removes_only_its_own)
{
    struct xord_line_server *first = server;
    char err[XORD_LINE_ERR_LEN];
    struct stat st;
    bool taken;

    cr_assert_eq(unlink(path), 0);
    server = xord_line_server_open(path, "", answer, NULL, &taken, err);
    cr_assert_not_null(server);
    xord_line_server_close(first);
    cr_assert_eq(lstat(path, &st), 0);
}

Test(line_server, slow_clients_are_dropped)
{
    int idle = client(), half = client(), quick = client();

    turn(S);
    say(half, "never en");
    turn(4 * S);
    say(quick, "x\n");
    turn(5 * S);
    cr_assert_str_eq(heard(quick), "x\n");
    turn(6 * S + 1);
    cr_assert_str_eq(heard(idle), "EOF");
    cr_assert_str_eq(heard(half), "EOF");
    cr_assert_str_eq(heard(quick), "");
    turn(10 * S + 1);
    cr_assert_str_eq(heard(quick), "EOF");
    close(idle);
    close(half);
    close(quick);
}

Test(line_server, answers_that_nobody_takes)
{
    int fd = client(), other = client();
    size_t got = 0;

    answer_len = 4 << 20;
    turn(S);
    say(fd, "much\n");
    turn(S);
    answer_len = 0;
    say(other, "meanwhile\n");
    turn(S);
    cr_assert_str_eq(heard(other), "meanwhile\n");
    for (int i = 0; i < 100000; i++) {
        static char part[65536];
        ssize_t n = recv(fd, part, sizeof(part), 0);

        if (n > 0)
            got += (size_t)n;
        else
            xord_line_server_turn(server, 2 * S);
        if (got == (4 << 20) + 1)
            break;
    }
    cr_assert_eq(got, (4 << 20) + 1);
    answer_len = 4 << 20;
    say(fd, "again\n");
    turn(2 * S);
    turn(7 * S + 1);
    for (int i = 0; i < 100 && strcmp(heard(fd), "EOF") != 0; i++)
        ;
    close(fd);
    close(other);
}

Test(line_server, too_long_a_line_ends_it)
{
    static char line[XORD_LINE_LEN];
    int fd = client(), exact = client();

    memset(line, 'a', sizeof(line));
    turn(S);
    cr_assert_eq(send(fd, line, sizeof(line), MSG_NOSIGNAL), (ssize_t)sizeof(line));
    turn(S);
    cr_assert_str_eq(heard(fd), "too long\n");
    cr_assert_str_eq(heard(fd), "EOF");
    line[sizeof(line) - 1] = '\n';
    answer_len = 1;
    cr_assert_eq(send(exact, line, sizeof(line), MSG_NOSIGNAL), (ssize_t)sizeof(line));
    turn(S);
    cr_assert_str_eq(heard(exact), "x\n");
    close(fd);
    close(exact);
}

Test(line_server, more_clients_than_there_is_room_for_wait)
{
    int fds[3 * XORD_LINE_CLIENTS];
    int answered = 0;

    for (int i = 0; i < 3 * XORD_LINE_CLIENTS; i++) {
        fds[i] = client();
        say(fds[i], "hello\n");
    }
    turn(S);
    for (int i = 0; i < 3 * XORD_LINE_CLIENTS; i++)
        answered += strcmp(heard(fds[i]), "hello\n") == 0;
    cr_assert_eq(answered, XORD_LINE_CLIENTS);
    for (int i = 0; i < XORD_LINE_CLIENTS; i++)
        close(fds[i]);
    turn(S);
    turn(7 * S); /* those that stay are dropped */
    turn(7 * S);
    for (int i = XORD_LINE_CLIENTS; i < 3 * XORD_LINE_CLIENTS; i++)
        answered += strcmp(heard(fds[i]), "hello\n") == 0;
    cr_assert_eq(answered, 3 * XORD_LINE_CLIENTS);
    for (int i = XORD_LINE_CLIENTS; i < 3 * XORD_LINE_CLIENTS; i++)
        close(fds[i]);
}

Test(line_server, its_descriptor_tells_when_there_is_something_to_do)
{
    struct pollfd ready = {.fd = xord_line_server_fd(server), .events = POLLIN};
    int fd;

    cr_assert_eq(poll(&ready, 1, 0), 0);
    fd = client();
    cr_assert_eq(poll(&ready, 1, 0), 1);
    turn(S);
    cr_assert_eq(poll(&ready, 1, 0), 0);
    say(fd, "?\n");
    cr_assert_eq(poll(&ready, 1, 0), 1);
    turn(S);
    cr_assert_eq(poll(&ready, 1, 0), 0);
    close(fd);
}
