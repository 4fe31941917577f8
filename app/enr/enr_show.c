/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord enr show`: reads records, checks them, shows what they say. */
#include <stdlib.h>
#include <string.h>

#include "enr.h"
#include "enr_out.h"
#include "xord_text.h"

struct show_args {
    char **xs;
    unsigned x_cnt;
    bool json;
    struct xord_curve *curve;
    struct enr_table table;
    uint64_t seen, valid;
    char first_invalid[600]; /* where it stood, and what is wrong with it */
};

enum { OPT_JSON = 0x100 };

static const struct argp_option option_table[] = {
        {"json", OPT_JSON, NULL, 0, "Print one JSON object a line, for machines", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct show_args *args = state->input;

    switch (key) {
    case OPT_JSON:
        args->json = true;
        return 0;
    case ARGP_KEY_ARG:
        args->xs[args->x_cnt++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp show_argp = {
        .options = option_table,
        .parser = parse_option,
        .args_doc = "X...",
        .doc = "Shows node records and checks their signatures. X is a record's text (enr:...), a file of records (one "
               "a "
               "line; # begins a comment), a nodes.json, or - for standard input.\v"
               "One record is shown in full, several as a table; with --json each is an object on a line of its own: "
               "node_id, seq, valid, error, ip, udp, tcp, ip6, udp6, keys. In a nodes.json a record must belong to the "
               "node id that it is filed under. Exit code 1 when any record is invalid.\n"
               "Example: xord enr show nodes.json",
};

static const char *what_is_wrong(const struct record_in *in, int err)
{
    if (!*in->text)
        return "there is no record";
    if (err == XORD_ETEXT && strncmp(in->text, "enr:", 4) != 0)
        return "a record begins with enr:";
    if (err == XORD_ETEXT)
        return "not base64url text";
    return xord_strerror(err);
}

/* A nodes.json files each record under its node id. */
static void check_key(struct enr_row *row, const char *key)
{
    uint8_t id32[XORD_ID_LEN];
    char id[2 * XORD_ID_LEN + 1];

    if (xord_hex_decode(id32, sizeof(id32), key, strlen(key))) {
        snprintf(row->error, sizeof(row->error), "filed under what is no node id");
    } else if (memcmp(id32, row->enr.id32, sizeof(id32)) != 0) {
        xord_hex_encode(id, id32, sizeof(id32));
        snprintf(row->error, sizeof(row->error), "filed under another node id, %s", id);
    }
}

static void row_read(struct enr_row *row, const struct record_in *in, const struct xord_curve *curve)
{
    int err = xord_enr_from_text(&row->enr, in->text, strlen(in->text));

    row->decoded = !err;
    row->error[0] = '\0';
    if (!err)
        err = xord_enr_verify(&row->enr, curve);
    row->has_id = row->decoded && xord_id_from_pubkey33(curve, row->enr.id32, row->enr.pubkey33) == 0;
    if (err)
        snprintf(row->error, sizeof(row->error), "%s", what_is_wrong(in, err));
    else if (in->key)
        check_key(row, in->key);
}

static void note_invalid(struct show_args *args, const struct record_in *in, const struct enr_row *row)
{
    char *out = args->first_invalid;
    size_t cap = sizeof(args->first_invalid);

    if (*out)
        return;
    if (in->key)
        snprintf(out, cap, "%.64s in %.200s: %s", in->key, in->source, row->error);
    else if (in->line)
        snprintf(out, cap, "%.200s, line %u: %s", in->source, in->line, row->error);
    else if (!*in->text)
        snprintf(out, cap, "an entry of %.200s: %s", in->source, row->error);
    else
        snprintf(out, cap, "%.40s%s: %s", in->text, strlen(in->text) > 40 ? "..." : "", row->error);
}

static int show_record(void *ctx, const struct record_in *in)
{
    struct show_args *args = ctx;
    struct enr_row row;

    row_read(&row, in, args->curve);
    args->seen++;
    args->valid += !row.error[0];
    if (row.error[0])
        note_invalid(args, in, &row);
    if (args->json) {
        enr_row_print_json(stdout, &row);
        putchar('\n');
    } else {
        enr_table_add(&args->table, &row);
    }
    return 0;
}

/* 0, or EXIT_USER when anything is wrong with what was read. */
static int verdict(const struct show_args *args)
{
    unsigned long long valid = args->valid, seen = args->seen;

    if (seen == 0)
        return complain("there is no record in %.200s", strcmp(args->xs[0], "-") == 0 ? "standard input" : args->xs[0]);
    if (valid == seen) {
        if (seen > 1)
            fprintf(stderr, "xord: %llu of %llu valid\n", valid, seen);
        return EXIT_OK;
    }
    return complain("%llu of %llu valid; %sinvalid is %s", valid, seen, seen - valid > 1 ? "the first " : "",
            args->first_invalid);
}

static int show_all(struct show_args *args)
{
    int err = 0, bad;

    enr_table_init(&args->table);
    for (unsigned i = 0; i < args->x_cnt && !err; i++)
        err = records_each(args->xs[i], show_record, args);
    if (!args->json)
        enr_table_end(&args->table);
    bad = output_end();
    if (err || bad)
        return err ? err : bad;
    return verdict(args);
}

int enr_show_main(int argc, char **argv)
{
    struct show_args args = {.xs = calloc((size_t)argc, sizeof(char *))};
    int err = args.xs ? parse_args(&show_argp, argc, argv, &args) : complain("out of memory");

    if (!err && args.x_cnt == 0)
        err = complain("name the records: enr:..., a file of them, a nodes.json, or - for standard input");
    if (!err) {
        args.curve = curve_open();
        err = args.curve ? show_all(&args) : EXIT_USER;
        xord_curve_close(args.curve);
    }
    free(args.xs);
    return err;
}
