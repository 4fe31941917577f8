/* SPDX-License-Identifier: BSD-3-Clause */
/* Hostile datagrams. What needs a challenge goes through an actor for each target: probe, challenge, handshake. A probe's nonce
 * begins with the actor's number, by which its challenge comes home. */
#include <stdlib.h>
#include <string.h>

#include "xord_bytes.h"
#include "xord_handshake.h"
#include "xord_hostile.h"
#include "xord_message.h"
#include "xord_rng.h"

#define CONTENT_LEN 46 /* a PING's, with its tag */
#define SCAN_MAX    64 /* actors looked at for one that can do something */
#define PROBE_WAIT_NS                                                                                                  \
    (1050 * XORD_NS_PER_MS)                 /* a bit more than a challenge lives: until then the same one would come */
#define SLOW_WAIT_NS (900 * XORD_NS_PER_MS) /* of a challenge's life of a second */
#define LATE_NS      XORD_NS_PER_MS

const char *const xord_hostile_names[XORD_HOSTILE_KINDS] = {"junk", "whoareyou-flood", "bad-signature", "replay",
        "spoofed", "oversize", "slow-handshake"};

enum actor_state { ACTOR_IDLE, ACTOR_PROBED, ACTOR_CHALLENGED, ACTOR_ARMED };

struct copy {
    uint16_t len;
    uint8_t data[XORD_PACKET_MAX_LEN];
};

struct actor {
    struct xord_peer peer;
    struct xord_pubkey key;
    struct xord_ctr_key mask_key; /* of the peer */
    uint32_t local;
    uint8_t state;
    uint64_t since_ns; /* of the state */
    uint8_t nonce12[12];
    uint8_t challenge[XORD_CHALLENGE_DATA_LEN];
    struct copy copies[2]; /* replay: a handshake and a PING, once armed */
    uint32_t copy_turn;
};

struct xord_hostile {
    struct xord_hostile_config cfg;
    struct xord_aes *aes;
    struct xord_rng rng;
    struct xord_tally *tally;
    struct actor *actors;
    uint32_t turn;
    uint64_t issued, cnt;
    bool stopped;
};

struct xord_hostile *xord_hostile_new(const struct xord_hostile_config *config)
{
    struct xord_hostile *hostile = calloc(1, sizeof(*hostile));

    if (!hostile)
        return NULL;
    hostile->cfg = *config;
    hostile->cnt = xord_schedule_cnt(&config->schedule);
    hostile->aes = config->aes_ops->open();
    hostile->actors = aligned_alloc(16, config->target_cnt * sizeof(*hostile->actors));
    xord_rng_init(&hostile->rng, config->seed32);
    if (!hostile->aes || !hostile->actors) {
        xord_hostile_free(hostile);
        return NULL;
    }
    memset(hostile->actors, 0, config->target_cnt * sizeof(*hostile->actors));
    return hostile;
}

void xord_hostile_free(struct xord_hostile *hostile)
{
    if (!hostile)
        return;
    if (hostile->aes)
        hostile->cfg.aes_ops->close(hostile->aes);
    free(hostile->actors);
    free(hostile);
}

void xord_hostile_set_target(struct xord_hostile *hostile, uint32_t i, uint32_t local, const struct xord_peer *peer)
{
    struct actor *actor = &hostile->actors[i];

    actor->local = local;
    actor->peer = *peer;
    xord_masking_key(hostile->cfg.aes_ops, hostile->aes, &actor->mask_key, peer->id32);
    (void)!xord_pubkey_parse(hostile->cfg.curve, &actor->key, peer->pubkey33); /* of a record that was verified */
}

static void random_fill(struct xord_hostile *hostile, void *out, size_t len)
{
    xord_rng_fill(&hostile->rng, out, len);
}

static void mask(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data, size_t head_len)
{
    xord_packet_mask(data, head_len, hostile->cfg.aes_ops, hostile->aes, &actor->mask_key);
}

/* ---- datagrams that need no challenge; each returns its length ---- */

static uint16_t junk_make(struct xord_hostile *hostile, uint8_t *data)
{
    size_t len = XORD_PACKET_MIN_LEN + xord_rng_below(&hostile->rng, XORD_PACKET_MAX_LEN - XORD_PACKET_MIN_LEN + 1);

    random_fill(hostile, data, len);
    return (uint16_t)len;
}

static uint16_t whoareyou_make(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data)
{
    uint8_t iv16[16], nonce12[12], id_nonce16[16];
    size_t len;

    random_fill(hostile, iv16, sizeof(iv16));
    random_fill(hostile, nonce12, sizeof(nonce12));
    random_fill(hostile, id_nonce16, sizeof(id_nonce16));
    len = xord_packet_put_whoareyou(data, iv16, nonce12, id_nonce16, 0);
    mask(hostile, actor, data, len);
    return (uint16_t)len;
}

/* An ordinary packet whose content nobody can open. */
static uint16_t message_make(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data,
        const uint8_t nonce12[12], const uint8_t id32[32], size_t len)
{
    uint8_t iv16[16];

    random_fill(hostile, iv16, sizeof(iv16));
    xord_packet_put_ordinary(data, iv16, nonce12, id32);
    random_fill(hostile, data + XORD_ORDINARY_HEAD_LEN, len - XORD_ORDINARY_HEAD_LEN);
    mask(hostile, actor, data, XORD_ORDINARY_HEAD_LEN);
    return (uint16_t)len;
}

static uint16_t stranger_make(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data, size_t len)
{
    uint8_t nonce12[12], id32[32];

    random_fill(hostile, nonce12, sizeof(nonce12));
    random_fill(hostile, id32, sizeof(id32));
    return message_make(hostile, actor, data, nonce12, id32, len);
}

static uint16_t oversize_make(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data)
{
    size_t len = XORD_PACKET_MAX_LEN + 1 + xord_rng_below(&hostile->rng, XORD_TX_ROOM - XORD_PACKET_MAX_LEN);

    return stranger_make(hostile, actor, data, len);
}

/* Another address of the prefix, at random. */
static void source_spoof(struct xord_hostile *hostile, struct xord_endpoint *src)
{
    uint32_t fixed = hostile->cfg.source_prefix_len;
    uint8_t noise16[16];

    if (fixed == 0)
        return;
    random_fill(hostile, noise16, sizeof(noise16));
    memcpy(src->ip16, hostile->cfg.source_ip16, 16);
    for (uint32_t bit = fixed; bit < 128; bit++) {
        uint8_t m = (uint8_t)(0x80 >> bit % 8);

        src->ip16[bit / 8] = (uint8_t)((src->ip16[bit / 8] & ~m) | (noise16[bit / 8] & m));
    }
}

/* ---- actors ---- */

static void actor_set(struct actor *actor, enum actor_state state, uint64_t now_ns)
{
    actor->state = (uint8_t)state;
    actor->since_ns = now_ns;
}

static uint16_t probe_make(struct xord_hostile *hostile, struct actor *actor, uint8_t *data, uint64_t now_ns)
{
    random_fill(hostile, actor->nonce12, sizeof(actor->nonce12));
    xord_store_be32(actor->nonce12, (uint32_t)(actor - hostile->actors));
    actor_set(actor, ACTOR_PROBED, now_ns);
    return message_make(hostile, actor, data, actor->nonce12, hostile->cfg.locals->all[actor->local].id32,
            XORD_ORDINARY_HEAD_LEN + CONTENT_LEN);
}

static uint16_t forged_make(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data)
{
    const struct xord_local *local = &hostile->cfg.locals->all[actor->local];
    uint8_t iv16[16], nonce12[12], sig64[64];
    size_t head_len;

    random_fill(hostile, iv16, sizeof(iv16));
    random_fill(hostile, nonce12, sizeof(nonce12));
    random_fill(hostile, sig64, sizeof(sig64));
    head_len = xord_packet_put_handshake(data, iv16, nonce12, local->id32, sig64, local->enr.pubkey33, local->enr.raw,
            local->enr.len);
    random_fill(hostile, data + head_len, CONTENT_LEN);
    mask(hostile, actor, data, head_len);
    return (uint16_t)(head_len + CONTENT_LEN);
}

/* Seals a PING behind a head, and masks that. */
static uint16_t ping_seal(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data, size_t head_len,
        const uint8_t key16[16], const uint8_t nonce12[12])
{
    struct xord_message ping = {.type = XORD_MSG_PING, .request_id = {.len = 8}, .ping = {1}};
    struct xord_gcm_job seal = {.key16 = key16,
            .nonce12 = nonce12,
            .aad = data,
            .aad_len = (uint32_t)head_len,
            .src = data + head_len,
            .dst = data + head_len};
    size_t len = 0;

    random_fill(hostile, ping.request_id.bytes, 8);
    ping.request_id.bytes[0] |= 0x80;
    if (xord_message_encode(data + head_len, &len, XORD_MESSAGE_MAX_LEN, &ping))
        return 0;
    seal.len = (uint32_t)len;
    hostile->cfg.aes_ops->gcm_seal(hostile->aes, &seal, 1);
    mask(hostile, actor, data, head_len);
    return (uint16_t)(head_len + len + XORD_GCM_TAG_LEN);
}

/* A valid answer to the challenge. 0: no such can be made. */
static uint16_t handshake_make(struct xord_hostile *hostile, const struct actor *actor, uint8_t *data,
        struct xord_session_keys *keys)
{
    const struct xord_local *local = &hostile->cfg.locals->all[actor->local];
    struct xord_self self = {local->id32, local->seckey32, &local->enr};
    struct xord_packet whoareyou = {.flag = XORD_FLAG_WHOAREYOU,
            .head = actor->challenge,
            .head_len = XORD_CHALLENGE_DATA_LEN,
            .enr_seq = xord_load_be64(actor->challenge + XORD_CHALLENGE_DATA_LEN - 8)};
    uint8_t nonce12[12], iv16[16];
    struct xord_ephemeral eph;
    size_t head_len;
    int err;

    random_fill(hostile, nonce12, sizeof(nonce12));
    random_fill(hostile, iv16, sizeof(iv16));
    xord_ephemeral_make(&eph, hostile->cfg.curve, &hostile->rng);
    err = xord_handshake_answer(keys, data, &head_len, hostile->cfg.curve, &self, actor->peer.id32, &actor->key,
            &whoareyou, &eph, nonce12, iv16);
    xord_wipe(&eph, sizeof(eph));
    return err ? 0 : ping_seal(hostile, actor, data, head_len, keys->write_key16, nonce12);
}

/* Makes the two datagrams that are sent for ever after. */
static bool replay_arm(struct xord_hostile *hostile, struct actor *actor, uint64_t now_ns)
{
    struct copy *handshake = &actor->copies[0], *ping = &actor->copies[1];
    struct xord_session_keys keys;
    uint8_t nonce12[12], iv16[16];

    handshake->len = handshake_make(hostile, actor, handshake->data, &keys);
    if (handshake->len == 0)
        return false;
    random_fill(hostile, nonce12, sizeof(nonce12));
    random_fill(hostile, iv16, sizeof(iv16));
    xord_packet_put_ordinary(ping->data, iv16, nonce12, hostile->cfg.locals->all[actor->local].id32);
    ping->len = ping_seal(hostile, actor, ping->data, XORD_ORDINARY_HEAD_LEN, keys.write_key16, nonce12);
    xord_wipe(&keys, sizeof(keys));
    actor_set(actor, ACTOR_ARMED, now_ns);
    return ping->len > 0;
}

static uint16_t challenged_make(struct xord_hostile *hostile, struct actor *actor, uint8_t *data, uint64_t now_ns)
{
    struct xord_session_keys keys;
    uint16_t len;

    if (hostile->cfg.kind == XORD_HOSTILE_SIGNATURE) {
        if (now_ns - actor->since_ns >= PROBE_WAIT_NS) /* the challenge is gone */
            return probe_make(hostile, actor, data, now_ns);
        return forged_make(hostile, actor, data);
    }
    if (hostile->cfg.kind == XORD_HOSTILE_REPLAY) {
        if (!replay_arm(hostile, actor, now_ns))
            return 0;
        memcpy(data, actor->copies[0].data, actor->copies[0].len);
        return actor->copies[0].len;
    }
    if (now_ns - actor->since_ns < SLOW_WAIT_NS)
        return 0;
    actor_set(actor, ACTOR_IDLE, now_ns);
    len = handshake_make(hostile, actor, data, &keys);
    xord_wipe(&keys, sizeof(keys));
    return len;
}

/* 0: this actor can only wait. */
static uint16_t actor_make(struct xord_hostile *hostile, struct actor *actor, uint8_t *data, uint64_t now_ns)
{
    const struct copy *copy;

    switch ((enum actor_state)actor->state) {
    case ACTOR_PROBED:
        if (now_ns - actor->since_ns < PROBE_WAIT_NS)
            return 0;
        return probe_make(hostile, actor, data, now_ns);
    case ACTOR_CHALLENGED:
        return challenged_make(hostile, actor, data, now_ns);
    case ACTOR_ARMED:
        copy = &actor->copies[++actor->copy_turn % 2];
        memcpy(data, copy->data, copy->len);
        return copy->len;
    case ACTOR_IDLE:
        break;
    }
    return probe_make(hostile, actor, data, now_ns);
}

/* ---- the schedule ---- */

static struct actor *actor_next(struct xord_hostile *hostile)
{
    return &hostile->actors[hostile->turn++ % hostile->cfg.target_cnt];
}

static struct actor *any_actor_makes(struct xord_hostile *hostile, struct xord_tx *tx, uint64_t now_ns)
{
    uint32_t cnt = hostile->cfg.target_cnt < SCAN_MAX ? hostile->cfg.target_cnt : SCAN_MAX;

    for (uint32_t i = 0; i < cnt; i++) {
        struct actor *actor = actor_next(hostile);

        tx->len = actor_make(hostile, actor, tx->data, now_ns);
        if (tx->len > 0)
            return actor;
    }
    return NULL;
}

/* Fills in the next datagram; false: nobody can do anything now. */
static bool make(struct xord_hostile *hostile, struct xord_tx *tx, uint64_t now_ns)
{
    bool challenged = hostile->cfg.kind == XORD_HOSTILE_SIGNATURE || hostile->cfg.kind == XORD_HOSTILE_REPLAY ||
                      hostile->cfg.kind == XORD_HOSTILE_SLOW;
    struct actor *actor = challenged ? any_actor_makes(hostile, tx, now_ns) : actor_next(hostile);

    if (!actor)
        return false;
    if (hostile->cfg.kind == XORD_HOSTILE_JUNK)
        tx->len = junk_make(hostile, tx->data);
    else if (hostile->cfg.kind == XORD_HOSTILE_WHOAREYOU)
        tx->len = whoareyou_make(hostile, actor, tx->data);
    else if (hostile->cfg.kind == XORD_HOSTILE_OVERSIZE)
        tx->len = oversize_make(hostile, actor, tx->data);
    else if (hostile->cfg.kind == XORD_HOSTILE_SPOOFED)
        tx->len = stranger_make(hostile, actor, tx->data, XORD_ORDINARY_HEAD_LEN + CONTENT_LEN);
    tx->dst = actor->peer.ep;
    tx->src = hostile->cfg.locals->all[actor->local].ep[!xord_endpoint_is_v4(&tx->dst)];
    if (hostile->cfg.kind == XORD_HOSTILE_SPOOFED)
        source_spoof(hostile, &tx->src);
    return true;
}

static void lateness_count(struct xord_hostile *hostile, uint64_t due_ns, uint64_t now_ns)
{
    if (now_ns - due_ns <= LATE_NS)
        return;
    hostile->tally->late++;
    if (now_ns - due_ns > hostile->tally->late_max_ns)
        hostile->tally->late_max_ns = now_ns - due_ns;
}

/* Nobody has a challenge to answer: the target's doing. What is due by now is left out. */
static void skip_due(struct xord_hostile *hostile, uint64_t now_ns)
{
    for (; xord_hostile_next_ns(hostile) <= now_ns; hostile->issued++)
        hostile->tally->unsent++;
}

bool xord_hostile_turn(struct xord_hostile *hostile, const struct xord_node_io *io, uint64_t now_ns)
{
    struct xord_tx txs[XORD_BURST_MAX];
    size_t cnt = 0;

    while (cnt < XORD_BURST_MAX && xord_hostile_next_ns(hostile) <= now_ns) {
        uint64_t due_ns = xord_schedule_due_ns(&hostile->cfg.schedule, hostile->issued);

        if (!io->tx_alloc(io->ctx, &txs[cnt]))
            break;
        if (!make(hostile, &txs[cnt], now_ns)) {
            skip_due(hostile, now_ns);
            break;
        }
        hostile->issued++;
        lateness_count(hostile, due_ns, now_ns);
        hostile->tally->sent++;
        cnt++;
    }
    io->tx_send(io->ctx, txs, cnt);
    return cnt > 0;
}

uint64_t xord_hostile_next_ns(const struct xord_hostile *hostile)
{
    if (hostile->stopped || hostile->issued == hostile->cnt)
        return UINT64_MAX;
    return xord_schedule_due_ns(&hostile->cfg.schedule, hostile->issued);
}

bool xord_hostile_rx(struct xord_hostile *hostile, struct xord_dgram *dgram, uint64_t now_ns)
{
    const struct xord_local *local = &hostile->cfg.locals->all[dgram->local];
    struct xord_packet packet;
    struct actor *actor;
    uint32_t i;

    hostile->tally->replies++;
    if (xord_packet_unmask(&packet, dgram->data, dgram->len, hostile->cfg.aes_ops, hostile->aes, &local->mask_key) ||
            packet.flag != XORD_FLAG_WHOAREYOU)
        return true;
    i = xord_load_be32(packet.nonce12);
    actor = i < hostile->cfg.target_cnt ? &hostile->actors[i] : NULL;
    if (!actor || actor->state != ACTOR_PROBED || memcmp(actor->nonce12, packet.nonce12, 12) != 0)
        return true;
    memcpy(actor->challenge, packet.head, XORD_CHALLENGE_DATA_LEN);
    actor_set(actor, ACTOR_CHALLENGED, now_ns);
    return true;
}

bool xord_hostile_is_over(const struct xord_hostile *hostile, uint64_t now_ns)
{
    uint64_t end_ns = hostile->cfg.schedule.start_ns + hostile->cfg.schedule.duration_ns;

    return hostile->stopped || now_ns > end_ns || (now_ns == end_ns && hostile->issued == hostile->cnt);
}

void xord_hostile_stop(struct xord_hostile *hostile)
{
    hostile->stopped = true;
}

void xord_hostile_set_tally(struct xord_hostile *hostile, struct xord_tally *tally)
{
    hostile->tally = tally;
}
