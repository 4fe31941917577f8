/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON as DPDK's telemetry data; see xord_telemetry.h for what is lost on the way. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "dpdk_telemetry_private.h"

#define PIECE_LEN (RTE_TEL_MAX_STRING_LEN - 1)
#define DEPTH_MAX 6
#define ROWS_MAX  100 /* more than fits into an answer; each is 70 KB here */

static void put(struct rte_tel_data *dict, const char *name, const json_t *value, unsigned depth);

static struct rte_tel_data *dict_new(const json_t *object, unsigned depth)
{
    struct rte_tel_data *data = rte_tel_data_alloc();
    const char *key;
    json_t *value;

    if (!data)
        return NULL;
    rte_tel_data_start_dict(data);
    json_object_foreach((json_t *)object, key, value) put(data, key, value, depth);
    return data;
}

static struct rte_tel_data *rows_new(const json_t *array, unsigned depth)
{
    struct rte_tel_data *data = rte_tel_data_alloc();
    char name[16];

    if (!data)
        return NULL;
    rte_tel_data_start_dict(data);
    for (size_t i = 0; i < json_array_size(array) && i < ROWS_MAX; i++) {
        snprintf(name, sizeof(name), "%zu", i);
        put(data, name, json_array_get(array, i), depth);
    }
    return data;
}

static struct rte_tel_data *numbers_new(const json_t *array)
{
    struct rte_tel_data *data = rte_tel_data_alloc();

    if (!data)
        return NULL;
    rte_tel_data_start_array(data, RTE_TEL_U64_VAL);
    for (size_t i = 0; i < json_array_size(array); i++)
        rte_tel_data_add_array_u64(data, (uint64_t)json_integer_value(json_array_get(array, i)));
    return data;
}

static struct rte_tel_data *strings_new(const json_t *array)
{
    struct rte_tel_data *data = rte_tel_data_alloc();

    if (!data)
        return NULL;
    rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
    for (size_t i = 0; i < json_array_size(array); i++)
        rte_tel_data_add_array_string(data, json_string_value(json_array_get(array, i)));
    return data;
}

static struct rte_tel_data *pieces_new(const char *text)
{
    struct rte_tel_data *data = rte_tel_data_alloc();
    char piece[PIECE_LEN + 1];

    if (!data)
        return NULL;
    rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
    for (size_t len = strlen(text), at = 0; at < len; at += PIECE_LEN) {
        snprintf(piece, sizeof(piece), "%s", text + at);
        rte_tel_data_add_array_string(data, piece);
    }
    return data;
}

static bool all_are(const json_t *array, json_type type)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_typeof(json_array_get(array, i)) != type)
            return false;
    return true;
}

static struct rte_tel_data *array_new(const json_t *array, unsigned depth)
{
    if (all_are(array, JSON_INTEGER))
        return numbers_new(array);
    return all_are(array, JSON_STRING) ? strings_new(array) : rows_new(array, depth);
}

static void put_container(struct rte_tel_data *dict, const char *name, struct rte_tel_data *data)
{
    if (data && rte_tel_data_add_dict_container(dict, name, data, 0) < 0) /* above 0: it has it, under a cut name */
        rte_tel_data_free(data);
}

static void put_string(struct rte_tel_data *dict, const char *name, const char *text)
{
    if (strlen(text) <= PIECE_LEN)
        rte_tel_data_add_dict_string(dict, name, text);
    else
        put_container(dict, name, pieces_new(text));
}

static void put(struct rte_tel_data *dict, const char *name, const json_t *value, unsigned depth)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        put_string(dict, name, json_string_value(value));
        break;
    case JSON_INTEGER:
        rte_tel_data_add_dict_u64(dict, name, (uint64_t)json_integer_value(value));
        break;
    case JSON_REAL: /* of a number above 2^63, see below */
        rte_tel_data_add_dict_u64(dict, name, (uint64_t)json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        rte_tel_data_add_dict_u64(dict, name, json_is_true(value));
        break;
    case JSON_OBJECT:
        if (depth < DEPTH_MAX)
            put_container(dict, name, dict_new(value, depth + 1));
        break;
    case JSON_ARRAY:
        if (depth < DEPTH_MAX)
            put_container(dict, name, array_new(value, depth + 1));
        break;
    case JSON_NULL:
        break;
    }
}

int dpdk_telemetry_fill(struct rte_tel_data *data, const char *json)
{
    json_t *root = json_loads(json, 0, NULL);
    const char *key;
    json_t *value;

    /* A record's seq may have 64 bits, jansson's integers have a sign. */
    if (!root)
        root = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    if (!json_is_object(root)) {
        json_decref(root);
        return -1;
    }
    rte_tel_data_start_dict(data);
    json_object_foreach(root, key, value) put(data, key, value, 0);
    json_decref(root);
    return 0;
}
