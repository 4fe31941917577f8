/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes JSON, on one line. Numbers have all their 64 bits, and a long list takes no more memory than its text. What is written is
 * valid as long as begins and ends match.
 * Threading: pure. Memory: the caller's buffer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xord_buf.h"

struct xord_json {
    struct xord_buf *buf;
    bool comma; /* one is due before the next value */
};

/* `name` is NULL for the elements of an array, and for the outermost value. Names are plain words. */
void xord_json_object(struct xord_json *json, const char *name);
void xord_json_array(struct xord_json *json, const char *name);
void xord_json_end_object(struct xord_json *json);
void xord_json_end_array(struct xord_json *json);

/* A string of any bytes: what is not printable ASCII is shown as '?'. NULL: null. */
void xord_json_string(struct xord_json *json, const char *name, const char *text);
void xord_json_uint(struct xord_json *json, const char *name, uint64_t v);
void xord_json_bool(struct xord_json *json, const char *name, bool v);
void xord_json_null(struct xord_json *json, const char *name);
/* Lower-case hexadecimal digits, as a string. */
void xord_json_hex(struct xord_json *json, const char *name, const uint8_t *data, size_t len);
/* Text that is JSON already. */
void xord_json_raw(struct xord_json *json, const char *name, const char *text, size_t len);
