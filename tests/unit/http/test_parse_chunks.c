/* SPDX-License-Identifier: MIT
 *
 * The parser and chunked bodies in pieces of every size, and requests that have been damaged at
 * random. Bytes never come twice from the same place (see support/parsing.h).
 */
#include "http/parse.h"

#include "support/cmocka.h"
#include "support/parsing.h"
#include "support/random.h"

static const struct ph__limits limits = {
    .target_max = 8000, .head_max = 16384, .headers_max = 16, .body_max = 1 << 20};

/* ---- chunked bodies ---- */

static const char chunked_head[] =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

static void begin_chunks(struct parsing *p, const struct ph__limits *with)
{
    parsing_begin(p, with);
    assert_int_equal(parsing_feed(p, chunked_head, sizeof chunked_head - 1), PH__PARSE_DONE);
    assert_true(p->req.chunked);
    p->result = PH__PARSE_MORE;
}

static void give_in_two(struct parsing *p, const char *text, size_t size, size_t split)
{
    if (parsing_chunks(p, text, split) == PH__PARSE_MORE) {
        assert_int_equal(p->used, split);
        parsing_chunks(p, text + split, size - split);
    }
    assert_null(parsing_wrong(p, false));
}

static void give_bytes(struct parsing *p, const char *text, size_t size)
{
    for (size_t i = 0; i < size && p->result == PH__PARSE_MORE; i++) {
        parsing_chunks(p, text + i, 1);
    }
    assert_null(parsing_wrong(p, false));
}

static void test_chunks_when_malformed_and_split_anywhere_then_400(void **state)
{
    (void)state;
    static const char *const malformed[] = {
        "\r\nhello\r\n0\r\n\r\n",
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "g\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\t\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\rXhello\r\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\r\n\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;a\rXhello\r\n0\r\n\r\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n\n",
        "5;\x01\r\nhello\r\n0\r\n\r\n",
        "0\n\r\n",
        "0\r\n\rX",
        "0\r\nX\r\n\r\n",
        "0\r\nX : y\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\nX: y\rZ: z\r\n\r\n",
        "0\r\nX: \x01\r\n\r\n",
        "0\r\nX: y\r\n\rZ",
        "0\r\n\n",
        "0\r\nX: y\n\r\n",
        "0\r\nX: y\r\n\n",
        "0\r\nX: y\r\n z\r\n\r\n",
        "0\r\nX:\n\r\n",
        "0\r\n X: y\r\n\r\n",
        "0\r\nX:\r\n y\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        size_t size = strlen(malformed[i]);
        for (size_t split = 0; split <= size + 1; split++) {
            struct parsing p;
            begin_chunks(&p, &limits);
            if (split <= size) {
                give_in_two(&p, malformed[i], size, split);
            } else {
                give_bytes(&p, malformed[i], size);
            }
            if (p.result != PH__PARSE_ERROR || p.parser.status != 400) {
                fail_msg("\"%s\" split at %zu: result %d, status %d", malformed[i], split,
                         (int)p.result, p.parser.status);
            }
            parsing_end(&p);
        }
    }
}

static void test_chunks_when_size_is_huge_then_413(void **state)
{
    (void)state;
    static const char *const huge[] = {
        "ffffffffffffffff\r\n",
        "FFFFFFFFFFFFFFFE\r\n",
        "8000000000000000\r\n",
        "7fffffffffffffff\r\n",
        "00000000100001\r\n", /* one more than body_max */
        "5\r\nhello\r\nfffffffffffffffb\r\n",
        "5\r\nhello\r\nffffc\r\n", /* one more together */
    };
    for (size_t i = 0; i < sizeof huge / sizeof *huge; i++) {
        for (size_t split = 0; split <= strlen(huge[i]); split++) {
            struct parsing p;
            begin_chunks(&p, &limits);
            give_in_two(&p, huge[i], strlen(huge[i]), split);
            assert_int_equal(p.result, PH__PARSE_ERROR);
            assert_int_equal(p.parser.status, 413);
            parsing_end(&p);
        }
    }
}

static void test_chunks_when_size_overflows_then_refused(void **state)
{
    (void)state;
    static const char overflow[] = "10000000000000005\r\nhello\r\n0\r\n\r\n";
    struct parsing p;
    begin_chunks(&p, &limits);
    give_bytes(&p, overflow, sizeof overflow - 1);
    assert_int_equal(p.result, PH__PARSE_ERROR);
    assert_in_set((unsigned long)p.parser.status, ((const unsigned long[]){400, 413}), 2);
    parsing_end(&p);
}

static void test_chunks_when_body_is_one_too_large_then_413(void **state)
{
    (void)state;
    static const char text[] = "4\r\nabcd\r\n3\r\nefg\r\n1\r\nh\r\n0\r\n\r\n";
    struct ph__limits few = limits;
    for (few.body_max = 7; few.body_max <= 8; few.body_max++) {
        for (size_t split = 0; split < sizeof text; split++) {
            struct parsing p;
            begin_chunks(&p, &few);
            give_in_two(&p, text, sizeof text - 1, split);
            if (few.body_max == 7) {
                assert_int_equal(p.result, PH__PARSE_ERROR);
                assert_int_equal(p.parser.status, 413);
            } else {
                assert_int_equal(p.result, PH__PARSE_DONE);
            }
            parsing_end(&p);
        }
    }
}

/* Gives the text again and again, up to `total` bytes, and returns the status it is refused with;
 * 0 when it never is. */
static int status_of_endless(const char *first, const char *again, size_t total)
{
    struct parsing p;
    begin_chunks(&p, &limits);
    parsing_chunks(&p, first, strlen(first));
    for (size_t given = 0; given < total && p.result == PH__PARSE_MORE; given += strlen(again)) {
        parsing_chunks(&p, again, strlen(again));
    }
    int status = p.result == PH__PARSE_ERROR ? p.parser.status : 0;
    parsing_end(&p);
    return status;
}

static void test_chunks_when_framing_never_ends_then_refused(void **state)
{
    (void)state;
    assert_int_equal(status_of_endless("1;", "aaaaaaaaaaaaaaaa", 1 << 20), 400);
    assert_int_equal(status_of_endless("", "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n", 1 << 20),
                     400);
    assert_int_equal(status_of_endless("0\r\n", "A: b\r\n", 1 << 20), 431);
    assert_int_equal(status_of_endless("0\r\nA: ", "bbbbbbbb", 1 << 20), 431);
    assert_int_equal(status_of_endless("0\r\n", "bbbbbbbb", 1 << 20), 431);
}

static void test_chunks_when_each_is_one_byte_then_accepted(void **state)
{
    (void)state;
    assert_int_equal(status_of_endless("", "1\r\nx\r\n", 6 * 100000), 0);
}

static void test_chunks_when_valid_and_split_anywhere_then_joined(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body, *rest;
    } cases[] = {
        {"0\r\n\r\n", "", ""},
        {"000\r\n\r\n", "", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello", ""},
        {"005\r\nhello\r\n0\r\n\r\n", "hello", ""},
        {"1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n", "hello", ""},
        {"A\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n", "0123456789abcdefghij", ""},
        {"5;a\r\nhello\r\n0;b\r\n\r\n", "hello", ""},
        {"5;a=b\r\nhello\r\n0\r\n\r\n", "hello", ""},
        {"5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n", ""},
        {"5\r\nhello\r\n0\r\nA: b\r\n\r\n", "hello", ""},
        {"5\r\nhello\r\n0\r\nA: b\r\nEmpty:\r\nC: d\r\n\r\n", "hello", ""},
        {"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n", "hello", "GET / HTTP/1.1\r\n"},
        {"0\r\nA: b\r\n\r\n0\r\n\r\n", "", "0\r\n\r\n"},
        {"0\r\n\r\n\r\n", "", "\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = strlen(cases[i].text);
        size_t end = size - strlen(cases[i].rest);
        for (size_t split = 0; split <= size + 1; split++) {
            struct parsing p;
            begin_chunks(&p, &limits);
            if (split <= size) {
                give_in_two(&p, cases[i].text, size, split);
            } else {
                give_bytes(&p, cases[i].text, size);
            }
            if (p.result != PH__PARSE_DONE) {
                fail_msg("\"%s\" split at %zu: result %d, status %d", cases[i].text, split,
                         (int)p.result, p.parser.status);
            }
            assert_int_equal(p.used, end);
            assert_int_equal(p.body.size, strlen(cases[i].body));
            assert_memory_equal(p.body.data ? p.body.data : "", cases[i].body, p.body.size);
            parsing_end(&p);
        }
    }
}

/* A client that offers an upgrade still sends its body first. */
static void test_chunks_when_upgrade_is_offered_then_body_all_the_same(void **state)
{
    (void)state;
    static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n"
                               "Upgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char body[] = "2\r\nok\r\n0\r\n\r\nGET";
    struct parsing p;
    parsing_begin(&p, &limits);
    assert_int_equal(parsing_feed(&p, head, sizeof head - 1), PH__PARSE_DONE);
    assert_int_equal(parsing_chunks(&p, body, sizeof body - 1), PH__PARSE_DONE);
    assert_int_equal(p.used, sizeof body - 1 - strlen("GET"));
    assert_memory_equal(p.body.data, "ok", 2);
    parsing_end(&p);
}

static void test_chunks_when_connection_closes_then_rest_is_left_alone(void **state)
{
    (void)state;
    static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    static const char body[] = "2\r\nok\r\n0\r\n\r\njunk that is no request";
    struct parsing p;
    parsing_begin(&p, &limits);
    assert_int_equal(parsing_feed(&p, head, sizeof head - 1), PH__PARSE_DONE);
    assert_int_equal(parsing_chunks(&p, body, sizeof body - 1), PH__PARSE_DONE);
    assert_int_equal(p.used, strlen("2\r\nok\r\n0\r\n\r\n"));
    parsing_end(&p);
}

/* ---- damaged at random ---- */

static size_t damage(struct random *random, char *text, size_t size, size_t room)
{
    static const char odd[] = "\r\n\t :,;/%?#\0\x01\x7f\x80\xff"
                              "0159afAGx-+\"";
    size_t at = random_below(random, size);
    char byte = odd[random_below(random, sizeof odd - 1)];
    switch (random_below(random, 5)) {
    case 0:
        text[at] = byte;
        return size;
    case 1:
        text[at] = (char)(text[at] ^ (1 << random_below(random, 8)));
        return size;
    case 2:
        memmove(text + at, text + at + 1, size - at - 1);
        return size - (size > 1);
    case 3:
        if (size < room) {
            memmove(text + at + 1, text + at, size - at);
            text[at] = byte;
            return size + 1;
        }
        return size;
    default: {
        /* A piece from elsewhere in the text takes this place. */
        size_t from = random_below(random, size);
        size_t length = size - (at > from ? at : from);
        length = random_below(random, length < 24 ? length + 1 : 24);
        memmove(text + at, text + from, length);
        return size;
    }
    }
}

/* Whether two parsings came to the same end. An unknown method is told from junk by its later
 * bytes, which may not have come yet: there 400 and 501 are both right. */
static bool same_end(const struct parsing *a, const struct parsing *b)
{
    if (a->result != b->result) {
        return false;
    }
    if (a->result != PH__PARSE_ERROR || a->parser.status == b->parser.status) {
        return true;
    }
    int sum = a->parser.status + b->parser.status;
    return sum == 400 + 501;
}

/* Parses a request, head and chunked body, cut at random. */
static void parse_cut(struct random *random, struct parsing *p, const char *text, size_t size)
{
    size_t at = 0;
    while (at < size && p->result == PH__PARSE_MORE) {
        size_t piece = 1 + random_below(random, size - at);
        parsing_feed(p, text + at, piece);
        assert_null(parsing_wrong(p, true));
        at += piece;
    }
    if (p->result != PH__PARSE_DONE || !p->req.chunked) {
        return;
    }
    p->result = PH__PARSE_MORE;
    for (at = p->parser.head_size; at < size && p->result == PH__PARSE_MORE;) {
        size_t piece = 1 + random_below(random, size - at);
        parsing_chunks(p, text + at, piece);
        assert_null(parsing_wrong(p, false));
        at += piece;
    }
}

static void parse_whole(struct parsing *p, const char *text, size_t size)
{
    parsing_feed(p, text, size);
    assert_null(parsing_wrong(p, true));
    if (p->result == PH__PARSE_DONE && p->req.chunked) {
        size_t at = p->parser.head_size;
        parsing_chunks(p, text + at, size - at);
        assert_null(parsing_wrong(p, false));
    }
}

static void test_requests_when_damaged_at_random_then_pieces_make_no_difference(void **state)
{
    (void)state;
    static const char *const requests[] = {
        "GET /a/b?c=d HTTP/1.1\r\nHost: a:80\r\nA: b\r\nEmpty:\r\nConnection: keep-alive\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5;x=y\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n",
        "\r\nOPTIONS * HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
    };
    struct random random = {.state = 9112};
    unsigned done = 0;
    unsigned refused = 0;
    for (int round = 0; round < 20000; round++) {
        char text[256];
        const char *request = requests[random_below(&random, sizeof requests / sizeof *requests)];
        size_t size = strlen(request);
        memcpy(text, request, size);
        for (size_t i = 1 + random_below(&random, 3); i > 0; i--) {
            size = damage(&random, text, size, sizeof text);
        }
        struct parsing whole;
        struct parsing cut;
        parsing_begin(&whole, &limits);
        parsing_begin(&cut, &limits);
        parse_whole(&whole, text, size);
        parse_cut(&random, &cut, text, size);
        if (!same_end(&whole, &cut) ||
            (whole.result != PH__PARSE_ERROR && whole.used != cut.used)) {
            print_message("%.*s\n", (int)size, text);
            fail_msg("round %d: result %d %d, status %d %d, used %zu %zu", round, (int)whole.result,
                     (int)cut.result, whole.parser.status, cut.parser.status, whole.used, cut.used);
        }
        done += whole.result == PH__PARSE_DONE;
        refused += whole.result == PH__PARSE_ERROR;
        parsing_end(&whole);
        parsing_end(&cut);
    }
    assert_true(done > 1000);
    assert_true(refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_when_malformed_and_split_anywhere_then_400),
        cmocka_unit_test(test_chunks_when_size_is_huge_then_413),
        cmocka_unit_test(test_chunks_when_size_overflows_then_refused),
        cmocka_unit_test(test_chunks_when_body_is_one_too_large_then_413),
        cmocka_unit_test(test_chunks_when_framing_never_ends_then_refused),
        cmocka_unit_test(test_chunks_when_each_is_one_byte_then_accepted),
        cmocka_unit_test(test_chunks_when_valid_and_split_anywhere_then_joined),
        cmocka_unit_test(test_chunks_when_upgrade_is_offered_then_body_all_the_same),
        cmocka_unit_test(test_chunks_when_connection_closes_then_rest_is_left_alone),
        cmocka_unit_test(test_requests_when_damaged_at_random_then_pieces_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
