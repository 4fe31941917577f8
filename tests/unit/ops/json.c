/* SPDX-License-Identifier: BSD-3-Clause */
#include "xord_json.h"

#include "test_util.h"

Test(json, nests_and_puts_commas)
{
    struct xord_buf buf = {0};
    struct xord_json json = {.buf = &buf};

    xord_json_object(&json, NULL);
    xord_json_array(&json, "none");
    xord_json_end_array(&json);
    xord_json_array(&json, "rows");
    for (unsigned i = 0; i < 2; i++) {
        xord_json_object(&json, NULL);
        xord_json_uint(&json, "n", i);
        xord_json_bool(&json, "odd", i == 1);
        xord_json_end_object(&json);
    }
    xord_json_null(&json, NULL);
    xord_json_end_array(&json);
    xord_json_uint(&json, "max", UINT64_MAX);
    xord_json_hex(&json, "id", (const uint8_t[]){0x00, 0xaf}, 2);
    xord_json_raw(&json, "raw", "[1]", 3);
    xord_json_end_object(&json);
    cr_assert_str_eq(buf.data, "{\"none\":[],\"rows\":[{\"n\":0,\"odd\":false},{\"n\":1,\"odd\":true},null],"
                               "\"max\":18446744073709551615,\"id\":\"00af\",\"raw\":[1]}");
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}

Test(json, strings_of_any_bytes)
{
    struct xord_buf buf = {0};
    struct xord_json json = {.buf = &buf};

    xord_json_array(&json, NULL);
    xord_json_string(&json, NULL, "a\"b\\c\n\x1b\xff\x7f~");
    xord_json_string(&json, NULL, "");
    xord_json_string(&json, NULL, NULL);
    xord_json_end_array(&json);
    cr_assert_str_eq(buf.data, "[\"a\\\"b\\\\c????~\",\"\",null]");
    xord_buf_free(&buf);
    TEST_NO_LEAK();
}
