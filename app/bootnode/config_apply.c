/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes settings of a configuration, and looks after the files that it names. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootnode.h"
#include "config.h"
#include "xord_bytes.h"

/* Complaints from here on are about this value. */
static void origin_at(const struct config *config, unsigned key, unsigned line)
{
    origin_set(&(struct origin){.file = config_name(config), .line = line, .key = config_keys[key].path});
}

int config_flag(const char *text)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};

    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0)
            return strcmp(text, yes[i]) == 0;
    return -1;
}

static int apply_text(struct bootnode_settings *settings, const struct config_key *key, char *text)
{
    unsigned before = complaints();
    int flag = key->kind == CONFIG_FLAG ? config_flag(text) : 1;

    if (key->kind == CONFIG_LIST && strcmp(text, "-") == 0)
        return complain("standard input is for the command line; name a file");
    if (flag < 0)
        return complain("wants true or false, not \"%.60s\"", text);
    if (flag == 0 || option_apply(&bootnode_argp, settings, key->option, key->kind == CONFIG_FLAG ? NULL : text) == 0)
        return 0;
    return complaints() > before ? EXIT_USER : complain("\"%.60s\" is not understood", text);
}

static int apply_key(struct config *config, unsigned i, struct bootnode_settings *settings)
{
    const struct config_key *key = &config_keys[i];
    unsigned cnt;
    char **texts = config_texts(config, i, &cnt);
    int err = 0;

    if (key->apply) {
        origin_at(config, i, config_line(config, i));
        err = cnt ? key->apply(settings, texts, cnt) : 0;
    } else {
        for (unsigned item = 0; item < cnt; item++) {
            origin_at(config, i, config_item_line(config, i, item));
            err |= apply_text(settings, key, texts[item]);
        }
    }
    origin_set(NULL);
    return err ? EXIT_USER : 0;
}

int config_apply(struct config *config, struct bootnode_settings *settings, const bool *overridden)
{
    struct bootnode_settings unused;
    unsigned before = complaints() - config_errors(config);
    int argc = 0, err = bootnode_settings_init(&unused, &argc, NULL);

    for (unsigned i = 0; config_keys[i].path && complaints() - before < CONFIG_ERRORS_MAX; i++)
        if (apply_key(config, i, overridden && overridden[i] ? &unused : settings))
            err = EXIT_USER;
    bootnode_settings_free(&unused);
    if (complaints() - before >= CONFIG_ERRORS_MAX)
        complain("%s: there may be more, but this is to be mended first", config_name(config));
    return config_errors(config) ? EXIT_USER : err;
}

/* ---- files ---- */

static int check_key_file(const char *path)
{
    uint8_t seckey32[32];
    int err = key_read(seckey32, path);

    xord_wipe(seckey32, sizeof(seckey32));
    return err;
}

static int check_made_file(const char *path)
{
    const char *slash = strrchr(path, '/');
    char dir[4096] = ".";
    struct stat st;

    if (slash)
        snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path) + 1, path);
    if (stat(dir, &st))
        return complain("cannot make %s: the directory %s: %s", path, dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return complain("cannot make %s: %s is no directory", path, dir);
    if (access(dir, W_OK | X_OK))
        return complain("cannot make %s: %s may not be written to by this user", path, dir);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return complain("%s is a directory; name a file in it", path);
    return 0;
}

/* An entry begins with its key file, if it has one. */
static int check_entry(const char *entry)
{
    char path[4096];

    if (strncmp(entry, "key=", 4) != 0)
        return 0; /* its option's parser has complained */
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(entry + 4, ","), entry + 4);
    return check_key_file(path);
}

static int check_path(struct config *config, unsigned i)
{
    unsigned cnt;
    char **texts = config_texts(config, i, &cnt);
    int err = 0;

    for (unsigned item = 0; item < cnt; item++) {
        origin_at(config, i, config_item_line(config, i, item));
        if (config_keys[i].check == CONFIG_KEY_FILE && config_keys[i].kind == CONFIG_ENTRIES)
            err |= check_entry(texts[item]);
        else if (config_keys[i].check == CONFIG_KEY_FILE)
            err |= check_key_file(texts[item]);
        else if (config_keys[i].check == CONFIG_MADE_FILE)
            err |= check_made_file(texts[item]);
    }
    origin_set(NULL);
    return err;
}

int config_check(struct config *config, const bool *overridden)
{
    int err = 0;

    for (unsigned i = 0; config_keys[i].path; i++)
        if (!(overridden && overridden[i]) && check_path(config, i))
            err = EXIT_USER;
    return err;
}
