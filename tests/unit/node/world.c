/* SPDX-License-Identifier: BSD-3-Clause */
/* The network in virtual time. */
#include "world.h"

#include <string.h>

#define REORDER_NS (20 * MS)
#define POLLS_MAX  20000 /* of one shard at one moment: it says that it has work and never gets it done */

static const struct xord_aes_ops *const ops = &xord_aes_native;

struct world *world_new(uint8_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    uint8_t seed32[32] = {seed, 0x77};

    WORLD_CHECK(world);
    world->now_ns = WORLD_START_NS;
    world->net.delay_ns = 1 * MS;
    xord_rng_init(&world->rng, seed32);
    world->curve = xord_curve_open(seed32);
    world->aes = ops->open();
    WORLD_CHECK(world->curve && world->aes);
    return world;
}

void world_seckey(struct world *world, uint8_t seckey32[32])
{
    memset(seckey32, 0, 32);
    xord_store_be32(seckey32 + 24, ++world->key_cnt);
    xord_store_be32(seckey32 + 28, 0x5eed);
}

struct xord_endpoint world_ep(const char *ip, uint16_t port)
{
    uint8_t ip16[16];

    WORLD_CHECK(xord_ip_parse(ip16, ip) == 0);
    return xord_endpoint_v6(ip16, port);
}

/* ---- the queue ---- */

static bool is_earlier(const struct world_packet *a, const struct world_packet *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->number < b->number;
}

static void queue_push(struct world *world, struct world_packet *packet)
{
    size_t i = world->queue_cnt++;

    if (i == world->queue_cap) {
        world->queue_cap = world->queue_cap ? world->queue_cap * 2 : 64;
        world->queue = realloc(world->queue, world->queue_cap * sizeof(world->queue[0]));
        WORLD_CHECK(world->queue);
    }
    for (; i > 0 && is_earlier(packet, world->queue[(i - 1) / 2]); i = (i - 1) / 2)
        world->queue[i] = world->queue[(i - 1) / 2];
    world->queue[i] = packet;
}

static struct world_packet *queue_pop(struct world *world)
{
    struct world_packet *first = world->queue[0], *last = world->queue[--world->queue_cnt];
    size_t i = 0, child;

    while ((child = 2 * i + 1) < world->queue_cnt) {
        if (child + 1 < world->queue_cnt && is_earlier(world->queue[child + 1], world->queue[child]))
            child++;
        if (!is_earlier(world->queue[child], last))
            break;
        world->queue[i] = world->queue[child];
        i = child;
    }
    world->queue[i] = last;
    return first;
}

static bool happens(struct world *world, uint32_t pm)
{
    return pm > 0 && xord_rng_below(&world->rng, 1000) < pm;
}

static void enqueue(struct world *world, const struct world_packet *model)
{
    struct world_packet *packet = malloc(sizeof(*packet) + model->len);

    WORLD_CHECK(packet);
    memcpy(packet, model, sizeof(*packet) + model->len);
    packet->number = world->sent_cnt++;
    packet->due_ns = world->now_ns + world->net.delay_ns;
    if (world->net.jitter_ns)
        packet->due_ns += xord_rng_below(&world->rng, world->net.jitter_ns);
    if (happens(world, world->net.reorder_pm))
        packet->due_ns += REORDER_NS;
    queue_push(world, packet);
}

void world_send(struct world *world, const struct xord_endpoint *src, const struct xord_endpoint *dst,
        const uint8_t *data, size_t len)
{
    struct world_packet *packet = malloc(sizeof(*packet) + len);

    WORLD_CHECK(packet && len <= UINT16_MAX);
    *packet = (struct world_packet){.src = *src, .dst = *dst, .len = (uint16_t)len};
    if (len)
        memcpy(packet->data, data, len);
    if ((!world->filter || world->filter(world->filter_ctx, packet)) && !happens(world, world->net.loss_pm)) {
        enqueue(world, packet);
        if (happens(world, world->net.duplicate_pm))
            enqueue(world, packet);
    }
    free(packet);
}

void world_listen(struct world *world, struct world_listener *listener)
{
    listener->next = world->listeners;
    world->listeners = listener;
}

/* ---- what shards ask for ---- */

static bool io_tx_alloc(void *ctx, struct xord_tx *tx)
{
    struct world_shard *shard = ctx;

    WORLD_CHECK(shard->tx_cnt < XORD_BURST_MAX); /* those before were sent */
    if (shard->member->tx_full)
        return false;
    tx->data = malloc(XORD_PACKET_MAX_LEN);
    tx->buf = NULL;
    WORLD_CHECK(tx->data);
    shard->tx[shard->tx_cnt++] = tx->data;
    return true;
}

/* Either what was allocated, or the buffer of the datagram that is answered. */
static bool tx_is_ours(const struct world_shard *shard, const struct xord_tx *tx)
{
    if (tx->buf)
        return tx->buf == tx->data;
    for (uint32_t i = 0; i < shard->tx_cnt; i++)
        if (shard->tx[i] == tx->data)
            return true;
    return false;
}

static const struct xord_local *identity_at(const struct member *member, const struct xord_endpoint *ep)
{
    uint32_t local = xord_locals_find(member->locals, ep);

    WORLD_CHECK(local != XORD_LOCAL_NONE);
    return &member->locals->all[local];
}

static void io_tx_send(void *ctx, const struct xord_tx *txs, size_t cnt)
{
    struct world_shard *shard = ctx;

    WORLD_CHECK(cnt > 0 && cnt <= XORD_BURST_MAX);
    for (size_t i = 0; i < cnt; i++) {
        const struct xord_tx *tx = &txs[i];
        const struct xord_local *identity = identity_at(shard->member, &tx->src);
        uint32_t local = (uint32_t)(identity - shard->member->locals->all);

        WORLD_CHECK(tx_is_ours(shard, tx) && tx->len >= XORD_PACKET_MIN_LEN && tx->len <= XORD_PACKET_MAX_LEN);
        WORLD_CHECK(member_shard_of(shard->member, local, &tx->dst) == shard->number); /* replies come home */
        world_send(shard->member->world, &tx->src, &tx->dst, tx->data, tx->len);
    }
    for (uint32_t i = 0; i < shard->tx_cnt; i++)
        free(shard->tx[i]);
    shard->tx_cnt = 0;
}

static uint16_t io_shard_of(void *ctx, uint32_t local, const struct xord_endpoint *ep)
{
    const struct world_shard *shard = ctx;

    return member_shard_of(shard->member, local, ep);
}

static struct xord_mail *mail_alloc(struct member *member)
{
    struct xord_mail *mail;

    if (member->mail_cap && member->mail_cnt >= member->mail_cap) {
        member->mails_refused++;
        return NULL;
    }
    mail = malloc(sizeof(*mail)); /* not cleared: a sanitizer or a wild value tells of what nobody has set */
    WORLD_CHECK(mail);
    memset(mail, 0xa5, sizeof(*mail));
    member->mail_cnt++;
    return mail;
}

static void mail_free(struct member *member, struct xord_mail *mail)
{
    member->mail_cnt--;
    free(mail);
}

static struct xord_mail *io_mail_alloc(void *ctx)
{
    struct world_shard *shard = ctx;

    return mail_alloc(shard->member);
}

static void io_mail_free(void *ctx, struct xord_mail *mail)
{
    struct world_shard *shard = ctx;

    mail_free(shard->member, mail);
}

static void io_mail_send(void *ctx, uint16_t to, struct xord_mail *mail)
{
    struct world_shard *shard = ctx;

    WORLD_CHECK(to != shard->number);
    member_post(shard->member, to, mail);
}

static void io_view(void *ctx, uint32_t host, struct xord_table_view *view)
{
    struct world_shard *shard = ctx;
    struct member *member = shard->member;

    WORLD_CHECK(host < member->host_cnt);
    for (uint16_t i = 0; i < member->shard_cnt; i++)
        member->row[i] = member->shards[i].published[host];
    *view = (struct xord_table_view){.snaps = member->row, .snap_cnt = member->shard_cnt, .own = shard->number};
}

static struct xord_table_snapshot *io_snap_take(void *ctx, uint32_t host)
{
    struct world_shard *shard = ctx;
    struct xord_table_snapshot **snaps = &shard->snaps[2 * host];

    if (shard->member->no_snaps)
        return NULL;
    return snaps[0] == shard->published[host] ? snaps[1] : snaps[0];
}

static void io_snap_publish(void *ctx, uint32_t host, struct xord_table_snapshot *snap)
{
    struct world_shard *shard = ctx;

    shard->published[host] = snap;
}

/* ---- members ---- */

static uint32_t small(uint32_t v, uint32_t otherwise)
{
    return v ? v : otherwise;
}

static struct xord_node_config shard_config(struct member *member, const struct member_config *config,
        struct world_shard *shard)
{
    struct xord_node_config cfg = config->node;

    cfg.shard = shard->number;
    cfg.shard_cnt = member->shard_cnt;
    cfg.aes_ops = ops;
    cfg.curve = member->world->curve;
    cfg.locals = member->locals;
    cfg.host_cnt = member->host_cnt;
    cfg.session_cap = small(cfg.session_cap, 256);
    cfg.challenge_cap = small(cfg.challenge_cap, 256);
    cfg.request_cap = small(cfg.request_cap, 64);
    cfg.record_cap = small(cfg.record_cap, 1024);
    cfg.lane_cap = small(cfg.lane_cap, 16);
    cfg.ephemeral_cap = small(cfg.ephemeral_cap, 4);
    xord_rng_fill(&member->world->rng, cfg.seed32, sizeof(cfg.seed32));
    cfg.io = (struct xord_node_io){
            .ctx = shard,
            .tx_alloc = io_tx_alloc,
            .tx_send = io_tx_send,
            .shard_of = io_shard_of,
            .mail_alloc = io_mail_alloc,
            .mail_send = io_mail_send,
            .mail_free = io_mail_free,
            .view = io_view,
            .snap_take = io_snap_take,
            .snap_publish = io_snap_publish,
    };
    return cfg;
}

static void shard_start(struct member *member, uint16_t number, const struct member_config *config)
{
    struct world_shard *shard = &member->shards[number];
    struct xord_node_config cfg;

    shard->member = member;
    shard->number = number;
    shard->snaps = calloc(2 * member->host_cnt + 1, sizeof(shard->snaps[0]));
    shard->published = calloc(member->host_cnt + 1, sizeof(shard->published[0]));
    WORLD_CHECK(shard->snaps && shard->published);
    for (uint32_t i = 0; i < 2 * member->host_cnt; i++) {
        shard->snaps[i] = xord_table_snapshot_new();
        WORLD_CHECK(shard->snaps[i]);
    }
    cfg = shard_config(member, config, shard);
    shard->node = xord_node_new(&cfg, member->world->now_ns);
    WORLD_CHECK(shard->node);
    shard->due_ns = member->world->now_ns;
}

static void ip_count_up(struct xord_endpoint *ep, uint32_t n)
{
    xord_store_be32(ep->ip16 + 12, xord_load_be32(ep->ip16 + 12) + n);
}

static void identity_add(struct member *member, const struct member_config *config, uint32_t n)
{
    uint16_t port = config->port ? config->port : 9000;
    struct xord_endpoint ep4, ep6;
    struct xord_enr_draft draft;
    struct xord_enr enr;
    uint8_t seckey32[32];

    xord_enr_draft_init(&draft, 1);
    if (config->ip) {
        ep4 = world_ep(config->ip, port);
        ip_count_up(&ep4, n);
        WORLD_CHECK(config->no_endpoint || xord_enr_draft_set_endpoint(&draft, &ep4) == 0);
    }
    if (config->ip6) {
        ep6 = world_ep(config->ip6, port);
        ip_count_up(&ep6, n);
        WORLD_CHECK(config->no_endpoint || xord_enr_draft_set_endpoint(&draft, &ep6) == 0);
    }
    world_seckey(member->world, seckey32);
    WORLD_CHECK(xord_enr_sign(&enr, &draft, member->world->curve, seckey32) == 0);
    WORLD_CHECK(xord_locals_add(member->locals, ops, member->world->aes, seckey32, &enr, config->ip ? &ep4 : NULL,
                        config->ip6 ? &ep6 : NULL) == 0);
}

struct member *world_add(struct world *world, const struct member_config *config)
{
    static const struct xord_hash_key hash_key = {{5, 6}};
    uint32_t local_cnt = config->local_cnt ? config->local_cnt : 1;
    struct member *member = calloc(1, sizeof(*member)), **link = &world->members;

    WORLD_CHECK(member && config->shard_cnt <= WORLD_MAX_SHARDS);
    member->world = world;
    member->shard_cnt = config->shard_cnt ? config->shard_cnt : 1;
    member->host_cnt = config->no_hosts ? 0 : 1;
    member->mail_cap = config->mail_cap;
    member->has_crowd = config->node.crowd != NULL;
    if (member->has_crowd)
        member->locals = (struct xord_locals *)xord_crowd_locals(config->node.crowd);
    else
        member->locals = xord_locals_new(local_cnt, &hash_key);
    WORLD_CHECK(member->locals);
    for (uint32_t i = 0; i < local_cnt && !member->has_crowd; i++)
        identity_add(member, config, i);
    for (uint16_t i = 0; i < member->shard_cnt; i++)
        shard_start(member, i, config);
    while (*link)
        link = &(*link)->next;
    *link = member;
    return member;
}

static void shard_stop(struct world_shard *shard)
{
    struct member *member = shard->member;

    xord_node_free(shard->node);
    while (shard->mail_head) {
        struct xord_mail *mail = shard->mail_head;

        shard->mail_head = mail->next;
        mail_free(member, mail);
    }
    for (uint32_t i = 0; i < 2 * member->host_cnt; i++)
        xord_table_snapshot_free(shard->snaps[i]);
    free(shard->snaps);
    free(shard->published);
}

static void member_free(struct member *member)
{
    for (uint16_t i = 0; i < member->shard_cnt; i++)
        shard_stop(&member->shards[i]);
    member_forget(member);
    WORLD_CHECK(member->mail_cnt == 0); /* each mail has come back */
    if (!member->has_crowd)
        xord_locals_free(member->locals);
    free(member);
}

void world_free(struct world *world)
{
    while (world->members) {
        struct member *member = world->members;

        world->members = member->next;
        member_free(member);
    }
    while (world->listeners)
        world->listeners->release(world->listeners);
    while (world->queue_cnt > 0)
        free(world->queue[--world->queue_cnt]);
    free(world->queue);
    xord_curve_close(world->curve);
    ops->close(world->aes);
    free(world);
}

/* ---- time ---- */

/* After each call: nothing is left half done. */
static void shard_called(struct world_shard *shard)
{
    WORLD_CHECK(shard->tx_cnt == 0);
    shard->due_ns = xord_node_next_ns(shard->node);
    if (xord_node_has_work(shard->node, XORD_LOAD_NONE) && !shard->member->holds_work)
        shard->due_ns = shard->member->world->now_ns;
}

static void shard_work(struct world_shard *shard, enum xord_load load, uint64_t now_ns)
{
    if (!shard->member->holds_work)
        xord_node_work(shard->node, load, now_ns);
}

static bool shard_take_mail(struct world_shard *shard, uint64_t now_ns)
{
    struct xord_mail *mail = shard->mail_head;

    if (!mail)
        return false;
    shard->mail_head = mail->next;
    if (!shard->mail_head)
        shard->mail_tail = NULL;
    xord_node_mail(shard->node, mail, now_ns);
    mail_free(shard->member, mail);
    shard_called(shard);
    return true;
}

static struct world_shard *route(struct world *world, const struct world_packet *packet, uint32_t *local)
{
    for (struct member *member = world->members; member; member = member->next) {
        *local = xord_locals_find(member->locals, &packet->dst);
        if (*local != XORD_LOCAL_NONE)
            return &member->shards[member_shard_of(member, *local, &packet->src)];
    }
    return NULL;
}

static void burst_deliver(struct world_shard *shard, struct xord_dgram *burst, size_t cnt, uint64_t now_ns)
{
    xord_node_rx(shard->node, burst, cnt, now_ns);
    for (size_t i = 0; i < cnt; i++)
        free(burst[i].data);
    shard_called(shard);
    shard_work(shard, cnt < XORD_BURST_MAX ? XORD_LOAD_SOME : XORD_LOAD_FULL, now_ns);
    shard_called(shard);
}

static bool listener_take(struct world *world, struct world_packet *packet)
{
    for (struct world_listener *l = world->listeners; l; l = l->next) {
        if (!xord_endpoint_equal(&l->ep, &packet->dst))
            continue;
        l->take(l, packet);
        return true;
    }
    return false;
}

/* Every other one stands in a buffer that its answer may be built in; the others end where their memory does. */
static void dgram_fill(struct xord_dgram *dgram, const struct world_packet *packet, uint32_t local)
{
    bool reusable = packet->number % 2 && packet->len <= XORD_PACKET_MAX_LEN;

    *dgram = (struct xord_dgram){.data = malloc(reusable ? XORD_PACKET_MAX_LEN : packet->len),
            .len = packet->len,
            .local = local,
            .peer = packet->src,
            .dst = packet->dst};
    WORLD_CHECK(dgram->data || packet->len == 0);
    if (packet->len)
        memcpy(dgram->data, packet->data, packet->len);
    dgram->buf = reusable ? dgram->data : NULL;
}

/* All that is due now, in bursts as long as one follows another to the same shard. */
static bool deliver_due(struct world *world)
{
    struct xord_dgram burst[XORD_BURST_MAX];
    struct world_shard *to = NULL;
    size_t cnt = 0;
    bool any = false;

    while (world->queue_cnt > 0 && world->queue[0]->due_ns <= world->now_ns) {
        struct world_packet *packet = queue_pop(world);
        struct world_shard *shard;
        uint32_t local;

        any = true;
        if (listener_take(world, packet))
            continue;
        shard = route(world, packet, &local);
        if (cnt > 0 && (shard != to || cnt == XORD_BURST_MAX)) {
            burst_deliver(to, burst, cnt, world->now_ns);
            cnt = 0;
        }
        to = shard;
        if (shard) {
            dgram_fill(&burst[cnt++], packet, local);
        } else {
            world->unrouted_cnt++;
        }
        free(packet);
    }
    if (cnt > 0)
        burst_deliver(to, burst, cnt, world->now_ns);
    return any;
}

static bool shard_poll(struct world_shard *shard, uint64_t now_ns)
{
    if (shard->due_ns > now_ns)
        return false;
    xord_node_poll(shard->node, now_ns);
    shard_work(shard, XORD_LOAD_NONE, now_ns);
    shard_called(shard);
    return true;
}

/* One round of everything that is due now; false when there was nothing. */
static bool world_round(struct world *world)
{
    bool any = deliver_due(world);

    for (struct member *member = world->members; member; member = member->next) {
        for (uint16_t i = 0; i < member->shard_cnt; i++) {
            while (shard_take_mail(&member->shards[i], world->now_ns))
                any = true;
            any |= shard_poll(&member->shards[i], world->now_ns);
        }
    }
    return any;
}

static uint64_t next_event(const struct world *world)
{
    uint64_t next = world->queue_cnt > 0 ? world->queue[0]->due_ns : UINT64_MAX;

    for (const struct member *member = world->members; member; member = member->next)
        for (uint16_t i = 0; i < member->shard_cnt; i++)
            next = member->shards[i].due_ns < next ? member->shards[i].due_ns : next;
    return next;
}

void world_run_until(struct world *world, uint64_t until_ns)
{
    for (;;) {
        uint64_t next;
        int rounds = 0;

        while (world_round(world))
            WORLD_CHECK(++rounds < POLLS_MAX);
        next = next_event(world);
        if (next > until_ns)
            break;
        world->now_ns = next;
    }
    world->now_ns = until_ns;
}

void world_run(struct world *world, uint64_t ns)
{
    world_run_until(world, world->now_ns + ns);
}

/* ---- control ---- */

struct xord_node *member_node(struct member *member)
{
    return member->shards[0].node;
}

const struct xord_enr *member_enr(const struct member *member, uint32_t local)
{
    return xord_node_enr(member->shards[0].node, local);
}

struct xord_peer member_peer(const struct member *member, uint32_t local)
{
    const struct xord_local *identity = &member->locals->all[local];

    return xord_peer_from_enr(&identity->enr, &identity->ep[identity->ep[0].port ? 0 : 1]);
}

uint64_t member_count(const struct member *member, enum xord_counter_id id)
{
    uint64_t sum = 0;

    for (uint16_t i = 0; i < member->shard_cnt; i++)
        sum += xord_counter_get(xord_node_counters(member->shards[i].node), id);
    return sum;
}

uint16_t member_shard_of(const struct member *member, uint32_t local, const struct xord_endpoint *ep)
{
    static const struct xord_hash_key key = {{7, 8}};

    return (uint16_t)((xord_hash64(&key, ep, sizeof(*ep)) + local) % member->shard_cnt);
}

struct xord_mail *member_mail_new(struct member *member, enum xord_mail_kind kind, uint32_t local, uint64_t cookie)
{
    struct xord_mail *mail = calloc(1, sizeof(*mail));

    WORLD_CHECK(mail);
    member->mail_cnt++;
    mail->kind = (uint8_t)kind;
    mail->from = mail->reply_to = XORD_CONTROL;
    mail->local = local;
    mail->cookie = cookie;
    return mail;
}

void member_post(struct member *member, uint16_t to, struct xord_mail *mail)
{
    struct world_shard *shard;

    if (to == XORD_CONTROL) {
        mail->next = member->control;
        member->control = mail;
        return;
    }
    WORLD_CHECK(to < member->shard_cnt);
    shard = &member->shards[to];
    mail->next = NULL;
    if (shard->mail_tail)
        shard->mail_tail->next = mail;
    else
        shard->mail_head = mail;
    shard->mail_tail = mail;
}

void member_request(struct member *member, struct xord_mail *mail)
{
    member_post(member, member_shard_of(member, mail->local, &mail->request.peer.ep), mail);
}

void member_ping(struct member *member, uint32_t local, const struct xord_peer *peer, uint64_t cookie)
{
    struct xord_mail *mail = member_mail_new(member, XORD_MAIL_REQUEST, local, cookie);

    mail->request.peer = *peer;
    mail->request.type = XORD_MSG_PING;
    member_request(member, mail);
}

void member_findnode(struct member *member, uint32_t local, const struct xord_peer *peer, const uint16_t *distances,
        uint16_t distance_cnt, uint64_t cookie)
{
    struct xord_mail *mail = member_mail_new(member, XORD_MAIL_REQUEST, local, cookie);

    mail->request.peer = *peer;
    mail->request.type = XORD_MSG_FINDNODE;
    mail->request.distance_cnt = distance_cnt;
    memcpy(mail->request.distances, distances, distance_cnt * sizeof(distances[0]));
    member_request(member, mail);
}

void member_talk(struct member *member, uint32_t local, const struct xord_peer *peer, const char *protocol,
        const uint8_t *request, uint16_t request_len, uint64_t cookie)
{
    struct xord_mail *mail = member_mail_new(member, XORD_MAIL_REQUEST, local, cookie);
    size_t protocol_len = strlen(protocol);

    mail->request.peer = *peer;
    mail->request.type = XORD_MSG_TALKREQ;
    mail->request.protocol_len = (uint16_t)protocol_len;
    mail->request.request_len = request_len;
    memcpy(mail->request.talk, protocol, protocol_len);
    if (request_len)
        memcpy(mail->request.talk + protocol_len, request, request_len);
    member_request(member, mail);
}

const struct xord_mail *member_reply(const struct member *member, enum xord_mail_kind kind, uint64_t cookie)
{
    const struct xord_mail *oldest = NULL;

    for (const struct xord_mail *mail = member->control; mail; mail = mail->next)
        if (mail->kind == kind && mail->cookie == cookie)
            oldest = mail;
    return oldest;
}

uint32_t member_reply_cnt(const struct member *member, enum xord_mail_kind kind, uint64_t cookie)
{
    uint32_t cnt = 0;

    for (const struct xord_mail *mail = member->control; mail; mail = mail->next)
        cnt += mail->kind == kind && mail->cookie == cookie;
    return cnt;
}

void member_forget(struct member *member)
{
    while (member->control) {
        struct xord_mail *mail = member->control;

        member->control = mail->next;
        mail_free(member, mail);
    }
}
