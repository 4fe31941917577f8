/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes configurations: the commented default file, and the effective settings. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "config_private.h"

static void print_doc(FILE *out, const char *doc, const char *indent)
{
    while (*doc) {
        int len = (int)strcspn(doc, "\n");

        fprintf(out, "%s# %.*s\n", indent, len, doc);
        doc += len;
        doc += *doc == '\n';
    }
}

static size_t group_len(const char *path)
{
    const char *dot = strchr(path, '.');

    return dot ? (size_t)(dot - path) : 0;
}

static bool same_group(const struct config_key *a, const struct config_key *b)
{
    size_t len = group_len(a->path);

    return len && len == group_len(b->path) && memcmp(a->path, b->path, len) == 0;
}

/* A group's line is a comment, too, when all of its keys are. */
static bool group_is_empty(const struct config_key *keys, const struct config_key *first)
{
    for (const struct config_key *key = first; key->path && same_group(first, key); key++)
        if (key->preset)
            return false;
    return keys != NULL;
}

void config_print_default(FILE *out, const struct config_key *keys)
{
    fputs("# The configuration of `xord bootnode --config FILE`. Each key is an option of the command line, which goes "
          "before the\n"
          "# file. A line without \"#\" says what would be so without it; take \"#\" away where a line has an example. "
          "`xord config\n"
          "# check FILE` tells all that is wrong with a file, `xord config show FILE` what it amounts to.\n"
          "#\n"
          "# A running bootnode reads its file again on SIGHUP. A key that is marked (reload) changes then; others say "
          "in the\n"
          "# log that they need a restart. A file that is wrong changes nothing.\n",
            out);
    for (const struct config_key *key = keys; key->path; key++) {
        size_t len = group_len(key->path);
        const char *indent = len ? "  " : "", *name = len ? key->path + len + 1 : key->path;

        if (!len || key == keys || !same_group(key, key - 1))
            fputc('\n', out);
        if (len && (key == keys || !same_group(key, key - 1)))
            fprintf(out, "%s%.*s:\n", group_is_empty(keys, key) ? "#" : "", (int)len, key->path);
        print_doc(out, key->doc, indent);
        fprintf(out, "%s%s%s:%s%s\n", indent, key->preset ? "" : "#", name,
                key->preset || *key->example != '\n' ? " " : "", key->preset ? key->preset : key->example);
    }
}

int config_print(FILE *out, struct config *config, const char *(*others)(void *ctx, unsigned key), void *ctx)
{
    struct config_data data[CONFIG_KEYS_MAX] = {0};
    char *text = NULL;
    size_t len = 0;
    cyaml_err_t err;

    for (unsigned i = 0; i < config->key_cnt; i++) {
        if (config->data)
            data[i] = config->data[i];
        if (config->places[i].node == NULL)
            data[i].text = (char *)others(ctx, i); /* libcyaml only reads it */
    }
    err = config_schema_save(config, data, &text, &len);
    if (!err)
        fwrite(text, 1, len, out);
    free(text);
    return err ? complain("cannot write the settings: %s", cyaml_strerror(err)) : 0;
}
