/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord load`: what its parts share.
 * Threading: the main thread, but for the guests, which their workers own. */
#pragma once

#include <stdatomic.h>

#include "app.h"
#include "xord_assertion.h"
#include "xord_hostile.h"
#include "xord_loadgen.h"

#define GREET_TRIES 3

enum exit_code_load { EXIT_ASSERTION = 4 };

struct load_args {
    struct node_options node;
    struct record_list targets;
    const char *target_name;
    double rate;
    uint32_t window; /* 0: open loop */
    uint64_t ramp_ns, duration_ns;
    uint32_t identities; /* 0: as many as the mode needs */
    bool has_rate;
    const char *mode;   /* as given */
    const char *detail; /* of a mix its file, of hostile its kind */
    struct xord_mix mix;
    bool is_mix; /* a FILE: kinds are told apart */
    bool is_hostile;
    enum xord_hostile_kind hostile;
    const char *hdr_path, *html_path;
    const char *assert_text; /* NULL: none */
    struct xord_assertion assertion;
};

/* ---- options.c ---- */

int load_options(struct load_args *args, int *argc, char **argv);

/* ---- identities.c ---- */

/* Settles how many identities there are and which addresses they have; before the port is opened. 0 or EXIT_USER. */
int identities_plan(struct load_args *args);
/* Makes them. 0 or EXIT_USER. */
int identities_make(struct service *service, const struct load_args *args);

/* ---- guest.c ---- */

struct pair {
    uint32_t local;
    struct xord_peer peer;
};

enum guest_phase { GUEST_WAITS, GUEST_GREETS, GUEST_READY, GUEST_RUNS, GUEST_STOPS };

/* One worker's load generator. */
struct guest {
    /* written by control before `phase` leaves GUEST_WAITS */
    struct pair *pairs;
    uint32_t pair_cnt;
    struct xord_loadgen *gen;
    struct xord_hostile *hostile; /* in place of gen */
    uint64_t timeout_ns;
    uint64_t start_ns; /* before GUEST_RUNS */
    /* control writes, the worker reads */
    _Alignas(64) _Atomic uint32_t phase;
    _Atomic uint32_t swaps_wanted;
    /* the worker writes, control reads */
    _Alignas(64) _Atomic uint32_t swaps_done; /* tallies[swaps_done % 2] is the worker's, the other one control's */
    _Atomic uint32_t greeted;                 /* the greeting is over */
    _Atomic uint32_t greet_cnt;               /* pairs that have answered it */
    _Atomic uint32_t over;
    struct xord_tally tallies[2];
    /* the worker's */
    _Alignas(64) uint64_t over_ns;
    uint32_t greet_next, greet_open;
    uint8_t *greet_tries; /* of each pair; see guest.c */
    bool begun, stopped;
    struct xord_mail mail;
};

extern const struct xord_guest_ops guest_ops;

struct guest *guest_new(void);
void guest_free(struct guest *guest);

/* Settles what a guest does. 0 or EXIT_USER after a complaint. */
int guest_prepare(struct guest *guest, const struct load_args *args, const struct service *service, double share,
        uint32_t slot_cap);
void guest_set_phase(struct guest *guest, enum guest_phase phase);
bool guest_has_greeted(const struct guest *guest);
/* How many pairs have answered the greeting so far. */
uint32_t guest_answered_cnt(const struct guest *guest);
/* How often a pair is greeted until it answers, GREET_TRIES at most; before GUEST_GREETS. */
void guest_set_greeting(struct guest *guest, uint32_t pair, uint8_t tries);
bool guest_is_over(const struct guest *guest);
/* Drops the pairs whose greeting was not answered; returns how many are left. */
uint32_t guest_drop_silent(struct guest *guest);
/* Asks the guest, whose worker may have to be woken, to count into the other tally. */
void guest_swap_ask(struct guest *guest);
/* Until it does so: what it has counted so far is the caller's until it is asked again. NULL when the worker does not react. */
struct xord_tally *guest_swap_wait(struct guest *guest);

/* ---- report.c ---- */

#define REPORT_PERCENTILES 5
extern const double report_percentiles[REPORT_PERCENTILES];
extern const char *const report_names[REPORT_PERCENTILES]; /* "p50", ... */

/* A second, or all of them. */
struct report_row {
    double at, seconds; /* since the start */
    uint64_t sent, answered, timeouts, refused, unsent, missed, handshakes, late, held, starved, replies, late_max_ns;
    double loss;
    uint64_t latency_ns[REPORT_PERCENTILES];
    uint64_t max_ns, min_ns;
    double mean_ns;
};

struct report {
    const struct load_args *args;
    struct report_row *rows;
    uint32_t row_cnt, row_cap;
    uint32_t pairs;
    uint32_t silent; /* pairs besides these that get no load: they did not answer the greeting, or cannot be reached */
    struct xord_tally total, second, last; /* last: of the last row */
    double seconds;
    double due_seconds; /* for so long requests were due: rates are over this time */
    uint64_t due_answered;
    bool live;
    uint32_t live_lines;
    double cpu_seconds; /* of this process, from start to end */
    FILE *hdr, *html;   /* NULL: not wanted */
    uint64_t wall_ns;   /* of the start */
};

/* Opens the files, so that whoever named a bad one learns it before the load. 0 or EXIT_USER. */
int report_open(struct report *report, const struct load_args *args);
/* Such a file loses what was in it before: now there is something to write. 0 or EXIT_USER. */
int report_file_clear(FILE *file, const char *path);
/* The load begins at `start_ns`. 0 or EXIT_USER. */
int report_begin(struct report *report, uint32_t pairs, uint32_t silent, uint64_t start_ns);
/* report->second is complete, `at` seconds after the start. 0 or EXIT_USER. */
int report_second(struct report *report, double at);
/* Everything is over: summary, files. 0, EXIT_USER, EXIT_NOTHING or EXIT_ASSERTION. */
int report_end(struct report *report);
/* There is no load, for this reason: in the JSON, where that was asked for, and on stderr. */
void report_nobody(const struct load_args *args, const char *why);
void report_free(struct report *report);
void report_row_fill(struct report_row *row, const struct xord_tally *tally, double at, double seconds);
/* Of a kind of a mix, over the whole time; false: it has no part in it. */
bool report_kind_fill(struct report_row *row, const struct report *report, enum xord_mix_kind kind);

#define LATENCY_TEXT_LEN 16
const char *latency_text(char out[LATENCY_TEXT_LEN], uint64_t ns);

/* ---- live.c ---- */

void live_show(struct report *report, const struct report_row *row);
void live_end(struct report *report);

/* ---- hdr_log.c, html.c: 0 or EXIT_USER after a complaint; nothing to do when they are not wanted ---- */

int hdr_log_begin(struct report *report);
int hdr_log_row(struct report *report, double at, double seconds); /* report->second */
int hdr_log_end(struct report *report);
int html_write(struct report *report, const struct report_row *total);
