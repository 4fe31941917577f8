/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines to stderr, for the control path only: nothing in a worker loop may call this.
 * Threading: a line is written whole; the level is set once at start. */
#pragma once

#include "xord_err.h"

enum xord_log_level { XORD_LOG_ERROR, XORD_LOG_WARN, XORD_LOG_INFO, XORD_LOG_DEBUG };

void xord_log_set_level(enum xord_log_level level);
enum xord_log_level xord_log_get_level(void);

/* "error", "warn" or "warning", "info", "debug". XORD_ETEXT: none of them. */
XORD_MUST_CHECK int xord_log_level_parse(enum xord_log_level *level, const char *text);
/* The shorter of its words; a static string. */
const char *xord_log_level_name(enum xord_log_level level);

/* Writes "xord: <words>\n" (level in front where it is not INFO) if `level` is enabled. */
void xord_log(enum xord_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
