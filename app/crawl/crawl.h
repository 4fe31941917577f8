/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of `xord crawl`: driver (queries out, answers in), nodes.json, progress. */
#pragma once

#include <time.h>

#include "app.h"
#include "xord_crawl.h"

/* ---- nodes_json.c ---- */

/* What a nodes.json said before this crawl. */
struct nodes_json;

/* Reads an existing file (none is fine) and checks that it can be written. NULL after a complaint. */
struct nodes_json *nodes_json_open(const char *path);
void nodes_json_close(struct nodes_json *json);

/* Hands some of the file's nodes to the crawl, so that those which nobody names any more are asked too. 1 while there are
 * more, 0 at the end, or XORD_ENOMEM. */
int nodes_json_revisit(struct nodes_json *json, struct xord_crawl *crawl, const struct xord_curve *curve,
        uint64_t now_ns);

/* Writes the old entries brought up to date by the crawl, into a temporary file that then takes the old one's name.
 * `wall_offset_ns` + monotonic = wall clock. 0, or -1 with errno set; the old file is then whole. */
int nodes_json_write(struct nodes_json *json, const struct xord_crawl *crawl, uint64_t wall_offset_ns);

/* "2020-01-24T10:00:57Z" */
#define WALL_TIME_LEN 24
char *wall_time_format(char out[WALL_TIME_LEN], uint64_t wall_ns);

/* ---- driver.c ---- */

struct driver {
    struct service *service;
    const struct node_options *options;
    struct xord_crawl *crawl;
    FILE *ndjson; /* NULL: none */
    uint64_t wall_offset_ns;
    uint64_t started_ns;
    /* queries in flight: the mail's cookie names a slot */
    struct open_query *open;
    uint32_t open_cap, free_head;
    uint64_t sweep_ns;
    /* for the explanation when nobody has answered: which bootnodes have sent a WHOAREYOU at least */
    bool anybody_answered;
    bool *bootnode_challenged;
};

int driver_init(struct driver *driver, struct service *service, const struct node_options *options);
void driver_free(struct driver *driver);

/* Sends what may be sent, takes what has come, waits a little if there was neither. */
void driver_turn(struct driver *driver);

/* Says why a crawl found nobody. */
void driver_explain(const struct driver *driver);

/* ---- progress.c ---- */

struct progress {
    bool tty;
    uint64_t next_ns;
    uint64_t last_ns;
    uint64_t last_done; /* nodes visited at last_ns */
};

void progress_init(struct progress *progress, uint64_t now_ns);
/* A line on the terminal several times a second, or a log line each 10 s. */
void progress_show(struct progress *progress, const struct driver *driver, uint64_t now_ns);
/* Ends the line. */
void progress_end(struct progress *progress);
/* A last line for each hostile node, to the ndjson file. */
void hostile_write(const struct driver *driver);
void summary_print(const struct driver *driver, const char *out_path, bool complete);
