/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord config check FILE`, `xord config show FILE`, `xord config default`: the configuration of a bootnode. */
#include <stdlib.h>
#include <string.h>

#include "bootnode.h"
#include "commands.h"
#include "xord_bytes.h"

#define WAYS "say `xord config check FILE`, `xord config show FILE` or `xord config default`"

struct config_args {
    const char *verb, *path;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct config_args *args = state->input;

    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (state->arg_num > 1)
        exit(complain("one file at a time: what is \"%.80s\"?", arg));
    *(state->arg_num == 0 ? &args->verb : &args->path) = arg;
    return 0;
}

static const struct argp config_argp = {
        .parser = parse_option,
        .args_doc = "check FILE\nshow FILE\ndefault",
        .doc = "The configuration of `xord bootnode --config FILE`: one YAML file for all that its options say.\v"
               "`check` tells all that is wrong with a file, by line and key, and looks after the files that it names; "
               "exit code 0 when nothing is. `show` prints the settings that a file amounts to, with the defaults. "
               "`default` prints the defaults with a comment on each key: begin with that.\n"
               "Example: xord config default >bootnode.yaml",
};

/* The file as settings; both are to be freed by bootnode_settings_free. */
static int load(struct bootnode_settings *settings, const char *path)
{
    int argc = 0, err = bootnode_settings_init(settings, &argc, NULL);

    if (err)
        return err;
    settings->config = config_read(path, config_keys);
    return settings->config ? config_apply(settings->config, settings, NULL) : EXIT_USER;
}

/* A device without an address. */
static int check_port(struct bootnode_settings *settings)
{
    unsigned port = config_find(config_keys, "port");
    int err;

    origin_set(&(struct origin){.file = config_name(settings->config),
            .line = config_line(settings->config, port),
            .key = "port"});
    err = node_options_check(&settings->node);
    origin_set(NULL);
    return err;
}

static int check_settings(struct bootnode_settings *settings)
{
    uint8_t seckeys32[SERVICE_SELVES][32];
    int err = check_port(settings);

    if (err)
        return err;
    origin_set(&(struct origin){.file = config_name(settings->config)});
    err = bootnode_settings_check(settings);
    if (!err && settings->node.identity_cnt > 1) /* of one alone the file is looked at below */
        err = identities_keys(seckeys32, &settings->node);
    origin_set(NULL);
    xord_wipe(seckeys32, sizeof(seckeys32));
    return err;
}

static int config_check_main(const char *path)
{
    struct bootnode_settings settings = {0};
    int err = load(&settings, path);

    if (!err)
        err = check_settings(&settings); /* else what is wrong may be why something is missing */
    if (settings.config && complaints() < CONFIG_ERRORS_MAX)
        err |= config_check(settings.config, NULL);
    if (!err)
        printf("%s: ok\n", path);
    bootnode_settings_free(&settings);
    return err;
}

static const char *unsaid(void *ctx, unsigned key)
{
    const struct bootnode_settings *settings = ctx;

    return config_keys[key].implied ? config_keys[key].implied(settings) : config_keys[key].preset;
}

static int config_show_main(const char *path)
{
    struct bootnode_settings settings = {0};
    int err = load(&settings, path);

    if (!err)
        err = check_port(&settings);
    if (!err)
        err = config_print(stdout, settings.config, unsaid, &settings);
    bootnode_settings_free(&settings);
    return err;
}

int config_main(int argc, char **argv)
{
    struct config_args args = {0};
    int err = parse_args(&config_argp, argc, argv, &args);

    if (err)
        return err;
    if (!args.verb)
        return complain(WAYS);
    if (strcmp(args.verb, "default") == 0) {
        if (args.path)
            return complain("`xord config default` prints the default file and takes no other: what is \"%.80s\"?",
                    args.path);
        config_print_default(stdout, config_keys);
        return 0;
    }
    if (strcmp(args.verb, "check") != 0 && strcmp(args.verb, "show") != 0)
        return complain("there is no `xord config %.80s`: " WAYS, args.verb);
    if (!args.path)
        return complain("name the file: xord config %s FILE", args.verb);
    return args.verb[0] == 'c' ? config_check_main(args.path) : config_show_main(args.path);
}
