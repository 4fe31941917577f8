/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord ping`, `findnode`, `talk`, `lookup`: one exchange each, with its round-trip time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "commands.h"
#include "xord_text.h"

enum exchange_kind { PING, FINDNODE, TALK, LOOKUP };

struct exchange_args {
    enum exchange_kind kind;
    struct node_options node;
    struct xord_enr peer;
    bool has_peer;
    uint8_t target32[32];
    uint16_t distances[256];
    uint32_t distance_cnt;
    const char *protocol;
    uint8_t request[XORD_TALK_MAX_LEN];
    size_t request_len;
    bool has_request;
};

enum { OPT_DISTANCE = 0x200, OPT_PROTOCOL, OPT_REQUEST };

/* ---- arguments ---- */

static int distances_parse(struct exchange_args *args, const char *text)
{
    while (*text) {
        char *end;
        unsigned long d = strtoul(text, &end, 10);

        if (end == text || d > 256 || (*end && *end != ',') || args->distance_cnt == 256)
            return complain("--distance wants numbers from 0 to 256 with commas between, as 256,255,0; not \"%s\"",
                    text);
        args->distances[args->distance_cnt++] = (uint16_t)d;
        text = *end ? end + 1 : end;
    }
    return 0;
}

static int request_parse(struct exchange_args *args, const char *text)
{
    size_t len = strlen(text);

    if (len > 2 && strncmp(text, "0x", 2) == 0) {
        text += 2;
        len -= 2;
    }
    if (len / 2 > sizeof(args->request))
        return complain("--request is too long: one packet carries at most %zu bytes of protocol and request",
                sizeof(args->request));
    if (xord_hex_decode(args->request, len / 2, text, len))
        return complain("--request %.60s is not hex", text);
    args->request_len = len / 2;
    args->has_request = true;
    return 0;
}

static int peer_visit(void *ctx, const struct record_in *in)
{
    struct exchange_args *args = ctx;
    int err = xord_enr_from_text(&args->peer, in->text, strlen(in->text));

    if (!err)
        err = xord_enr_verify(&args->peer, args->node.curve);
    if (err)
        return complain("%.60s is no valid record: %s", in->text, xord_strerror(err));
    args->has_peer = true;
    return -1; /* the first is enough */
}

static int target_parse(struct exchange_args *args, const char *text)
{
    size_t skip = strncmp(text, "0x", 2) == 0 ? 2 : 0;

    if (xord_hex_decode(args->target32, 32, text + skip, strlen(text + skip)))
        return complain("%.80s is no node id: it must be 64 hex digits", text);
    args->has_peer = true;
    return 0;
}

static int argument_parse(struct exchange_args *args, const char *text)
{
    int err;

    if (args->has_peer)
        return complain("one %s at a time: what is %.60s?", args->kind == LOOKUP ? "node id" : "record", text);
    if (args->kind == LOOKUP)
        return target_parse(args, text);
    err = records_each(text, peer_visit, args);
    if (err <= 0 && !args->has_peer)
        return complain("%s holds no record", text);
    return err < 0 ? 0 : err;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct exchange_args *args = state->input;
    int err = 0;

    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &args->node;
        if (args->kind == LOOKUP)
            state->child_inputs[2] = &args->node;
        return 0;
    case OPT_DISTANCE:
        err = distances_parse(args, arg);
        break;
    case OPT_PROTOCOL:
        args->protocol = arg;
        break;
    case OPT_REQUEST:
        err = request_parse(args, arg);
        break;
    case ARGP_KEY_ARG:
        err = argument_parse(args, arg);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    if (err)
        exit(err);
    return 0;
}

static const struct argp_child children[] = {
        {&node_options_argp, 0, "Node options:", 2},
        {&key_options_argp, 0, NULL, 2},
        {0},
};
static const struct argp_child lookup_children[] = {
        {&node_options_argp, 0, "Node options:", 2},
        {&key_options_argp, 0, NULL, 2},
        {&join_options_argp, 0, "Where to begin:", 1},
        {0},
};
static const struct argp_option no_options[] = {{0}};
static const struct argp_option findnode_options[] = {
        {"distance", OPT_DISTANCE, "D,D..", 0, "Log distances to ask for; 0 is the node's own record", 0},
        {0},
};
static const struct argp_option talk_options[] = {
        {"protocol", OPT_PROTOCOL, "P", 0, "Protocol name", 0},
        {"request", OPT_REQUEST, "HEX", 0, "Request bytes", 0},
        {0},
};

#define EXCHANGE_ARGP(opts, kids, args_text, doc_text)                                                                 \
    {                                                                                                                  \
        .options = opts, .parser = parse_option, .args_doc = args_text, .doc = doc_text, .children = kids              \
    }

static const struct argp argps[] = {
        [PING] = EXCHANGE_ARGP(no_options, children, "ENR",
                "Sends one PING to a node and prints its PONG.\vExit code 3 when there is no answer."),
        [FINDNODE] = EXCHANGE_ARGP(findnode_options, children, "ENR",
                "Asks a node for its neighbours at the given distances.\vExit code 3 when there is no answer."),
        [TALK] = EXCHANGE_ARGP(talk_options, children, "ENR",
                "Sends one TALKREQ and prints the response in hex.\vAn empty response usually means that the node does "
                "not know the protocol. Exit code 3 when there is no answer."),
        [LOOKUP] = EXCHANGE_ARGP(no_options, lookup_children, "NODEID",
                "Finds the nodes closest to a node id, beginning at the bootnodes.\vExit code 3 when nobody answered."),
};

static int check(const struct exchange_args *args)
{
    if (!args->has_peer)
        return complain(args->kind == LOOKUP ? "name the node id to look up: 64 hex digits"
                                             : "name the node: its record (enr:...) or a file that holds it");
    if (args->kind == FINDNODE && args->distance_cnt == 0)
        return complain("findnode needs --distance, for example --distance 256,255");
    if (args->kind == TALK && !args->protocol)
        return complain("talk needs --protocol NAME");
    if (args->kind == TALK && strlen(args->protocol) + args->request_len > XORD_TALK_MAX_LEN)
        return complain("protocol and request are too long for one packet: at most %d bytes", XORD_TALK_MAX_LEN);
    if (args->kind == LOOKUP && args->node.bootnodes.cnt == 0)
        return complain("a lookup needs somewhere to begin: --bootnodes FILE, --bootnodes enr:..., or --network NAME");
    return 0;
}

/* ---- the exchange ---- */

struct reply {
    bool done, probe_answered;
    struct xord_mail_done result;
    uint64_t enr_seq;
    struct xord_endpoint said;
    struct xord_enr records[256];
    uint32_t record_cnt;
    uint8_t talk[XORD_MESSAGE_MAX_LEN];
    uint16_t talk_len;
};

static void take_mail(struct reply *reply, const struct xord_mail *mail)
{
    size_t pos = 0;

    if (mail->cookie != 1)
        return;
    if (mail->kind == XORD_MAIL_PONG) {
        reply->enr_seq = mail->pong.enr_seq;
        reply->said = mail->pong.said;
    } else if (mail->kind == XORD_MAIL_RECORDS) {
        while (reply->record_cnt < 256 &&
                xord_mail_records_next(&mail->records, &pos, &reply->records[reply->record_cnt]))
            reply->record_cnt++;
    } else if (mail->kind == XORD_MAIL_TALK) {
        reply->talk_len = mail->talk.len;
        memcpy(reply->talk, mail->talk.data, mail->talk.len);
    } else if (mail->kind == XORD_MAIL_DONE) {
        reply->done = true;
        reply->probe_answered = mail->probe_answered;
        reply->result = mail->done;
    }
}

static void reply_wait(struct xord_engine *engine, struct reply *reply, uint64_t limit_ns)
{
    uint64_t end_ns = xord_now_ns() + limit_ns;
    struct xord_mail *mails[32];

    while (!reply->done && !interrupted() && xord_now_ns() < end_ns) {
        uint32_t n = xord_engine_poll(engine, mails, 32);

        for (uint32_t i = 0; i < n; i++) {
            take_mail(reply, mails[i]);
            xord_engine_mail_free(engine, mails[i]);
        }
        if (n == 0)
            xord_engine_wait(engine, 50 * XORD_NS_PER_MS);
    }
}

static void request_fill(struct xord_mail_request *request, const struct exchange_args *args)
{
    static const uint8_t types[] = {[PING] = XORD_MSG_PING, [FINDNODE] = XORD_MSG_FINDNODE, [TALK] = XORD_MSG_TALKREQ};

    request->type = types[args->kind];
    request->distance_cnt = (uint16_t)args->distance_cnt;
    if (args->kind == FINDNODE)
        memcpy(request->distances, args->distances, sizeof(request->distances));
    if (args->kind != TALK)
        return;
    request->protocol_len = (uint16_t)strlen(args->protocol);
    request->request_len = (uint16_t)args->request_len;
    memcpy(request->talk, args->protocol, request->protocol_len);
    memcpy(request->talk + request->protocol_len, args->request, args->request_len);
}

static int exchange_send(struct service *service, const struct exchange_args *args)
{
    enum xord_mail_kind kind = args->kind == LOOKUP ? XORD_MAIL_LOOKUP : XORD_MAIL_REQUEST;
    struct xord_mail *mail = xord_engine_mail_new(service->engine, kind, 0, 1);
    struct xord_endpoint ep;

    if (!mail)
        return complain("out of memory");
    if (args->kind == LOOKUP) {
        memcpy(mail->lookup.target32, args->target32, 32);
        return xord_engine_send(service->engine, 0, mail) ? complain("the worker does not take mail") : 0;
    }
    if (!service_pick_endpoint(service, &args->peer, &ep)) {
        xord_engine_mail_free(service->engine, mail);
        return complain(args->peer.has_ip || args->peer.has_ip6
                                ? "that record names no UDP endpoint of an address family that we have"
                                : "that record names no address, so the node cannot be reached by it");
    }
    mail->request.peer = xord_peer_from_enr(&args->peer, &ep);
    request_fill(&mail->request, args);
    return xord_engine_request(service->engine, mail) ? complain("the worker does not take mail") : 0;
}

/* ---- results ---- */

static void print_records(const struct reply *reply, const uint8_t origin32[32])
{
    char id[65], text[XORD_ENR_MAX_TEXT_LEN + 1], ep_text[XORD_ENDPOINT_TEXT_LEN];

    for (uint32_t i = 0; i < reply->record_cnt; i++) {
        const struct xord_enr *enr = &reply->records[i];
        struct xord_endpoint ep;
        bool has_ep = xord_enr_endpoint4(enr, &ep) || xord_enr_endpoint6(enr, &ep);

        xord_hex_encode(id, enr->id32, 32);
        printf("%s  %3u  %-21s  seq %llu  %s\n", id, xord_log_distance(origin32, enr->id32),
                has_ep ? xord_endpoint_format(ep_text, &ep) : "-", (unsigned long long)enr->seq,
                xord_enr_to_text(text, enr));
    }
}

static void print_records_json(const struct reply *reply)
{
    char id[65], text[XORD_ENR_MAX_TEXT_LEN + 1];

    fputs(",\"records\":[", stdout);
    for (uint32_t i = 0; i < reply->record_cnt; i++) {
        xord_hex_encode(id, reply->records[i].id32, 32);
        printf("%s{\"node_id\":\"%s\",\"seq\":%llu,\"record\":\"%s\"}", i ? "," : "", id,
                (unsigned long long)reply->records[i].seq, xord_enr_to_text(text, &reply->records[i]));
    }
    fputc(']', stdout);
}

static void print_json(const struct exchange_args *args, const struct reply *reply)
{
    char id[65], said[XORD_ENDPOINT_TEXT_LEN], hex[2 * XORD_MESSAGE_MAX_LEN + 1];

    xord_hex_encode(id, args->kind == LOOKUP ? args->target32 : args->peer.id32, 32);
    printf("{\"%s\":\"%s\",\"rtt_ms\":%.3f", args->kind == LOOKUP ? "target" : "node_id", id,
            (double)reply->result.rtt_ns / 1e6);
    if (args->kind == PING)
        printf(",\"enr_seq\":%llu,\"our_endpoint\":\"%s\"", (unsigned long long)reply->enr_seq,
                xord_endpoint_format(said, &reply->said));
    if (args->kind == TALK) {
        xord_hex_encode(hex, reply->talk, reply->talk_len);
        printf(",\"response\":\"%s\"", hex);
    }
    if (args->kind == LOOKUP)
        printf(",\"queries\":%u", reply->result.queries);
    if (args->kind == FINDNODE || args->kind == LOOKUP)
        print_records_json(reply);
    puts("}");
}

static void print_text(const struct exchange_args *args, const struct reply *reply)
{
    char said[XORD_ENDPOINT_TEXT_LEN], hex[2 * XORD_MESSAGE_MAX_LEN + 1];
    double ms = (double)reply->result.rtt_ns / 1e6;

    switch (args->kind) {
    case PING:
        printf("PONG in %.3f ms: record seq %llu, we are seen as %s\n", ms, (unsigned long long)reply->enr_seq,
                xord_endpoint_format(said, &reply->said));
        break;
    case FINDNODE:
        print_records(reply, args->peer.id32);
        printf("%u record%s in %u packet%s, %.3f ms\n", reply->record_cnt, plural(reply->record_cnt),
                reply->result.packet_cnt, plural(reply->result.packet_cnt), ms);
        break;
    case TALK:
        xord_hex_encode(hex, reply->talk, reply->talk_len);
        if (reply->talk_len > 0)
            printf("%s\n%u byte%s in %.3f ms\n", hex, reply->talk_len, plural(reply->talk_len), ms);
        else
            printf("empty response in %.3f ms: the node does not know the protocol, or has nothing to say\n", ms);
        break;
    case LOOKUP:
        print_records(reply, args->target32);
        printf("%u node%s, %u queries, %.3f ms\n", reply->record_cnt, plural(reply->record_cnt), reply->result.queries,
                ms);
        break;
    }
}

static int explain_silence(const struct service *service, const struct exchange_args *args, const struct reply *reply)
{
    const char *refused = service_refused(service);

    if (!reply->done)
        complain("interrupted before an answer came");
    else if (refused)
        complain("this machine cannot send there: %s", refused);
    else if (args->kind == LOOKUP)
        complain("nobody answered, of %u bootnode%s", args->node.bootnodes.cnt, plural(args->node.bootnodes.cnt));
    else if (reply->result.err != XORD_ETIMEOUT)
        complain("the request could not be sent: %s", xord_strerror(reply->result.err));
    else if (reply->result.packet_cnt > 0)
        complain("only part of the answer came: %u packets", reply->result.packet_cnt);
    else if (reply->probe_answered)
        complain("the node challenged us, but did not answer our handshake");
    else
        complain("no answer: the node is down, or UDP does not get through");
    return EXIT_NOTHING;
}

static int exchange_run(struct exchange_args *args)
{
    struct reply *reply = calloc(1, sizeof(*reply));
    struct service service = {0};
    int err = reply ? 0 : complain("out of memory");

    if (!err && args->kind != LOOKUP && !args->node.bootnodes.cnt)
        err = record_list_add(&args->node.bootnodes, &args->peer); /* so that a loopback peer gets a loopback record */
    if (!err)
        err = service_start_client(&service, &args->node);
    if (!err)
        err = service_confine(&args->node, &(struct confine_wish){0});
    if (!err)
        err = exchange_send(&service, args);
    if (!err) {
        reply_wait(service.engine, reply, 60 * XORD_NS_PER_S);
        if (!reply->done || reply->result.err || (args->kind == LOOKUP && reply->record_cnt == 0))
            err = explain_silence(&service, args, reply);
        else if (args->node.json)
            print_json(args, reply);
        else
            print_text(args, reply);
    }
    service_stop(&service);
    free(reply);
    return err;
}

static int exchange_main(enum exchange_kind kind, int argc, char **argv)
{
    struct exchange_args *args = calloc(1, sizeof(*args));
    int err;

    if (!args)
        return complain("out of memory");
    args->kind = kind;
    err = node_options_init(&args->node, &argc, argv);
    signals_init();
    if (!err)
        err = parse_args(&argps[kind], argc, argv, args);
    if (!err)
        err = check(args);
    if (!err)
        err = exchange_run(args);
    node_options_free(&args->node);
    free(args);
    return err;
}

int ping_main(int argc, char **argv)
{
    return exchange_main(PING, argc, argv);
}

int findnode_main(int argc, char **argv)
{
    return exchange_main(FINDNODE, argc, argv);
}

int talk_main(int argc, char **argv)
{
    return exchange_main(TALK, argc, argv);
}

int lookup_main(int argc, char **argv)
{
    return exchange_main(LOOKUP, argc, argv);
}
