/* SPDX-License-Identifier: BSD-3-Clause */
/* One message, its type fixed by MESSAGE_TYPE; the input is what follows the type byte. Whatever decodes must encode
 * to the very bytes it came from, and its lists must be walked to their end. */
#include "fuzz_target.h"
#include "xord_endpoint.h"
#include "xord_enr.h"
#include "xord_message.h"
#include "xord_packet.h"

static void check_distances(const struct xord_rlp_view *view)
{
    uint32_t distance;
    size_t pos = 0;
    size_t cnt = 0;

    while (xord_distances_next(view, &pos, &distance))
        cnt++;
    FUZZ_CHECK(cnt == view->cnt && pos == view->len);
}

static void check_records(const struct xord_rlp_view *view)
{
    struct xord_bytes_view record;
    size_t pos = 0;
    size_t cnt = 0;

    while (xord_records_next(view, &pos, &record)) {
        FUZZ_CHECK(record.len > 0 && record.len <= XORD_ENR_MAX_LEN);
        cnt++;
    }
    FUZZ_CHECK(cnt == view->cnt && pos == view->len);
}

static void check_lists(const struct xord_message *msg)
{
    switch (msg->type) {
    case XORD_MSG_FINDNODE:
        check_distances(&msg->findnode.distances);
        break;
    case XORD_MSG_REGTOPIC:
        check_distances(&msg->regtopic.distances);
        break;
    case XORD_MSG_TOPICQUERY:
        check_distances(&msg->topicquery.distances);
        break;
    case XORD_MSG_NODES:
    case XORD_MSG_TOPICNODES:
        check_records(&msg->nodes.records);
        break;
    default:
        break;
    }
}

/* An IPv4 address that came in 16 bytes goes out in 4: the one value with two encodings. */
static size_t expected_len(const struct xord_message *msg, size_t in_len, size_t out_len)
{
    bool shortened = msg->type == XORD_MSG_PONG && xord_ip_is_v4(msg->pong.ip16) && out_len != in_len;

    return shortened ? in_len - 12 : in_len;
}

static void check_message(const uint8_t *data, size_t size)
{
    uint8_t out[XORD_PACKET_MAX_LEN];
    struct xord_message msg;
    size_t len;

    if (xord_message_decode(&msg, data, size))
        return;
    check_lists(&msg);
    FUZZ_CHECK(xord_message_encode(out, &len, sizeof(out), &msg) == 0);
    FUZZ_CHECK(len == expected_len(&msg, size, len));
    FUZZ_CHECK(len != size || memcmp(out, data, len) == 0);
    FUZZ_CHECK(xord_message_encode(out, &len, len - 1, &msg) == XORD_ENOSPC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *message = malloc(size + 1);

    FUZZ_CHECK(message);
    message[0] = MESSAGE_TYPE;
    if (size)
        memcpy(message + 1, data, size);
    check_message(message, size + 1);
    free(message);
    return 0;
}
