/* SPDX-License-Identifier: MIT
 *
 * Fuzzes Range fields: the first two bytes are the size of the body, the rest is the field. What
 * is to be sent lies within the body, and nothing of it twice.
 */
#include "fuzz/fuzz.h"
#include "http/ranges.h"

#include <string.h>

static void check_ranges(const struct ph__range *ranges, unsigned count, uint64_t size)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < count; i++) {
        REQUIRE(ranges[i].size > 0 && ranges[i].from < size);
        REQUIRE(ranges[i].size <= size - ranges[i].from);
        total += ranges[i].size;
    }
    REQUIRE(total <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > FUZZ_MAX) {
        return 0;
    }
    uint64_t body = data[0] * 256u + data[1];
    char *field = malloc(size - 1);
    REQUIRE(field);
    memcpy(field, data + 2, size - 2);
    field[size - 2] = '\0';
    struct ph__range ranges[PH__RANGES_MAX];
    unsigned count = 0;
    switch (ph__ranges_parse(field, body, ranges, &count)) {
    case PH__RANGES_SOME:
        REQUIRE(count >= 1 && count <= PH__RANGES_MAX);
        check_ranges(ranges, count, body);
        break;
    case PH__RANGES_NONE:
    case PH__RANGES_ALL:
        REQUIRE(count == 0);
        break;
    }
    free(field);
    return 0;
}
