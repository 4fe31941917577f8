/* SPDX-License-Identifier: BSD-3-Clause */
/* Records as results: JSON, a table, a block. Threading: the main thread only. */
#pragma once

#include "app.h"
#include "xord_enr_keys.h"

/* A record as it was read. */
struct enr_row {
    struct xord_enr enr; /* all zeroes unless `decoded` */
    bool decoded;
    bool has_id;     /* id32 belongs to the record's key, whether the signature is right or not */
    char error[200]; /* a clause; empty when the record is valid */
};

/* ---- enr_json.c ---- */

/* One object on one line: node_id, seq, valid, error, ip, udp, tcp, ip6, udp6, keys. What the record does not say is null.
 * `keys` holds every pair: numbers as numbers, forks and the like as objects, lists as arrays, bytes as "0x...". No line feed. */
void enr_row_print_json(FILE *out, const struct enr_row *row);

/* ---- enr_table.c ---- */

/* Rows for people. The first row is held back: a record alone is shown as a block, with all that it says. */
struct enr_table {
    struct enr_row first;
    unsigned cnt;
    unsigned columns; /* of the terminal; 0: no terminal, nothing is cut */
};

void enr_table_init(struct enr_table *table);
void enr_table_add(struct enr_table *table, const struct enr_row *row);
void enr_table_end(struct enr_table *table);
