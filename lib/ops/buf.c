/* SPDX-License-Identifier: BSD-3-Clause */
/* Text that grows. */
#include "xord_buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

/* Room for so many bytes and a NUL. */
static bool reserve(struct xord_buf *buf, size_t more)
{
    size_t cap = buf->cap ? buf->cap : FIRST_CAP;
    char *data;

    if (buf->failed)
        return false;
    while (cap - buf->len <= more)
        cap *= 2;
    if (cap == buf->cap)
        return true;
    data = realloc(buf->data, cap);
    buf->failed = !data;
    if (data) {
        buf->data = data;
        buf->cap = cap;
    }
    return data != NULL;
}

void xord_buf_put(struct xord_buf *buf, const char *data, size_t len)
{
    if (!reserve(buf, len))
        return;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void xord_buf_print(struct xord_buf *buf, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len >= 0 && reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

void xord_buf_clear(struct xord_buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data)
        buf->data[0] = '\0';
}

char *xord_buf_take(struct xord_buf *buf)
{
    char *data = NULL;

    if (!buf->failed && reserve(buf, 0))
        data = buf->data;
    else
        free(buf->data);
    if (data)
        data[buf->len] = '\0';
    *buf = (struct xord_buf){0};
    return data;
}

void xord_buf_free(struct xord_buf *buf)
{
    free(buf->data);
    *buf = (struct xord_buf){0};
}
