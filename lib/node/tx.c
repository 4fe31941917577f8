/* SPDX-License-Identifier: BSD-3-Clause */
/* What leaves a shard in one call: each datagram is built where it will stand, an answer in the buffer of what it answers; at the
 * end all are sealed, all are masked, and all are sent. Spec: discv5-wire.md, "Packet Encoding". */
#include <string.h>

#include "node_private.h"

uint8_t *tx_begin(struct xord_node *node, struct xord_dgram *answered, const uint8_t dst_id32[32],
        const struct xord_endpoint *src, const struct xord_endpoint *dst)
{
    struct xord_tx *out;

    if (node->tx_cnt == XORD_BURST_MAX)
        tx_flush(node);
    out = &node->tx[node->tx_cnt];
    if (answered && answered->buf) {
        out->buf = answered->buf;
        out->data = answered->data;
        answered->buf = NULL;
    } else if (!node->cfg.io.tx_alloc(node->cfg.io.ctx, out)) {
        COUNT(node, tx_dropped);
        return NULL;
    }
    out->src = *src;
    out->dst = *dst;
    memcpy(node->tx_jobs[node->tx_cnt].mask_key16, dst_id32, XORD_AES_KEY_LEN);
    return out->data;
}

static void end(struct xord_node *node, size_t head_len, size_t len)
{
    node->tx_jobs[node->tx_cnt].head_len = (uint16_t)head_len;
    node->tx[node->tx_cnt++].len = (uint16_t)len;
    COUNT(node, tx_packets);
    xord_counter_add(&node->counters, XORD_CNT_tx_bytes, len);
}

void tx_end(struct xord_node *node, size_t head_len, size_t len)
{
    node->tx_jobs[node->tx_cnt].sealed = false;
    end(node, head_len, len);
}

void tx_end_sealed(struct xord_node *node, size_t head_len, size_t msg_len, const uint8_t key16[16])
{
    struct tx_job *job = &node->tx_jobs[node->tx_cnt];

    job->sealed = true;
    memcpy(job->seal_key16, key16, XORD_AES_KEY_LEN);
    end(node, head_len, head_len + msg_len + XORD_GCM_TAG_LEN);
}

static void seal_all(struct xord_node *node)
{
    struct xord_gcm_job jobs[XORD_BURST_MAX];
    size_t n = 0;

    for (uint32_t i = 0; i < node->tx_cnt; i++) {
        const struct tx_job *job = &node->tx_jobs[i];
        const struct xord_tx *out = &node->tx[i];

        if (!job->sealed)
            continue;
        jobs[n++] = (struct xord_gcm_job){
                .key16 = job->seal_key16,
                .nonce12 = out->data + XORD_PACKET_NONCE_OFF,
                .aad = out->data,
                .aad_len = job->head_len,
                .src = out->data + job->head_len,
                .dst = out->data + job->head_len,
                .len = (uint32_t)out->len - job->head_len - XORD_GCM_TAG_LEN,
        };
    }
    node->cfg.aes_ops->gcm_seal(node->aes, jobs, n);
}

static void mask_all(struct xord_node *node)
{
    struct xord_ctr_once_job jobs[XORD_BURST_MAX];

    for (uint32_t i = 0; i < node->tx_cnt; i++)
        jobs[i] = xord_packet_mask_job(node->tx[i].data, node->tx_jobs[i].head_len, node->tx_jobs[i].mask_key16);
    node->cfg.aes_ops->ctr_once(node->aes, jobs, node->tx_cnt);
}

void tx_flush(struct xord_node *node)
{
    if (node->tx_cnt == 0)
        return;
    seal_all(node);
    mask_all(node);
    node->cfg.io.tx_send(node->cfg.io.ctx, node->tx, node->tx_cnt);
    node->tx_cnt = 0;
}

int tx_message_begin(struct xord_node *node, uint8_t **msg, struct xord_session *session, struct xord_dgram *answered,
        const struct xord_endpoint *src, uint8_t *nonce12_out)
{
    uint8_t iv16[XORD_MASKING_IV_LEN], nonce12[XORD_NONCE_LEN];
    uint8_t *data;

    if (xord_session_nonce(session, nonce12, &node->rng)) {
        COUNT(node, drop_session_exhausted);
        xord_session_remove(node->sessions, session);
        return XORD_ESTATE;
    }
    if (nonce12_out)
        memcpy(nonce12_out, nonce12, sizeof(nonce12));
    xord_rng_fill(&node->rng, iv16, sizeof(iv16));
    data = tx_begin(node, answered, session->key.peer_id32, src, &session->key.ep);
    if (!data)
        return XORD_EFULL;
    xord_packet_put_ordinary(data, iv16, nonce12, node->cfg.locals->all[session->key.local].id32);
    *msg = data + XORD_ORDINARY_HEAD_LEN;
    return 0;
}

void tx_message_end(struct xord_node *node, const struct xord_session *session, size_t len)
{
    tx_end_sealed(node, XORD_ORDINARY_HEAD_LEN, len, session->write_key16);
}

int tx_message(struct xord_node *node, struct xord_session *session, const uint8_t *msg, size_t len,
        const struct xord_endpoint *src, uint8_t *nonce12_out)
{
    uint8_t *room;
    int err = tx_message_begin(node, &room, session, NULL, src, nonce12_out);

    if (err)
        return err == XORD_EFULL ? 0 : err;
    memcpy(room, msg, len);
    tx_message_end(node, session, len);
    return 0;
}
