/* SPDX-License-Identifier: BSD-3-Clause */
/* What a shard tells control of its table and sessions, and what of a table comes back as a seed. */
#include "test_util.h"
#include "world.h"
#include "xord_bytes.h"
#include "xord_mail.h"

#define PEERS 30

static struct world *world;
static struct member *host;
static struct member *peers[PEERS];
static uint64_t cookie;

static void setup(void)
{
    char ip[32];

    world = world_new(3);
    host = world_add(world, &(struct member_config){.ip = "10.0.0.1", .shard_cnt = 2});
    for (int i = 0; i < PEERS; i++) {
        struct xord_peer at = member_peer(host, 0);

        snprintf(ip, sizeof(ip), "10.0.%d.1", i + 1);
        peers[i] = world_add(world, &(struct member_config){.ip = ip});
        member_ping(peers[i], 0, &at, 1);
    }
    world_run(world, 20 * S);
    cookie = 100;
}

static void teardown(void)
{
    world_free(world);
    TEST_NO_LEAK();
}

TestSuite(listing, .init = setup, .fini = teardown);

static const struct xord_listed *ask(uint16_t shard, enum xord_list what, uint32_t pos)
{
    struct xord_mail *mail = member_mail_new(host, XORD_MAIL_LIST, 0, ++cookie);
    const struct xord_mail *reply;

    mail->list.what = (uint8_t)what;
    mail->list.pos = pos;
    member_post(host, shard, mail);
    world_run(world, 1 * MS);
    reply = member_reply(host, XORD_MAIL_LISTED, cookie);
    cr_assert_not_null(reply);
    cr_assert_eq(reply->listed.what, what);
    return &reply->listed;
}

/* How many are told of whose id begins with so many digits of a peer's; all of them do. */
static uint32_t ask_digits(enum xord_list what, int peer, uint8_t digits)
{
    const uint8_t *id32 = member_enr(peers[peer], 0)->id32;
    uint32_t cnt = 0;

    for (uint16_t shard = 0; shard < 2; shard++)
        for (uint32_t pos = 0; pos != XORD_LIST_END;) {
            struct xord_mail *mail = member_mail_new(host, XORD_MAIL_LIST, 0, ++cookie);
            const struct xord_listed *listed;

            mail->list.what = (uint8_t)what;
            mail->list.pos = pos;
            mail->list.id_digits = digits;
            memset(mail->list.id32, 0xff, 32); /* what is behind them does not matter */
            memcpy(mail->list.id32, id32, digits / 2);
            if (digits % 2)
                mail->list.id32[digits / 2] = id32[digits / 2] | 0x0f;
            member_post(host, shard, mail);
            world_run(world, 1 * MS);
            listed = &member_reply(host, XORD_MAIL_LISTED, cookie)->listed;
            for (uint32_t i = 0; i < listed->cnt; i++, cnt++) {
                const uint8_t *got =
                        what == XORD_LIST_TABLE ? listed->nodes[i].id32 : listed->sessions[i].key.peer_id32;

                cr_assert_eq(memcmp(got, id32, digits / 2), 0);
                cr_assert(digits % 2 == 0 || got[digits / 2] >> 4 == id32[digits / 2] >> 4);
            }
            pos = listed->next;
        }
    return cnt;
}

static int peer_of_id(const uint8_t id32[32])
{
    for (int i = 0; i < PEERS; i++)
        if (memcmp(member_enr(peers[i], 0)->id32, id32, 32) == 0)
            return i;
    return -1;
}

Test(listing, the_table_is_told_once_each)
{
    uint32_t seen[PEERS] = {0};

    for (uint16_t shard = 0; shard < 2; shard++)
        for (uint32_t pos = 0; pos != XORD_LIST_END;) {
            const struct xord_listed *listed = ask(shard, XORD_LIST_TABLE, pos);

            for (uint32_t i = 0; i < listed->cnt; i++) {
                const struct xord_listed_node *node = &listed->nodes[i];
                int peer = peer_of_id(node->id32);
                const struct xord_enr *enr;

                cr_assert_geq(peer, 0);
                enr = member_enr(peers[peer], 0);
                seen[peer]++;
                cr_assert_eq(node->enr_len, enr->len);
                cr_assert_bytes(node->enr, enr->raw, enr->len);
                cr_assert(node->replacement || node->live_checks > 0);
                cr_assert(node->replacement || node->last_live_ns > WORLD_START_NS);
                cr_assert_eq(node->distance, xord_log_distance(member_enr(host, 0)->id32, enr->id32));
                cr_assert_eq(member_shard_of(host, 0, &node->ep), shard);
            }
            pos = listed->next;
        }
    for (int i = 0; i < PEERS; i++)
        cr_assert_eq(seen[i], 1, "peer %d", i);
}

Test(listing, sessions_too)
{
    uint32_t seen[PEERS] = {0};

    for (uint16_t shard = 0; shard < 2; shard++)
        for (uint32_t pos = 0; pos != XORD_LIST_END;) {
            const struct xord_listed *listed = ask(shard, XORD_LIST_SESSIONS, pos);

            for (uint32_t i = 0; i < listed->cnt; i++) {
                int peer = peer_of_id(listed->sessions[i].key.peer_id32);

                cr_assert_geq(peer, 0);
                seen[peer]++;
                cr_assert_gt(listed->sessions[i].sent_cnt, 0);
            }
            pos = listed->next;
        }
    for (int i = 0; i < PEERS; i++)
        cr_assert_eq(seen[i], 1, "peer %d", i);
}

Test(listing, only_those_whose_id_begins_so)
{
    for (int what = XORD_LIST_TABLE; what <= XORD_LIST_SESSIONS; what++) {
        uint32_t few = ask_digits((enum xord_list)what, 3, 1);

        cr_assert_eq(ask_digits((enum xord_list)what, 3, 64), 1);
        cr_assert_eq(ask_digits((enum xord_list)what, 3, 63), 1);
        cr_assert_eq(ask_digits((enum xord_list)what, 3, 16), 1);
        cr_assert_eq(ask_digits((enum xord_list)what, 3, 0), PEERS);
        cr_assert(few >= 1 && few < PEERS / 2, "%u", few);
    }
}

static uint32_t live_at(struct member *member, uint32_t *all)
{
    struct xord_node_sizes sizes;

    xord_node_sizes(member_node(member), &sizes);
    *all = sizes.table;
    return sizes.table_live;
}

Test(listing, seeds_are_verified_gently_and_have_their_history_back)
{
    struct member *again = world_add(world, &(struct member_config){.ip = "10.9.0.1"});
    uint32_t all, past = 0;

    for (int i = 0; i < PEERS; i++) {
        struct xord_mail *mail = member_mail_new(again, XORD_MAIL_SEED, 0, 0);

        mail->seed.enr = *member_enr(peers[i], 0);
        mail->seed.past_checks = 9;
        member_post(again, 0, mail);
    }
    world_run(world, 20 * MS);
    (void)live_at(again, &all);
    cr_assert_gt(all, PEERS / 2, "the buckets have them at once");
    cr_assert_leq(member_count(again, XORD_CNT_ping_out), 3, "not all in one moment");
    world_run(world, 6 * S);
    cr_assert_eq(live_at(again, &all), all, "and have verified them after five seconds");
    host = again;
    for (uint32_t pos = 0; pos != XORD_LIST_END;) {
        const struct xord_listed *listed = ask(0, XORD_LIST_TABLE, pos);

        for (uint32_t i = 0; i < listed->cnt; i++)
            past += listed->nodes[i].live_checks >= 10;
        pos = listed->next;
    }
    cr_assert_eq(past, all, "one more than before");
}

Test(listing, a_seed_may_miss_what_its_history_allows)
{
    struct member *again = world_add(world, &(struct member_config){.ip = "10.9.0.1"});
    struct xord_mail *mail = member_mail_new(again, XORD_MAIL_SEED, 0, 0);
    uint32_t all;

    mail->seed.enr = *member_enr(peers[0], 0);
    xord_store_be32(mail->seed.enr.ip4, 0x0a636363); /* nobody is there */
    mail->seed.past_checks = 2;                      /* one miss */
    member_post(again, 0, mail);
    world_run(world, 7 * S);
    (void)live_at(again, &all);
    cr_assert_eq(all, 1);
    cr_assert_eq(live_at(again, &all), 0, "it is handed to nobody meanwhile");
    world_run(world, 20 * S);
    (void)live_at(again, &all);
    cr_assert_eq(all, 0);
}
