/* SPDX-License-Identifier: MIT
 *
 * Random expressions over real sockets, compared with ss, in a network namespace that holds only
 * the sockets of this test. Left out, and counted as skipped, where either is missing.
 *
 * Where ss of iproute2 6.1 goes its own way, nothing is generated:
 * - "sport=80" without blanks, "!(", "src != HOST" and "state" behind an expression are errors to
 *   it. States stand in front, as options of their own do there.
 * - "inet:" and "inet6:" in any condition narrow the whole expression to those families.
 * - "autobound" is asked of the kernel and of ss itself, and a socket is shown where both agree;
 *   the two differ about ports that were asked for by number inside the range of those that the
 *   kernel gives out, and about accepted connections. It stands only where nothing negates it, and
 *   no port here is asked for inside that range.
 * - Where "state" and "exclude" leave no state, it shows what it shows without any.
 * - "not dst [::]", "src ::/0 or", and their like of IPv4 inside of expressions: the kernel and ss
 * itself do not mean the same by these, and what it shows depends on what of the expression it
 * gives to the kernel.
 * - The name of a service is one of the protocol that is asked for. Here it is any protocol's,
 * since an expression is about all of them. "domain" is one of both.
 * - "sport = *:80" is any port to it; ports above 65535 are taken modulo 65536.
 * - Sockets that are bound, but neither listen nor are connected, it does not show.
 * - Names of hosts, which it looks up, are not taken here at all.
 */
#include "support.h"
#include "support/cmocka.h"
#include "support/namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES_MAX = 80, LINE_TEXT = 160, EXPRESSION_TEXT = 1024, EXPRESSIONS = 200, DEPTH_MAX = 3 };

/* One line a socket: protocol and both ends; in order, to be compared as a set. */
struct lines {
    char text[LINES_MAX][LINE_TEXT];
    size_t count;
};

static int compare_lines(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(struct lines *lines)
{
    qsort(lines->text, lines->count, sizeof lines->text[0], compare_lines);
}

/* ss writes "*" for "::" where a socket takes IPv4 as well, and "%lo" behind the address of one
 * that is bound to an interface. */
static void copy_end(const char *from, char to[64])
{
    const char *interface = strchr(from, '%');
    const char *behind = interface ? strchr(interface, ':') : NULL;
    if (from[0] == '*') {
        snprintf(to, 64, "[::]%s", from + 1);
    } else if (behind) {
        snprintf(to, 64, "%.*s%s", (int)(interface - from), from, behind);
    } else {
        snprintf(to, 64, "%s", from);
    }
}

/* @return false when ss does not take the expression. */
static bool ask_ss(const char *option, const char *protocol, const char *expression,
                   struct lines *lines)
{
    char command[EXPRESSION_TEXT + 100];
    char line[1024];
    snprintf(command, sizeof command, "ss %s %s 2>/dev/null", option, expression);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    while (fgets(line, sizeof line, output)) {
        /* With one state in front ss leaves the column of states out. */
        char words[6][64];
        char ends[2][64];
        int count = sscanf(line, "%63s %63s %63s %63s %63s %63s", words[0], words[1], words[2],
                           words[3], words[4], words[5]);
        assert_true(count >= 4);
        int first = words[0][0] >= '0' && words[0][0] <= '9' ? 2 : 3;
        copy_end(words[first], ends[0]);
        copy_end(words[first + 1], ends[1]);
        assert_true(lines->count < LINES_MAX);
        snprintf(lines->text[lines->count++], LINE_TEXT, "%s %s %s", protocol, ends[0], ends[1]);
    }
    return pclose(output) == 0;
}

static void format_end(const struct ph_socket *row, bool remote, char text[64])
{
    char address[PH_ADDRESS_TEXT];
    char port[8] = "*";
    unsigned number = remote ? row->remote_port : row->local_port;
    if (remote) {
        ph_socket_remote_address(row, address, sizeof address);
    } else {
        ph_socket_local_address(row, address, sizeof address);
    }
    if (number) {
        snprintf(port, sizeof port, "%u", number);
    }
    snprintf(text, 64, row->family == PH_FAMILY_IPV6 ? "[%s]:%s" : "%s:%s", address, port);
}

static void ask_filter(const struct ph_snapshot *snapshot, const char *expression,
                       struct lines *lines)
{
    struct ph_filter *filter = NULL;
    char problem[512] = "";
    assert_int_equal(ph_filter_new(&filter), 0);
    int err = ph_filter_add(filter, "filter", expression, problem, sizeof problem);
    if (err < 0) {
        print_error("%s\n%s\n", expression, problem);
    }
    assert_int_equal(err, 0);
    assert_true(ph_filter_is_told(filter, snapshot));
    lines->count = 0;
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        char local[64];
        char remote[64];
        if ((row->protocol != PH_PROTOCOL_TCP && row->protocol != PH_PROTOCOL_UDP) ||
            row->state == PH_STATE_CLOSED || !ph_filter_match(filter, snapshot, row)) {
            continue;
        }
        format_end(row, false, local);
        format_end(row, true, remote);
        assert_true(lines->count < LINES_MAX);
        snprintf(lines->text[lines->count++], LINE_TEXT, "%s %s %s",
                 ph_protocol_name(row->protocol), local, remote);
    }
    ph_filter_free(filter);
    sort(lines);
}

/* ---- sockets of all kinds ---- */

static int bind_to(int family, int type, const char *address, unsigned port)
{
    union any_address to = {0};
    socklen_t size = family == AF_INET ? sizeof to.ipv4 : sizeof to.ipv6;
    int fd = socket(family, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    to.plain.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        to.ipv4.sin_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET, address, &to.ipv4.sin_addr), 1);
    } else {
        to.ipv6.sin6_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET6, address, &to.ipv6.sin6_addr), 1);
    }
    assert_int_equal(bind(fd, &to.plain, size), 0);
    return fd;
}

/* A listener, and a conversation with it. */
static int converse(int family, const char *address, unsigned port, const char *to, int *ret_client)
{
    union any_address peer = {0};
    int listener = bind_to(family, SOCK_STREAM, address, port);
    assert_int_equal(listen(listener, 5), 0);
    peer.plain.sa_family = strchr(to, ':') ? AF_INET6 : AF_INET;
    if (peer.plain.sa_family == AF_INET6) {
        peer.ipv6.sin6_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET6, to, &peer.ipv6.sin6_addr), 1);
    } else {
        peer.ipv4.sin_port = htons((uint16_t)port);
        assert_int_equal(inet_pton(AF_INET, to, &peer.ipv4.sin_addr), 1);
    }
    *ret_client = open_connected(&peer, peer.plain.sa_family == AF_INET6 ? sizeof peer.ipv6
                                                                         : sizeof peer.ipv4);
    int accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    return accepted;
}

/* The kernel may finish a step of TCP a moment after the call that began it. */
static void await_state(enum ph_state state)
{
    for (int attempt = 0; attempt < 20000; attempt++) {
        struct ph_snapshot *snapshot = take_snapshot(NULL);
        size_t count = ph_snapshot_state_count(snapshot, PH_PROTOCOL_TCP, state);
        ph_snapshot_unref(snapshot);
        if (count > 0) {
            return;
        }
        sched_yield();
    }
    fail_msg("a connection does not become %s", ph_state_name(state));
}

static void open_sockets(void)
{
    int client;
    converse(AF_INET, "127.0.0.1", 80, "127.0.0.1", &client);
    converse(AF_INET, "127.1.2.3", 8080, "127.1.2.3", &client);
    converse(AF_INET6, "::1", 80, "::1", &client);
    converse(AF_INET6, "::", 9000, "127.0.0.1", &client);
    int ending = converse(AF_INET, "127.0.0.1", 443, "127.0.0.1", &client);
    close(client); /* fin_wait2, and close_wait at the other end */
    await_readable(ending);
    await_state(PH_STATE_FIN_WAIT2);
    ending = converse(AF_INET, "127.0.0.1", 444, "127.0.0.1", &client);
    close(client);
    await_readable(ending);
    close(ending);
    await_state(PH_STATE_TIME_WAIT);
    int chosen = bind_to(AF_INET, SOCK_STREAM, "127.0.0.1", 0);
    assert_int_equal(listen(chosen, 5), 0);

    int bound = bind_to(AF_INET, SOCK_STREAM, "127.0.0.1", 700);
    assert_int_equal(setsockopt(bound, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
    assert_int_equal(listen(bound, 5), 0);
    int marked = bind_to(AF_INET6, SOCK_STREAM, "::1", 701);
    assert_int_equal(setsockopt(marked, SOL_SOCKET, SO_MARK, &(int){0x17}, sizeof(int)), 0);
    assert_int_equal(listen(marked, 5), 0);

    bind_to(AF_INET, SOCK_DGRAM, "127.0.0.1", 53);
    bind_to(AF_INET6, SOCK_DGRAM, "::", 67);
    int datagrams = bind_to(AF_INET, SOCK_DGRAM, "127.0.0.1", 54);
    union any_address peer = {.ipv4 = {.sin_family = AF_INET, .sin_port = htons(53)}};
    peer.ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(datagrams, &peer.plain, sizeof peer.ipv4), 0);
}

/* ---- random expressions ---- */

/* The first argument of this program, if there is one. */
static unsigned first_seed = 20240607;

struct writer {
    unsigned seed;
    unsigned chosen_port; /* one that the kernel gave out */
    char text[EXPRESSION_TEXT];
    size_t used;
};

static unsigned any(struct writer *writer, unsigned count)
{
    writer->seed = writer->seed * 1103515245U + 12345U;
    return (writer->seed >> 16) % count;
}

static void put(struct writer *writer, const char *text)
{
    int length = snprintf(writer->text + writer->used, sizeof writer->text - writer->used, "%s%s",
                          writer->used ? " " : "", text);
    assert_true(length > 0 && (size_t)length < sizeof writer->text - writer->used);
    writer->used += (size_t)length;
}

#define PUT_ONE(writer, words) put(writer, (words)[any(writer, sizeof(words) / sizeof(words)[0])])

static void put_port(struct writer *writer)
{
    static const char *const subjects[] = {"sport", "dport"};
    static const char *const comparisons[] = {"=",  "==", "eq",  "!=", "ne", "neq", "<",  "lt",
                                              "<=", "le", "leq", ">",  "gt", ">=",  "ge", "geq"};
    static const char *const values[] = {"80",   ":80", ":domain", "443",  ":443",
                                         "0",    "53",  ":701",    "8080", "9000",
                                         "1024", "444", "65535",   "0x50"};
    char chosen[16];
    PUT_ONE(writer, subjects);
    if (any(writer, 4)) {
        PUT_ONE(writer, comparisons);
    }
    snprintf(chosen, sizeof chosen, ":%u", writer->chosen_port);
    if (any(writer, 6) == 0) {
        put(writer, chosen);
    } else {
        PUT_ONE(writer, values);
    }
}

static void put_host(struct writer *writer)
{
    static const char *const subjects[] = {"src", "dst", "src =", "dst =", "src ==", "dst eq"};
    static const char *const hosts[] = {
        "127.0.0.1",
        "127.0.0.1:80",
        "127.1.2.3",
        "127.1/16",
        "127.0.0.0/8",
        "127/8",
        "127.1.2.3:*",
        "10.0.0.0/8",
        "[::1]",
        "[::1]:80",
        "[::1/128]:701",
        "*",
        "*:80",
        ":80",
        ":domain",
        "*:9000",
        "any",
        "127.0.0.0/8:443",
        "[::ffff:127.0.0.1]",
        "[::ffff:127.0.0.0/104]:9000",
        "127.0.0.1/255.255.255.255",
        ":0",
    };
    PUT_ONE(writer, subjects);
    PUT_ONE(writer, hosts);
}

static void put_other(struct writer *writer, bool negated)
{
    static const char *const others[] = {"dev lo",       "dev = lo",       "dev != lo",
                                         "dev 1",        "dev = 0",        "fwmark = 0x17",
                                         "fwmark 7/0xf", "fwmark != 0",    "fwmark = 0x10/0x10",
                                         "fwmark 027",   "fwmark = 0/0x8", "dev != 0"};
    if (!negated && any(writer, 3) == 0) {
        put(writer, "autobound");
    } else {
        PUT_ONE(writer, others);
    }
}

static void put_list(struct writer *writer, unsigned depth, bool negated);

static void put_term(struct writer *writer, unsigned depth, bool negated)
{
    if (any(writer, 5) == 0) {
        put(writer, any(writer, 2) ? "not" : "!");
        put_term(writer, depth, true);
        return;
    }
    unsigned kind = any(writer, depth < DEPTH_MAX ? 8 : 6);
    if (kind < 3) {
        put_port(writer);
    } else if (kind < 5) {
        put_host(writer);
    } else if (kind == 5) {
        put_other(writer, negated);
    } else {
        put(writer, "(");
        put_list(writer, depth + 1, negated);
        put(writer, ")");
    }
}

static void put_list(struct writer *writer, unsigned depth, bool negated)
{
    static const char *const joints[] = {"and", "&", "&&", "or", "|", "||", "or"};
    unsigned count = 1 + any(writer, 3);
    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && any(writer, 4)) {
            PUT_ONE(writer, joints);
        }
        put_term(writer, depth, negated);
    }
}

/* The states by the kernel's numbers. */
static const struct {
    const char *name;
    unsigned mask;
} states[] = {{"all", 0xFFE},         {"connected", 0xB7E},   {"synchronized", 0xB7A},
              {"bucket", 0x48},       {"big", 0xFB6},         {"established", 1 << 1},
              {"syn-sent", 1 << 2},   {"syn-recv", 1 << 3},   {"fin-wait-1", 1 << 4},
              {"fin-wait-2", 1 << 5}, {"time-wait", 1 << 6},  {"close", 1 << 7},
              {"close-wait", 1 << 8}, {"last-ack", 1 << 9},   {"LISTENING", 1 << 10},
              {"closing", 1 << 11},   {"listening", 1 << 10}, {"unconnected", 1 << 7}};

/* @return whether any state is left. */
static bool put_states(struct writer *writer, unsigned count)
{
    static const char *const words[] = {"state", "state", "state", "exclude", "excl"};
    unsigned mask = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned word = any(writer, 5);
        unsigned state = any(writer, sizeof states / sizeof states[0]);
        mask = word < 3 ? mask | states[state].mask : (i == 0 ? 0xFFE : mask) & ~states[state].mask;
        put(writer, words[word]);
        put(writer, states[state].name);
    }
    return count == 0 || mask != 0;
}

static void write_expression(struct writer *writer)
{
    unsigned count = any(writer, 4);
    do {
        writer->used = 0;
        writer->text[0] = '\0';
    } while (!put_states(writer, count));
    if (writer->used == 0 || any(writer, 5)) {
        put_list(writer, 0, false);
    }
}

/* The shell is not to look at any of it. */
static void quote(const char *text, char *to)
{
    for (const char *word = text; *word; word += *word == ' ') {
        size_t length = strcspn(word, " ");
        *to++ = '\'';
        memcpy(to, word, length);
        to += length;
        to = stpcpy(to, "' ");
        word += length;
    }
    *to = '\0';
}

static bool agree(const struct ph_snapshot *snapshot, const char *expression, size_t *matched)
{
    static struct lines theirs;
    static struct lines ours;
    char quoted[2 * EXPRESSION_TEXT];
    theirs.count = 0;
    quote(expression, quoted);
    /* Where none of a protocol can match ss may refuse to ask. */
    bool taken = ask_ss("-tanH", "tcp", quoted, &theirs);
    taken = ask_ss("-uanH", "udp", quoted, &theirs) && taken;
    sort(&theirs);
    ask_filter(snapshot, expression, &ours);
    bool same = taken && ours.count == theirs.count;
    for (size_t i = 0; same && i < ours.count; i++) {
        same = strcmp(ours.text[i], theirs.text[i]) == 0;
    }
    *matched += ours.count > 0;
    if (!same) {
        print_error("%s\n", expression);
        for (size_t i = 0; i < ours.count; i++) {
            print_error("  here   %s\n", ours.text[i]);
        }
        for (size_t i = 0; i < theirs.count; i++) {
            print_error("  in ss  %s\n", theirs.text[i]);
        }
    }
    return same;
}

/* ---- snapshots of what a filter matches ---- */

/* How often the kernel left something out, and what is not as in the whole snapshot. */
struct narrowing {
    size_t narrower;
    size_t wrong;
};

static const struct ph_socket *find_cookie(const struct ph_snapshot *snapshot, uint64_t cookie)
{
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        if (ph_snapshot_at(snapshot, i)->cookie == cookie) {
            return ph_snapshot_at(snapshot, i);
        }
    }
    return NULL;
}

static uint64_t peer_cookie(const struct ph_snapshot *snapshot, const struct ph_socket *row)
{
    const struct ph_socket *peer = ph_snapshot_peer(snapshot, row);
    return peer ? peer->cookie : 0;
}

static bool same_row(const struct ph_snapshot *whole, const struct ph_socket *row,
                     const struct ph_snapshot *narrow, bool joined)
{
    const struct ph_socket *other = find_cookie(narrow, row->cookie);
    return other && other->state == row->state && other->local_port == row->local_port &&
           other->remote_port == row->remote_port && other->inode == row->inode &&
           other->scope == row->scope &&
           (!joined || (other->direction == row->direction &&
                        peer_cookie(narrow, other) == peer_cookie(whole, row)));
}

static size_t count_matching(const struct ph_filter *filter, const struct ph_snapshot *snapshot)
{
    size_t count = 0;
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        count += ph_filter_match(filter, snapshot, ph_snapshot_at(snapshot, i));
    }
    return count;
}

/* A filter's sockets, out of the whole snapshot and out of one that was taken for it. */
static void check_narrowing(const struct ph_snapshot *whole, const struct ph_filter *filter,
                            bool joined, const char *text, struct narrowing *narrowing)
{
    struct ph_sockets *sockets = NULL;
    struct ph_snapshot *narrow = NULL;
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    assert_int_equal(ph_sockets_snapshot_matching(sockets, filter, ph_snapshot_protocols(whole),
                                                  joined, 0, &narrow),
                     0);
    bool same = count_matching(filter, whole) == count_matching(filter, narrow);
    for (size_t i = 0; i < ph_snapshot_count(whole); i++) {
        const struct ph_socket *row = ph_snapshot_at(whole, i);
        if (ph_filter_match(filter, whole, row)) {
            same = same_row(whole, row, narrow, joined) && same;
        }
    }
    same = same && ph_filter_is_told(filter, narrow) == ph_filter_is_told(filter, whole);
    if (!same) {
        print_error("narrowed, %s: %s\n", joined ? "joined" : "alone", text);
    }
    narrowing->wrong += !same;
    narrowing->narrower += ph_snapshot_count(narrow) < ph_snapshot_count(whole);
    ph_snapshot_unref(narrow);
    ph_sockets_free(sockets);
}

static void check_value(const struct ph_snapshot *whole, const char *name, const char *value,
                        struct narrowing *narrowing)
{
    struct ph_filter *filter = NULL;
    char problem[512] = "";
    assert_int_equal(ph_filter_new(&filter), 0);
    assert_int_equal(ph_filter_add(filter, name, value, problem, sizeof problem), 0);
    check_narrowing(whole, filter, false, value, narrowing);
    check_narrowing(whole, filter, true, value, narrowing);
    ph_filter_free(filter);
}

static unsigned port_in_time_wait(const struct ph_snapshot *snapshot)
{
    for (size_t i = 0; i < ph_snapshot_count(snapshot); i++) {
        const struct ph_socket *row = ph_snapshot_at(snapshot, i);
        if (row->state == PH_STATE_TIME_WAIT) {
            return row->local_port;
        }
    }
    return 0;
}

/* Also what ss has no words for, or other ones. */
static const char *const own_expressions[] = {
    "cgroup = /",
    "not cgroup = /",
    "cgroup = / or sport = 80",
    "cgroup != / and dev lo",
    "protocol = udp",
    "protocol != udp and sport > 80",
    "state listening protocol = tcp",
    "pid > 1 and dport = 80",
    "user = root and not ( sport = 80 or dev lo )",
    "inode > 0 or sport = 80",
    "sport = inet:80",
    "not sport = inet6:80",
    "not src inet:127.0.0.0/8",
    "src inet6:* and sport > 80",
    "not dst [::ffff:127.0.0.0/104]",
    "src ::/64",
    "not src ::/95",
    "dst ::ffff:0:0/96",
    "sport < 0",
    "sport > 65535 or dport > 65534",
    "src unix:* or dport = 80",
    "autobound and dport = 80",
    "fwmark = 0x17 and sport = 701",
    "sport != * or sport = 53",
    "dport = 0",
};

static const char *const short_forms[][2] = {
    {"port", "80"},           {"port", "0"},
    {"local_port", "80,443"}, {"remote_port", "80"},
    {"remote_port", "0"},     {"address", "127.0.0.1"},
    {"address", "127/8"},     {"address", "127.1.2.3,::1"},
    {"address", "::/0"},      {"address", "::ffff:127.0.0.0/104"},
    {"address", "::/96"},     {"state", "listen"},
    {"state", "established"}, {"state", "unconnected,closed"},
    {"state", "time-wait"},   {"protocol", "udp"},
    {"protocol", "unix"},     {"user", "0"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void begin(void)
{
    static bool begun;
    if (geteuid() != 0 || (!begun && !enter_namespace())) {
        skip_because("namespaces and marks are not allowed");
    }
    if (!begun) {
        open_sockets();
    }
    begun = true;
}

static void test_snapshot_of_what_matches_is_as_in_a_whole_one(void **state)
{
    (void)state;
    begin();
    struct ph_snapshot *whole = take_snapshot(NULL);
    struct writer writer = {.seed = first_seed, .chosen_port = port_in_time_wait(whole)};
    struct narrowing narrowing = {0};
    for (int i = 0; i < EXPRESSIONS; i++) {
        write_expression(&writer);
        check_value(whole, "filter", writer.text, &narrowing);
    }
    for (size_t i = 0; i < COUNT(own_expressions); i++) {
        check_value(whole, "filter", own_expressions[i], &narrowing);
    }
    for (size_t i = 0; i < COUNT(short_forms); i++) {
        check_value(whole, short_forms[i][0], short_forms[i][1], &narrowing);
    }
    ph_snapshot_unref(whole);
    print_message("%zu of %d dumps were narrower\n", narrowing.narrower, 2 * EXPRESSIONS);
    assert_int_equal(narrowing.wrong, 0);
    assert_true(narrowing.narrower > EXPRESSIONS / 2); /* else this says little */
}

static void test_filter_matches_what_ss_matches(void **state)
{
    (void)state;
    if (system("ss -V >/dev/null 2>&1") != 0) {
        skip_because("ss is missing");
    }
    begin();
    struct ph_snapshot *snapshot = take_snapshot(NULL);
    struct writer writer = {.seed = first_seed, .chosen_port = port_in_time_wait(snapshot)};
    size_t matched = 0;
    size_t wrong = 0;
    assert_int_not_equal(writer.chosen_port, 0);
    for (int i = 0; i < EXPRESSIONS; i++) {
        write_expression(&writer);
        wrong += !agree(snapshot, writer.text, &matched);
    }
    /* Families, which are not generated. */
    static const char *const fixed[] = {
        "src inet:127.0.0.1", "sport = inet6:80",   "sport != inet:80",
        "src 0.0.0.0/0",      "dst [::/0]",         "src ::/0",
        "dst [::]",           "dst 0.0.0.0",        "src [::]:9000",
        "src inet6:*:9000",   "dport > inet::1000", "exclude listening src inet:127/8:80",
    };
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        wrong += !agree(snapshot, fixed[i], &matched);
    }
    ph_snapshot_unref(snapshot);
    assert_int_equal(wrong, 0);
    assert_true(matched > EXPRESSIONS / 3); /* else the expressions say little */
}

int main(int argc, char **argv)
{
    first_seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : first_seed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter_matches_what_ss_matches),
        cmocka_unit_test(test_snapshot_of_what_matches_is_as_in_a_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
