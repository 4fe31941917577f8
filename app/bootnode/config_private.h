/* SPDX-License-Identifier: BSD-3-Clause */
/* What a configuration that was read consists of. For config_*.c only. */
#pragma once

#include <cyaml/cyaml.h>
#include <yaml.h>

#include "config.h"

#define CONFIG_NAME_LEN   64
#define CONFIG_GROUPS_MAX 16

struct config_entry {
    char *fields[CONFIG_FIELDS_MAX];
};

/* What libcyaml loads of a key. */
struct config_data {
    char *text; /* one value */
    char **items;
    struct config_entry *entries;
    unsigned item_cnt, entry_cnt;
};

struct place {
    unsigned line; /* of the key; 0: the file does not have it */
    yaml_node_t *node;
};

struct group {
    char name[CONFIG_NAME_LEN];
    unsigned first, cnt; /* its keys */
};

/* Large, and on the heap. */
struct config {
    char *name;
    const struct config_key *keys;
    unsigned key_cnt;
    struct group groups[CONFIG_GROUPS_MAX];
    unsigned group_cnt;
    unsigned error_cnt;
    bool has_document;
    yaml_document_t document;
    struct place places[CONFIG_KEYS_MAX];
    struct config_data *data; /* one a key; NULL: the file says nothing */
    char **joined[CONFIG_KEYS_MAX];
    /* The schema that they were loaded by, and that frees them. */
    cyaml_schema_field_t root[CONFIG_KEYS_MAX + 1], grouped[CONFIG_KEYS_MAX + CONFIG_GROUPS_MAX],
            fields[CONFIG_KEYS_MAX][CONFIG_FIELDS_MAX + 1];
    cyaml_schema_value_t entry[CONFIG_KEYS_MAX], top;
};

/* ---- config_form.c ---- */

/* Finds each key's place in the tree, and tells what is wrong. */
void config_check_form(struct config *config);
/* One thing that is wrong with the file; `line` 0: nowhere, `key` NULL: with none. */
void config_wrong(struct config *config, unsigned line, const char *key, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
unsigned config_line_of(const yaml_node_t *node);

/* ---- config_schema.c ---- */

/* Finds the groups of the table. */
void config_schema_init(struct config *config);
/* Loads what the tree in `places` was found to be. */
cyaml_err_t config_schema_load(struct config *config, const uint8_t *text, size_t len);
/* The values as YAML, without what is NULL; to be freed by free(). */
cyaml_err_t config_schema_save(struct config *config, const struct config_data *data, char **text, size_t *len);
void config_schema_free(struct config *config);
