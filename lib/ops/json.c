/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes JSON. */
#include "xord_json.h"

#include <inttypes.h>
#include <string.h>

static void begin(struct xord_json *json, const char *name)
{
    if (json->comma)
        xord_buf_put(json->buf, ",", 1);
    if (name)
        xord_buf_print(json->buf, "\"%s\":", name);
    json->comma = true;
}

static void bracket(struct xord_json *json, const char *name, const char *open)
{
    begin(json, name);
    xord_buf_put(json->buf, open, 1);
    json->comma = false;
}

static void end(struct xord_json *json, const char *close)
{
    xord_buf_put(json->buf, close, 1);
    json->comma = true;
}

void xord_json_object(struct xord_json *json, const char *name)
{
    bracket(json, name, "{");
}

void xord_json_array(struct xord_json *json, const char *name)
{
    bracket(json, name, "[");
}

void xord_json_end_object(struct xord_json *json)
{
    end(json, "}");
}

void xord_json_end_array(struct xord_json *json)
{
    end(json, "]");
}

void xord_json_string(struct xord_json *json, const char *name, const char *text)
{
    if (!text) {
        xord_json_null(json, name);
        return;
    }
    begin(json, name);
    xord_buf_put(json->buf, "\"", 1);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            xord_buf_put(json->buf, "\\", 1);
        xord_buf_put(json->buf, *text >= 0x20 && *text < 0x7f ? text : "?", 1);
    }
    xord_buf_put(json->buf, "\"", 1);
}

void xord_json_uint(struct xord_json *json, const char *name, uint64_t v)
{
    begin(json, name);
    xord_buf_print(json->buf, "%" PRIu64, v);
}

void xord_json_bool(struct xord_json *json, const char *name, bool v)
{
    xord_json_raw(json, name, v ? "true" : "false", v ? 4 : 5);
}

void xord_json_null(struct xord_json *json, const char *name)
{
    xord_json_raw(json, name, "null", 4);
}

void xord_json_hex(struct xord_json *json, const char *name, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    begin(json, name);
    xord_buf_put(json->buf, "\"", 1);
    for (size_t i = 0; i < len; i++)
        xord_buf_put(json->buf, (const char[]){digits[data[i] >> 4], digits[data[i] & 15]}, 2);
    xord_buf_put(json->buf, "\"", 1);
}

void xord_json_raw(struct xord_json *json, const char *name, const char *text, size_t len)
{
    begin(json, name);
    xord_buf_put(json->buf, text, len);
}
