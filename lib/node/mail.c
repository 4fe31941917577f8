/* SPDX-License-Identifier: BSD-3-Clause */
/* Records inside a mail. */
#include "xord_mail.h"

#include <string.h>

bool xord_mail_records_put(struct xord_mail_records *records, const uint8_t id32[32], const uint8_t *raw, uint16_t len)
{
    uint8_t *p = records->data + records->len;

    if (sizeof(records->data) - records->len < 34U + len)
        return false;
    memcpy(p, id32, 32);
    memcpy(p + 32, &len, 2);
    memcpy(p + 34, raw, len);
    records->len = (uint16_t)(records->len + 34U + len);
    records->cnt++;
    return true;
}

bool xord_mail_records_next(const struct xord_mail_records *records, size_t *pos, struct xord_enr *enr)
{
    uint16_t len;

    while (*pos < records->len) {
        const uint8_t *p = records->data + *pos;

        memcpy(&len, p + 32, 2);
        *pos += 34U + len;
        if (xord_enr_decode(enr, p + 34, len) == 0) {
            memcpy(enr->id32, p, 32);
            return true;
        }
    }
    return false;
}

struct xord_peer xord_peer_from_enr(const struct xord_enr *enr, const struct xord_endpoint *ep)
{
    struct xord_peer peer = {.ep = *ep};

    memcpy(peer.id32, enr->id32, 32);
    memcpy(peer.pubkey33, enr->pubkey33, XORD_PUBKEY_LEN);
    return peer;
}
