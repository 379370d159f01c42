/* SPDX-License-Identifier: MIT
 *
 * What the fuzz targets share. Each defines LLVMFuzzerTestOneInput(), which libFuzzer calls with
 * what it has made up, and replay.c with what stands in files.
 */
#ifndef PORTHOLE_TESTS_FUZZ_H
#define PORTHOLE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Stops in a way that libFuzzer notices, also where assert() is compiled out. */
#define REQUIRE(condition)  \
    do {                    \
        if (!(condition)) { \
            abort();        \
        }                   \
    } while (0)

enum { FUZZ_MAX = 4096 };

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The length of the next piece, chosen by the input itself: mostly one byte, at times more. */
static inline size_t fuzz_piece(const uint8_t *data, size_t size, size_t at)
{
    size_t piece = data[at] % 4 == 0 ? 1u + data[at] % 13 : 1;
    return piece < size - at ? piece : size - at;
}

#endif
