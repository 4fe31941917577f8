/* SPDX-License-Identifier: BSD-3-Clause */
/* What a bootnode remembers: saved every minute and at the end, recalled at the start. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bootnode.h"

#define SAVE_NS (60 * XORD_NS_PER_S)

/* ---- saving ---- */

struct gathering {
    struct xord_state state;
    uint64_t now_ns, wall_s; /* the same moment */
    int err;
};

/* 0 stays 0: never. */
static uint64_t wall_of(const struct gathering *gathering, uint64_t ns)
{
    return ns ? gathering->wall_s - (gathering->now_ns - ns) / XORD_NS_PER_S : 0;
}

static void gather(void *ctx, uint16_t shard, const struct xord_listed *listed)
{
    struct gathering *gathering = ctx;

    (void)shard;
    for (uint32_t i = 0; i < listed->cnt && !gathering->err; i++) {
        const struct xord_listed_node *from = &listed->nodes[i];
        struct xord_state_node node = {
                .live_checks = from->live_checks ? from->live_checks : from->past_checks,
                .last_live_s = wall_of(gathering, from->last_live_ns),
                .replacement = from->replacement,
        };

        /* Who has never answered us is somebody's word only; but one recalled may not have had the time yet. */
        if (node.live_checks == 0 && from->seen_ns == 0)
            continue;
        gathering->err = xord_enr_decode(&node.enr, from->enr, from->enr_len);
        if (!gathering->err)
            gathering->err = xord_state_add_node_of(&gathering->state, from->local, &node);
    }
}

static void gather_selves(struct bootnode *bootnode, struct gathering *gathering)
{
    struct xord_engine *engine = bootnode->service.engine;

    for (uint32_t local = 0; local < bootnode->service.self_cnt && !gathering->err; local++)
        gathering->err = xord_state_add_self(&gathering->state, &bootnode->service.selves[local]);
    for (uint16_t shard = 0; shard < xord_engine_worker_cnt(engine) && !gathering->err; shard++) {
        int err = xord_engine_list(engine, shard, XORD_LIST_TABLE, gather, gathering);

        gathering->err = gathering->err ? gathering->err : err;
    }
}

static bool is_ours(const struct bootnode *bootnode, const uint8_t id32[32])
{
    for (uint32_t local = 0; local < bootnode->service.self_cnt; local++)
        if (memcmp(bootnode->service.selves[local].id32, id32, 32) == 0)
            return true;
    return false;
}

/* Tables of identities that the file has and this start does not serve: whoever named another key by mistake has them again. */
static void gather_others(const struct bootnode *bootnode, struct gathering *gathering)
{
    for (uint32_t i = 0; i < bootnode->recalled.self_cnt && !gathering->err; i++) {
        const struct xord_state_self *self = &bootnode->recalled.selves[i];

        if (is_ours(bootnode, self->enr.id32) || gathering->state.self_cnt >= SERVICE_SELVES)
            continue;
        gathering->err = xord_state_add_self(&gathering->state, &self->enr);
        for (uint32_t n = 0; n < self->node_cnt && !gathering->err; n++)
            gathering->err = xord_state_add_node(&gathering->state, &self->nodes[n]);
    }
}

static void gather_bans(struct bootnode *bootnode, struct gathering *gathering)
{
    for (uint32_t i = 0; i < xord_bans_cnt(bootnode->bans) && !gathering->err; i++) {
        struct xord_state_ban ban = {0};
        uint64_t until_ns;

        xord_bans_get(bootnode->bans, i, &ban.prefix, &until_ns);
        /* Those of the settings are theirs to lift. */
        if (until_ns <= gathering->now_ns || ban_wish_find(bootnode->settings, &ban.prefix))
            continue;
        if (until_ns != XORD_BAN_FOREVER) /* rounded up */
            ban.until_s = gathering->wall_s + (until_ns - gathering->now_ns) / XORD_NS_PER_S + 1;
        gathering->err = xord_state_add_ban(&gathering->state, &ban);
    }
}

int bootnode_snapshot(struct bootnode *bootnode, char err[BOOTNODE_ERR_LEN])
{
    struct gathering gathering = {.now_ns = xord_now_ns(), .wall_s = (uint64_t)time(NULL)};
    char why[XORD_STATE_ERR_LEN];

    if (!bootnode->settings->state_path) {
        snprintf(err, BOOTNODE_ERR_LEN, "this bootnode was started without --state FILE");
        return EXIT_USER;
    }
    gathering.state.saved_s = gathering.wall_s;
    gather_selves(bootnode, &gathering);
    if (!gathering.err)
        gather_others(bootnode, &gathering);
    gather_bans(bootnode, &gathering);
    if (gathering.err) {
        snprintf(err, BOOTNODE_ERR_LEN, "the state was not saved: %s",
                gathering.err == XORD_ETIMEOUT ? "a worker does not answer" : xord_strerror(gathering.err));
    } else {
        gathering.err = xord_state_save(bootnode->settings->state_path, &gathering.state, why);
        if (gathering.err)
            snprintf(err, BOOTNODE_ERR_LEN, "%.*s", BOOTNODE_ERR_LEN - 1, why);
    }
    xord_state_free(&gathering.state);
    return gathering.err ? EXIT_USER : 0;
}

static void save(struct bootnode *bootnode)
{
    char err[BOOTNODE_ERR_LEN];
    bool failed = bootnode_snapshot(bootnode, err) != 0;

    if (failed && !bootnode->save_failed)
        xord_log(XORD_LOG_ERROR, "%s; tried again every minute", err);
    else if (!failed && bootnode->save_failed)
        xord_log(XORD_LOG_INFO, "the state is saved again");
    bootnode->save_failed = failed;
}

void remember_turn(struct bootnode *bootnode)
{
    if (!bootnode->settings->state_path || xord_now_ns() < bootnode->save_ns)
        return;
    save(bootnode);
    bootnode->save_ns = xord_now_ns() + SAVE_NS;
}

int remember_end(struct bootnode *bootnode)
{
    char err[BOOTNODE_ERR_LEN];

    if (!bootnode->settings->state_path)
        return 0;
    return bootnode_snapshot(bootnode, err) ? complain("%s", err) : 0;
}

/* ---- recalling ---- */

int recall_begin(struct bootnode *bootnode)
{
    const char *path = bootnode->settings->state_path;
    char err[XORD_STATE_ERR_LEN];
    int failed;

    bootnode->save_ns = xord_now_ns() + SAVE_NS;
    if (!path)
        return 0;
    failed = xord_state_load(&bootnode->recalled, path, bootnode->settings->node.curve, err);
    if (failed == XORD_EIO || failed == XORD_ENOMEM)
        return complain("%s", err);
    if (failed && failed != XORD_ENOENT)
        xord_log(XORD_LOG_ERROR, "%s; starting without it", err);
    return xord_state_check(path, err) ? complain("%s", err) : 0;
}

static const struct xord_state_self *recalled_self(const struct bootnode *bootnode, const uint8_t id32[32])
{
    for (uint32_t i = 0; i < bootnode->recalled.self_cnt; i++)
        if (memcmp(bootnode->recalled.selves[i].enr.id32, id32, 32) == 0)
            return &bootnode->recalled.selves[i];
    return NULL;
}

const struct xord_enr *recall_of_key(const struct bootnode *bootnode, const uint8_t seckey32[32])
{
    uint8_t id32[XORD_ID_LEN], pubkey33[XORD_PUBKEY_LEN];
    const struct xord_state_self *self = NULL;

    if (xord_pubkey_from_seckey(bootnode->settings->node.curve, pubkey33, seckey32) == 0 &&
            xord_id_from_pubkey33(bootnode->settings->node.curve, id32, pubkey33) == 0)
        self = recalled_self(bootnode, id32);
    return self ? &self->enr : NULL;
}

/* Those that stood in buckets first, so that they get their places back. Returns how many were sent. */
static uint32_t seed(struct bootnode *bootnode, const struct xord_state_self *self, uint32_t local, bool replacements)
{
    struct xord_mail mail = {.local = local};
    struct xord_endpoint ep;
    uint32_t n = 0;

    for (uint32_t i = 0; i < self->node_cnt; i++) {
        const struct xord_state_node *node = &self->nodes[i];

        if (node->replacement != replacements || !service_pick_endpoint_of(&bootnode->service, local, &node->enr, &ep))
            continue;
        mail.seed.enr = node->enr;
        mail.seed.past_checks = node->live_checks;
        if (xord_engine_tell(bootnode->service.engine, xord_engine_shard_of(bootnode->service.engine, local, &ep),
                    XORD_MAIL_SEED, &mail) == 0)
            n++;
    }
    return n;
}

static uint32_t recall_bans(struct bootnode *bootnode)
{
    uint64_t now_ns = xord_now_ns(), wall_s = (uint64_t)time(NULL);
    char err[BOOTNODE_ERR_LEN];
    uint32_t n = 0;

    for (uint32_t i = 0; i < bootnode->recalled.ban_cnt; i++) {
        const struct xord_state_ban *ban = &bootnode->recalled.bans[i];
        uint64_t until_ns = XORD_BAN_FOREVER;

        if (ban->until_s != 0 && ban->until_s <= wall_s)
            continue;
        if (ban->until_s != 0)
            until_ns = now_ns + (ban->until_s - wall_s) * XORD_NS_PER_S;
        n += bootnode_ban(bootnode, &ban->prefix, until_ns, err) == 0;
    }
    return n;
}

void recall_end(struct bootnode *bootnode)
{
    struct xord_state *recalled = &bootnode->recalled;
    uint64_t age_s = (uint64_t)time(NULL) - recalled->saved_s;
    uint32_t nodes = 0, bans;

    if (recalled->self_cnt == 0 && recalled->ban_cnt == 0)
        return;
    bans = recall_bans(bootnode); /* first: a banned node is not to come back */
    for (uint32_t local = 0; local < bootnode->service.self_cnt; local++) {
        const struct xord_state_self *self = recalled_self(bootnode, bootnode->service.selves[local].id32);

        if (self)
            nodes += seed(bootnode, self, local, false) + seed(bootnode, self, local, true);
    }
    xord_log(XORD_LOG_INFO, "recalled %u nodes and %u bans, as of %" PRIu64 " s ago", nodes, bans, age_s);
}
