/* SPDX-License-Identifier: BSD-3-Clause */
/* Hex and base64url: RFC 4648's examples, what is not canonical, and every length there and back. */
#include "xord_text.h"

#include <stdbool.h>

#include "test_util.h"
#include "xord_rng.h"

static int b64(uint8_t *out, size_t *len, size_t cap, const char *text)
{
    return xord_base64url_decode(out, len, cap, text, strlen(text));
}

Test(hex, encodes_lower_case_and_decodes_either)
{
    static const uint8_t data[] = {0x00, 0x9f, 0xa0, 0xff, 0x5b};
    uint8_t out[5];
    char text[11];

    xord_hex_encode(text, data, sizeof(data));
    cr_assert_str_eq(text, "009fa0ff5b");
    cr_assert(xord_hex_decode(out, 5, text, 10) == 0);
    cr_assert_bytes(out, data, 5);
    cr_assert(xord_hex_decode(out, 5, "009FA0Ff5B", 10) == 0);
    cr_assert_bytes(out, data, 5);
    xord_hex_encode(text, data, 0);
    cr_assert_str_eq(text, "");
    cr_assert(xord_hex_decode(out, 0, "", 0) == 0);
}

Test(hex, takes_exactly_two_digits_a_byte)
{
    uint8_t out[2];

    cr_assert(xord_hex_decode(out, 2, "001", 3) == XORD_ETEXT);
    cr_assert(xord_hex_decode(out, 2, "00112", 5) == XORD_ETEXT);
    cr_assert(xord_hex_decode(out, 2, "001122", 6) == XORD_ETEXT);
    cr_assert(xord_hex_decode(out, 2, "", 0) == XORD_ETEXT);
}

Test(hex, refuses_every_other_character_at_either_place)
{
    for (int c = 0; c < 256; c++) {
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        char text[2] = {(char)c, '0'};
        uint8_t out;

        cr_assert((xord_hex_decode(&out, 1, text, 2) == 0) == digit, "first %d", c);
        text[0] = '0';
        text[1] = (char)c;
        cr_assert((xord_hex_decode(&out, 1, text, 2) == 0) == digit, "second %d", c);
    }
}

/* RFC 4648, section 10, without the padding. */
Test(base64url, matches_rfc_4648)
{
    static const char *const rows[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"},
            {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[16];
        uint8_t out[8];
        size_t len;

        xord_base64url_encode(text, (const uint8_t *)rows[i][0], strlen(rows[i][0]));
        cr_assert_str_eq(text, rows[i][1]);
        cr_assert(strlen(text) == XORD_BASE64_LEN(strlen(rows[i][0])));
        cr_assert(b64(out, &len, sizeof(out), text) == 0 && len == strlen(rows[i][0]));
        cr_assert(memcmp(out, rows[i][0], len) == 0, "%s", text);
    }
}

Test(base64url, uses_the_url_safe_alphabet)
{
    static const uint8_t data[] = {0xfb, 0xff, 0xbf};
    uint8_t out[3];
    char text[5];
    size_t len;

    xord_base64url_encode(text, data, 3);
    cr_assert_str_eq(text, "-_-_");
    cr_assert(b64(out, &len, 3, "-_-_") == 0 && len == 3);
    cr_assert_bytes(out, data, 3);
    cr_assert(b64(out, &len, 3, "+/+/") == XORD_ETEXT);
}

Test(base64url, every_length_comes_back)
{
    static const uint8_t seed[XORD_RNG_SEED_LEN] = "text";
    uint8_t data[400], out[400];
    char text[XORD_BASE64_LEN(400) + 1];
    struct xord_rng rng;

    xord_rng_init(&rng, seed);
    for (size_t n = 0; n <= sizeof(data); n++) {
        size_t len = SIZE_MAX;

        xord_rng_fill(&rng, data, n);
        xord_base64url_encode(text, data, n);
        cr_assert(strlen(text) == XORD_BASE64_LEN(n), "%zu", n);
        cr_assert(b64(out, &len, n, text) == 0 && len == n && memcmp(out, data, n) == 0, "%zu", n);
    }
}

Test(base64url, unused_bits_must_be_zero)
{
    uint8_t out[4];
    size_t len;

    cr_assert(b64(out, &len, 4, "Zh") == XORD_ECANON);
    cr_assert(b64(out, &len, 4, "Zv") == XORD_ECANON);
    cr_assert(b64(out, &len, 4, "Zm9") == XORD_ECANON);
    cr_assert(b64(out, &len, 4, "Zm-") == XORD_ECANON);
    cr_assert(b64(out, &len, 4, "Zm9vYh") == XORD_ECANON);
    cr_assert(b64(out, &len, 4, "Zg") == 0);
}

/* Each text of two or three characters decodes if and only if it is what the encoder writes. */
Test(base64url, only_the_encoders_texts_decode)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char text[4] = "", again[5];
    uint8_t out[3];
    size_t len, good = 0;

    for (int a = 0; a < 64; a++)
        for (int b = 0; b < 64; b++)
            for (int c = 0; c <= 64; c++) {
                text[0] = chars[a];
                text[1] = chars[b];
                text[2] = chars[c]; /* the terminating NUL makes a text of two */
                if (b64(out, &len, sizeof(out), text) != 0)
                    continue;
                xord_base64url_encode(again, out, len);
                cr_assert_str_eq(again, text);
                good++;
            }
    cr_assert(good == 256 + 65536, "%zu texts decode", good);
}

Test(base64url, refuses_padding_space_and_impossible_lengths)
{
    static const char *const bad[] = {"Zg==", "Zm8=", "Zg =", " Zg", "Zm9v\n", "Z", "Zm9vY", "Zm.v", "Zm\x80v",
            "Zm9vZg="};
    uint8_t out[8];
    size_t len;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert(b64(out, &len, sizeof(out), bad[i]) == XORD_ETEXT, "%s", bad[i]);
    cr_assert(xord_base64url_decode(out, &len, sizeof(out), "Zm\0v", 4) == XORD_ETEXT);
}

Test(base64url, never_writes_past_the_capacity)
{
    uint8_t out[4] = {0xee, 0xee, 0xee, 0xee};
    size_t len;

    cr_assert(b64(out, &len, 2, "Zm9v") == XORD_ESIZE);
    cr_assert(out[2] == 0xee);
    cr_assert(b64(out, &len, 0, "Zg") == XORD_ESIZE);
    cr_assert(b64(out, &len, 0, "") == 0 && len == 0);
}
