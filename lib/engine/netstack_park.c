/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that wait for their next hop's MAC: a fixed pool, a queue for each neighbour, one queue of those ready. */
#include "netstack_private.h"

#include <assert.h>
#include <stdlib.h>

int netstack_pool_init(struct netstack_pool *pool, uint16_t cnt, uint16_t mtu)
{
    pool->stride = (NETSTACK_L3 + mtu + 63U) & ~63U;
    pool->bytes = calloc(cnt, pool->stride);
    pool->next = calloc(cnt, sizeof(*pool->next));
    pool->len = calloc(cnt, sizeof(*pool->len));
    if (!pool->bytes || !pool->next || !pool->len)
        return XORD_ENOMEM;
    for (uint16_t i = 0; i < cnt; i++)
        pool->next[i] = i + 1 < cnt ? (uint16_t)(i + 1) : NETSTACK_PARKED_NONE;
    pool->free = 0;
    return 0;
}

void netstack_pool_free(struct netstack_pool *pool)
{
    free(pool->bytes);
    free(pool->next);
    free(pool->len);
}

static uint8_t *slot_bytes(const struct netstack_pool *pool, uint16_t slot)
{
    return pool->bytes + (size_t)slot * pool->stride;
}

static void push(struct netstack_pool *pool, struct netstack_fifo *fifo, uint16_t slot)
{
    pool->next[slot] = NETSTACK_PARKED_NONE;
    if (fifo->cnt)
        pool->next[fifo->tail] = slot;
    else
        fifo->head = slot;
    fifo->tail = slot;
    fifo->cnt++;
}

static uint16_t pop(struct netstack_pool *pool, struct netstack_fifo *fifo)
{
    uint16_t slot = fifo->head;

    fifo->head = pool->next[slot];
    fifo->cnt--;
    return slot;
}

static void give_back(struct netstack_pool *pool, uint16_t slot)
{
    pool->next[slot] = pool->free;
    pool->free = slot;
}

bool netstack_park(struct xord_netstack *stack, struct netstack_neighbour *neighbour, const uint8_t *frame,
        uint16_t len)
{
    struct netstack_pool *pool = &stack->pool;
    uint16_t slot;

    if (neighbour->parked.cnt == NETSTACK_PARKED_MAX) {
        give_back(pool, pop(pool, &neighbour->parked));
        netstack_count(stack, XORD_NET_CNT_parked_replaced);
    }
    slot = pool->free;
    if (slot == NETSTACK_PARKED_NONE)
        return false;
    pool->free = pool->next[slot];
    memcpy(slot_bytes(pool, slot), frame, len);
    pool->len[slot] = len;
    push(pool, &neighbour->parked, slot);
    return true;
}

void netstack_park_release(struct xord_netstack *stack, struct netstack_neighbour *neighbour)
{
    struct netstack_pool *pool = &stack->pool;

    while (neighbour->parked.cnt) {
        uint16_t slot = pop(pool, &neighbour->parked);

        memcpy(slot_bytes(pool, slot), neighbour->mac6, 6);
        push(pool, &pool->ready, slot);
    }
}

void netstack_park_discard(struct xord_netstack *stack, struct netstack_neighbour *neighbour)
{
    while (neighbour->parked.cnt) {
        give_back(&stack->pool, pop(&stack->pool, &neighbour->parked));
        netstack_count(stack, XORD_NET_CNT_parked_failed);
    }
}

size_t xord_netstack_unpark(struct xord_netstack *stack, uint8_t *frame, size_t cap)
{
    struct netstack_pool *pool = &stack->pool;
    uint16_t slot;
    size_t len;

    if (!pool->ready.cnt)
        return 0;
    slot = pop(pool, &pool->ready);
    len = pool->len[slot];
    assert(len <= cap);
    memcpy(frame, slot_bytes(pool, slot), len);
    give_back(pool, slot);
    netstack_count(stack, XORD_NET_CNT_parked_sent);
    return len;
}
