/* SPDX-License-Identifier: MIT
 *
 * Details out of messages made here: what the kernel may send, and what it should not.
 */
#include "sockets/detail.h"

#include "support.h"
#include "support/cmocka.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <string.h>

enum { ROOM = 1024 };

/* A message that grows. */
struct message {
    _Alignas(8) unsigned char bytes[ROOM];
    size_t size;
};

static struct message begin(size_t head)
{
    return (struct message){.size = NLMSG_ALIGN(head)};
}

static void add(struct message *message, unsigned type, const void *data, size_t size)
{
    struct nlattr head = {(uint16_t)(sizeof head + size), (uint16_t)type};
    assert_true(message->size + sizeof head + size + 3 < sizeof message->bytes);
    memcpy(message->bytes + message->size, &head, sizeof head);
    memcpy(message->bytes + message->size + sizeof head, data, size);
    message->size += NLMSG_ALIGN(sizeof head + size);
}

static const struct ph_socket connection = {
    .protocol = PH_PROTOCOL_TCP, .family = PH_FAMILY_IPV4, .state = PH_STATE_ESTABLISHED};

static struct ph__detail parse(const struct ph_socket *socket, const struct message *message)
{
    struct ph__detail detail;
    ph__detail_parse(socket, message->bytes, message->size, &detail);
    return detail;
}

static int64_t number(const struct ph__detail *detail, enum ph_detail which)
{
    return ph__detail_number(detail, &connection, which);
}

static struct tcp_info make_info(void)
{
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    info.tcpi_ca_state = 3;
    info.tcpi_backoff = 2;
    info.tcpi_options = TCPI_OPT_SACK | TCPI_OPT_WSCALE | TCPI_OPT_ECN;
    info.tcpi_snd_wscale = 7;
    info.tcpi_rcv_wscale = 9;
    info.tcpi_delivery_rate_app_limited = 1;
    info.tcpi_rtt = 2000;
    info.tcpi_snd_cwnd = 10;
    info.tcpi_snd_mss = 1000;
    info.tcpi_snd_ssthresh = 0x7FFFFFFF;
    info.tcpi_min_rtt = UINT32_MAX;
    info.tcpi_pacing_rate = 5000000000;
    info.tcpi_max_pacing_rate = UINT64_MAX;
    info.tcpi_bytes_sent = 700;
    info.tcpi_bytes_retrans = 60;
    info.tcpi_snd_wnd = 4321;
    return info;
}

static void test_parse_then_numbers_words_and_flags(void **state)
{
    (void)state;
    struct tcp_info info = make_info();
    struct message message = begin(sizeof(struct inet_diag_msg));
    const uint32_t bbr[5] = {1, 2, 30, 739, 512};
    const unsigned char tos = 0x10;
    add(&message, INET_DIAG_INFO, &info, sizeof info);
    add(&message, INET_DIAG_CONG, "cubic", 6);
    add(&message, INET_DIAG_TOS, &tos, 1);
    add(&message, INET_DIAG_BBRINFO, bbr, sizeof bbr);
    struct ph__detail detail = parse(&connection, &message);
    assert_string_equal(ph__detail_text(&detail, PH_DETAIL_CONGESTION_CONTROL), "cubic");
    assert_string_equal(ph__detail_text(&detail, PH_DETAIL_CONGESTION_STATE), "recovery");
    assert_null(ph__detail_text(&detail, PH_DETAIL_ULP));
    assert_null(ph__detail_text(&detail, PH_DETAIL_SHUTDOWN));
    assert_null(ph__detail_text(&detail, PH_DETAIL_CWND));
    assert_int_equal(number(&detail, PH_DETAIL_CONGESTION_CONTROL), -1);
    assert_int_equal(number(&detail, PH_DETAIL_BACKOFF), 2);
    assert_int_equal(number(&detail, PH_DETAIL_SACK), 1);
    assert_int_equal(number(&detail, PH_DETAIL_ECN), 1);
    assert_int_equal(number(&detail, PH_DETAIL_TIMESTAMPS), 0);
    assert_int_equal(number(&detail, PH_DETAIL_SEND_WSCALE), 7);
    assert_int_equal(number(&detail, PH_DETAIL_RECEIVE_WSCALE), 9);
    assert_int_equal(number(&detail, PH_DETAIL_APP_LIMITED), 1);
    assert_int_equal(number(&detail, PH_DETAIL_RTT_US), 2000);
    assert_int_equal(number(&detail, PH_DETAIL_RTTVAR_US), -1); /* not measured */
    assert_int_equal(number(&detail, PH_DETAIL_MIN_RTT_US), -1);
    assert_int_equal(number(&detail, PH_DETAIL_SSTHRESH), -1);
    assert_int_equal(number(&detail, PH_DETAIL_SEND_RATE), 5000000);
    assert_int_equal(number(&detail, PH_DETAIL_PACING_RATE), 5000000000);
    assert_int_equal(number(&detail, PH_DETAIL_MAX_PACING_RATE), -1);
    assert_int_equal(number(&detail, PH_DETAIL_SENT_BYTES), 640);
    assert_int_equal(number(&detail, PH_DETAIL_RETRANSMITTED_BYTES), 60);
    assert_int_equal(number(&detail, PH_DETAIL_SEND_WINDOW_BYTES), 4321);
    assert_int_equal(number(&detail, PH_DETAIL_TIMEOUTS), -1); /* is not sent */
    assert_int_equal(number(&detail, PH_DETAIL_TOS), 0x10);
    assert_int_equal(number(&detail, PH_DETAIL_TCLASS), -1);
    assert_int_equal(number(&detail, PH_DETAIL_BBR_BANDWIDTH), (int64_t)2 << 32 | 1);
    assert_int_equal(number(&detail, PH_DETAIL_BBR_MIN_RTT_US), 30);
    assert_int_equal(number(&detail, PH_DETAIL_BBR_PACING_GAIN), 2886);
    assert_int_equal(number(&detail, PH_DETAIL_BBR_CWND_GAIN), 2000);
    assert_int_equal(number(&detail, PH_DETAIL_RECEIVE_BUFFER_BYTES), -1);
}

static void test_parse_when_a_newer_kernel_sends_more_then_its_fields_too(void **state)
{
    (void)state;
    unsigned char info[300] = {0};
    struct message message = begin(sizeof(struct inet_diag_msg));
    const uint32_t window = 77;
    const uint16_t timeouts = 5;
    memcpy(info + 232, &window, sizeof window);
    memcpy(info + 240, &timeouts, sizeof timeouts);
    add(&message, INET_DIAG_INFO, info, sizeof info);
    struct ph__detail detail = parse(&connection, &message);
    assert_int_equal(number(&detail, PH_DETAIL_RECEIVE_WINDOW_BYTES), 77);
    assert_int_equal(number(&detail, PH_DETAIL_TIMEOUTS), 5);
    assert_int_equal(ph__detail_size(&detail), sizeof detail);
}

/* What a kernel of each age does not send is unknown, and what it sends is told. */
static void test_parse_when_an_older_kernel_sends_less_then_the_rest_is_unknown(void **state)
{
    (void)state;
    struct tcp_info info = make_info();
    int known = -1;
    for (size_t size = 0; size <= sizeof info; size++) {
        struct message message = begin(sizeof(struct inet_diag_msg));
        int count = 0;
        add(&message, INET_DIAG_INFO, &info, size);
        struct ph__detail detail = parse(&connection, &message);
        for (int i = 0; i < PH_DETAIL_COUNT; i++) {
            count += number(&detail, (enum ph_detail)i) >= 0;
        }
        assert_true(count >= known);
        known = count;
        assert_int_equal(number(&detail, PH_DETAIL_SEND_WINDOW_BYTES),
                         size == sizeof info ? 4321 : -1);
    }
    assert_true(known > 40);
}

static void test_parse_when_cut_anywhere_then_no_harm(void **state)
{
    (void)state;
    struct tcp_info info = make_info();
    struct message whole = begin(sizeof(struct inet_diag_msg));
    add(&whole, INET_DIAG_CONG, "a name that is far longer than it may be", 40);
    add(&whole, INET_DIAG_INFO, &info, sizeof info);
    for (size_t size = 0; size <= whole.size; size++) {
        /* Behind the end of what is on the heap a sanitizer sees every read. */
        struct message *message = test_malloc(sizeof *message);
        *message = whole;
        message->size = size;
        struct ph__detail detail = parse(&connection, message);
        const char *name = ph__detail_text(&detail, PH_DETAIL_CONGESTION_CONTROL);
        assert_true(!name || strcmp(name, "a name that is ") == 0);
        assert_int_equal(number(&detail, PH_DETAIL_BACKOFF), size == whole.size ? 2 : -1);
        test_free(message);
    }
}

static void test_parse_when_listener_or_mptcp_then_no_numbers_of_tcp(void **state)
{
    (void)state;
    struct tcp_info info = make_info();
    struct message message = begin(sizeof(struct inet_diag_msg));
    add(&message, INET_DIAG_INFO, &info, sizeof info);
    struct ph_socket listener = connection;
    struct ph_socket mptcp = connection;
    listener.state = PH_STATE_LISTEN;
    mptcp.protocol = PH_PROTOCOL_MPTCP;
    struct ph__detail detail = parse(&listener, &message);
    assert_int_equal(number(&detail, PH_DETAIL_UNACKED), -1);
    assert_int_equal(number(&detail, PH_DETAIL_SACK), -1);
    detail = parse(&mptcp, &message);
    assert_int_equal(number(&detail, PH_DETAIL_CWND), -1);
}

/* The name of what is on top comes inside of an attribute. */
static void test_parse_when_something_is_on_top_then_its_name(void **state)
{
    (void)state;
    struct message message = begin(sizeof(struct inet_diag_msg));
    struct {
        struct nlattr head;
        char name[4];
    } inner = {{sizeof inner, 1}, "tls"};
    add(&message, INET_DIAG_ULP_INFO, &inner, sizeof inner);
    struct ph__detail detail = parse(&connection, &message);
    assert_string_equal(ph__detail_text(&detail, PH_DETAIL_ULP), "tls");
}

static void test_parse_when_unix_then_memory_and_shutdown(void **state)
{
    (void)state;
    const struct ph_socket stream = {.protocol = PH_PROTOCOL_UNIX, .family = PH_FAMILY_UNIX};
    const uint32_t memory[SK_MEMINFO_VARS] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const unsigned char shutdown = 3;
    struct message message = begin(sizeof(struct unix_diag_msg));
    add(&message, UNIX_DIAG_MEMINFO, memory, sizeof memory);
    add(&message, UNIX_DIAG_SHUTDOWN, &shutdown, 1);
    struct ph__detail detail = parse(&stream, &message);
    static const enum ph_detail order[] = {
        PH_DETAIL_RECEIVE_MEMORY_BYTES, PH_DETAIL_RECEIVE_BUFFER_BYTES,
        PH_DETAIL_SEND_MEMORY_BYTES,    PH_DETAIL_SEND_BUFFER_BYTES,
        PH_DETAIL_FORWARD_MEMORY_BYTES, PH_DETAIL_QUEUED_MEMORY_BYTES,
        PH_DETAIL_OPTION_MEMORY_BYTES,  PH_DETAIL_BACKLOG_MEMORY_BYTES,
    };
    for (int i = 0; i < 8; i++) {
        assert_int_equal(ph__detail_number(&detail, &stream, order[i]), i + 1);
    }
    assert_string_equal(ph__detail_text(&detail, PH_DETAIL_SHUTDOWN), "both");
}

static void test_number_when_there_is_no_message_then_what_the_row_tells(void **state)
{
    (void)state;
    struct ph_socket socket = connection;
    assert_int_equal(ph__detail_number(NULL, &socket, PH_DETAIL_MARK), -1);
    assert_int_equal(ph__detail_number(NULL, &socket, PH_DETAIL_V6ONLY), -1);
    socket.mark_known = socket.v6only_known = true;
    socket.mark = UINT32_MAX;
    assert_int_equal(ph__detail_number(NULL, &socket, PH_DETAIL_MARK), UINT32_MAX);
    assert_int_equal(ph__detail_number(NULL, &socket, PH_DETAIL_V6ONLY), 0);
    assert_int_equal(ph__detail_number(NULL, &socket, PH_DETAIL_CWND), -1);
    assert_null(ph__detail_text(NULL, PH_DETAIL_CGROUP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_then_numbers_words_and_flags),
        cmocka_unit_test(test_parse_when_a_newer_kernel_sends_more_then_its_fields_too),
        cmocka_unit_test(test_parse_when_an_older_kernel_sends_less_then_the_rest_is_unknown),
        cmocka_unit_test(test_parse_when_cut_anywhere_then_no_harm),
        cmocka_unit_test(test_parse_when_listener_or_mptcp_then_no_numbers_of_tcp),
        cmocka_unit_test(test_parse_when_something_is_on_top_then_its_name),
        cmocka_unit_test(test_parse_when_unix_then_memory_and_shutdown),
        cmocka_unit_test(test_number_when_there_is_no_message_then_what_the_row_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
