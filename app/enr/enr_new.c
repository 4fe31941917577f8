/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord enr new`: makes and signs a record. */
#include <stdlib.h>
#include <string.h>

#include "enr.h"
#include "xord_enr_keys.h"
#include "xord_bytes.h"
#include "xord_text.h"

struct new_args {
    const char *key_path;
    struct xord_enr_draft draft; /* grows as the options are read */
};

enum { OPT_KEY = 0x100, OPT_SEQ, OPT_IP, OPT_UDP, OPT_TCP, OPT_UDP6, OPT_TCP6, OPT_SET };

static const struct argp_option option_table[] = {
        {"key", OPT_KEY, "FILE", 0, "Sign with this secret key (see `xord key`)", 1},
        {"seq", OPT_SEQ, "N", 0, "Sequence number, default 1; raise it with each change", 1},
        {"ip", OPT_IP, "ADDR", 0, "IPv4 or IPv6 address; once for each family", 2},
        {"udp", OPT_UDP, "PORT", 0, "UDP port (of IPv6 too, unless --udp6 is given)", 2},
        {"tcp", OPT_TCP, "PORT", 0, "TCP port", 2},
        {"udp6", OPT_UDP6, "PORT", 0, "UDP port of the IPv6 address, if another one", 2},
        {"tcp6", OPT_TCP6, "PORT", 0, "TCP port of the IPv6 address", 2},
        {"set", OPT_SET, "KEY=HEX", 0, "Any other key, its value as bytes; KEY=rlp:HEX for an RLP item, as lists are",
                3},
        {0},
};

/* ---- options ---- */

/* A pair that was there already leaves the count as it is. */
static int check_new(const struct new_args *args, unsigned cnt_before, int err, const char *option, const char *what)
{
    if (err == XORD_ENOSPC)
        return complain("--%s %.60s: the record would be larger than the %d bytes that a record may have", option, what,
                XORD_ENR_MAX_LEN);
    if (err)
        return complain("--%s %.60s: %s", option, what, xord_strerror(err));
    if (args->draft.pair_cnt == cnt_before)
        return complain("--%s %.60s: that is given twice", option, what);
    return 0;
}

static int set_ip(struct new_args *args, const char *text)
{
    unsigned before = args->draft.pair_cnt;
    struct xord_endpoint ep = {0};
    enum xord_ip_scope scope;

    if (xord_ip_parse(ep.ip16, text))
        return complain("--ip %.60s is no IP address", text);
    scope = xord_ip_scope(ep.ip16);
    if (scope == XORD_IP_UNSPECIFIED || scope == XORD_IP_MULTICAST)
        return complain("--ip %s is no address of a single machine", text);
    return check_new(args, before, xord_enr_draft_set_endpoint(&args->draft, &ep), "ip", text);
}

static int set_port(struct new_args *args, const char *key, const char *text)
{
    unsigned before = args->draft.pair_cnt;
    uint64_t port;

    if (number_parse(&port, text, key, 1, UINT16_MAX))
        return EXIT_USER;
    return check_new(args, before, xord_enr_draft_set_uint(&args->draft, key, port), key, text);
}

/* Keys that have a better way. */
static int check_key(const char *name)
{
    static const char *const own_option[] = {"ip", "ip6", "udp", "udp6", "tcp", "tcp6"};

    if (!*name)
        return complain("--set wants KEY=HEX, and there is no key before the =");
    if (strcmp(name, "id") == 0 || strcmp(name, "secp256k1") == 0)
        return complain("--set %s: signing sets that key", name);
    for (size_t i = 0; i < sizeof(own_option) / sizeof(own_option[0]); i++)
        if (strcmp(name, own_option[i]) == 0)
            return complain("--set %s: use --%.3s", name, strcmp(name, "ip6") == 0 ? "ip" : name);
    return 0;
}

/* A number's hex digits could be meant as decimal ones. */
static int check_hex_is_meant(const struct xord_enr_key *known, const char *hex)
{
    if (!known || (known->kind != XORD_KIND_UINT && known->kind != XORD_KIND_PORT) || strncmp(hex, "0x", 2) == 0)
        return 0;
    return complain("--set %s is a number: write it in hex and with 0x, as %s=0x2328 for 9000", known->name,
            known->name);
}

static int set_bytes(struct new_args *args, const char *name, const char *hex, bool is_rlp)
{
    size_t skip = strncmp(hex, "0x", 2) == 0 ? 2 : 0, len = strlen(hex + skip) / 2;
    unsigned before = args->draft.pair_cnt;
    const uint8_t *key = (const uint8_t *)name;
    uint8_t value[XORD_ENR_MAX_LEN];
    int err;

    if (len > sizeof(value))
        return check_new(args, before, XORD_ENOSPC, "set", name);
    if (xord_hex_decode(value, len, hex + skip, strlen(hex + skip)))
        return complain("--set %.60s: \"%.40s\" is not hex, two digits a byte", name, hex);
    if (is_rlp)
        err = xord_enr_draft_set_rlp(&args->draft, key, strlen(name), value, len);
    else
        err = xord_enr_draft_set(&args->draft, key, strlen(name), value, len);
    if (is_rlp && err && err != XORD_ENOSPC)
        return complain("--set %.60s: that is not one RLP item: %s", name, xord_strerror(err));
    return check_new(args, before, err, "set", name);
}

/* "key=hex" or "key=rlp:hex". */
static int set_pair(struct new_args *args, char *text)
{
    char *equals = strchr(text, '='), *hex;
    const struct xord_enr_key *known;
    bool is_rlp;

    if (!equals)
        return complain("--set %.60s: that wants KEY=HEX", text);
    *equals = '\0';
    hex = equals + 1;
    is_rlp = strncmp(hex, "rlp:", 4) == 0;
    known = xord_enr_key_lookup((const uint8_t *)text, strlen(text));
    if (check_key(text) || (!is_rlp && check_hex_is_meant(known, hex)))
        return EXIT_USER;
    return set_bytes(args, text, hex + (is_rlp ? 4 : 0), is_rlp);
}

static int apply_option(struct new_args *args, int key, char *arg)
{
    switch (key) {
    case OPT_KEY:
        args->key_path = arg;
        return 0;
    case OPT_SEQ:
        return number_parse(&args->draft.seq, arg, "seq", 0, UINT64_MAX);
    case OPT_IP:
        return set_ip(args, arg);
    case OPT_UDP:
        return set_port(args, "udp", arg);
    case OPT_TCP:
        return set_port(args, "tcp", arg);
    case OPT_UDP6:
        return set_port(args, "udp6", arg);
    case OPT_TCP6:
        return set_port(args, "tcp6", arg);
    default:
        return set_pair(args, arg);
    }
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    switch (key) {
    case OPT_KEY ... OPT_SET:
        if (apply_option(state->input, key, arg))
            exit(EXIT_USER);
        return 0;
    case ARGP_KEY_ARG:
        exit(complain("what is \"%.60s\"? `xord enr new` takes options only, as --key FILE", arg));
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp new_argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Makes a node record, signs it and prints its text.\v"
               "The same options give the same record. A record has room for 300 bytes.\n"
               "Example: xord enr new --key node.key --ip 203.0.113.5 --udp 9000 --set nfd=ad532ceb",
};

/* ---- the record ---- */

static bool holds_list(const struct xord_enr_key *key)
{
    return key->kind == XORD_KIND_ETH || key->kind == XORD_KIND_CLIENT || key->kind == XORD_KIND_LIST;
}

/* A known key whose value others could not read helps nobody. */
static int check_values(const struct xord_enr *enr)
{
    char text[XORD_ENR_VALUE_TEXT_LEN];
    struct xord_enr_pair pair;
    size_t pos = 0;

    while (xord_enr_next_pair(enr, &pos, &pair)) {
        const struct xord_enr_key *key = xord_enr_key_lookup(pair.key, pair.key_len);

        if (!key || xord_enr_value_format(text, sizeof(text), &pair) == 0)
            continue;
        if (holds_list(key) && !pair.is_list)
            return complain("--set %s: that key holds a list; give it as %s=rlp:HEX", key->name, key->name);
        if (key->size && pair.value_len != key->size)
            return complain("--set %s: that key holds %u bytes, not %u", key->name, key->size, pair.value_len);
        return complain("--set %s: the value has not the form of that key", key->name);
    }
    return 0;
}

static int record_make(const struct new_args *args, const struct xord_curve *curve)
{
    char text[XORD_ENR_MAX_TEXT_LEN + 1];
    uint8_t seckey32[32];
    struct xord_enr enr;
    int err = key_read(seckey32, args->key_path);

    if (err)
        return err;
    err = xord_enr_sign(&enr, &args->draft, curve, seckey32);
    xord_wipe(seckey32, sizeof(seckey32));
    if (err == XORD_ESIZE)
        return complain("the record would be larger than the %d bytes that a record may have", XORD_ENR_MAX_LEN);
    if (err)
        return complain("cannot make the record: %s", xord_strerror(err));
    if (check_values(&enr))
        return EXIT_USER;
    puts(xord_enr_to_text(text, &enr));
    return EXIT_OK;
}

int enr_new_main(int argc, char **argv)
{
    struct new_args args;
    struct xord_curve *curve;
    int err;

    memset(&args, 0, sizeof(args));
    xord_enr_draft_init(&args.draft, 1);
    err = parse_args(&new_argp, argc, argv, &args);
    if (!err && !args.key_path)
        err = complain("a record needs --key FILE to sign it; `xord key new FILE` makes one");
    if (err)
        return err;
    curve = curve_open();
    err = curve ? record_make(&args, curve) : EXIT_USER;
    xord_curve_close(curve);
    return err;
}
