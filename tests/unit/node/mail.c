/* SPDX-License-Identifier: BSD-3-Clause */
/* Records inside a mail: what is put in comes out, and no more than fits. */
#include "xord_mail.h"

#include <stdlib.h>

#include "puppet.h"
#include "test_util.h"

static struct world *world;
static struct xord_mail_records *records;

static void setup(void)
{
    world = world_new(4);
    records = calloc(1, sizeof(*records));
}

static void teardown(void)
{
    free(records);
    world_free(world);
    TEST_NO_LEAK();
}

TestSuite(mail, .init = setup, .fini = teardown);

Test(mail, records_come_out_as_they_went_in)
{
    struct xord_enr enrs[8], enr;
    size_t pos = 0;
    int n = 0;

    for (int i = 0; i < 8; i++) {
        enrs[i] = puppet_record(world, "10.0.0.1", (uint16_t)(i + 1), NULL, 0);
        cr_assert(xord_mail_records_put(records, &enrs[i]));
    }
    cr_assert_eq(records->cnt, 8);
    while (xord_mail_records_next(records, &pos, &enr)) {
        cr_assert_bytes(enr.id32, enrs[n].id32, 32);
        cr_assert_eq(enr.len, enrs[n].len);
        cr_assert_bytes(enr.raw, enrs[n].raw, enr.len);
        cr_assert_eq(enr.udp, n + 1);
        n++;
    }
    cr_assert_eq(n, 8);
    cr_assert_not(xord_mail_records_next(records, &pos, &enr));
}

Test(mail, says_who_it_is_without_decoding)
{
    struct xord_enr enr = puppet_record(world, "10.0.0.1", 7, NULL, 0), decoded;
    struct xord_mail_record record;
    size_t pos = 0;

    cr_assert(xord_mail_records_put(records, &enr));
    cr_assert(xord_mail_records_peek(records, &pos, &record));
    cr_assert_bytes(record.id32, enr.id32, 32);
    cr_assert_eq(record.seq, enr.seq);
    cr_assert_eq(xord_mail_record_decode(&decoded, &record), 0);
    cr_assert_bytes(decoded.raw, enr.raw, enr.len);
    cr_assert_bytes(decoded.id32, enr.id32, 32);
    cr_assert_not(xord_mail_records_peek(records, &pos, &record));
}

Test(mail, an_empty_one_has_none)
{
    struct xord_enr enr;
    size_t pos = 0;

    cr_assert_not(xord_mail_records_next(records, &pos, &enr));
}

Test(mail, takes_what_fits)
{
    uint32_t room = sizeof(records->data), put = 0;
    struct xord_enr enr = {.id32 = {1}};

    for (enr.len = XORD_ENR_MAX_LEN; enr.len > 0; enr.len--) {
        bool fits = room >= 42U + enr.len;

        cr_assert_eq(xord_mail_records_put(records, &enr), fits, "%u bytes into %u", enr.len, room);
        room -= fits ? 42U + enr.len : 0;
        put += fits;
    }
    cr_assert_eq(records->cnt, put);
    cr_assert_eq(records->len, sizeof(records->data) - room);
}

/* The records of the largest NODES packet there can be: each has at least a signature, a seq and a key. */
Test(mail, holds_the_records_of_one_packet)
{
    struct xord_enr enr = puppet_record(world, "1.1.1.1", 1, NULL, 0);
    uint32_t least = 64 + 2 + 1 + 3 + 3 + 10 + 34 + 2, most = XORD_MESSAGE_MAX_LEN / least;

    cr_assert_geq(sizeof(records->data), XORD_MESSAGE_MAX_LEN + most * 42, "%u records of %u bytes", most, least);
    cr_assert_geq(enr.len, least);
}

/* Who has the pool overwrite a record finds nothing, and the walk ends. */
Test(mail, skips_what_does_not_decode)
{
    struct xord_enr one = puppet_record(world, "10.0.0.1", 1, NULL, 0), enr;
    struct xord_enr broken = {.raw = {0xff, 0xff, 0xff}, .len = 3};
    size_t pos = 0;

    cr_assert(xord_mail_records_put(records, &broken));
    cr_assert(xord_mail_records_put(records, &one));
    cr_assert(xord_mail_records_next(records, &pos, &enr));
    cr_assert_bytes(enr.raw, one.raw, one.len);
    cr_assert_not(xord_mail_records_next(records, &pos, &enr));
}

Test(mail, fits_its_slot)
{
    cr_assert_leq(sizeof(struct xord_mail), 2048);
}
