/* SPDX-License-Identifier: MIT
 *
 * News of destroyed sockets: well-formed, cut short anywhere, of other kinds, and from the kernel.
 */
#include "watch/destroyed.h"

#include "support/cmocka.h"
#include "support/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A payload as the kernel makes it, without gaps. */
struct __attribute__((packed)) payload {
    struct inet_diag_msg message;
    struct nlattr head;
    struct tcp_info info;
};

static struct payload make(void)
{
    struct payload payload = {
        .message = {.idiag_family = AF_INET,
                    .idiag_state = 7,
                    .id = {.idiag_sport = htons(80),
                           .idiag_dport = htons(4711),
                           .idiag_cookie = {5, 0}}},
        .head = {.nla_len = sizeof(struct nlattr) + sizeof(struct tcp_info),
                 .nla_type = INET_DIAG_INFO},
        .info = {.tcpi_rtt = 70, .tcpi_total_retrans = 3},
    };
    payload.info.tcpi_bytes_sent = 1100;
    payload.info.tcpi_bytes_retrans = 100;
    payload.info.tcpi_bytes_received = 21;
    payload.message.id.idiag_dst[0] = htonl(INADDR_LOOPBACK);
    return payload;
}

static int parse(const struct payload *payload, size_t size, struct ph__destroyed *ret)
{
    unsigned char bytes[sizeof *payload];
    memcpy(bytes, payload, sizeof bytes);
    return ph__destroyed_parse(bytes, size, ret);
}

static void test_parse_then_ends_and_facts(void **state)
{
    (void)state;
    struct payload payload = make();
    struct ph__destroyed destroyed;
    assert_int_equal(parse(&payload, sizeof payload, &destroyed), 0);
    assert_int_equal(destroyed.socket.cookie, 5);
    assert_int_equal(destroyed.socket.local_port, 80);
    assert_int_equal(destroyed.socket.remote_port, 4711);
    assert_true(destroyed.socket.has_remote);
    assert_int_equal(destroyed.socket.remote_address[0], 127);
    assert_int_equal(destroyed.sent_bytes, 1000);
    assert_int_equal(destroyed.received_bytes, 21);
    assert_int_equal(destroyed.rtt_us, 70);
    assert_int_equal(destroyed.retransmissions, 3);
}

static void test_parse_when_an_older_kernel_sends_less_then_facts_are_unknown(void **state)
{
    (void)state;
    struct payload payload = make();
    struct ph__destroyed destroyed;
    size_t size = offsetof(struct tcp_info, tcpi_bytes_sent);
    payload.head.nla_len = (uint16_t)(sizeof payload.head + size);
    assert_int_equal(parse(&payload, offsetof(struct payload, info) + size, &destroyed), 0);
    assert_int_equal(destroyed.sent_bytes, -1);
    assert_int_equal(destroyed.rtt_us, 70);
    assert_int_equal(destroyed.socket.cookie, 5);
}

static void test_parse_when_cut_short_anywhere_then_refused_or_without_facts(void **state)
{
    (void)state;
    struct payload payload = make();
    for (size_t size = 0; size < sizeof payload; size++) {
        struct ph__destroyed destroyed = {.sent_bytes = -1};
        int err = parse(&payload, size, &destroyed);
        assert_true(err == -EBADMSG || (err == 0 && size == sizeof payload.message));
        assert_int_equal(destroyed.sent_bytes, -1);
    }
}

static void test_parse_when_of_another_family_then_refused(void **state)
{
    (void)state;
    struct payload payload = make();
    struct ph__destroyed destroyed;
    payload.message.idiag_family = AF_UNIX;
    assert_int_equal(parse(&payload, sizeof payload, &destroyed), -EPROTO);
}

/* ---- from the kernel ---- */

static int note(void *user, const struct ph__destroyed *destroyed)
{
    const uint16_t *port = user;
    return destroyed->socket.remote_port == *port && destroyed->sent_bytes == 5 ? -ECANCELED : 0;
}

static void test_read_when_a_connection_ends_then_told(void **state)
{
    (void)state;
    int news = ph__destroyed_open();
    if (news == -EPERM) {
        skip_because("the kernel tells of destroyed sockets to CAP_NET_ADMIN only");
    }
    assert_true(news >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, size), 0);
    int accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_int_equal(send(client, "hello", 5, 0), 5);
    char bytes[10];
    assert_int_equal(recv(accepted, bytes, sizeof bytes, 0), 5);
    close(client);
    assert_int_equal(recv(accepted, bytes, sizeof bytes, 0), 0);
    close(accepted);
    close(listener);
    uint16_t port = ntohs(address.sin_port);
    int err = 0;
    bool lost = false;
    while (err == 0) {
        assert_int_equal(poll(&(struct pollfd){.fd = news, .events = POLLIN}, 1, 20000), 1);
        err = ph__destroyed_read(news, note, &port, &lost);
    }
    assert_int_equal(err, -ECANCELED);
    assert_false(lost);
    close(news);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_then_ends_and_facts),
        cmocka_unit_test(test_parse_when_an_older_kernel_sends_less_then_facts_are_unknown),
        cmocka_unit_test(test_parse_when_cut_short_anywhere_then_refused_or_without_facts),
        cmocka_unit_test(test_parse_when_of_another_family_then_refused),
        cmocka_unit_test(test_read_when_a_connection_ends_then_told),
    };
    return cmocka_run_group_tests(tests, isolate, NULL);
}
