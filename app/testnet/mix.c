/* SPDX-License-Identifier: BSD-3-Clause */
/* What the records of a testnet say: a line for each class of nodes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testnet.h"
#include "xord_enr_keys.h"
#include "xord_rlp.h"
#include "xord_text.h"

#define LINE_MAX_LEN 2048

/* Where we are, for complaints. */
struct place {
    const char *path;
    unsigned line;
};

static int set(struct xord_enr_draft *draft, const struct place *at, const char *key, const uint8_t *value, size_t len,
        bool is_rlp)
{
    const uint8_t *name = (const uint8_t *)key;
    int err = is_rlp ? xord_enr_draft_set_rlp(draft, name, strlen(key), value, len)
                     : xord_enr_draft_set(draft, name, strlen(key), value, len);

    return err ? complain("%s, line %u: %.40s: %s", at->path, at->line, key, xord_strerror(err)) : 0;
}

static int hex_value(uint8_t *out, size_t *len, size_t cap, const struct place *at, const char *key, const char *hex)
{
    if (strncmp(hex, "0x", 2) == 0)
        hex += 2;
    *len = strlen(hex) / 2;
    if (*len > cap || xord_hex_decode(out, *len, hex, strlen(hex)))
        return complain("%s, line %u: %.40s=%.40s is not hex, two digits a byte, at most %zu bytes", at->path, at->line,
                key, hex, cap);
    return 0;
}

/* eth=HASH[:NEXT] as [[hash, next]]. */
static int set_eth(struct xord_enr_draft *draft, const struct place *at, char *value)
{
    uint8_t hash4[4], item[32], inner[24];
    struct xord_wr wr = xord_wr_init(item, sizeof(item)), in = xord_wr_init(inner, sizeof(inner));
    char *next = strchr(value, ':'), *end = NULL;
    unsigned long long block = 0;
    size_t len;

    if (next) {
        *next++ = '\0';
        block = strtoull(next, &end, 10);
        if (end == next || *end)
            return complain("%s, line %u: eth=%.20s:%.40s: the next fork's block is a number", at->path, at->line,
                    value, next);
    }
    if (hex_value(hash4, &len, 4, at, "eth", value))
        return EXIT_USER;
    if (len != 4)
        return complain("%s, line %u: eth=%.40s: a fork's hash has 4 bytes", at->path, at->line, value);
    xord_rlp_put_bytes(&in, hash4, 4);
    xord_rlp_put_uint(&in, block);
    xord_rlp_put_list_header(&wr, xord_rlp_list_size(in.len));
    xord_rlp_put_list_header(&wr, in.len);
    xord_wr_put(&wr, inner, in.len);
    return set(draft, at, "eth", item, wr.len, true);
}

/* client=NAME/VERSION[/BUILD] as a list of texts. */
static int set_client(struct xord_enr_draft *draft, const struct place *at, char *value)
{
    uint8_t item[160], inner[150];
    struct xord_wr wr = xord_wr_init(item, sizeof(item)), in = xord_wr_init(inner, sizeof(inner));
    char *save = NULL;
    int parts = 0;

    for (char *part = strtok_r(value, "/", &save); part; part = strtok_r(NULL, "/", &save), parts++)
        xord_rlp_put_bytes(&in, (const uint8_t *)part, strlen(part));
    if (parts < 2 || parts > 3 || in.err)
        return complain("%s, line %u: client wants NAME/VERSION or NAME/VERSION/BUILD", at->path, at->line);
    xord_rlp_put_list_header(&wr, in.len);
    xord_wr_put(&wr, inner, in.len);
    return set(draft, at, "client", item, wr.len, true);
}

static int set_hex(struct xord_enr_draft *draft, const struct place *at, const char *key, const char *value)
{
    const struct xord_enr_key *known = xord_enr_key_lookup((const uint8_t *)key, strlen(key));
    bool is_rlp = strncmp(value, "rlp:", 4) == 0;
    uint8_t bytes[XORD_ENR_MAX_LEN];
    size_t len;

    if (hex_value(bytes, &len, sizeof(bytes), at, key, value + (is_rlp ? 4 : 0)))
        return EXIT_USER;
    if (known && known->size && len != known->size && !is_rlp)
        return complain("%s, line %u: %s holds %u bytes, not %zu", at->path, at->line, key, known->size, len);
    return set(draft, at, key, bytes, len, is_rlp);
}

static bool is_ours(const char *key)
{
    static const char *const ours[] = {"id", "secp256k1", "ip", "ip6", "udp", "udp6"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strcmp(key, ours[i]) == 0)
            return true;
    return false;
}

static int set_pair(struct xord_crowd_class *class, const struct place *at, char *pair)
{
    static const uint8_t no_nets8[8];
    char *value = strchr(pair, '=');

    if (!value || value == pair)
        return complain("%s, line %u: \"%.40s\" is not key=value", at->path, at->line, pair);
    *value++ = '\0';
    if (is_ours(pair))
        return complain("%s, line %u: each node has a %s of its own", at->path, at->line, pair);
    if (strcmp(pair, "eth") == 0 && strncmp(value, "rlp:", 4) != 0)
        return set_eth(&class->draft, at, value);
    if (strcmp(pair, "client") == 0 && strncmp(value, "rlp:", 4) != 0)
        return set_client(&class->draft, at, value);
    class->random_attnets |= strcmp(pair, "attnets") == 0 && strcmp(value, "random") == 0;
    if (strcmp(pair, "attnets") == 0 && strcmp(value, "random") == 0)
        return set(&class->draft, at, pair, no_nets8, sizeof(no_nets8), false);
    return set_hex(&class->draft, at, pair, value);
}

static int class_parse(struct xord_crowd_class *class, const struct place *at, char *text)
{
    char *save = NULL, *end, *word = strtok_r(text, " \t\r", &save);

    memset(class, 0, sizeof(*class));
    xord_enr_draft_init(&class->draft, 1);
    class->share = strtod(word, &end);
    if (end == word || *end || !(class->share > 0 && class->share < 1e9))
        return complain("%s, line %u: a line begins with a share above 0, not with \"%.40s\"", at->path, at->line,
                word);
    while ((word = strtok_r(NULL, " \t\r", &save)) != NULL)
        if (set_pair(class, at, word))
            return EXIT_USER;
    return 0;
}

static int lines_read(struct testnet_args *args, FILE *file, const char *path)
{
    struct place at = {.path = path};
    char text[LINE_MAX_LEN];

    while (fgets(text, sizeof(text), file)) {
        at.line++;
        text[strcspn(text, "#\n")] = '\0';
        if (text[strspn(text, " \t\r")] == '\0')
            continue;
        if (args->class_cnt == XORD_CROWD_CLASSES)
            return complain("%s has more than %d lines", path, XORD_CROWD_CLASSES);
        if (class_parse(&args->classes[args->class_cnt], &at, text))
            return EXIT_USER;
        args->class_cnt++;
    }
    if (ferror(file))
        return complain("cannot read %s: %s", path, strerror(errno));
    return args->class_cnt > 0 ? 0 : complain("%s says nothing: a line is a share and key=value", path);
}

int mix_read(struct testnet_args *args, const char *path)
{
    FILE *file = fopen(path, "re");
    int err;

    if (!file)
        return complain("cannot read %s: %s", path, strerror(errno));
    free(args->classes);
    args->class_cnt = 0;
    args->classes = calloc(XORD_CROWD_CLASSES, sizeof(*args->classes));
    err = args->classes ? lines_read(args, file, path) : complain("out of memory");
    fclose(file);
    return err;
}
