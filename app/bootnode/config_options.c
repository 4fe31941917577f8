/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of a command as its argp tree has them: given a value by name, and looked for on a command line. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "config.h"

#define CHILDREN_MAX 16
#define OPTIONS_MAX  128
#define FIRST_LONG   0x10000 /* no option's letter */

/* ---- one option ---- */

static bool is_named(const struct argp_option *option)
{
    return option->name && !(option->flags & (OPTION_DOC | OPTION_ALIAS));
}

static bool is_end(const struct argp_option *option)
{
    return !option->name && !option->key && !option->doc && !option->group;
}

/* 0, or what the parser returned; ARGP_ERR_UNKNOWN: it is nowhere in this tree. */
static error_t apply_in(const struct argp *argp, void *input, const char *name, char *value)
{
    void *inputs[CHILDREN_MAX] = {0};
    /* Its parsers complain with complain(); argp's own way would print a usage. */
    struct argp_state state = {.root_argp = argp, .flags = ARGP_SILENT, .input = input, .child_inputs = inputs};
    error_t err = ARGP_ERR_UNKNOWN;

    for (const struct argp_option *option = argp->options; option && !is_end(option); option++)
        if (is_named(option) && strcmp(option->name, name) == 0)
            return argp->parser(option->key, value, &state);
    if (!argp->children)
        return err;
    if (argp->parser)
        argp->parser(ARGP_KEY_INIT, NULL, &state);
    for (unsigned i = 0; argp->children[i].argp && err == ARGP_ERR_UNKNOWN; i++)
        err = apply_in(argp->children[i].argp, inputs[i], name, value);
    return err;
}

int option_apply(const struct argp *argp, void *input, const char *name, char *value)
{
    return apply_in(argp, input, name, value) ? EXIT_USER : 0;
}

/* ---- all of them ---- */

static void each(const struct argp *argp, void (*visit)(void *ctx, const struct argp_option *option), void *ctx)
{
    for (const struct argp_option *option = argp->options; option && !is_end(option); option++)
        if (is_named(option))
            visit(ctx, option);
    for (const struct argp_child *child = argp->children; child && child->argp; child++)
        each(child->argp, visit, ctx);
}

struct name_visit {
    void (*visit)(void *ctx, const char *name);
    void *ctx;
};

static void visit_name(void *ctx, const struct argp_option *option)
{
    const struct name_visit *to = ctx;

    to->visit(to->ctx, option->name);
}

void options_each(const struct argp *argp, void (*visit)(void *ctx, const char *name), void *ctx)
{
    each(argp, visit_name, &(struct name_visit){visit, ctx});
}

/* ---- a command line ---- */

struct scan {
    const struct argp_option *options[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char shorts[2 * OPTIONS_MAX + 1];
    unsigned cnt;
};

static void scan_add(void *ctx, const struct argp_option *option)
{
    struct scan *scan = ctx;
    char *end = scan->shorts + strlen(scan->shorts);

    if (scan->cnt == OPTIONS_MAX)
        return;
    scan->options[scan->cnt] = option;
    scan->longs[scan->cnt] = (struct option){.name = option->name,
            .has_arg = option->arg ? required_argument : no_argument,
            .val = FIRST_LONG + (int)scan->cnt};
    scan->cnt++;
    if (option->key > ' ' && option->key < 127) {
        *end++ = (char)option->key;
        *end++ = option->arg ? ':' : '\0';
        *end = '\0';
    }
}

static const struct argp_option *scan_find(const struct scan *scan, int found)
{
    if (found >= FIRST_LONG)
        return scan->options[found - FIRST_LONG];
    for (unsigned i = 0; i < scan->cnt; i++)
        if (scan->options[i]->key == found)
            return scan->options[i];
    return NULL; /* argp will complain */
}

/* Is `name` one of the words? */
static bool has_word(const char *words, const char *name)
{
    size_t len = strlen(name);

    for (const char *at = words; at && *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == len && memcmp(at, name, len) == 0)
            return true;
    return false;
}

static void override(bool overridden[CONFIG_KEYS_MAX], const struct config_key *keys, const char *name)
{
    for (unsigned i = 0; keys[i].path; i++)
        if ((keys[i].option && strcmp(keys[i].option, name) == 0) || has_word(keys[i].also, name))
            overridden[i] = true;
}

int options_scan(bool overridden[CONFIG_KEYS_MAX], const char **path, int argc, char **argv, const struct argp *argp,
        const struct config_key *keys)
{
    struct scan scan = {0};
    int found;

    *path = NULL;
    each(argp, scan_add, &scan);
    optind = 0; /* from the beginning, whoever has used it before */
    opterr = 0;
    while ((found = getopt_long(argc, argv, scan.shorts, scan.longs, NULL)) != -1) {
        const struct argp_option *option = scan_find(&scan, found);

        if (!option)
            continue;
        if (strcmp(option->name, "config") == 0) {
            if (*path)
                return complain("--config was given twice: one file says it all");
            *path = optarg;
        }
        override(overridden, keys, option->name);
    }
    return 0;
}
