/* SPDX-License-Identifier: BSD-3-Clause */
/* Linked into the test programs of an AddressSanitizer build. Criterion forks for each test while a messaging thread of
 * its own runs, and the child allocates before it executes itself anew. glibc's allocator is ready for that,
 * AddressSanitizer's of gcc 12 and clang 14 is not: if the thread holds one of its locks at that moment, the child waits
 * for the lock for ever. So a fork waits until every other thread has slept in the kernel for a millisecond, idle; one
 * that holds such a lock is running, or waiting for a page (state R or D, not S). */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CALM  10   /* looks in a row that find all asleep */
#define LOOKS 5000 /* 0.1 ms apart: then the fork takes its chance */

/* The state letter of a thread, or 'S' when it has ended meanwhile. */
static char thread_state(const char *tid)
{
    char path[64], stat[256];
    ssize_t len;
    const char *name_end;
    int fd;

    snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", tid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 'S';
    len = read(fd, stat, sizeof(stat) - 1);
    close(fd);
    if (len <= 0)
        return 'S';
    stat[len] = '\0';
    name_end = strrchr(stat, ')'); /* "tid (name) S ..." */
    return name_end && name_end[1] ? name_end[2] : 'S';
}

static bool others_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    bool asleep = true;

    while (tasks && (task = readdir(tasks)))
        if (task->d_name[0] != '.' && atoi(task->d_name) != gettid() && thread_state(task->d_name) != 'S')
            asleep = false;
    if (tasks)
        closedir(tasks);
    return asleep;
}

static void before_fork(void)
{
    const struct timespec pause = {.tv_nsec = 100000};

    for (int looks = 0, calm = 0; looks < LOOKS && calm < CALM; looks++) {
        calm = others_sleep() ? calm + 1 : 0;
        nanosleep(&pause, NULL);
    }
}

__attribute__((constructor)) static void fork_guard(void)
{
    pthread_atfork(before_fork, NULL, NULL);
}
