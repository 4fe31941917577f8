/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK prints while it starts: lines of its log, usage texts, perror. With -v all of that is shown; else the first line is
 * kept, which is nearly always the cause. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dpdk_private.h"
#include "xord_log.h"

void dpdk_capture_begin(struct dpdk_capture *capture)
{
    capture->file = -1;
    if (xord_log_get_level() >= XORD_LOG_DEBUG)
        return;
    fflush(stdout);
    fflush(stderr);
    capture->file = memfd_create("xord-dpdk", MFD_CLOEXEC);
    if (capture->file < 0)
        return;
    for (int i = 0; i < 2; i++) {
        int fd = i ? STDERR_FILENO : STDOUT_FILENO;

        capture->saved_fds[i] = dup(fd);
        if (capture->saved_fds[i] >= 0)
            (void)dup2(capture->file, fd);
    }
}

/* Cuts "EAL: " and the like, and the full stop, so that the rest may stand within a sentence. */
static void line_tidy(char *line)
{
    char *colon;

    line[strcspn(line, "\r\n")] = '\0';
    colon = strstr(line, ": ");
    while (colon && (strncmp(line, "EAL", 3) == 0 || strncmp(line, "FATAL", 5) == 0)) {
        memmove(line, colon + 2, strlen(colon + 2) + 1);
        colon = strstr(line, ": ");
    }
    if (*line && line[strlen(line) - 1] == '.')
        line[strlen(line) - 1] = '\0';
}

void dpdk_capture_end(struct dpdk_capture *capture, char said[DPDK_SAID_LEN])
{
    char line[DPDK_SAID_LEN] = "";
    ssize_t n;

    if (capture->file >= 0) {
        fflush(stdout);
        fflush(stderr);
        for (int i = 0; i < 2; i++) {
            if (capture->saved_fds[i] < 0)
                continue;
            (void)dup2(capture->saved_fds[i], i ? STDERR_FILENO : STDOUT_FILENO);
            close(capture->saved_fds[i]);
        }
        n = pread(capture->file, line, sizeof(line) - 1, 0);
        line[n > 0 ? n : 0] = '\0';
        close(capture->file);
    }
    line_tidy(line);
    if (said)
        memcpy(said, line, sizeof(line));
}
