/* SPDX-License-Identifier: MIT
 *
 * The limiter's table: many addresses, by a request that is nothing but its peer.
 */
#include <porthole/guard.h>

#include "http/request.h"
#include "http/response.h"
#include "support/cmocka.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

uint64_t __wrap_ph__clock_us(void);
uint64_t __wrap_ph__clock_us(void)
{
    return 5000000; /* it stands still */
}

/* Whether a request from there is let in. */
static bool is_let_in(struct ph_limiter *limiter, uint16_t family, const unsigned char bytes[16])
{
    struct ph__buf out;
    struct ph_request req = {.peer = {.family = family}};
    struct ph_response res;
    memcpy(req.peer.bytes, bytes, sizeof req.peer.bytes);
    ph__buf_init(&out, 0);
    ph__response_init(&res, &out);
    ph__response_begin(&res, "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_int_equal(ph_guard_rate(&req, &res, limiter), 0);
    int status = res.status;
    ph__response_done(&res);
    ph__buf_done(&out);
    assert_true(status == 0 || status == 429);
    return status == 0;
}

static bool is_ipv4_let_in(struct ph_limiter *limiter, uint32_t address)
{
    unsigned char bytes[16] = {(unsigned char)(address >> 24), (unsigned char)(address >> 16),
                               (unsigned char)(address >> 8), (unsigned char)address};
    return is_let_in(limiter, AF_INET, bytes);
}

static void test_rate_when_addresses_differ_then_each_has_its_own(void **state)
{
    (void)state;
    struct ph_limiter *limiter;
    const struct ph_limiter_config cfg = {.per_second = 1, .burst = 2, .addresses_max = 1u << 16};
    assert_int_equal(ph_limiter_new(&limiter, &cfg), 0);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 1000; i++) {
            assert_int_equal(is_ipv4_let_in(limiter, 0x0A000000u + i * 77), round < 2);
        }
    }
    ph_limiter_free(limiter);
}

static void test_rate_when_ipv6_then_by_its_first_64_bits(void **state)
{
    (void)state;
    struct ph_limiter *limiter;
    const unsigned char one[16] = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 1, 1};
    const unsigned char same[16] = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 1, 2, [15] = 9};
    const unsigned char other[16] = {0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 2, 1};
    const unsigned char mapped[16] = {[10] = 0xFF, 0xFF, 192, 0, 2, 7};
    const unsigned char mapped_other[16] = {[10] = 0xFF, 0xFF, 192, 0, 2, 8};
    assert_int_equal(ph_limiter_new(&limiter, &(struct ph_limiter_config){.per_second = 1}), 0);
    assert_true(is_let_in(limiter, AF_INET6, one));
    assert_false(is_let_in(limiter, AF_INET6, same));
    assert_true(is_let_in(limiter, AF_INET6, other));
    assert_true(is_let_in(limiter, AF_INET6, mapped));
    assert_false(is_ipv4_let_in(limiter, 0xC0000207u)); /* the same, by another socket */
    assert_true(is_let_in(limiter, AF_INET6, mapped_other));
    ph_limiter_free(limiter);
}

/* However many ask, those that have used up most are remembered. */
static void test_rate_when_there_are_too_many_then_the_busiest_stay(void **state)
{
    (void)state;
    struct ph_limiter *limiter;
    const struct ph_limiter_config cfg = {.per_second = 1, .burst = 10, .addresses_max = 64};
    assert_int_equal(ph_limiter_new(&limiter, &cfg), 0);
    for (int i = 0; i < 10; i++) {
        assert_true(is_ipv4_let_in(limiter, 1));
    }
    for (uint32_t i = 2; i < 100000; i++) {
        assert_true(is_ipv4_let_in(limiter, i));
    }
    assert_false(is_ipv4_let_in(limiter, 1));
    ph_limiter_free(limiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_when_addresses_differ_then_each_has_its_own),
        cmocka_unit_test(test_rate_when_ipv6_then_by_its_first_64_bits),
        cmocka_unit_test(test_rate_when_there_are_too_many_then_the_busiest_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
