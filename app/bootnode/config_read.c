/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads a configuration file: its form by libyaml's tree, which knows where things stand; its values by libcyaml. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "config_private.h"

/* ---- what is wrong ---- */

static void wrong(struct config *config, unsigned line, const char *key, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

static void wrong(struct config *config, unsigned line, const char *key, const char *format, ...)
{
    char text[400];
    va_list args;

    if (config->error_cnt++ >= CONFIG_ERRORS_MAX)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    origin_set(&(struct origin){.file = config->name, .line = line, .key = key});
    complain("%s", text);
    origin_set(NULL);
}

static unsigned line_of(const yaml_node_t *node)
{
    return (unsigned)node->start_mark.line + 1;
}

/* ---- a key that there is not ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters have to be put in, taken out or changed, up to `most`. */
static size_t distance(const char *a, const char *b, size_t most)
{
    size_t row[CONFIG_NAME_LEN], a_len = strlen(a), b_len = strlen(b);

    if (b_len >= CONFIG_NAME_LEN || a_len >= CONFIG_NAME_LEN)
        return most + 1;
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            row[j] = least(change, least(row[j - 1], row[j]) + 1);
        }
    }
    return row[b_len];
}

struct guess {
    const char *path;
    size_t off;
};

static void guess(struct guess *best, const char *written, const char *name, const char *path)
{
    size_t most = least(strlen(name), strlen(written)) / 3 + 1, off = distance(written, name, most);

    if (off <= most && off < strlen(name) && (!best->path || off < best->off))
        *best = (struct guess){path, off};
}

/* By the name that it has here or elsewhere, or that its option has. */
static const char *closest(const struct config *config, const char *path)
{
    const char *dot = strchr(path, '.'), *leaf = dot ? dot + 1 : path;
    struct guess best = {0};

    for (const struct config_key *key = config->keys; key->path; key++) {
        const char *key_dot = strchr(key->path, '.');

        guess(&best, path, key->path, key->path);
        guess(&best, leaf, key_dot ? key_dot + 1 : key->path, key->path);
        if (key->option)
            guess(&best, leaf, key->option, key->path);
    }
    for (unsigned i = 0; i < config->group_cnt; i++)
        guess(&best, path, config->groups[i].name, config->groups[i].name);
    return best.path;
}

static void unknown_key(struct config *config, unsigned line, const char *path)
{
    const char *close = closest(config, path), *dot = strchr(path, '.');

    if (close && dot && strcmp(close, path) == 0)
        wrong(config, line, path, "is written as \"%s\", on a line below \"%.*s:\"", dot + 1, (int)(dot - path), path);
    else if (close)
        wrong(config, line, path, "there is no such key; did you mean %s?", close);
    else
        wrong(config, line, path, "there is no such key; `xord config default` shows all that there are");
}

/* ---- the form of values ---- */

static const char *kind_name(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE ? "a mapping" : node->type == YAML_SEQUENCE_NODE ? "a list" : "one value";
}

static const char *scalar(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

/* Nothing behind the colon. */
static bool is_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !*scalar(node);
}

/* A value proper. */
static bool check_scalar(struct config *config, const yaml_node_t *node, const char *path, const char *wanted)
{
    if (node->type != YAML_SCALAR_NODE)
        wrong(config, line_of(node), path, "wants %s, not %s", wanted, kind_name(node));
    else if (is_empty(node))
        wrong(config, line_of(node), path, "has no value; give it one, or take the line out");
    else if (strlen(scalar(node)) != node->data.scalar.length)
        wrong(config, line_of(node), path, "has a zero byte in its value");
    else
        return true;
    return false;
}

static bool has_field(const struct config_key *key, const char *name)
{
    for (unsigned i = 0; i < CONFIG_FIELDS_MAX && key->fields[i]; i++)
        if (strcmp(key->fields[i], name) == 0)
            return true;
    return false;
}

/* "key, ip, udp". */
static void fields_print(char *out, size_t cap, const struct config_key *key)
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < CONFIG_FIELDS_MAX && key->fields[i] && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s%s", i ? ", " : "", key->fields[i]);
}

static bool seen_before(struct config *config, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
        const char *path);

static void check_field(struct config *config, const struct config_key *key, const yaml_node_t *entry,
        const yaml_node_pair_t *pair)
{
    const yaml_node_t *name = yaml_document_get_node(&config->document, pair->key);
    const yaml_node_t *value = yaml_document_get_node(&config->document, pair->value);
    char path[2 * CONFIG_NAME_LEN], fields[200];

    if (!check_scalar(config, name, key->path, "a plain word as key"))
        return;
    snprintf(path, sizeof(path), "%.60s.%.60s", key->path, scalar(name));
    if (seen_before(config, entry, pair, path))
        return;
    fields_print(fields, sizeof(fields), key);
    if (!has_field(key, scalar(name)))
        wrong(config, line_of(name), path, "there is no such key; an entry has %s", fields);
    else if (check_scalar(config, value, path, "one value") && strchr(scalar(value), ','))
        wrong(config, line_of(value), path, "has a comma in its value");
}

static void check_entry(struct config *config, const struct config_key *key, const yaml_node_t *entry)
{
    char fields[200];

    fields_print(fields, sizeof(fields), key);
    if (entry->type != YAML_MAPPING_NODE) {
        wrong(config, line_of(entry), key->path, "each entry has keys of its own (%s) and is not %s", fields,
                kind_name(entry));
        return;
    }
    for (const yaml_node_pair_t *pair = entry->data.mapping.pairs.start; pair < entry->data.mapping.pairs.top; pair++)
        check_field(config, key, entry, pair);
}

static void check_list(struct config *config, const struct config_key *key, const yaml_node_t *list)
{
    const yaml_node_item_t *item = list->data.sequence.items.start, *end = list->data.sequence.items.top;

    if (end - item > CONFIG_ITEMS_MAX)
        wrong(config, line_of(list), key->path, "takes a list of at most %d", CONFIG_ITEMS_MAX);
    else
        for (; item < end; item++) {
            const yaml_node_t *node = yaml_document_get_node(&config->document, *item);

            if (key->kind == CONFIG_ENTRIES)
                check_entry(config, key, node);
            else
                check_scalar(config, node, key->path, "a list of plain values");
        }
}

static void check_value(struct config *config, const struct config_key *key, const yaml_node_t *node)
{
    bool is_list = node->type == YAML_SEQUENCE_NODE;

    if (is_list && (key->kind == CONFIG_LIST || key->kind == CONFIG_ENTRIES))
        check_list(config, key, node);
    else if (key->kind == CONFIG_ENTRIES)
        wrong(config, line_of(node), key->path, "wants a list, not %s", kind_name(node));
    else
        check_scalar(config, node, key->path, key->kind == CONFIG_LIST ? "a list" : "one value");
}

/* What is wrong is left out when values are loaded, so that what is wrong with others is told, too. */
static void take_value(struct config *config, unsigned i, const yaml_node_t *name, yaml_node_t *value)
{
    unsigned before = config->error_cnt;

    check_value(config, &config->keys[i], value);
    config->places[i].line = line_of(name);
    config->places[i].node = config->error_cnt == before ? value : NULL;
}

/* ---- the form of the file ---- */

static bool seen_before(struct config *config, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
        const char *path)
{
    const yaml_node_t *key = yaml_document_get_node(&config->document, pair->key);

    for (const yaml_node_pair_t *other = mapping->data.mapping.pairs.start; other < pair; other++) {
        const yaml_node_t *earlier = yaml_document_get_node(&config->document, other->key);

        if (earlier->type != YAML_SCALAR_NODE || strcmp(scalar(earlier), scalar(key)) != 0)
            continue;
        wrong(config, line_of(key), path, "is given twice, first in line %u; leave one of them", line_of(earlier));
        return true;
    }
    return false;
}

/* The key, or the keys of the group, of this name: libcyaml would load them twice. */
static void leave_out(struct config *config, const char *path)
{
    size_t len = strlen(path);

    for (unsigned i = 0; i < config->key_cnt; i++) {
        const char *key = config->keys[i].path;

        if (strncmp(key, path, len) == 0 && (key[len] == '\0' || key[len] == '.'))
            config->places[i].node = NULL;
    }
}

static void check_mapping(struct config *config, const yaml_node_t *mapping, const char *group);

static void check_group(struct config *config, const yaml_node_t *node, const char *name)
{
    if (node->type == YAML_MAPPING_NODE)
        check_mapping(config, node, name);
    else if (!is_empty(node)) /* all of it is commented out */
        wrong(config, line_of(node), name, "wants keys of its own below it, not %s", kind_name(node));
}

static bool is_group(const struct config *config, const char *name)
{
    for (unsigned i = 0; i < config->group_cnt; i++)
        if (strcmp(config->groups[i].name, name) == 0)
            return true;
    return false;
}

static void check_pair(struct config *config, const yaml_node_t *mapping, const yaml_node_pair_t *pair,
        const char *group)
{
    yaml_node_t *name = yaml_document_get_node(&config->document, pair->key);
    yaml_node_t *value = yaml_document_get_node(&config->document, pair->value);
    char path[2 * CONFIG_NAME_LEN];

    if (name->type != YAML_SCALAR_NODE) {
        wrong(config, line_of(name), group, "a key is a plain word, not %s", kind_name(name));
        return;
    }
    snprintf(path, sizeof(path), "%s%s%.60s", group ? group : "", group ? "." : "", scalar(name));
    if (seen_before(config, mapping, pair, path)) {
        leave_out(config, path);
        return;
    }
    for (unsigned i = 0; i < config->key_cnt; i++)
        if (strcmp(config->keys[i].path, path) == 0 && strchr(scalar(name), '.') == NULL) {
            take_value(config, i, name, value);
            return;
        }
    if (!group && is_group(config, scalar(name)))
        check_group(config, value, scalar(name));
    else
        unknown_key(config, line_of(name), path);
}

static void check_mapping(struct config *config, const yaml_node_t *mapping, const char *group)
{
    const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

    for (; pair < mapping->data.mapping.pairs.top && config->error_cnt <= CONFIG_ERRORS_MAX; pair++)
        check_pair(config, mapping, pair, group);
}

static void check_root(struct config *config)
{
    const yaml_node_t *root = yaml_document_get_root_node(&config->document);

    if (!root || is_empty(root)) /* comments only */
        return;
    if (root->type != YAML_MAPPING_NODE)
        wrong(config, line_of(root), NULL, "the file consists of lines \"KEY: VALUE\", this is %s", kind_name(root));
    else
        check_mapping(config, root, NULL);
}

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
        wrong(config, 0, NULL, "out of memory");
    else if (parser->error == YAML_READER_ERROR)
        wrong(config, line_at(text, len, parser->problem_offset), NULL, "this is no text in UTF-8: %s", problem);
    else
        wrong(config, (unsigned)mark->line + 1, NULL, "this is no valid YAML: %s%s%s%s", context, *context ? ", " : "",
                problem, yaml_hint(at->index < len ? (char)text[at->index] : 'x'));
}

/* One document, and no more. */
static void load_tree(struct config *config, const uint8_t *text, size_t len)
{
    yaml_document_t second;
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser)) {
        wrong(config, 0, NULL, "out of memory");
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
            wrong(config, (unsigned)second.start_mark.line + 1, NULL,
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
        wrong(config, 0, NULL, "the values cannot be loaded: %s", cyaml_strerror(err));
    else if (config->data && !entries_join(config))
        wrong(config, 0, NULL, "out of memory");
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
        check_root(config);
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
    return node ? line_of(node) : 0;
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
