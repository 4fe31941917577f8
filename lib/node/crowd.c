/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is in a crowd: kinds, keys, ids, identities. */
#include "xord_crowd.h"

#include <stdlib.h>
#include <string.h>

#include "crowd_private.h"
#include "xord_bytes.h"
#include "xord_clock.h"
#include "xord_hkdf.h"
#include "xord_rng.h"

#define STOP_EVERY       1024
#define ECLIPSE_BITS_MAX 14 /* of an id that is looked for, key by key: that many keys take a tenth of a second */
#define ECLIPSE_DENSER   3  /* powers of two by which ids lie closer around the target than elsewhere */

static const char *const kind_names[] = {
#define X(name, text, does) text,
        XORD_CROWD_KINDS_TABLE(X)
#undef X
};

static const char *const kind_texts[] = {
#define X(name, text, does) does,
        XORD_CROWD_KINDS_TABLE(X)
#undef X
};

const char *xord_crowd_kind_name(enum xord_crowd_kind kind)
{
    return kind_names[kind];
}

const char *xord_crowd_kind_does(enum xord_crowd_kind kind)
{
    return kind_texts[kind];
}

/* ---- chance ---- */

uint64_t crowd_roll(const struct xord_crowd *crowd, enum crowd_dice what, uint64_t a, uint64_t b)
{
    const struct xord_hash_key key = {{crowd->cfg.seed, 0x786f72642063726fULL + what}};
    const uint64_t input[2] = {a, b};

    return xord_hash64(&key, input, sizeof(input));
}

double crowd_roll_fraction(const struct xord_crowd *crowd, enum crowd_dice what, uint64_t a, uint64_t b)
{
    return (double)(crowd_roll(crowd, what, a, b) >> 11) * 0x1p-53;
}

static void seed_of(uint8_t seed32[32], const char *label, uint64_t seed)
{
    uint8_t number[8];
    const struct xord_slice parts[] = {{(const uint8_t *)label, strlen(label)}, {number, sizeof(number)}};

    xord_store_be64(number, seed);
    xord_sha256(seed32, parts, 2);
}

/* ---- kinds ---- */

static uint32_t count_of(double share, uint32_t all)
{
    return (uint32_t)(share * all + 0.5);
}

/* Hands the next `cnt` of the shuffled nodes to a kind. */
static uint32_t kind_give(struct xord_crowd *crowd, enum xord_crowd_kind kind, const uint32_t *order, uint32_t cnt)
{
    for (uint32_t n = 0; n < cnt; n++) {
        crowd->kinds[order[n]] = (uint8_t)kind;
        if (kind == XORD_CROWD_SYBIL)
            crowd->sybils[n] = order[n];
        if (kind == XORD_CROWD_ECLIPSE)
            crowd->eclipse[n] = order[n];
    }
    crowd->kind_cnt[kind] = cnt;
    return cnt;
}

static uint32_t kind_max(const struct xord_crowd *crowd, enum xord_crowd_kind kind)
{
    if (kind == XORD_CROWD_SYBIL)
        return crowd->layout.sub_cnt > 0 ? XORD_CROWD_SYBILS_MAX : 0;
    return kind == XORD_CROWD_ECLIPSE ? XORD_CROWD_ECLIPSE_MAX : UINT32_MAX;
}

/* In equal parts; what one kind has no room for goes to those after it, so the kinds that are bounded come first. */
static void hostile_give(struct xord_crowd *crowd, const uint32_t *order, uint32_t cnt)
{
    static const uint8_t in_order[] = {XORD_CROWD_ECLIPSE, XORD_CROWD_SYBIL, XORD_CROWD_DISTANCE, XORD_CROWD_INVALID,
            XORD_CROWD_TOTALS, XORD_CROWD_WHOAREYOU, XORD_CROWD_SLOW};
    uint32_t kinds = (uint32_t)__builtin_popcount(crowd->cfg.hostile), given = 0;

    for (size_t k = 0; k < sizeof(in_order); k++) {
        enum xord_crowd_kind kind = in_order[k];
        uint32_t part;

        if (!(crowd->cfg.hostile & 1U << kind))
            continue;
        part = (cnt - given) / kinds--;
        part = part < kind_max(crowd, kind) ? part : kind_max(crowd, kind);
        given += kind_give(crowd, kind, order + given, part);
    }
}

/* Exactly so many of each kind; who it is follows from the seed. */
static int kinds_choose(struct xord_crowd *crowd)
{
    uint32_t cnt = crowd->cfg.node_cnt, at = 0;
    uint32_t nat = count_of(crowd->cfg.nat, cnt), hostile = count_of(crowd->cfg.malicious, cnt);
    uint32_t *order = malloc(cnt * sizeof(*order));
    uint8_t seed32[32];
    struct xord_rng rng;

    if (!order)
        return XORD_ENOMEM;
    seed_of(seed32, "xord crowd kinds", crowd->cfg.seed);
    xord_rng_init(&rng, seed32);
    for (uint32_t i = 0; i < cnt; i++) {
        uint32_t j = (uint32_t)xord_rng_below(&rng, i + 1);

        order[i] = order[j];
        order[j] = i;
    }
    at += kind_give(crowd, XORD_CROWD_DEAD, order, count_of(crowd->cfg.dead, cnt));
    nat = nat < cnt - at ? nat : cnt - at;
    at += kind_give(crowd, XORD_CROWD_NAT, order + at, nat);
    hostile_give(crowd, order + at, hostile < cnt - at ? hostile : cnt - at);
    free(order);
    crowd->kind_cnt[XORD_CROWD_ALIVE] = cnt;
    for (int kind = XORD_CROWD_ALIVE + 1; kind < XORD_CROWD_KIND_CNT; kind++)
        crowd->kind_cnt[XORD_CROWD_ALIVE] -= crowd->kind_cnt[kind];
    return 0;
}

static void classes_choose(struct xord_crowd *crowd)
{
    double all = 0;

    for (uint32_t c = 0; c < crowd->cfg.class_cnt; c++)
        all += crowd->cfg.classes[c].share;
    for (uint32_t i = 0; i < crowd->cfg.node_cnt; i++) {
        double left = crowd_roll_fraction(crowd, DICE_CLASS, i, 0) * all;
        uint32_t c = 0;

        while (c + 1 < crowd->cfg.class_cnt && left >= crowd->cfg.classes[c].share)
            left -= crowd->cfg.classes[c++].share;
        crowd->classes[i] = (uint8_t)c;
    }
}

/* ---- keys and identities ---- */

static void pubkey33_of(uint8_t pubkey33[33], const struct xord_curve *curve, const struct xord_pubkey *pubkey)
{
    uint8_t xy64[64];

    xord_pubkey_xy(curve, xy64, pubkey);
    pubkey33[0] = (uint8_t)(0x02 | (xy64[63] & 1));
    memcpy(pubkey33 + 1, xy64, 32);
}

static int identity_add(struct xord_crowd *crowd, uint32_t i, const uint8_t seckey32[32],
        const struct xord_pubkey *pubkey)
{
    const struct xord_crowd_config *cfg = &crowd->cfg;
    struct xord_endpoint ep = xord_crowd_endpoint(crowd, i, 0);
    bool dead = crowd->kinds[i] == XORD_CROWD_DEAD, v4 = xord_endpoint_is_v4(&ep);
    struct xord_enr enr;

    memset(&enr, 0, offsetof(struct xord_enr, raw));
    pubkey33_of(enr.pubkey33, cfg->curve, pubkey);
    xord_id_from_pubkey(cfg->curve, enr.id32, pubkey);
    enr.seq = 1;
    return xord_locals_add(crowd->locals, cfg->aes_ops, cfg->aes, seckey32, &enr, !dead && v4 ? &ep : NULL,
            !dead && !v4 ? &ep : NULL);
}

/* A secret for the first of a row of keys. */
static int row_begin(struct xord_key_row *row, uint8_t seckey32[32], const struct xord_crowd *crowd, const char *label)
{
    seed_of(seckey32, label, crowd->cfg.seed);
    seckey32[0] &= 0x7f; /* whatever is added to it, it stays a key */
    return xord_key_row_begin(row, crowd->cfg.curve, seckey32);
}

static unsigned eclipse_bits(uint32_t node_cnt)
{
    unsigned bits = ECLIPSE_DENSER;

    while (node_cnt > 1 && bits < ECLIPSE_BITS_MAX) {
        node_cnt /= 2;
        bits++;
    }
    return bits;
}

/* The next key of the row whose id shares so many bits with the target. */
static int row_seek(struct xord_key_row *row, uint64_t *n, const struct xord_crowd *crowd, unsigned bits)
{
    uint8_t id32[32];

    for (;;) {
        int err = xord_key_row_next(row, crowd->cfg.curve);

        if (err)
            return err;
        ++*n;
        xord_id_from_pubkey(crowd->cfg.curve, id32, &row->key);
        if (xord_log_distance(id32, crowd->target32) <= 256 - bits)
            return 0;
    }
}

struct maker {
    struct xord_key_row row, eclipse_row;
    uint8_t seckey32[32], eclipse_seckey32[32];
    uint64_t eclipse_n;
    unsigned eclipse_bits;
};

static int make_one(struct xord_crowd *crowd, struct maker *maker, uint32_t i)
{
    bool eclipse = crowd->kinds[i] == XORD_CROWD_ECLIPSE;
    uint8_t seckey32[32];
    int err = 0;

    if (i > 0)
        err = xord_key_row_next(&maker->row, crowd->cfg.curve);
    if (!err && eclipse)
        err = row_seek(&maker->eclipse_row, &maker->eclipse_n, crowd, maker->eclipse_bits);
    if (!err && eclipse)
        err = xord_seckey_plus(crowd->cfg.curve, seckey32, maker->eclipse_seckey32, maker->eclipse_n);
    else if (!err)
        err = xord_seckey_plus(crowd->cfg.curve, seckey32, maker->seckey32, i);
    if (!err)
        err = identity_add(crowd, i, seckey32, eclipse ? &maker->eclipse_row.key : &maker->row.key);
    xord_wipe(seckey32, sizeof(seckey32));
    return err;
}

static int make_all(struct xord_crowd *crowd, bool (*stop)(void))
{
    struct maker maker = {.eclipse_bits = eclipse_bits(crowd->cfg.node_cnt)};
    int err = row_begin(&maker.row, maker.seckey32, crowd, "xord crowd keys");

    if (!err)
        err = row_begin(&maker.eclipse_row, maker.eclipse_seckey32, crowd, "xord crowd eclipse keys");
    for (uint32_t i = 0; i < crowd->cfg.node_cnt && !err; i++) {
        err = make_one(crowd, &maker, i);
        if (!err && i % STOP_EVERY == 0 && stop && stop())
            err = XORD_ESTATE;
    }
    xord_wipe(&maker, sizeof(maker));
    return err;
}

/* ---- life cycle ---- */

static int alloc(struct xord_crowd *crowd)
{
    uint32_t cnt = crowd->cfg.node_cnt;
    bool changes = crowd->cfg.stale > 0 || crowd->cfg.churn > 0;

    crowd->locals = xord_locals_new(cnt, &crowd->cfg.hash_key);
    crowd->kinds = calloc(cnt, 1);
    crowd->classes = calloc(cnt, 1);
    crowd->sigs[0] = calloc(cnt, sizeof(struct crowd_sig));
    if (changes)
        crowd->sigs[1] = calloc(cnt, sizeof(struct crowd_sig));
    if (!crowd->locals || !crowd->kinds || !crowd->classes || !crowd->sigs[0] || (changes && !crowd->sigs[1]))
        return XORD_ENOMEM;
    return 0;
}

static int fill(struct xord_crowd *crowd, bool (*stop)(void))
{
    struct xord_crowd_config *cfg = &crowd->cfg;
    int err = alloc(crowd);

    seed_of(crowd->target32, "xord crowd eclipse target", cfg->seed);
    if (!err)
        err = kinds_choose(crowd);
    if (!err)
        classes_choose(crowd);
    if (!err)
        err = make_all(crowd, stop);
    if (!err)
        err = crowd_templates_init(crowd);
    if (err)
        return err;
    crowd->directory =
            xord_directory_new_of_ids(crowd->locals->all[0].id32, sizeof(crowd->locals->all[0]), cfg->node_cnt);
    return crowd->directory ? 0 : XORD_ENOMEM;
}

struct xord_crowd *xord_crowd_new(int *err, const struct xord_crowd_config *config, bool (*stop)(void))
{
    const uint32_t hostile = (1U << XORD_CROWD_KIND_CNT) - (1U << XORD_CROWD_FIRST_HOSTILE);
    struct xord_crowd *crowd = calloc(1, sizeof(*crowd));

    *err = XORD_ENOMEM;
    if (!crowd)
        return NULL;
    crowd->cfg = *config;
    crowd->cfg.hostile = config->hostile & hostile ? config->hostile & hostile : hostile;
    crowd->layout = crowd_layout_of(config->host_bits, config->node_cnt, config->stale > 0 || config->churn > 0);
    if (config->churn > 0)
        crowd->turn_ns = (uint64_t)(60e9 / config->churn);
    *err = fill(crowd, stop);
    crowd->cfg.classes = NULL; /* they have been copied into templates */
    if (*err) {
        xord_crowd_free(crowd);
        return NULL;
    }
    return crowd;
}

void xord_crowd_free(struct xord_crowd *crowd)
{
    if (!crowd)
        return;
    crowd_newcomers_free(crowd);
    xord_directory_free(crowd->directory);
    xord_locals_free(crowd->locals);
    free(crowd->kinds);
    free(crowd->classes);
    free(crowd->sigs[0]);
    free(crowd->sigs[1]);
    free(crowd->templates);
    free(crowd);
}

/* ---- looking on ---- */

const struct xord_locals *xord_crowd_locals(const struct xord_crowd *crowd)
{
    return crowd->locals;
}

uint32_t xord_crowd_cnt(const struct xord_crowd *crowd)
{
    return crowd->cfg.node_cnt;
}

enum xord_crowd_kind xord_crowd_kind(const struct xord_crowd *crowd, uint32_t i)
{
    return (enum xord_crowd_kind)crowd->kinds[i];
}

uint32_t xord_crowd_kind_cnt(const struct xord_crowd *crowd, enum xord_crowd_kind kind)
{
    return crowd->kind_cnt[kind];
}

uint32_t xord_crowd_class(const struct xord_crowd *crowd, uint32_t i)
{
    return crowd->classes[i];
}

const uint8_t *xord_crowd_target(const struct xord_crowd *crowd)
{
    return crowd->target32;
}
