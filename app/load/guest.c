/* SPDX-License-Identifier: BSD-3-Clause */
/* What runs on each worker: asks the generator which request is due, gives it to the shard, reports its end. Before the load
 * it greets: one PING to each pair makes the sessions, so that the load finds them; hostile traffic needs none, but a way to its
 * targets. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load.h"
#include "xord_rng.h"

#define SENDS_A_TURN 64 /* then what has come is looked at */
#define GREET_WINDOW 32
#define GREETED      0xff /* answered */
#define GREET_COOKIE (1ULL << 63)
#define SWAP_WAIT_NS (2 * XORD_NS_PER_S)

static const uint16_t distances_asked[] = {256, 255, 254};
static const char talk_protocol[] = "xord-load";
static const uint8_t talk_request[32] = "a request of the load generator";

/* ---- requests ---- */

static void request_send(struct guest *guest, struct xord_node *node, uint32_t pair, enum xord_mix_kind kind,
        uint64_t cookie, uint64_t now_ns)
{
    struct xord_mail *mail = &guest->mail;
    struct xord_mail_request *request = &mail->request;

    mail->kind = XORD_MAIL_REQUEST;
    mail->reply_to = XORD_GUEST;
    mail->local = guest->pairs[pair].local;
    mail->cookie = cookie;
    request->peer = guest->pairs[pair].peer;
    switch (kind) {
    case XORD_MIX_FINDNODE:
        request->type = XORD_MSG_FINDNODE;
        request->distance_cnt = sizeof(distances_asked) / sizeof(distances_asked[0]);
        memcpy(request->distances, distances_asked, sizeof(distances_asked));
        break;
    case XORD_MIX_TALK:
        request->type = XORD_MSG_TALKREQ;
        request->protocol_len = sizeof(talk_protocol) - 1;
        request->request_len = sizeof(talk_request);
        memcpy(request->talk, talk_protocol, sizeof(talk_protocol) - 1);
        memcpy(request->talk + sizeof(talk_protocol) - 1, talk_request, sizeof(talk_request));
        break;
    case XORD_MIX_HANDSHAKE:
        xord_node_forget(node, mail->local, &request->peer);
        request->type = XORD_MSG_PING;
        break;
    case XORD_MIX_PING:
    case XORD_MIX_KINDS:
        request->type = XORD_MSG_PING;
        break;
    }
    xord_node_mail(node, mail, now_ns);
}

/* ---- greeting ---- */

uint32_t guest_answered_cnt(const struct guest *guest)
{
    return atomic_load_explicit(&guest->greet_cnt, memory_order_relaxed);
}

static void greet_reply(struct guest *guest, const struct xord_mail *mail)
{
    uint32_t pair = (uint32_t)mail->cookie;

    if (pair >= guest->pair_cnt)
        return;
    guest->greet_open--;
    if (mail->done.err == 0) {
        guest->greet_tries[pair] = GREETED;
        atomic_store_explicit(&guest->greet_cnt, guest_answered_cnt(guest) + 1, memory_order_relaxed);
    } else if (++guest->greet_tries[pair] < GREET_TRIES && pair < guest->greet_next)
        guest->greet_next = pair; /* from there again */
}

static bool greet(struct guest *guest, struct xord_node *node, uint64_t now_ns)
{
    bool busy = false;

    if (guest_has_greeted(guest))
        return false;
    while (guest->greet_next < guest->pair_cnt && guest->greet_open < GREET_WINDOW) {
        uint32_t pair = guest->greet_next++;

        if (guest->greet_tries[pair] >= GREET_TRIES) /* also when it has answered */
            continue;
        guest->greet_open++;
        busy = true;
        request_send(guest, node, pair, XORD_MIX_PING, GREET_COOKIE | pair, now_ns);
    }
    if (guest->greet_next == guest->pair_cnt && guest->greet_open == 0)
        atomic_store_explicit(&guest->greeted, 1, memory_order_release);
    return busy;
}

void guest_set_greeting(struct guest *guest, uint32_t pair, uint8_t tries)
{
    guest->greet_tries[pair] = GREET_TRIES - tries;
}

uint32_t guest_drop_silent(struct guest *guest)
{
    uint32_t left = 0;

    for (uint32_t i = 0; i < guest->pair_cnt; i++)
        if (guest->greet_tries[i] == GREETED)
            guest->pairs[left++] = guest->pairs[i];
    guest->pair_cnt = left;
    return left;
}

/* ---- the worker's side ---- */

static struct xord_tally *tally_of(struct guest *guest)
{
    return &guest->tallies[atomic_load_explicit(&guest->swaps_done, memory_order_relaxed) % 2];
}

static void tally_follow(struct guest *guest)
{
    if (guest->gen)
        xord_loadgen_set_tally(guest->gen, tally_of(guest));
    if (guest->hostile)
        xord_hostile_set_tally(guest->hostile, tally_of(guest));
}

static void swap_if_wanted(struct guest *guest)
{
    uint32_t wanted = atomic_load_explicit(&guest->swaps_wanted, memory_order_acquire);

    if (wanted == atomic_load_explicit(&guest->swaps_done, memory_order_relaxed))
        return;
    atomic_store_explicit(&guest->swaps_done, wanted, memory_order_release);
    tally_follow(guest);
}

static void over_check(struct guest *guest, uint64_t now_ns)
{
    if (!xord_loadgen_is_over(guest->gen, now_ns))
        return;
    if (!guest->stopped) {
        xord_loadgen_stop(guest->gen, now_ns);
        guest->stopped = true;
        guest->over_ns = now_ns;
    }
    /* Every request ends by its timeout; a reply that was lost for want of a mail never comes. */
    if (now_ns - guest->over_ns > 2 * guest->timeout_ns + XORD_NS_PER_S)
        xord_loadgen_give_up(guest->gen);
    if (xord_loadgen_in_flight(guest->gen) == 0)
        atomic_store_explicit(&guest->over, 1, memory_order_release);
}

static bool generate(struct guest *guest, struct xord_node *node, uint64_t now_ns)
{
    struct xord_loadgen_request request;
    uint32_t n = 0;

    for (; n < SENDS_A_TURN && xord_loadgen_next(guest->gen, &request, now_ns); n++)
        request_send(guest, node, request.pair, request.kind, request.cookie, now_ns);
    over_check(guest, now_ns);
    return n > 0;
}

static bool harass(struct guest *guest, const struct xord_node_io *io, uint64_t now_ns)
{
    bool busy = xord_hostile_turn(guest->hostile, io, now_ns);

    if (xord_hostile_is_over(guest->hostile, now_ns))
        atomic_store_explicit(&guest->over, 1, memory_order_release);
    return busy;
}

static bool guest_turn(void *ctx, struct xord_node *node, const struct xord_node_io *io, uint64_t now_ns)
{
    struct guest *guest = ctx;
    uint32_t phase = atomic_load_explicit(&guest->phase, memory_order_acquire);

    now_ns = xord_now_ns(); /* later than the turn began, by what came in and was worked on */
    if (phase == GUEST_GREETS)
        return greet(guest, node, now_ns);
    if (phase < GUEST_RUNS || guest->pair_cnt == 0)
        return false;
    if (!guest->begun) {
        guest->begun = true;
        tally_follow(guest);
        if (guest->gen)
            xord_loadgen_begin(guest->gen, guest->start_ns);
    }
    swap_if_wanted(guest);
    if (phase == GUEST_STOPS && guest->gen && !guest->stopped) {
        xord_loadgen_stop(guest->gen, 0); /* what is due by now is nobody's loss */
        guest->stopped = true;
        guest->over_ns = now_ns;
    }
    if (phase == GUEST_STOPS && guest->hostile)
        xord_hostile_stop(guest->hostile);
    return guest->hostile ? harass(guest, io, now_ns) : generate(guest, node, now_ns);
}

static uint64_t guest_next_ns(void *ctx)
{
    struct guest *guest = ctx;
    uint32_t phase = atomic_load_explicit(&guest->phase, memory_order_acquire);

    if (phase < GUEST_RUNS || guest->pair_cnt == 0)
        return UINT64_MAX;
    if (!guest->begun)
        return 0;
    return guest->hostile ? xord_hostile_next_ns(guest->hostile) : xord_loadgen_next_ns(guest->gen);
}

static void guest_reply(void *ctx, const struct xord_mail *mail, uint64_t now_ns)
{
    struct guest *guest = ctx;

    if (mail->kind != XORD_MAIL_DONE)
        return;
    if (mail->cookie & GREET_COOKIE)
        greet_reply(guest, mail);
    else if (guest->begun && guest->gen)
        xord_loadgen_end(guest->gen, mail->cookie, mail->done.err, mail->done.handshake, now_ns);
}

static bool guest_rx(void *ctx, struct xord_dgram *dgram, uint64_t now_ns)
{
    struct guest *guest = ctx;

    return guest->begun && guest->hostile && xord_hostile_rx(guest->hostile, dgram, now_ns);
}

const struct xord_guest_ops guest_ops = {
        .turn = guest_turn,
        .next_ns = guest_next_ns,
        .reply = guest_reply,
        .rx = guest_rx,
};

/* ---- control's side ---- */

struct guest *guest_new(void)
{
    struct guest *guest = aligned_alloc(64, (sizeof(*guest) + 63) / 64 * 64);

    if (!guest)
        return NULL;
    memset(guest, 0, sizeof(*guest));
    xord_tally_reset(&guest->tallies[0]);
    xord_tally_reset(&guest->tallies[1]);
    return guest;
}

void guest_free(struct guest *guest)
{
    if (!guest)
        return;
    xord_loadgen_free(guest->gen);
    xord_hostile_free(guest->hostile);
    free(guest->pairs);
    free(guest->greet_tries);
    free(guest);
}

static int hostile_prepare(struct guest *guest, const struct load_args *args, const struct service *service,
        const struct xord_schedule *schedule)
{
    struct xord_hostile_config config = {
            .kind = args->hostile,
            .schedule = *schedule,
            .aes_ops = service->aes_ops,
            .curve = args->node.curve,
            .locals = service->locals,
            .target_cnt = guest->pair_cnt,
    };
    const struct xord_port_addr *prefix = &args->node.port.addrs[0];

    if (args->node.port.whole_prefix) {
        memcpy(config.source_ip16, prefix->ip16, 16);
        config.source_prefix_len = prefix->prefix_len + (xord_ip_is_v4(prefix->ip16) ? 96U : 0U);
    }

    xord_random_kernel(config.seed32, sizeof(config.seed32));
    guest->hostile = xord_hostile_new(&config);
    for (uint32_t i = 0; guest->hostile && i < guest->pair_cnt; i++)
        xord_hostile_set_target(guest->hostile, i, guest->pairs[i].local, &guest->pairs[i].peer);
    return guest->hostile ? 0 : complain("out of memory");
}

int guest_prepare(struct guest *guest, const struct load_args *args, const struct service *service, double share,
        uint32_t slot_cap)
{
    struct xord_loadgen_config config = {
            .closed = args->window > 0,
            .schedule = {.rate = args->rate * share, .ramp_ns = args->ramp_ns, .duration_ns = args->duration_ns},
            .mix = args->mix,
            .by_kind = args->is_mix,
            .pair_cnt = guest->pair_cnt,
            .slot_cap = slot_cap,
            .timeout_ns = guest->timeout_ns,
    };

    if (args->is_hostile) {
        config.schedule.start_ns = guest->start_ns;
        return hostile_prepare(guest, args, service, &config.schedule);
    }
    if (config.closed) {
        config.window = (uint32_t)((double)args->window * share + 0.5);
        config.window = config.window ? config.window : 1;
        config.slot_cap = config.window;
    }
    if (args->mix.weight[XORD_MIX_HANDSHAKE] > 0 && args->mix.weight[XORD_MIX_HANDSHAKE] < 1 && guest->pair_cnt < 2)
        return complain("handshakes beside other requests need identities of their own: give --identities 16 or more");
    guest->gen = xord_loadgen_new(&config);
    return guest->gen ? 0 : complain("out of memory");
}

void guest_set_phase(struct guest *guest, enum guest_phase phase)
{
    atomic_store_explicit(&guest->phase, phase, memory_order_release);
}

bool guest_has_greeted(const struct guest *guest)
{
    return atomic_load_explicit(&guest->greeted, memory_order_acquire);
}

bool guest_is_over(const struct guest *guest)
{
    return atomic_load_explicit(&guest->over, memory_order_acquire);
}

void guest_swap_ask(struct guest *guest)
{
    uint32_t wanted = atomic_load_explicit(&guest->swaps_wanted, memory_order_relaxed) + 1;

    atomic_store_explicit(&guest->swaps_wanted, wanted, memory_order_release);
}

struct xord_tally *guest_swap_wait(struct guest *guest)
{
    static const struct timespec nap = {.tv_nsec = 50000};
    uint32_t wanted = atomic_load_explicit(&guest->swaps_wanted, memory_order_relaxed);
    uint64_t until_ns = xord_now_ns() + SWAP_WAIT_NS;

    while (atomic_load_explicit(&guest->swaps_done, memory_order_acquire) != wanted) {
        if (xord_now_ns() > until_ns)
            return NULL;
        nanosleep(&nap, NULL);
    }
    return &guest->tallies[(wanted + 1) % 2];
}
