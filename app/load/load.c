/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord load`: puts a load on nodes and measures it. Pairs of identities and targets are dealt to the workers that own them;
 * each has a guest there (guest.c). This thread lets them greet, run and stop, and collects what they count once a second. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "commands.h"
#include "load.h"

#define SLOTS_MIN     1024
#define SLOTS_MAX     65536
#define SPARE         64 /* requests of a shard besides those of its guest */
#define HEADSTART_NS  (50 * XORD_NS_PER_MS)
#define GREET_TELL_NS (3 * XORD_NS_PER_S) /* a greeting that takes longer says how far it is */
#define NAP_NS        (10 * XORD_NS_PER_MS)

struct run {
    struct load_args *args;
    struct service service;
    struct guest *guests[XORD_ENGINE_MAX_WORKERS];
    uint16_t worker_cnt;
    uint32_t pair_cnt, silent_cnt; /* silent: those that get no load */
    struct report report;
};

static void nap(uint64_t ns)
{
    struct timespec ts = {(time_t)(ns / XORD_NS_PER_S), (long)(ns % XORD_NS_PER_S)};

    nanosleep(&ts, NULL); /* a signal ends it */
}

/* Mail for control: only what guests do not get. */
static void mail_drain(struct run *run)
{
    struct xord_mail *mails[16];
    uint32_t n;

    while ((n = xord_engine_poll(run->service.engine, mails, 16)) > 0)
        for (uint32_t i = 0; i < n; i++)
            xord_engine_mail_free(run->service.engine, mails[i]);
}

/* As many requests in flight as a target that is silent for the length of a timeout leaves there, within reason. */
static uint32_t slots_wanted(const struct load_args *args)
{
    double silent = args->rate * (double)args->node.request_timeout_ns / 1e9 * 1.25;

    if (args->window)
        return args->window;
    return silent < SLOTS_MIN ? SLOTS_MIN : silent > SLOTS_MAX ? SLOTS_MAX : (uint32_t)silent;
}

/* ---- pairs ---- */

static uint32_t pairs_wanted(const struct load_args *args)
{
    return args->identities > args->targets.cnt ? args->identities : args->targets.cnt;
}

/* The i-th pair and the guest that it belongs to; NULL when the target cannot be reached from here. */
static struct guest *pair_make(struct run *run, struct pair *pair, uint32_t i)
{
    const struct load_args *args = run->args;
    const struct xord_enr *enr = &args->targets.enrs[i % args->targets.cnt];
    struct xord_endpoint ep;

    if (!service_pick_endpoint(&run->service, enr, &ep))
        return NULL;
    pair->local = i % args->identities;
    pair->peer = xord_peer_from_enr(enr, &ep);
    return run->guests[xord_engine_shard_of(run->service.engine, pair->local, &ep)];
}

static int pairs_deal(struct run *run)
{
    uint32_t wanted = pairs_wanted(run->args), unreachable = 0;
    struct pair pair;

    for (uint32_t i = 0; i < wanted; i++) {
        struct guest *guest = pair_make(run, &pair, i);

        if (guest)
            guest->pair_cnt++;
    }
    for (uint16_t w = 0; w < run->worker_cnt; w++) {
        struct guest *guest = run->guests[w];

        guest->pairs = calloc(guest->pair_cnt + 1, sizeof(*guest->pairs));
        guest->greet_tries = calloc(guest->pair_cnt + 1, 1);
        if (!guest->pairs || !guest->greet_tries)
            return complain("out of memory");
        guest->pair_cnt = 0;
        guest->timeout_ns = run->args->node.request_timeout_ns;
    }
    for (uint32_t i = 0; i < wanted; i++) {
        struct guest *guest = pair_make(run, &pair, i);

        if (guest)
            guest->pairs[guest->pair_cnt++] = pair;
        else
            unreachable++;
    }
    run->pair_cnt = wanted - unreachable;
    run->silent_cnt = unreachable;
    if (run->pair_cnt == 0)
        return complain("no record names a UDP endpoint of an address family that we have");
    if (unreachable > 0)
        xord_log(XORD_LOG_WARN, "%" PRIu32 " of %" PRIu32 " records name no endpoint that we can send to", unreachable,
                wanted);
    return 0;
}

/* ---- phases ---- */

static void phase_set(struct run *run, enum guest_phase phase)
{
    for (uint16_t w = 0; w < run->worker_cnt; w++)
        guest_set_phase(run->guests[w], phase);
    xord_engine_wake(run->service.engine);
}

static bool all(const struct run *run, bool (*holds)(const struct guest *guest))
{
    for (uint16_t w = 0; w < run->worker_cnt; w++)
        if (run->guests[w]->pair_cnt > 0 && !holds(run->guests[w]))
            return false;
    return true;
}

static int nobody(const struct run *run)
{
    const char *refused = service_refused(&run->service);
    char why[256];

    if (refused)
        snprintf(why, sizeof(why), "nothing could be sent: %s", refused);
    else
        snprintf(why, sizeof(why),
                "no answer from %.80s: it may be down, or unreachable, or its record may be out of date",
                run->args->target_name);
    report_nobody(run->args, why);
    return EXIT_NOTHING;
}

static uint32_t answered_cnt(const struct run *run)
{
    uint32_t cnt = 0;

    for (uint16_t w = 0; w < run->worker_cnt; w++)
        cnt += guest_answered_cnt(run->guests[w]);
    return cnt;
}

static void greet_wait(struct run *run, uint32_t wanted)
{
    uint64_t tell_ns = xord_now_ns() + GREET_TELL_NS;

    phase_set(run, GUEST_GREETS);
    while (!all(run, guest_has_greeted) && !interrupted()) {
        mail_drain(run);
        nap(NAP_NS);
        if (xord_now_ns() < tell_ns)
            continue;
        xord_log(XORD_LOG_INFO, "greeting first: %" PRIu32 " of %" PRIu32 " have answered", answered_cnt(run), wanted);
        tell_ns += GREET_TELL_NS;
    }
    phase_set(run, GUEST_READY);
}

/* A few PINGs, a target each, so that link addresses are known: datagrams that are due while one is asked for would wait, and of
 * many some be lost. Hostile traffic leaves though nobody answers, but whoever sends it should know. */
static int greet_targets(struct run *run)
{
    const bool is_hostile = run->args->is_hostile;
    const uint32_t target_cnt = run->args->targets.cnt;

    for (uint16_t w = 0; w < run->worker_cnt; w++)
        for (uint32_t i = 0; i < run->guests[w]->pair_cnt; i++)
            guest_set_greeting(run->guests[w], i, i >= target_cnt ? 0 : is_hostile ? 1 : GREET_TRIES);
    greet_wait(run, target_cnt);
    if (interrupted())
        return complain("interrupted before the load began");
    if (answered_cnt(run) > 0)
        return 0;
    if (!is_hostile)
        return nobody(run);
    xord_log(XORD_LOG_WARN, "no answer from %.80s to a first PING: what follows may reach nobody",
            run->args->target_name);
    return 0;
}

/* One PING to each, so that sessions are there when the load begins. */
static int greet(struct run *run)
{
    uint32_t left = 0;

    greet_wait(run, run->pair_cnt);
    if (interrupted())
        return complain("interrupted before the load began");
    for (uint16_t w = 0; w < run->worker_cnt; w++)
        left += guest_drop_silent(run->guests[w]);
    if (left == 0)
        return nobody(run);
    if (left < run->pair_cnt)
        xord_log(XORD_LOG_WARN, "%" PRIu32 " of %" PRIu32 " did not answer a first PING and get no load",
                run->pair_cnt - left, run->pair_cnt);
    run->silent_cnt += run->pair_cnt - left;
    run->pair_cnt = left;
    return 0;
}

static int prepare(struct run *run, uint64_t start_ns)
{
    uint32_t slots = slots_wanted(run->args);
    int err = 0;

    for (uint16_t w = 0; w < run->worker_cnt && !err; w++) {
        struct guest *guest = run->guests[w];

        guest->start_ns = start_ns;
        if (guest->pair_cnt > 0)
            err = guest_prepare(guest, run->args, &run->service, (double)guest->pair_cnt / run->pair_cnt, slots);
    }
    return err;
}

/* ---- the load ---- */

static int collect(struct run *run)
{
    xord_tally_reset(&run->report.second);
    for (uint16_t w = 0; w < run->worker_cnt; w++)
        guest_swap_ask(run->guests[w]);
    xord_engine_wake(run->service.engine);
    for (uint16_t w = 0; w < run->worker_cnt; w++) {
        struct xord_tally *tally;

        if (run->guests[w]->pair_cnt == 0)
            continue;
        tally = guest_swap_wait(run->guests[w]);
        if (!tally)
            return complain("worker %u does not react", w);
        xord_tally_add(&run->report.second, tally);
        xord_tally_reset(tally);
    }
    return 0;
}

static int second_end(struct run *run, uint64_t start_ns)
{
    int err = collect(run);
    uint64_t now_ns = xord_now_ns();

    if (err || now_ns < start_ns)
        return err;
    return report_second(&run->report, (double)(now_ns - start_ns) / 1e9);
}

/* A row is a second; one ends with the duration. */
static uint64_t row_end(const struct run *run, uint64_t start_ns, uint64_t from_ns)
{
    uint64_t end_ns = start_ns + run->args->duration_ns;

    return from_ns < end_ns && from_ns + XORD_NS_PER_S > end_ns ? end_ns : from_ns + XORD_NS_PER_S;
}

static int watch(struct run *run, uint64_t start_ns)
{
    uint64_t next_ns = row_end(run, start_ns, start_ns);
    bool stopping = false;
    int err = 0;

    while (!err && !all(run, guest_is_over)) {
        uint64_t now_ns = xord_now_ns();

        mail_drain(run);
        if (interrupted() && !stopping) {
            stopping = true;
            phase_set(run, GUEST_STOPS);
        }
        if (now_ns >= next_ns) {
            err = second_end(run, start_ns);
            next_ns = row_end(run, start_ns, next_ns);
        } else {
            nap(next_ns - now_ns < NAP_NS ? next_ns - now_ns : NAP_NS);
        }
    }
    return err ? err : second_end(run, start_ns);
}

static int load_run(struct run *run)
{
    const struct load_args *args = run->args;
    uint64_t start_ns;
    int err = pairs_deal(run);

    /* Handshakes need no sessions; but of several targets those that are silent are to be left out. */
    if (!err)
        err = args->is_hostile || (args->mix.weight[XORD_MIX_HANDSHAKE] >= 1 && args->targets.cnt == 1)
                      ? greet_targets(run)
                      : greet(run);
    start_ns = xord_now_ns() + HEADSTART_NS;
    if (!err)
        err = prepare(run, start_ns);
    if (err)
        return err;
    err = report_begin(&run->report, run->pair_cnt, run->silent_cnt, start_ns);
    if (err)
        return err;
    phase_set(run, GUEST_RUNS);
    nap(HEADSTART_NS);
    if (interrupted() && xord_now_ns() < start_ns)
        return complain("interrupted before the load began");
    err = watch(run, start_ns);
    return err ? err : report_end(&run->report);
}

static int start(struct run *run)
{
    struct service *service = &run->service;
    const struct load_args *args = run->args;
    int err = service_open(service, &args->node, true);

    if (!err)
        err = identities_make(service, args);
    if (err)
        return err;
    if (interrupted())
        return complain("interrupted before the load began");
    run->worker_cnt = args->node.port.worker_cnt;
    for (uint16_t w = 0; w < run->worker_cnt; w++) {
        run->guests[w] = guest_new();
        if (!run->guests[w])
            return complain("out of memory");
    }
    service->guest_ops = &guest_ops;
    service->guests = (void **)run->guests;
    service->last_cpus = true; /* what is measured on this machine has the first */
    service->node.request_cap = slots_wanted(args) + SPARE;
    service->node.session_cap = pairs_wanted(args) > 16384 ? 4 * pairs_wanted(args) : 65536;
    return service_start(service, &args->node);
}

int load_main(int argc, char **argv)
{
    struct run *run = calloc(1, sizeof(*run)); /* some megabytes of tallies */
    struct load_args args = {0};
    int err;

    if (!run)
        return complain("out of memory");
    run->args = &args;
    signals_init();
    err = load_options(&args, &argc, argv);
    if (!err)
        err = report_open(&run->report, &args);
    if (!err)
        err = start(run);
    if (!err)
        err = service_confine(&args.node, &(struct confine_wish){0});
    if (!err)
        err = load_run(run);
    service_stop(&run->service);
    for (uint16_t w = 0; w < XORD_ENGINE_MAX_WORKERS; w++)
        guest_free(run->guests[w]);
    report_free(&run->report);
    record_list_free(&args.targets);
    node_options_free(&args.node);
    free(run);
    return err;
}
