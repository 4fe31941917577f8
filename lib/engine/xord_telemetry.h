/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands of ours on DPDK's telemetry socket, which is there when the port is a DPDK device and was opened with
 * xord_port_config.telemetry: <runtime directory>/dpdk_telemetry.v2, what dpdk-telemetry.py talks to.
 *
 * DPDK serves each client on a thread of its own, which it makes when the client comes. Such a thread only hands its question over
 * and waits, at most two seconds: the control thread answers, when it sees that the descriptor is readable.
 *
 * DPDK's data are poorer than JSON, so of an answer's text become: an array of objects an object with the keys 0, 1, 2 ...;
 * a string of more than 127 bytes an array of pieces; true and false 1 and 0; null nothing at all. What exceeds 16,384 bytes is
 * left out by DPDK itself.
 * Threading: the control thread. Memory: one question at a time; the others' threads wait for their turn. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Answers a command: returns a JSON object as text, to be freed; NULL: none. `params` is what stands behind the comma, or "". */
typedef char *(*xord_telemetry_answer)(void *ctx, const char *command, const char *params);

struct xord_telemetry_command {
    const char *name; /* "/xord/status"; at most 55 bytes */
    const char *help; /* at most 63 */
};

/* Registers the commands; the names are borrowed for good. Returns the descriptor to watch, or -1: this process has no telemetry
 * socket, or already commands of ours. DPDK cannot forget commands: after close they are answered by null. */
int xord_telemetry_open(const struct xord_telemetry_command *commands, unsigned command_cnt,
        xord_telemetry_answer answer, void *ctx);
/* When the descriptor is readable: answers the question that waits. */
void xord_telemetry_serve(void);
void xord_telemetry_close(void);

/* The socket's path, or NULL. */
const char *xord_telemetry_path(void);
