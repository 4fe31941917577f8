/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions from DPDK's telemetry threads to the control thread. There is one of this in a process, as there is one EAL. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "dpdk_private.h"
#include "dpdk_telemetry_private.h"
#include "xord_telemetry.h"

#define PATIENCE_S  2
#define COMMAND_LEN 64
#define PARAMS_LEN  256

enum state { FREE, ASKED, ANSWERED };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool registered; /* for good */
    bool open;
    int fd;
    xord_telemetry_answer answer;
    void *ctx;
    /* the question that is being answered */
    enum state state;
    uint64_t number;
    char command[COMMAND_LEN], params[PARAMS_LEN];
    char *text; /* the answer; NULL: there is none */
    char path[300];
} desk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .fd = -1};

/* ---- telemetry threads; the lock is held ---- */

static bool wait_until(const struct timespec *until)
{
    return pthread_cond_timedwait(&desk.changed, &desk.lock, until) == 0;
}

static bool my_turn(const struct timespec *until)
{
    while (desk.open && desk.state != FREE)
        if (!wait_until(until))
            return false;
    return desk.open;
}

/* The answer, or NULL. */
static char *ask(const char *command, const char *params)
{
    struct timespec until;
    uint64_t one = 1;
    char *text = NULL;

    clock_gettime(CLOCK_REALTIME, &until); /* as the condition counts */
    until.tv_sec += PATIENCE_S;
    if (!my_turn(&until))
        return NULL;
    snprintf(desk.command, sizeof(desk.command), "%s", command);
    snprintf(desk.params, sizeof(desk.params), "%s", params);
    desk.state = ASKED;
    desk.number++;
    (void)!write(desk.fd, &one, sizeof(one));
    while (desk.open && desk.state == ASKED && wait_until(&until))
        ;
    if (desk.state == ANSWERED)
        text = desk.text;
    desk.text = NULL;
    desk.state = FREE;
    pthread_cond_broadcast(&desk.changed);
    return text;
}

static int on_command(const char *command, const char *params, struct rte_tel_data *data)
{
    char *text;
    int rc;

    pthread_mutex_lock(&desk.lock);
    text = ask(command, params ? params : "");
    pthread_mutex_unlock(&desk.lock);
    rc = text ? dpdk_telemetry_fill(data, text) : -1;
    free(text);
    return rc;
}

/* ---- the control thread ---- */

void xord_telemetry_serve(void)
{
    char command[COMMAND_LEN], params[PARAMS_LEN];
    uint64_t number, events;
    bool asked;
    char *text;

    pthread_mutex_lock(&desk.lock);
    (void)!read(desk.fd, &events, sizeof(events));
    asked = desk.open && desk.state == ASKED;
    number = desk.number;
    memcpy(command, desk.command, sizeof(command));
    memcpy(params, desk.params, sizeof(params));
    pthread_mutex_unlock(&desk.lock);
    if (!asked)
        return;
    text = desk.answer(desk.ctx, command, params);
    pthread_mutex_lock(&desk.lock);
    if (desk.state == ASKED && desk.number == number) {
        desk.text = text;
        desk.state = ANSWERED;
        pthread_cond_broadcast(&desk.changed);
    } else {
        free(text); /* whoever asked has gone */
    }
    pthread_mutex_unlock(&desk.lock);
}

static int register_all(const struct xord_telemetry_command *commands, unsigned cnt)
{
    for (unsigned i = 0; i < cnt && !desk.registered; i++)
        if (rte_telemetry_register_cmd(commands[i].name, on_command, commands[i].help) != 0)
            return -1;
    desk.registered = true;
    return 0;
}

int xord_telemetry_open(const struct xord_telemetry_command *commands, unsigned command_cnt,
        xord_telemetry_answer answer, void *ctx)
{
    const char *dir = dpdk_eal_telemetry_dir();

    if (!dir || desk.open || register_all(commands, command_cnt))
        return -1;
    pthread_mutex_lock(&desk.lock);
    desk.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    desk.open = desk.fd >= 0;
    desk.answer = answer;
    desk.ctx = ctx;
    snprintf(desk.path, sizeof(desk.path), "%s/dpdk_telemetry.v2", dir);
    pthread_mutex_unlock(&desk.lock);
    return desk.fd;
}

void xord_telemetry_close(void)
{
    if (!desk.open)
        return;
    pthread_mutex_lock(&desk.lock);
    desk.open = false;
    close(desk.fd);
    desk.fd = -1;
    pthread_cond_broadcast(&desk.changed);
    pthread_mutex_unlock(&desk.lock);
}

const char *xord_telemetry_path(void)
{
    return desk.open ? desk.path : NULL;
}
