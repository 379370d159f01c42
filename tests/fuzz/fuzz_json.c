/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the check of JSON: what is wrong lies within the text, and where a text is JSON, no
 * beginning of it breaks before its end.
 */
#include "fuzz/fuzz.h"

#include <porthole/json.h>

#include <string.h>

/* Checks a copy of just these bytes. */
static int check(const uint8_t *data, size_t size, unsigned depth, struct ph_json_error *error)
{
    char *copy = malloc(size + !size);
    REQUIRE(copy);
    memcpy(copy, data, size);
    int err = ph_json_check(copy, size, depth, error);
    free(copy);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ph_json_error error = {0};
    if (size > FUZZ_MAX) {
        return 0;
    }
    int err = check(data, size, 0, &error);
    REQUIRE(err == 0 || err == PH_ERR_JSON);
    if (err == 0) {
        REQUIRE(check(data, size, PH_JSON_DEPTH_MAX, NULL) == 0);
        return 0;
    }
    REQUIRE(error.offset <= size && error.line >= 1 && error.column >= 1);
    REQUIRE(error.wrong && *error.wrong);
    /* What stands before the mistake is as good as ever, and so the mistake stays where it is. */
    struct ph_json_error again = {0};
    if (error.offset < size) {
        REQUIRE(check(data, error.offset + 1, 0, &again) == PH_ERR_JSON);
        REQUIRE(again.offset == error.offset);
    }
    return 0;
}
