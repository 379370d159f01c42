/* SPDX-License-Identifier: MIT
 *
 * The kernel is played by the other end of a pair of datagram sockets, which answers before it
 * is asked.
 */
#include "sockets/netlink.h"

#include "support/cmocka.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <porthole/error.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int interruptions;

int __real_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout)
{
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    return __real_recvmmsg(fd, messages, count, flags, timeout);
}

static bool without_pages;

void *__real_ph__pages_new(size_t count, size_t size);
void *__wrap_ph__pages_new(size_t count, size_t size);
void *__wrap_ph__pages_new(size_t count, size_t size)
{
    return without_pages ? NULL : __real_ph__pages_new(count, size);
}

ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
    if (interruptions > 0) {
        interruptions--;
        errno = EINTR;
        return -1;
    }
    return __real_send(fd, data, size, flags);
}

/* What the kernel would write. */
struct answer {
    unsigned char bytes[256];
    size_t size;
};

static void add_message(struct answer *answer, unsigned type, unsigned sequence,
                        const void *payload, size_t size)
{
    struct nlmsghdr header = {
        .nlmsg_len = (uint32_t)(sizeof header + size),
        .nlmsg_type = (uint16_t)type,
        .nlmsg_seq = sequence,
    };
    memcpy(answer->bytes + answer->size, &header, sizeof header);
    memcpy(answer->bytes + answer->size + sizeof header, payload, size);
    answer->size += sizeof header + (size + 3) / 4 * 4;
}

static void add_end(struct answer *answer, unsigned type, int32_t error)
{
    add_message(answer, type, 1, &error, sizeof error);
}

struct pair {
    struct ph__netlink netlink;
    int kernel;
    unsigned messages; /* that arrived */
    size_t bytes;
    int refuse; /* what the receiver of messages returns */
};

static void open_pair(struct pair *pair)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    *pair = (struct pair){.kernel = fds[1]};
    assert_int_equal(ph__netlink_init_fd(&pair->netlink, fds[0]), 0);
}

static void close_pair(struct pair *pair)
{
    ph__netlink_done(&pair->netlink);
    if (pair->kernel >= 0) {
        close(pair->kernel);
    }
}

static int count_message(void *user, const unsigned char *payload, size_t size)
{
    struct pair *pair = user;
    (void)payload;
    pair->messages++;
    pair->bytes += size;
    return pair->refuse;
}

static void answer_with(struct pair *pair, const void *bytes, size_t size)
{
    assert_int_equal(send(pair->kernel, bytes, size, 0), size);
}

static int dump(struct pair *pair)
{
    const struct ph__netlink_request request = {SOCK_DIAG_BY_FAMILY, "request", 7};
    return ph__netlink_dump(&pair->netlink, &request, count_message, pair);
}

static int dump_answer(const struct answer *answer)
{
    struct pair pair;
    open_pair(&pair);
    answer_with(&pair, answer->bytes, answer->size);
    int err = dump(&pair);
    close_pair(&pair);
    return err;
}

static void test_dump_when_end_carries_error_then_error(void **state)
{
    (void)state;
    struct answer done = {.size = 0};
    add_end(&done, NLMSG_DONE, -ENOENT);
    assert_int_equal(dump_answer(&done), -ENOENT);
    struct answer error = {.size = 0};
    add_end(&error, NLMSG_ERROR, -EPERM);
    assert_int_equal(dump_answer(&error), -EPERM);
}

static void test_dump_when_end_is_absurd_then_malformed(void **state)
{
    (void)state;
    struct answer positive = {.size = 0};
    add_end(&positive, NLMSG_DONE, 5);
    assert_int_equal(dump_answer(&positive), -EBADMSG);
    struct answer huge = {.size = 0};
    add_end(&huge, NLMSG_DONE, INT32_MIN);
    assert_int_equal(dump_answer(&huge), -EBADMSG);
    struct answer acknowledged = {.size = 0};
    add_end(&acknowledged, NLMSG_ERROR, 0);
    assert_int_equal(dump_answer(&acknowledged), -EBADMSG);
    struct answer empty = {.size = 0};
    add_message(&empty, NLMSG_ERROR, 1, "", 0);
    assert_int_equal(dump_answer(&empty), -EBADMSG);
}

static void test_dump_when_lengths_lie_then_malformed(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 1, 15, 21, 100, 0x7FFFFFFF, 0xFFFFFFFF};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct answer answer = {.size = 0};
        add_message(&answer, SOCK_DIAG_BY_FAMILY, 1, "abcd", 4);
        memcpy(answer.bytes, &lengths[i], sizeof lengths[i]);
        assert_int_equal(dump_answer(&answer), -EBADMSG);
    }
}

static void test_dump_when_cut_anywhere_then_malformed(void **state)
{
    (void)state;
    struct answer answer = {.size = 0};
    add_message(&answer, SOCK_DIAG_BY_FAMILY, 1, "abcdefgh", 8);
    add_end(&answer, NLMSG_DONE, 0);
    size_t whole = answer.size;
    for (size_t cut = 1; cut < whole; cut++) {
        if (cut == 24) {
            continue; /* a datagram with one message; the dump would go on */
        }
        answer.size = cut;
        assert_int_equal(dump_answer(&answer), -EBADMSG);
    }
}

static void test_dump_when_datagram_is_empty_or_truncated_then_malformed(void **state)
{
    (void)state;
    struct answer nothing = {.size = 0};
    assert_int_equal(dump_answer(&nothing), -EBADMSG);

    struct pair pair;
    open_pair(&pair);
    static unsigned char large[PH__NETLINK_DATAGRAM + 4];
    struct nlmsghdr header = {
        .nlmsg_len = sizeof large, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_seq = 1};
    memcpy(large, &header, sizeof header);
    answer_with(&pair, large, sizeof large);
    assert_int_equal(dump(&pair), -EBADMSG);
    assert_int_equal(pair.messages, 0);
    close_pair(&pair);
}

static void test_dump_when_kernel_is_silent_then_timeout(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    struct timeval soon = {.tv_usec = 1000};
    assert_int_equal(setsockopt(pair.netlink.fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    assert_int_equal(dump(&pair), -ETIMEDOUT);
    close_pair(&pair);
}

static void test_dump_when_other_end_is_gone_then_error_of_socket(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    close(pair.kernel);
    pair.kernel = -1;
    assert_int_equal(dump(&pair), -ECONNREFUSED);
    close_pair(&pair);
}

static void test_dump_when_receiver_refuses_then_its_error(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    struct answer answer = {.size = 0};
    add_message(&answer, SOCK_DIAG_BY_FAMILY, 1, "one", 3);
    add_message(&answer, SOCK_DIAG_BY_FAMILY, 1, "two", 3);
    pair.refuse = PH_ERR_LIMIT;
    answer_with(&pair, answer.bytes, answer.size);
    assert_int_equal(dump(&pair), PH_ERR_LIMIT);
    assert_int_equal(pair.messages, 1);
    close_pair(&pair);
}

static void test_init_when_out_of_memory_then_enomem_and_closed(void **state)
{
    (void)state;
    struct ph__netlink netlink;
    without_pages = true;
    assert_int_equal(ph__netlink_init(&netlink), -ENOMEM);
    without_pages = false;
    assert_int_equal(netlink.fd, -1);
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    close(pipe_ends[1]);
    assert_int_equal(ph__netlink_init_fd(&netlink, pipe_ends[0]), -ENOTSOCK);
    assert_int_equal(close(pipe_ends[0]), -1);
}

static void test_dump_when_several_messages_and_datagrams_then_all_arrive(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    struct answer first = {.size = 0};
    add_message(&first, SOCK_DIAG_BY_FAMILY, 1, "a", 1); /* the next one is padded */
    add_message(&first, SOCK_DIAG_BY_FAMILY, 1, "bcde", 4);
    add_message(&first, NLMSG_NOOP, 1, "", 0);
    struct answer stale = {.size = 0};
    add_message(&stale, SOCK_DIAG_BY_FAMILY, 99, "old", 3);
    struct answer last = {.size = 0};
    add_message(&last, SOCK_DIAG_BY_FAMILY, 1, "fghijk", 6);
    add_message(&last, NLMSG_DONE, 1, "", 0); /* kernels of old carry nothing here */
    answer_with(&pair, first.bytes, first.size);
    answer_with(&pair, stale.bytes, stale.size);
    answer_with(&pair, last.bytes, last.size);
    interruptions = 3;
    assert_int_equal(dump(&pair), 0);
    assert_int_equal(interruptions, 0);
    assert_int_equal(pair.messages, 3);
    assert_int_equal(pair.bytes, 1 + 4 + 6);
    assert_int_equal(pair.netlink.datagrams, 3);

    char request[64];
    struct nlmsghdr header;
    assert_int_equal(recv(pair.kernel, request, sizeof request, 0), sizeof header + 7);
    memcpy(&header, request, sizeof header);
    assert_int_equal(header.nlmsg_len, sizeof header + 7);
    assert_int_equal(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
    assert_memory_equal(request + sizeof header, "request", 7);
    close_pair(&pair);
}

static void test_attributes_when_lengths_lie_then_malformed(void **state)
{
    (void)state;
    static const uint16_t lengths[] = {0, 3, 9, 0xFFFF};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned char bytes[8] = {0};
        memcpy(bytes, &lengths[i], sizeof lengths[i]);
        const unsigned char *at = bytes;
        size_t size = sizeof bytes;
        struct ph__netlink_attribute attribute;
        assert_int_equal(ph__netlink_next_attribute(&at, &size, &attribute), -EBADMSG);
        size = 3;
        assert_int_equal(ph__netlink_next_attribute(&at, &size, &attribute), -EBADMSG);
    }
}

static void test_attributes_when_unaligned_and_unpadded_then_all_found(void **state)
{
    (void)state;
    unsigned char bytes[1 + 8 + 6] = {0};
    struct nlattr header = {.nla_len = 5, .nla_type = 7 | NLA_F_NESTED};
    memcpy(bytes + 1, &header, sizeof header);
    bytes[5] = 'x';
    header = (struct nlattr){.nla_len = 6, .nla_type = 8};
    memcpy(bytes + 9, &header, sizeof header);
    const unsigned char *at = bytes + 1;
    size_t size = sizeof bytes - 1;
    struct ph__netlink_attribute attribute;
    assert_int_equal(ph__netlink_next_attribute(&at, &size, &attribute), 1);
    assert_int_equal(attribute.type, 7);
    assert_int_equal(attribute.size, 1);
    assert_int_equal(attribute.data[0], 'x');
    assert_int_equal(ph__netlink_next_attribute(&at, &size, &attribute), 1);
    assert_int_equal(attribute.type, 8);
    assert_int_equal(attribute.size, 2);
    assert_int_equal(ph__netlink_next_attribute(&at, &size, &attribute), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dump_when_end_carries_error_then_error),
        cmocka_unit_test(test_dump_when_end_is_absurd_then_malformed),
        cmocka_unit_test(test_dump_when_lengths_lie_then_malformed),
        cmocka_unit_test(test_dump_when_cut_anywhere_then_malformed),
        cmocka_unit_test(test_dump_when_datagram_is_empty_or_truncated_then_malformed),
        cmocka_unit_test(test_dump_when_kernel_is_silent_then_timeout),
        cmocka_unit_test(test_dump_when_other_end_is_gone_then_error_of_socket),
        cmocka_unit_test(test_dump_when_receiver_refuses_then_its_error),
        cmocka_unit_test(test_init_when_out_of_memory_then_enomem_and_closed),
        cmocka_unit_test(test_dump_when_several_messages_and_datagrams_then_all_arrive),
        cmocka_unit_test(test_attributes_when_lengths_lie_then_malformed),
        cmocka_unit_test(test_attributes_when_unaligned_and_unpadded_then_all_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
