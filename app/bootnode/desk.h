/* SPDX-License-Identifier: BSD-3-Clause */
/* The desk of a bootnode: what can be asked of it and told it while it runs, by the control socket (`xord ctl`), by DPDK's telemetry
 * socket and by HTTP. All of it is served by the control thread.
 *
 * A request is a JSON object on a line, {"command": "table", "bucket": 256}; the answer is one as well. What went wrong is told by
 * {"error": "one sentence"}, and by nothing else.
 * Threading: the main thread only. */
#pragma once

#include <jansson.h>

#include "bootnode.h"
#include "xord_json.h"
#include "xord_metrics.h"
#include "xord_process.h"

/* A request while it is answered. */
struct question {
    struct bootnode *bootnode;
    json_t *args;           /* the request */
    struct xord_json *json; /* the answer: inside its object */
    uint64_t now_ns;
    char err[BOOTNODE_ERR_LEN];
};

/* ---- desk.c ---- */

/* What else it is that operators see. */
struct desk_facts {
    const char *control, *metrics; /* where they are; NULL: none */
    struct xord_process process;
};
const struct desk_facts *desk_facts(const struct bootnode *bootnode);

/* ---- desk_answer.c ---- */

/* Answers a line, whatever it holds. */
void desk_answer(struct bootnode *bootnode, const char *line, size_t len, struct xord_buf *reply);

/* Arguments of a request. 0; or EXIT_USER and question->err when it is there and is not of that kind. */
int question_uint(struct question *question, uint64_t *out, const char *name, uint64_t max, uint64_t otherwise);
int question_bool(struct question *question, bool *out, const char *name);
int question_text(struct question *question, const char **out, const char *name); /* NULL: not there */
bool question_has(const struct question *question, const char *name);
int question_fail(struct question *question, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- desk_show.c, desk_table.c: 0, or EXIT_USER and question->err ---- */

int desk_status(struct question *question);
int desk_shards(struct question *question);
int desk_counters(struct question *question);
int desk_bans(struct question *question);
int desk_table(struct question *question);
int desk_sessions(struct question *question);
int desk_peer(struct question *question);

/* ---- desk_act.c ---- */

int desk_ban(struct question *question);
int desk_unban(struct question *question);
int desk_limits(struct question *question);
int desk_drain(struct question *question);
int desk_snapshot(struct question *question);
int desk_reload(struct question *question);
int desk_log(struct question *question);

/* ---- desk_http.c ---- */

unsigned desk_http(void *ctx, const char *path, struct xord_buf *body, const char **type);
/* The first shard that has not gone through its loop for five seconds, and for how long; -1: all have. */
int desk_stuck_shard(const struct bootnode *bootnode, uint64_t now_ns, uint64_t *since_ns);
