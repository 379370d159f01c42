/* SPDX-License-Identifier: MIT
 *
 * Filters. A filter is a list of conditions, each a field and the values of which one has to fit,
 * or an expression.
 */
#include "sockets/filter.h"

#include "sockets/ends.h"
#include "sockets/expression.h"
#include "sockets/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_SHOWN = 64, COMMAND_LENGTH = 15 };

static const char *const field_names[] = {
    [PH__FILTER_PROTOCOL] = "protocol",
    [PH__FILTER_STATE] = "state",
    [PH__FILTER_PORT] = "port",
    [PH__FILTER_LOCAL_PORT] = "local_port",
    [PH__FILTER_REMOTE_PORT] = "remote_port",
    [PH__FILTER_ADDRESS] = "address",
    [PH__FILTER_PID] = "pid",
    [PH__FILTER_COMMAND] = "command",
    [PH__FILTER_USER] = "user",
};

#define LISTED(constant, text) text ", "
static const char *const accepted[] = {
    [PH__FILTER_PROTOCOL] = "tcp, udp, unix, raw, packet, netlink, mptcp, udplite or vsock",
    [PH__FILTER_STATE] = PH_STATE_MAP(LISTED) "or ss's groups synchronized, bucket, big",
    [PH__FILTER_PORT] = "a number from 0 to 65535",
    [PH__FILTER_LOCAL_PORT] = "a number from 0 to 65535",
    [PH__FILTER_REMOTE_PORT] = "a number from 0 to 65535",
    [PH__FILTER_ADDRESS] = "an IPv4 or IPv6 address, or a prefix such as 10.0.0.0/8",
    [PH__FILTER_PID] = "the number of a process",
    [PH__FILTER_COMMAND] = "the name of a program",
    [PH__FILTER_USER] = "the name or number of a user of this machine",
};

const char *ph__filter_accepted(enum ph__filter_field field)
{
    return (size_t)field < sizeof accepted / sizeof *accepted ? accepted[field] : "nothing";
}

static bool is(const char *text, size_t size, const char *wanted)
{
    return size == strlen(wanted) && memcmp(text, wanted, size) == 0;
}

/* The same in either case, with '-' for '_'. */
static bool is_spelled(const char *text, size_t size, const char *wanted)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
        if ((c == '-' ? '_' : c) != wanted[i]) {
            return false;
        }
    }
    return wanted[size] == '\0';
}

static bool parse_number(const char *text, size_t size, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (size == 0) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text[i] - '0');
        if (number > max) {
            return false;
        }
    }
    *ret_number = number;
    return true;
}

#define BIT(state) (1U << (state))

/* ss's groups; unix sockets that are connected are only those whose state has that name. */
enum {
    EVERY_STATE = (1U << PH_STATE_COUNT) - 1,
    NOT_CONNECTED = BIT(PH_STATE_LISTEN) | BIT(PH_STATE_CLOSED) | BIT(PH_STATE_UNCONNECTED),
    CONNECTED = EVERY_STATE & ~NOT_CONNECTED,
    BUCKET = BIT(PH_STATE_TIME_WAIT) | BIT(PH_STATE_SYN_RECV),
};

static const struct {
    const char *name;
    uint32_t inet;
    uint32_t local;
} state_groups[] = {
    {"connected", CONNECTED, BIT(PH_STATE_CONNECTED)},
    {"synchronized", CONNECTED & ~BIT(PH_STATE_SYN_SENT), BIT(PH_STATE_CONNECTED)},
    {"bucket", BUCKET, BUCKET},
    {"big", EVERY_STATE & ~BUCKET, EVERY_STATE & ~BUCKET},
    {"listening", BIT(PH_STATE_LISTEN), BIT(PH_STATE_LISTEN)},
    {"fin_wait_1", BIT(PH_STATE_FIN_WAIT1), 0},
    {"fin_wait_2", BIT(PH_STATE_FIN_WAIT2), 0},
    {"close", BIT(PH_STATE_CLOSED), BIT(PH_STATE_UNCONNECTED)},
};

static bool parse_state(const char *text, size_t size, struct ph__filter_value *ret_value)
{
    for (size_t i = 0; i < sizeof state_groups / sizeof state_groups[0]; i++) {
        if (is_spelled(text, size, state_groups[i].name)) {
            ret_value->states.inet = state_groups[i].inet;
            ret_value->states.local = state_groups[i].local;
            return true;
        }
    }
    for (unsigned i = 0; i < PH_STATE_COUNT; i++) {
        if (is_spelled(text, size, ph_state_name((enum ph_state)i))) {
            ret_value->states.inet = ret_value->states.local = BIT(i);
            return true;
        }
    }
    return false;
}

static bool parse_user(const char *text, size_t size, uint64_t *ret_uid)
{
    char name[PH__LOOKUP_TEXT];
    uint32_t uid;
    if (parse_number(text, size, UINT32_MAX, ret_uid)) {
        return true;
    }
    if (size == 0 || size >= sizeof name) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    if (!ph__lookup_uid(name, &uid)) {
        return false;
    }
    *ret_uid = uid;
    return true;
}

static bool parse_protocol(const char *text, size_t size, uint64_t *ret_protocol)
{
    for (unsigned i = 0; i < PH_PROTOCOL_COUNT; i++) {
        if (is(text, size, ph_protocol_name((enum ph_protocol)i))) {
            *ret_protocol = i;
            return true;
        }
    }
    return false;
}

/* The kernel cuts names of programs: a longer one is compared as far as it was kept. */
static bool parse_command(const char *text, size_t size, char command[COMMAND_LENGTH + 1])
{
    size_t kept = size < COMMAND_LENGTH ? size : COMMAND_LENGTH;
    memcpy(command, text, kept);
    command[kept] = '\0';
    return size > 0;
}

bool ph__filter_parse(enum ph__filter_field field, const char *text, size_t size,
                      struct ph__filter_value *ret_value)
{
    switch (field) {
    case PH__FILTER_PROTOCOL:
        return parse_protocol(text, size, &ret_value->number);
    case PH__FILTER_STATE:
        return parse_state(text, size, ret_value);
    case PH__FILTER_PORT:
    case PH__FILTER_LOCAL_PORT:
    case PH__FILTER_REMOTE_PORT:
        return parse_number(text, size, UINT16_MAX, &ret_value->number);
    case PH__FILTER_ADDRESS:
        return ph__address_parse(text, size, &ret_value->prefix.address, &ret_value->prefix.bits);
    case PH__FILTER_PID:
        return parse_number(text, size, INT32_MAX, &ret_value->number);
    case PH__FILTER_COMMAND:
        return parse_command(text, size, ret_value->command);
    case PH__FILTER_USER:
        return parse_user(text, size, &ret_value->number);
    case PH__FILTER_FIELD_COUNT:
        break;
    }
    return false;
}

static bool has_local_port(const struct ph_socket *socket, uint64_t port)
{
    return PH_PROTOCOL_BIT(socket->protocol) & PH__PROTOCOLS_PORTS && socket->local_port == port;
}

static bool has_remote_port(const struct ph_socket *socket, uint64_t port)
{
    return PH_PROTOCOL_BIT(socket->protocol) & PH__PROTOCOLS_PORTS && socket->has_remote &&
           socket->remote_port == port;
}

static bool has_address(const struct ph_socket *socket, const struct ph__filter_value *value)
{
    if (!(PH_PROTOCOL_BIT(socket->protocol) & PH__PROTOCOLS_IP)) {
        return false;
    }
    struct ph__address local = ph__address_of(socket->family, socket->local_address);
    struct ph__address remote = ph__address_of(socket->family, socket->remote_address);
    const struct ph__address *prefix = &value->prefix.address;
    return ph__address_in_prefix(&local, prefix, value->prefix.bits) ||
           (socket->has_remote && ph__address_in_prefix(&remote, prefix, value->prefix.bits));
}

static bool has_owner(enum ph__filter_field field, const struct ph__filter_value *value,
                      const struct ph_snapshot *snapshot, const struct ph_socket *socket)
{
    for (uint32_t i = 0; i < socket->owner_count; i++) {
        const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
        if (field == PH__FILTER_PID
                ? (uint64_t)process->pid == value->number
                : strncmp(process->command, value->command, COMMAND_LENGTH) == 0) {
            return true;
        }
    }
    return false;
}

bool ph__filter_compare(enum ph__filter_field field, const struct ph__filter_value *value,
                        const struct ph_snapshot *snapshot, const struct ph_socket *socket)
{
    switch (field) {
    case PH__FILTER_PROTOCOL:
        return socket->protocol == value->number;
    case PH__FILTER_STATE:
        return ((socket->protocol == PH_PROTOCOL_UNIX ? value->states.local : value->states.inet) &
                BIT(socket->state)) != 0;
    case PH__FILTER_PORT:
        return has_local_port(socket, value->number) || has_remote_port(socket, value->number);
    case PH__FILTER_LOCAL_PORT:
        return has_local_port(socket, value->number);
    case PH__FILTER_REMOTE_PORT:
        return has_remote_port(socket, value->number);
    case PH__FILTER_ADDRESS:
        return has_address(socket, value);
    case PH__FILTER_PID:
    case PH__FILTER_COMMAND:
        return has_owner(field, value, snapshot, socket);
    case PH__FILTER_USER:
        return socket->uid_known && socket->uid == value->number;
    case PH__FILTER_FIELD_COUNT:
        break;
    }
    return false;
}

int ph_filter_new(struct ph_filter **ret_filter)
{
    struct ph_filter *filter = calloc(1, sizeof *filter);
    if (!filter) {
        return -ENOMEM;
    }
    *ret_filter = filter;
    return 0;
}

void ph_filter_free(struct ph_filter *filter)
{
    while (filter && filter->conditions) {
        struct ph__filter_condition *condition = filter->conditions;
        filter->conditions = condition->next;
        ph__expression_free(condition->expression);
        free(condition);
    }
    free(filter);
}

static bool find_field(const char *name, enum ph__filter_field *ret_field)
{
    for (unsigned i = 0; i < PH__FILTER_FIELD_COUNT; i++) {
        if (strcmp(name, field_names[i]) == 0) {
            *ret_field = (enum ph__filter_field)i;
            return true;
        }
    }
    return false;
}

static size_t count_values(const char *values)
{
    size_t count = 1;
    for (; *values; values++) {
        count += *values == ',';
    }
    return count;
}

static int add_expression(struct ph_filter *filter, const char *text, char *problem,
                          size_t problem_size)
{
    struct ph__filter_condition *condition = calloc(1, sizeof *condition);
    if (!condition) {
        return -ENOMEM;
    }
    int err = ph__expression_new(&condition->expression, text, problem, problem_size);
    if (err < 0) {
        free(condition);
        return err;
    }
    condition->next = filter->conditions;
    filter->conditions = condition;
    return 0;
}

int ph_filter_add(struct ph_filter *filter, const char *name, const char *values, char *problem,
                  size_t problem_size)
{
    enum ph__filter_field field;
    if (strcmp(name, "filter") == 0) {
        return add_expression(filter, values, problem, problem_size);
    }
    if (!find_field(name, &field)) {
        snprintf(problem, problem_size,
                 "There is no filter \"%.*s\"; accepted are protocol, state, port, local_port, "
                 "remote_port, address, pid, command, user and filter.",
                 VALUE_SHOWN, name);
        return PH_ERR_PARAMETER;
    }
    size_t count = count_values(values);
    struct ph__filter_condition *condition =
        malloc(sizeof *condition + count * sizeof condition->values[0]);
    if (!condition) {
        return -ENOMEM;
    }
    *condition =
        (struct ph__filter_condition){.next = filter->conditions, .field = field, .count = count};
    const char *at = values;
    for (size_t i = 0; i < count; i++) {
        size_t size = strcspn(at, ",");
        if (!ph__filter_parse(field, at, size, &condition->values[i])) {
            int shown = (int)(size < VALUE_SHOWN ? size : VALUE_SHOWN);
            snprintf(problem, problem_size, "%s: \"%.*s\" is not accepted; wanted is %s.", name,
                     shown, at, ph__filter_accepted(field));
            free(condition);
            return PH_ERR_PARAMETER;
        }
        at += size + 1;
    }
    filter->conditions = condition;
    return 0;
}

/* Where sockets of a protocol lack a field, a condition on it leaves them out. */
static unsigned protocols_of(const struct ph__filter_condition *condition)
{
    unsigned protocols = 0;
    if (condition->expression) {
        return PH_PROTOCOLS_ALL;
    }
    switch (condition->field) {
    case PH__FILTER_PROTOCOL:
        for (size_t i = 0; i < condition->count; i++) {
            protocols |= PH_PROTOCOL_BIT(condition->values[i].number);
        }
        return protocols;
    case PH__FILTER_PORT:
    case PH__FILTER_LOCAL_PORT:
    case PH__FILTER_REMOTE_PORT:
        return PH__PROTOCOLS_PORTS;
    case PH__FILTER_ADDRESS:
        return PH__PROTOCOLS_IP;
    default:
        return PH_PROTOCOLS_ALL;
    }
}

unsigned ph_filter_protocols(const struct ph_filter *filter)
{
    unsigned protocols = PH_PROTOCOLS_ALL;
    for (const struct ph__filter_condition *at = filter->conditions; at; at = at->next) {
        protocols &= protocols_of(at);
    }
    return protocols;
}

bool ph_filter_needs_owners(const struct ph_filter *filter)
{
    for (const struct ph__filter_condition *at = filter->conditions; at; at = at->next) {
        if (at->expression ? ph__expression_needs_owners(at->expression)
                           : at->field == PH__FILTER_PID || at->field == PH__FILTER_COMMAND) {
            return true;
        }
    }
    return false;
}

bool ph_filter_is_told(const struct ph_filter *filter, const struct ph_snapshot *snapshot)
{
    for (const struct ph__filter_condition *at = filter->conditions; at; at = at->next) {
        if (at->expression && !ph__expression_is_told(at->expression, snapshot)) {
            return false;
        }
    }
    return true;
}

static bool meets(const struct ph__filter_condition *condition, const struct ph_snapshot *snapshot,
                  const struct ph_socket *socket)
{
    if (condition->expression) {
        return ph__expression_match(condition->expression, snapshot, socket);
    }
    for (size_t i = 0; i < condition->count; i++) {
        if (ph__filter_compare(condition->field, &condition->values[i], snapshot, socket)) {
            return true;
        }
    }
    return false;
}

bool ph_filter_match(const struct ph_filter *filter, const struct ph_snapshot *snapshot,
                     const struct ph_socket *socket)
{
    for (const struct ph__filter_condition *at = filter->conditions; at; at = at->next) {
        if (!meets(at, snapshot, socket)) {
            return false;
        }
    }
    return true;
}
