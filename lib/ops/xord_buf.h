/* SPDX-License-Identifier: BSD-3-Clause */
/* Text that grows: answers and metrics. Control path only.
 * Threading: one owner. Memory: grows as needed; when memory is short `failed` is set and the text stays as it was. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct xord_buf { /* zero: empty */
    char *data;   /* NUL-terminated when there is any */
    size_t len, cap;
    bool failed;
};

void xord_buf_put(struct xord_buf *buf, const char *data, size_t len);
void xord_buf_print(struct xord_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Empties it and keeps its memory. */
void xord_buf_clear(struct xord_buf *buf);
/* The text, now the caller's to free; NULL when it failed. */
char *xord_buf_take(struct xord_buf *buf);
void xord_buf_free(struct xord_buf *buf);
