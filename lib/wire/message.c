/* SPDX-License-Identifier: BSD-3-Clause */
/* The ten messages, each a row of fields in one table that decoder and encoder share. Spec: discv5-wire.md,
 * "Protocol Messages". Every message is
 *
 *   type 1 || [request-id, field, field ...] */
#include "xord_message.h"

#include <assert.h>

#include "xord_endpoint.h"
#include "xord_enr.h"
#include "xord_packet.h"
#include "xord_rlp.h"

#define TOPIC_LEN 32

enum field_kind {
    FIELD_END, /* closes a row */
    FIELD_UINT,
    FIELD_PORT,
    FIELD_IP,
    FIELD_BYTES,
    FIELD_TOPIC,
    FIELD_RECORD,
    FIELD_DISTANCES,
    FIELD_RECORDS,
};

struct field {
    enum field_kind kind;
    size_t offset; /* of its place in struct xord_message */
};

#define FIELD(kind, member)                                                                                            \
    {                                                                                                                  \
        FIELD_##kind, offsetof(struct xord_message, member)                                                            \
    }

static const struct field layouts[][5] = {
        [XORD_MSG_PING] = {FIELD(UINT, ping.enr_seq)},
        [XORD_MSG_PONG] = {FIELD(UINT, pong.enr_seq), FIELD(IP, pong.ip16), FIELD(PORT, pong.port)},
        [XORD_MSG_FINDNODE] = {FIELD(DISTANCES, findnode.distances)},
        [XORD_MSG_NODES] = {FIELD(UINT, nodes.total), FIELD(RECORDS, nodes.records)},
        [XORD_MSG_TALKREQ] = {FIELD(BYTES, talkreq.protocol), FIELD(BYTES, talkreq.request)},
        [XORD_MSG_TALKRESP] = {FIELD(BYTES, talkresp.response)},
        [XORD_MSG_REGTOPIC] = {FIELD(TOPIC, regtopic.topic32), FIELD(RECORD, regtopic.record),
                FIELD(BYTES, regtopic.ticket), FIELD(DISTANCES, regtopic.distances)},
        [XORD_MSG_REGCONFIRMATION] = {FIELD(UINT, regconfirmation.total), FIELD(BYTES, regconfirmation.ticket),
                FIELD(UINT, regconfirmation.wait_time_ms)},
        [XORD_MSG_TOPICQUERY] = {FIELD(TOPIC, topicquery.topic32), FIELD(DISTANCES, topicquery.distances)},
        [XORD_MSG_TOPICNODES] = {FIELD(UINT, nodes.total), FIELD(RECORDS, nodes.records)},
};

/* NULL for an unknown type. */
static const struct field *layout_of(unsigned type)
{
    return type >= XORD_MSG_PING && type <= XORD_MSG_TOPICNODES ? layouts[type] : NULL;
}

/* ---- decoding ---- */

static void decode_ip(struct xord_rd *rd, uint8_t ip16[16])
{
    struct xord_slice_rd ip = xord_rlp_bytes(rd, 16);

    if (rd->err)
        return;
    if (ip.len == 4) {
        memcpy(ip16, xord_v4_mapped_prefix12, 12);
        memcpy(ip16 + 12, ip.data, 4);
    } else if (ip.len == 16) {
        memcpy(ip16, ip.data, 16);
    } else {
        xord_rd_fail(rd, XORD_ESIZE);
    }
}

static struct xord_bytes_view decode_bytes(struct xord_rd *rd)
{
    struct xord_slice_rd bytes = xord_rlp_bytes(rd, XORD_PACKET_MAX_LEN);

    return (struct xord_bytes_view){bytes.data, (uint16_t)bytes.len};
}

/* A record is kept whole, header included: that is what xord_enr_decode takes. */
static struct xord_bytes_view decode_record(struct xord_rd *rd)
{
    struct xord_rlp_item item = xord_rlp_next(rd);

    if (!rd->err && !item.is_list)
        xord_rd_fail(rd, XORD_ETYPE);
    else if (item.raw_len > XORD_ENR_MAX_LEN)
        xord_rd_fail(rd, XORD_ESIZE);
    if (rd->err)
        return (struct xord_bytes_view){0};
    return (struct xord_bytes_view){item.raw, (uint16_t)item.raw_len};
}

/* An unsigned integer of any size; above UINT32_MAX it reads as UINT32_MAX, for no distance is that large. */
static uint32_t decode_distance(struct xord_rd *rd)
{
    struct xord_slice_rd be = xord_rlp_bytes(rd, XORD_PACKET_MAX_LEN);
    uint32_t v = 0;

    if (be.len && be.data[0] == 0)
        xord_rd_fail(rd, XORD_ECANON);
    if (be.len > sizeof(v))
        return UINT32_MAX;
    for (size_t i = 0; i < be.len; i++)
        v = v << 8 | be.data[i];
    return v;
}

/* Checks every item of a list now, so that the iterators cannot fail later. */
static struct xord_rlp_view decode_list(struct xord_rd *rd, enum field_kind kind)
{
    struct xord_rd list = xord_rlp_list(rd);
    struct xord_rlp_view view = {.data = list.pos, .len = (uint16_t)xord_rd_left(&list)};

    while (xord_rd_left(&list)) {
        if (kind == FIELD_RECORDS)
            decode_record(&list);
        else
            decode_distance(&list);
        view.cnt++;
    }
    if (list.err)
        xord_rd_fail(rd, list.err);
    return view;
}

static void decode_field(struct xord_rd *rd, enum field_kind kind, void *place)
{
    switch (kind) {
    case FIELD_END:
        break;
    case FIELD_UINT:
        *(uint64_t *)place = xord_rlp_uint(rd, UINT64_MAX);
        break;
    case FIELD_PORT:
        *(uint16_t *)place = (uint16_t)xord_rlp_uint(rd, UINT16_MAX);
        break;
    case FIELD_IP:
        decode_ip(rd, place);
        break;
    case FIELD_BYTES:
        *(struct xord_bytes_view *)place = decode_bytes(rd);
        break;
    case FIELD_TOPIC:
        *(const uint8_t **)place = xord_rlp_fixed(rd, TOPIC_LEN);
        break;
    case FIELD_RECORD:
        *(struct xord_bytes_view *)place = decode_record(rd);
        break;
    case FIELD_DISTANCES:
    case FIELD_RECORDS:
        *(struct xord_rlp_view *)place = decode_list(rd, kind);
        break;
    }
}

static void decode_request_id(struct xord_rd *rd, struct xord_request_id *id)
{
    struct xord_slice_rd bytes = xord_rlp_bytes(rd, XORD_REQUEST_ID_MAX_LEN);

    if (rd->err)
        return;
    id->len = (uint8_t)bytes.len;
    xord_copy_short(id->bytes, bytes.data, bytes.len);
}

int xord_message_decode(struct xord_message *msg, const uint8_t *data, size_t len)
{
    struct xord_rd rd = xord_rd_init(data, len);
    const struct field *field;
    struct xord_rd list;
    int err;

    memset(msg, 0, sizeof(*msg));
    if (len == 0)
        return XORD_ESHORT;
    if (len > XORD_PACKET_MAX_LEN)
        return XORD_ESIZE;
    msg->type = xord_rd_u8(&rd);
    field = layout_of(msg->type);
    if (!field)
        return XORD_EFLAG;
    list = xord_rlp_list(&rd);
    err = xord_rd_end(&rd);
    if (err)
        return err;
    decode_request_id(&list, &msg->request_id);
    for (; field->kind != FIELD_END && !list.err; field++)
        decode_field(&list, field->kind, (uint8_t *)msg + field->offset);
    return xord_rd_end(&list);
}

/* ---- encoding ---- */

/* The address as it goes on the wire: 4 bytes for IPv4. */
static struct xord_bytes_view ip_bytes(const uint8_t ip16[16])
{
    if (xord_ip_is_v4(ip16))
        return (struct xord_bytes_view){ip16 + 12, 4};
    return (struct xord_bytes_view){ip16, 16};
}

static size_t field_size(enum field_kind kind, const void *place)
{
    const struct xord_bytes_view *bytes = place;
    struct xord_bytes_view ip;

    switch (kind) {
    case FIELD_END:
        break;
    case FIELD_UINT:
        return xord_rlp_uint_size(*(const uint64_t *)place);
    case FIELD_PORT:
        return xord_rlp_uint_size(*(const uint16_t *)place);
    case FIELD_IP:
        ip = ip_bytes(place);
        return xord_rlp_bytes_size(ip.data, ip.len);
    case FIELD_BYTES:
        return xord_rlp_bytes_size(bytes->data, bytes->len);
    case FIELD_TOPIC:
        return xord_rlp_bytes_size(*(const uint8_t *const *)place, TOPIC_LEN);
    case FIELD_RECORD:
        return bytes->len;
    case FIELD_DISTANCES:
    case FIELD_RECORDS:
        return xord_rlp_list_size(((const struct xord_rlp_view *)place)->len);
    }
    return 0;
}

static void put_list(struct xord_wr *wr, const struct xord_rlp_view *view)
{
    xord_rlp_put_list_header(wr, view->len);
    xord_wr_put(wr, view->data, view->len);
}

static void put_field(struct xord_wr *wr, enum field_kind kind, const void *place)
{
    const struct xord_bytes_view *bytes = place;
    struct xord_bytes_view ip;

    switch (kind) {
    case FIELD_END:
        break;
    case FIELD_UINT:
        xord_rlp_put_uint(wr, *(const uint64_t *)place);
        break;
    case FIELD_PORT:
        xord_rlp_put_uint(wr, *(const uint16_t *)place);
        break;
    case FIELD_IP:
        ip = ip_bytes(place);
        xord_rlp_put_bytes(wr, ip.data, ip.len);
        break;
    case FIELD_BYTES:
        xord_rlp_put_bytes(wr, bytes->data, bytes->len);
        break;
    case FIELD_TOPIC:
        xord_rlp_put_bytes(wr, *(const uint8_t *const *)place, TOPIC_LEN);
        break;
    case FIELD_RECORD:
        xord_wr_put(wr, bytes->data, bytes->len);
        break;
    case FIELD_DISTANCES:
    case FIELD_RECORDS:
        put_list(wr, place);
        break;
    }
}

int xord_message_encode(uint8_t *out, size_t *len, size_t cap, const struct xord_message *msg)
{
    const struct xord_request_id *id = &msg->request_id;
    const struct field *layout = layout_of(msg->type);
    struct xord_wr wr = xord_wr_init(out, cap);
    size_t payload_len;

    if (!layout)
        return XORD_EFLAG;
    assert(id->len <= XORD_REQUEST_ID_MAX_LEN);
    payload_len = xord_rlp_bytes_size(id->bytes, id->len);
    for (const struct field *f = layout; f->kind != FIELD_END; f++)
        payload_len += field_size(f->kind, (const uint8_t *)msg + f->offset);
    xord_wr_u8(&wr, (uint8_t)msg->type);
    xord_rlp_put_list_header(&wr, payload_len);
    xord_rlp_put_bytes(&wr, id->bytes, id->len);
    for (const struct field *f = layout; f->kind != FIELD_END; f++)
        put_field(&wr, f->kind, (const uint8_t *)msg + f->offset);
    *len = wr.len;
    return wr.err;
}

/* ---- lists ---- */

bool xord_distances_next(const struct xord_rlp_view *view, size_t *pos, uint32_t *distance)
{
    struct xord_rd rd;

    if (*pos >= view->len)
        return false;
    rd = xord_rd_init(view->data + *pos, view->len - *pos);
    *distance = decode_distance(&rd);
    *pos = (size_t)(rd.pos - view->data);
    return !rd.err;
}

bool xord_records_next(const struct xord_rlp_view *view, size_t *pos, struct xord_bytes_view *record)
{
    struct xord_rd rd;

    if (*pos >= view->len)
        return false;
    rd = xord_rd_init(view->data + *pos, view->len - *pos);
    *record = decode_record(&rd);
    *pos = (size_t)(rd.pos - view->data);
    return !rd.err;
}

int xord_distances_put(struct xord_rlp_view *view, uint8_t *buf, size_t cap, const uint16_t *distances, size_t cnt)
{
    /* A view counts in 16 bits. */
    struct xord_wr wr = xord_wr_init(buf, cap < UINT16_MAX ? cap : UINT16_MAX);

    for (size_t i = 0; i < cnt; i++)
        xord_rlp_put_uint(&wr, distances[i]);
    *view = (struct xord_rlp_view){buf, (uint16_t)wr.len, (uint16_t)cnt};
    return wr.err;
}
