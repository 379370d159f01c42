/* SPDX-License-Identifier: MIT
 *
 * SHA-1, block by block.
 */
#include "websocket/sha1.h"

#include <stdint.h>
#include <string.h>

enum { BLOCK = 64, LENGTH_AT = 56, ROUNDS = 80 };

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word << bits | word >> (32 - bits);
}

/* The 80 words that the rounds take in, of which the first 16 are the block's own. */
static void expand(const unsigned char block[BLOCK], uint32_t words[ROUNDS])
{
    for (size_t i = 0; i < 16; i++) {
        const unsigned char *at = block + 4 * i;
        words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (size_t i = 16; i < ROUNDS; i++) {
        words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
    }
}

static void take_block(uint32_t state[5], const unsigned char block[BLOCK])
{
    uint32_t words[ROUNDS];
    expand(block, words);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (size_t i = 0; i < ROUNDS; i++) {
        uint32_t mixed = i < 20   ? ((b & c) | (~b & d)) + 0x5A827999
                         : i < 40 ? (b ^ c ^ d) + 0x6ED9EBA1
                         : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8F1BBCDC
                                  : (b ^ c ^ d) + 0xCA62C1D6;
        uint32_t next = rotate(a, 5) + mixed + e + words[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static void put_length(unsigned char block[BLOCK], uint64_t bits)
{
    for (size_t i = 0; i < 8; i++) {
        block[LENGTH_AT + i] = (unsigned char)(bits >> (56 - 8 * i));
    }
}

void ph__sha1(const void *data, size_t size, unsigned char digest[PH__SHA1_SIZE])
{
    uint32_t state[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    const unsigned char *bytes = data;
    size_t left = size;
    for (; left >= BLOCK; left -= BLOCK, bytes += BLOCK) {
        take_block(state, bytes);
    }
    unsigned char block[BLOCK] = {0};
    if (left > 0) {
        memcpy(block, bytes, left);
    }
    block[left] = 0x80;
    if (left >= LENGTH_AT) {
        take_block(state, block);
        memset(block, 0, sizeof block);
    }
    put_length(block, (uint64_t)size * 8);
    take_block(state, block);
    for (size_t i = 0; i < PH__SHA1_SIZE; i++) {
        digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
    }
}
