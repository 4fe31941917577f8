/* SPDX-License-Identifier: BSD-3-Clause */
/* Due times, slots of requests in flight, pairs. Each kind of a mix has its own way through the schedule: those of one kind that
 * have to wait hold up no other. */
#include <stdlib.h>
#include <string.h>

#include "xord_err.h"
#include "xord_loadgen.h"

#define NIL             UINT32_MAX
#define LATE_DEFAULT_NS XORD_NS_PER_MS
#define SEEK_MAX        1024 /* requests of other kinds passed over at once */

struct slot {
    uint64_t due_ns, sent_ns;
    uint32_t generation;
    uint32_t next; /* free list */
    uint32_t pair;
    uint8_t kind;
    bool in_use;
};

/* Open loop: the requests of one kind. All kinds count through the same schedule and the same mix, each by itself, and pass over
 * what is not theirs. */
struct queue {
    struct xord_mix mix;
    uint64_t k;       /* of its next request; not `found`: the first that may be it */
    uint64_t due_ns;  /* of request k */
    uint64_t held_ns; /* when a request that was due was last seen to wait for a slot or a pair */
    bool found;
};

struct xord_loadgen {
    struct xord_loadgen_config cfg;
    struct xord_tally *tally;
    struct slot *slots;
    uint32_t free_slot, in_flight;
    uint32_t *idle_pairs; /* for handshakes: those that have none in flight, a ring: all have their turn */
    uint32_t idle_head, idle_cnt, handshake_pairs;
    uint32_t pair_turn;
    struct queue queues[XORD_MIX_KINDS]; /* open loop */
    uint64_t cnt;                        /* of the schedule */
    uint64_t starved_ns;                 /* when a handshake that was due was last seen to wait for a pair */
    enum xord_mix_kind kind;             /* closed loop: of the next request */
    bool starved;                        /* closed loop: it waits for a pair */
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

/* ---- what is due ---- */

static void queue_seek(const struct xord_loadgen *gen, struct queue *queue, enum xord_mix_kind kind)
{
    for (uint32_t i = 0; i < SEEK_MAX && !queue->found && queue->k < gen->cnt; i++) {
        queue->found = xord_mix_next(&queue->mix) == kind;
        queue->k += !queue->found;
    }
    queue->due_ns = xord_schedule_due_ns(&gen->cfg.schedule, queue->k);
}

static void queue_pop(const struct xord_loadgen *gen, struct queue *queue, enum xord_mix_kind kind)
{
    queue->k++;
    queue->found = false;
    queue_seek(gen, queue, kind);
}

static bool queue_is_due(const struct xord_loadgen *gen, struct queue *queue, enum xord_mix_kind kind, uint64_t now_ns)
{
    while (queue->k < gen->cnt && queue->due_ns <= now_ns) {
        if (queue->found)
            return true;
        queue_seek(gen, queue, kind);
    }
    return false;
}

void xord_loadgen_begin(struct xord_loadgen *gen, uint64_t now_ns)
{
    gen->cfg.schedule.start_ns = now_ns;
    gen->begun = true;
    if (gen->cfg.closed) {
        gen->kind = xord_mix_next(&gen->cfg.mix);
        return;
    }
    gen->cnt = xord_schedule_cnt(&gen->cfg.schedule);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        struct queue *queue = &gen->queues[kind];

        queue->mix = gen->cfg.mix;
        queue->k = gen->cfg.mix.weight[kind] > 0 ? 0 : gen->cnt;
        queue_seek(gen, queue, (enum xord_mix_kind)kind);
    }
}

static uint64_t end_ns(const struct xord_loadgen *gen)
{
    return gen->cfg.schedule.start_ns + gen->cfg.schedule.duration_ns;
}

/* Ramped as the rate is, but never below one. */
static uint32_t window_now(const struct xord_loadgen *gen, uint64_t now_ns)
{
    uint32_t window = (uint32_t)((double)gen->cfg.window * xord_schedule_share(&gen->cfg.schedule, now_ns));

    return window ? window : 1;
}

static bool lacks_pair(const struct xord_loadgen *gen, enum xord_mix_kind kind)
{
    return kind == XORD_MIX_HANDSHAKE && gen->idle_cnt == 0;
}

static bool can_send(const struct xord_loadgen *gen, enum xord_mix_kind kind)
{
    return gen->free_slot != NIL && !lacks_pair(gen, kind);
}

/* Where the account of a kind is kept; NULL: nowhere. */
static struct xord_tally_kind *kind_of(struct xord_loadgen *gen, unsigned kind)
{
    return gen->cfg.by_kind ? &gen->tally->kinds[kind] : NULL;
}

static bool was_starved(const struct xord_loadgen *gen, enum xord_mix_kind kind, uint64_t due_ns)
{
    return kind == XORD_MIX_HANDSHAKE && due_ns <= gen->starved_ns;
}

static void unsent_count(struct xord_loadgen *gen, enum xord_mix_kind kind)
{
    struct xord_tally_kind *of = kind_of(gen, kind);

    gen->tally->unsent++;
    gen->tally->starved += was_starved(gen, kind, gen->queues[kind].due_ns);
    if (of)
        of->lost++;
}

/* One that would have timed out by now is left out: nothing is gained by sending it. */
static void queue_hold(struct xord_loadgen *gen, enum xord_mix_kind kind, uint64_t now_ns)
{
    struct queue *queue = &gen->queues[kind];

    queue->held_ns = now_ns;
    if (lacks_pair(gen, kind) && gen->free_slot != NIL)
        gen->starved_ns = now_ns;
    for (; queue_is_due(gen, queue, kind, now_ns) && now_ns - queue->due_ns >= gen->cfg.timeout_ns;
            queue_pop(gen, queue, kind))
        unsent_count(gen, kind);
}

/* Of what is due and can be sent the kind that was due first; XORD_MIX_KINDS: there is none. */
static enum xord_mix_kind open_pick(struct xord_loadgen *gen, uint64_t now_ns)
{
    enum xord_mix_kind first = XORD_MIX_KINDS;

    for (int i = 0; i < XORD_MIX_KINDS; i++) {
        enum xord_mix_kind kind = (enum xord_mix_kind)i;

        if (!queue_is_due(gen, &gen->queues[i], kind, now_ns))
            continue;
        if (!can_send(gen, kind))
            queue_hold(gen, kind, now_ns);
        else if (first == XORD_MIX_KINDS || gen->queues[i].k < gen->queues[first].k)
            first = kind;
    }
    return first;
}

/* In the order of the mix, or its shares would not be kept: here nothing is due before it can be sent. */
static enum xord_mix_kind closed_pick(struct xord_loadgen *gen, uint64_t now_ns)
{
    if (gen->in_flight >= window_now(gen, now_ns) || now_ns >= end_ns(gen))
        return XORD_MIX_KINDS;
    gen->starved |= lacks_pair(gen, gen->kind);
    return can_send(gen, gen->kind) ? gen->kind : XORD_MIX_KINDS;
}

static uint32_t pair_take(struct xord_loadgen *gen, enum xord_mix_kind kind)
{
    uint32_t others = gen->cfg.pair_cnt - gen->handshake_pairs, pair;

    if (kind != XORD_MIX_HANDSHAKE)
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

static void lateness_count(struct xord_loadgen *gen, enum xord_mix_kind kind, uint64_t now_ns)
{
    const struct queue *queue = &gen->queues[kind];
    uint64_t late_ns = now_ns - queue->due_ns;

    if (late_ns <= gen->cfg.late_ns)
        return;
    gen->tally->starved += was_starved(gen, kind, queue->due_ns);
    if (queue->due_ns <= queue->held_ns) {
        gen->tally->held++;
        return;
    }
    gen->tally->late++;
    if (late_ns > gen->tally->late_max_ns)
        gen->tally->late_max_ns = late_ns;
}

/* When the request of this kind was due; the one behind it is next. */
static uint64_t request_take(struct xord_loadgen *gen, enum xord_mix_kind kind, uint64_t now_ns)
{
    uint64_t due_ns = gen->queues[kind].due_ns;

    if (!gen->cfg.closed) {
        lateness_count(gen, kind, now_ns);
        queue_pop(gen, &gen->queues[kind], kind);
        return due_ns;
    }
    gen->tally->starved += gen->starved;
    gen->starved = false;
    gen->kind = xord_mix_next(&gen->cfg.mix);
    return now_ns;
}

bool xord_loadgen_next(struct xord_loadgen *gen, struct xord_loadgen_request *request, uint64_t now_ns)
{
    enum xord_mix_kind kind;
    struct slot *slot;
    uint32_t i = gen->free_slot;

    if (!gen->begun || gen->stopped)
        return false;
    kind = gen->cfg.closed ? closed_pick(gen, now_ns) : open_pick(gen, now_ns);
    if (kind == XORD_MIX_KINDS)
        return false;
    slot = &gen->slots[i];
    gen->free_slot = slot->next;
    slot->due_ns = request_take(gen, kind, now_ns);
    slot->sent_ns = now_ns;
    slot->kind = (uint8_t)kind;
    slot->pair = pair_take(gen, kind);
    slot->in_use = true;
    slot->generation++;
    *request = (struct xord_loadgen_request){(uint64_t)slot->generation << 32 | i, slot->pair, kind};
    gen->in_flight++;
    gen->tally->sent++;
    if (kind_of(gen, kind))
        kind_of(gen, kind)->sent++;
    return true;
}

static bool is_exhausted(const struct xord_loadgen *gen)
{
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++)
        if (gen->queues[kind].k < gen->cnt)
            return false;
    return true;
}

static uint64_t open_next_ns(const struct xord_loadgen *gen)
{
    uint64_t next_ns = UINT64_MAX;

    if (is_exhausted(gen))
        return end_ns(gen);
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        const struct queue *queue = &gen->queues[kind];

        if (queue->k < gen->cnt && can_send(gen, (enum xord_mix_kind)kind) && queue->due_ns < next_ns)
            next_ns = queue->due_ns;
    }
    return next_ns;
}

uint64_t xord_loadgen_next_ns(const struct xord_loadgen *gen)
{
    if (!gen->begun || gen->stopped || gen->free_slot == NIL)
        return UINT64_MAX;
    if (!gen->cfg.closed)
        return open_next_ns(gen);
    return gen->in_flight < gen->cfg.window && can_send(gen, gen->kind) ? gen->cfg.schedule.start_ns : UINT64_MAX;
}

/* ---- what became of it ---- */

static void slot_release(struct xord_loadgen *gen, uint32_t i, uint64_t now_ns)
{
    struct slot *slot = &gen->slots[i];
    uint64_t busy_ns = now_ns > slot->sent_ns ? now_ns - slot->sent_ns : 0;

    slot->in_use = false;
    slot->next = gen->free_slot;
    gen->free_slot = i;
    gen->in_flight--;
    if (slot->kind != XORD_MIX_HANDSHAKE)
        return;
    gen->tally->pair_busy_ns += busy_ns;
    gen->tally->pair_turns++;
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
    slot_release(gen, i, now_ns);
}

/* Not before its time, though the next request be due only after it; a generator that is behind has the length of a timeout to
 * catch up. */
bool xord_loadgen_is_over(const struct xord_loadgen *gen, uint64_t now_ns)
{
    if (gen->stopped)
        return true;
    if (gen->cfg.closed || is_exhausted(gen))
        return now_ns >= end_ns(gen);
    return now_ns >= end_ns(gen) + gen->cfg.timeout_ns;
}

static void queue_stop(struct xord_loadgen *gen, enum xord_mix_kind kind, uint64_t now_ns)
{
    struct queue *queue = &gen->queues[kind];

    for (; queue_is_due(gen, queue, kind, now_ns); queue_pop(gen, queue, kind)) {
        if (queue->due_ns <= queue->held_ns)
            unsent_count(gen, kind);
        else
            gen->tally->missed++;
    }
}

void xord_loadgen_stop(struct xord_loadgen *gen, uint64_t now_ns)
{
    for (int kind = 0; kind < XORD_MIX_KINDS && gen->begun && !gen->stopped && !gen->cfg.closed; kind++)
        queue_stop(gen, (enum xord_mix_kind)kind, now_ns);
    gen->stopped = true;
}

void xord_loadgen_give_up(struct xord_loadgen *gen)
{
    for (uint32_t i = 0; i < gen->cfg.slot_cap; i++) {
        if (!gen->slots[i].in_use)
            continue;
        loss_count(gen, &gen->slots[i], XORD_ETIMEOUT);
        slot_release(gen, i, gen->slots[i].sent_ns + gen->cfg.timeout_ns);
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
