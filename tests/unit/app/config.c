/* SPDX-License-Identifier: BSD-3-Clause */
/* The configuration of a bootnode: its table of keys agrees with the options, with the default file and with the built-in
 * defaults; what is read is what is written; what is wrong is told and ends nothing. */
#include "bootnode.h"
#include "test_util.h"

static struct config *parse_with(const char *text, const struct config_key *keys)
{
    return config_parse("test.yaml", (const uint8_t *)text, strlen(text), keys);
}

static struct config *parse(const char *text)
{
    return parse_with(text, config_keys);
}

static void settings_init(struct bootnode_settings *settings)
{
    int argc = 0;

    cr_assert(bootnode_settings_init(settings, &argc, NULL) == 0);
}

static char *default_file(void)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    config_print_default(out, config_keys);
    fclose(out);
    return text;
}

/* The complaint of the next thing that complains. */
static char said[COMPLAINT_LEN];

static void listen(void)
{
    said[0] = '\0';
    complaint_keep(said);
}

#define assert_said(words) cr_assert(strstr(said, words), "said \"%s\", not \"%s\"", said, words)

/* ---- the table ---- */

static bool names(const char *words, const char *name)
{
    char padded[200], word[100];

    snprintf(padded, sizeof(padded), " %s ", words ? words : "");
    snprintf(word, sizeof(word), " %s ", name);
    return strstr(padded, word) != NULL;
}

static void check_is_covered(void *ctx, const char *option)
{
    (void)ctx;
    for (const struct config_key *key = config_keys; key->path; key++)
        if ((key->option && strcmp(key->option, option) == 0) || names(key->also, option))
            return;
    cr_assert(strcmp(option, "config") == 0, "no key of the configuration covers --%s: add a row to config_keys",
            option);
}

Test(config, every_option_has_a_key)
{
    options_each(&bootnode_argp, check_is_covered, NULL);
}

static void check_is_option(void *ctx, const char *option)
{
    const char **wanted = ctx;

    if (*wanted && strcmp(*wanted, option) == 0)
        *wanted = NULL;
}

Test(config, every_key_has_an_option_or_a_hand_of_its_own)
{
    for (const struct config_key *key = config_keys; key->path; key++) {
        const char *wanted = key->option;

        cr_assert(key->option || key->apply, "%s does nothing", key->path);
        options_each(&bootnode_argp, check_is_option, &wanted);
        cr_assert(!wanted, "%s: there is no option --%s", key->path, wanted);
        cr_assert(key->doc && *key->doc && (key->preset || key->example), "%s is not explained", key->path);
        cr_assert(!(key->preset && key->example), "%s has a default and an example", key->path);
    }
    cr_assert(config_key_cnt(config_keys) < CONFIG_KEYS_MAX);
}

Test(config, groups_stand_together)
{
    for (const struct config_key *key = config_keys; key->path; key++) {
        size_t len = strcspn(key->path, ".");

        for (const struct config_key *later = key + 1; key->path[len] && later->path; later++)
            if (strncmp(later->path, key->path, len + 1) == 0)
                cr_assert(strncmp((later - 1)->path, key->path, len + 1) == 0, "%s stands apart", later->path);
    }
}

/* ---- the default file ---- */

Test(config, default_file_says_the_presets)
{
    char *text = default_file();
    struct config *config = parse(text);

    cr_assert(config && config_errors(config) == 0);
    for (unsigned i = 0; config_keys[i].path; i++) {
        unsigned cnt;
        char **texts = config_texts(config, i, &cnt);

        cr_assert(cnt == (config_keys[i].preset != NULL), "%s", config_keys[i].path);
        cr_assert(cnt == 0 || strcmp(texts[0], config_keys[i].preset) == 0, "%s", config_keys[i].path);
        cr_assert((config_line(config, i) > 0) == (cnt > 0), "%s", config_keys[i].path);
    }
    config_free(config);
    free(text);
    TEST_NO_LEAK();
}

/* Takes the '#' from lines that are keys, not words: "#key: ...". */
static void uncomment(char *text)
{
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        line += strspn(line, " ");
        if (*line == '#' && line[1] >= 'a' && line[1] <= 'z')
            memmove(line, line + 1, strlen(line));
    }
}

Test(config, default_file_shows_every_key)
{
    char *text = default_file();
    struct config *config;

    uncomment(text);
    config = parse(text);
    cr_assert(config && config_errors(config) == 0);
    for (unsigned i = 0; config_keys[i].path; i++)
        cr_assert(config_line(config, i) > 0, "%s is not in the default file", config_keys[i].path);
    config_free(config);
    free(text);
}

/* 0 stands for the built-in time. */
static uint64_t or (uint64_t ns, uint64_t builtin_ms)
{
    return ns ? ns : builtin_ms * XORD_NS_PER_MS;
}

static void assert_same_settings(struct bootnode_settings *a, struct bootnode_settings *b)
{
    cr_assert(node_options_check(&a->node) == 0 && node_options_check(&b->node) == 0);
    cr_assert(strcmp(a->node.port.spec, b->node.port.spec) == 0);
    cr_assert(a->node.port.udp_port == b->node.port.udp_port && a->node.port.worker_cnt == b->node.port.worker_cnt);
    cr_assert(a->node.port.addr_cnt == b->node.port.addr_cnt && a->node.idle == b->node.idle);
    cr_assert(or (a->node.request_timeout_ns, 500) == or (b->node.request_timeout_ns, 500));
    cr_assert(or (a->node.handshake_timeout_ns, 1000) == or (b->node.handshake_timeout_ns, 1000));
    cr_assert(a->node.json == b->node.json && a->node.bootnodes.cnt == b->node.bootnodes.cnt);
    cr_assert(memcmp(&a->limits, &b->limits, sizeof(a->limits)) == 0);
    cr_assert(a->log_level == b->log_level && a->ban_cnt == b->ban_cnt);
    cr_assert(!a->state_path && !b->state_path && !a->node.key_path && !b->node.key_path);
}

Test(config, default_file_is_the_built_in_defaults)
{
    struct bootnode_settings built_in, settings;
    char *text = default_file();

    settings_init(&built_in);
    settings_init(&settings);
    settings.config = parse(text);
    cr_assert(settings.config && config_apply(settings.config, &settings, NULL) == 0);
    assert_same_settings(&built_in, &settings);
    bootnode_settings_free(&built_in);
    bootnode_settings_free(&settings);
    free(text);
    TEST_NO_LEAK();
}

/* ---- settings ---- */

Test(config, values_go_where_options_go)
{
    struct bootnode_settings settings;

    settings_init(&settings);
    settings.config = parse("ip: [127.0.0.1/8, '::1']\nudp: 9001\nlimits: {address: 500, prefix: off}\njson: yes\n"
                            "log: debug\nbans: [192.0.2.0/24 12h, 2001:db8::/32]\neal: [-l, 3]\nstate: /tmp/x\n"
                            "network: sepolia\nrequest-timeout: 700\n");
    cr_assert(settings.config && config_apply(settings.config, &settings, NULL) == 0);
    cr_assert(settings.node.port.addr_cnt == 2 && settings.node.port.addrs[0].prefix_len == 8);
    cr_assert(settings.node.port.udp_port == 9001 && settings.node.json && settings.log_level == XORD_LOG_DEBUG);
    cr_assert(settings.limits.address.rate == 500 && settings.limits.address.burst == 1000);
    cr_assert(settings.limits.prefix.rate == 0);
    cr_assert(settings.ban_cnt == 2 && settings.bans[0].for_ns == 12 * 3600 * XORD_NS_PER_S);
    cr_assert(settings.bans[1].for_ns == XORD_BAN_FOREVER);
    cr_assert(settings.node.port.eal_arg_cnt == 2 && strcmp(settings.node.port.eal_args[1], "3") == 0);
    cr_assert(strcmp(settings.state_path, "/tmp/x") == 0 && settings.node.bootnodes.cnt > 0);
    cr_assert(settings.node.request_timeout_ns == 700 * XORD_NS_PER_MS);
    bootnode_settings_free(&settings);
    TEST_NO_LEAK();
}

Test(config, what_the_command_line_says_is_only_checked)
{
    bool overridden[CONFIG_KEYS_MAX] = {false};
    struct bootnode_settings settings;

    settings_init(&settings);
    overridden[config_find(config_keys, "udp")] = overridden[config_find(config_keys, "bans")] = true;
    settings.config = parse("udp: 9001\nworkers: 3\nbans: [192.0.2.1]\n");
    cr_assert(settings.config && config_apply(settings.config, &settings, overridden) == 0);
    cr_assert(settings.node.port.udp_port == 9000 && settings.node.port.worker_cnt == 3 && settings.ban_cnt == 0);
    bootnode_settings_free(&settings);

    settings_init(&settings);
    settings.config = parse("udp: x\n");
    listen();
    cr_assert(config_apply(settings.config, &settings, overridden) != 0);
    assert_said("test.yaml, line 1, key udp: wants a number from 0 to 65535, not \"x\"");
    bootnode_settings_free(&settings);
    TEST_NO_LEAK();
}

/* No value may end the process: a node that runs reads its file again. */
Test(config, no_value_ends_the_process)
{
    static const char *const bad[] = {"\"\"", "\"%s%n\"", "-1", "99999999999999999999", "\"::::\"", "[\"\", x]",
            "\"\\e[1m\""};

    for (unsigned i = 0; config_keys[i].path; i++)
        for (unsigned j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            const char *path = config_keys[i].path, *dot = strchr(path, '.');
            struct bootnode_settings settings;
            char text[200];

            settings_init(&settings);
            snprintf(text, sizeof(text), dot ? "%.*s: {%s: %s}\n" : "%.*s%s: %s\n", dot ? (int)(dot - path) : 0, path,
                    dot ? dot + 1 : path, bad[j]);
            settings.config = parse(text);
            cr_assert(settings.config, "%s", text);
            (void)config_apply(settings.config, &settings, NULL);
            bootnode_settings_free(&settings);
        }
    TEST_NO_LEAK();
}

/* ---- reading ---- */

Test(config, wrong_forms_are_told_by_line_and_key)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
            {"upd: 3", "test.yaml, line 1, key upd: there is no such key; did you mean udp?"},
            {"\n\nlimits:\n  adress: 3",
                    "test.yaml, line 4, key limits.adress: there is no such key; did you mean limits.address?"},
            {"limit_address: 3", "did you mean limits.address?"},
            {"adress: 3", "did you mean limits.address?"},
            {"limit: {address: 3}", "did you mean limits?"},
            {"limits.address: 3", "is written as \"address\", on a line below \"limits:\""},
            {"xyzxyzxyz: 3", "`xord config default` shows all"},
            {"udp: 3\nip: ::1\nudp: 4", "line 3, key udp: is given twice, first in line 1"},
            {"limits: {address: 3}\nlimits: {address: 4}", "line 2, key limits: is given twice, first in line 1"},
            {"udp: [3]", "line 1, key udp: wants one value, not a list"},
            {"udp: {a: 3}", "wants one value, not a mapping"},
            {"ip: {a: 3}", "line 1, key ip: wants a list, not a mapping"},
            {"ip:\n- ::1\n- [a]", "line 3, key ip: wants a list of plain values, not a list"},
            {"limits: 5", "line 1, key limits: wants keys of its own below it, not one value"},
            {"udp:", "line 1, key udp: has no value"},
            {"udp: \"9\\0\"", "zero byte"},
            {"[a]: 3", "line 1: a key is a plain word, not a list"},
            {"- udp", "line 1: the file consists of lines \"KEY: VALUE\", this is a list"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *config;

        listen();
        config = parse(rows[i].text);
        cr_assert(config && config_errors(config) == 1, "%s", rows[i].text);
        assert_said(rows[i].said);
        config_free(config);
    }
    TEST_NO_LEAK();
}

Test(config, what_is_no_yaml_is_told_by_line)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
            {"udp: 3\na: b: c", "test.yaml, line 2: this is no valid YAML: mapping values are not allowed"},
            {"udp: \"3\n\n\n", "test.yaml, line 1: this is no valid YAML: while scanning a quoted scalar"},
            {"limits:\n\taddress: 3", "test.yaml, line 2: this is no valid YAML: while scanning for the next token"},
            {"limits:\n\taddress: 3", "; indent by spaces, not by tabs"},
            {"udp: 9\nip: [::1]", "line 2: this is no valid YAML: while parsing a flow node"},
            {"ip: [::1]", "; put \"quotes\" around such a value"},
            {"ip: @a", "; put \"quotes\" around such a value"},
            {"udp: 3\n--- \nudp: 4", "test.yaml, line 2: a second document begins here"},
            {"udp: 3\n\xff", "test.yaml, line 2: this is no text in UTF-8"},
            {"udp: *a", "test.yaml, line 1: this is no valid YAML: found undefined alias"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        listen();
        cr_assert(!parse(rows[i].text), "%s", rows[i].text);
        assert_said(rows[i].said);
    }
    TEST_NO_LEAK();
}

Test(config, what_is_wrong_does_not_hide_the_rest)
{
    struct bootnode_settings settings;
    unsigned before = complaints();

    settings_init(&settings);
    settings.config = parse(
            "udp: [1]\nworkers: 1000\nip: ['::1', x]\nlimits: {prefix: 3, address: 500}\nlog: info\nlog: debug\n");
    cr_assert(settings.config && config_errors(settings.config) == 2);
    cr_assert(config_apply(settings.config, &settings, NULL) != 0);
    cr_assert(complaints() - before == 5, "%u", complaints() - before);
    cr_assert(settings.limits.address.rate == 500);
    bootnode_settings_free(&settings);
    TEST_NO_LEAK();
}

Test(config, complaints_have_an_end)
{
    unsigned before = complaints();
    struct bootnode_settings settings;
    char text[4000] = "";

    for (unsigned i = 0; i < 200; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "nosuch%u: 3\n", i);
    strcat(text, "udp: x\n");
    settings_init(&settings);
    settings.config = parse(text);
    cr_assert(settings.config && config_apply(settings.config, &settings, NULL) != 0);
    cr_assert(complaints() - before == CONFIG_ERRORS_MAX + 1);
    bootnode_settings_free(&settings);
}

Test(config, comments_only_are_all_defaults)
{
    static const char *const texts[] = {"", "# nothing\n", "---\n", "limits:\n  # none\n", "limits: {}\n", "{}\n"};

    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config *config = parse(texts[i]);
        unsigned cnt;

        cr_assert(config && config_errors(config) == 0, "%s", texts[i]);
        for (unsigned key = 0; config_keys[key].path; key++)
            cr_assert(!config_texts(config, key, &cnt) && cnt == 0);
        config_free(config);
    }
    TEST_NO_LEAK();
}

Test(config, a_preset_said_is_as_good_as_none)
{
    unsigned udp = config_find(config_keys, "udp"), ip = config_find(config_keys, "ip");
    struct config *a = parse(""), *b = parse("udp: 9000\nip: ['::1', 127.0.0.1]"), *c = parse("udp: 9001\nip: ['::1']");

    cr_assert(config_equal(a, b, udp) && config_equal(b, a, udp) && !config_equal(a, c, udp));
    cr_assert(!config_equal(a, b, ip) && !config_equal(b, c, ip) && config_equal(b, b, ip));
    config_free(a);
    config_free(b);
    config_free(c);
}

/* ---- entries ---- */

static const struct config_key entry_keys[] = {
        {.path = "before", .option = "x"},
        {.path = "identities", .option = "identity", .kind = CONFIG_ENTRIES, .fields = {"key", "ip", "udp"}},
        {.path = "group.identities", .option = "identity", .kind = CONFIG_ENTRIES, .fields = {"key", "ip", "udp"}},
        {0},
};

Test(config, entries_are_texts_of_fields)
{
    struct config *config = parse_with("identities:\n- key: a.key\n  udp: 9001\n- {ip: '::1', key: b.key}\n"
                                       "group: {identities: [{udp: 1}]}\n",
            entry_keys);
    unsigned cnt;
    char **texts;

    cr_assert(config && config_errors(config) == 0);
    texts = config_texts(config, 1, &cnt);
    cr_assert(cnt == 2 && strcmp(texts[0], "key=a.key,udp=9001") == 0 && strcmp(texts[1], "key=b.key,ip=::1") == 0);
    cr_assert(config_item_line(config, 1, 0) == 2 && config_item_line(config, 1, 1) == 4);
    texts = config_texts(config, 2, &cnt);
    cr_assert(cnt == 1 && strcmp(texts[0], "udp=1") == 0);
    config_free(config);
    TEST_NO_LEAK();
}

Test(config, wrong_entries_are_told)
{
    static const struct {
        const char *text, *said;
    } rows[] = {
            {"identities: a", "key identities: wants a list, not one value"},
            {"identities: [a]", "key identities: each entry has keys of its own (key, ip, udp) and is not one value"},
            {"identities: [{kex: a}]", "key identities.kex: there is no such key; an entry has key, ip, udp"},
            {"identities: [{key: a, key: b}]", "key identities.key: is given twice"},
            {"identities: [{key: [a]}]", "key identities.key: wants one value, not a list"},
            {"identities: [{key: \"a,b\"}]", "key identities.key: has a comma in its value"},
            {"identities: [{[a]: b}]", "key identities: wants a plain word as key, not a list"},
            {"before: &x [*x]", "key before: wants one value"},
            {"identities: &x [*x]", "key identities: each entry"},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *config;

        listen();
        config = parse_with(rows[i].text, entry_keys);
        cr_assert(config && config_errors(config) == 1, "%s", rows[i].text);
        assert_said(rows[i].said);
        config_free(config);
    }
    TEST_NO_LEAK();
}

static const char *nothing(void *ctx, unsigned key)
{
    (void)ctx;
    (void)key;
    return NULL;
}

Test(config, what_is_printed_says_the_same)
{
    struct config
            *config = parse_with(
                    "before: 'a: \"b\" #c'\nidentities: [{key: a, udp: '~'}, {ip: '::1'}]\ngroup: {identities: []}\n",
                    entry_keys),
            *again;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);

    cr_assert(config_print(out, config, nothing, NULL) == 0);
    fclose(out);
    again = parse_with(text, entry_keys);
    cr_assert(again && config_errors(again) == 0);
    for (unsigned i = 0; entry_keys[i].path; i++)
        cr_assert(config_equal(config, again, i), "%s in\n%s", entry_keys[i].path, text);
    config_free(config);
    config_free(again);
    free(text);
    TEST_NO_LEAK();
}

/* ---- the command line ---- */

/* As main() gets it; words are separated by blanks. */
static int scan(bool overridden[CONFIG_KEYS_MAX], const char **path, char *line)
{
    char *argv[20] = {NULL};
    int argc = 0;

    for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_scan(overridden, path, argc, argv, &bootnode_argp, config_keys);
}

Test(config, options_on_the_command_line_are_found)
{
    char line[] = "bootnode --limit-addr 5 -v --ip=::1 --config x.yaml --nosuch";
    bool overridden[CONFIG_KEYS_MAX] = {false};
    const char *path;

    cr_assert(scan(overridden, &path, line) == 0);
    cr_assert(path && strcmp(path, "x.yaml") == 0);
    for (unsigned i = 0; config_keys[i].path; i++)
        cr_assert(overridden[i] == names("limits.address log ip", config_keys[i].path), "%s", config_keys[i].path);
}

Test(config, two_files_are_one_too_many)
{
    char line[] = "bootnode --config=a --config b";
    bool overridden[CONFIG_KEYS_MAX] = {false};
    const char *path;

    cr_assert(scan(overridden, &path, line) != 0);
}
