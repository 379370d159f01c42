/* SPDX-License-Identifier: MIT
 *
 * Keys, and which origins can be listed. Whole handshakes are in test_http_websocket.c.
 */
#include "websocket/handshake.h"

#include "support/cmocka.h"

static void test_accept_when_the_key_of_the_standard_then_its_answer(void **state)
{
    char accept[PH__ACCEPT_TEXT];
    (void)state;
    ph__handshake_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    ph__handshake_accept("x3JJHMbDL1EzLkh9GBhXDw==", accept);
    assert_string_equal(accept, "HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
}

static void test_origin_when_malformed_then_not_valid(void **state)
{
    static const char *const bad[] = {"",
                                      "null",
                                      "a.example",
                                      "ftp://a.example",
                                      "https://",
                                      "https://a.example/",
                                      "https://a.example:",
                                      "https://a.example:x",
                                      "https://:80",
                                      "https://[::1",
                                      "https://[::1]x",
                                      "https://user@a.example",
                                      "**"};
    static const char *const good[] = {"*", "https://a.example", "http://a.example:81",
                                       "HTTP://[::1]", "https://[::1]:8443"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (ph__origin_is_valid(bad[i])) {
            fail_msg("%s is none", bad[i]);
        }
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!ph__origin_is_valid(good[i])) {
            fail_msg("%s is one", good[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept_when_the_key_of_the_standard_then_its_answer),
        cmocka_unit_test(test_origin_when_malformed_then_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
