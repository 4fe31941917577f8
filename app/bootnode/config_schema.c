/* SPDX-License-Identifier: BSD-3-Clause */
/* libcyaml's schema of a file, made from the table of keys: every value a text, for its option to understand. The data is an array
 * with one element a key; a group is the mapping of its part of the array. */
#include <stdlib.h>
#include <string.h>

#include "config_private.h"

static const cyaml_config_t cyaml_config = {
        .log_level = CYAML_LOG_ERROR, /* and no function to log by: what can be wrong has been told before */
        .mem_fn = cyaml_mem,
        /* Groups without a key in them. */
        .flags = CYAML_CFG_IGNORE_UNKNOWN_KEYS | CYAML_CFG_STYLE_BLOCK,
};

#define TEXT(more)                                                                                                     \
    {                                                                                                                  \
        .type = CYAML_STRING, .flags = CYAML_FLAG_POINTER | (more), .data_size = sizeof(char),                         \
        .string = {.min = 0, .max = CYAML_UNLIMITED},                                                                  \
    }
static const cyaml_schema_value_t text_value = TEXT(CYAML_FLAG_DEFAULT);
static const cyaml_schema_value_t quoted_value = TEXT(CYAML_FLAG_SCALAR_QUOTE_DOUBLE);

/* Which keys there are, and how their values are written. */
struct schema_want {
    bool has[CONFIG_KEYS_MAX], is_list[CONFIG_KEYS_MAX];
    bool is_quoted[CONFIG_KEYS_MAX]; /* saving an empty text takes quotes */
};

void config_schema_init(struct config *config)
{
    for (unsigned i = 0; i < config->key_cnt; i++) {
        const char *path = config->keys[i].path, *dot = strchr(path, '.');
        struct group *group = config->group_cnt ? &config->groups[config->group_cnt - 1] : NULL;
        size_t len = dot ? (size_t)(dot - path) : 0;

        if (!dot)
            continue;
        if (!group || strlen(group->name) != len || memcmp(group->name, path, len) != 0) {
            group = &config->groups[config->group_cnt++];
            memcpy(group->name, path, len);
            group->first = i;
        }
        group->cnt++;
    }
}

static cyaml_schema_field_t text_field(const char *name, size_t offset, bool is_quoted)
{
    cyaml_schema_field_t field = {.key = name,
            .data_offset = (uint32_t)offset,
            .value = is_quoted ? quoted_value : text_value};

    field.value.flags |= CYAML_FLAG_OPTIONAL;
    return field;
}

static cyaml_schema_field_t list_field(const char *name, size_t offset, size_t cnt_offset,
        const cyaml_schema_value_t *entry, size_t size)
{
    return (cyaml_schema_field_t){
            .key = name,
            .data_offset = (uint32_t)offset,
            .count_offset = (uint32_t)cnt_offset,
            .count_size = sizeof(unsigned),
            .value = {.type = CYAML_SEQUENCE,
                    .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                    .data_size = (uint32_t)size,
                    .sequence = {.entry = entry, .min = 0, .max = CYAML_UNLIMITED}},
    };
}

static const cyaml_schema_value_t *entry_value(struct config *config, unsigned i, bool is_quoted)
{
    const struct config_key *key = &config->keys[i];

    for (unsigned j = 0; j < CONFIG_FIELDS_MAX && key->fields[j]; j++)
        config->fields[i][j] =
                text_field(key->fields[j], offsetof(struct config_entry, fields) + j * sizeof(char *), is_quoted);
    config->entry[i] = (cyaml_schema_value_t){.type = CYAML_MAPPING,
            .flags = CYAML_FLAG_DEFAULT,
            .data_size = sizeof(struct config_entry),
            .mapping = {.fields = config->fields[i]}};
    return &config->entry[i];
}

/* The i-th key, where its mapping's part of the array begins with the `first`. One text may stand for a list of one. */
static cyaml_schema_field_t key_field(struct config *config, unsigned i, unsigned first, const struct schema_want *want)
{
    const char *path = config->keys[i].path, *dot = strchr(path, '.'), *name = dot ? dot + 1 : path;
    size_t base = (i - first) * sizeof(struct config_data);

    if (!want->is_list[i])
        return text_field(name, base + offsetof(struct config_data, text), want->is_quoted[i]);
    if (config->keys[i].kind == CONFIG_ENTRIES)
        return list_field(name, base + offsetof(struct config_data, entries),
                base + offsetof(struct config_data, entry_cnt), entry_value(config, i, want->is_quoted[i]),
                sizeof(struct config_entry));
    return list_field(name, base + offsetof(struct config_data, items), base + offsetof(struct config_data, item_cnt),
            want->is_quoted[i] ? &quoted_value : &text_value, sizeof(char *));
}

/* Those fields of a group that there are; a group without any is none. */
static cyaml_schema_field_t *group_fields(struct config *config, const struct group *group,
        cyaml_schema_field_t *fields, const struct schema_want *want)
{
    for (unsigned i = group->first; i < group->first + group->cnt; i++)
        if (want->has[i])
            *fields++ = key_field(config, i, group->first, want);
    *fields++ = (cyaml_schema_field_t){0};
    return fields;
}

static void schema_make(struct config *config, const struct schema_want *want)
{
    cyaml_schema_field_t *root = config->root, *grouped = config->grouped;

    for (unsigned i = 0; i < config->key_cnt; i++)
        if (!strchr(config->keys[i].path, '.') && want->has[i])
            *root++ = key_field(config, i, 0, want);
    for (const struct group *group = config->groups; group < config->groups + config->group_cnt; group++) {
        cyaml_schema_field_t *fields = grouped;

        grouped = group_fields(config, group, grouped, want);
        if (!fields->key)
            continue;
        *root++ = (cyaml_schema_field_t){.key = group->name,
                .data_offset = (uint32_t)(group->first * sizeof(struct config_data)),
                .value = {.type = CYAML_MAPPING,
                        .flags = CYAML_FLAG_OPTIONAL,
                        .data_size = (uint32_t)(group->cnt * sizeof(struct config_data)),
                        .mapping = {.fields = fields}}};
    }
    *root = (cyaml_schema_field_t){0};
    config->top = (cyaml_schema_value_t){.type = CYAML_MAPPING,
            .flags = CYAML_FLAG_POINTER,
            .data_size = (uint32_t)(config->key_cnt * sizeof(struct config_data)),
            .mapping = {.fields = config->root}};
}

/* What the file has. */
static struct schema_want want_of_file(const struct config *config)
{
    struct schema_want want = {0};

    for (unsigned i = 0; i < config->key_cnt; i++) {
        want.has[i] = config->places[i].node != NULL;
        want.is_list[i] = want.has[i] && config->places[i].node->type == YAML_SEQUENCE_NODE;
    }
    return want;
}

cyaml_err_t config_schema_load(struct config *config, const uint8_t *text, size_t len)
{
    struct schema_want want = want_of_file(config);

    schema_make(config, &want);
    if (!config->root[0].key)
        return CYAML_OK;
    return cyaml_load_data(text, len, &cyaml_config, &config->top, (cyaml_data_t **)&config->data, NULL);
}

static bool is_empty(const char *text)
{
    return text && !*text;
}

static bool has_empty(const struct config_data *data)
{
    bool has = is_empty(data->text);

    for (unsigned i = 0; data->items && i < data->item_cnt; i++)
        has |= is_empty(data->items[i]);
    for (unsigned i = 0; data->entries && i < data->entry_cnt; i++)
        for (unsigned j = 0; j < CONFIG_FIELDS_MAX; j++)
            has |= is_empty(data->entries[i].fields[j]);
    return has;
}

cyaml_err_t config_schema_save(struct config *config, const struct config_data *data, char **text, size_t *len)
{
    struct schema_want want = {0};

    for (unsigned i = 0; i < config->key_cnt; i++) {
        want.is_list[i] = data[i].items || data[i].entries;
        want.has[i] = data[i].text || want.is_list[i];
        want.is_quoted[i] = has_empty(&data[i]);
    }
    schema_make(config, &want);
    return cyaml_save_data(text, len, &cyaml_config, &config->top, data, 0);
}

void config_schema_free(struct config *config)
{
    struct schema_want want = want_of_file(config); /* saving may have made another schema */

    schema_make(config, &want);
    if (config->data)
        cyaml_free(&cyaml_config, &config->top, config->data, 0);
    config->data = NULL;
}
