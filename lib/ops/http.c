/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP for monitoring. */
#include "xord_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xord_endpoint.h"

#define TIMEOUT_S  5
#define MEMORY     (16 * 1024) /* of a connection: its request line and headers are to fit */
#define BACKLOG    64
#define TURNS_MAX  64 /* at a time: what is left then is for the next */
#define TYPE_PLAIN "text/plain; charset=utf-8"

struct xord_http {
    struct MHD_Daemon *daemon;
    int epoll;
    xord_http_answer answer;
    void *ctx;
    char where[XORD_HTTP_TEXT_LEN];
};

/* ---- listening ---- */

static int where_parse(struct xord_endpoint *ep, const char *where)
{
    const char *colon = strrchr(where, ':');
    size_t len = colon ? (size_t)(colon - where) : 0;
    bool bracket = *where == '[';
    char ip[64];
    unsigned long port;
    char *end;

    if (len == 0 || len >= sizeof(ip) || (bracket && where[len - 1] != ']') || colon[1] < '0' || colon[1] > '9')
        return -1;
    memcpy(ip, where + bracket, len - 2 * bracket);
    ip[len - 2 * bracket] = '\0';
    errno = 0;
    port = strtoul(colon + 1, &end, 10);
    if (*end || errno || port > UINT16_MAX || xord_ip_parse(ep->ip16, ip) || xord_endpoint_is_v4(ep) == bracket)
        return -1;
    xord_endpoint_set_port(ep, (uint16_t)port);
    return 0;
}

static socklen_t sockaddr_of(struct sockaddr_storage *out, const struct xord_endpoint *ep)
{
    memset(out, 0, sizeof(*out));
    if (xord_endpoint_is_v4(ep)) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(ep->port);
        memcpy(&in->sin_addr, ep->ip16 + 12, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(ep->port);
    memcpy(&in6->sin6_addr, ep->ip16, 16);
    return sizeof(*in6);
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in6 addr = {0}; /* in that of IPv4 the port stands at the same place */
    socklen_t len = sizeof(addr);

    return getsockname(fd, (struct sockaddr *)&addr, &len) == 0 ? ntohs(addr.sin6_port) : 0;
}
_Static_assert(offsetof(struct sockaddr_in, sin_port) == offsetof(struct sockaddr_in6, sin6_port), "one place");

static int listen_at(struct xord_endpoint *ep, bool *taken, char err[XORD_HTTP_ERR_LEN])
{
    struct sockaddr_storage addr;
    socklen_t len = sockaddr_of(&addr, ep);
    char text[XORD_ENDPOINT_TEXT_LEN];
    int one = 1;
    int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (bind(fd, (struct sockaddr *)&addr, len) == 0 && listen(fd, BACKLOG) == 0) {
            xord_endpoint_set_port(ep, port_of(fd));
            return fd;
        }
    }
    *taken = errno == EADDRINUSE;
    snprintf(err, XORD_HTTP_ERR_LEN, "cannot serve metrics at TCP %s: %s", xord_endpoint_format(text, ep),
            strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- answers ---- */

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, struct xord_buf *body,
        const char *type)
{
    size_t len = body->len;
    char *text = xord_buf_take(body);
    struct MHD_Response *response;
    enum MHD_Result result;

    if (!text)
        return MHD_NO;
    response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
        const char *version, const char *upload, size_t *upload_len, void **request)
{
    const struct xord_http *http = ctx;
    const char *type = TYPE_PLAIN;
    struct xord_buf body = {0};
    unsigned status;

    (void)version;
    (void)upload;
    (void)upload_len;
    (void)request;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        status = MHD_HTTP_METHOD_NOT_ALLOWED;
    else
        status = http->answer(http->ctx, url, &body, &type);
    if (status == MHD_HTTP_NOT_FOUND || status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        xord_buf_clear(&body);
        xord_buf_print(&body, "%s\n", status == MHD_HTTP_NOT_FOUND ? "nothing here" : "only GET and HEAD");
    }
    return reply(connection, status, &body, type);
}

/* ---- life cycle ---- */

static int daemon_start(struct xord_http *http, int listener)
{
    const union MHD_DaemonInfo *info;

    http->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, listener,
            MHD_OPTION_CONNECTION_LIMIT, (unsigned)XORD_HTTP_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
            (unsigned)TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
            MHD_OPTION_END);
    if (!http->daemon)
        return -1;
    info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->epoll = info ? info->epoll_fd : -1;
    return http->epoll >= 0 ? 0 : -1;
}

int xord_http_check(const char *where)
{
    struct xord_endpoint ep = {0};

    return where_parse(&ep, where) ? XORD_ETEXT : 0;
}

struct xord_http *xord_http_open(const char *where, xord_http_answer answer, void *ctx, bool *taken,
        char err[XORD_HTTP_ERR_LEN])
{
    struct xord_endpoint ep = {0};
    struct xord_http *http;
    int listener;

    *taken = false;
    if (where_parse(&ep, where)) {
        snprintf(err, XORD_HTTP_ERR_LEN, "metrics are served at ADDR:PORT or [ADDR]:PORT, which \"%.60s\" is not",
                where);
        return NULL;
    }
    listener = listen_at(&ep, taken, err);
    if (listener < 0)
        return NULL;
    http = calloc(1, sizeof(*http));
    if (http) {
        http->answer = answer;
        http->ctx = ctx;
        xord_endpoint_format(http->where, &ep);
    }
    if (http && daemon_start(http, listener) == 0)
        return http;
    snprintf(err, XORD_HTTP_ERR_LEN, "cannot start the HTTP server for metrics");
    if (!http || !http->daemon)
        close(listener);
    xord_http_close(http);
    return NULL;
}

int xord_http_fd(const struct xord_http *http)
{
    return http->epoll;
}

/* What it has read already does not show on the descriptor: it says so by a timeout of 0. */
void xord_http_turn(struct xord_http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    for (int i = 0; i < TURNS_MAX; i++)
        if (MHD_run(http->daemon) != MHD_YES || MHD_get_timeout(http->daemon, &timeout_ms) != MHD_YES || timeout_ms > 0)
            return;
}

const char *xord_http_where(const struct xord_http *http)
{
    return http->where;
}

void xord_http_close(struct xord_http *http)
{
    if (!http)
        return;
    if (http->daemon)
        MHD_stop_daemon(http->daemon); /* which closes the listener */
    free(http);
}
