/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of a crowd: template, key, endpoint, signature. Spec: enr.md, "Record Structure". */
#include <stdlib.h>
#include <string.h>

#include "crowd_private.h"
#include "xord_bytes.h"
#include "xord_keccak.h"
#include "xord_rlp.h"

/* The smallest seq of each length in RLP: one byte as it stands; 0x81, 0x82, 0x83 and so many bytes. */
static const uint32_t first_seq[CROWD_SEQ_LENS] = {1, 0x80, 0x100, 0x10000};

static int seq_len_of(uint64_t seq)
{
    int len = CROWD_SEQ_LENS - 1;

    while (len > 0 && seq < first_seq[len])
        len--;
    return len;
}

/* ---- templates ---- */

static uint16_t offset_of(const struct xord_enr *enr, const char *key)
{
    struct xord_enr_pair pair;

    return xord_enr_find(enr, key, &pair) ? (uint16_t)(pair.value - enr->raw) : 0;
}

static void template_take(struct crowd_template *template, bool random_attnets, bool v4)
{
    const struct xord_enr *enr = &template->enr;
    uint16_t header_len = enr->raw[0] == 0xf8 ? 2 : 3; /* a record is 66 to 300 bytes long */

    template->at_sig = (uint16_t)(header_len + 2);
    template->at_seq = (uint16_t)(template->at_sig + XORD_SIG_LEN);
    template->body_len = (uint16_t)(enr->len - template->at_seq);
    template->at_ip = offset_of(enr, v4 ? "ip" : "ip6");
    template->at_pubkey = offset_of(enr, "secp256k1");
    template->at_attnets = random_attnets ? offset_of(enr, "attnets") : 0;
}

static int template_make(struct xord_crowd *crowd, uint32_t class, int seq_len)
{
    struct crowd_template *template = &crowd->templates[class][seq_len];
    struct xord_enr_draft draft;
    struct xord_endpoint ep = xord_endpoint_v6(crowd->cfg.ip16, crowd->cfg.udp_port);
    int err;

    xord_enr_draft_init(&draft, 1);
    if (crowd->cfg.class_cnt > 0)
        draft = crowd->cfg.classes[class].draft;
    draft.seq = first_seq[seq_len];
    err = xord_enr_draft_set_endpoint(&draft, &ep);
    if (!err)
        err = xord_enr_sign(&template->enr, &draft, crowd->cfg.curve, crowd->locals->all[0].seckey32);
    if (!err)
        template_take(template, crowd->random_attnets[class], xord_endpoint_is_v4(&ep));
    return err;
}

int crowd_templates_init(struct xord_crowd *crowd)
{
    uint32_t class_cnt = crowd->cfg.class_cnt ? crowd->cfg.class_cnt : 1;

    crowd->templates = calloc(class_cnt, sizeof(*crowd->templates));
    if (!crowd->templates)
        return XORD_ENOMEM;
    for (uint32_t c = 0; c < class_cnt; c++) {
        crowd->random_attnets[c] = crowd->cfg.class_cnt > 0 && crowd->cfg.classes[c].random_attnets;
        for (int len = 0; len < CROWD_SEQ_LENS; len++)
            if (template_make(crowd, c, len))
                return XORD_ESIZE;
    }
    return 0;
}

/* ---- signatures ---- */

static void sign(const struct xord_crowd *crowd, uint8_t sig64[64], uint32_t i, const uint8_t *body, size_t body_len)
{
    uint8_t content[XORD_ENR_MAX_LEN], hash32[32];
    struct xord_wr wr = xord_wr_init(content, sizeof(content));

    xord_rlp_put_list_header(&wr, body_len);
    xord_wr_put(&wr, body, body_len);
    xord_keccak256(hash32, content, wr.len);
    (void)!xord_sign(crowd->cfg.curve, sig64, hash32, crowd->locals->all[i].seckey32); /* the key is a good one */
}

static struct crowd_sig *sig_slot(const struct xord_crowd *crowd, uint32_t i, uint32_t version)
{
    return &crowd->sigs[crowd->sigs[1] ? version % 2 : 0][i];
}

static bool sig_read(const struct crowd_sig *slot, uint8_t sig64[64], uint32_t version)
{
    uint64_t words[8];

    if (atomic_load_explicit(&slot->version1, memory_order_acquire) != version + 1)
        return false;
    for (int w = 0; w < 8; w++)
        words[w] = atomic_load_explicit(&slot->words[w], memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&slot->version1, memory_order_relaxed) != version + 1)
        return false;
    memcpy(sig64, words, 64);
    return true;
}

/* Who finds another at it leaves it to him. */
static void sig_write(struct crowd_sig *slot, const uint8_t sig64[64], uint32_t version)
{
    uint32_t before = atomic_load_explicit(&slot->version1, memory_order_relaxed);
    uint64_t words[8];

    if (before == CROWD_SIG_BUSY || !atomic_compare_exchange_strong_explicit(&slot->version1, &before, CROWD_SIG_BUSY,
                                            memory_order_relaxed, memory_order_relaxed))
        return;
    atomic_thread_fence(memory_order_release);
    memcpy(words, sig64, 64);
    for (int w = 0; w < 8; w++)
        atomic_store_explicit(&slot->words[w], words[w], memory_order_relaxed);
    atomic_store_explicit(&slot->version1, version + 1, memory_order_release);
}

/* ---- records ---- */

/* Two of 64 subnets, as most nodes have. */
static void put_attnets(const struct xord_crowd *crowd, uint8_t bits8[8], uint32_t i)
{
    uint64_t roll = crowd_roll(crowd, DICE_ATTNETS, i, 0);

    memset(bits8, 0, 8);
    bits8[roll % 8] |= (uint8_t)(1U << (roll >> 8) % 8);
    bits8[(roll >> 16) % 8] |= (uint8_t)(1U << (roll >> 24) % 8);
}

static const struct crowd_template *record_fill(const struct xord_crowd *crowd, uint8_t raw[XORD_ENR_MAX_LEN],
        uint32_t i, uint32_t version)
{
    uint64_t seq = (uint64_t)version + 1;
    int seq_len = seq_len_of(seq);
    const struct crowd_template *template = &crowd->templates[xord_crowd_class(crowd, i)][seq_len];
    struct xord_endpoint ep = xord_crowd_endpoint(crowd, i, version);

    memcpy(raw, template->enr.raw, template->enr.len);
    for (int b = 0; b < (seq_len ? seq_len : 1); b++)
        raw[template->at_seq + seq_len - b] = (uint8_t)(seq >> 8 * b);
    if (xord_endpoint_is_v4(&ep))
        memcpy(raw + template->at_ip, ep.ip16 + 12, 4);
    else
        memcpy(raw + template->at_ip, ep.ip16, 16);
    memcpy(raw + template->at_pubkey, crowd->locals->all[i].enr.pubkey33, XORD_PUBKEY_LEN);
    if (template->at_attnets)
        put_attnets(crowd, raw + template->at_attnets, i);
    return template;
}

/* True: it had to be signed. */
static bool record_sign(struct xord_crowd *crowd, uint8_t *raw, const struct crowd_template *template, uint32_t i,
        uint32_t version)
{
    struct crowd_sig *slot = sig_slot(crowd, i, version);
    uint8_t *sig64 = raw + template->at_sig;

    if (sig_read(slot, sig64, version))
        return false;
    sign(crowd, sig64, i, raw + template->at_seq, template->body_len);
    sig_write(slot, sig64, version);
    return true;
}

uint16_t xord_crowd_record(struct xord_crowd *crowd, uint8_t raw[XORD_ENR_MAX_LEN], uint32_t i, uint32_t version)
{
    const struct crowd_template *template = record_fill(crowd, raw, i, version);

    (void)record_sign(crowd, raw, template, i, version);
    return template->enr.len;
}

void xord_crowd_enr(struct xord_crowd *crowd, struct xord_enr *enr, uint32_t i, uint64_t now_ns)
{
    uint8_t raw[XORD_ENR_MAX_LEN];
    uint16_t len = xord_crowd_record(crowd, raw, i, xord_crowd_version(crowd, i, now_ns));

    (void)!xord_enr_decode(enr, raw, len); /* as the template did */
    memcpy(enr->id32, crowd->locals->all[i].id32, 32);
}

bool xord_crowd_sign(struct xord_crowd *crowd, uint32_t i, uint64_t now_ns)
{
    uint32_t version = xord_crowd_version(crowd, i, now_ns);
    uint8_t raw[XORD_ENR_MAX_LEN];

    if (atomic_load_explicit(&sig_slot(crowd, i, version)->version1, memory_order_relaxed) == version + 1)
        return false;
    return record_sign(crowd, raw, record_fill(crowd, raw, i, version), i, version);
}
