/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of `xord bootnode`: settings, the loop of its control thread, and what can be asked of it while it runs.
 * Threading: the main thread only. */
#pragma once

#include <poll.h>

#include "app.h"
#include "config.h"
#include "xord_ban.h"
#include "xord_state.h"

/* A ban that the settings name. */
struct ban_wish {
    struct xord_prefix prefix;
    uint64_t for_ns; /* from when it was read; XORD_BAN_FOREVER */
};

/* Where it can be asked; NULL: the default, whose lack is no error. */
struct desk_settings {
    const char *control; /* path of the control socket, or "none" */
    const char *metrics; /* "ADDR:PORT", or "off" */
};
#define DESK_METRICS_DEFAULT "127.0.0.1:19000"

struct bootnode_settings {
    struct node_options node;
    struct xord_limit_config limits;
    const char *state_path; /* NULL: nothing is remembered */
    struct ban_wish *bans;
    uint32_t ban_cnt;
    enum xord_log_level log_level;
    bool has_log_level;
    const char *config_path;          /* NULL: no file */
    struct config *config;            /* as it was at the start; holds what the settings point to */
    bool overridden[CONFIG_KEYS_MAX]; /* keys that the command line says */
    struct desk_settings desk;
};

/* What an operator may be told on the spot: one sentence, without a full stop. */
#define BOOTNODE_ERR_LEN 256

struct bootnode;

/* Something else that the control thread waits for beside mail. */
struct watch {
    int fd; /* -1: free */
    short events;
    void (*ready)(void *ctx);
    void *ctx;
};

struct bootnode {
    struct bootnode_settings *settings;
    struct desk *desk;
    struct service service;
    uint64_t started_ns;
    uint64_t status_ns; /* when the status is logged next */
    uint64_t ended_ns;  /* when draining ends and the node with it; UINT64_MAX: not before it is told */
    bool draining;
    char reload_note[BOOTNODE_ERR_LEN]; /* what the last reload could not change */
    struct xord_bans *bans;             /* those that all shards have */
    struct xord_state recalled;         /* as it was at the start */
    uint64_t save_ns;                   /* when the state is saved next */
    bool save_failed;                   /* the last time */
    struct watch watches[XORD_ENGINE_WAIT_FDS];
    struct record_list joined; /* bootnodes that a reload has added */
};

/* ---- bootnode.c ---- */

/* Calls `ready` from the loop whenever the descriptor is. False: too many. */
bool bootnode_watch(struct bootnode *bootnode, int fd, short events, void (*ready)(void *ctx), void *ctx);

/* ---- operate.c: what can be changed while it runs; 0, or EXIT_USER and a sentence in `err` ---- */

int bootnode_ban(struct bootnode *bootnode, const struct xord_prefix *prefix, uint64_t until_ns,
        char err[BOOTNODE_ERR_LEN]);
int bootnode_unban(struct bootnode *bootnode, const struct xord_prefix *prefix, char err[BOOTNODE_ERR_LEN]);
int bootnode_set_limits(struct bootnode *bootnode, const struct xord_limit_config *limits, char err[BOOTNODE_ERR_LEN]);
/* Takes no strangers any more, serves those who have a session, and ends after `ends_after_ns` (UINT64_MAX: when told); or takes
 * them again. */
int bootnode_drain(struct bootnode *bootnode, bool drain, uint64_t ends_after_ns, char err[BOOTNODE_ERR_LEN]);
/* Has a link, and is not draining: what a load balancer wants to know. */
bool bootnode_is_ready(const struct bootnode *bootnode);

/* ---- remember.c ---- */

/* Saves the state now. 0, or EXIT_USER and a sentence in `err`. */
int bootnode_snapshot(struct bootnode *bootnode, char err[BOOTNODE_ERR_LEN]);
/* Saves it when a minute has passed; and at the end, before the engine stops: 0 or EXIT_USER after a complaint. */
void remember_turn(struct bootnode *bootnode);
int remember_end(struct bootnode *bootnode);
/* Before the engine starts: reads the file. 0 or EXIT_USER after a complaint. */
int recall_begin(struct bootnode *bootnode);
/* What the record of the identity with that key was; NULL: not known. */
const struct xord_enr *recall_of_key(const struct bootnode *bootnode, const uint8_t seckey32[32]);
/* When the engine runs: gives the shards what they had. */
void recall_end(struct bootnode *bootnode);

/* ---- reload.c ---- */

/* Reads the configuration again and changes what can be changed; the log tells what has changed, and what would need a restart. A
 * file that is wrong changes nothing. 0, or EXIT_USER and a sentence in `err`, which the log has, too. */
int bootnode_reload(struct bootnode *bootnode, char err[BOOTNODE_ERR_LEN]);
/* When privileges are given up: warns if the file can then not be read again. */
void reload_begin(const struct bootnode *bootnode);
/* The bans that the settings name, when the engine runs. 0 or EXIT_USER after a complaint. */
int bans_begin(struct bootnode *bootnode);

/* ---- desk.c: control socket, metrics, DPDK's telemetry; see desk.h ---- */

/* When the engine runs. 0 or EXIT_USER after a complaint. After this nothing needs to be opened any more but clients' connections; DPDK
 * makes a thread for each client of its telemetry. */
int desk_open(struct bootnode *bootnode);
/* Logs what there is none of, once the record has been printed. */
void desk_report(const struct bootnode *bootnode);
/* The control socket; NULL: there is none. */
const char *desk_control_path(const struct bootnode *bootnode);
/* In the loop, some times a second. */
void desk_turn(struct bootnode *bootnode);
void desk_close(struct bootnode *bootnode);

/* ---- options.c ---- */

extern const struct argp bootnode_argp;

/* Defaults; takes EAL options after "--" out of argc. 0 or EXIT_USER after a complaint. To be freed in either case. */
int bootnode_settings_init(struct bootnode_settings *settings, int *argc, char **argv);
void bootnode_settings_free(struct bootnode_settings *settings);
/* What no key alone can tell. 0 or EXIT_USER after a complaint. */
int bootnode_settings_check(struct bootnode_settings *settings);
/* From the command line, and from the file that it names. 0 or EXIT_USER after complaints. */
int bootnode_options(struct bootnode_settings *settings, int argc, char **argv);
/* The wish to ban this prefix; NULL: there is none. */
const struct ban_wish *ban_wish_find(const struct bootnode_settings *settings, const struct xord_prefix *prefix);
/* "500", "500:2000" or "off"; without a burst it is two seconds' worth. 0 or EXIT_USER after a complaint. */
int limit_parse(struct xord_limit_rate *out, const char *text, const char *name);
/* The same, with a sentence in `err`. */
int limit_read(struct xord_limit_rate *out, const char *text, const char *name, char err[BOOTNODE_ERR_LEN]);
