/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers for people. What an answer lacks, as that of an older bootnode may, is shown as "-". */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "ctl.h"
#include "enr_out.h"

#define ID_DIGITS 16 /* enough for `xord ctl peer` */
#define WORD_LEN  32

/* ---- values ---- */

static uint64_t uint_of(const json_t *object, const char *name)
{
    double v = json_number_value(json_object_get(object, name));

    return v >= 0 && v < 1.8e19 ? (uint64_t)v : 0;
}

static bool bool_of(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* It comes from another process: nothing of it may steer the terminal. */
static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    for (const char *c = text; c && *c; c++)
        if (!isprint((unsigned char)*c))
            return "?";
    return text ? text : "-";
}

/* "12 s", "5 m", "3 h", "2 d"; "-" for what is not there. */
static const char *time_text(char out[WORD_LEN], const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    uint64_t s = uint_of(object, name);

    if (!json_is_number(value))
        snprintf(out, WORD_LEN, "-");
    else if (s < 120)
        snprintf(out, WORD_LEN, "%" PRIu64 " s", s);
    else if (s < 7200 && s % 3600 != 0)
        snprintf(out, WORD_LEN, "%" PRIu64 " m", s / 60);
    else if (s < 48 * 3600)
        snprintf(out, WORD_LEN, "%" PRIu64 " h", s / 3600);
    else
        snprintf(out, WORD_LEN, "%" PRIu64 " d", s / 86400);
    return out;
}

static void row(const char *name, const json_t *object, const char *key)
{
    printf("%-14s %s\n", name, text_of(object, key));
}

static void number_row(const char *name, const json_t *object, const char *key)
{
    printf("%-14s %" PRIu64 "\n", name, uint_of(object, key));
}

/* ---- status ---- */

static void show_identity(const json_t *identity)
{
    const json_t *listens = json_object_get(identity, "listens");

    row("node id", identity, "node_id");
    number_row("seq", identity, "seq");
    printf("%-14s", "listens");
    for (size_t i = 0; i < json_array_size(listens); i++)
        printf(" %s",
                json_string_value(json_array_get(listens, i)) ? json_string_value(json_array_get(listens, i)) : "");
    putchar('\n');
    row("record", identity, "record");
}

static const char *state_text(char out[64], const json_t *reply)
{
    char ends[WORD_LEN];

    if (bool_of(reply, "draining") && json_is_number(json_object_get(reply, "ends_in_s")))
        snprintf(out, 64, "draining, ends in %s", time_text(ends, reply, "ends_in_s"));
    else if (bool_of(reply, "draining"))
        snprintf(out, 64, "draining");
    else
        snprintf(out, 64, "%s", bool_of(reply, "ready") ? "ready" : "not ready: the port has no link");
    return out;
}

void show_status(const json_t *reply)
{
    const json_t *identities = json_object_get(reply, "identities");
    char text[64];

    for (size_t i = 0; i < json_array_size(identities); i++)
        show_identity(json_array_get(identities, i));
    printf("%-14s %s\n", "state", state_text(text, reply));
    printf("%-14s %s, pid %" PRIu64 ", up %s\n", "version", text_of(reply, "version"), uint_of(reply, "pid"),
            time_text(text, reply, "uptime_s"));
    printf("%-14s %s, %" PRIu64 " worker%s\n", "port", text_of(reply, "port"), uint_of(reply, "workers"),
            plural(uint_of(reply, "workers")));
    number_row("sessions", reply, "sessions");
    printf("%-14s %" PRIu64 " nodes, %" PRIu64 " verified\n", "table", uint_of(reply, "table"),
            uint_of(reply, "verified"));
    printf("%-14s %" PRIu64 " requests of ours, %" PRIu64 " in the handshake lane\n", "waiting",
            uint_of(reply, "requests"), uint_of(reply, "lane"));
    number_row("bans", reply, "bans");
    printf("%-14s %" PRIu64 " in, %" PRIu64 " out, %" PRIu64 " dropped\n", "packets", uint_of(reply, "rx_packets"),
            uint_of(reply, "tx_packets"), uint_of(reply, "drops"));
    printf("%-14s %" PRIu64 " in, %" PRIu64 " out\n", "handshakes", uint_of(reply, "handshakes_in"),
            uint_of(reply, "handshakes_out"));
    printf("%-14s %.1f MiB, %.1f s of CPU, %" PRIu64 " open files\n", "process",
            (double)uint_of(reply, "memory_bytes") / 1048576, (double)uint_of(reply, "cpu_ms") / 1000,
            uint_of(reply, "open_files"));
    row("metrics", reply, "metrics");
    row("telemetry", reply, "telemetry");
}

/* ---- shards and counters ---- */

void show_shards(const json_t *reply)
{
    static const struct {
        const char *title, *key;
        int width;
    } columns[] = {{"shard", "shard", 5}, {"idle ms", "idle_ms", 7}, {"sessions", "sessions", 8}, {"table", "table", 6},
            {"verified", "verified", 8}, {"lane", "lane", 5}, {"packets in", "rx_packets", 12},
            {"out", "tx_packets", 12}, {"drops", "drops", 10}, {"steered in", "steer_in", 10}, {"out", "steer_out", 10},
            {"p50 us", "service_p50_us", 7}, {"p99 us", "service_p99_us", 7}, {"lane p99 us", "lane_wait_p99_us", 11}};
    const json_t *shards = json_object_get(reply, "shards");

    for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
        printf("%s%*s", c ? "  " : "", columns[c].width, columns[c].title);
    putchar('\n');
    for (size_t i = 0; i < json_array_size(shards); i++) {
        for (size_t c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
            printf("%s%*" PRIu64, c ? "  " : "", columns[c].width, uint_of(json_array_get(shards, i), columns[c].key));
        putchar('\n');
    }
}

static const char *help_of(const char *name)
{
    for (int id = 0; id < XORD_COUNTER_CNT; id++)
        if (strcmp(xord_counter_name((enum xord_counter_id)id), name) == 0)
            return xord_counter_help((enum xord_counter_id)id);
    return "";
}

static void show_counter(const char *name, const json_t *counter)
{
    const json_t *shards = json_object_get(counter, "shards");

    printf("%-28s %12" PRIu64, name, uint_of(counter, "sum"));
    for (size_t i = 0; i < json_array_size(shards) && json_array_size(shards) > 1; i++)
        printf(" %12.0f", json_number_value(json_array_get(shards, i)));
    printf("  %s\n", help_of(name));
}

void show_counters(const json_t *reply)
{
    const json_t *counters = json_object_get(reply, "counters"), *port = json_object_get(reply, "port");
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)counters, name, value) show_counter(name, value);
    json_object_foreach((json_t *)port, name, value) printf("port %-23s %12.0f\n", name, json_number_value(value));
}

/* ---- nodes and sessions ---- */

static void show_node(const json_t *node)
{
    char live[WORD_LEN], seen[WORD_LEN];
    const char *state = bool_of(node, "verified") ? "verified" : "unverified";

    printf("%4" PRIu64 "  %-*.*s  %-21s  %-11s  %6" PRIu64 "  %6" PRIu64 "  %9s  %9s  %5" PRIu64 "\n",
            uint_of(node, "distance"), ID_DIGITS, ID_DIGITS, text_of(node, "node_id"), text_of(node, "endpoint"),
            bool_of(node, "replacement") ? "replacement" : state, uint_of(node, "live_checks"), uint_of(node, "misses"),
            time_text(live, node, "last_live_s"), time_text(seen, node, "seen_s"), uint_of(node, "shard"));
}

static void show_nodes(const json_t *nodes)
{
    uint64_t identity = 0;

    if (json_array_size(nodes) > 0)
        printf("%4s  %-*s  %-21s  %-11s  %6s  %6s  %9s  %9s  %5s\n", "dist", ID_DIGITS, "node id", "endpoint", "state",
                "checks", "missed", "last live", "last seen", "shard");
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *node = json_array_get(nodes, i);

        if (uint_of(node, "identity") != identity) {
            identity = uint_of(node, "identity");
            printf("identity %" PRIu64 ":\n", identity);
        }
        show_node(node);
    }
}

void show_table(const json_t *reply)
{
    const json_t *nodes = json_object_get(reply, "nodes");

    show_nodes(nodes);
    if (json_array_size(nodes) < uint_of(reply, "total"))
        printf("%zu of %" PRIu64 "; --limit shows more\n", json_array_size(nodes), uint_of(reply, "total"));
    else
        printf("%" PRIu64 " node%s\n", uint_of(reply, "total"), plural(uint_of(reply, "total")));
}

static void show_session_rows(const json_t *sessions)
{
    if (json_array_size(sessions) > 0)
        printf("%-*s  %-21s  %10s  %-9s  %5s  %8s\n", ID_DIGITS, "node id", "endpoint", "sent", "segment", "shard",
                "identity");
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        const json_t *session = json_array_get(sessions, i);

        printf("%-*.*s  %-21s  %10" PRIu64 "  %-9s  %5" PRIu64 "  %8" PRIu64 "\n", ID_DIGITS, ID_DIGITS,
                text_of(session, "node_id"), text_of(session, "endpoint"), uint_of(session, "sent"),
                bool_of(session, "protected") ? "protected" : "probation", uint_of(session, "shard"),
                uint_of(session, "identity"));
    }
}

void show_sessions(const json_t *reply)
{
    const json_t *sessions = json_object_get(reply, "sessions");

    show_session_rows(sessions);
    printf("%zu of %" PRIu64 " session%s\n", json_array_size(sessions), uint_of(reply, "total"),
            plural(uint_of(reply, "total")));
}

/* What the bootnode has verified is shown as `xord enr show` does. */
static void show_record(const json_t *reply)
{
    const char *text = json_string_value(json_object_get(reply, "record"));
    struct xord_curve *curve = text ? curve_open() : NULL;
    struct enr_row record = {.decoded = true, .has_id = true};
    struct enr_table table;

    if (curve && xord_enr_from_text(&record.enr, text, strlen(text)) == 0 && xord_enr_verify(&record.enr, curve) == 0) {
        enr_table_init(&table);
        enr_table_add(&table, &record);
        enr_table_end(&table);
        row("record", reply, "record");
    } else {
        row("node id", reply, "node_id");
        puts("record         not known: the node is in no table");
    }
    xord_curve_close(curve);
}

void show_peer(const json_t *reply)
{
    const json_t *nodes = json_object_get(reply, "nodes"), *sessions = json_object_get(reply, "sessions");

    show_record(reply);
    putchar('\n');
    show_nodes(nodes);
    if (json_array_size(nodes) == 0)
        puts("not in the table");
    putchar('\n');
    show_session_rows(sessions);
    if (json_array_size(sessions) == 0)
        puts("no session");
}

/* ---- bans, limits and the rest ---- */

void show_bans(const json_t *reply)
{
    const json_t *bans = json_object_get(reply, "bans");
    char ends[WORD_LEN];

    for (size_t i = 0; i < json_array_size(bans); i++) {
        const json_t *ban = json_array_get(bans, i);
        bool has_end = json_is_number(json_object_get(ban, "ends_in_s"));

        printf("%-43s  %s%s\n", text_of(ban, "prefix"), has_end ? "ends in " : "until unban",
                has_end ? time_text(ends, ban, "ends_in_s") : "");
    }
    printf("%zu ban%s\n", json_array_size(bans), plural(json_array_size(bans)));
}

void show_limits(const json_t *reply)
{
    printf("%-8s %s\n%-8s %s\n", "address", text_of(reply, "address"), "prefix", text_of(reply, "prefix"));
    puts("RATE:BURST in datagrams a second; an address is an IPv4 address or an IPv6 /64, a prefix a /24 or a /48");
}

void show_banned(const json_t *reply)
{
    char for_text[WORD_LEN];

    if (json_is_number(json_object_get(reply, "for_s")))
        printf("banned %s for %s\n", text_of(reply, "banned"), time_text(for_text, reply, "for_s"));
    else
        printf("banned %s until unban\n", text_of(reply, "banned"));
}

void show_unbanned(const json_t *reply)
{
    printf("unbanned %s\n", text_of(reply, "unbanned"));
}

void show_drain(const json_t *reply)
{
    char ends[WORD_LEN];

    if (!bool_of(reply, "draining"))
        puts("strangers are taken in");
    else if (json_is_number(json_object_get(reply, "ends_in_s")))
        printf("no strangers are taken in; the bootnode ends in %s\n", time_text(ends, reply, "ends_in_s"));
    else
        puts("no strangers are taken in; `xord ctl drain --off` ends that");
}

void show_saved(const json_t *reply)
{
    printf("saved %s\n", text_of(reply, "saved"));
}

void show_reloaded(const json_t *reply)
{
    const char *note = json_string_value(json_object_get(reply, "note"));

    printf("reloaded%s%s\n", note ? "; " : "", note ? note : "");
}

void show_log(const json_t *reply)
{
    printf("log level %s\n", text_of(reply, "log"));
}
