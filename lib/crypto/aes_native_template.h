/* SPDX-License-Identifier: BSD-3-Clause */
/* AES-128 CTR and GCM for many small packets at once, each under a raw key of its own. No #pragma once: it is the body
 * of each kernel file, which defines before:
 *   vec, LANES   a vector and how many blocks of 16 bytes it has; lane i of a vector belongs to packet i
 *   VECS         how many vectors hash side by side, to hide the latency of their multiplications
 *   PAIR         how many expand their keys side by side: 1 or 2, as there are registers
 *   ENTRY, FN    specifiers of functions, with the target's instruction sets
 *   KERNEL       the name of the kernel
 *   v_...        operations on vectors; masks_... on the bytes of one packet
 * Specs: FIPS 197; NIST SP 800-38A (CTR) and 800-38D (GCM).
 *
 * A key costs more than a packet, so nothing is prepared that one packet would not repay: the key schedule runs in the
 * lanes and its round keys go straight into the hash key, the tag's mask and the first four counter blocks. GHASH takes
 * AGGREGATE blocks a reduction. Packets in one group may have any lengths: each lane's hash input is laid out so that
 * all end together, since zero blocks before the first change nothing.
 * Constant time but for lengths, counters and verdicts, all of which are public. */
#include <string.h>

#include "aes_native_private.h"
#include "xord_bytes.h"

#define BLOCK     16U
#define CHUNK     64U /* keystream is made by four blocks */
#define GROUP     (LANES * VECS)
#define AGGREGATE 3U
#define WINDOW    84U /* blocks staged for GHASH at a time, a multiple of AGGREGATE: a packet's 1,280 bytes fit */
#define UNITS     (2 * LANES)
#define UNIT_VECS (4 / LANES)

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

struct group {
    vec round_keys[VECS][11];
    vec hash_keys[VECS][AGGREGATE]; /* powers of the hash key */
    vec tag_masks[VECS];
    vec hashes[VECS];
    uint8_t stream[GROUP][CHUNK];
    uint8_t tags[GROUP][BLOCK];
    uint8_t input[VECS][WINDOW][LANES][BLOCK]; /* of GHASH */
    int64_t gaps[GROUP]; /* blocks of zeroes before a lane's input; the first's of all, when even */
    int64_t total;       /* blocks of each lane's input, with the gap */
    uint32_t longest;    /* message of the group */
    bool is_even;        /* all have as many blocks, and one window holds them */
};

_Static_assert(sizeof(struct group) <= XORD_NATIVE_SCRATCH_SIZE, "scratch too small");
_Static_assert(WINDOW % AGGREGATE == 0, "windows must hold whole steps");

struct block_const {
    _Alignas(16) uint8_t b[BLOCK];
};

/* ---- Bytes of one packet ---- */

#ifndef HAVE_MASKS
/* 1..15 bytes with zeroes after them; reads no other. */
FN __m128i part_load(const uint8_t *p, uint32_t len)
{
    uint64_t lo = 0, hi = 0;
    uint32_t a, b;

    if (len >= 8) {
        memcpy(&lo, p, 8);
        memcpy(&hi, p + len - 8, 8);
        hi = len == 8 ? 0 : hi >> (8 * (16 - len));
    } else if (len >= 4) {
        memcpy(&a, p, 4);
        memcpy(&b, p + len - 4, 4);
        lo = a | (uint64_t)b << (8 * (len - 4));
    } else {
        lo = p[0] | (uint64_t)p[len / 2] << (8 * (len / 2)) | (uint64_t)p[len - 1] << (8 * (len - 1));
    }
    return _mm_set_epi64x((long long)hi, (long long)lo);
}

FN void part_store(uint8_t *p, __m128i x, uint32_t len)
{
    uint8_t bytes[BLOCK];

    _mm_storeu_si128((__m128i *)bytes, x);
    memcpy(p, bytes, len);
}

/* dst = src ^ stream, up to CHUNK bytes. */
FN void xor_part(uint8_t *dst, const uint8_t *src, const uint8_t *stream, uint32_t len)
{
    for (; len >= BLOCK; len -= BLOCK, dst += BLOCK, src += BLOCK, stream += BLOCK)
        _mm_storeu_si128((__m128i *)dst,
                _mm_xor_si128(_mm_loadu_si128((const __m128i *)src), _mm_loadu_si128((const __m128i *)stream)));
    if (len)
        part_store(dst, _mm_xor_si128(part_load(src, len), part_load(stream, len)), len);
}

FN void unit_xor(uint8_t *dst, const uint8_t *src, const vec *stream, uint32_t off, uint32_t len)
{
    uint8_t bytes[CHUNK];

    memcpy(bytes, stream, CHUNK);
    xor_part(dst, src, bytes + off, len);
}
#endif

/* ---- AES ---- */

static const struct block_const round_consts[10] = {
#define ROUND_CONST(c)                                                                                                 \
    {                                                                                                                  \
        {                                                                                                              \
            c, 0, 0, 0, c, 0, 0, 0, c, 0, 0, 0, c, 0, 0, 0                                                             \
        }                                                                                                              \
    }
        ROUND_CONST(0x01), ROUND_CONST(0x02), ROUND_CONST(0x04), ROUND_CONST(0x08), ROUND_CONST(0x10),
        ROUND_CONST(0x20), ROUND_CONST(0x40), ROUND_CONST(0x80), ROUND_CONST(0x1b), ROUND_CONST(0x36)};
/* The last word, rotated, in all four columns: then ShiftRows changes nothing, and AESENCLAST is SubWord ^ constant. */
static const struct block_const rotate_last = {{13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12}};
static const struct block_const second_word_up = {{128, 128, 128, 128, 128, 128, 128, 128, 4, 5, 6, 7, 4, 5, 6, 7}};

/* Each word of a round key is the XOR of the words up to it in the one before, and the word that goes round. */
FN vec key_next(vec key, unsigned round)
{
    vec rotated = v_shuffle8(key, v_each(&rotate_last));
    vec core = v_aesenclast(rotated, v_each(&round_consts[round]));
    vec pairs = v_xor(key, v_shl64(key, 32));

    return v_xor3(pairs, v_shuffle8(pairs, v_each(&second_word_up)), core);
}

#define ENCRYPTED_MAX 6 /* blocks that a key expansion carries along */

struct expansion {
    vec key;
    vec blocks[ENCRYPTED_MAX];
};

/* Encrypts blocks[0..n) of each in place while it expands their keys; keeps the round keys when `keep`. */
FN void encrypt_expanding(struct expansion *at, const unsigned n, const unsigned vecs, vec (*round_keys)[11],
        const bool keep)
{
    UNROLL
    for (unsigned v = 0; v < vecs; v++) {
        if (keep)
            round_keys[v][0] = at[v].key;
        UNROLL
        for (unsigned i = 0; i < n; i++)
            at[v].blocks[i] = v_xor(at[v].blocks[i], at[v].key);
    }
    UNROLL
    for (unsigned round = 1; round <= 10; round++)
        UNROLL
    for (unsigned v = 0; v < vecs; v++) {
        at[v].key = key_next(at[v].key, round - 1);
        if (keep)
            round_keys[v][round] = at[v].key;
        UNROLL
        for (unsigned i = 0; i < n; i++)
            at[v].blocks[i] =
                    round < 10 ? v_aesenc(at[v].blocks[i], at[v].key) : v_aesenclast(at[v].blocks[i], at[v].key);
    }
}

FN void encrypt_again(vec blocks[4], const vec round_keys[11])
{
    UNROLL
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = v_xor(blocks[i], round_keys[0]);
    for (unsigned round = 1; round < 10; round++)
        UNROLL
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = v_aesenc(blocks[i], round_keys[round]);
    UNROLL
    for (unsigned i = 0; i < 4; i++)
        blocks[i] = v_aesenclast(blocks[i], round_keys[10]);
}

/* ---- GHASH ---- */

/* Bytes are reversed within a block, so that bit i stands for x^(127 - i); a product of two such numbers lacks one shift,
 * which the hash key brings along: it is kept times x. */
static const struct block_const reverse = {{15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}};
static const struct block_const modulus = {{0, 0, 0, 0, 0, 0, 0, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0xc2}};
static const struct block_const carry_bits = {{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc2}};

/* A product before reduction: lo + mid * 2^64 + hi * 2^128. */
struct product {
    vec lo, mid, hi;
};

FN struct product product_of(vec a, vec b)
{
    struct product p;

    p.lo = v_clmul(a, b, 0x00);
    p.mid = v_xor(v_clmul(a, b, 0x01), v_clmul(a, b, 0x10));
    p.hi = v_clmul(a, b, 0x11);
    return p;
}

FN void product_add(struct product *p, vec a, vec b)
{
    p->lo = v_xor(p->lo, v_clmul(a, b, 0x00));
    p->mid = v_xor3(p->mid, v_clmul(a, b, 0x01), v_clmul(a, b, 0x10));
    p->hi = v_xor(p->hi, v_clmul(a, b, 0x11));
}

FN vec product_reduce(struct product p)
{
    vec poly = v_each(&modulus);
    vec mid = v_xor3(p.mid, v_swap64(p.lo), v_clmul(p.lo, poly, 0x00));

    return v_xor3(p.hi, v_swap64(mid), v_clmul(mid, poly, 0x00));
}

FN vec times_x(vec h)
{
    vec carries = v_and(v_sra32(v_shuffle32(h, 0xdf), 31), v_each(&carry_bits));

    return v_xor(v_add64(h, h), carries);
}

/* From the encryption of zero, each one's first block. */
FN void hash_keys_init(vec (*keys)[AGGREGATE], const struct expansion *at, const unsigned vecs)
{
    UNROLL
    for (unsigned v = 0; v < vecs; v++)
        keys[v][0] = times_x(v_shuffle8(at[v].blocks[0], v_each(&reverse)));
    UNROLL
    for (unsigned i = 1; i < AGGREGATE; i++)
        UNROLL
    for (unsigned v = 0; v < vecs; v++)
        keys[v][i] = product_reduce(product_of(keys[v][i - 1], keys[v][0]));
}

/* The hash after AGGREGATE more blocks. */
FN vec hash_step(vec hash, const vec *input, const vec keys[AGGREGATE])
{
    vec rev = v_each(&reverse);
    struct product p = product_of(v_xor(hash, v_shuffle8(input[0], rev)), keys[AGGREGATE - 1]);

    UNROLL
    for (unsigned i = 1; i < AGGREGATE; i++)
        product_add(&p, v_shuffle8(input[i], rev), keys[AGGREGATE - 1 - i]);
    return product_reduce(p);
}

FN void hash_blocks(struct group *g, const unsigned vecs, unsigned blocks)
{
    vec hashes[VECS];

    UNROLL
    for (unsigned v = 0; v < vecs; v++)
        hashes[v] = g->hashes[v];
    for (unsigned at = 0; at < blocks; at += AGGREGATE)
        UNROLL
    for (unsigned v = 0; v < vecs; v++)
        hashes[v] = hash_step(hashes[v], (const vec *)g->input[v][at], g->hash_keys[v]);
    UNROLL
    for (unsigned v = 0; v < vecs; v++)
        g->hashes[v] = hashes[v];
}

/* ---- The input of GHASH, laid out a window at a time ---- */

FN int64_t blocks_of(uint32_t len)
{
    return ((int64_t)len + BLOCK - 1) / BLOCK;
}

FN uint8_t *column_at(struct group *g, unsigned lane, int64_t block)
{
    return g->input[lane / LANES][block][lane % LANES];
}

FN int64_t input_blocks(const struct xord_gcm_job *job)
{
    return blocks_of(job->aad_len) + blocks_of(job->len) + 1;
}

/* How far each lane's input begins from the start, so that all end together. */
FN void layout_gaps(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs)
{
    int64_t most = 0;

    for (unsigned i = 0; i < vecs * LANES; i++)
        most = most > input_blocks(jobs[i]) ? most : input_blocks(jobs[i]);
    g->total = (most + AGGREGATE - 1) / AGGREGATE * AGGREGATE;
    for (unsigned i = 0; i < vecs * LANES; i++)
        g->gaps[i] = g->total - input_blocks(jobs[i]);
}

FN void layout(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs)
{
    int64_t aad_blocks = blocks_of(jobs[0]->aad_len), text_blocks = blocks_of(jobs[0]->len), uneven = 0;
    uint32_t longest = 0;

    UNROLL
    for (unsigned i = 0; i < vecs * LANES; i++) {
        uneven |= blocks_of(jobs[i]->aad_len) ^ aad_blocks;
        uneven |= blocks_of(jobs[i]->len) ^ text_blocks;
        longest = jobs[i]->len > longest ? jobs[i]->len : longest;
    }
    g->longest = longest;
    g->is_even = HAVE_ROWS && uneven == 0 && aad_blocks + text_blocks + AGGREGATE <= (int64_t)WINDOW;
    if (g->is_even) {
        g->total = (aad_blocks + text_blocks + AGGREGATE) / AGGREGATE * AGGREGATE;
        g->gaps[0] = g->total - (aad_blocks + text_blocks + 1);
    } else {
        layout_gaps(g, jobs, vecs);
    }
}

/* Copies those blocks of `data`, which begins at block `at` of the window or before, that the window holds. */
FN void stage_part(struct group *g, unsigned lane, int64_t at, const uint8_t *data, uint32_t len)
{
    int64_t first = at < 0 ? -at : 0;
    int64_t full = len / BLOCK;
    int64_t end = full < (int64_t)WINDOW - at ? full : (int64_t)WINDOW - at;

    for (int64_t i = first; i < end; i++)
        _mm_store_si128((__m128i *)column_at(g, lane, at + i), _mm_loadu_si128((const __m128i *)(data + BLOCK * i)));
    if (len % BLOCK && full >= first && at + full < (int64_t)WINDOW)
        _mm_store_si128((__m128i *)column_at(g, lane, at + full), part_load(data + BLOCK * full, len % BLOCK));
}

FN void stage_lengths(struct group *g, unsigned lane, int64_t at, const struct xord_gcm_job *job)
{
    if (at < 0 || at >= (int64_t)WINDOW)
        return;
    xord_store_be64(column_at(g, lane, at), (uint64_t)job->aad_len * 8);
    xord_store_be64(column_at(g, lane, at) + 8, (uint64_t)job->len * 8);
}

/* All but the text. */
FN void stage_frame(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs, int64_t window)
{
    for (unsigned lane = 0; lane < vecs * LANES; lane++) {
        int64_t at = g->gaps[lane] - window;

        for (int64_t i = 0; i < at && i < (int64_t)WINDOW; i++)
            _mm_store_si128((__m128i *)column_at(g, lane, i), _mm_setzero_si128());
        stage_part(g, lane, at, jobs[lane]->aad, jobs[lane]->aad_len);
        stage_lengths(g, lane, g->total - 1 - window, jobs[lane]);
    }
}

FN void stage_text(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs, int64_t window,
        const bool sealed)
{
    for (unsigned lane = 0; lane < vecs * LANES; lane++) {
        const struct xord_gcm_job *job = jobs[lane];
        int64_t at = g->total - 1 - blocks_of(job->len) - window;

        stage_part(g, lane, at, sealed ? job->dst : job->src, job->len);
    }
}

#if HAVE_ROWS
FN void rows_store(struct group *g, unsigned v, int64_t at, const vec rows[4], int64_t blocks)
{
    UNROLL
    for (unsigned i = 0; i < 4; i++)
        if (i < blocks)
            v_store(g->input[v][at + i], rows[i]);
}

/* Data of as many blocks in all lanes. */
FN void stage_rows(struct group *g, unsigned v, int64_t at, const uint8_t *const data[LANES], const uint32_t len[LANES])
{
    int64_t blocks = blocks_of(len[0]);
    const uint8_t *from[LANES];
    uint32_t left[LANES];
    vec rows[4];

    for (int64_t done = 0; done < blocks; done += 4) {
        UNROLL
        for (unsigned i = 0; i < LANES; i++) {
            from[i] = data[i] + done * BLOCK;
            left[i] = len[i] - (uint32_t)done * BLOCK;
            left[i] = left[i] < CHUNK ? left[i] : CHUNK;
        }
        if (blocks - done == 1)
            rows[0] = row_ends_load(from, left);
        else
            rows_load(rows, from, left);
        rows_store(g, v, at + done, rows, blocks - done);
    }
}

FN void stage_even_frame(struct group *g, unsigned v, struct xord_gcm_job *const *jobs)
{
    const uint8_t *aads[LANES];
    uint32_t lens[LANES];

    UNROLL
    for (unsigned i = 0; i < LANES; i++) {
        aads[i] = jobs[i]->aad;
        lens[i] = jobs[i]->aad_len;
        stage_lengths(g, v * LANES + i, g->total - 1, jobs[i]);
    }
    for (int64_t i = 0; i < g->gaps[0]; i++)
        v_store(g->input[v][i], v_zero());
    stage_rows(g, v, g->gaps[0], aads, lens);
}

FN void stage_even_text(struct group *g, unsigned v, struct xord_gcm_job *const *jobs)
{
    const uint8_t *texts[LANES];
    uint32_t lens[LANES];

    UNROLL
    for (unsigned i = 0; i < LANES; i++) {
        texts[i] = jobs[i]->src;
        lens[i] = jobs[i]->len;
    }
    stage_rows(g, v, g->total - 1 - blocks_of(lens[0]), texts, lens);
}

/* Seals messages of up to a chunk, and stages what comes out. */
FN void seal_even_text(struct group *g, unsigned v, struct xord_gcm_job *const *jobs)
{
    int64_t blocks = blocks_of(jobs[0]->len);
    const uint8_t *src[LANES];
    uint8_t *dst[LANES];
    uint32_t lens[LANES];
    vec rows[4];

    UNROLL
    for (unsigned i = 0; i < LANES; i++) {
        src[i] = jobs[i]->src;
        dst[i] = jobs[i]->dst;
        lens[i] = jobs[i]->len;
    }
    rows_xor(rows, dst, src, &g->stream[v * LANES], lens);
    rows_store(g, v, g->total - 1 - blocks, rows, blocks);
}
#endif

/* The first window: when sealing, all but the text. */
FN void stage_first(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs, const bool sealed)
{
#if HAVE_ROWS
    if (g->is_even) {
        UNROLL
        for (unsigned v = 0; v < vecs; v++) {
            stage_even_frame(g, v, jobs + (size_t)v * LANES);
            if (!sealed)
                stage_even_text(g, v, jobs + (size_t)v * LANES);
        }
        return;
    }
#endif
    stage_frame(g, jobs, vecs, 0);
    if (!sealed)
        stage_text(g, jobs, vecs, 0, sealed);
}

/* The tags of the group, whose first window is staged. */
FN void hash_all(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs, const bool sealed)
{
    UNROLL
    for (unsigned v = 0; v < vecs; v++)
        g->hashes[v] = v_zero();
    for (int64_t window = 0; window < g->total; window += WINDOW) {
        int64_t left = g->total - window;

        if (window > 0) {
            stage_frame(g, jobs, vecs, window);
            stage_text(g, jobs, vecs, window, sealed);
        }
        hash_blocks(g, vecs, left < (int64_t)WINDOW ? (unsigned)left : WINDOW);
    }
    UNROLL
    for (unsigned v = 0; v < vecs; v++) {
        vec tags = v_xor(v_shuffle8(g->hashes[v], v_each(&reverse)), g->tag_masks[v]);

        memcpy(g->tags[v * LANES], &tags, sizeof(tags));
    }
}

/* ---- GCM ---- */

#define GCM_COUNTER(i)                                                                                                 \
    {                                                                                                                  \
        {                                                                                                              \
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i                                                             \
        }                                                                                                              \
    }
static const struct block_const gcm_counters[5] = {GCM_COUNTER(1), GCM_COUNTER(2), GCM_COUNTER(3), GCM_COUNTER(4),
        GCM_COUNTER(5)};

FN vec gcm_nonces(struct xord_gcm_job *const *jobs)
{
    const uint8_t *nonces[LANES];

    UNROLL
    for (unsigned i = 0; i < LANES; i++)
        nonces[i] = jobs[i]->nonce12;
    return v_gather12(nonces);
}

FN vec gcm_raw_keys(struct xord_gcm_job *const *jobs)
{
    const uint8_t *keys[LANES];

    UNROLL
    for (unsigned i = 0; i < LANES; i++)
        keys[i] = jobs[i]->key16;
    return v_gather(keys);
}

/* Hash keys, tag masks and the first `n` blocks of keystream of one or more vectors' packets. */
FN void gcm_start(struct group *g, unsigned first, struct xord_gcm_job *const *jobs, const unsigned n,
        const unsigned vecs)
{
    struct expansion at[PAIR];

    UNROLL
    for (unsigned v = 0; v < vecs; v++) {
        vec nonces = gcm_nonces(jobs + (size_t)v * LANES);

        at[v].key = gcm_raw_keys(jobs + (size_t)v * LANES);
        at[v].blocks[0] = v_zero();
        UNROLL
        for (unsigned i = 0; i < ENCRYPTED_MAX - 1; i++)
            at[v].blocks[1 + i] = v_xor(nonces, v_each(&gcm_counters[i]));
    }
    encrypt_expanding(at, n + 2, vecs, &g->round_keys[first], n == 4);
    UNROLL
    for (unsigned v = 0; v < vecs; v++) {
        g->tag_masks[first + v] = at[v].blocks[1];
        v_store_stream(&g->stream[(first + v) * LANES], at[v].blocks + 2);
    }
    hash_keys_init(&g->hash_keys[first], at, vecs);
}

#define GCM_START(n)                                                                                                   \
    ENTRY static __attribute__((noinline)) void gcm_start_##n(struct group *g, struct xord_gcm_job *const *jobs,       \
            unsigned vecs)                                                                                             \
    {                                                                                                                  \
        for (unsigned v = 0; v < vecs; v += PAIR, jobs += (size_t)PAIR * LANES)                                        \
            if (PAIR == 2 && v + 2 <= vecs)                                                                            \
                gcm_start(g, v, jobs, n, PAIR);                                                                        \
            else                                                                                                       \
                gcm_start(g, v, jobs, n, 1);                                                                           \
    }
GCM_START(1)
GCM_START(2)
GCM_START(3)
GCM_START(4)

FN void gcm_start_all(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs)
{
    if (g->longest <= BLOCK)
        gcm_start_1(g, jobs, vecs);
    else if (g->longest <= 2 * BLOCK)
        gcm_start_2(g, jobs, vecs);
    else if (g->longest <= 3 * BLOCK)
        gcm_start_3(g, jobs, vecs);
    else
        gcm_start_4(g, jobs, vecs);
}

/* The keystream of the chunk that begins `at` bytes into the messages. */
FN void gcm_more(struct group *g, unsigned v, struct xord_gcm_job *const *jobs, uint64_t at)
{
    vec nonces = gcm_nonces(jobs);
    vec blocks[4];

    UNROLL
    for (unsigned i = 0; i < 4; i++) {
        uint32_t counter = htobe32((uint32_t)(at / BLOCK) + i + 2);

        blocks[i] = v_xor(nonces, v_spread(_mm_set_epi32((int)counter, 0, 0, 0)));
    }
    encrypt_again(blocks, g->round_keys[v]);
    v_store_stream(&g->stream[v * LANES], blocks);
}

FN void xor_chunk(const struct group *g, unsigned lane, const struct xord_gcm_job *job, uint64_t at)
{
    uint64_t left = job->len - at;

    if (job->len > at)
        xor_part(job->dst + at, job->src + at, g->stream[lane], left < CHUNK ? (uint32_t)left : CHUNK);
}

/* Everything after the first chunk, of the jobs that have no error. */
ENTRY static __attribute__((noinline)) void gcm_rest(struct group *g, struct xord_gcm_job *const *jobs, unsigned vecs)
{
    for (uint64_t at = CHUNK; at < g->longest; at += CHUNK)
        for (unsigned v = 0; v < vecs; v++) {
            gcm_more(g, v, jobs + (size_t)v * LANES, at);
            for (unsigned lane = v * LANES; lane < (v + 1) * LANES; lane++)
                if (!jobs[lane]->err)
                    xor_chunk(g, lane, jobs[lane], at);
        }
}

FN void seal_text(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs)
{
    for (unsigned lane = 0; lane < vecs * LANES; lane++)
        jobs[lane]->err = 0;
#if HAVE_ROWS
    if (g->is_even && g->longest <= CHUNK) {
        UNROLL
        for (unsigned v = 0; v < vecs; v++)
            seal_even_text(g, v, jobs + (size_t)v * LANES);
        return;
    }
#endif
    for (unsigned lane = 0; lane < vecs * LANES; lane++)
        xor_chunk(g, lane, jobs[lane], 0);
    if (g->longest > CHUNK)
        gcm_rest(g, jobs, vecs);
    stage_text(g, jobs, vecs, 0, true);
}

FN void seal_group(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs)
{
    layout(g, jobs, vecs);
    stage_first(g, jobs, vecs, true);
    gcm_start_all(g, jobs, vecs);
    seal_text(g, jobs, vecs);
    hash_all(g, jobs, vecs, true);
    for (unsigned lane = 0; lane < vecs * LANES; lane++)
        memcpy(jobs[lane]->dst + jobs[lane]->len, g->tags[lane], BLOCK);
}

FN bool tag_matches(const uint8_t tag[BLOCK], const uint8_t *sent)
{
    uint64_t a[2], b[2];

    memcpy(a, tag, BLOCK);
    memcpy(b, sent, BLOCK);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
}

FN void open_lane(struct group *g, unsigned lane, struct xord_gcm_job *job)
{
    job->err = tag_matches(g->tags[lane], job->src + job->len) ? 0 : XORD_EAUTH;
    if (!job->err)
        xor_chunk(g, lane, job, 0);
    else if (job->len)
        xord_wipe(job->dst, job->len);
}

FN void open_group(struct group *g, struct xord_gcm_job *const *jobs, const unsigned vecs)
{
    layout(g, jobs, vecs);
    stage_first(g, jobs, vecs, false);
    gcm_start_all(g, jobs, vecs);
    hash_all(g, jobs, vecs, false);
    for (unsigned lane = 0; lane < vecs * LANES; lane++)
        open_lane(g, lane, jobs[lane]);
    if (g->longest > CHUNK)
        gcm_rest(g, jobs, vecs);
}

ENTRY static void kernel_gcm_seal(void *scratch, struct xord_gcm_job *const *jobs, size_t n)
{
    for (; n > GROUP - LANES; n -= n < GROUP ? n : GROUP, jobs += GROUP)
        seal_group(scratch, jobs, VECS);
    for (; n > 0; n -= n < LANES ? n : LANES, jobs += LANES)
        seal_group(scratch, jobs, 1);
}

ENTRY static void kernel_gcm_open(void *scratch, struct xord_gcm_job *const *jobs, size_t n)
{
    for (; n > GROUP - LANES; n -= n < GROUP ? n : GROUP, jobs += GROUP)
        open_group(scratch, jobs, VECS);
    for (; n > 0; n -= n < LANES ? n : LANES, jobs += LANES)
        open_group(scratch, jobs, 1);
}

/* ---- CTR ---- */

static const struct block_const steps[4] = {{{0}}, {{1}}, {{2}}, {{3}}}; /* little-endian numbers */

/* Does the last half of the counter wrap within `blocks`? */
FN bool counter_carries(const uint8_t iv16[16], uint64_t blocks)
{
    return xord_load_be64(iv16 + 8) > UINT64_MAX - blocks;
}

FN void counter_store(uint8_t out[16], const uint8_t iv16[16], uint64_t add)
{
    uint64_t hi = xord_load_be64(iv16);
    uint64_t lo = xord_load_be64(iv16 + 8) + add;

    xord_store_be64(out, hi + (lo < add));
    xord_store_be64(out + 8, lo);
}

FN vec add_to_low(vec counters, uint64_t add)
{
    return v_add64(counters, v_spread(_mm_cvtsi64_si128((long long)add)));
}

/* Counters `first`..`first + 3` of each lane, none of which carries. */
FN void counters_by_lane(vec out[4], const uint8_t *const ivs[LANES], uint64_t first)
{
    vec low = add_to_low(v_shuffle8(v_gather(ivs), v_each(&reverse)), first);

    UNROLL
    for (unsigned i = 0; i < 4; i++)
        out[i] = v_shuffle8(v_add64(low, v_each(&steps[i])), v_each(&reverse));
}

FN void once_xor(const struct group *g, unsigned lane, const struct xord_ctr_once_job *job, uint64_t at)
{
    uint64_t left = job->len - at;

    if (job->len > at)
        xor_part(job->dst + at, job->src + at, g->stream[lane], left < CHUNK ? (uint32_t)left : CHUNK);
}

FN vec once_keys(const struct xord_ctr_once_job *const *jobs)
{
    const uint8_t *keys[LANES];

    UNROLL
    for (unsigned i = 0; i < LANES; i++)
        keys[i] = jobs[i]->key16;
    return v_gather(keys);
}

/* Jobs of up to a chunk whose counters do not carry. */
FN void once_plain(struct group *g, const struct xord_ctr_once_job *const *jobs, const unsigned vecs)
{
    struct expansion at[PAIR];

    UNROLL
    for (unsigned v = 0; v < vecs; v++) {
        const uint8_t *ivs[LANES];

        UNROLL
        for (unsigned i = 0; i < LANES; i++)
            ivs[i] = jobs[v * LANES + i]->iv16;
        at[v].key = once_keys(jobs + (size_t)v * LANES);
        counters_by_lane(at[v].blocks, ivs, 0);
    }
    encrypt_expanding(at, 4, vecs, NULL, false);
    UNROLL
    for (unsigned v = 0; v < vecs; v++)
        v_store_stream(&g->stream[v * LANES], at[v].blocks);
    UNROLL
    for (unsigned i = 0; i < vecs * LANES; i++)
        xor_part(jobs[i]->dst, jobs[i]->src, g->stream[i], jobs[i]->len);
}

/* The counters with their carry, by numbers. */
ENTRY static __attribute__((noinline)) void counters_carrying(vec out[4], const struct xord_ctr_once_job *const *jobs,
        uint64_t first)
{
    uint8_t blocks[4][LANES][BLOCK];

    for (unsigned i = 0; i < 4; i++)
        for (unsigned lane = 0; lane < LANES; lane++)
            counter_store(blocks[i][lane], jobs[lane]->iv16, first + i);
    memcpy(out, blocks, sizeof(blocks));
}

/* Any jobs. */
ENTRY static __attribute__((noinline)) void once_any(struct group *g, const struct xord_ctr_once_job *const *jobs)
{
    uint32_t longest = 0;
    struct expansion at = {.key = once_keys(jobs)};

    for (unsigned i = 0; i < LANES; i++)
        longest = jobs[i]->len > longest ? jobs[i]->len : longest;
    counters_carrying(at.blocks, jobs, 0);
    encrypt_expanding(&at, 4, 1, g->round_keys, true);
    for (uint64_t pos = 0; pos < longest; pos += CHUNK) {
        if (pos > 0) {
            counters_carrying(at.blocks, jobs, pos / BLOCK);
            encrypt_again(at.blocks, g->round_keys[0]);
        }
        v_store_stream(g->stream, at.blocks);
        for (unsigned i = 0; i < LANES; i++)
            once_xor(g, i, jobs[i], pos);
    }
}

ENTRY static void kernel_ctr_once(void *scratch, const struct xord_ctr_once_job *const *jobs, size_t n, size_t plain)
{
    size_t i = 0;

    for (; i < plain; i += LANES)
        once_any(scratch, jobs + i);
    for (; PAIR == 2 && i + LANES < n; i += (size_t)PAIR * LANES)
        once_plain(scratch, jobs + i, PAIR);
    for (; i < n; i += LANES)
        once_plain(scratch, jobs + i, 1);
}

/* Up to a chunk of one job: bytes off..off + len of the keystream's blocks `first`..`first + 3`. */
struct unit {
    const uint8_t *iv16;
    const uint8_t *src;
    uint8_t *dst;
    uint64_t first;
    uint32_t off;
    uint32_t len;
};

FN void unit_counters(vec out[UNIT_VECS], const struct unit *unit)
{
    uint8_t blocks[4][BLOCK];
    vec low = add_to_low(v_shuffle8(v_each(unit->iv16), v_each(&reverse)), unit->first);

    UNROLL
    for (unsigned i = 0; i < UNIT_VECS; i++)
        out[i] = v_shuffle8(v_add64(low, v_load(&steps[i * LANES])), v_each(&reverse));
    if (!counter_carries(unit->iv16, unit->first + 3))
        return;
    for (unsigned i = 0; i < 4; i++)
        counter_store(blocks[i], unit->iv16, unit->first + i);
    memcpy(out, blocks, sizeof(blocks));
}

/* One key, so the lanes hold the blocks of one packet. */
FN void units_encrypt(vec blocks[UNITS * UNIT_VECS], const struct xord_ctr_key *key)
{
    vec round_key = v_each(key->round_keys);

    UNROLL
    for (unsigned i = 0; i < UNITS * UNIT_VECS; i++)
        blocks[i] = v_xor(blocks[i], round_key);
    for (unsigned round = 1; round < 10; round++) {
        round_key = v_each(key->round_keys + (size_t)round * BLOCK);
        UNROLL
        for (unsigned i = 0; i < UNITS * UNIT_VECS; i++)
            blocks[i] = v_aesenc(blocks[i], round_key);
    }
    round_key = v_each(key->round_keys + (size_t)10 * BLOCK);
    UNROLL
    for (unsigned i = 0; i < UNITS * UNIT_VECS; i++)
        blocks[i] = v_aesenclast(blocks[i], round_key);
}

/* Places beyond `n` hold copies and are worked for nothing. */
ENTRY static __attribute__((noinline)) void units_run(const struct xord_ctr_key *key, const struct unit units[UNITS],
        unsigned n)
{
    vec blocks[UNITS * UNIT_VECS];

    UNROLL
    for (unsigned i = 0; i < UNITS; i++)
        unit_counters(blocks + (size_t)i * UNIT_VECS, &units[i]);
    units_encrypt(blocks, key);
    UNROLL
    for (unsigned i = 0; i < UNITS; i++)
        if (i < n)
            unit_xor(units[i].dst, units[i].src, blocks + (size_t)i * UNIT_VECS, units[i].off, units[i].len);
}

struct units {
    const struct xord_ctr_key *key;
    unsigned n;
    struct unit at[UNITS];
};

FN void units_flush(struct units *units)
{
    if (units->n == 0)
        return;
    for (unsigned i = units->n; i < UNITS; i++)
        units->at[i] = units->at[0];
    units_run(units->key, units->at, units->n);
    units->n = 0;
}

FN void units_add(struct units *units, const struct xord_ctr_job *job)
{
    uint64_t pos = job->skip;
    uint64_t end = pos + job->len;

    if (job->key != units->key) {
        units_flush(units);
        units->key = job->key;
    }
    while (pos < end) {
        uint32_t off = (uint32_t)(pos % BLOCK);
        uint32_t len = end - pos < CHUNK - off ? (uint32_t)(end - pos) : CHUNK - off;

        units->at[units->n++] = (struct unit){job->iv16, job->src + (pos - job->skip), job->dst + (pos - job->skip),
                pos / BLOCK, off, len};
        pos += len;
        if (units->n == UNITS)
            units_flush(units);
    }
}

/* Is each of UNITS jobs a unit from its first byte, all under one key, and does no counter carry? */
FN bool units_plain(const struct xord_ctr_job *jobs)
{
    bool plain = true;

    UNROLL
    for (unsigned i = 0; i < UNITS; i++)
        plain &= jobs[i].key == jobs[0].key && jobs[i].skip == 0 && jobs[i].len <= CHUNK &&
                 !counter_carries(jobs[i].iv16, 3);
    return plain;
}

FN void units_run_plain(const struct xord_ctr_job *jobs)
{
    vec blocks[UNITS * UNIT_VECS];

    UNROLL
    for (unsigned i = 0; i < UNITS; i++) {
        vec low = v_shuffle8(v_each(jobs[i].iv16), v_each(&reverse));

        UNROLL
        for (unsigned k = 0; k < UNIT_VECS; k++)
            blocks[i * UNIT_VECS + k] = v_shuffle8(v_add64(low, v_load(&steps[k * LANES])), v_each(&reverse));
    }
    units_encrypt(blocks, jobs[0].key);
    UNROLL
    for (unsigned i = 0; i < UNITS; i++)
        unit_xor(jobs[i].dst, jobs[i].src, blocks + (size_t)i * UNIT_VECS, 0, jobs[i].len);
}

ENTRY static void kernel_ctr(void *scratch, const struct xord_ctr_job *jobs, size_t n)
{
    struct units units = {.key = NULL};

    (void)scratch;
    while (n > 0) {
        size_t done = jobs->skip == 0 && n >= UNITS && units_plain(jobs) ? UNITS : 1;

        if (done == UNITS)
            units_run_plain(jobs);
        else
            units_add(&units, jobs);
        jobs += done;
        n -= done;
    }
    units_flush(&units);
}

ENTRY static void kernel_ctr_expand(struct xord_ctr_key *key, const uint8_t key16[16])
{
    vec round_key = v_each(key16);
    uint8_t lanes[LANES][BLOCK];

    for (unsigned round = 0; round <= 10; round++) {
        memcpy(lanes, &round_key, sizeof(lanes));
        memcpy(key->round_keys + (size_t)round * BLOCK, lanes[0], BLOCK);
        if (round < 10)
            round_key = key_next(round_key, round);
    }
    xord_wipe(lanes, sizeof(lanes));
}

const struct xord_native_kernel KERNEL = {
        .group = GROUP,
        .ctr_expand = kernel_ctr_expand,
        .ctr = kernel_ctr,
        .ctr_once = kernel_ctr_once,
        .gcm_seal = kernel_gcm_seal,
        .gcm_open = kernel_gcm_open,
};
