/* SPDX-License-Identifier: BSD-3-Clause */
/* Records for people: a table of several, a block for one alone. */
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "enr_out.h"
#include "xord_text.h"

#define ID_SHORT    16  /* digits of a node id where the terminal is narrow */
#define WIDE_ENOUGH 180 /* columns that have room for whole node ids */
#define LINE_LEN    8192

struct line {
    char text[LINE_LEN];
    size_t len;
};

static __attribute__((format(printf, 2, 3))) void put(struct line *line, const char *format, ...)
{
    size_t left = sizeof(line->text) - line->len;
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(line->text + line->len, left, format, args);
    va_end(args);
    if (n > 0)
        line->len += (size_t)n < left ? (size_t)n : left - 1;
}

/* Keys are bytes that a stranger chose: whatever could confuse a terminal is shown as '?'. */
static void put_key(struct line *line, const struct xord_enr_pair *pair)
{
    for (uint16_t i = 0; i < pair->key_len; i++)
        put(line, "%c", pair->key[i] > 0x20 && pair->key[i] < 0x7f ? pair->key[i] : '?');
}

static void put_value(struct line *line, const struct xord_enr_pair *pair)
{
    char value[XORD_ENR_VALUE_TEXT_LEN];
    int err = xord_enr_value_format(value, sizeof(value), pair);

    put(line, "%s%s", value, err ? " (malformed)" : "");
}

static void put_id(struct line *line, const struct enr_row *row, bool shortened)
{
    char id[2 * XORD_ID_LEN + 1] = "-";
    int width = shortened ? ID_SHORT + 2 : 2 * XORD_ID_LEN;

    if (row->has_id)
        xord_hex_encode(id, row->enr.id32, XORD_ID_LEN);
    if (row->has_id && shortened)
        memcpy(id + ID_SHORT, "..", sizeof(".."));
    put(line, "%-*s", width, id);
}

/* The address that the endpoint column shows: IPv4 before IPv6. The port is what the record says, even if that is 0. */
static bool row_endpoint(const struct xord_enr *enr, struct xord_endpoint *ep)
{
    if (enr->has_ip)
        *ep = xord_endpoint_v4(enr->ip4, enr->udp);
    else
        *ep = xord_endpoint_v6(enr->ip6, enr->has_udp6 ? enr->udp6 : enr->udp);
    return enr->has_ip || enr->has_ip6;
}

static void put_columns(struct line *line, const struct enr_row *row)
{
    const struct xord_enr *enr = &row->enr;
    char ep_text[XORD_ENDPOINT_TEXT_LEN] = "-", tcp[8] = "-", seq[24] = "-";
    struct xord_endpoint ep;

    if (row_endpoint(enr, &ep))
        xord_endpoint_format(ep_text, &ep);
    else if (enr->has_udp)
        snprintf(ep_text, sizeof(ep_text), "-:%u", enr->udp);
    if (enr->has_tcp)
        snprintf(tcp, sizeof(tcp), "%u", enr->tcp);
    if (row->decoded)
        snprintf(seq, sizeof(seq), "%llu", (unsigned long long)enr->seq);
    put(line, "  %13s  %-21s  %5s  %-5s  ", seq, ep_text, tcp, row->error[0] ? "NO" : "yes");
}

static bool key_is(const struct xord_enr_pair *pair, const char *name)
{
    return pair->key_len == strlen(name) && memcmp(pair->key, name, pair->key_len) == 0;
}

/* Is it in a column of its own? */
static bool has_column(const struct xord_enr *enr, const struct xord_enr_pair *pair)
{
    if (key_is(pair, "ip6") || key_is(pair, "udp6"))
        return !enr->has_ip;
    return key_is(pair, "id") || key_is(pair, "secp256k1") || key_is(pair, "ip") || key_is(pair, "udp") ||
           key_is(pair, "tcp");
}

static void put_other_keys(struct line *line, const struct xord_enr *enr)
{
    const char *separator = "";
    struct xord_enr_pair pair;
    size_t pos = 0;

    while (xord_enr_next_pair(enr, &pos, &pair)) {
        if (has_column(enr, &pair))
            continue;
        put(line, "%s", separator);
        put_key(line, &pair);
        put(line, "=");
        put_value(line, &pair);
        separator = ", ";
    }
}

static void print_cut(struct line *line, unsigned columns)
{
    while (line->len > 0 && line->text[line->len - 1] == ' ')
        line->text[--line->len] = '\0';
    if (columns > 3 && line->len > columns)
        memcpy(line->text + columns - 3, "...", sizeof("..."));
    puts(line->text);
}

static bool is_narrow(const struct enr_table *table)
{
    return table->columns && table->columns < WIDE_ENOUGH;
}

static void print_header(const struct enr_table *table)
{
    struct line line = {.len = 0};

    put(&line, "%-*s  %13s  %-21s  %5s  %-5s  %s", is_narrow(table) ? ID_SHORT + 2 : 2 * XORD_ID_LEN, "node id", "seq",
            "ip:udp", "tcp", "valid", "other keys, or what is wrong");
    print_cut(&line, table->columns);
}

static void print_row(const struct enr_table *table, const struct enr_row *row)
{
    struct line line = {.len = 0};

    put_id(&line, row, is_narrow(table));
    put_columns(&line, row);
    if (row->error[0])
        put(&line, "%s", row->error);
    else
        put_other_keys(&line, &row->enr);
    print_cut(&line, table->columns);
}

static void print_block(const struct enr_row *row)
{
    struct xord_enr_pair pair;
    struct line line = {.len = 0};
    size_t pos = 0;

    if (row->has_id)
        put_id(&line, row, false);
    else
        put(&line, "-");
    printf("%-12s %s\n", "node id", line.text);
    if (row->decoded)
        printf("%-12s %llu\n", "seq", (unsigned long long)row->enr.seq);
    printf("%-12s %s%s%s\n", "valid", row->error[0] ? "NO" : "yes", row->error[0] ? ": " : "", row->error);
    while (xord_enr_next_pair(&row->enr, &pos, &pair)) {
        line.len = 0;
        put_key(&line, &pair);
        put(&line, "%*s", line.len < 12 ? (int)(13 - line.len) : 1, "");
        put_value(&line, &pair);
        puts(line.text);
    }
}

void enr_table_init(struct enr_table *table)
{
    struct winsize size;

    table->cnt = 0;
    table->columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void enr_table_add(struct enr_table *table, const struct enr_row *row)
{
    if (table->cnt++ == 0) {
        table->first = *row;
        return;
    }
    if (table->cnt == 2) {
        print_header(table);
        print_row(table, &table->first);
    }
    print_row(table, row);
}

void enr_table_end(struct enr_table *table)
{
    if (table->cnt == 1)
        print_block(&table->first);
}
