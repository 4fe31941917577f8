/* SPDX-License-Identifier: BSD-3-Clause */
/* The control path's log. */
#include "xord_log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static _Atomic int log_level = XORD_LOG_INFO; /* written at start, read by all */

void xord_log_set_level(enum xord_log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

enum xord_log_level xord_log_get_level(void)
{
    return (enum xord_log_level)atomic_load_explicit(&log_level, memory_order_relaxed);
}

static const char *const level_names[] = {"error", "warn", "info", "debug"};

int xord_log_level_parse(enum xord_log_level *level, const char *text)
{
    if (strcmp(text, "warning") == 0)
        text = level_names[XORD_LOG_WARN];
    for (int i = XORD_LOG_ERROR; i <= XORD_LOG_DEBUG; i++)
        if (strcmp(level_names[i], text) == 0) {
            *level = (enum xord_log_level)i;
            return 0;
        }
    return XORD_ETEXT;
}

const char *xord_log_level_name(enum xord_log_level level)
{
    return level_names[level];
}

void xord_log(enum xord_log_level level, const char *format, ...)
{
    static const char *const prefix[] = {"error: ", "warning: ", "", "debug: "};
    char line[1024];
    va_list args;

    if (level > xord_log_get_level())
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(stderr, "xord: %s%s\n", prefix[level], line);
}
