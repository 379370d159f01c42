/* SPDX-License-Identifier: MIT
 *
 * GET /api/v1/processes: the columns of a process that holds sockets.
 */
#include "status/rows.h"

static const struct ph_process_use *use_at(const struct ph__view *view, size_t row)
{
    return ph_processes_at(view->data, row);
}

static const struct ph_process *process_at(const struct ph__view *view, size_t row)
{
    return use_at(view, row)->process;
}

static void get_pid(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_int(value, process_at(view, row)->pid);
}

static void get_command(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, process_at(view, row)->command);
}

static void get_uid(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_int(value, process_at(view, row)->uid);
}

static void get_user(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, process_at(view, row)->user);
}

static void get_unit(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, process_at(view, row)->unit);
}

static void get_container(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_text(value, process_at(view, row)->container);
}

static void get_sockets(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_int(value, (int64_t)use_at(view, row)->socket_count);
}

static unsigned long count_protocol(const struct ph_process_use *use, int protocol)
{
    unsigned long count = 0;
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        count += use->counts[protocol][i];
    }
    return count;
}

/* "tcp=3 unix=1", without the protocols that it has none of. */
static void get_protocols(const struct ph__view *view, size_t row, struct ph__value *value)
{
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        unsigned long count = count_protocol(use_at(view, row), i);
        if (count > 0) {
            ph__buf_printf(value->scratch, "%s%s=%lu", value->scratch->size ? " " : "",
                           ph_protocol_name((enum ph_protocol)i), count);
        }
    }
    ph__value_scratch(value);
}

/* A protocol without a source must not look like one without sockets. */
static void write_protocols(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        enum ph_protocol protocol = (enum ph_protocol)i;
        ph__buf_puts(buf, i ? ",\"" : "{\"");
        ph__buf_puts(buf, ph_protocol_name(protocol));
        ph__buf_puts(buf, "\":");
        if (ph_snapshot_source(view->snapshot, protocol, NULL) == PH_SOURCE_UNAVAILABLE) {
            ph__buf_puts(buf, "null");
        } else {
            ph__buf_put_u64(buf, count_protocol(use_at(view, row), i));
        }
    }
    ph__buf_putc(buf, '}');
}

/* "listen=1 established=2", all protocols together. */
static void get_states(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_process_use *use = use_at(view, row);
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        unsigned long count = 0;
        for (int k = 0; k < PH_PROTOCOL_COUNT; k++) {
            count += use->counts[k][i];
        }
        if (count > 0) {
            ph__buf_printf(value->scratch, "%s%s=%lu", value->scratch->size ? " " : "",
                           ph_state_name((enum ph_state)i), count);
        }
    }
    ph__value_scratch(value);
}

static void write_states_of(const struct ph_process_use *use, int protocol, struct ph__buf *buf)
{
    const char *separator = "\"";
    for (int i = 0; i < PH_STATE_COUNT; i++) {
        if (use->counts[protocol][i] > 0) {
            ph__buf_puts(buf, separator);
            ph__buf_puts(buf, ph_state_name((enum ph_state)i));
            ph__buf_puts(buf, "\":");
            ph__buf_put_u64(buf, use->counts[protocol][i]);
            separator = ",\"";
        }
    }
}

/* {"tcp":{"listen":1}}: what it has. */
static void write_states(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    const struct ph_process_use *use = use_at(view, row);
    const char *separator = "\"";
    ph__buf_putc(buf, '{');
    for (int i = 0; i < PH_PROTOCOL_COUNT; i++) {
        if (count_protocol(use, i) == 0) {
            continue;
        }
        ph__buf_puts(buf, separator);
        ph__buf_puts(buf, ph_protocol_name((enum ph_protocol)i));
        ph__buf_puts(buf, "\":{");
        write_states_of(use, i, buf);
        ph__buf_putc(buf, '}');
        separator = ",\"";
    }
    ph__buf_putc(buf, '}');
}

static void get_fd_count(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, use_at(view, row)->fd_count);
}

static void get_fd_limit(const struct ph__view *view, size_t row, struct ph__value *value)
{
    ph__value_known(value, use_at(view, row)->fd_limit);
}

static void get_fd_ratio(const struct ph__view *view, size_t row, struct ph__value *value)
{
    const struct ph_process_use *use = use_at(view, row);
    if (use->fd_count >= 0 && use->fd_limit > 0) {
        ph__value_decimal(value, (use->fd_count * 10000 + use->fd_limit / 2) / use->fd_limit, 4);
    }
}

static void get_findings(const struct ph__view *view, size_t row, struct ph__value *value)
{
    if (!view->findings) {
        ph__value_null(value);
        return;
    }
    ph__put_findings(view, PH_SUBJECT_PROCESS, PH_PROTOCOL_COUNT,
                     (uint64_t)use_at(view, row)->process->pid, false, value->scratch);
    ph__value_scratch(value);
}

static void write_findings(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    ph__put_findings(view, PH_SUBJECT_PROCESS, PH_PROTOCOL_COUNT,
                     (uint64_t)use_at(view, row)->process->pid, true, buf);
}

static void put_socket_ids(const struct ph__view *view, size_t row, const char *separator,
                           const char *quote, struct ph__buf *buf)
{
    const struct ph_process_use *use = use_at(view, row);
    for (size_t i = 0; i < use->socket_count; i++) {
        char id[PH_SOCKET_ID_TEXT]; /* made of characters that need no escape */
        size_t size = ph_socket_id(ph_processes_socket(view->data, use, i), id, sizeof id);
        ph__buf_puts(buf, i ? separator : "");
        ph__buf_puts(buf, quote);
        ph__buf_append(buf, id, size);
        ph__buf_puts(buf, quote);
    }
}

static void get_socket_ids(const struct ph__view *view, size_t row, struct ph__value *value)
{
    put_socket_ids(view, row, " ", "", value->scratch);
    ph__value_scratch(value);
}

static void write_socket_ids(const struct ph__view *view, size_t row, struct ph__buf *buf)
{
    ph__buf_putc(buf, '[');
    put_socket_ids(view, row, ",", "\"", buf);
    ph__buf_putc(buf, ']');
}

#define COUNTS "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"integer\",\"null\"]}}"

static const struct ph__column columns[] = {
    {"pid", "Number of the process", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN, get_pid, NULL, 0},
    {"command", "Its name, as the kernel keeps it", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_command,
     NULL, 0},
    {"uid", "User it runs as", PH__SCHEMA_INTEGER, 0, get_uid, NULL, 0},
    {"user", "Name of that user", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_user, NULL, 0},
    {"unit", "Systemd unit, from the control group", PH__SCHEMA_TEXT, PH__COLUMN_SHOWN, get_unit,
     NULL, 0},
    {"container", "Container id, from the control group", PH__SCHEMA_TEXT, 0, get_container, NULL,
     0},
    {"sockets", "How many sockets it holds", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN, get_sockets,
     NULL, 0},
    {"protocols", "These by protocol; null: such sockets cannot be read", COUNTS, PH__COLUMN_SHOWN,
     get_protocols, write_protocols, 0},
    {"states", "These by protocol and state, where there are any",
     "{\"type\":\"object\",\"additionalProperties\":" COUNTS "}", PH__COLUMN_SHOWN, get_states,
     write_states, 0},
    {"fd_count", "Descriptors of all kinds that it has open", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN,
     get_fd_count, NULL, 0},
    {"fd_limit", "How many it may have open (soft limit)", PH__SCHEMA_INTEGER, PH__COLUMN_SHOWN,
     get_fd_limit, NULL, 0},
    {"fd_ratio", "The one divided by the other", PH__SCHEMA_RATIO, 0, get_fd_ratio, NULL, 0},
    {"findings", "Ids of findings about it, at most 5 s old; null: nobody looked",
     "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", PH__COLUMN_FINDINGS, get_findings,
     write_findings, 0},
    {"socket_ids", "Ids of its sockets; only when asked for",
     "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}", PH__COLUMN_EXTRA, get_socket_ids,
     write_socket_ids, 0},
};

static int open_processes(struct ph__view *view, const struct ph_server *server)
{
    (void)server;
    struct ph_processes *processes = NULL;
    int err = ph_processes_new(&processes, view->snapshot);
    view->data = err < 0 ? NULL : processes;
    return err;
}

static void close_processes(struct ph__view *view)
{
    ph_processes_free(view->data);
}

static size_t count(const struct ph__view *view)
{
    return ph_processes_count(view->data);
}

/* A process is listed when one of its sockets matches. */
static bool match(const struct ph__view *view, size_t row, const struct ph_filter *filter)
{
    const struct ph_process_use *use = use_at(view, row);
    for (size_t i = 0; i < use->socket_count; i++) {
        if (ph_filter_match(filter, view->snapshot, ph_processes_socket(view->data, use, i))) {
            return true;
        }
    }
    return false;
}

const struct ph__list_kind ph__list_processes = {
    .name = "processes",
    .row_name = "Process",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .open = open_processes,
    .close = close_processes,
    .count = count,
    .match = match,
    .of_owners = true,
};
