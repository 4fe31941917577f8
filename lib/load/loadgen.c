/* SPDX-License-Identifier: BSD-3-Clause */
/* Due times, slots of requests in flight, pairs. */
#include <stdlib.h>
#include <string.h>

#include "xord_err.h"
#include "xord_loadgen.h"

#define NIL             UINT32_MAX
#define LATE_DEFAULT_NS XORD_NS_PER_MS

struct slot {
    uint64_t due_ns;
    uint32_t generation;
    uint32_t next; /* free list */
    uint32_t pair;
    uint8_t kind;
    bool in_use;
};

struct xord_loadgen {
    struct xord_loadgen_config cfg;
    struct xord_tally *tally;
    struct slot *slots;
    uint32_t free_slot, in_flight;
    uint32_t *idle_pairs; /* for handshakes: those that have none in flight, a ring: all have their turn */
    uint32_t idle_head, idle_cnt, handshake_pairs;
    uint32_t pair_turn;
    uint64_t issued, cnt;    /* of the schedule */
    uint64_t due_ns;         /* open loop: of request `issued` */
    uint64_t held_ns;        /* when a request that was due was last seen to wait for a slot or a pair */
    enum xord_mix_kind kind; /* of the next request */
    bool begun, stopped;
};

static int pairs_init(struct xord_loadgen *gen)
{
    uint32_t pairs = gen->cfg.pair_cnt;
    double share = gen->cfg.mix.weight[XORD_MIX_HANDSHAKE];

    if (share >= 1)
        gen->handshake_pairs = pairs;
    else if (share > 0)
        gen->handshake_pairs = pairs < 4 ? pairs / 2 : pairs / 4;
    gen->idle_pairs = calloc(pairs, sizeof(*gen->idle_pairs));
    if (!gen->idle_pairs)
        return XORD_ENOMEM;
    for (uint32_t i = 0; i < gen->handshake_pairs; i++)
        gen->idle_pairs[gen->idle_cnt++] = i;
    return 0;
}

struct xord_loadgen *xord_loadgen_new(const struct xord_loadgen_config *config)
{
    struct xord_loadgen *gen = calloc(1, sizeof(*gen));

    if (!gen)
        return NULL;
    gen->cfg = *config;
    if (gen->cfg.late_ns == 0)
        gen->cfg.late_ns = LATE_DEFAULT_NS;
    gen->slots = calloc(config->slot_cap, sizeof(*gen->slots));
    if (!gen->slots || pairs_init(gen)) {
        xord_loadgen_free(gen);
        return NULL;
    }
    for (uint32_t i = 0; i < config->slot_cap; i++)
        gen->slots[i].next = i + 1 < config->slot_cap ? i + 1 : NIL;
    return gen;
}

void xord_loadgen_free(struct xord_loadgen *gen)
{
    if (!gen)
        return;
    free(gen->slots);
    free(gen->idle_pairs);
    free(gen);
}

void xord_loadgen_begin(struct xord_loadgen *gen, uint64_t now_ns)
{
    gen->cfg.schedule.start_ns = now_ns;
    gen->cnt = gen->cfg.closed ? UINT64_MAX : xord_schedule_cnt(&gen->cfg.schedule);
    gen->due_ns = gen->cfg.closed ? now_ns : xord_schedule_due_ns(&gen->cfg.schedule, 0);
    gen->kind = xord_mix_next(&gen->cfg.mix);
    gen->begun = true;
}

static uint64_t end_ns(const struct xord_loadgen *gen)
{
    return gen->cfg.schedule.start_ns + gen->cfg.schedule.duration_ns;
}

/* ---- what is due ---- */

/* Ramped as the rate is, but never below one. */
static uint32_t window_now(const struct xord_loadgen *gen, uint64_t now_ns)
{
    uint32_t window = (uint32_t)((double)gen->cfg.window * xord_schedule_share(&gen->cfg.schedule, now_ns));

    return window ? window : 1;
}

static bool is_due(const struct xord_loadgen *gen, uint64_t now_ns)
{
    if (!gen->begun || gen->stopped)
        return false;
    if (gen->cfg.closed)
        return gen->in_flight < window_now(gen, now_ns) && now_ns < end_ns(gen);
    return gen->issued < gen->cnt && gen->due_ns <= now_ns;
}

static bool can_send(const struct xord_loadgen *gen)
{
    return gen->free_slot != NIL && (gen->kind != XORD_MIX_HANDSHAKE || gen->idle_cnt > 0);
}

/* Where the account of a kind is kept; NULL: nowhere. */
static struct xord_tally_kind *kind_of(struct xord_loadgen *gen, unsigned kind)
{
    return gen->cfg.by_kind ? &gen->tally->kinds[kind] : NULL;
}

static void unsent_count(struct xord_loadgen *gen)
{
    struct xord_tally_kind *kind = kind_of(gen, gen->kind);

    gen->tally->unsent++;
    if (kind)
        kind->lost++;
}

static void advance(struct xord_loadgen *gen)
{
    gen->issued++;
    if (!gen->cfg.closed)
        gen->due_ns = xord_schedule_due_ns(&gen->cfg.schedule, gen->issued);
    gen->kind = xord_mix_next(&gen->cfg.mix);
}

static uint32_t pair_take(struct xord_loadgen *gen)
{
    uint32_t others = gen->cfg.pair_cnt - gen->handshake_pairs, pair;

    if (gen->kind != XORD_MIX_HANDSHAKE)
        return gen->handshake_pairs + gen->pair_turn++ % others;
    pair = gen->idle_pairs[gen->idle_head];
    gen->idle_head = (gen->idle_head + 1) % gen->handshake_pairs;
    gen->idle_cnt--;
    return pair;
}

static void pair_give_back(struct xord_loadgen *gen, uint32_t pair)
{
    gen->idle_pairs[(gen->idle_head + gen->idle_cnt++) % gen->handshake_pairs] = pair;
}

static void lateness_count(struct xord_loadgen *gen, uint64_t due_ns, uint64_t now_ns)
{
    uint64_t late_ns = now_ns - due_ns;

    if (late_ns <= gen->cfg.late_ns)
        return;
    if (due_ns <= gen->held_ns) {
        gen->tally->held++;
        return;
    }
    gen->tally->late++;
    if (late_ns > gen->tally->late_max_ns)
        gen->tally->late_max_ns = late_ns;
}

bool xord_loadgen_next(struct xord_loadgen *gen, struct xord_loadgen_request *request, uint64_t now_ns)
{
    struct slot *slot;
    uint32_t i = gen->free_slot;

    if (!is_due(gen, now_ns))
        return false;
    if (!can_send(gen)) {
        gen->held_ns = now_ns;
        /* It would have timed out by now: nothing is gained by sending it. */
        for (; is_due(gen, now_ns) && !gen->cfg.closed && now_ns - gen->due_ns >= gen->cfg.timeout_ns; advance(gen))
            unsent_count(gen);
        return false;
    }
    slot = &gen->slots[i];
    gen->free_slot = slot->next;
    slot->due_ns = gen->cfg.closed ? now_ns : gen->due_ns;
    slot->kind = (uint8_t)gen->kind;
    slot->pair = pair_take(gen);
    slot->in_use = true;
    slot->generation++;
    *request = (struct xord_loadgen_request){(uint64_t)slot->generation << 32 | i, slot->pair, gen->kind};
    gen->in_flight++;
    gen->tally->sent++;
    if (kind_of(gen, gen->kind))
        kind_of(gen, gen->kind)->sent++;
    lateness_count(gen, slot->due_ns, now_ns);
    advance(gen);
    return true;
}

uint64_t xord_loadgen_next_ns(const struct xord_loadgen *gen)
{
    if (!gen->begun || gen->stopped || !can_send(gen))
        return UINT64_MAX;
    if (!gen->cfg.closed)
        return gen->issued < gen->cnt ? gen->due_ns : end_ns(gen);
    return gen->in_flight < gen->cfg.window ? gen->cfg.schedule.start_ns : UINT64_MAX;
}

/* ---- what became of it ---- */

static void slot_release(struct xord_loadgen *gen, uint32_t i)
{
    struct slot *slot = &gen->slots[i];

    slot->in_use = false;
    slot->next = gen->free_slot;
    gen->free_slot = i;
    gen->in_flight--;
    if (slot->kind == XORD_MIX_HANDSHAKE)
        pair_give_back(gen, slot->pair);
}

static void answer_count(struct xord_loadgen *gen, const struct slot *slot, bool handshake, uint64_t now_ns)
{
    uint64_t latency_ns = now_ns > slot->due_ns ? now_ns - slot->due_ns : 0;
    struct xord_tally_kind *kind = kind_of(gen, slot->kind);

    gen->tally->answered++;
    gen->tally->handshakes += handshake;
    xord_histogram_record(&gen->tally->latency, latency_ns);
    if (!kind)
        return;
    kind->answered++;
    kind->handshakes += handshake;
    xord_histogram_record(&kind->latency, latency_ns);
}

static void loss_count(struct xord_loadgen *gen, const struct slot *slot, int err)
{
    struct xord_tally_kind *kind = kind_of(gen, slot->kind);

    if (err == XORD_ETIMEOUT)
        gen->tally->timeouts++;
    else
        gen->tally->refused++;
    if (kind)
        kind->lost++;
}

void xord_loadgen_end(struct xord_loadgen *gen, uint64_t cookie, int err, bool handshake, uint64_t now_ns)
{
    uint32_t i = (uint32_t)cookie;
    struct slot *slot;

    if (i >= gen->cfg.slot_cap)
        return;
    slot = &gen->slots[i];
    if (!slot->in_use || slot->generation != cookie >> 32)
        return;
    if (err == 0)
        answer_count(gen, slot, handshake, now_ns);
    else
        loss_count(gen, slot, err);
    slot_release(gen, i);
}

/* Not before its time, though the next request be due only after it; a generator that is behind has the length of a timeout to
 * catch up. */
bool xord_loadgen_is_over(const struct xord_loadgen *gen, uint64_t now_ns)
{
    if (gen->stopped)
        return true;
    if (gen->cfg.closed || gen->issued == gen->cnt)
        return now_ns >= end_ns(gen);
    return now_ns >= end_ns(gen) + gen->cfg.timeout_ns;
}

void xord_loadgen_stop(struct xord_loadgen *gen, uint64_t now_ns)
{
    for (; !gen->cfg.closed && is_due(gen, now_ns); advance(gen)) {
        if (gen->due_ns <= gen->held_ns)
            unsent_count(gen);
        else
            gen->tally->missed++;
    }
    gen->stopped = true;
}

void xord_loadgen_give_up(struct xord_loadgen *gen)
{
    for (uint32_t i = 0; i < gen->cfg.slot_cap; i++) {
        if (!gen->slots[i].in_use)
            continue;
        loss_count(gen, &gen->slots[i], XORD_ETIMEOUT);
        slot_release(gen, i);
    }
}

uint32_t xord_loadgen_in_flight(const struct xord_loadgen *gen)
{
    return gen->in_flight;
}

void xord_loadgen_set_tally(struct xord_loadgen *gen, struct xord_tally *tally)
{
    gen->tally = tally;
}
