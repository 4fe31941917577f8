/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of `xord load`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define RATE_DEFAULT     1000
#define DURATION_DEFAULT (10 * XORD_NS_PER_S)
#define TIMEOUT_DEFAULT  (2 * XORD_NS_PER_S) /* so that a target which stalls for a second is seen to */
#define RATE_MAX         1e8
#define WINDOW_MAX       65536
#define MIX_FILE_MAX     65536
#define IDENTITIES_MAX   1000000

enum {
    OPT_RATE = 0x200,
    OPT_WINDOW,
    OPT_RAMP,
    OPT_DURATION,
    OPT_IDENTITIES,
    OPT_MODE,
    OPT_HDR,
    OPT_HTML,
    OPT_ASSERT,
};

static const struct argp_option option_table[] = {
        {"rate", OPT_RATE, "N", 0,
                "Open loop: N requests a second, whatever the target does; default 1000 (100k, 1M: so too)", 0},
        {"window", OPT_WINDOW, "N", 0, "Closed loop instead: N requests in flight", 0},
        {"ramp", OPT_RAMP, "TIME", 0, "Grow to that rate or window evenly, for so long", 0},
        {"duration", OPT_DURATION, "TIME", 0, "With the ramp, default 10s (250ms, 15m, 2h: so too)", 0},
        {"identities", OPT_IDENTITIES, "N", 0,
                "Come from N nodes, each with an address and a session of its own; default 1, for handshakes and "
                "hostile "
                "traffic to 127.0.0.1 64",
                0},
        {"mode", OPT_MODE, "MODE", 0,
                "ping (default), findnode, talk, handshake, mix FILE (lines KIND SHARE), or hostile KIND: junk, "
                "whoareyou-flood, bad-signature, replay, spoofed, oversize, slow-handshake",
                0},
        {"hdr", OPT_HDR, "FILE", 0, "Write an HdrHistogram log, an interval a second", 1},
        {"html", OPT_HTML, "FILE", 0, "Write a page with plots of latency and throughput", 1},
        {"assert", OPT_ASSERT, "TERMS", 0,
                "Exit code 4 unless all hold: p99<2ms,loss<0.1%,rate>=50k,max<1s,mean<200us; repeatable", 1},
        {0},
};

static int rate_parse(struct load_args *args, const char *text)
{
    char *end;
    double rate = strtod(text, &end);

    if (*end == 'k' || *end == 'M')
        rate *= *end++ == 'k' ? 1e3 : 1e6;
    if (end == text || *end || !(rate > 0 && rate <= RATE_MAX))
        return complain("--rate wants requests a second, as 500, 20k or 1M, not \"%.60s\"", text);
    args->rate = rate;
    args->has_rate = true;
    return 0;
}

/* ---- modes ---- */

static int mix_read(struct load_args *args)
{
    FILE *file = fopen(args->detail, "re");
    char *text = calloc(1, MIX_FILE_MAX + 1), err[XORD_MIX_ERR_LEN];
    size_t len = 0;
    int code = 0;

    if (!file)
        code = complain("cannot read %s: %s", args->detail, strerror(errno));
    else if (!text)
        code = complain("out of memory");
    else
        len = fread(text, 1, MIX_FILE_MAX, file);
    if (!code && ferror(file))
        code = complain("cannot read %s: %s", args->detail, strerror(errno));
    else if (!code && (len == MIX_FILE_MAX || memchr(text, '\0', len)))
        code = complain("%s is no mix: it is too long, or no text", args->detail);
    else if (!code && xord_mix_parse(&args->mix, err, text))
        code = complain("%s: %s", args->detail, err);
    if (file)
        fclose(file);
    free(text);
    return code;
}

static int hostile_set(struct load_args *args)
{
    for (int kind = 0; kind < XORD_HOSTILE_KINDS; kind++) {
        if (strcmp(args->detail, xord_hostile_names[kind]) != 0)
            continue;
        args->is_hostile = true;
        args->hostile = (enum xord_hostile_kind)kind;
        return 0;
    }
    return complain(
            "there is no hostile kind \"%.60s\": known are junk, whoareyou-flood, bad-signature, replay, spoofed, "
            "oversize, slow-handshake",
            args->detail);
}

/* "mix FILE" and "hostile KIND" are two words, or one with a space or a colon. */
static int mode_set(struct load_args *args, char *text, struct argp_state *state)
{
    size_t len = strcspn(text, " :");
    bool is_mix = len == 3 && memcmp(text, "mix", 3) == 0, is_hostile = len == 7 && memcmp(text, "hostile", 7) == 0;

    args->mode = text;
    args->detail = NULL;
    args->is_mix = args->is_hostile = false;
    for (int kind = 0; kind < XORD_MIX_KINDS; kind++) {
        if (strcmp(text, xord_mix_kind_names[kind]) != 0)
            continue;
        xord_mix_single(&args->mix, (enum xord_mix_kind)kind);
        return 0;
    }
    if (!is_mix && !is_hostile)
        return complain("there is no mode \"%.60s\": known are ping, findnode, talk, handshake, mix FILE, hostile KIND",
                text);
    if (text[len]) {
        args->detail = text + len + 1;
        text[len] = '\0';
    } else if (state->next < state->argc) {
        args->detail = state->argv[state->next++];
    } else {
        return complain(is_mix ? "--mode mix needs a FILE" : "--mode hostile needs a KIND");
    }
    args->is_mix = is_mix;
    return is_mix ? mix_read(args) : hostile_set(args);
}

/* ---- targets ---- */

static int target_visit(void *ctx, const struct record_in *in)
{
    struct load_args *args = ctx;
    struct xord_enr enr;
    int err = xord_enr_from_text(&enr, in->text, strlen(in->text));

    if (!err)
        err = xord_enr_verify(&enr, args->node.curve);
    if (!err)
        return record_list_add(&args->targets, &enr);
    if (in->line)
        return complain("%s, line %u is no valid record: %s", in->source, in->line, xord_strerror(err));
    return complain("%.60s is no valid record: %s", in->text, xord_strerror(err));
}

/* By node id, the newest record of each first. */
static int target_compare(const void *a, const void *b)
{
    const struct xord_enr *x = a, *y = b;
    int order = memcmp(x->id32, y->id32, sizeof(x->id32));

    return order ? order : (x->seq < y->seq) - (x->seq > y->seq);
}

/* A node that is named twice is one target: its sessions with us are one, too. */
static void targets_unite(struct record_list *targets)
{
    uint32_t cnt = 0;

    if (targets->cnt > 1)
        qsort(targets->enrs, targets->cnt, sizeof(*targets->enrs), target_compare);
    for (uint32_t i = 0; i < targets->cnt; i++)
        if (cnt == 0 || memcmp(targets->enrs[cnt - 1].id32, targets->enrs[i].id32, 32) != 0)
            targets->enrs[cnt++] = targets->enrs[i];
    targets->cnt = cnt;
}

static int targets_add(struct load_args *args, const char *text)
{
    uint32_t before = args->targets.cnt;
    int err = records_each(text, target_visit, args);

    args->target_name = args->target_name ? "several" : text;
    if (!err && args->targets.cnt == before)
        return complain("%.60s holds no record", text);
    return err;
}

/* ---- argp ---- */

static int apply(struct load_args *args, int key, char *arg, struct argp_state *state)
{
    char err[XORD_ASSERTION_ERR_LEN];
    uint64_t v;

    switch (key) {
    case OPT_RATE:
        return rate_parse(args, arg);
    case OPT_WINDOW:
        if (number_parse(&v, arg, "window", 1, WINDOW_MAX))
            return EXIT_USER;
        args->window = (uint32_t)v;
        return 0;
    case OPT_RAMP:
        return time_parse(&args->ramp_ns, arg, "ramp");
    case OPT_DURATION:
        return time_parse(&args->duration_ns, arg, "duration");
    case OPT_IDENTITIES:
        if (number_parse(&v, arg, "identities", 1, IDENTITIES_MAX))
            return EXIT_USER;
        args->identities = (uint32_t)v;
        return 0;
    case OPT_MODE:
        return mode_set(args, arg, state);
    case OPT_HDR:
        args->hdr_path = arg;
        return 0;
    case OPT_HTML:
        args->html_path = arg;
        return 0;
    case OPT_ASSERT:
        args->assert_text = arg;
        if (xord_assertion_add(&args->assertion, err, arg))
            return complain("--assert %s", err);
        return 0;
    default:
        return targets_add(args, arg);
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct load_args *args = state->input;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &args->node;
        return 0;
    case OPT_RATE ... OPT_ASSERT:
    case ARGP_KEY_ARG:
        if (apply(args, key, arg, state))
            exit(EXIT_USER);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
        {&node_options_argp, 0, "Node options:", 2},
        {&key_options_argp, 0, NULL, 2},
        {0},
};
static const struct argp load_argp = {
        .options = option_table,
        .parser = parse_option,
        .args_doc = "ENR|FILE...",
        .doc = "Puts a load on the nodes of the records, and measures it.\vLatency counts from the time at which a "
               "request "
               "was due, not from when it could be sent: a target that stalls cannot hide it. What is not answered "
               "within --request-timeout (here 2000 by default) is lost. Workers spin unless --idle sleep is given: "
               "whoever "
               "measures should not be asleep.\n"
               "Exit code 3 when nobody answered, 4 when an assertion failed.\n"
               "Example: xord load enr:-... --rate 50k --duration 30s --html load.html --assert 'p99<2ms,loss<0.1%'",
        .children = children,
};

static int options_check(struct load_args *args)
{
    if (args->targets.cnt == 0)
        return complain("name the node to load: its record (enr:...) or a file of records");
    if (args->window && args->has_rate)
        return complain("--rate is an open loop and --window a closed one: choose one");
    if (args->window && args->window < args->node.port.worker_cnt)
        return complain("--window: each worker needs one request in flight at least; give fewer --workers");
    if (args->window && args->is_hostile)
        return complain("hostile traffic waits for no answers: give it a --rate, not a --window");
    if (args->is_hostile && args->assert_text)
        return complain("hostile traffic measures no latency: assert on a load of ping beside it");
    if (args->duration_ns < XORD_NS_PER_MS)
        return complain("--duration: at least a millisecond");
    if (args->ramp_ns > args->duration_ns)
        return complain("--ramp must not be longer than --duration");
    return 0;
}

int load_options(struct load_args *args, int *argc, char **argv)
{
    int err = node_options_init(&args->node, argc, argv);

    args->rate = RATE_DEFAULT;
    args->duration_ns = DURATION_DEFAULT;
    args->mode = "ping";
    xord_mix_single(&args->mix, XORD_MIX_PING);
    if (!err)
        err = parse_args(&load_argp, *argc, argv, args);
    targets_unite(&args->targets);
    if (!err)
        err = options_check(args);
    if (!args->node.has_idle)
        args->node.idle = XORD_IDLE_SPIN;
    if (args->node.request_timeout_ns == 0)
        args->node.request_timeout_ns = TIMEOUT_DEFAULT;
    return err ? err : identities_plan(args);
}
