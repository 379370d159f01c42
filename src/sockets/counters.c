/* SPDX-License-Identifier: MIT
 *
 * The kernel's counters. One table says where each stands; a file that is missing leaves its
 * fields unknown.
 */
#include "sockets/files.h"
#include "sockets/observer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_TEXT = 16 * 1024 };

enum format {
    FORMAT_PAIRS,  /* "TCP: inuse 5 orphan 0" */
    FORMAT_TITLES, /* "Tcp: A B" above "Tcp: 1 2" */
    FORMAT_NUMBERS /* "1 2 3", no names */
};

struct source {
    size_t field; /* offset in struct ph_counters */
    const char *line;
    const char *name;
    unsigned position; /* FORMAT_NUMBERS: which, from 0 */
    bool pages;        /* counted in pages of memory */
};

#define FIELD(name) offsetof(struct ph_counters, name)

static const struct source sockstat[] = {
    {FIELD(tcp_in_use), "TCP:", "inuse", 0, false},
    {FIELD(tcp_orphans), "TCP:", "orphan", 0, false},
    {FIELD(tcp_time_wait), "TCP:", "tw", 0, false},
    {FIELD(tcp_allocated), "TCP:", "alloc", 0, false},
    {FIELD(tcp_memory_bytes), "TCP:", "mem", 0, true},
    {FIELD(udp_in_use), "UDP:", "inuse", 0, false},
    {FIELD(udp_memory_bytes), "UDP:", "mem", 0, true},
};

static const struct source snmp[] = {
    {FIELD(tcp_active_opens), "Tcp:", "ActiveOpens", 0, false},
    {FIELD(tcp_passive_opens), "Tcp:", "PassiveOpens", 0, false},
    {FIELD(tcp_segments_in), "Tcp:", "InSegs", 0, false},
    {FIELD(tcp_segments_out), "Tcp:", "OutSegs", 0, false},
    {FIELD(tcp_retransmitted_segments), "Tcp:", "RetransSegs", 0, false},
    {FIELD(udp_datagrams_in), "Udp:", "InDatagrams", 0, false},
    {FIELD(udp_datagrams_out), "Udp:", "OutDatagrams", 0, false},
    {FIELD(udp_no_ports), "Udp:", "NoPorts", 0, false},
    {FIELD(udp_in_errors), "Udp:", "InErrors", 0, false},
    {FIELD(udp_receive_buffer_errors), "Udp:", "RcvbufErrors", 0, false},
    {FIELD(udp_send_buffer_errors), "Udp:", "SndbufErrors", 0, false},
};

static const struct source netstat[] = {
    {FIELD(tcp_listen_overflows), "TcpExt:", "ListenOverflows", 0, false},
    {FIELD(tcp_listen_drops), "TcpExt:", "ListenDrops", 0, false},
    {FIELD(tcp_request_queue_cookies), "TcpExt:", "TCPReqQFullDoCookies", 0, false},
    {FIELD(tcp_request_queue_drops), "TcpExt:", "TCPReqQFullDrop", 0, false},
};

static const struct source tcp_mem[] = {
    {FIELD(tcp_memory_pressure_bytes), NULL, NULL, 1, true},
    {FIELD(tcp_memory_limit_bytes), NULL, NULL, 2, true},
};

static const struct source tcp_max_orphans[] = {
    {FIELD(tcp_orphans_limit), NULL, NULL, 0, false},
};

static const struct {
    const char *path;
    enum format format;
    const struct source *sources;
    size_t count;
} files[] = {
#define FILE_ROW(path, format, table)                           \
    {                                                           \
        path, format, table, sizeof(table) / sizeof((table)[0]) \
    }
    FILE_ROW("net/sockstat", FORMAT_PAIRS, sockstat),
    FILE_ROW("net/snmp", FORMAT_TITLES, snmp),
    FILE_ROW("net/netstat", FORMAT_TITLES, netstat),
    FILE_ROW("sys/net/ipv4/tcp_mem", FORMAT_NUMBERS, tcp_mem),
    FILE_ROW("sys/net/ipv4/tcp_max_orphans", FORMAT_NUMBERS, tcp_max_orphans),
#undef FILE_ROW
};

/* The next word of a line: its length, 0 at the end. */
static size_t next_word(const char **at, const char **ret_word)
{
    *at += strspn(*at, " \t");
    *ret_word = *at;
    size_t length = strcspn(*at, " \t\n");
    *at += length;
    return length;
}

static bool word_is(const char *word, size_t length, const char *wanted)
{
    return length == strlen(wanted) && memcmp(word, wanted, length) == 0;
}

/* The beginning of the line after `line` whose first word is `wanted`, or NULL. */
static const char *find_line(const char *line, const char *wanted)
{
    for (; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        const char *at = line;
        const char *word;
        size_t length = next_word(&at, &word);
        if (word_is(word, length, wanted)) {
            return at;
        }
    }
    return NULL;
}

/* The value of a number that begins here, 0 digits being none; MaxConn can be -1. */
static bool parse(const char *word, size_t length, int64_t *ret_value)
{
    char *end;
    long long value = strtoll(word, &end, 10);
    if (length == 0 || end != word + length || value < 0) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool find_pair(const char *text, const struct source *source, int64_t *ret_value)
{
    const char *at = find_line(text, source->line);
    const char *word;
    size_t length;
    while (at && (length = next_word(&at, &word)) > 0) {
        const char *value;
        size_t value_length = next_word(&at, &value);
        if (word_is(word, length, source->name)) {
            return parse(value, value_length, ret_value);
        }
    }
    return false;
}

static bool find_titled(const char *text, const struct source *source, int64_t *ret_value)
{
    const char *title_at = find_line(text, source->line);
    const char *value_at = title_at ? find_line(strchr(title_at, '\n'), source->line) : NULL;
    const char *title;
    size_t length;
    while (value_at && (length = next_word(&title_at, &title)) > 0) {
        const char *value;
        size_t value_length = next_word(&value_at, &value);
        if (word_is(title, length, source->name)) {
            return parse(value, value_length, ret_value);
        }
    }
    return false;
}

static bool find_number(const char *text, const struct source *source, int64_t *ret_value)
{
    const char *word;
    size_t length = 0;
    for (unsigned i = 0; i <= source->position; i++) {
        length = next_word(&text, &word);
    }
    return parse(word, length, ret_value);
}

static bool find_value(enum format format, const char *text, const struct source *source,
                       int64_t *ret_value)
{
    switch (format) {
    case FORMAT_PAIRS:
        return find_pair(text, source, ret_value);
    case FORMAT_TITLES:
        return find_titled(text, source, ret_value);
    case FORMAT_NUMBERS:
        return find_number(text, source, ret_value);
    }
    return false;
}

static void set_field(struct ph_counters *counters, const struct source *source, int64_t value)
{
    long page = sysconf(_SC_PAGESIZE);
    if (source->pages) {
        value = page > 0 && value <= INT64_MAX / page ? value * page : -1;
    }
    memcpy((unsigned char *)counters + source->field, &value, sizeof value);
}

void ph_sockets_counters(const struct ph_sockets *sockets, struct ph_counters *ret_counters)
{
#define UNKNOWN(name) .name = -1,
    *ret_counters = (struct ph_counters){PH_COUNTER_MAP(UNKNOWN)};
#undef UNKNOWN
    int proc = ph__files_open_folder(AT_FDCWD, ph__sockets_proc_root(sockets));
    char *text = proc < 0 ? NULL : malloc(FILE_TEXT);
    for (size_t i = 0; text && i < sizeof files / sizeof files[0]; i++) {
        if (ph__files_read(proc, files[i].path, text, FILE_TEXT) < 0) {
            continue;
        }
        for (size_t k = 0; k < files[i].count; k++) {
            int64_t value;
            if (find_value(files[i].format, text, &files[i].sources[k], &value)) {
                set_field(ret_counters, &files[i].sources[k], value);
            }
        }
    }
    free(text);
    if (proc >= 0) {
        close(proc);
    }
}
