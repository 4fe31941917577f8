/* SPDX-License-Identifier: BSD-3-Clause */
/* Starting and stopping workers, and the control thread's side of the mail. */
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine_private.h"

#define MAILS_DEFAULT    8192
#define PARCELS_A_WORKER 1024 /* slots of all rings to one worker, */
#define PARCELS_MIN      16   /* but of each at least so many */

uint64_t xord_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * XORD_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Each worker's slots are divided among those that may hand it something: a power of two for each. */
static int parcels_make(struct xord_engine *engine)
{
    uint16_t cnt = engine->cfg.worker_cnt;
    uint32_t len = PARCELS_A_WORKER;

    if (cnt == 1)
        return 0;
    while (len > PARCELS_MIN && len * (cnt - 1U) > PARCELS_A_WORKER)
        len /= 2;
    engine->parcels = aligned_alloc(64, (size_t)cnt * cnt * sizeof(*engine->parcels));
    if (!engine->parcels)
        return XORD_ENOMEM;
    memset(engine->parcels, 0, (size_t)cnt * cnt * sizeof(*engine->parcels));
    for (uint32_t i = 0; i < (uint32_t)cnt * cnt; i++)
        if (i / cnt != i % cnt && parcels_init(&engine->parcels[i], len))
            return XORD_ENOMEM;
    return 0;
}

static void parcels_unmake(struct xord_engine *engine)
{
    for (uint32_t i = 0; engine->parcels && i < (uint32_t)engine->cfg.worker_cnt * engine->cfg.worker_cnt; i++)
        parcels_free(&engine->parcels[i]);
    free(engine->parcels);
}

static int engine_init(struct xord_engine *engine)
{
    uint16_t cnt = engine->cfg.worker_cnt;
    uint32_t mails = engine->cfg.mail_cap ? engine->cfg.mail_cap : MAILS_DEFAULT;
    int err;

    engine->control_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    engine->workers = aligned_alloc(64, cnt * sizeof(*engine->workers));
    if (!engine->workers || engine->control_fd < 0)
        return XORD_ENOMEM;
    memset(engine->workers, 0, cnt * sizeof(*engine->workers));
    engine->control = ring_new(mails, RING_F_MP_RTS_ENQ | RING_F_SC_DEQ);
    err = engine->control ? pool_init(&engine->mails, mails, sizeof(struct xord_mail)) : XORD_ENOMEM;
    if (!err)
        err = parcels_make(engine);
    for (uint16_t i = 0; i < cnt && !err; i++)
        err = worker_init(engine, &engine->workers[i], i);
    return err;
}

/* Workers that spin get a CPU each: worker i the i-th that this process may run on, or from the end; with more workers than CPUs
 * nobody is pinned. Workers that sleep go where the scheduler finds room: pinned, they would wait behind whatever else is busy there. */
static void choose_cpus(struct xord_engine *engine)
{
    uint16_t next = 0;
    cpu_set_t set;

    for (uint16_t i = 0; i < engine->cfg.worker_cnt; i++)
        engine->workers[i].cpu = -1;
    if (engine->cfg.idle != XORD_IDLE_SPIN || sched_getaffinity(0, sizeof(set), &set) ||
            CPU_COUNT(&set) < engine->cfg.worker_cnt)
        return;
    for (int n = 0; n < CPU_SETSIZE && next < engine->cfg.worker_cnt; n++) {
        int cpu = engine->cfg.last_cpus ? CPU_SETSIZE - 1 - n : n;

        if (CPU_ISSET(cpu, &set))
            engine->workers[next++].cpu = cpu;
    }
}

/* Workers leave signals to the control thread. Returns 0 or an errno. */
static int workers_start(struct xord_engine *engine)
{
    sigset_t all, before;
    int err = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (uint16_t i = 0; i < engine->cfg.worker_cnt && !err; i++) {
        struct worker *worker = &engine->workers[i];

        err = pthread_create(&worker->thread, NULL, worker_main, worker);
        worker->started = err == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

struct xord_engine *engine_new(const struct xord_engine_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct xord_engine *engine = calloc(1, sizeof(*engine));

    if (!engine) {
        config->port->ops->close(config->port);
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory");
        return NULL;
    }
    engine->cfg = *config;
    engine->control_fd = -1;
    engine->held_end = &engine->held;
    if (engine_init(engine)) {
        snprintf(err, XORD_PORT_ERR_LEN, "out of memory: lower --workers");
        xord_engine_stop(engine);
        return NULL;
    }
    return engine;
}

struct xord_engine *xord_engine_start(const struct xord_engine_config *config, char err[XORD_PORT_ERR_LEN])
{
    struct xord_engine *engine = engine_new(config, err);
    int error;

    if (!engine)
        return NULL;
    choose_cpus(engine);
    error = workers_start(engine);
    if (error) {
        snprintf(err, XORD_PORT_ERR_LEN, "cannot start a thread: %s", strerror(error));
        xord_engine_stop(engine);
        return NULL;
    }
    return engine;
}

void xord_engine_stop(struct xord_engine *engine)
{
    if (!engine)
        return;
    atomic_store_explicit(&engine->stop, true, memory_order_seq_cst);
    for (uint16_t i = 0; engine->workers && i < engine->cfg.worker_cnt; i++) {
        if (!engine->workers[i].started)
            continue;
        engine->cfg.port->ops->wake(engine->cfg.port, i);
        pthread_join(engine->workers[i].thread, NULL);
    }
    for (uint16_t i = 0; engine->workers && i < engine->cfg.worker_cnt; i++)
        worker_free(&engine->workers[i]);
    engine->cfg.port->ops->close(engine->cfg.port);
    pool_free(&engine->mails);
    parcels_unmake(engine);
    free(engine->control);
    free(engine->workers);
    if (engine->control_fd >= 0)
        close(engine->control_fd);
    free(engine);
}

uint16_t xord_engine_shard_of(const struct xord_engine *engine, uint32_t local, const struct xord_endpoint *ep)
{
    const struct xord_local *l = &engine->cfg.node.locals->all[local];
    const struct xord_port *port = engine->cfg.port;
    int family = !xord_endpoint_is_v4(ep);
    struct xord_endpoint called;

    if (engine->cfg.worker_cnt == 1 ||
            local >= engine->cfg.node.locals->cnt) /* any shard refuses an unknown identity */
        return 0;
    if (!port->any_dst[family])
        return xord_steer_shard(port->reta, xord_steer_hash(&l->ep[family], ep));
    called = xord_endpoint_any(family, l->ep[family].port);
    return xord_steer_shard(port->reta, xord_steer_hash(&called, ep));
}

/* ---- mail ---- */

static void control_wake(struct xord_engine *engine)
{
    uint64_t one = 1;

    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&engine->control_asleep, memory_order_relaxed) &&
            atomic_exchange_explicit(&engine->control_asleep, 0, memory_order_relaxed))
        (void)!write(engine->control_fd, &one, sizeof(one));
}

bool engine_deliver(struct xord_engine *engine, uint16_t to, struct xord_mail *mail)
{
    if (to == XORD_CONTROL) {
        if (!ring_give(engine->control, mail))
            return false;
        control_wake(engine);
        return true;
    }
    if (to >= engine->cfg.worker_cnt || !ring_give(engine->workers[to].mailbox, mail))
        return false;
    worker_wake(&engine->workers[to]);
    return true;
}

struct xord_mail *xord_engine_mail_new(struct xord_engine *engine, enum xord_mail_kind kind, uint32_t local,
        uint64_t cookie)
{
    struct xord_mail *mail = pool_get(&engine->mails);

    if (!mail)
        return NULL;
    mail->kind = (uint8_t)kind;
    mail->from = mail->reply_to = XORD_CONTROL;
    mail->local = local;
    mail->cookie = cookie;
    return mail;
}

void xord_engine_mail_free(struct xord_engine *engine, struct xord_mail *mail)
{
    pool_put(&engine->mails, mail);
}

int xord_engine_send(struct xord_engine *engine, uint16_t shard, struct xord_mail *mail)
{
    if (engine_deliver(engine, shard, mail))
        return 0;
    pool_put(&engine->mails, mail);
    return XORD_EFULL;
}

int xord_engine_request(struct xord_engine *engine, struct xord_mail *mail)
{
    return xord_engine_send(engine, xord_engine_shard_of(engine, mail->local, &mail->request.peer.ep), mail);
}

uint32_t xord_engine_poll(struct xord_engine *engine, struct xord_mail **mails, uint32_t max)
{
    uint32_t n = control_take_held(engine, mails, max);

    return n + ring_take(engine->control, (void **)(mails + n), max - n);
}

void xord_engine_wait_fds(struct xord_engine *engine, struct pollfd *fds, uint32_t fd_cnt, uint64_t timeout_ns)
{
    struct timespec timeout = {(time_t)(timeout_ns / XORD_NS_PER_S), (long)(timeout_ns % XORD_NS_PER_S)};
    struct pollfd all[1 + XORD_ENGINE_WAIT_FDS] = {{.fd = engine->control_fd, .events = POLLIN}};
    uint64_t wakes;

    if (fd_cnt > 0)
        memcpy(all + 1, fds, fd_cnt * sizeof(*fds));
    atomic_store_explicit(&engine->control_asleep, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (!control_has_mail(engine) && ppoll(all, 1 + fd_cnt, &timeout, NULL) > 0 && all[0].revents)
        (void)!read(engine->control_fd, &wakes, sizeof(wakes));
    atomic_store_explicit(&engine->control_asleep, 0, memory_order_relaxed);
    if (fd_cnt > 0)
        memcpy(fds, all + 1, fd_cnt * sizeof(*fds));
}

void xord_engine_wait(struct xord_engine *engine, uint64_t timeout_ns)
{
    xord_engine_wait_fds(engine, NULL, 0, timeout_ns);
}

void xord_engine_wake(struct xord_engine *engine)
{
    for (uint16_t i = 0; i < engine->cfg.worker_cnt; i++)
        worker_wake(&engine->workers[i]);
}

/* ---- what is going on ---- */

uint64_t xord_engine_turned_ns(const struct xord_engine *engine, uint16_t shard)
{
    return atomic_load_explicit(&engine->workers[shard].turned_ns, memory_order_relaxed);
}

bool xord_engine_port_is_up(const struct xord_engine *engine)
{
    struct xord_port *port = engine->cfg.port;

    return !port->ops->is_up || port->ops->is_up(port);
}

uint16_t xord_engine_worker_cnt(const struct xord_engine *engine)
{
    return engine->cfg.worker_cnt;
}

const struct xord_counters *xord_engine_counters(const struct xord_engine *engine, uint16_t shard)
{
    return xord_node_counters(engine->workers[shard].node);
}

uint64_t xord_engine_counter_sum(const struct xord_engine *engine, enum xord_counter_id id)
{
    uint64_t sum = 0;

    for (uint16_t i = 0; i < engine->cfg.worker_cnt; i++)
        sum += xord_counter_get(xord_engine_counters(engine, i), id);
    return sum;
}

void xord_engine_port_stats(const struct xord_engine *engine, struct xord_port_stats *stats)
{
    engine->cfg.port->ops->stats(engine->cfg.port, stats);
}

const struct xord_timing *xord_engine_timing(const struct xord_engine *engine, uint16_t shard, enum xord_timing_id id)
{
    return xord_node_timing(engine->workers[shard].node, id);
}

void xord_engine_shard_sizes(const struct xord_engine *engine, uint16_t shard, struct xord_node_sizes *sizes)
{
    const struct worker *worker = &engine->workers[shard];

    sizes->sessions = atomic_load_explicit(&worker->sessions, memory_order_relaxed);
    sizes->requests = atomic_load_explicit(&worker->requests, memory_order_relaxed);
    sizes->lane = atomic_load_explicit(&worker->lane, memory_order_relaxed);
    sizes->table = atomic_load_explicit(&worker->table, memory_order_relaxed);
    sizes->table_live = atomic_load_explicit(&worker->table_live, memory_order_relaxed);
}

void xord_engine_sizes(const struct xord_engine *engine, struct xord_node_sizes *sizes)
{
    memset(sizes, 0, sizeof(*sizes));
    for (uint16_t i = 0; i < engine->cfg.worker_cnt; i++) {
        struct xord_node_sizes shard;

        xord_engine_shard_sizes(engine, i, &shard);
        sizes->sessions += shard.sessions;
        sizes->requests += shard.requests;
        sizes->lane += shard.lane;
        sizes->table += shard.table;
        sizes->table_live += shard.table_live;
    }
}
