/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of `xord testnet`: options, files in (latencies, mix), files out (records, truth), newcomers. */
#pragma once

#include "app.h"
#include "xord_crowd.h"
#include "xord_path.h"

struct testnet_args {
    struct node_options node;
    uint32_t nodes;
    uint64_t seed;
    double dead, nat, malicious, stale, churn, loss, reorder;
    double calls;     /* a second on each newcomer; 0: none, they are not taken in */
    uint32_t hostile; /* kinds that take part; 0: all */
    struct xord_latency latency;
    struct xord_crowd_class *classes;
    uint32_t class_cnt;
    const char *enrs_path, *truth_path;
    uint32_t enrs_cnt; /* of living nodes; 0: all there are */
};

/* ---- options.c ---- */

extern const struct argp testnet_argp; /* input: struct testnet_args */

/* What only all options together tell: 0, or EXIT_USER after a complaint. */
int testnet_args_check(struct testnet_args *args);
/* Do nodes have more than one address? */
bool testnet_moves(const struct testnet_args *args);

/* ---- latency.c, mix.c: 0, or EXIT_USER after a complaint ---- */

/* "50ms", "0.2s", or a file of lines: milliseconds, and with what weight. */
int latency_parse(struct xord_latency *latency, const char *text);

/* A file of lines: share, then key=value of the records. */
int mix_read(struct testnet_args *args, const char *path);

/* ---- newcomers.c: nodes from elsewhere, for one thread ---- */

struct newcomers;

/* After service_start; NULL when out of memory. args->calls is above 0. */
struct newcomers *newcomers_new(struct xord_crowd *crowd, struct service *service, const struct testnet_args *args);
/* Says how it went. NULL is nobody. */
void newcomers_free(struct newcomers *newcomers);
/* Calls on whoever is due; returns when the next one is, at most a second away. */
uint64_t newcomers_turn(struct newcomers *newcomers, uint64_t now_ns);
void newcomers_mail(struct newcomers *newcomers, const struct xord_mail *mail, uint64_t now_ns);

/* ---- files.c: 0, or EXIT_USER after a complaint ---- */

int enrs_write(struct xord_crowd *crowd, const struct testnet_args *args, uint64_t now_ns);

/* Who is what, one JSON object a line, as of now. */
int truth_write(const struct xord_crowd *crowd, const struct testnet_args *args, uint64_t now_ns);
