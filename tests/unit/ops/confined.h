/* SPDX-License-Identifier: BSD-3-Clause */
/* Confinement is for good: each case of these tests is a process of its own, which gives up what it is told to. */
#pragma once

#include <linux/capability.h>
#include <sys/types.h>

#include "test_util.h"
#include "xord_confine.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* How a process ended, and what it said. */
struct ending {
    int code;   /* -1: by a signal */
    int signal; /* 0: by itself */
    char said[2048];
};

/* Runs `body` in a child; what it returns is the exit code. */
struct ending child_run(int (*body)(void *ctx), void *ctx);

/* As this thread is now. */
struct rights {
    uid_t uid[3];
    gid_t gid[3];
    int group_cnt;
    uint64_t effective, permitted, inheritable, ambient, bounding;
    int no_new_privs, dumpable;
};
void rights_read(struct rights *rights);
