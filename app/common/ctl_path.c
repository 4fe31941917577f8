/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket's default places. */
#include "ctl_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "xord.sock"

/* The i-th directory, or NULL. */
static const char *directory(int i)
{
    const char *dir = i == 0 ? getenv("XDG_RUNTIME_DIR") : CTL_SYSTEM_DIR;

    return dir && *dir == '/' && strlen(dir) + sizeof("/" NAME) <= CTL_PATH_LEN ? dir : NULL;
}

bool ctl_path_to_serve(char out[CTL_PATH_LEN])
{
    for (int i = 0; i < 2; i++) {
        const char *dir = directory(i);

        if (!dir || access(dir, W_OK) != 0)
            continue;
        snprintf(out, CTL_PATH_LEN, "%s/" NAME, dir);
        return true;
    }
    return false;
}

bool ctl_path_to_ask(char out[CTL_PATH_LEN])
{
    for (int i = 0; i < 2; i++) {
        const char *dir = directory(i);

        if (!dir)
            continue;
        snprintf(out, CTL_PATH_LEN, "%s/" NAME, dir);
        if (access(out, F_OK) == 0)
            return true;
    }
    return false;
}
