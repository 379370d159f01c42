/* SPDX-License-Identifier: MIT
 *
 * Conditions: their values out of text, and whether a socket meets them.
 */
#include "sockets/condition.h"

#include "sockets/cgroup.h"
#include "sockets/lookup.h"
#include "sockets/snapshot.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ORDERED = 1, OWNERS = 2 };

#define A_STATE "a state or a group of states, such as established or connected"
#define A_PORT "a port as a number or a service, such as :80 or :http"
#define A_HOST "an address, prefix or path, such as 10.0.0.0/8, [::1]:443, :http"

static const struct {
    const char *name;
    const char *accepted;
    unsigned flags;
} subjects[] = {
    [PH__SUBJECT_STATE] = {"state", A_STATE, 0},
    [PH__SUBJECT_EXCLUDE] = {"exclude", A_STATE, 0},
    [PH__SUBJECT_EXCL] = {"excl", A_STATE, 0},
    [PH__SUBJECT_SPORT] = {"sport", A_PORT, ORDERED},
    [PH__SUBJECT_DPORT] = {"dport", A_PORT, ORDERED},
    [PH__SUBJECT_SRC] = {"src", A_HOST, 0},
    [PH__SUBJECT_DST] = {"dst", A_HOST, 0},
    [PH__SUBJECT_DEV] = {"dev", "an interface of this machine, by name or number", 0},
    [PH__SUBJECT_FWMARK] = {"fwmark", "a mark, or mark/mask, such as 0x1/0xff", 0},
    [PH__SUBJECT_CGROUP] = {"cgroup", "a control group that exists, such as /system.slice", 0},
    [PH__SUBJECT_AUTOBOUND] = {"autobound", "nothing", 0},
    [PH__SUBJECT_PROTOCOL] = {"protocol", "a protocol, such as tcp, udp or unix", 0},
    [PH__SUBJECT_PID] = {"pid", "the number of a process", ORDERED | OWNERS},
    [PH__SUBJECT_COMMAND] = {"command", "the name of a program", OWNERS},
    [PH__SUBJECT_USER] = {"user", "the name or number of a user of this machine", 0},
    [PH__SUBJECT_UNIT] = {"unit", "the name of a systemd unit", OWNERS},
    [PH__SUBJECT_INODE] = {"inode", "a number", ORDERED},
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

bool ph__condition_is_state(enum ph__subject subject)
{
    return subject == PH__SUBJECT_STATE || subject == PH__SUBJECT_EXCLUDE ||
           subject == PH__SUBJECT_EXCL;
}

bool ph__condition_is_ordered(enum ph__subject subject)
{
    return subjects[subject].flags & ORDERED;
}

bool ph__condition_needs_owners(enum ph__subject subject)
{
    return subjects[subject].flags & OWNERS;
}

bool ph__condition_is_told(enum ph__subject subject, const struct ph_snapshot *snapshot)
{
    if (subject != PH__SUBJECT_FWMARK && subject != PH__SUBJECT_CGROUP) {
        return true;
    }
    for (size_t i = 0; i < snapshot->rows.count; i++) {
        const struct ph_socket *socket = &snapshot->rows.items[i];
        bool told = subject == PH__SUBJECT_FWMARK ? socket->mark_known : socket->cgroup != 0;
        /* Of connections that have no socket any more, or none yet, little is told at all. */
        if (!told && (socket->protocol == PH_PROTOCOL_TCP || socket->protocol == PH_PROTOCOL_UDP) &&
            socket->inode != 0) {
            return false;
        }
    }
    return true;
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
    if (size == 3 && strncasecmp(text, "all", size) == 0) {
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

bool ph__condition_add_states(struct ph__condition *condition, bool first, const char *text,
                              size_t size)
{
    struct ph__filter_value value;
    struct ph__filter_value *states = &condition->value;
    if (!parse_states(&value, text, size)) {
        return false;
    }
    if (condition->subject == PH__SUBJECT_STATE) {
        states->states.inet = value.states.inet | (first ? 0 : states->states.inet);
        states->states.local = value.states.local | (first ? 0 : states->states.local);
    } else {
        states->states.inet = ~value.states.inet & (first ? UINT32_MAX : states->states.inet);
        states->states.local = ~value.states.local & (first ? UINT32_MAX : states->states.local);
    }
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

/* A number as C writes it: decimal, octal or hexadecimal. */
static bool parse_word(const char *text, size_t size, uint32_t *ret_number)
{
    char copy[16];
    char *end;
    if (size == 0 || size >= sizeof copy || text[0] < '0' || text[0] > '9') {
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    errno = 0;
    unsigned long number = strtoul(copy, &end, 0);
    *ret_number = (uint32_t)number;
    return *end == '\0' && errno == 0 && number <= UINT32_MAX;
}

static bool parse_mark(struct ph__condition *condition, const char *text, size_t size)
{
    uint32_t mark = 0;
    const char *slash = memchr(text, '/', size);
    size_t length = slash ? (size_t)(slash - text) : size;
    condition->mask = UINT32_MAX;
    bool parsed = parse_word(text, length, &mark) &&
                  (!slash || parse_word(slash + 1, size - length - 1, &condition->mask));
    condition->value.number = mark;
    return parsed;
}

static bool parse_interface(const char *text, size_t size, uint64_t *ret_index)
{
    char name[IF_NAMESIZE];
    if (parse_number(text, size, ret_index)) {
        return *ret_index <= UINT32_MAX;
    }
    if (size == 0 || size >= sizeof name) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = '\0';
    *ret_index = if_nametoindex(name);
    return *ret_index != 0;
}

/* As for systemctl, a name without a kind is that of a service. */
static int parse_unit(struct ph__condition *condition, const char *text, size_t size,
                      struct ph__arena *arena)
{
    static const char service[] = ".service";
    if (size == 0) {
        return PH_ERR_PARAMETER;
    }
    bool whole = memchr(text, '.', size) != NULL;
    char *unit = ph__arena_alloc(arena, size + sizeof service);
    if (!unit) {
        return -ENOMEM;
    }
    memcpy(unit, text, size);
    memcpy(unit + size, whole ? "" : service, whole ? 1 : sizeof service);
    condition->text = unit;
    return 0;
}

/* '*' is every port, and no port is beyond it. */
static bool parse_port(struct ph__condition *condition, const char *text, size_t size)
{
    return ph__host_parse_port(&condition->host, text, size) &&
           (!condition->host.any_port || condition->comparison <= PH__COMPARISON_NOT_EQUAL);
}

int ph__condition_parse(struct ph__condition *condition, const char *text, size_t size,
                        struct ph__arena *arena)
{
    struct ph__filter_value *value = &condition->value;
    bool parsed = false;
    switch (condition->subject) {
    case PH__SUBJECT_SPORT:
    case PH__SUBJECT_DPORT:
        parsed = parse_port(condition, text, size);
        break;
    case PH__SUBJECT_SRC:
    case PH__SUBJECT_DST:
        return ph__host_parse(&condition->host, text, size, arena);
    case PH__SUBJECT_DEV:
        parsed = parse_interface(text, size, &value->number);
        break;
    case PH__SUBJECT_FWMARK:
        parsed = parse_mark(condition, text, size);
        break;
    case PH__SUBJECT_CGROUP:
        parsed = ph__cgroup_find(text, size, &value->number);
        break;
    case PH__SUBJECT_PROTOCOL:
        parsed = ph__filter_parse(PH__FILTER_PROTOCOL, text, size, value);
        break;
    case PH__SUBJECT_PID:
        parsed = ph__filter_parse(PH__FILTER_PID, text, size, value);
        break;
    case PH__SUBJECT_COMMAND:
        parsed = ph__filter_parse(PH__FILTER_COMMAND, text, size, value);
        break;
    case PH__SUBJECT_USER:
        parsed = ph__filter_parse(PH__FILTER_USER, text, size, value);
        break;
    case PH__SUBJECT_UNIT:
        return parse_unit(condition, text, size, arena);
    case PH__SUBJECT_INODE:
        parsed = parse_number(text, size, &value->number);
        break;
    case PH__SUBJECT_STATE:
    case PH__SUBJECT_EXCLUDE:
    case PH__SUBJECT_EXCL:
    case PH__SUBJECT_AUTOBOUND:
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

static bool matches_unit(const char *unit, const struct ph_snapshot *snapshot,
                         const struct ph_socket *socket)
{
    for (uint32_t i = 0; i < socket->owner_count; i++) {
        const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
        if (process->unit && strcmp(process->unit, unit) == 0) {
            return true;
        }
    }
    return false;
}

static bool matches_port(const struct ph__condition *condition, const struct ph_socket *socket,
                         uint16_t port)
{
    const struct ph__host *host = &condition->host;
    if (!ph__host_fits(host, socket)) {
        return false;
    }
    return host->any_port ? condition->comparison == PH__COMPARISON_EQUAL
                          : compare(port, condition->comparison, host->port);
}

/* Whether the kernel chose the port or name: it is one of those that it gives out. The names are
 * five hexadecimal digits; as in ss, no name at all counts, too. */
static bool is_autobound(const struct ph_snapshot *snapshot, const struct ph_socket *socket)
{
    enum { NAME_SIZE = 5 };
    if (socket->protocol == PH_PROTOCOL_UNIX) {
        return !socket->path || (socket->abstract && socket->path_size == NAME_SIZE &&
                                 strspn(socket->path, "0123456789abcdef") >= NAME_SIZE);
    }
    return socket->local_port != 0 && socket->local_port >= snapshot->ephemeral.first &&
           socket->local_port <= snapshot->ephemeral.last;
}

/* Whether it is equal, for subjects that are only compared so. */
static bool equals(const struct ph__condition *condition, const struct ph_snapshot *snapshot,
                   const struct ph_socket *socket)
{
    const struct ph__filter_value *value = &condition->value;
    switch (condition->subject) {
    case PH__SUBJECT_SRC:
    case PH__SUBJECT_DST:
        return ph__host_match(&condition->host, snapshot, socket,
                              condition->subject == PH__SUBJECT_SRC);
    case PH__SUBJECT_DEV:
        return socket->interface == value->number;
    case PH__SUBJECT_FWMARK:
        return (socket->mark & condition->mask) == value->number;
    case PH__SUBJECT_CGROUP:
        return socket->cgroup == value->number;
    case PH__SUBJECT_PROTOCOL:
        return ph__filter_compare(PH__FILTER_PROTOCOL, value, snapshot, socket);
    case PH__SUBJECT_COMMAND:
        return ph__filter_compare(PH__FILTER_COMMAND, value, snapshot, socket);
    case PH__SUBJECT_USER:
        return ph__filter_compare(PH__FILTER_USER, value, snapshot, socket);
    case PH__SUBJECT_UNIT:
        return matches_unit(condition->text, snapshot, socket);
    default:
        return false;
    }
}

bool ph__condition_match(const struct ph__condition *condition, const struct ph_snapshot *snapshot,
                         const struct ph_socket *socket)
{
    switch (condition->subject) {
    case PH__SUBJECT_STATE:
        return ph__filter_compare(PH__FILTER_STATE, &condition->value, snapshot, socket);
    case PH__SUBJECT_SPORT:
        return matches_port(condition, socket, socket->local_port);
    case PH__SUBJECT_DPORT:
        return matches_port(condition, socket, socket->remote_port);
    case PH__SUBJECT_AUTOBOUND:
        return is_autobound(snapshot, socket);
    case PH__SUBJECT_PID:
        return matches_pid(condition, snapshot, socket);
    case PH__SUBJECT_INODE:
        return compare(socket->inode, condition->comparison, condition->value.number);
    default:
        return equals(condition, snapshot, socket) !=
               (condition->comparison == PH__COMPARISON_NOT_EQUAL);
    }
}
