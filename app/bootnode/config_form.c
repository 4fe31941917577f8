/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks the form of a configuration: libyaml's tree against the table of keys. All that is wrong is told, and left out of what is
 * loaded after. */
#include <stdarg.h>
#include <string.h>

#include "app.h"
#include "config_private.h"

/* ---- what is wrong ---- */

void config_wrong(struct config *config, unsigned line, const char *key, const char *format, ...)
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

unsigned config_line_of(const yaml_node_t *node)
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
        config_wrong(config, line, path, "is written as \"%s\", on a line below \"%.*s:\"", dot + 1, (int)(dot - path),
                path);
    else if (close)
        config_wrong(config, line, path, "there is no such key; did you mean %s?", close);
    else
        config_wrong(config, line, path, "there is no such key; `xord config default` shows all that there are");
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
        config_wrong(config, config_line_of(node), path, "wants %s, not %s", wanted, kind_name(node));
    else if (is_empty(node))
        config_wrong(config, config_line_of(node), path, "has no value; give it one, or take the line out");
    else if (strlen(scalar(node)) != node->data.scalar.length)
        config_wrong(config, config_line_of(node), path, "has a zero byte in its value");
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
        config_wrong(config, config_line_of(name), path, "there is no such key; an entry has %s", fields);
    else if (check_scalar(config, value, path, "one value") && strchr(scalar(value), ','))
        config_wrong(config, config_line_of(value), path, "has a comma in its value");
}

static void check_entry(struct config *config, const struct config_key *key, const yaml_node_t *entry)
{
    char fields[200];

    fields_print(fields, sizeof(fields), key);
    if (entry->type != YAML_MAPPING_NODE) {
        config_wrong(config, config_line_of(entry), key->path, "each entry has keys of its own (%s) and is not %s",
                fields, kind_name(entry));
        return;
    }
    for (const yaml_node_pair_t *pair = entry->data.mapping.pairs.start; pair < entry->data.mapping.pairs.top; pair++)
        check_field(config, key, entry, pair);
}

static void check_list(struct config *config, const struct config_key *key, const yaml_node_t *list)
{
    const yaml_node_item_t *item = list->data.sequence.items.start, *end = list->data.sequence.items.top;

    if (end - item > CONFIG_ITEMS_MAX)
        config_wrong(config, config_line_of(list), key->path, "takes a list of at most %d", CONFIG_ITEMS_MAX);
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
        config_wrong(config, config_line_of(node), key->path, "wants a list, not %s", kind_name(node));
    else
        check_scalar(config, node, key->path, key->kind == CONFIG_LIST ? "a list" : "one value");
}

/* What is wrong is left out when values are loaded, so that what is wrong with others is told, too. */
static void take_value(struct config *config, unsigned i, const yaml_node_t *name, yaml_node_t *value)
{
    unsigned before = config->error_cnt;

    check_value(config, &config->keys[i], value);
    config->places[i].line = config_line_of(name);
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
        config_wrong(config, config_line_of(key), path, "is given twice, first in line %u; leave one of them",
                config_line_of(earlier));
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
        config_wrong(config, config_line_of(node), name, "wants keys of its own below it, not %s", kind_name(node));
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
        config_wrong(config, config_line_of(name), group, "a key is a plain word, not %s", kind_name(name));
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
        unknown_key(config, config_line_of(name), path);
}

static void check_mapping(struct config *config, const yaml_node_t *mapping, const char *group)
{
    const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;

    for (; pair < mapping->data.mapping.pairs.top && config->error_cnt <= CONFIG_ERRORS_MAX; pair++)
        check_pair(config, mapping, pair, group);
}

void config_check_form(struct config *config)
{
    const yaml_node_t *root = yaml_document_get_root_node(&config->document);

    if (!root || is_empty(root)) /* comments only */
        return;
    if (root->type != YAML_MAPPING_NODE)
        config_wrong(config, config_line_of(root), NULL, "the file consists of lines \"KEY: VALUE\", this is %s",
                kind_name(root));
    else
        check_mapping(config, root, NULL);
}
