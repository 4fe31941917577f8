/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration file of `xord bootnode`: one table of keys, and all that is made of it - reading a file, checking it, the
 * default file, the effective settings, reading it again while the node runs.
 *
 * The file is YAML. Each key is an option under another name, and its value goes through that option's own parser: what is checked
 * is written once. So a new option needs one row in config_keys, and a test fails while it has none.
 * Reading has two halves. libyaml's document tree tells where each key stands; with it the form is checked against the table, and
 * all that is wrong is told at once, by line. Then libcyaml loads the values, by a schema made from the table.
 * Threading: the main thread only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_KEYS_MAX   64
#define CONFIG_FIELDS_MAX 8
#define CONFIG_FILE_MAX   (1U << 20) /* bytes */
#define CONFIG_ITEMS_MAX  8192       /* of a list */
#define CONFIG_ERRORS_MAX 20         /* so many are told of a file */

struct bootnode;
struct bootnode_settings;

/* A running node's configuration, read again. */
struct reload {
    struct bootnode *bootnode;
    const struct bootnode_settings *fresh;
    bool changed; /* set by a key that was */
    char *err;    /* BOOTNODE_ERR_LEN */
};

enum config_kind {
    CONFIG_VALUE,   /* one text or number */
    CONFIG_FLAG,    /* true or false, for an option without an argument */
    CONFIG_LIST,    /* a list of texts, or one text; the option is given once for each */
    CONFIG_ENTRIES, /* a list of mappings of `fields`; the option gets each as "FIELD=VALUE,FIELD=VALUE" */
};

/* What `xord config check` looks after, beyond what the option's parser does. */
enum config_path { CONFIG_NO_PATH, CONFIG_KEY_FILE, CONFIG_MADE_FILE /* its directory must be there */ };

struct config_key {
    const char
            *path; /* "udp"; or "limits.address": the key "address" below "limits". Those of a group stand together */
    const char *option; /* the long name of the option that takes the value; NULL: `apply` takes it */
    const char *also;   /* other options that mean the same: given on the command line, they too override the key */
    const char *fields[CONFIG_FIELDS_MAX]; /* of CONFIG_ENTRIES */
    const char *preset;                    /* the built-in default as it would be written; NULL: there is none */
    const char *example;                   /* what the default file shows, commented out, where there is no preset */
    const char *doc;                       /* for the default file: what it is, in lines */
    enum config_kind kind;
    enum config_path check;
    /* The whole list. 0, or EXIT_USER after a complaint. */
    int (*apply)(struct bootnode_settings *settings, char **texts, unsigned cnt);
    /* Makes a running node what the file, read again, says. NULL: that needs a restart. 0, or EXIT_USER and a sentence in the
     * reload's `err`. */
    int (*reload)(struct reload *reload);
    /* What it is when the file does not say, where that depends on others. NULL: the preset. */
    const char *(*implied)(const struct bootnode_settings *settings);
};

/* Ends with a row without a path. */
extern const struct config_key config_keys[];

/* ---- a file (config_read.c) ---- */

struct config;

/* NULL after a complaint: it cannot be read, or is no YAML. Of a file that is wrong otherwise config_errors() complaints have been
 * made, and it has those values whose form is right. `keys` is borrowed. */
struct config *config_read(const char *path, const struct config_key *keys);
/* The same of a text that is called `name`. */
struct config *config_parse(const char *name, const uint8_t *text, size_t len, const struct config_key *keys);
void config_free(struct config *config);

unsigned config_errors(const struct config *config);
const char *config_name(const struct config *config);
unsigned config_key_cnt(const struct config_key *keys);
/* The row of a path that is there. */
unsigned config_find(const struct config_key *keys, const char *path);
/* The line of the file's i-th key of the table, from 1; 0: the file does not say it. */
unsigned config_line(const struct config *config, unsigned key);
/* The values as texts, and how many there are: one, but of lists. They belong to the configuration and may be changed in place. */
char **config_texts(struct config *config, unsigned key, unsigned *cnt);
/* Of one value of a list. */
unsigned config_item_line(const struct config *config, unsigned key, unsigned item);
/* Do both say the same? The preset is as good as nothing said. */
bool config_equal(struct config *a, struct config *b, unsigned key);

/* ---- writing (config_write.c) ---- */

/* The commented default file. */
void config_print_default(FILE *out, const struct config_key *keys);
/* All that the file says and, for keys that it does not have, what `others` says of each (NULL: nothing), as YAML. 0 or EXIT_USER
 * after a complaint. */
int config_print(FILE *out, struct config *config, const char *(*others)(void *ctx, unsigned key), void *ctx);

/* ---- settings (config_apply.c) ---- */

/* Gives each value of the file to its option, but for the keys in `overridden` (NULL: none), which are only checked. 0, or EXIT_USER
 * after as many complaints as there are wrong values, or when the file's form was wrong. */
int config_apply(struct config *config, struct bootnode_settings *settings, const bool *overridden);
/* A flag's value: 0 or 1; -1: it is neither. */
int config_flag(const char *text);
/* Looks after the files that the settings name. 0 or EXIT_USER after complaints. */
int config_check(struct config *config, const bool *overridden);

/* ---- what keys do that are no plain options (reload.c) ---- */

int reload_limit_address(struct reload *reload);
int reload_limit_prefix(struct reload *reload);
int reload_bans(struct reload *reload);
int reload_log(struct reload *reload);
int reload_bootnodes(struct reload *reload);

/* ---- options (config_options.c) ---- */

struct argp;

/* Gives the value to the parser of the option with that long name, as argp would. 0, or EXIT_USER; if nobody has complained then
 * there is no such option. */
int option_apply(const struct argp *argp, void *input, const char *name, char *value);
/* Which keys' options stand on the command line; *path gets the argument of --config (NULL: none). 0 or EXIT_USER after a complaint. */
int options_scan(bool overridden[CONFIG_KEYS_MAX], const char **path, int argc, char **argv, const struct argp *argp,
        const struct config_key *keys);
/* Calls `visit` with the name of each option of argp and of its children. */
void options_each(const struct argp *argp, void (*visit)(void *ctx, const char *name), void *ctx);
