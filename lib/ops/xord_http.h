/* SPDX-License-Identifier: BSD-3-Clause */
/* A small HTTP server for monitoring, by libmicrohttpd without threads of its own: GET and HEAD of a few paths, each answered at once.
 * Connections, their time and what they may send are bounded.
 * Threading: one owner, which waits for xord_http_fd and calls turn, also some times a second while nothing is ready.
 * Memory: 16 KB a connection, and the answers that wait to be taken. */
#pragma once

#include <stdint.h>

#include "xord_buf.h"
#include "xord_err.h"

#define XORD_HTTP_CONNECTIONS 32
#define XORD_HTTP_ERR_LEN     256
#define XORD_HTTP_TEXT_LEN    56 /* of an endpoint, as of xord_endpoint_format */

/* Writes the answer to `body` and returns its status; 404: there is nothing at this path. *type is text/plain until it is set, to
 * what lives on. */
typedef unsigned (*xord_http_answer)(void *ctx, const char *path, struct xord_buf *body, const char **type);

struct xord_http;

/* Is that a place to listen at? 0 or XORD_ETEXT. */
XORD_MUST_CHECK int xord_http_check(const char *where);
/* Listens at "ADDR:PORT", "[ADDR]:PORT"; port 0: any. NULL, a sentence in `err`, and *taken: the port is. */
struct xord_http *xord_http_open(const char *where, xord_http_answer answer, void *ctx, bool *taken,
        char err[XORD_HTTP_ERR_LEN]);
/* Readable: turn has something to do. */
int xord_http_fd(const struct xord_http *http);
void xord_http_turn(struct xord_http *http);
/* Where it listens, with the port that it has. */
const char *xord_http_where(const struct xord_http *http);
void xord_http_close(struct xord_http *http);
