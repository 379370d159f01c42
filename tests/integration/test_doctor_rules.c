/* SPDX-License-Identifier: MIT
 *
 * The doctor's rules against real sockets: each test makes a condition, sees the finding come,
 * takes the condition away, and sees it go. All in a network namespace of its own, whose settings
 * some of them change.
 */
#include "support/client.h"
#include "support/cmocka.h"
#include "support/descriptor.h"
#include "support/namespace.h"
#include "support/server.h"

#include <porthole/doctor.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct ph_sockets *sockets;
static struct ph_doctor *doctor;

static int make_doctor(void **state)
{
    (void)state;
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    assert_int_equal(ph_doctor_new(&doctor, sockets), 0);
    return 0;
}

static int free_doctor(void **state)
{
    (void)state;
    ph_doctor_free(doctor);
    ph_sockets_free(sockets);
    return 0;
}

static void threshold(const char *name, double value)
{
    assert_int_equal(ph_doctor_threshold(doctor, name, value), 0);
}

/* ---- looking ---- */

struct wanted {
    const char *id;                 /* or a rule: any finding of it */
    enum ph_severity at_least;      /* PH_SEVERITY_COUNT: it must be gone */
    struct ph_finding *ret_finding; /* NULL, or a copy, without texts */
};

static bool is_named(const struct ph_finding *finding, const char *id)
{
    return strcmp(finding->id, id) == 0 || strcmp(finding->rule, id) == 0;
}

static bool is_so(void *user)
{
    const struct wanted *wanted = user;
    struct ph_findings *findings;
    assert_int_equal(ph_doctor_look(doctor, 0, &findings, NULL), 0);
    bool found = false;
    for (size_t i = 0; i < ph_findings_count(findings); i++) {
        const struct ph_finding *finding = ph_findings_at(findings, i);
        bool gone = wanted->at_least == PH_SEVERITY_COUNT;
        if (is_named(finding, wanted->id) && (gone || finding->severity >= wanted->at_least)) {
            found = true;
            assert_true(strlen(finding->title) > 10 && strlen(finding->advice) > 10);
            assert_true(finding->evidence_count > 0 && finding->since_unix_ms > 0);
            if (wanted->ret_finding) {
                *wanted->ret_finding = *finding;
            }
        }
    }
    ph_findings_unref(findings);
    bool so = found == (wanted->at_least != PH_SEVERITY_COUNT);
    if (!so) {
        poll(NULL, 0, 20); /* looks are not cheap */
    }
    return so;
}

static struct ph_finding wait_found(const char *id, enum ph_severity at_least)
{
    struct ph_finding finding = {.id = NULL};
    wait_until(is_so, &(struct wanted){id, at_least, &finding});
    return finding;
}

static void wait_gone(const char *id)
{
    wait_until(is_so, &(struct wanted){id, PH_SEVERITY_COUNT, NULL});
}

static double evidence(const struct ph_finding *finding, const char *name)
{
    for (size_t i = 0; i < finding->evidence_count; i++) {
        if (strcmp(finding->evidence[i].name, name) == 0) {
            return finding->evidence[i].number;
        }
    }
    fail_msg("no evidence %s", name);
    return 0;
}

/* ---- sockets ---- */

static struct sockaddr_in place(const char *text, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    assert_int_equal(inet_pton(AF_INET, text, &address.sin_addr), 1);
    return address;
}

/* Listens, with SO_REUSEPORT where `shared`. */
static int open_listener(const char *text, uint16_t port, int backlog, bool shared)
{
    struct sockaddr_in address = place(text, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = shared;
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

/* Begins to connect, and does not wait. */
static int begin_connect(uint16_t port)
{
    struct sockaddr_in address = place("127.0.0.1", port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        assert_int_equal(errno, EINPROGRESS);
    }
    return fd;
}

static void close_all(const int *fds, int count)
{
    for (int i = 0; i < count; i++) {
        close(fds[i]);
    }
}

static void set_sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, value, strlen(value)), (ssize_t)strlen(value));
    close(fd);
}

/* ---- listeners ---- */

static void test_accept_queue_when_full_then_error_and_silent_peers(void **state)
{
    (void)state;
    enum { CLIENTS = 4 };
    int clients[CLIENTS];
    int listener = open_listener("127.0.0.1", 8001, 1, false);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = begin_connect(8001); /* two are confirmed, the others dropped */
    }
    struct ph_finding finding = wait_found("accept_queue_full:tcp:8001", PH_SEVERITY_ERROR);
    assert_int_equal(finding.subject, PH_SUBJECT_PORT);
    assert_int_equal(finding.port, 8001);
    assert_int_equal(evidence(&finding, "accept_queue"), 2);
    assert_int_equal(evidence(&finding, "backlog"), 1);
    finding = wait_found("peer_silent", PH_SEVERITY_WARNING); /* after two more requests */
    assert_true(evidence(&finding, "retransmits") >= 2);
    assert_int_equal(evidence(&finding, "backlog"), 1); /* it knows where they go */
    close_all(clients, CLIENTS);
    for (int i = 0; i < 2; i++) {
        close(accept4(listener, NULL, NULL, SOCK_CLOEXEC));
    }
    wait_gone("accept_queue_full");
    wait_gone("peer_silent");
    close(listener);
}

/* A listener that defers accepting keeps connections half open until data comes. */
static void test_syn_queue_when_handshakes_hang_then_warning(void **state)
{
    (void)state;
    enum { CLIENTS = 4 };
    int clients[CLIENTS];
    int listener = open_listener("127.0.0.1", 8002, 4, false);
    assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){60}, sizeof(int)),
                     0);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = begin_connect(8002);
    }
    struct ph_finding finding = wait_found("syn_queue_pressure:tcp:8002", PH_SEVERITY_WARNING);
    assert_true(evidence(&finding, "syn_recv") >= 3);
    assert_int_equal(evidence(&finding, "limit"), 4);
    close_all(clients, CLIENTS);
    close(listener);
    wait_gone("syn_queue_pressure:tcp:8002");
}

static void test_port_when_in_the_range_of_the_kernel_then_info_until_reserved(void **state)
{
    (void)state;
    static const char reserved[] = "/proc/sys/net/ipv4/ip_local_reserved_ports";
    int listener = open_listener("127.0.0.1", 40123, 5, false);
    wait_found("ephemeral_overlap:tcp:40123", PH_SEVERITY_INFO);
    set_sysctl(reserved, "40123");
    wait_gone("ephemeral_overlap");
    set_sysctl(reserved, "\n");
    close(listener);
}

static void test_service_when_everybody_reaches_it_then_warning(void **state)
{
    (void)state;
    int hidden = open_listener("127.0.0.1", 5432, 5, false);
    int open = open_listener("0.0.0.0", 6379, 5, false);
    struct ph_finding finding = wait_found("exposed_service:tcp:6379", PH_SEVERITY_WARNING);
    assert_false(finding.certain);
    wait_gone("exposed_service:tcp:5432");
    close(hidden);
    close(open);
    wait_gone("exposed_service");
}

/* Runs `act` in a process named "other", which stays until it is killed. */
static pid_t begin_other(void (*act)(void))
{
    int ready[2];
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, "other");
        act();
        if (write(ready[1], "", 1) == 1) {
            pause();
        }
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &(char){0}, 1), 1);
    close(ready[0]);
    return pid;
}

static void end_other(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void listen_too(void)
{
    open_listener("127.0.0.1", 8003, 5, true);
}

static void test_listeners_when_of_different_programs_then_warning(void **state)
{
    (void)state;
    int listener = open_listener("127.0.0.1", 8003, 5, true);
    int same = open_listener("127.0.0.1", 8003, 5, true); /* of the same program: no matter */
    wait_gone("duplicate_listeners");
    pid_t pid = begin_other(listen_too);
    struct ph_finding finding = wait_found("duplicate_listeners:tcp:8003", PH_SEVERITY_WARNING);
    assert_int_equal(evidence(&finding, "listeners"), 3);
    end_other(pid);
    wait_gone("duplicate_listeners");
    close(listener);
    close(same);
}

static void listen_at_loopback(void)
{
    open_listener("127.0.0.1", 8004, 5, false);
}

/* Needs a localhost of two addresses, which /etc/hosts has or has not. */
static void test_localhost_when_one_address_is_listened_at_then_info_if_it_has_two(void **state)
{
    (void)state;
    char line[300];
    bool two = false;
    FILE *hosts = fopen("/etc/hosts", "re");
    while (hosts && fgets(line, sizeof line, hosts)) {
        two |= strncmp(line, "::1", 3) == 0 && strstr(line, "localhost");
    }
    if (hosts) {
        fclose(hosts);
    }
    pid_t pid = begin_other(listen_at_loopback);
    if (two) {
        wait_found("loopback_family_mismatch:tcp:8004", PH_SEVERITY_INFO);
    } else {
        wait_gone("loopback_family_mismatch");
    }
    end_other(pid);
    wait_gone("loopback_family_mismatch");
    int own = open_listener("127.0.0.1", 8004, 5, false); /* of the process that looks */
    wait_gone("loopback_family_mismatch");
    close(own);
}

static void test_listener_when_no_process_has_it_then_info(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    int listener = open_listener("127.0.0.1", 8005, 5, false);
    wait_gone("no_visible_owner:tcp:8005");
    send_descriptor(ends[0], listener);
    close(listener);
    wait_found("no_visible_owner:tcp:8005", PH_SEVERITY_INFO);
    close(ends[0]);
    close(ends[1]);
    wait_gone("no_visible_owner:tcp:8005");
}

static int listen_at_path(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
    assert_int_equal(listen(fd, 5), 0);
    return fd;
}

static void test_unix_socket_when_its_path_is_gone_or_taken_then_warning(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/doctor-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", folder);
    int first = listen_at_path(&address);
    wait_gone("dead_unix_socket");
    unlink(address.sun_path);
    struct ph_finding finding = wait_found("dead_unix_socket", PH_SEVERITY_WARNING);
    assert_false(finding.certain);
    int second = listen_at_path(&address);
    finding = wait_found("dead_unix_socket", PH_SEVERITY_WARNING);
    assert_true(finding.certain); /* the newer one has it */
    close(first);
    wait_gone("dead_unix_socket");
    close(second);
    unlink(address.sun_path);
    rmdir(folder);
}

/* ---- connections ---- */

/* Accepted connections to a port of our own. */
struct pairs {
    int listener, count;
    int clients[16], accepted[16];
};

static void open_pairs(struct pairs *pairs, uint16_t port, int count)
{
    pairs->listener = open_listener("127.0.0.1", port, count, false);
    pairs->count = count;
    for (int i = 0; i < count; i++) {
        pairs->clients[i] = begin_connect(port);
        pairs->accepted[i] = accept4(pairs->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_true(pairs->accepted[i] >= 0);
    }
}

static void close_pairs(struct pairs *pairs)
{
    close_all(pairs->clients, pairs->count);
    close_all(pairs->accepted, pairs->count);
    close(pairs->listener);
}

static void test_close_wait_when_they_gather_then_the_process_is_told(void **state)
{
    (void)state;
    struct pairs pairs;
    threshold("close_wait_leak.seconds", 0.5);
    threshold("close_wait_leak.sockets", 3);
    open_pairs(&pairs, 8006, 4);
    close_all(pairs.clients, 4);
    struct ph_finding finding = wait_found("close_wait_leak", PH_SEVERITY_WARNING);
    assert_int_equal(finding.subject, PH_SUBJECT_PROCESS);
    assert_int_equal(finding.pid, getpid());
    assert_int_equal(evidence(&finding, "close_wait"), 4);
    close_all(pairs.accepted, 4);
    wait_gone("close_wait_leak");
    close(pairs.listener);
}

static void test_ephemeral_ports_when_nearly_all_are_used_then_told(void **state)
{
    (void)state;
    static const char range[] = "/proc/sys/net/ipv4/ip_local_port_range";
    struct pairs pairs;
    set_sysctl(range, "41000 41009");
    open_pairs(&pairs, 8007, 8);
    struct ph_finding finding = wait_found("ephemeral_ports_low", PH_SEVERITY_WARNING);
    assert_int_equal(evidence(&finding, "ports_used"), 8);
    assert_int_equal(evidence(&finding, "ports_usable"), 10);
    int more = begin_connect(8007);
    wait_found("ephemeral_ports_low", PH_SEVERITY_ERROR);
    set_sysctl(range, "32768 60999");
    wait_gone("ephemeral_ports_low");
    close(more);
    close_pairs(&pairs);
}

/* Sends until nothing more is taken. */
static void fill(int fd)
{
    static const char bytes[65536];
    while (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    }
    assert_int_equal(errno, EAGAIN);
}

static void test_reading_when_a_process_does_not_then_both_ends_are_told(void **state)
{
    (void)state;
    struct pairs pairs;
    char bytes[65536];
    threshold("not_reading.seconds", 0.5);
    open_pairs(&pairs, 8008, 1);
    assert_int_equal(
        setsockopt(pairs.clients[0], SOL_SOCKET, SO_RCVBUF, &(int){20000}, sizeof(int)), 0);
    wait_gone("not_reading");
    fill(pairs.accepted[0]);
    struct ph_finding finding = wait_found("not_reading", PH_SEVERITY_WARNING);
    assert_int_equal(finding.subject, PH_SUBJECT_SOCKET);
    assert_true(evidence(&finding, "receive_queue_bytes") > 0);
    finding = wait_found("peer_not_reading", PH_SEVERITY_WARNING);
    assert_true(evidence(&finding, "send_queue_bytes") > 0);
    /* It reads after all, until all has come. */
    shutdown(pairs.accepted[0], SHUT_WR);
    fcntl(pairs.clients[0], F_SETFL, 0);
    while (recv(pairs.clients[0], bytes, sizeof bytes, 0) > 0) {
    }
    wait_gone("not_reading");
    wait_gone("peer_not_reading");
    close_pairs(&pairs);
}

static void set_loopback(bool up)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    request.ifr_flags = (short)(up ? IFF_UP | IFF_RUNNING : 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

static void test_segments_when_nobody_confirms_them_then_told(void **state)
{
    (void)state;
    struct pairs pairs;
    open_pairs(&pairs, 8009, 1);
    set_loopback(false);
    assert_int_equal(send(pairs.clients[0], "x", 1, MSG_NOSIGNAL), 1);
    struct ph_finding finding = wait_found("retransmissions_high", PH_SEVERITY_WARNING);
    assert_int_equal(finding.subject, PH_SUBJECT_SOCKET);
    assert_true(evidence(&finding, "retransmits") >= 3);
    set_loopback(true);
    close_pairs(&pairs);
    wait_gone("retransmissions_high");
}

static void test_datagrams_when_the_buffer_is_full_then_told(void **state)
{
    (void)state;
    struct sockaddr_in address = place("127.0.0.1", 8010);
    static const char bytes[500];
    int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &(int){3000}, sizeof(int)), 0);
    assert_int_equal(bind(receiver, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(connect(sender, (struct sockaddr *)&address, sizeof address), 0);
    wait_gone("udp_receive_drops");
    for (int i = 0; i < 100; i++) {
        assert_int_equal(send(sender, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
    }
    struct ph_finding finding = wait_found("udp_receive_drops", PH_SEVERITY_WARNING);
    assert_int_equal(finding.port, 8010);
    assert_true(evidence(&finding, "drops") > 0);
    char taken[500];
    while (recv(receiver, taken, sizeof taken, MSG_DONTWAIT) > 0) {
    }
    wait_gone("udp_receive_drops"); /* nothing new is dropped */
    close(receiver);
    close(sender);
}

/* ---- the machine ---- */

static bool is_unavailable(const char *rule)
{
    struct ph_findings *findings;
    const char *name;
    const char *reason = "";
    bool found = false;
    assert_int_equal(ph_doctor_look(doctor, 0, &findings, NULL), 0);
    for (size_t i = 0; (name = ph_findings_unavailable(findings, i, &reason)); i++) {
        found |= strcmp(name, rule) == 0 && strlen(reason) > 10;
    }
    ph_findings_unref(findings);
    return found;
}

/* A connection that is closed while its bytes cannot go: an orphan. TCP's memory is in use, too.
 * Kernels show the limits of both in the first network namespace only: elsewhere the rules must say
 * that they cannot judge. */
static void test_machine_when_thresholds_are_tiny_then_told_or_said_that_it_cannot_be(void **state)
{
    (void)state;
    struct pairs pairs;
    threshold("orphans_high.warning_ratio", 1e-9);
    threshold("tcp_memory_pressure.error_ratio", 0);
    open_pairs(&pairs, 8011, 1);
    fill(pairs.accepted[0]);
    close(pairs.accepted[0]);
    if (access("/proc/sys/net/ipv4/tcp_max_orphans", R_OK) == 0) {
        wait_found("orphans_high:machine", PH_SEVERITY_WARNING);
        wait_found("tcp_memory_pressure:machine", PH_SEVERITY_ERROR);
    } else {
        assert_true(is_unavailable("orphans_high"));
        assert_true(is_unavailable("tcp_memory_pressure"));
        wait_gone("orphans_high");
    }
    close(pairs.clients[0]);
    close(pairs.listener);
    wait_gone("peer_not_reading");
}

static void test_descriptors_when_near_the_limit_then_told(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int listener = open_listener("127.0.0.1", 8012, 5, false);
    wait_gone("fd_limit_near");
    const struct rlimit tight = {50, limit.rlim_max};
    int copies[43];
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        copies[i] = fcntl(listener, F_DUPFD_CLOEXEC, 0);
        assert_true(copies[i] >= 0);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct ph_finding finding = {.id = NULL};
    struct wanted wanted = {"fd_limit_near", PH_SEVERITY_WARNING, &finding};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){60, limit.rlim_max}), 0);
    wait_until(is_so, &wanted);
    assert_int_equal(finding.pid, getpid());
    assert_int_equal(evidence(&finding, "descriptors_limit"), 60);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    close_all(copies, (int)(sizeof copies / sizeof *copies));
    wait_gone("fd_limit_near");
    close(listener);
}

/* ---- health, silence, memory ---- */

static void test_health_when_one_server_serves_then_nothing_above_info(void **state)
{
    (void)state;
    struct ph_server *server = server_start(NULL);
    for (int i = 0; i < 5; i++) {
        assert_served(ph_server_port(server));
    }
    for (int i = 0; i < 2; i++) {
        struct ph_findings *findings;
        assert_int_equal(ph_doctor_look(doctor, 0, &findings, NULL), 0);
        for (size_t k = 0; k < ph_findings_count(findings); k++) {
            const struct ph_finding *finding = ph_findings_at(findings, k);
            if (finding->severity != PH_SEVERITY_INFO) {
                fail_msg("%s: %s", finding->id, finding->title);
            }
        }
        ph_findings_unref(findings);
    }
    ph_server_free(server);
}

static void test_finding_when_it_lasts_then_since_stays(void **state)
{
    (void)state;
    int listener = open_listener("0.0.0.0", 6379, 5, false);
    struct ph_finding first = wait_found("exposed_service:tcp:6379", PH_SEVERITY_WARNING);
    struct ph_finding second = wait_found("exposed_service:tcp:6379", PH_SEVERITY_WARNING);
    assert_int_equal(first.since_unix_ms, second.since_unix_ms);
    close(listener);
    wait_gone("exposed_service");
}

static void test_finding_when_silenced_then_not_told(void **state)
{
    (void)state;
    assert_int_equal(ph_doctor_silence(doctor, "exposed_service:tcp:6379"), 0);
    int silenced = open_listener("0.0.0.0", 6379, 5, false);
    int told = open_listener("0.0.0.0", 5432, 5, false);
    wait_found("exposed_service:tcp:5432", PH_SEVERITY_WARNING);
    wait_gone("exposed_service:tcp:6379");
    close(silenced);
    close(told);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_doctor, free_doctor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_accept_queue_when_full_then_error_and_silent_peers),
        TEST(test_syn_queue_when_handshakes_hang_then_warning),
        TEST(test_port_when_in_the_range_of_the_kernel_then_info_until_reserved),
        TEST(test_service_when_everybody_reaches_it_then_warning),
        TEST(test_listeners_when_of_different_programs_then_warning),
        TEST(test_localhost_when_one_address_is_listened_at_then_info_if_it_has_two),
        TEST(test_listener_when_no_process_has_it_then_info),
        TEST(test_unix_socket_when_its_path_is_gone_or_taken_then_warning),
        TEST(test_close_wait_when_they_gather_then_the_process_is_told),
        TEST(test_ephemeral_ports_when_nearly_all_are_used_then_told),
        TEST(test_reading_when_a_process_does_not_then_both_ends_are_told),
        TEST(test_segments_when_nobody_confirms_them_then_told),
        TEST(test_datagrams_when_the_buffer_is_full_then_told),
        TEST(test_machine_when_thresholds_are_tiny_then_told_or_said_that_it_cannot_be),
        TEST(test_descriptors_when_near_the_limit_then_told),
        TEST(test_health_when_one_server_serves_then_nothing_above_info),
        TEST(test_finding_when_it_lasts_then_since_stays),
        TEST(test_finding_when_silenced_then_not_told),
    };
    if (!enter_namespace()) {
        print_message(
            "skipped: without a network namespace of its own it would find the conditions "
            "of others\n");
        return EXIT_SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
