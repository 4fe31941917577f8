/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints: which scope each special range has, prefixes, and text there and back. */
#include "xord_endpoint.h"

#include "test_util.h"
#include "xord_rng.h"

static const struct {
    const char *ip;
    enum xord_ip_scope scope;
} scope_rows[] = {
        /* the first and last address of each range, and their neighbours */
        {"0.0.0.0", XORD_IP_UNSPECIFIED},
        {"0.255.255.255", XORD_IP_UNSPECIFIED},
        {"1.0.0.0", XORD_IP_GLOBAL},
        {"9.255.255.255", XORD_IP_GLOBAL},
        {"10.0.0.0", XORD_IP_PRIVATE},
        {"10.255.255.255", XORD_IP_PRIVATE},
        {"11.0.0.0", XORD_IP_GLOBAL},
        {"100.63.255.255", XORD_IP_GLOBAL},
        {"100.64.0.0", XORD_IP_PRIVATE},
        {"100.127.255.255", XORD_IP_PRIVATE},
        {"100.128.0.0", XORD_IP_GLOBAL},
        {"126.255.255.255", XORD_IP_GLOBAL},
        {"127.0.0.0", XORD_IP_LOOPBACK},
        {"127.0.0.1", XORD_IP_LOOPBACK},
        {"127.255.255.255", XORD_IP_LOOPBACK},
        {"128.0.0.0", XORD_IP_GLOBAL},
        {"169.253.255.255", XORD_IP_GLOBAL},
        {"169.254.0.0", XORD_IP_PRIVATE},
        {"169.254.255.255", XORD_IP_PRIVATE},
        {"169.255.0.0", XORD_IP_GLOBAL},
        {"172.15.255.255", XORD_IP_GLOBAL},
        {"172.16.0.0", XORD_IP_PRIVATE},
        {"172.31.255.255", XORD_IP_PRIVATE},
        {"172.32.0.0", XORD_IP_GLOBAL},
        {"192.167.255.255", XORD_IP_GLOBAL},
        {"192.168.0.0", XORD_IP_PRIVATE},
        {"192.168.255.255", XORD_IP_PRIVATE},
        {"192.169.0.0", XORD_IP_GLOBAL},
        {"223.255.255.255", XORD_IP_GLOBAL},
        {"224.0.0.0", XORD_IP_MULTICAST},
        {"239.255.255.255", XORD_IP_MULTICAST},
        {"240.0.0.0", XORD_IP_MULTICAST},
        {"255.255.255.255", XORD_IP_MULTICAST},
        {"::", XORD_IP_UNSPECIFIED},
        {"::1", XORD_IP_LOOPBACK},
        {"::2", XORD_IP_GLOBAL},
        {"::ffff:127.0.0.1", XORD_IP_LOOPBACK},
        {"::ffff:8.8.8.8", XORD_IP_GLOBAL},
        {"2001:db8::1", XORD_IP_GLOBAL},
        {"fbff:ffff::", XORD_IP_GLOBAL},
        {"fc00::", XORD_IP_PRIVATE},
        {"fdff:ffff::1", XORD_IP_PRIVATE},
        {"fe00::", XORD_IP_GLOBAL},
        {"fe80::1", XORD_IP_PRIVATE},
        {"febf:ffff::1", XORD_IP_PRIVATE},
        {"fec0::1", XORD_IP_GLOBAL},
        {"ff00::", XORD_IP_MULTICAST},
        {"ff02::1", XORD_IP_MULTICAST},
};

Test(endpoint, scopes)
{
    for (size_t i = 0; i < sizeof(scope_rows) / sizeof(scope_rows[0]); i++) {
        uint8_t ip[16];

        cr_assert(xord_ip_parse(ip, scope_rows[i].ip) == 0, "%s", scope_rows[i].ip);
        cr_assert(xord_ip_scope(ip) == scope_rows[i].scope, "%s: %d", scope_rows[i].ip, xord_ip_scope(ip));
    }
}

static bool same_prefix(const char *a, const char *b, unsigned v4_bits, unsigned v6_bits)
{
    uint8_t a16[16], b16[16];

    cr_assert(xord_ip_parse(a16, a) == 0 && xord_ip_parse(b16, b) == 0);
    return xord_ip_same_prefix(a16, b16, v4_bits, v6_bits);
}

Test(endpoint, prefixes_of_ip_limits)
{
    cr_assert(same_prefix("1.2.3.4", "1.2.3.255", 24, 48));
    cr_assert(!same_prefix("1.2.3.4", "1.2.4.4", 24, 48));
    cr_assert(same_prefix("2001:db8:1::1", "2001:db8:1:ffff::2", 24, 48));
    cr_assert(!same_prefix("2001:db8:1::1", "2001:db8:2::1", 24, 48));
    cr_assert(!same_prefix("::1", "0.0.0.1", 0, 0), "families never match");
    cr_assert(!same_prefix("::fffe:1.2.3.4", "1.2.3.4", 0, 0));
}

/* Two addresses whose first difference is bit `n` share exactly the prefixes of up to `n` bits. */
Test(endpoint, every_prefix_length)
{
    for (unsigned n = 0; n < 128; n++) {
        uint8_t a[16], b[16];

        memset(a, 0x5a, 16);
        memcpy(b, a, 16);
        b[n / 8] ^= (uint8_t)(0xff >> n % 8); /* this bit and all after it */
        for (unsigned bits = 0; bits <= 128; bits++)
            cr_assert(xord_ip_same_prefix(a, b, 0, bits) == (bits <= n), "bit %u, prefix %u", n, bits);
        cr_assert(xord_ip_same_prefix(a, a, 0, 128));
    }
    for (unsigned n = 0; n < 32; n++) {
        struct xord_endpoint a = xord_endpoint_v4((uint8_t[]){10, 20, 30, 40}, 0), b = a;

        b.ip16[12 + n / 8] ^= (uint8_t)(0x80 >> n % 8);
        for (unsigned bits = 0; bits <= 32; bits++)
            cr_assert(xord_ip_same_prefix(a.ip16, b.ip16, bits, 0) == (bits <= n), "bit %u, prefix %u", n, bits);
        cr_assert(xord_ip_same_prefix(a.ip16, a.ip16, 32, 0));
    }
}

Test(endpoint, format)
{
    static const struct {
        const char *ip, *text;
        uint16_t port;
    } rows[] = {
            {"1.2.3.4", "1.2.3.4:9000", 9000},
            {"255.255.255.255", "255.255.255.255:65535", 65535},
            {"::ffff:1.2.3.4", "1.2.3.4:0", 0},
            {"2001:db8::1", "[2001:db8::1]:9000", 9000},
            {"::", "[::]:1", 1},
            {"1111:2222:3333:4444:5555:6666:7777:8888", "[1111:2222:3333:4444:5555:6666:7777:8888]:65535", 65535},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct xord_endpoint ep = {.port = rows[i].port};
        char text[XORD_ENDPOINT_TEXT_LEN];

        cr_assert(xord_ip_parse(ep.ip16, rows[i].ip) == 0);
        cr_assert(xord_endpoint_format(text, &ep) == text);
        cr_assert_str_eq(text, rows[i].text);
    }
}

Test(endpoint, every_address_comes_back_from_its_text)
{
    static const uint8_t seed[XORD_RNG_SEED_LEN] = "endpoint";
    char text[XORD_ENDPOINT_TEXT_LEN];
    struct xord_rng rng;

    xord_rng_init(&rng, seed);
    for (int i = 0; i < 5000; i++) {
        uint8_t ip[16], again[16];

        xord_rng_fill(&rng, ip, sizeof(ip));
        for (int b = 0; b < 16; b++)
            if (xord_rng_below(&rng, 2))
                ip[b] = 0;
        if (i % 2)
            memcpy(ip, xord_v4_mapped_prefix12, 12);
        cr_assert(xord_ip_parse(again, xord_ip_format(text, ip)) == 0, "%s", text);
        cr_assert(memcmp(ip, again, 16) == 0, "%s", text);
    }
}

Test(endpoint, malformed_text_is_refused)
{
    static const char *const bad[] = {"", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", "01.2.3.4",
            "1.2.3.4:9000", "[::1]", "::1::", ":", "12345::", "g::", "fe80::1%eth0", "localhost"};
    uint8_t ip[16];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert(xord_ip_parse(ip, bad[i]) == XORD_ETEXT, "\"%s\"", bad[i]);
}

Test(endpoint, values_have_no_padding_and_compare_whole)
{
    uint8_t ip6[16] = {0x20, 0x01};
    struct xord_endpoint a = xord_endpoint_v4((uint8_t[]){1, 2, 3, 4}, 9000), b = a, c = xord_endpoint_v6(ip6, 9000);

    cr_assert(sizeof(a) == 20 && a.reserved == 0 && c.reserved == 0);
    cr_assert(xord_endpoint_equal(&a, &b) && xord_endpoint_is_v4(&a) && !xord_endpoint_is_v4(&c));
    b.port++;
    cr_assert(!xord_endpoint_equal(&a, &b));
    cr_assert(memcmp(c.ip16, ip6, 16) == 0 && c.port == 9000);
}
