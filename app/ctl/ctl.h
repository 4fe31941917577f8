/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of `xord ctl`. Threading: the main thread only. */
#pragma once

#include <jansson.h>

#include "app.h"
#include "xord_buf.h"

/* ---- client.c ---- */

/* Sends one line, with its line feed, to the bootnode's socket and takes one, without. `path` NULL: the default place. 0, or EXIT_USER
 * after a complaint. */
int ctl_exchange(struct xord_buf *reply, const char *path, const char *line);

/* ---- show.c: answers for people ---- */

void show_status(const json_t *reply);
void show_shards(const json_t *reply);
void show_counters(const json_t *reply);
void show_table(const json_t *reply);
void show_sessions(const json_t *reply);
void show_peer(const json_t *reply);
void show_bans(const json_t *reply);
void show_limits(const json_t *reply);
void show_banned(const json_t *reply);
void show_unbanned(const json_t *reply);
void show_drain(const json_t *reply);
void show_saved(const json_t *reply);
void show_reloaded(const json_t *reply);
void show_log(const json_t *reply);
