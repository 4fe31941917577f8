/* SPDX-License-Identifier: BSD-3-Clause */
/* Token buckets by source. */
#include "xord_limit.h"

#include "test_util.h"
#include "world.h"

static const struct xord_hash_key key = {{1, 2}};

static struct xord_limit *limit_of(uint32_t rate, uint32_t burst, uint32_t prefix_rate, uint32_t prefix_burst)
{
    struct xord_limit_config config = {.address = {rate, burst}, .prefix = {prefix_rate, prefix_burst}};
    struct xord_limit *limit = xord_limit_new(&config, &key);

    cr_assert_not_null(limit);
    return limit;
}

static enum xord_limit_verdict charge(struct xord_limit *limit, const char *ip, uint64_t now_ns)
{
    struct xord_endpoint ep = world_ep(ip, 1);

    return xord_limit_charge(limit, ep.ip16, now_ns);
}

/* How many of `cnt`, sent evenly over a time, get through. */
static uint32_t let_in(struct xord_limit *limit, const char *ip, uint32_t cnt, uint64_t from_ns, uint64_t time_ns)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < cnt; i++)
        n += charge(limit, ip, from_ns + time_ns * i / cnt) == XORD_LIMIT_OK;
    return n;
}

Test(limit, a_burst_and_then_the_rate)
{
    static const uint32_t rates[] = {1, 10, 1000, 10000, 100000};

    for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
        uint32_t rate = rates[r], burst = rate > 20 ? rate / 10 : 3, n;
        struct xord_limit *limit = limit_of(rate, burst, 0, 0);

        cr_assert_eq(let_in(limit, "1.2.3.4", burst + 50, S, 0), burst + 1, "rate %u", rate);
        n = let_in(limit, "1.2.3.4", 30 * rate, S, 10 * S);
        cr_assert(n >= 10 * rate - 1 && n <= 10 * rate + rate / 5 + 1, "rate %u: %u in ten seconds", rate, n);
        cr_assert_eq(let_in(limit, "1.2.3.4", burst + 50, 100 * S, 0), burst + 1, "rate %u, after a pause", rate);
        xord_limit_free(limit);
    }
    TEST_NO_LEAK();
}

Test(limit, who_keeps_to_it_is_never_stopped)
{
    struct xord_limit *limit = limit_of(1000, 10, 3000, 10);

    for (uint64_t i = 0; i < 60000; i++)
        cr_assert_eq(charge(limit, "1.2.3.4", S + i * MS + i % 3), XORD_LIMIT_OK, "number %llu", (unsigned long long)i);
    xord_limit_free(limit);
    TEST_NO_LEAK();
}

/* The clock's words turn over every few minutes; a source that was away for any time is as new. */
Test(limit, at_any_time)
{
    struct xord_limit *limit = limit_of(10, 5, 0, 0);
    uint64_t now_ns = S;
    uint32_t odd = 0;

    for (int i = 0; i < 3000; i++) {
        uint32_t n = let_in(limit, "1.2.3.4", 20, now_ns, 0);

        cr_assert_leq(n, 6);
        odd += n < 6;
        now_ns += 7 * S + 913 * MS;
    }
    cr_assert_leq(odd, 3000 / 200, "%u times it was taken for one that had just sent", odd);
    xord_limit_free(limit);
    TEST_NO_LEAK();
}

Test(limit, addresses_and_their_prefixes)
{
    struct xord_limit *limit = limit_of(100, 9, 100, 29);

    cr_assert_eq(let_in(limit, "1.2.3.4", 50, S, 0), 10);
    cr_assert_eq(charge(limit, "1.2.3.4", S), XORD_LIMIT_ADDRESS);
    cr_assert_eq(let_in(limit, "1.2.3.5", 50, S, 0), 10, "another address");
    cr_assert_eq(let_in(limit, "1.2.3.6", 50, S, 0), 10, "what was refused is not charged to the prefix");
    cr_assert_eq(charge(limit, "1.2.3.7", S), XORD_LIMIT_PREFIX);
    cr_assert_eq(charge(limit, "1.2.4.7", S), XORD_LIMIT_OK, "another prefix");
    cr_assert_eq(let_in(limit, "2001:db8:1:1::1", 50, S, 0), 10);
    cr_assert_eq(charge(limit, "2001:db8:1:1:ffff::2", S), XORD_LIMIT_ADDRESS, "the same /64");
    cr_assert_eq(let_in(limit, "2001:db8:1:2::1", 50, S, 0), 10);
    cr_assert_eq(let_in(limit, "2001:db8:1:3::1", 50, S, 0), 10);
    cr_assert_eq(charge(limit, "2001:db8:1:4::1", S), XORD_LIMIT_PREFIX, "the same /48");
    cr_assert_eq(charge(limit, "2001:db8:2:4::1", S), XORD_LIMIT_OK);
    xord_limit_free(limit);
    TEST_NO_LEAK();
}

Test(limit, none_for_loopback_and_none_when_none_is_set)
{
    struct xord_limit *limit = limit_of(1, 1, 1, 1), *none = limit_of(0, 0, 0, 0);

    cr_assert_eq(let_in(limit, "127.0.0.1", 1000, S, 0), 1000);
    cr_assert_eq(let_in(limit, "::1", 1000, S, 0), 1000);
    cr_assert_eq(let_in(none, "1.2.3.4", 1000, S, 0), 1000);
    xord_limit_free(limit);
    xord_limit_free(none);
    TEST_NO_LEAK();
}

/* A thousand sources far over their limits: how many quiet ones suffer? And none of the loud ones gets more than its own. */
Test(limit, the_loud_hardly_hurt_the_quiet)
{
    struct xord_limit *limit = limit_of(100, 100, 0, 0);
    uint32_t loud_in = 0, hurt = 0;
    char ip[XORD_ENDPOINT_TEXT_LEN];

    for (int round = 0; round < 300; round++)
        for (int i = 0; i < 1000; i++) {
            snprintf(ip, sizeof(ip), "20.%d.%d.1", i / 250, i % 250);
            loud_in += charge(limit, ip, S + (uint64_t)round * 10 * MS) == XORD_LIMIT_OK;
        }
    cr_assert_leq(loud_in, 1000 * (101 + 300));
    for (int i = 0; i < 20000; i++) {
        snprintf(ip, sizeof(ip), "30.%d.%d.1", i / 250, i % 250);
        hurt += charge(limit, ip, S + (uint64_t)299 * 10 * MS) != XORD_LIMIT_OK;
    }
    cr_assert_leq(hurt, 20000 / 1000, "%u of 20,000 quiet sources were stopped", hurt);
    xord_limit_free(limit);
    TEST_NO_LEAK();
}
