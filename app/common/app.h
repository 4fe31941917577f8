/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands share: exit codes, complaints, options, keys, records in, a running engine.
 * Threading: the main thread only. */
#pragma once

#include <argp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "xord_confine.h"
#include "xord_engine.h"
#include "xord_enr.h"
#include "xord_log.h"

#ifndef XORD_VERSION
#define XORD_VERSION "0.1.0"
#endif

enum exit_code {
    EXIT_OK = 0,
    EXIT_USER = 1,    /* bad input, port in use, no permission ... */
    EXIT_USAGE = 2,   /* unknown option; argp */
    EXIT_NOTHING = 3, /* nobody answered; a crawl that found nothing */
};

/* A command of the `xord` binary. */
struct command {
    const char *name;
    const char *summary;               /* one line for `xord --help` */
    int (*run)(int argc, char **argv); /* argv[0] is "xord <name>"; returns the exit code */
};

/* One sentence to stderr, "xord: " in front. */
void complain_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same, with the value EXIT_USER; a macro, so that compilers and analyzers see that it is not 0. */
#define complain(...)                                                                                                  \
    __extension__({                                                                                                    \
        complain_print(__VA_ARGS__);                                                                                   \
        EXIT_USER;                                                                                                     \
    })

/* Where the value that is being read stands, for complaints about it: they begin with it, "FILE, line N, key K: ". NULL: on the
 * command line. The strings are borrowed until the next call. */
struct origin {
    const char *file;
    unsigned line;   /* 0: of no line */
    const char *key; /* NULL: of none */
};
void origin_set(const struct origin *origin);

/* For what a complaint calls the value: `words`, as "--ip ", when it stands on the command line, nothing when its origin names
 * it already. */
const char *by_option(const char *words);

/* How many there have been. */
unsigned complaints(void);

/* The next complaint goes to `first`, too, for who has to tell somebody else. NULL: it does not. */
#define COMPLAINT_LEN 900
void complaint_keep(char first[COMPLAINT_LEN]);

/* argp with our conventions (--help, usage errors exit 2 with a hint). `argv` must outlive the call. A parser that has complained
 * returns EINVAL; then this is EXIT_USER. */
int parse_args(const struct argp *argp, int argc, char **argv, void *input);

/* Before parse_args: takes what is behind "--", options for DPDK's EAL, out of `argv`. How many there are. */
int eal_args_take(char *const **eal_args, int *argc, char **argv);

/* What datagrams go through, as --port has it: "socket", or "dpdk:" and a device. */
#define DEFAULT_UDP_PORT 9000
static inline bool port_is_device(const char *spec)
{
    return strncmp(spec, "dpdk:", 5) == 0;
}

/* Is it one of the two, and are EAL options there only for a device? 0, or EXIT_USER after a complaint. */
int port_check(const char *spec);
int eal_args_check(const char *spec, int eal_arg_cnt);

/* A decimal number from `min` to `max`, given with --`name`. 0, or EXIT_USER after a complaint. */
int number_parse(uint64_t *out, const char *text, const char *name, uint64_t min, uint64_t max);

/* A time given with --`name`: 90, 90s, 250ms, 15m, 2h. 0, or EXIT_USER after a complaint. */
int time_parse(uint64_t *out_ns, const char *text, const char *name);

/* ---- results ---- */

/* "" for one, "s" otherwise. */
const char *plural(uint64_t n);

/* A JSON string with its quotes, whatever the bytes are. */
void json_print_string(FILE *out, const char *text, size_t len);

/* To be called when all results are printed: 0, or EXIT_USER after a complaint when stdout did not take them. */
int output_end(void);

/* ---- Ctrl-C ---- */

/* Installs handlers for SIGINT, SIGTERM; a second signal ends the process at once. */
void signals_init(void);
bool interrupted(void);

/* SIGHUP then ends nothing any more, but is a wish that hangup_take() tells of once. */
void hangups_init(void);
bool hangup_take(void);

/* ---- curve and keys (keys.c) ---- */

struct xord_curve *curve_open(void);

/* Reads 64 hex digits (white space around is fine) from a file that nobody but its owner may open, and that is ours or root's.
 * 0, or EXIT_USER after a complaint. */
int key_read(uint8_t seckey32[32], const char *path);

/* Writes a new file with mode 0600; refuses to overwrite. 0, or EXIT_USER after a complaint. */
int key_write(const char *path, const uint8_t seckey32[32]);

void key_random(uint8_t seckey32[32], const struct xord_curve *curve);

/* ---- records in (records_in.c) ---- */

/* One record found in an input: its text, or what stood in its place. */
struct record_in {
    const char *source; /* file name, "standard input", or "argument" */
    unsigned line;      /* 1-based; 0: not from a text file */
    const char *key;    /* node id that a nodes.json gives it; NULL otherwise */
    const char *text;   /* what should be a record's text */
};

/* Calls `visit` for each record of X: a record's text, a file of them (one a line; '#' begins a comment), a nodes.json, the
 * lines of `xord crawl --ndjson`, a JSON list of records, or "-" for standard input. 0; what `visit` returned when not 0; or
 * EXIT_USER after a complaint. */
int records_each(const char *x, int (*visit)(void *ctx, const struct record_in *in), void *ctx);

/* ---- networks (networks.c) ---- */

/* Built-in bootnode records: NULL-terminated, or NULL for an unknown name. */
const char *const *network_bootnodes(const char *name);
const char *network_names(void); /* "mainnet, sepolia, ..." */

/* ---- options common to commands that run a node (options.c) ---- */

struct record_list {
    struct xord_enr *enrs; /* verified */
    uint32_t cnt, capacity;
};
int record_list_add(struct record_list *list, const struct xord_enr *enr); /* EXIT_USER when out of memory */
void record_list_free(struct record_list *list);

/* ---- identities (identity.c) ---- */

#define SERVICE_SELVES 16 /* in one process */

/* What is known of how peers reach an identity, where that is not what it is bound to. */
struct nat_hint {
    bool automatic; /* what peers say decides, also about addresses that were given */
    bool never;     /* what peers say changes nothing */
    bool has_named[2];
    struct xord_endpoint named[2]; /* the record names these, by family; port 0: the one that is bound */
};

/* Adds "auto", "none", ADDR, ADDR:PORT or [ADDR]:PORT to what is known. 0 or EXIT_USER after a complaint. */
int nat_parse(struct nat_hint *hint, const char *text);

/* Its addresses are those of struct xord_port_config that have its number for owner. */
struct identity {
    const char *key_path; /* not of the first: that is struct node_options' */
    uint16_t udp_port;    /* 0: that of --udp */
    struct nat_hint nat;
    char *text;
};

/* ---- confinement (confine.c) ---- */

struct confine_options {
    const char *user; /* NULL: none named */
    enum xord_seccomp seccomp;
    bool core_dumps;
};

struct node_options {
    struct xord_port_config port;
    struct identity identities[SERVICE_SELVES]; /* the first is that of --key, --ip, --udp and --nat */
    uint32_t identity_cnt;
    bool has_ip, has_udp;
    enum xord_idle idle;
    bool has_idle;
    uint64_t request_timeout_ns, handshake_timeout_ns; /* 0: default */
    struct record_list bootnodes;
    const char *first_bootnodes; /* what the user called them, for messages; NULL: none given */
    bool json;
    bool quiet;
    const char *key_path;
    struct confine_options confine;
    struct xord_curve *curve;
};

/* Use as argp children; the input of each is a `struct node_options *`. A command takes those that mean something to it:
 * port and output; --key; --bootnodes and --network. */
extern const struct argp node_options_argp, key_options_argp, join_options_argp;

/* Before parsing: defaults, and takes EAL options after "--" out of argc. */
int node_options_init(struct node_options *options, int *argc, char **argv);
void node_options_free(struct node_options *options);

/* Adds an address to an identity: "ADDR" or "ADDR/PREFIX". 0 or EXIT_USER after a complaint. */
int ip_add(struct node_options *options, uint32_t number, const char *text);

/* Adds an identity: "key=FILE[,ip=ADDR[/PREFIX]]...[,udp=PORT][,nat=HINT]...". 0 or EXIT_USER after a complaint. */
int identities_add(struct node_options *options, const char *text);
void identities_free(struct node_options *options);
/* Reads the key of each; the caller wipes them, whatever comes of it. 0, or EXIT_USER after a complaint, also when two are one. */
int identities_keys(uint8_t (*seckeys32)[32], const struct node_options *options);
bool identity_has_ip(const struct node_options *options, uint32_t number);

/* What a port needs to have for all identities, also those that named no address. 0, or EXIT_USER after a complaint when two of
 * them would be in one place. */
int identities_port(struct xord_port_config *config, const struct node_options *options);

/* What no option alone can tell, and what follows from the port; argp calls it at the end. 0 or EXIT_USER after a complaint. */
int node_options_check(struct node_options *options);

/* Adds the records of X (a record, a file, a nodes.json, "-", or a network's name). 0 or EXIT_USER after a complaint. */
int bootnodes_add(struct node_options *options, const char *x);

/* ---- a running node (service.c) ---- */

/* A node with one identity, or with those that the caller adds. */
struct service {
    struct xord_engine *engine;
    struct xord_port *port;
    struct xord_port_config bound; /* what it was opened with, and the UDP ports that came of it */
    struct xord_locals *locals;
    const struct xord_aes_ops *aes_ops;
    struct xord_aes *aes;
    struct xord_node_config node;
    const struct xord_guest_ops *guest_ops; /* as in struct xord_engine_config */
    void **guests;
    bool last_cpus;
    struct xord_enr selves[SERVICE_SELVES]; /* of the identities that keep a table */
    uint32_t self_cnt;
};

/* Opens the port; of what `service` held, only what the caller wants of the node stays. For commands that serve nobody
 * (`client`): when the user named no port and the default one is taken, any free one is used. 0 or EXIT_USER after a
 * complaint. */
int service_open(struct service *service, const struct node_options *options, bool client);

/* Adds the next identity of `options` with a key and a record that names its addresses. `earlier`, which may be NULL, is a record of
 * its from before: where its addresses are not known, those that it names are taken until votes say otherwise, and the new seq is
 * above its. */
int service_add_self(struct service *service, const struct node_options *options, const uint8_t seckey32[32],
        uint64_t seq, const struct xord_enr *earlier);

/* Starts the workers with service->node. 0 or EXIT_USER after a complaint. */
int service_start(struct service *service, const struct node_options *options);
void service_stop(struct service *service);

/* Opens, adds an identity (options->key_path or a random key), starts: what one-exchange commands need. */
int service_start_client(struct service *service, const struct node_options *options);

/* The endpoint of a record that our first identity, or one of the others, can send to; false when none. */
bool service_pick_endpoint(const struct service *service, const struct xord_enr *enr, struct xord_endpoint *ep);
bool service_pick_endpoint_of(const struct service *service, uint32_t local, const struct xord_enr *enr,
        struct xord_endpoint *ep);

/* Why nothing at all could be sent, NULL when something was. */
const char *service_refused(const struct service *service);

/* Non-zero counters, one line each, to `out`: sum and, with several workers, each shard's. */
void counters_print(const struct xord_engine *engine, FILE *out);

/* ---- least privilege (confine.c) ---- */

/* --seccomp, which node_options_argp has among its own; --user and --core-dumps, for a command that stays. The input is a
 * `struct confine_options *`. */
extern const struct argp seccomp_options_argp, user_options_argp;

/* What a command does once it runs, besides what its port does. */
struct confine_wish {
    unsigned needs;   /* enum xord_confine_need */
    const char *file; /* written later; NULL: none */
    const char *dir;  /* in which files are made, renamed and removed later, with XORD_NEED_FILES; NULL: none */
    /* One of ours that listens, handed over to the user that we become, and removed at the end; NULL: none. */
    const char *socket;
};

/* Gives up what a running command does not need; to be called when the engine runs, all threads are there and all files are
 * open. Capabilities go, but the one that root needs for a `file` where it could not write otherwise; the user stays, and
 * with it what it may write. 0 or EXIT_USER after a complaint: then the command ends. */
int service_confine(const struct node_options *options, const struct confine_wish *wish);

/* The same for a command that stays and serves: it also leaves root, and makes no core dumps unless --core-dumps. */
int service_confine_fully(const struct node_options *options, const struct confine_wish *wish);
