/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of addresses: text there and back, and who is in them. */
#include "xord_prefix.h"

#include "test_util.h"

static struct xord_prefix prefix_of(const char *text)
{
    struct xord_prefix prefix;

    cr_assert_eq(xord_prefix_parse(&prefix, text), 0, "%s", text);
    return prefix;
}

static bool has(const char *text, const char *ip)
{
    struct xord_prefix prefix = prefix_of(text);
    uint8_t ip16[16];

    cr_assert_eq(xord_ip_parse(ip16, ip), 0, "%s", ip);
    return xord_prefix_has(&prefix, ip16);
}

Test(prefix, text_there_and_back)
{
    static const char *const texts[] = {"192.0.2.0/24", "192.0.2.7", "0.0.0.0/0", "10.0.0.0/9", "2001:db8::/32", "::/0",
            "2001:db8::1", "2001:db8:0:ff80::/57", "128.0.0.0/1"};
    char out[XORD_PREFIX_TEXT_LEN];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct xord_prefix prefix = prefix_of(texts[i]);

        cr_assert_str_eq(xord_prefix_format(out, &prefix), texts[i]);
    }
}

Test(prefix, what_is_none)
{
    static const char *const texts[] = {"", "192.0.2.0/", "192.0.2.0/33", "192.0.2.1/24", "192.0.2.0/024",
            "192.0.2.0/-1", "192.0.2.0/2x", "192.0.2/24", "/24", "2001:db8::/129", "2001:db8::1/64", "192.0.2.0/24 ",
            "::/4294967296", "192.0.2.0/24/24",
            "1111111111111111111111111111111111111111111111111111111111111111111/1"};
    struct xord_prefix prefix;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        cr_assert_neq(xord_prefix_parse(&prefix, texts[i]), 0, "%s", texts[i]);
}

Test(prefix, who_is_in_it)
{
    cr_assert(has("192.0.2.0/24", "192.0.2.0"));
    cr_assert(has("192.0.2.0/24", "192.0.2.255"));
    cr_assert_not(has("192.0.2.0/24", "192.0.3.0"));
    cr_assert(has("192.0.2.128/25", "192.0.2.128"));
    cr_assert_not(has("192.0.2.128/25", "192.0.2.127"));
    cr_assert(has("0.0.0.0/0", "1.2.3.4"));
    cr_assert_not(has("0.0.0.0/0", "2001:db8::1"), "all of IPv4 is no IPv6");
    cr_assert(has("::/0", "2001:db8::1"));
    cr_assert_not(has("::/0", "1.2.3.4"), "all of IPv6 is no IPv4");
    cr_assert(has("1.2.3.4", "1.2.3.4"));
    cr_assert_not(has("1.2.3.4", "1.2.3.5"));
    cr_assert(has("2001:db8::/33", "2001:db8:7fff::1"));
    cr_assert_not(has("2001:db8::/33", "2001:db8:8000::1"));
}
