/* SPDX-License-Identifier: MIT
 *
 * Events, written twice: for programs and for people.
 */
#include "watch/tell.h"

#include "base/clock.h"
#include "doctor/say.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define NAME(constant, text) [constant] = (text),
static const char *const names[] = {PH_EVENT_MAP(NAME)};
#undef NAME

const char *ph_event_name(enum ph_event_type type)
{
    return (unsigned)type < PH_EVENT_COUNT ? names[type] : "unknown";
}

enum ph_event_type ph_event_find(const char *name, size_t size)
{
    enum ph_event_type type = PH_EVENT_PORT_OPENED;
    while (type < PH_EVENT_COUNT &&
           (strlen(names[type]) != size || memcmp(names[type], name, size) != 0)) {
        type++;
    }
    return type;
}

void ph__teller_init(struct ph__teller *teller, ph_watch_receive receive, void *user)
{
    *teller = (struct ph__teller){.receive = receive, .user = user};
    ph__buf_init(&teller->json, 0);
    ph__buf_init(&teller->text, 0);
}

void ph__teller_done(struct ph__teller *teller)
{
    ph__buf_done(&teller->json);
    ph__buf_done(&teller->text);
}

/* ---- JSON ---- */

static void begin(struct ph__teller *teller, uint64_t unix_ms)
{
    char time[PH__RFC3339_TEXT];
    ph__format_rfc3339(unix_ms, time, sizeof time);
    ph__buf_reset(&teller->json);
    ph__buf_reset(&teller->text);
    ph__buf_printf(&teller->json, "{\"at\":\"%s\"", time);
}

static int end(struct ph__teller *teller, enum ph_event_type type)
{
    ph__buf_putc(&teller->json, '}');
    ph__buf_putc(&teller->json, '\0');
    ph__buf_putc(&teller->text, '\0');
    if (ph__buf_error(&teller->json) || ph__buf_error(&teller->text)) {
        return -ENOMEM;
    }
    const struct ph_event event = {type, teller->json.data, teller->json.size - 1,
                                   teller->text.data};
    int err = teller->receive(teller->user, &event);
    return err < 0 ? err : 0;
}

static void put_text(struct ph__buf *json, const char *name, const char *text)
{
    ph__buf_printf(json, ",\"%s\":", name);
    if (text) {
        ph__buf_put_json(json, text, strlen(text));
    } else {
        ph__buf_puts(json, "null");
    }
}

/* Below zero is unknown. */
static void put_number(struct ph__buf *json, const char *name, int64_t number)
{
    if (number < 0) {
        ph__buf_printf(json, ",\"%s\":null", name);
    } else {
        ph__buf_printf(json, ",\"%s\":%" PRId64, name, number);
    }
}

static void put_owner(struct ph__buf *json, const struct ph_process *process)
{
    ph__buf_printf(json, "{\"pid\":%ld", (long)process->pid);
    put_text(json, "command", process->command);
    put_text(json, "user", process->user);
    put_text(json, "unit", process->unit);
    put_text(json, "container", process->container);
    ph__buf_putc(json, '}');
}

/* Each process once: its descriptors of a socket stand side by side. */
static void put_owners(struct ph__buf *json, const struct ph_snapshot *snapshot,
                       const struct ph_socket *socket)
{
    const struct ph_process *last = NULL;
    ph__buf_puts(json, ",\"owners\":[");
    for (uint32_t i = 0; snapshot && i < socket->owner_count; i++) {
        const struct ph_process *process = ph_snapshot_owner(snapshot, socket, i).process;
        if (process != last) {
            ph__buf_puts(json, last ? "," : "");
            put_owner(json, process);
        }
        last = process;
    }
    ph__buf_putc(json, ']');
}

static const struct ph_process *first_owner(const struct ph_snapshot *snapshot,
                                            const struct ph_socket *socket)
{
    return snapshot && socket->owner_count > 0 ? ph_snapshot_owner(snapshot, socket, 0).process
                                               : NULL;
}

/* ---- events ---- */

int ph__tell_port(struct ph__teller *teller, enum ph_event_type type,
                  const struct ph_snapshot *snapshot, const struct ph_ports *ports,
                  const struct ph_port *port)
{
    struct ph__buf *json = &teller->json;
    const struct ph_socket *socket = ph_ports_socket(ports, port, 0);
    char end_text[PH__END_TEXT];
    ph__say_end(socket, false, end_text);
    begin(teller, ph__clock_unix_ms());
    put_text(json, "protocol", ph_protocol_name(port->protocol));
    put_number(json, "port", port->port);
    put_text(json, "service", port->service);
    put_text(json, "scope", port->scope == PH_SCOPE_NONE ? NULL : ph_scope_name(port->scope));
    put_owners(json, snapshot, socket);
    ph__buf_printf(&teller->text, "%s %s %s%s%s%s by ",
                   type == PH_EVENT_PORT_OPENED ? "opened" : "closed",
                   ph_protocol_name(port->protocol), end_text, port->service ? " (" : "",
                   port->service ? port->service : "", port->service ? ")" : "");
    ph__say_holder(&teller->text, snapshot, socket, first_owner(snapshot, socket));
    return end(teller, type);
}

int ph__tell_connection(struct ph__teller *teller, enum ph_event_type type,
                        const struct ph_snapshot *snapshot, const struct ph_socket *socket,
                        const struct ph__destroyed *facts)
{
    struct ph__buf *json = &teller->json;
    char text[PH_SOCKET_ID_TEXT];
    begin(teller, ph__clock_unix_ms());
    ph_socket_id(socket, text, sizeof text);
    put_text(json, "id", text);
    put_text(json, "protocol", ph_protocol_name(socket->protocol));
    ph_socket_local_address(socket, text, sizeof text);
    put_text(json, "local_address", text);
    put_number(json, "local_port", socket->local_port);
    ph_socket_remote_address(socket, text, sizeof text);
    put_text(json, "remote_address", text);
    put_number(json, "remote_port", socket->remote_port);
    put_text(json, "direction",
             socket->direction == PH_DIRECTION_NONE ? NULL : ph_direction_name(socket->direction));
    put_owners(json, snapshot, socket);
    if (type == PH_EVENT_CONNECTION_CLOSED) {
        put_number(json, "bytes_sent", facts ? facts->sent_bytes : -1);
        put_number(json, "bytes_received", facts ? facts->received_bytes : -1);
        put_number(json, "rtt_us", facts ? facts->rtt_us : -1);
        put_number(json, "retransmissions", facts ? facts->retransmissions : -1);
    }
    char local[PH__END_TEXT];
    char remote[PH__END_TEXT];
    ph__say_end(socket, false, local);
    ph__say_end(socket, true, remote);
    bool inbound = socket->direction == PH_DIRECTION_INBOUND;
    ph__buf_printf(&teller->text, "%s %s %s %s",
                   type == PH_EVENT_CONNECTION_OPENED ? "connected" : "disconnected", local,
                   inbound ? "from" : "to", remote);
    const struct ph_process *owner = first_owner(snapshot, socket);
    if (owner) {
        ph__buf_puts(&teller->text, " by ");
        ph__say_process(&teller->text, owner);
    }
    if (type == PH_EVENT_CONNECTION_CLOSED && facts && facts->sent_bytes >= 0) {
        ph__buf_printf(&teller->text, ", %" PRId64 " bytes sent, %" PRId64 " received",
                       facts->sent_bytes, facts->received_bytes);
    }
    return end(teller, type);
}

int ph__tell_finding(struct ph__teller *teller, enum ph_event_type type,
                     const struct ph_finding *finding)
{
    struct ph__buf *json = &teller->json;
    char since[PH__RFC3339_TEXT];
    ph__format_rfc3339(finding->since_unix_ms, since, sizeof since);
    begin(teller, ph__clock_unix_ms());
    put_text(json, "id", finding->id);
    put_text(json, "rule", finding->rule);
    put_text(json, "severity", ph_severity_name(finding->severity));
    put_text(json, "title", finding->title);
    put_text(json, "advice", finding->advice);
    put_text(json, "since", since);
    ph__buf_printf(&teller->text, "%s %s: %s",
                   type == PH_EVENT_FINDING_RAISED ? "found" : "cleared",
                   ph_severity_name(finding->severity), finding->title);
    return end(teller, type);
}

/* TCP's states that some socket is in, and how many are. */
static void put_states(struct ph__buf *json, const struct ph_snapshot *snapshot)
{
    char before = '{';
    ph__buf_puts(json, ",\"tcp\":");
    for (int i = 0; i < PH_STATE_CONNECTED; i++) {
        enum ph_state state = (enum ph_state)i;
        ph__buf_printf(json, "%c\"%s\":%zu", before, ph_state_name(state),
                       ph_snapshot_state_count(snapshot, PH_PROTOCOL_TCP, state));
        before = ',';
    }
    ph__buf_putc(json, '}');
}

int ph__tell_summary(struct ph__teller *teller, const struct ph_snapshot *snapshot,
                     const struct ph__tally_of_step *tally)
{
    struct ph__buf *json = &teller->json;
    begin(teller, ph_snapshot_taken_unix_ms(snapshot));
    put_number(json, "sockets", (int64_t)ph_snapshot_count(snapshot));
    put_number(json, "ports", (int64_t)tally->ports);
    put_number(json, "connections", (int64_t)tally->connections);
    put_number(json, "connections_opened", (int64_t)tally->opened);
    put_number(json, "connections_closed", (int64_t)tally->closed);
    put_number(json, "untold", (int64_t)tally->untold);
    ph__buf_printf(json, ",\"lost\":%s", tally->lost ? "true" : "false");
    put_states(json, snapshot);
    ph__buf_printf(json, ",\"findings\":{\"info\":%zu,\"warning\":%zu,\"error\":%zu}",
                   tally->findings[PH_SEVERITY_INFO], tally->findings[PH_SEVERITY_WARNING],
                   tally->findings[PH_SEVERITY_ERROR]);
    ph__buf_printf(&teller->text,
                   "%zu sockets, %zu ports, %zu connections (%" PRIu64 " opened, %" PRIu64
                   " closed)",
                   ph_snapshot_count(snapshot), tally->ports, tally->connections, tally->opened,
                   tally->closed);
    return end(teller, PH_EVENT_SUMMARY);
}
