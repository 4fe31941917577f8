/* SPDX-License-Identifier: BSD-3-Clause */
/* The steering hash in classic BPF. X holds the hash as far as it has got, M[0] the words of the tuple. Datagrams with IP options
 * or extension headers have their ports elsewhere and get to some socket: the engine hands them over. */
#include "socket_steer_private.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include "xord_steer.h"

#define CODE_MAX 160

struct program {
    struct sock_filter code[CODE_MAX];
    uint16_t len;
};

static void add(struct program *program, uint16_t code, uint32_t k)
{
    program->code[program->len++] = (struct sock_filter){.code = code, .k = k};
}

/* M[0] ^= the 32 bits at an offset of the IP header. */
static void add_word(struct program *program, uint32_t off)
{
    add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + off);
    add(program, BPF_LDX | BPF_MEM, 0);
    add(program, BPF_ALU | BPF_XOR | BPF_X, 0);
    add(program, BPF_ST, 0);
}

/* Addresses and ports, all 16-bit words of them XORed into the lower half of M[0]. */
static void add_tuple(struct program *program, int family, bool any_dst)
{
    static const struct {
        uint8_t src, addr_len, ports;
    } layouts[2] = {{12, 4, 20}, {8, 16, 40}};
    uint32_t end = layouts[family].src + layouts[family].addr_len * (any_dst ? 1U : 2U);

    add(program, BPF_LD | BPF_IMM, 0);
    add(program, BPF_ST, 0);
    for (uint32_t off = layouts[family].src; off < end; off += 4)
        add_word(program, off);
    add_word(program, layouts[family].ports);
    add(program, BPF_LDX | BPF_MEM, 0);
    add(program, BPF_ALU | BPF_RSH | BPF_K, 16);
    add(program, BPF_ALU | BPF_XOR | BPF_X, 0);
    add(program, BPF_ST, 0);
}

/* What each bit adds to the hash, as far as it counts. */
static void add_hash(struct program *program)
{
    add(program, BPF_LDX | BPF_IMM, 0);
    for (uint32_t bit = 0; bit < 16; bit++) {
        add(program, BPF_LD | BPF_MEM, 0);
        add(program, BPF_ALU | BPF_RSH | BPF_K, bit);
        add(program, BPF_ALU | BPF_AND | BPF_K, 1);
        add(program, BPF_ALU | BPF_MUL | BPF_K, xord_steer_hash_words(1U << bit) % XORD_STEER_RETA_LEN);
        add(program, BPF_ALU | BPF_XOR | BPF_X, 0);
        add(program, BPF_MISC | BPF_TAX, 0);
    }
}

int socket_steer(int fd, int family, uint16_t socket_cnt, bool any_dst)
{
    struct program program = {.len = 0};
    struct sock_fprog prog = {.filter = program.code};

    add_tuple(&program, family, any_dst);
    add_hash(&program);
    add(&program, BPF_MISC | BPF_TXA, 0);
    add(&program, BPF_ALU | BPF_MOD | BPF_K, socket_cnt);
    add(&program, BPF_RET | BPF_A, 0);
    prog.len = program.len;
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)) ? XORD_ESTATE : 0;
}
