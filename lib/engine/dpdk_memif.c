/* SPDX-License-Identifier: BSD-3-Clause */
/* memif's driver (DPDK 22.11) drops a connection on EAL's interrupt thread: it unmaps the memory that it shares with the peer, and
 * frees what describes it, while workers may be copying into it. So a peer that ended under load took us with it.
 *
 * Whatever the driver does there begins with a recvmsg on its control socket: the peer's farewell, or the end of the file; and it
 * is over when the thread waits for the next event. These two calls are ours in this program: on the interrupt thread the first
 * returns only when no worker is inside the driver, and none enters before the second. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <rte_interrupts.h>

#include "dpdk_private.h"

static struct {
    _Atomic bool held;
    pthread_mutex_t lock; /* of what follows */
    struct dpdk_worker *workers;
    uint16_t worker_cnt; /* 0: no memif is open */
} memif = {.lock = PTHREAD_MUTEX_INITIALIZER};

void dpdk_memif_guard(struct dpdk_worker *workers, uint16_t worker_cnt)
{
    pthread_mutex_lock(&memif.lock);
    memif.workers = workers;
    memif.worker_cnt = worker_cnt;
    pthread_mutex_unlock(&memif.lock);
}

bool dpdk_memif_enter(struct dpdk_worker *worker)
{
    atomic_store(&worker->in_memif, true);
    if (!atomic_load(&memif.held))
        return true;
    dpdk_memif_leave(worker);
    return false;
}

void dpdk_memif_leave(struct dpdk_worker *worker)
{
    atomic_store_explicit(&worker->in_memif, false, memory_order_release);
}

static void hold(void)
{
    pthread_mutex_lock(&memif.lock);
    if (memif.worker_cnt > 0) {
        atomic_store(&memif.held, true);
        for (uint16_t w = 0; w < memif.worker_cnt; w++)
            while (atomic_load(&memif.workers[w].in_memif))
                (void)sched_yield();
    }
    pthread_mutex_unlock(&memif.lock);
}

/* For the whole program, and for the drivers that EAL loads. */
__attribute__((visibility("default"))) ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    static ssize_t (*_Atomic next)(int, struct msghdr *, int);
    ssize_t (*call)(int, struct msghdr *, int) = atomic_load(&next);
    ssize_t n;
    int saved;

    if (!call) {
        *(void **)&call = dlsym(RTLD_NEXT, "recvmsg");
        atomic_store(&next, call);
    }
    n = call(fd, message, flags);
    saved = errno;
    if (rte_thread_is_intr())
        hold();
    errno = saved;
    return n;
}

__attribute__((visibility("default"))) int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    static int (*_Atomic next)(int, struct epoll_event *, int, int);
    int (*call)(int, struct epoll_event *, int, int) = atomic_load(&next);

    if (!call) {
        *(void **)&call = dlsym(RTLD_NEXT, "epoll_wait");
        atomic_store(&next, call);
    }
    if (rte_thread_is_intr())
        atomic_store(&memif.held, false);
    return call(fd, events, max, timeout_ms);
}
