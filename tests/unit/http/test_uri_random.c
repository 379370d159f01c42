/* SPDX-License-Identifier: MIT
 *
 * What holds of every target, whatever stands in it.
 */
#include "http/uri.h"

#include "support/cmocka.h"
#include "support/random.h"
#include "targets.h"

#include <string.h>

/* What holds of every result, looking at each byte once. */
static void assert_whole(const struct target *parsed, size_t size)
{
    const struct ph__uri *uri = &parsed->uri;
    if (uri->asterisk) {
        return;
    }
    const char *end = parsed->scratch + ph__uri_scratch(size);
    assert_int_equal(uri->path[0], '/');
    assert_int_equal(strlen(uri->path), uri->path_size);
    assert_true(uri->path + uri->path_size < end);
    assert_int_equal(uri->segments[uri->path_size - 1], '\0');
    assert_null(strstr(uri->path, "/../"));
    for (size_t i = 0; i + 1 < uri->path_size; i++) {
        char segment = uri->segments[i];
        assert_int_equal(uri->path[1 + i], segment ? segment : '/');
    }
    for (const char *segment = uri->segments; segment < uri->segments + uri->path_size;
         segment += strlen(segment) + 1) {
        assert_string_not_equal(segment, ".");
        assert_string_not_equal(segment, "..");
    }
    const char *at = uri->query;
    for (size_t i = 0; i < 2 * uri->query_count; i++) {
        assert_true(at < end);
        at += strlen(at) + 1;
    }
    assert_true(at <= end);
}

static void test_parse_when_targets_are_random_then_scratch_suffices(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "/", "/",   "..", ".",   "%2e",     "%2F", "%25",   "a",  "bc", "?",    "&", "&", "=", "+",
        "%", "%41", "%0", "%00", "http://", "h",   "[::1]", ":1", "*",  "\x80", " ", "#", "@"};
    struct random random = {.state = 3986};
    unsigned accepted = 0;
    for (int round = 0; round < 40000; round++) {
        char target[128] = "/";
        size_t size = random_below(&random, 8) > 0;
        size_t count = random_below(&random, 16);
        /* Mostly from the harmless parts, else nearly everything is refused. */
        size_t choice = random_below(&random, 4) ? 14 : sizeof parts / sizeof *parts;
        for (size_t i = 0; i < count; i++) {
            const char *part = parts[random_below(&random, choice)];
            memcpy(target + size, part, strlen(part));
            size += strlen(part);
        }
        struct target parsed = parse_target_bytes(target, size);
        if (!parsed.wrong) {
            accepted++;
            assert_whole(&parsed, size);
        }
        release_target(&parsed);
    }
    assert_true(accepted > 1000);
}

static void test_parse_when_one_byte_repeats_then_scratch_suffices(void **state)
{
    (void)state;
    static const char *const patterns[] = {"/",   "/a",  "/.",   "/?",  "?&",
                                           "?a&", "?=&", "?a=&", "/%2f"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        for (size_t size = 1; size < 200; size++) {
            char target[201] = "/";
            /* A query's pattern without its '?' from the second time on. */
            const char *part = patterns[i];
            size_t at = 1;
            if (part[0] == '?') {
                target[at++] = '?';
                part++;
            }
            for (; at < size; at++) {
                target[at] = part[(at - 1) % strlen(part)];
            }
            struct target parsed = parse_target_bytes(target, size);
            if (!parsed.wrong) {
                assert_whole(&parsed, size);
            }
            release_target(&parsed);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_when_targets_are_random_then_scratch_suffices),
        cmocka_unit_test(test_parse_when_one_byte_repeats_then_scratch_suffices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
