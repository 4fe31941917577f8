/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a configuration file: its form by libyaml's tree, which knows where things stand; its values by libcyaml. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "config_private.h"

/* ---- YAML ---- */

static unsigned line_at(const uint8_t *text, size_t len, size_t pos)
{
    unsigned line = 1;

    for (size_t i = 0; i < pos && i < len; i++)
        line += text[i] == '\n';
    return line;
}

/* What people trip over. */
static const char *yaml_hint(char c)
{
    return c == '\t'                ? "; indent by spaces, not by tabs"
           : strchr(":@`%", c) && c ? "; put \"quotes\" around such a value"
                                    : "";
}

static void not_yaml(struct config *config, const yaml_parser_t *parser, const uint8_t *text, size_t len)
{
    /* Where something that never ends begins says more than where the file ends. */
    bool unended = parser->context && strncmp(parser->context, "while scanning", 14) == 0;
    const yaml_mark_t *at = &parser->problem_mark, *mark = unended ? &parser->context_mark : at;
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    const char *context = parser->context ? parser->context : "";

    if (parser->error == YAML_MEMORY_ERROR)
        config_wrong(config, 0, NULL, "out of memory");
    else if (parser->error == YAML_READER_ERROR)
        config_wrong(config, line_at(text, len, parser->problem_offset), NULL, "this is no text in UTF-8: %s", problem);
    else
        config_wrong(config, (unsigned)mark->line + 1, NULL, "this is no valid YAML: %s%s%s%s", context,
                *context ? ", " : "", problem, yaml_hint(at->index < len ? (char)text[at->index] : 'x'));
}

/* One document, and no more. */
static void load_tree(struct config *config, const uint8_t *text, size_t len)
{
    yaml_document_t second;
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser)) {
        config_wrong(config, 0, NULL, "out of memory");
        return;
    }
    yaml_parser_set_input_string(&parser, text, len);
    config->has_document = yaml_parser_load(&parser, &config->document);
    if (!config->has_document) {
        not_yaml(config, &parser, text, len);
    } else if (!yaml_parser_load(&parser, &second)) {
        not_yaml(config, &parser, text, len);
    } else {
        if (yaml_document_get_root_node(&second))
            config_wrong(config, (unsigned)second.start_mark.line + 1, NULL,
                    "a second document begins here; a configuration is one");
        yaml_document_delete(&second);
    }
    yaml_parser_delete(&parser);
}

/* ---- entries as texts ---- */

static char *entry_join(const struct config_key *key, const struct config_entry *entry)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    const char *comma = "";

    if (!out)
        return NULL;
    for (unsigned i = 0; i < CONFIG_FIELDS_MAX && key->fields[i]; i++) {
        if (!entry->fields[i])
            continue;
        fprintf(out, "%s%s=%s", comma, key->fields[i], entry->fields[i]);
        comma = ",";
    }
    fclose(out);
    return text;
}

static bool entries_join(struct config *config)
{
    for (unsigned i = 0; i < config->key_cnt; i++) {
        struct config_data *data = &config->data[i];

        if (data->entry_cnt == 0)
            continue;
        config->joined[i] = calloc(data->entry_cnt, sizeof(char *));
        for (unsigned j = 0; config->joined[i] && j < data->entry_cnt; j++) {
            config->joined[i][j] = entry_join(&config->keys[i], &data->entries[j]);
            if (!config->joined[i][j])
                return false;
        }
        if (!config->joined[i])
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static void load_values(struct config *config, const uint8_t *text, size_t len)
{
    cyaml_err_t err = config_schema_load(config, text, len);

    if (err && config->error_cnt == 0) /* with errors it may miss what was left out */
        config_wrong(config, 0, NULL, "the values cannot be loaded: %s", cyaml_strerror(err));
    else if (config->data && !entries_join(config))
        config_wrong(config, 0, NULL, "out of memory");
}

struct config *config_parse(const char *name, const uint8_t *text, size_t len, const struct config_key *keys)
{
    struct config *config = calloc(1, sizeof(*config));

    if (!config || !(config->name = strdup(name))) {
        free(config);
        complain("out of memory");
        return NULL;
    }
    config->keys = keys;
    config->key_cnt = config_key_cnt(keys);
    config_schema_init(config);
    load_tree(config, text, len);
    if (config->error_cnt == 0) {
        config_check_form(config);
        load_values(config, text, len);
        return config;
    }
    config_free(config);
    return NULL;
}

static uint8_t *file_read(const char *path, size_t *len)
{
    uint8_t *text = malloc(CONFIG_FILE_MAX + 1);
    FILE *file = text ? fopen(path, "re") : NULL;
    int error = 0;

    *len = file ? fread(text, 1, CONFIG_FILE_MAX + 1, file) : 0;
    if (!text)
        error = complain("out of memory");
    else if (!file || ferror(file))
        error = complain("cannot read the configuration %s: %s", path, strerror(errno));
    else if (*len > CONFIG_FILE_MAX)
        error = complain("%s is larger than 1 MiB: that is no configuration", path);
    if (file)
        fclose(file);
    if (!error)
        return text;
    free(text);
    return NULL;
}

struct config *config_read(const char *path, const struct config_key *keys)
{
    size_t len;
    uint8_t *text = file_read(path, &len);
    struct config *config = text ? config_parse(path, text, len, keys) : NULL;

    free(text);
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (unsigned i = 0; i < config->key_cnt; i++) {
        for (unsigned j = 0; config->joined[i] && j < config->data[i].entry_cnt; j++)
            free(config->joined[i][j]);
        free(config->joined[i]);
    }
    config_schema_free(config);
    if (config->has_document)
        yaml_document_delete(&config->document);
    free(config->name);
    free(config);
}

/* ---- what it says ---- */

const char *config_name(const struct config *config)
{
    return config->name;
}

unsigned config_errors(const struct config *config)
{
    return config->error_cnt;
}

unsigned config_key_cnt(const struct config_key *keys)
{
    unsigned cnt = 0;

    while (keys[cnt].path)
        cnt++;
    return cnt;
}

unsigned config_find(const struct config_key *keys, const char *path)
{
    unsigned i = 0;

    while (strcmp(keys[i].path, path) != 0)
        i++;
    return i;
}

unsigned config_line(const struct config *config, unsigned key)
{
    return config->places[key].line;
}

char **config_texts(struct config *config, unsigned key, unsigned *cnt)
{
    struct config_data *data = config->data ? &config->data[key] : NULL;

    *cnt = 0;
    if (!data)
        return NULL;
    if (data->text) {
        *cnt = 1;
        return &data->text;
    }
    *cnt = config->joined[key] ? data->entry_cnt : data->item_cnt;
    return config->joined[key] ? config->joined[key] : data->items;
}

unsigned config_item_line(const struct config *config, unsigned key, unsigned item)
{
    const yaml_node_t *node = config->places[key].node;
    struct config *c = (struct config *)config; /* libyaml knows no const */

    if (node && node->type == YAML_SEQUENCE_NODE)
        node = yaml_document_get_node(&c->document, node->data.sequence.items.start[item]);
    return node ? config_line_of(node) : 0;
}

/* The preset where the file says nothing. */
static const char *text_of(struct config *config, unsigned key, unsigned item, unsigned *cnt)
{
    char **texts = config_texts(config, key, cnt);

    if (*cnt > 0)
        return item < *cnt ? texts[item] : NULL;
    *cnt = config->keys[key].preset != NULL;
    return config->keys[key].preset;
}

bool config_equal(struct config *a, struct config *b, unsigned key)
{
    unsigned a_cnt = 1, b_cnt = 1;

    for (unsigned i = 0; i < a_cnt || i < b_cnt; i++) {
        const char *a_text = text_of(a, key, i, &a_cnt), *b_text = text_of(b, key, i, &b_cnt);

        if (a_cnt != b_cnt || (a_text && strcmp(a_text, b_text) != 0))
            return false;
    }
    return true;
}
