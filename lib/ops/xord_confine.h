/* SPDX-License-Identifier: BSD-3-Clause */
/* Least privilege: what a process gives up once it runs, for good.
 *
 * xord_confine is called when everything that needs privilege is done and all threads are there. It reaches every thread
 * of the process, those of libraries included:
 *   - the user: root becomes an ordinary one, when asked to;
 *   - capabilities: none is left but those named, in any set, and none can come back: the bounding set is emptied where we
 *     may, and no new privileges can be gained (PR_SET_NO_NEW_PRIVS);
 *   - core dumps: none, unless they are wanted;
 *   - system calls: a seccomp filter allows those that the running process uses, with their arguments checked where they
 *     decide what a call does. Any other ends the process by SIGSYS, after a line on stderr that names it.
 * Then /proc is read to see that it is so.
 *
 * Threads that are made later inherit all of it; one that blocks SIGSYS ends the process without the line.
 *
 * Threading: one call a process, by the thread that handles signals. Signal 33, which the C library uses for the same
 * purpose, is borrowed while it runs. Memory: none after the call but static. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xord_err.h"

#define XORD_CONFINE_ERR_LEN    640
#define XORD_CONFINE_MAX_GROUPS 64
#define XORD_CONFINE_MAX_PATHS  8

/* ---- who to be ---- */

struct xord_confine_user {
    char name[64];
    uid_t uid;
    gid_t gid, groups[XORD_CONFINE_MAX_GROUPS];
    int group_cnt;
    bool is_change; /* from who we are; otherwise the rest says who that is */
    bool is_named;  /* by the operator, who gets that or an error */
};

/* Settles which user to become: `name`, or, with NULL and as root, who called sudo, else "xord", else "nobody". Nobody but
 * root may become another one. Where the default cannot be - a user namespace that does not have it, no CAP_SETUID - we
 * stay who we are. 0, or -1 with a sentence in `err`. Reads the user database: to be called before xord_confine. */
XORD_MUST_CHECK int xord_confine_user(struct xord_confine_user *user, const char *name, char err[XORD_CONFINE_ERR_LEN]);

/* Is there a user of that name? 0, or -1 with a sentence in `err`. */
XORD_MUST_CHECK int xord_confine_user_check(const char *name, char err[XORD_CONFINE_ERR_LEN]);

/* May this user, without any capability, make, rename and remove files in that directory, or write to that file or socket? */
bool xord_confine_may_write(const struct xord_confine_user *user, const char *path);

/* ---- what to keep ---- */

/* What the loops of a command do besides computing, waiting, and sending on sockets that are open. */
enum xord_confine_need {
    XORD_NEED_FILES = 1 << 0,   /* make, write, sync, rename and remove files */
    XORD_NEED_CLIENTS = 1 << 1, /* take connections to sockets that listen already */
    XORD_NEED_THREADS = 1 << 2, /* make threads */
    XORD_NEED_DEVICE = 1 << 3,  /* DPDK's device, its interrupts and its end */
    XORD_NEED_XDP = 1 << 4,     /* to take an XDP program from an interface, with CAP_NET_ADMIN */
};

enum xord_seccomp {
    XORD_SECCOMP_DEFAULT, /* on; without, after a warning, where the kernel has no seccomp */
    XORD_SECCOMP_ON,      /* on, or an error */
    XORD_SECCOMP_LOG,     /* the kernel logs what would be forbidden, and allows it */
    XORD_SECCOMP_OFF,
};

struct xord_confine_config {
    const struct xord_confine_user *user; /* NULL: as we are */
    /* Directories in which files are made, renamed and removed later, and what is written to. A user who was named and may not
     * is an error; in place of a default one root stays root, after a warning. Root who may only by capability keeps
     * CAP_DAC_OVERRIDE. */
    const char *paths[XORD_CONFINE_MAX_PATHS];
    uint32_t path_cnt;
    uint64_t keep_caps; /* bit n: capability n stays, if we have it */
    unsigned needs;     /* enum xord_confine_need */
    enum xord_seccomp seccomp;
    bool core_dumps; /* leave them as they are */
};

/* 0, or -1 with a sentence in `err`: then the process is to end, for it may have given up half. What is less than was asked
 * for, and no error, is a warning in the log. */
XORD_MUST_CHECK int xord_confine(const struct xord_confine_config *config, char err[XORD_CONFINE_ERR_LEN]);
