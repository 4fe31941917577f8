/* SPDX-License-Identifier: BSD-3-Clause */
/* Challenge store: 8-way sets of 48-byte entries. */
#include "xord_challenge.h"

#include <stdlib.h>

#include "xord_mem.h"

#define WAYS 8

struct xord_challenges {
    struct xord_challenge *entries;
    uint32_t set_mask;
    uint64_t life_ns;
    struct xord_hash_key hash_key;
};

_Static_assert(sizeof(struct xord_challenge) == 48, "a challenge holds little more than the nonce");

static size_t entries_len(const struct xord_challenges *challenges)
{
    return ((size_t)challenges->set_mask + 1) * WAYS * sizeof(*challenges->entries);
}

struct xord_challenges *xord_challenges_new(uint32_t capacity, uint64_t life_ns, const struct xord_hash_key *hash_key)
{
    struct xord_challenges *challenges = calloc(1, sizeof(*challenges));
    uint32_t sets = 1;

    if (!challenges)
        return NULL;
    while (sets * WAYS < capacity)
        sets *= 2;
    challenges->set_mask = sets - 1;
    challenges->entries = xord_mem_alloc(entries_len(challenges));
    if (!challenges->entries) {
        free(challenges);
        return NULL;
    }
    challenges->life_ns = life_ns;
    challenges->hash_key = *hash_key;
    return challenges;
}

void xord_challenges_free(struct xord_challenges *challenges)
{
    if (!challenges)
        return;
    xord_mem_free(challenges->entries, entries_len(challenges));
    free(challenges);
}

static struct xord_challenge *set_of(struct xord_challenges *challenges, const uint8_t owner16[16])
{
    return challenges->entries + (size_t)(xord_load_be32(owner16) & challenges->set_mask) * WAYS;
}

static bool is_open(const struct xord_challenges *challenges, const struct xord_challenge *challenge, uint64_t now_ns)
{
    static const uint8_t nobody[16];

    return memcmp(challenge->owner16, nobody, 16) != 0 && now_ns - challenge->sent_ns < challenges->life_ns;
}

struct xord_challenge *xord_challenge_find(struct xord_challenges *challenges, const struct xord_session_key *key,
        uint64_t now_ns)
{
    uint8_t owner16[16];
    struct xord_challenge *set;

    xord_hash128(owner16, &challenges->hash_key, key, sizeof(*key));
    set = set_of(challenges, owner16);
    for (int i = 0; i < WAYS; i++)
        if (memcmp(set[i].owner16, owner16, 16) == 0 && is_open(challenges, &set[i], now_ns))
            return &set[i];
    return NULL;
}

struct xord_challenge *xord_challenge_open(struct xord_challenges *challenges, const struct xord_session_key *key,
        const uint8_t request_nonce12[12], uint64_t enr_seq, uint64_t now_ns, bool *evicted)
{
    struct xord_challenge *set, *pick;
    uint8_t owner16[16];

    xord_hash128(owner16, &challenges->hash_key, key, sizeof(*key));
    set = set_of(challenges, owner16);
    pick = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (!is_open(challenges, &set[i], now_ns)) {
            pick = &set[i];
            break;
        }
        if (set[i].sent_ns < pick->sent_ns)
            pick = &set[i];
    }
    *evicted = is_open(challenges, pick, now_ns);
    *pick = (struct xord_challenge){.sent_ns = now_ns, .enr_seq = enr_seq};
    memcpy(pick->owner16, owner16, 16);
    memcpy(pick->request_nonce12, request_nonce12, 12);
    return pick;
}

void xord_challenge_close(struct xord_challenges *challenges, struct xord_challenge *challenge)
{
    (void)challenges;
    memset(challenge, 0, sizeof(*challenge));
}

void xord_challenge_data(uint8_t out[XORD_CHALLENGE_DATA_LEN], const struct xord_challenges *challenges,
        const struct xord_challenge *challenge, const struct xord_session_key *key)
{
    uint8_t input[sizeof(*key) + 12 + 8 + 1];
    uint8_t iv16[16], id_nonce16[16];

    memcpy(input, key, sizeof(*key));
    memcpy(input + sizeof(*key), challenge->request_nonce12, 12);
    xord_store_be64(input + sizeof(*key) + 12, challenge->sent_ns);
    input[sizeof(input) - 1] = 1;
    xord_hash128(iv16, &challenges->hash_key, input, sizeof(input));
    input[sizeof(input) - 1] = 2;
    xord_hash128(id_nonce16, &challenges->hash_key, input, sizeof(input));
    xord_packet_put_whoareyou(out, iv16, challenge->request_nonce12, id_nonce16, challenge->enr_seq);
}
