/* SPDX-License-Identifier: MIT
 *
 * Accept-Encoding: how much a client likes each coding.
 */
#include "http/coding.h"

#include "support/cmocka.h"

static void test_codings_when_asked_for_then_as_much_as_said(void **state)
{
    (void)state;
    static const struct {
        const char *field;
        int br, gzip, plain;
    } rows[] = {
        {NULL, 0, 0, 1},
        {"", 0, 0, 1},
        {" , ,", 0, 0, 1},
        {"deflate", 0, 0, 1},
        {"gzip", 0, 1000, 1},
        {"GZIP, Br", 1000, 1000, 1},
        {"gzipx, xbr", 0, 0, 1},
        {"gzip;q=0", 0, 0, 1},
        {"gzip;q=0.5", 0, 500, 1},
        {"gzip ; Q=0.125 , br;q=1.000", 1000, 125, 1},
        {"gzip;q=0.0009", 0, 0, 1},
        {"gzip;q=x, br;quality", 1000, 1000, 1},
        {"*", 1000, 1000, 1000},
        {"*;q=0", 0, 0, 0},
        {"*;q=0, gzip", 0, 1000, 0},
        {"identity;q=0.3, *;q=0.2, br", 1000, 200, 300},
        {"identity;q=0", 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int qualities[PH__CONTENT_CODINGS];
        ph__coding_qualities(rows[i].field, qualities);
        assert_int_equal(qualities[PH__CONTENT_BR], rows[i].br);
        assert_int_equal(qualities[PH__CONTENT_GZIP], rows[i].gzip);
        assert_int_equal(qualities[PH__CONTENT_PLAIN], rows[i].plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codings_when_asked_for_then_as_much_as_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
