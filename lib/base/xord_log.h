/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines to stderr, for the control path only: nothing in a worker loop may call this.
 * Threading: a line is written whole; the level is set once at start. */
#pragma once

enum xord_log_level { XORD_LOG_ERROR, XORD_LOG_WARN, XORD_LOG_INFO, XORD_LOG_DEBUG };

void xord_log_set_level(enum xord_log_level level);
enum xord_log_level xord_log_get_level(void);

/* Writes "xord: <words>\n" (level in front where it is not INFO) if `level` is enabled. */
void xord_log(enum xord_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
