/* SPDX-License-Identifier: BSD-3-Clause */
/* `xord key new FILE`, `xord key show FILE`: secret keys, and what the world sees of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "commands.h"
#include "xord_bytes.h"
#include "xord_text.h"

struct key_args {
    const char *verb, *path;
    bool json;
};

enum { OPT_JSON = 0x100 };

static const struct argp_option option_table[] = {
        {"json", OPT_JSON, NULL, 0, "Print one JSON object, for machines", 0},
        {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct key_args *args = state->input;

    switch (key) {
    case OPT_JSON:
        args->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            exit(complain("one key file at a time: what is \"%.80s\"?", arg));
        *(state->arg_num == 0 ? &args->verb : &args->path) = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp key_argp = {
        .options = option_table,
        .parser = parse_option,
        .args_doc = "new FILE\nshow FILE",
        .doc = "Makes a secret key, or shows which node a secret key makes: its node id and its public key "
               "(secp256k1, compressed).\v"
               "A key file holds 64 hex digits, the form that geth's node keys have. `new` gives it mode 0600 and "
               "never overwrites a file; a key file that others than its owner may open is refused. The secret itself "
               "is never printed.\n"
               "Example: xord key new node.key",
};

static int print_public(const struct key_args *args, const struct xord_curve *curve, const uint8_t seckey32[32])
{
    uint8_t pubkey33[XORD_PUBKEY_LEN], id32[XORD_ID_LEN];
    char pubkey[2 * XORD_PUBKEY_LEN + 1], id[2 * XORD_ID_LEN + 1];
    int err = xord_pubkey_from_seckey(curve, pubkey33, seckey32);

    if (!err)
        err = xord_id_from_pubkey33(curve, id32, pubkey33);
    if (err)
        return complain("%s: %s", args->path, xord_strerror(err));
    xord_hex_encode(pubkey, pubkey33, sizeof(pubkey33));
    xord_hex_encode(id, id32, sizeof(id32));
    printf(args->json ? "{\"node_id\":\"%s\",\"public_key\":\"%s\"}\n" : "node id     %s\npublic key  %s\n", id,
            pubkey);
    return EXIT_OK;
}

static int key_new(const struct key_args *args, const struct xord_curve *curve)
{
    uint8_t seckey32[32];
    int err;

    key_random(seckey32, curve);
    err = key_write(args->path, seckey32);
    if (!err)
        err = print_public(args, curve, seckey32);
    xord_wipe(seckey32, sizeof(seckey32));
    return err;
}

static int key_show(const struct key_args *args, const struct xord_curve *curve)
{
    uint8_t seckey32[32];
    int err = key_read(seckey32, args->path);

    if (!err)
        err = print_public(args, curve, seckey32);
    xord_wipe(seckey32, sizeof(seckey32));
    return err;
}

int key_main(int argc, char **argv)
{
    struct key_args args = {0};
    struct xord_curve *curve;
    int err = parse_args(&key_argp, argc, argv, &args);
    bool make;

    if (err)
        return err;
    if (!args.verb)
        return complain("say `xord key new FILE` or `xord key show FILE`");
    make = strcmp(args.verb, "new") == 0;
    if (!make && strcmp(args.verb, "show") != 0)
        return complain("there is no `xord key %.80s`: say `xord key new FILE` or `xord key show FILE`", args.verb);
    if (!args.path)
        return complain("name the file: xord key %s FILE", args.verb);
    curve = curve_open();
    if (!curve)
        return EXIT_USER;
    err = make ? key_new(&args, curve) : key_show(&args, curve);
    xord_curve_close(curve);
    return err;
}
