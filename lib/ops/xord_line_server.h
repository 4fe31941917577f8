/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions and answers of one line each over a UNIX stream socket: the server's side, which never blocks.
 *
 * The number of clients, the length of a question and the time for it are bounded: who has not sent a whole line and taken the answer
 * within five seconds is dropped, so a client connects, asks and goes. Who finds no room waits in the kernel's queue.
 * Threading: one owner, which waits for xord_line_server_fd and calls turn, also once a second at least while nothing is ready.
 * Memory: 4 KB a client, and the answers that wait to be taken. */
#pragma once

#include <stdint.h>

#include "xord_buf.h"
#include "xord_err.h"

#define XORD_LINE_CLIENTS 16
#define XORD_LINE_LEN     4096 /* of a question, with its line feed */
#define XORD_LINE_ERR_LEN 256

/* Writes the answer, without a line feed, to `reply`. The question has none either; it may hold any bytes. */
typedef void (*xord_line_answer)(void *ctx, const char *line, size_t len, struct xord_buf *reply);

struct xord_line_server;

/* Listens at `path`, mode 0660. What a dead process has left there is replaced. NULL, a sentence in `err`, and *taken: somebody
 * listens there already. `too_long` is the answer to a question that is too long; borrowed. */
struct xord_line_server *xord_line_server_open(const char *path, const char *too_long, xord_line_answer answer,
        void *ctx, bool *taken, char err[XORD_LINE_ERR_LEN]);
/* Readable: turn has something to do. */
int xord_line_server_fd(const struct xord_line_server *server);
void xord_line_server_turn(struct xord_line_server *server, uint64_t now_ns);
/* Removes the socket, if it is still the one that it made. */
void xord_line_server_close(struct xord_line_server *server);
