/* SPDX-License-Identifier: BSD-3-Clause */
/* The HTTP server, its clients being non-blocking sockets of the test: no thread. */
#include "xord_http.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test_util.h"

static struct xord_http *http;
static char asked[64];

static unsigned answer(void *ctx, const char *path, struct xord_buf *body, const char **type)
{
    (void)ctx;
    snprintf(asked, sizeof(asked), "%.60s", path);
    if (strcmp(path, "/long") == 0)
        for (int i = 0; i < 1 << 20; i++)
            xord_buf_put(body, "x", 1);
    else if (strcmp(path, "/here") == 0)
        xord_buf_print(body, "hello\n");
    else
        return 404;
    *type = "text/x";
    return 200;
}

static void setup(void)
{
    char err[XORD_HTTP_ERR_LEN] = "";
    bool taken;

    http = xord_http_open("127.0.0.1:0", answer, NULL, &taken, err);
    cr_assert_not_null(http, "%s", err);
}

static void teardown(void)
{
    xord_http_close(http);
    TEST_NO_LEAK();
}

TestSuite(http, .init = setup, .fini = teardown);

static int client(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    addr.sin_port = htons((uint16_t)atoi(strrchr(xord_http_where(http), ':') + 1));
    cr_assert_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0, "%s", strerror(errno));
    return fd;
}

/* Serves until the server has ended this connection; what came, NUL-terminated. */
static char *hear(int fd, size_t *len)
{
    static char text[2 << 20];

    *len = 0;
    for (int i = 0; i < 2000; i++) {
        struct pollfd ready = {.fd = xord_http_fd(http), .events = POLLIN};
        ssize_t n;

        poll(&ready, 1, 5);
        xord_http_turn(http);
        while ((n = recv(fd, text + *len, sizeof(text) - 1 - *len, MSG_DONTWAIT)) > 0)
            *len += (size_t)n;
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            break;
    }
    text[*len] = '\0';
    return text;
}

static char *exchange(const char *request)
{
    int fd = client();
    size_t len;
    char *text;

    cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    text = hear(fd, &len);
    close(fd);
    return text;
}

#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

Test(http, answers)
{
    char *text = exchange("GET /here?a=b" CLOSE);

    cr_assert_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0, "%s", text);
    cr_assert_not_null(strstr(text, "Content-Type: text/x\r\n"), "%s", text);
    cr_assert_not_null(strstr(text, "\r\n\r\nhello\n"), "%s", text);
    cr_assert_str_eq(asked, "/here");
}

Test(http, head_has_no_body)
{
    char *text = exchange("HEAD /here" CLOSE);

    cr_assert_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0, "%s", text);
    cr_assert_null(strstr(text, "hello"), "%s", text);
}

Test(http, long_answers)
{
    int fd = client();
    size_t len;
    char *text;

    cr_assert_gt(send(fd, "GET /long" CLOSE, strlen("GET /long" CLOSE), MSG_NOSIGNAL), 0);
    text = hear(fd, &len);
    close(fd);
    cr_assert_gt(len, 1 << 20);
    cr_assert_eq(text[len - 1], 'x');
}

Test(http, other_paths_and_methods)
{
    char *text = exchange("GET /nowhere" CLOSE);

    cr_assert_eq(strncmp(text, "HTTP/1.1 404 ", 13), 0, "%s", text);
    asked[0] = '\0';
    text = exchange("DELETE /here" CLOSE);
    cr_assert_eq(strncmp(text, "HTTP/1.1 405 ", 13), 0, "%s", text);
    cr_assert_not_null(strstr(text, "Allow: GET, HEAD\r\n"), "%s", text);
    text = exchange("POST /here HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    cr_assert_eq(strncmp(text, "HTTP/1.1 405 ", 13), 0, "%s", text);
    cr_assert_str_eq(asked, "");
}

Test(http, what_is_no_request)
{
    static char line[100000];
    char *text = exchange("\x16\x03\x01\x02\r\n\r\n");

    cr_assert(*text == '\0' || strncmp(text, "HTTP/1.1 4", 10) == 0, "%s", text);
    memset(line, 'a', sizeof(line) - 1);
    memcpy(line, "GET /", 5);
    text = exchange(line);
    cr_assert(*text == '\0' || strncmp(text, "HTTP/1.1 4", 10) == 0, "%.100s", text);
    text = exchange("GET /here" CLOSE);
    cr_assert_eq(strncmp(text, "HTTP/1.1 200 ", 13), 0, "%s", text);
}

Test(http, where_it_cannot_listen)
{
    static const char *const wrong[] = {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
            "localhost:1", "::1:19000", "[127.0.0.1]:1", "[::1:1", "127.0.0.1:1 ", ":1", "127.0.0.1:-1"};
    char err[XORD_HTTP_ERR_LEN];
    bool taken;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        cr_assert_null(xord_http_open(wrong[i], answer, NULL, &taken, err), "%s", wrong[i]);
        cr_assert_not_null(strstr(err, "ADDR:PORT"), "%s: %s", wrong[i], err);
        cr_assert_not(taken);
    }
    cr_assert_null(xord_http_open(xord_http_where(http), answer, NULL, &taken, err));
    cr_assert(taken);
    cr_assert_null(xord_http_open("192.0.2.1:19000", answer, NULL, &taken, err));
    cr_assert_not(taken);
}
