/* SPDX-License-Identifier: MIT
 *
 * Conditions: their values out of text, and whether a socket meets them. As in ss, a socket
 * without a remote end has 0 and the unspecified address there.
 */
#include "sockets/condition.h"

#include "sockets/lookup.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    const char *accepted;
    bool ordered;
} subjects[] = {
    [PH__SUBJECT_STATE] = {"state", "a state or a group of states", false},
    [PH__SUBJECT_EXCLUDE] = {"exclude", "a state or a group of states", false},
    [PH__SUBJECT_SPORT] = {"sport", "a port as a number or a service, such as :80 or :http", true},
    [PH__SUBJECT_DPORT] = {"dport", "a port as a number or a service, such as :80 or :http", true},
    [PH__SUBJECT_SRC] = {"src", "an address, prefix or path, such as 10.0.0.0/8, [::1]:443, :http",
                         false},
    [PH__SUBJECT_DST] = {"dst", "an address, prefix or path, such as 10.0.0.0/8, [::1]:443, :http",
                         false},
    [PH__SUBJECT_PID] = {"pid", "the number of a process", true},
    [PH__SUBJECT_COMMAND] = {"command", "the name of a program", false},
    [PH__SUBJECT_USER] = {"user", "the name or number of a user of this machine", false},
    [PH__SUBJECT_INODE] = {"inode", "a number", true},
};

static bool is(const char *text, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(text, wanted, size) == 0;
}

bool ph__condition_subject(const char *name, size_t size, enum ph__subject *ret_subject)
{
    for (unsigned i = 0; i < PH__SUBJECT_COUNT; i++) {
        if (is(name, size, subjects[i].name)) {
            *ret_subject = (enum ph__subject)i;
            return true;
        }
    }
    return false;
}

bool ph__condition_is_ordered(enum ph__subject subject)
{
    return subjects[subject].ordered;
}

const char *ph__condition_accepted(enum ph__subject subject)
{
    return subjects[subject].accepted;
}

#define BIT(state) (1U << (state))

/* To ss all protocols have TCP's states: a connected datagram socket is established, and an
 * unconnected one closed. */
static bool parse_states(struct ph__filter_value *value, const char *text, size_t size)
{
    if (is(text, size, "all")) {
        value->states.inet = value->states.local = UINT32_MAX;
        return true;
    }
    if (!ph__filter_parse(PH__FILTER_STATE, text, size, value)) {
        return false;
    }
    uint32_t *const masks[] = {&value->states.inet, &value->states.local};
    for (size_t i = 0; i < 2; i++) {
        if (*masks[i] & BIT(PH_STATE_ESTABLISHED)) {
            *masks[i] |= BIT(PH_STATE_CONNECTED);
        }
        if (*masks[i] & (BIT(PH_STATE_CLOSED) | BIT(PH_STATE_UNCONNECTED))) {
            *masks[i] |= BIT(PH_STATE_CLOSED) | BIT(PH_STATE_UNCONNECTED);
        }
    }
    return true;
}

/* A number or the name of a service. */
static bool parse_port(const char *text, size_t size, uint64_t *ret_port)
{
    char name[PH__LOOKUP_TEXT];
    struct ph__filter_value value;
    uint16_t port;
    if (ph__filter_parse(PH__FILTER_PORT, text, size, &value)) {
        *ret_port = value.number;
        return true;
    }
    if (size == 0 || size >= sizeof name) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    if (!ph__lookup_port(name, &port)) {
        return false;
    }
    *ret_port = port;
    return true;
}

static bool parse_number(const char *text, size_t size, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (text[i] < '0' || text[i] > '9' || number > (UINT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret_number = number;
    return size > 0;
}

/* Where the address ends and ":port" begins. More than one colon outside brackets are those of an
 * IPv6 address, which then has no port. */
static size_t address_size(const char *text, size_t size)
{
    const char *bracket = size && text[0] == '[' ? memchr(text, ']', size) : NULL;
    size_t from = bracket ? (size_t)(bracket - text) : 0;
    const char *colon = memchr(text + from, ':', size - from);
    if (!colon) {
        return size;
    }
    size_t at = (size_t)(colon - text);
    return memchr(colon + 1, ':', size - at - 1) ? size : at;
}

static int parse_path(struct ph__condition *condition, const char *text, size_t size,
                      struct ph__arena *arena)
{
    condition->pattern = ph__arena_copy(arena, text, size);
    return condition->pattern ? 0 : -ENOMEM;
}

static int parse_host(struct ph__condition *condition, const char *text, size_t size,
                      struct ph__arena *arena)
{
    static const char unix_prefix[] = "unix:";
    size_t skip = sizeof unix_prefix - 1;
    if (size > skip && memcmp(text, unix_prefix, skip) == 0) {
        return parse_path(condition, text + skip, size - skip, arena);
    }
    if (size > 0 && text[0] == '/') {
        return parse_path(condition, text, size, arena);
    }
    size_t host = address_size(text, size);
    uint64_t port = 0;
    condition->any_address = host == 0 || is(text, host, "*");
    if (!condition->any_address &&
        !ph__filter_parse(PH__FILTER_ADDRESS, text, host, &condition->value)) {
        return PH_ERR_PARAMETER;
    }
    size_t port_size = host < size ? size - host - 1 : 0;
    condition->any_port = port_size == 0 || is(text + host + 1, port_size, "*");
    if (size == 0 || (!condition->any_port && !parse_port(text + host + 1, port_size, &port))) {
        return PH_ERR_PARAMETER;
    }
    condition->port = (uint16_t)port;
    return 0;
}

int ph__condition_parse(struct ph__condition *condition, const char *text, size_t size,
                        struct ph__arena *arena)
{
    struct ph__filter_value *value = &condition->value;
    bool parsed = false;
    switch (condition->subject) {
    case PH__SUBJECT_STATE:
    case PH__SUBJECT_EXCLUDE:
        parsed = parse_states(value, text, size);
        break;
    case PH__SUBJECT_SPORT:
    case PH__SUBJECT_DPORT: {
        size_t colon = size > 0 && text[0] == ':' ? 1 : 0;
        parsed = parse_port(text + colon, size - colon, &value->number);
        break;
    }
    case PH__SUBJECT_SRC:
    case PH__SUBJECT_DST:
        return parse_host(condition, text, size, arena);
    case PH__SUBJECT_PID:
        parsed = ph__filter_parse(PH__FILTER_PID, text, size, value);
        break;
    case PH__SUBJECT_COMMAND:
        parsed = ph__filter_parse(PH__FILTER_COMMAND, text, size, value);
        break;
    case PH__SUBJECT_USER:
        parsed = ph__filter_parse(PH__FILTER_USER, text, size, value);
        break;
    case PH__SUBJECT_INODE:
        parsed = parse_number(text, size, &value->number);
        break;
    case PH__SUBJECT_COUNT:
        break;
    }
    return parsed ? 0 : PH_ERR_PARAMETER;
}

static bool compare(uint64_t left, enum ph__comparison comparison, uint64_t right)
{
    switch (comparison) {
    case PH__COMPARISON_EQUAL:
        return left == right;
    case PH__COMPARISON_NOT_EQUAL:
        return left != right;
    case PH__COMPARISON_LESS:
        return left < right;
    case PH__COMPARISON_LESS_OR_EQUAL:
        return left <= right;
    case PH__COMPARISON_GREATER:
        return left > right;
    case PH__COMPARISON_GREATER_OR_EQUAL:
        return left >= right;
    }
    return false;
}

/* '*' stands for any bytes, '?' for one. Goes back to the last '*' only, which suffices, so that no
 * pattern makes this slow. */
static bool matches_pattern(const char *pattern, const char *text)
{
    const char *star = NULL;
    const char *retry = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            retry = text;
        } else if (*pattern && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++retry;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

static bool matches_path(const struct ph__condition *condition, const struct ph_socket *socket)
{
    char path[PH_SOCKET_PATH_TEXT];
    if (!socket || socket->protocol != PH_PROTOCOL_UNIX || !socket->path) {
        return false;
    }
    ph_socket_path(socket, path, sizeof path);
    return matches_pattern(condition->pattern, path);
}

static bool matches_host(const struct ph__condition *condition, const struct ph_snapshot *snapshot,
                         const struct ph_socket *socket)
{
    bool source = condition->subject == PH__SUBJECT_SRC;
    if (condition->pattern) {
        return matches_path(condition, source ? socket : ph_snapshot_peer(snapshot, socket));
    }
    if (socket->protocol == PH_PROTOCOL_UNIX) {
        return false;
    }
    struct ph__address address =
        ph__address_of(socket->family, source ? socket->local_address : socket->remote_address);
    uint16_t port = source ? socket->local_port : socket->remote_port;
    return (condition->any_port || port == condition->port) &&
           (condition->any_address ||
            ph__address_in_prefix(&address, &condition->value.prefix.address,
                                  condition->value.prefix.bits));
}

/* Whether any owner compares so; "not equal" means that none is equal. */
static bool matches_pid(const struct ph__condition *condition, const struct ph_snapshot *snapshot,
                        const struct ph_socket *socket)
{
    bool none = condition->comparison == PH__COMPARISON_NOT_EQUAL;
    enum ph__comparison comparison = none ? PH__COMPARISON_EQUAL : condition->comparison;
    for (uint32_t i = 0; i < socket->owner_count; i++) {
        const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
        if (compare((uint64_t)process->pid, comparison, condition->value.number)) {
            return !none;
        }
    }
    return none;
}

bool ph__condition_match(const struct ph__condition *condition, const struct ph_snapshot *snapshot,
                         const struct ph_socket *socket)
{
    const struct ph__filter_value *value = &condition->value;
    bool is_ip = socket->protocol != PH_PROTOCOL_UNIX;
    bool negated = condition->comparison == PH__COMPARISON_NOT_EQUAL;
    switch (condition->subject) {
    case PH__SUBJECT_STATE:
        return ph__filter_compare(PH__FILTER_STATE, value, snapshot, socket);
    case PH__SUBJECT_EXCLUDE:
        return !ph__filter_compare(PH__FILTER_STATE, value, snapshot, socket);
    case PH__SUBJECT_SPORT:
        return is_ip && compare(socket->local_port, condition->comparison, value->number);
    case PH__SUBJECT_DPORT:
        return is_ip && compare(socket->remote_port, condition->comparison, value->number);
    case PH__SUBJECT_SRC:
    case PH__SUBJECT_DST:
        return matches_host(condition, snapshot, socket) != negated;
    case PH__SUBJECT_PID:
        return matches_pid(condition, snapshot, socket);
    case PH__SUBJECT_COMMAND:
        return ph__filter_compare(PH__FILTER_COMMAND, value, snapshot, socket) != negated;
    case PH__SUBJECT_USER:
        return ph__filter_compare(PH__FILTER_USER, value, snapshot, socket) != negated;
    case PH__SUBJECT_INODE:
        return compare(socket->inode, condition->comparison, value->number);
    case PH__SUBJECT_COUNT:
        break;
    }
    return false;
}
