/* SPDX-License-Identifier: BSD-3-Clause */
/* Records inside a mail. */
#include "xord_mail.h"

#include <string.h>

#define HEAD_LEN (32 + 8 + 2)

bool xord_mail_records_put(struct xord_mail_records *records, const struct xord_enr *enr)
{
    uint8_t *p = records->data + records->len;

    if (sizeof(records->data) - records->len < (size_t)HEAD_LEN + enr->len)
        return false;
    memcpy(p, enr->id32, 32);
    memcpy(p + 32, &enr->seq, 8);
    memcpy(p + 40, &enr->len, 2);
    memcpy(p + HEAD_LEN, enr->raw, enr->len);
    records->len = (uint16_t)(records->len + HEAD_LEN + enr->len);
    records->cnt++;
    return true;
}

bool xord_mail_records_peek(const struct xord_mail_records *records, size_t *pos, struct xord_mail_record *record)
{
    const uint8_t *p = records->data + *pos;

    if (*pos >= records->len)
        return false;
    record->id32 = p;
    memcpy(&record->seq, p + 32, 8);
    memcpy(&record->len, p + 40, 2);
    record->raw = p + HEAD_LEN;
    *pos += HEAD_LEN + record->len;
    return true;
}

int xord_mail_record_decode(struct xord_enr *enr, const struct xord_mail_record *record)
{
    int err = xord_enr_decode(enr, record->raw, record->len);

    if (!err)
        memcpy(enr->id32, record->id32, 32);
    return err;
}

bool xord_mail_records_next(const struct xord_mail_records *records, size_t *pos, struct xord_enr *enr)
{
    struct xord_mail_record record;

    while (xord_mail_records_peek(records, pos, &record))
        if (xord_mail_record_decode(enr, &record) == 0)
            return true;
    return false;
}

struct xord_peer xord_peer_from_enr(const struct xord_enr *enr, const struct xord_endpoint *ep)
{
    struct xord_peer peer = {.ep = *ep};

    memcpy(peer.id32, enr->id32, 32);
    memcpy(peer.pubkey33, enr->pubkey33, XORD_PUBKEY_LEN);
    return peer;
}
