/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings in JSON output. */
#include <jansson.h>

#include "app.h"

void json_print_string(FILE *out, const char *text, size_t len)
{
    json_t *string = json_stringn(text, len);

    if (string && json_dumpf(string, out, JSON_ENCODE_ANY) == 0) {
        json_decref(string);
        return;
    }
    json_decref(string);
    /* Not UTF-8, as a file name may be: JSON cannot hold it as it is. */
    fputc('"', out);
    for (size_t i = 0; i < len; i++)
        fputc(text[i] >= 0x20 && text[i] < 0x7f && text[i] != '"' && text[i] != '\\' ? text[i] : '?', out);
    fputc('"', out);
}
