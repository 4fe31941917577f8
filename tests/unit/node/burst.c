/* SPDX-License-Identifier: BSD-3-Clause */
/* A burst of any packets does what the same packets do one at a time: twins.h says how that is seen. */
#include "test_util.h"
#include "twins.h"

static void teardown(void)
{
    twins_teardown();
    TEST_NO_LEAK();
}

TestSuite(burst, .init = twins_setup, .fini = teardown);

/* Nothing of what a case can be about has been left out. */
static void check_totals(void)
{
    static const enum xord_counter_id wanted[] = {XORD_CNT_tx_dropped, XORD_CNT_mail_dropped, XORD_CNT_drop_size,
            XORD_CNT_drop_not_discv5, XORD_CNT_drop_header, XORD_CNT_drop_message, XORD_CNT_drop_message_type,
            XORD_CNT_drop_self, XORD_CNT_drop_unsolicited, XORD_CNT_drop_nodes_total, XORD_CNT_drop_nodes_repeated,
            XORD_CNT_drop_record_distance, XORD_CNT_drop_record_invalid, XORD_CNT_drop_whoareyou,
            XORD_CNT_drop_handshake_no_challenge, XORD_CNT_drop_handshake_attempts, XORD_CNT_drop_handshake_record,
            XORD_CNT_drop_handshake_signature, XORD_CNT_drop_handshake_auth, XORD_CNT_drop_lane_full,
            XORD_CNT_drop_request_full, XORD_CNT_drop_session_exhausted, XORD_CNT_undecryptable,
            XORD_CNT_whoareyou_sent, XORD_CNT_whoareyou_repeated, XORD_CNT_challenge_evicted,
            XORD_CNT_whoareyou_received, XORD_CNT_handshakes_in, XORD_CNT_handshakes_out, XORD_CNT_sessions_evicted,
            XORD_CNT_records_verified, XORD_CNT_records_cached, XORD_CNT_ping_in, XORD_CNT_pong_in,
            XORD_CNT_findnode_in, XORD_CNT_nodes_in, XORD_CNT_talkreq_in, XORD_CNT_talkresp_in,
            XORD_CNT_requests_answered, XORD_CNT_requests_failed, XORD_CNT_nodes_own_shard, XORD_CNT_record_updates};

    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        cr_assert_gt(twins_totals[wanted[i]], 0, "no case of %s", xord_counter_name(wanted[i]));
}

Test(burst, does_what_its_packets_do_one_at_a_time)
{
    struct twins *twins = malloc(sizeof(*twins));

    cr_assert_not_null(twins);
    for (uint32_t seed = 1; seed <= 600; seed++)
        twins_play(twins, seed, 6, NULL);
    free(twins);
    check_totals();
}

/* The first message uses the session up, the second confirms new keys: the third comes under keys that nobody has. */
Test(burst, a_key_that_goes_within_a_burst_opens_nothing_after_that)
{
    static const uint8_t ping[] = {XORD_MSG_PING, 0xc2, 0x01, 0x01}, keys[32] = {0x11};
    struct twins *twins = malloc(sizeof(*twins));
    struct twins_packet packets[3] = {{.local = 1}, {.local = 1}, {.local = 1}};
    struct xord_session_key key = twins_key(0, 1);

    cr_assert_not_null(twins);
    twins_start(twins, 1, NULL);
    for (int s = 0; s < 2; s++)
        twins->sides[s].scarce = 0;
    twins_set_session(twins, 0, 1, NULL, 0);
    twins_begin_handshake(twins, 0, &packets[0]);
    twins_set_session(twins, 0, 1, keys, XORD_SESSION_MAX_SENT);
    twins_put_message(twins, &packets[0], 0, keys, ping, sizeof(ping));
    twins_put_message(twins, &packets[1], 0, conv_find(twins_node(twins), &key)->keys.read_key16, ping, sizeof(ping));
    twins_put_message(twins, &packets[2], 0, keys, ping, sizeof(ping));
    twins_take_in(twins, packets, 3);
    twins_compare(twins);
    cr_assert_eq(xord_counter_get(xord_node_counters(twins_node(twins)), XORD_CNT_ping_in), 2);
    cr_assert_eq(xord_counter_get(xord_node_counters(twins_node(twins)), XORD_CNT_undecryptable), 1);
    twins_stop(twins);
    free(twins);
}
