/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet for a fixed node id. The first byte selects how the rest is taken: even - as it would come from the network;
 * odd - as clear header and clear message, which are sealed and masked under known keys first, so that mutations get
 * past the mask and the tag. What is not for us must stay as it came; what was sealed must open. */
#include "fuzz_target.h"
#include "xord_message.h"
#include "xord_packet.h"

#define HEAD_FIXED_LEN (XORD_MASKING_IV_LEN + XORD_STATIC_HEADER_LEN)
#define INPUT_MAX      2560 /* twice a packet: sizes beyond it teach nothing */

static const uint8_t our_id32[32] = {0xbb, 0xbb, 0x9d, 0x04, 0x7f, 0x04, 0x88, 0xc0, 0xb5, 0xa9, 0x3c, 0x1c, 0x3f, 0x2d,
        0x8b, 0xaf, 0xc7, 0xc8, 0xff, 0x33, 0x70, 0x24, 0xa5, 0x54, 0x34, 0xa0, 0xd0, 0x55, 0x5d, 0xe6, 0x4d, 0xb9};
static const uint8_t message_key16[16] = {1};
static const struct xord_aes_ops *const ops = &xord_aes_native;
static struct xord_aes *aes;
static struct xord_ctr_key our_key;

static void setup(void)
{
    if (aes)
        return;
    aes = ops->open();
    FUZZ_CHECK(aes);
    xord_masking_key(ops, aes, &our_key, our_id32);
}

/* The parts must make up the packet, no more and no less. */
static void check_views(const struct xord_packet *pkt, const uint8_t *data, size_t size)
{
    FUZZ_CHECK(pkt->head == data && pkt->message == data + pkt->head_len);
    FUZZ_CHECK(pkt->head_len + pkt->message_len == size);
    FUZZ_CHECK(!pkt->record == !pkt->record_len);
    FUZZ_CHECK(!pkt->record || pkt->record + pkt->record_len == pkt->message);
    FUZZ_CHECK(pkt->flag == XORD_FLAG_WHOAREYOU ? !pkt->message_len : pkt->message_len >= XORD_GCM_TAG_LEN);
}

static int unmask(struct xord_packet *pkt, uint8_t *data, size_t size)
{
    uint8_t *before = fuzz_copy(data, size);
    int err = xord_packet_unmask(pkt, data, size, ops, aes, &our_key);

    if (!err)
        check_views(pkt, data, size);
    else if (err == XORD_ESIZE || err == XORD_EPROTO)
        FUZZ_CHECK(memcmp(before, data, size) == 0);
    free(before);
    return err;
}

static void open_and_decode(const struct xord_packet *pkt)
{
    uint8_t plain[XORD_PACKET_MAX_LEN];
    struct xord_message msg;
    struct xord_gcm_job job = {
            .key16 = message_key16,
            .nonce12 = pkt->nonce12,
            .aad = pkt->head,
            .aad_len = pkt->head_len,
            .src = pkt->message,
            .dst = plain,
            .len = pkt->message_len - XORD_GCM_TAG_LEN,
    };

    ops->gcm_open(aes, &job, 1);
    FUZZ_CHECK(job.err == 0);
    if (xord_message_decode(&msg, plain, job.len) == 0)
        FUZZ_CHECK(msg.request_id.len <= XORD_REQUEST_ID_MAX_LEN);
}

/* Seals what follows the header that the input describes, then masks it; returns the packet's size. */
static size_t seal(uint8_t *packet, const uint8_t *data, size_t size)
{
    size_t head_len = HEAD_FIXED_LEN + xord_load_be16(data + HEAD_FIXED_LEN - 2);
    struct xord_gcm_job job = {.key16 = message_key16, .nonce12 = packet + 25, .aad = packet};

    if (head_len > size)
        head_len = size;
    memcpy(packet, data, size);
    job.aad_len = (uint32_t)head_len;
    job.src = data + head_len;
    job.dst = packet + head_len;
    job.len = (uint32_t)(size - head_len);
    if (packet[24] != XORD_FLAG_WHOAREYOU) {
        ops->gcm_seal(aes, &job, 1);
        size += XORD_GCM_TAG_LEN;
    }
    xord_packet_mask(packet, head_len, ops, aes, &our_key);
    return size;
}

static void check_sealed(const uint8_t *data, size_t size)
{
    uint8_t *packet = malloc(size + XORD_GCM_TAG_LEN);
    struct xord_packet pkt;

    FUZZ_CHECK(packet);
    size = seal(packet, data, size);
    if (unmask(&pkt, packet, size) == 0 && pkt.flag != XORD_FLAG_WHOAREYOU)
        open_and_decode(&pkt);
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xord_packet pkt;
    uint8_t *copy;
    bool clear;

    if (size == 0 || size > INPUT_MAX)
        return 0;
    setup();
    clear = data[0] & 1;
    copy = fuzz_copy(data + 1, --size);
    if (clear && size >= HEAD_FIXED_LEN)
        check_sealed(copy, size);
    else if (!clear && unmask(&pkt, copy, size) == 0)
        FUZZ_CHECK(pkt.flag <= XORD_FLAG_HANDSHAKE);
    free(copy);
    return 0;
}
