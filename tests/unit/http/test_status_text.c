/* SPDX-License-Identifier: MIT */
#include <porthole/http.h>

#include "support/cmocka.h"

#include <limits.h>
#include <string.h>

/* The registry of IANA, but for what is reserved (306, 418) and 226. */
static const struct {
    int status;
    const char *text;
} registered[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};

static void test_text_when_status_is_not_registered_then_unknown(void **state)
{
    (void)state;
    static const int unknown[] = {INT_MIN, -200, -1,  0,   1,      99,     104, 199,
                                  299,     399,  419, 420, 427,    430,    432, 499,
                                  512,     599,  600, 700, 100000, INT_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        assert_string_equal(ph_status_text(unknown[i]), "Unknown");
    }
}

static void test_text_when_status_is_registered_then_its_phrase(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof registered / sizeof *registered; i++) {
        assert_string_equal(ph_status_text(registered[i].status), registered[i].text);
    }
}

static void test_text_when_any_number_then_never_null(void **state)
{
    (void)state;
    for (int status = -1000; status < 2000; status++) {
        const char *text = ph_status_text(status);
        assert_non_null(text);
        assert_true(strlen(text) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_when_status_is_not_registered_then_unknown),
        cmocka_unit_test(test_text_when_status_is_registered_then_its_phrase),
        cmocka_unit_test(test_text_when_any_number_then_never_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
