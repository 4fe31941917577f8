/* SPDX-License-Identifier: BSD-3-Clause */
/* Records out of an argument, a text file, a JSON file or standard input. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app.h"

#define INPUT_MAX_LEN (1UL << 30)

typedef int (*visit_fn)(void *ctx, const struct record_in *in);

/* The whole file, NUL-terminated; NULL after a complaint. */
static char *read_all(FILE *file, const char *name, size_t *len)
{
    size_t cap = 1 << 16;
    char *text = malloc(cap + 1);

    *len = 0;
    while (text) {
        size_t n = fread(text + *len, 1, cap - *len, file);
        char *more;

        *len += n;
        if (*len < cap)
            break;
        cap *= 2;
        more = cap > INPUT_MAX_LEN ? NULL : realloc(text, cap + 1);
        if (!more)
            free(text);
        text = more;
    }
    if (!text) {
        complain("%s is larger than 1 GiB or than memory", name);
        return NULL;
    }
    if (ferror(file)) {
        complain("cannot read %s: %s", name, strerror(errno));
        free(text);
        return NULL;
    }
    text[*len] = '\0';
    return text;
}

/* One entry of a nodes.json, one element of a list, one line of `xord crawl --ndjson`. */
static int visit_json(const json_t *value, const char *key, const char *name, visit_fn visit, void *ctx)
{
    const char *record = json_string_value(json_is_object(value) ? json_object_get(value, "record") : value);

    return visit(ctx, &(struct record_in){.source = name, .key = key, .text = record ? record : ""});
}

static int each_in_value(json_t *root, const char *name, visit_fn visit, void *ctx)
{
    const char *key;
    json_t *value;
    size_t i;
    int err = 0;

    if (json_is_string(json_object_get(root, "record")))
        return visit_json(root, json_string_value(json_object_get(root, "node_id")), name, visit, ctx);
    json_array_foreach(root, i, value)
    {
        if (!err)
            err = visit_json(value, NULL, name, visit, ctx);
    }
    json_object_foreach(root, key, value)
    {
        if (!err)
            err = visit_json(value, key, name, visit, ctx);
    }
    return err;
}

static int line_of(const char *text, size_t pos)
{
    int line = 1;

    for (size_t i = 0; i < pos; i++)
        line += text[i] == '\n';
    return line;
}

/* One value, or several one after the other. */
static int each_in_json(const char *text, size_t len, const char *name, visit_fn visit, void *ctx)
{
    size_t pos = 0;
    int err = 0;

    while (!err && pos < len) {
        json_error_t error;
        json_t *root = json_loadb(text + pos, len - pos, JSON_DISABLE_EOF_CHECK, &error);

        if (!root)
            return complain("%s is not valid JSON: %s at line %d", name, error.text,
                    error.line > 0 ? line_of(text, pos) + error.line - 1 : 1);
        err = each_in_value(root, name, visit, ctx);
        json_decref(root);
        pos += (size_t)error.position;
        while (pos < len && isspace((unsigned char)text[pos]))
            pos++;
    }
    return err;
}

/* Cuts a line's comment, quotes, list dashes and white space off; NULL when nothing remains. */
static char *line_trim(char *line)
{
    static const char around[] = " \t\r\"',-";
    char *hash = strchr(line, '#'), *end;

    if (hash)
        *hash = '\0';
    while (*line && strchr(around, *line))
        line++;
    end = line + strlen(line);
    /* A record's text may itself end in '-'. */
    while (end > line && strchr(" \t\r\"',", end[-1]))
        *--end = '\0';
    return *line ? line : NULL;
}

static int each_in_lines(char *text, const char *name, visit_fn visit, void *ctx)
{
    unsigned number = 0;
    int err = 0;

    while (text && *text && !err) {
        char *end = strchr(text, '\n');
        char *line;

        if (end)
            *end = '\0';
        number++;
        line = line_trim(text);
        if (line)
            err = visit(ctx, &(struct record_in){.source = name, .line = number, .text = line});
        text = end ? end + 1 : NULL;
    }
    return err;
}

static int each_in_file(FILE *file, const char *name, visit_fn visit, void *ctx)
{
    size_t len;
    char *text = read_all(file, name, &len);
    const char *first = text;
    int err;

    if (!text)
        return EXIT_USER;
    while (isspace((unsigned char)*first))
        first++;
    if (*first == '{' || *first == '[')
        err = each_in_json(text, len, name, visit, ctx);
    else if (strlen(text) != len)
        err = complain("%s is neither text nor JSON", name);
    else
        err = each_in_lines(text, name, visit, ctx);
    free(text);
    return err;
}

int records_each(const char *x, visit_fn visit, void *ctx)
{
    struct stat st;
    FILE *file;
    int err;

    if (strncmp(x, "enr:", 4) == 0)
        return visit(ctx, &(struct record_in){.source = "argument", .text = x});
    if (strcmp(x, "-") == 0)
        return each_in_file(stdin, "standard input", visit, ctx);
    if (stat(x, &st) == 0 && S_ISDIR(st.st_mode))
        return complain("%s is a directory: name a file, a record (enr:...) or -", x);
    file = fopen(x, "re");
    if (!file && errno == ENOENT)
        return complain("%.80s is neither a record (enr:...) nor a file", x);
    if (!file)
        return complain("cannot read %s: %s", x, strerror(errno));
    err = each_in_file(file, x, visit, ctx);
    fclose(file);
    return err;
}
