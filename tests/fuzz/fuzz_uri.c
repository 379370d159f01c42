/* SPDX-License-Identifier: MIT
 *
 * Fuzzes request targets: the input is one. Must reach ph__uri_parse() with queries, absolute
 * forms and dot segments, and ph__uri_is_host().
 */
#include "fuzz/fuzz.h"
#include "support/parsing.h"

static void check_path(const struct ph__uri *uri, const char *end)
{
    REQUIRE(uri->path[0] == '/' && strlen(uri->path) == uri->path_size);
    REQUIRE(uri->path + uri->path_size < end);
    REQUIRE(uri->segments[uri->path_size - 1] == '\0');
    for (size_t i = 0; i + 1 < uri->path_size; i++) {
        REQUIRE(uri->path[1 + i] == (uri->segments[i] ? uri->segments[i] : '/'));
    }
    /* Nobody who takes the path for one of files leaves the folder it is meant for. */
    REQUIRE(!strstr(uri->path, "/../"));
    REQUIRE(uri->path_size < 3 || strcmp(uri->path + uri->path_size - 3, "/..") != 0);
}

static void check_query(const struct ph__uri *uri, const char *end)
{
    const char *at = uri->query;
    for (size_t i = 0; i < 2 * uri->query_count; i++) {
        REQUIRE(at < end);
        at += strlen(at) + 1;
    }
    REQUIRE(at <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > FUZZ_MAX) {
        return 0;
    }
    char *target = exact_copy((const char *)data, size);
    char *scratch = malloc(ph__uri_scratch(size));
    REQUIRE(scratch);
    struct ph__uri uri;
    const char *wrong = ph__uri_parse(&uri, target, size, scratch);
    if (wrong) {
        REQUIRE(wrong[0] != '\0');
    } else if (!uri.asterisk) {
        const char *end = scratch + ph__uri_scratch(size);
        check_path(&uri, end);
        check_query(&uri, end);
        REQUIRE(!uri.authority || ph__uri_is_host(uri.authority, uri.authority_size));
    }
    (void)ph__uri_is_host(target, size);
    free(scratch);
    free(target);
    return 0;
}
