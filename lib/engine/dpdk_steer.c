/* SPDX-License-Identifier: BSD-3-Clause */
/* RSS in software, for devices that have none or fewer queues than there are workers: who polls a queue reads the hash off the
 * headers and hands the mbufs over as they are, one ring of pointers for each pair of workers, itself included. Their owner
 * takes them through the stack, answers in them and frees them, so that polling costs as little as it can: no more than two
 * lines of memory a frame, which are announced while the worker serves what it has polled before. When there is more than a
 * poller can serve, its own ring runs full, and the others' frames go on. */
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include "dpdk_private.h"
#include "spsc_private.h"
#include "xord_bytes.h"

#define GIVEN_LEN 1024 /* mbufs in all rings to one worker, */
#define GIVEN_MIN 32   /* but in each there is room for so many */

/* ---- the hash ---- */

#define IP4     14
#define IP6     14
#define PORTS4  (IP4 + 20)
#define PORTS6  (IP6 + 40)
#define UDP_LEN 8

/* As a NIC sees it: neither fragments nor IPv4 options nor IPv6 extension headers have ports where they are looked for. */
static bool is_udp4(const uint8_t *frame, size_t len)
{
    return len >= PORTS4 + UDP_LEN && xord_load_be16(frame + 12) == 0x0800 && frame[IP4] == 0x45 &&
           frame[IP4 + 9] == IPPROTO_UDP && (xord_load_be16(frame + IP4 + 6) & 0x3fff) == 0;
}

static bool is_udp6(const uint8_t *frame, size_t len)
{
    return len >= PORTS6 + UDP_LEN && xord_load_be16(frame + 12) == 0x86dd && frame[IP6] >> 4 == 6 &&
           frame[IP6 + 6] == IPPROTO_UDP;
}

bool dpdk_frame_hash(uint32_t *hash, const uint8_t *frame, size_t len, const bool any_dst[2])
{
    uint64_t words;

    if (is_udp4(frame, len)) {
        words = xord_load_be32(frame + IP4 + 12) ^ xord_load_be32(frame + PORTS4);
        if (!any_dst[0])
            words ^= xord_load_be32(frame + IP4 + 16);
    } else if (is_udp6(frame, len)) {
        words = xord_steer_ip_words(frame + IP6 + 8) ^ xord_load_be32(frame + PORTS6);
        if (!any_dst[1])
            words ^= xord_steer_ip_words(frame + IP6 + 24);
    } else {
        return false;
    }
    *hash = xord_steer_hash_words(words);
    return true;
}

/* ---- between workers ---- */

/* The mbufs that one worker has for another. */
struct dpdk_given {
    struct spsc spsc;
    struct rte_mbuf *mbufs[];
};

static struct dpdk_given **given(const struct dpdk_port *self, uint16_t from, uint16_t to)
{
    return &self->given[from * self->worker_cnt + to];
}

static struct dpdk_given *given_new(uint32_t len)
{
    struct dpdk_given *new = aligned_alloc(64, sizeof(*new) + len * sizeof(new->mbufs[0]));

    if (new)
        spsc_init(&new->spsc, len);
    return new;
}

int dpdk_steer_init(struct dpdk_port *self)
{
    uint16_t pollers = self->device.rx_queue_cnt;
    uint32_t len = GIVEN_LEN;

    xord_steer_deal(self->base.reta, self->worker_cnt, pollers);
    if (self->worker_cnt == 1 || dpdk_device_steers(&self->device, self->worker_cnt))
        return 0;
    while (len > GIVEN_MIN && len * pollers > GIVEN_LEN)
        len /= 2;
    self->given = calloc((size_t)pollers * self->worker_cnt, sizeof(self->given[0]));
    if (!self->given)
        return XORD_ENOMEM;
    for (uint16_t from = 0; from < pollers; from++)
        for (uint16_t to = 0; to < self->worker_cnt; to++) {
            *given(self, from, to) = given_new(len);
            if (!*given(self, from, to))
                return XORD_ENOMEM;
        }
    return 0;
}

static uint16_t take(struct dpdk_given *from, struct rte_mbuf **frames, uint16_t max)
{
    uint32_t first, cnt = spsc_ready(&from->spsc, &first, max);

    for (uint32_t i = 0; i < cnt; i++) {
        frames[i] = from->mbufs[(first + i) & (from->spsc.len - 1)];
        dpdk_prefetch_write(frames[i]);
    }
    if (cnt > 0)
        spsc_release(&from->spsc, cnt);
    return (uint16_t)cnt;
}

void dpdk_steer_free(struct dpdk_port *self)
{
    struct rte_mbuf *mbuf;

    for (uint32_t i = 0; self->given && i < (uint32_t)self->device.rx_queue_cnt * self->worker_cnt; i++) {
        while (self->given[i] && take(self->given[i], &mbuf, 1) == 1)
            rte_pktmbuf_free(mbuf);
        free(self->given[i]);
    }
    free(self->given);
}

uint16_t dpdk_steer_take(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf **frames, uint16_t max)
{
    uint16_t pollers = self->device.rx_queue_cnt, n = 0, in = 0;

    worker->steer_turn = (uint16_t)((worker->steer_turn + 1) % pollers);
    for (uint16_t i = 0; i < pollers && n < max; i++) {
        uint16_t from = (uint16_t)((worker->steer_turn + i) % pollers);
        uint16_t got = take(*given(self, from, worker->index), frames + n, max - n);

        n += got;
        in += from == worker->index ? 0 : got;
    }
    dpdk_bump(&worker->steer_in, in);
    return n;
}

static bool is_given_more(const struct dpdk_port *self, const struct dpdk_worker *worker)
{
    for (uint16_t from = 0; self->given && from < self->device.rx_queue_cnt; from++)
        if (!spsc_is_empty(&(*given(self, from, worker->index))->spsc))
            return true;
    return false;
}

bool dpdk_steer_has_more(const struct dpdk_port *self, const struct dpdk_worker *worker)
{
    return worker->ahead_cnt > 0 || is_given_more(self, worker);
}

enum xord_load dpdk_steer_load(const struct dpdk_port *self, const struct dpdk_worker *worker)
{
    if (worker->ahead_cnt == DPDK_AHEAD_LEN || is_given_more(self, worker))
        return XORD_LOAD_FULL;
    return worker->ahead_cnt > 0 ? XORD_LOAD_SOME : XORD_LOAD_NONE;
}

/* The shard that a frame is for; what has no hash stays where it is. The mbuf is not written to: its owner would have to fetch the
 * line from our cache, and computes the hash in less time. */
static uint16_t owner_of(const struct dpdk_port *self, const struct dpdk_worker *worker, struct rte_mbuf *mbuf)
{
    bool any = self->base.any_dst[0] || self->base.any_dst[1];
    uint32_t hash;

    if (self->device.rss && !any && mbuf->ol_flags & RTE_MBUF_F_RX_RSS_HASH)
        return xord_steer_shard(self->base.reta, mbuf->hash.rss);
    if (!dpdk_frame_hash(&hash, rte_pktmbuf_mtod(mbuf, uint8_t *), mbuf->data_len, self->base.any_dst))
        return worker->index;
    return xord_steer_shard(self->base.reta, hash);
}

/* Without showing it to the owner yet. */
static void give(struct dpdk_port *self, struct dpdk_worker *worker, struct rte_mbuf *mbuf, uint16_t owner)
{
    struct dpdk_given *to = *given(self, worker->index, owner);
    uint32_t slot;

    if (spsc_reserve(&to->spsc, &slot)) {
        to->mbufs[slot] = mbuf;
        return;
    }
    rte_pktmbuf_free(mbuf);
    dpdk_bump(&worker->steer_dropped, 1);
}

/* Shows each owner what it has got: bit w of `owners` is worker w. */
static void give_end(struct dpdk_port *self, struct dpdk_worker *worker, uint64_t owners)
{
    for (; owners; owners &= owners - 1) {
        uint16_t owner = (uint16_t)__builtin_ctzll(owners);
        uint32_t cnt = spsc_publish(&(*given(self, worker->index, owner))->spsc);

        dpdk_bump(&worker->steer_out, owner == worker->index ? 0 : cnt);
    }
}

void dpdk_steer_poll(struct dpdk_port *self, struct dpdk_worker *worker)
{
    uint64_t owners = 0;

    for (uint16_t i = 0; i < worker->ahead_cnt; i++) {
        uint16_t owner = owner_of(self, worker, worker->ahead[i]);

        owners |= 1ULL << owner;
        give(self, worker, worker->ahead[i], owner);
    }
    give_end(self, worker, owners);
    worker->ahead_cnt = dpdk_device_rx(&self->device, worker, worker->ahead, DPDK_AHEAD_LEN);
    for (uint16_t i = 0; i < worker->ahead_cnt; i++)
        rte_prefetch0(worker->ahead[i]);
}

void dpdk_steer_announce(const struct dpdk_worker *worker)
{
    for (uint16_t i = 0; i < worker->ahead_cnt; i++)
        rte_prefetch0(rte_pktmbuf_mtod(worker->ahead[i], void *));
}
