/* SPDX-License-Identifier: MIT
 *
 * Rules about those who listen.
 */
#include "doctor/rules.h"
#include "doctor/say.h"

#include <errno.h>
#include <string.h>

/* ---- queues ---- */

/* The worst listener of a port. */
struct queue {
    const struct ph_socket *socket;
    double ratio;
    int64_t new_drops;
    bool rising; /* no fewer wait than at the last look */
};

static struct queue worst_queue(const struct ph__look *look, const struct ph_port *port)
{
    struct queue worst = {.socket = NULL};
    for (size_t i = 0; i < port->socket_count; i++) {
        const struct ph_socket *socket = ph_ports_socket(look->ports, port, i);
        const struct ph__remembered *last = ph__memory_find(look->before, socket);
        struct queue queue = {
            .socket = socket,
            .ratio = ph__ratio(socket->accept_queue, socket->backlog ? socket->backlog : 1),
            .new_drops = last ? ph__rise(last->drops, socket->drops) : 0,
            .rising = last && last->queue > 0 && socket->accept_queue >= last->queue,
        };
        if (!worst.socket || queue.new_drops > worst.new_drops ||
            (queue.new_drops == worst.new_drops && queue.ratio > worst.ratio)) {
            worst = queue;
        }
    }
    return worst;
}

static const char *queue_advice(const struct ph__look *look, const struct queue *queue)
{
    if (queue->rising) {
        return "The number waiting does not fall: the process is too slow to accept, or stopped. A "
               "larger backlog would only make clients wait longer.";
    }
    if (queue->socket->backlog == look->settings.somaxconn) {
        return "If the process does accept, bursts are larger than the queue, and its limit is the "
               "kernel's: sysctl net.core.somaxconn, and a larger backlog in the program.";
    }
    return "If the process does accept, bursts are larger than the queue: give listen(2) a larger "
           "backlog (many programs have a setting for it).";
}

static void judge_queue(const struct ph__look *look, struct ph_findings *findings,
                        const struct ph_port *port)
{
    struct queue queue = worst_queue(look, port);
    if (!queue.socket || queue.socket->accept_queue < 0) {
        return;
    }
    bool over = queue.socket->accept_queue > queue.socket->backlog;
    bool near = queue.ratio >= look->thresholds[PH__THRESHOLD_ACCEPT_WARNING];
    if (!over && !near && queue.new_drops <= 0) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_port(
        findings, over || queue.new_drops > 0 ? PH_SEVERITY_ERROR : PH_SEVERITY_WARNING, port);
    if (!finding) {
        return;
    }
    finding->title =
        over || near ? ph__findings_text(findings,
                                         "%lld connections wait to be accepted at port %u, whose "
                                         "backlog is %lld",
                                         (long long)queue.socket->accept_queue, port->port,
                                         (long long)queue.socket->backlog)
                     : ph__findings_text(findings,
                                         "port %u has dropped %lld connections since the last "
                                         "look",
                                         port->port, (long long)queue.new_drops);
    finding->advice = queue_advice(look, &queue);
    ph__findings_evidence(finding, "accept_queue", (double)queue.socket->accept_queue);
    ph__findings_evidence(finding, "backlog", (double)queue.socket->backlog);
    ph__findings_evidence(finding, "unaccepted", port->unaccepted);
    ph__findings_evidence(finding, "drops", (double)queue.socket->drops);
    ph__findings_evidence(finding, "new_drops", (double)queue.new_drops);
}

void ph__rule_accept_queue_full(const struct ph__look *look, struct ph_findings *findings)
{
    if (!look->before) {
        ph__findings_no(findings, ph__no_look_before);
    }
    size_t count = ph_ports_count(look->ports);
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        if (port->protocol == PH_PROTOCOL_TCP) {
            judge_queue(look, findings, port);
        }
    }
}

static void judge_handshakes(const struct ph__look *look, struct ph_findings *findings,
                             const struct ph_port *port)
{
    int64_t limit = look->settings.tcp_max_syn_backlog;
    limit = port->backlog >= 0 && port->backlog < limit ? port->backlog : limit;
    uint32_t waiting = port->connections[PH_STATE_SYN_RECV];
    if (limit <= 0 || ph__ratio(waiting, limit) < look->thresholds[PH__THRESHOLD_SYN_WARNING]) {
        return;
    }
    struct ph_finding *finding = ph__findings_add_port(findings, PH_SEVERITY_WARNING, port);
    if (finding) {
        finding->title = ph__findings_text(findings, "%u handshakes at port %u are half done",
                                           waiting, port->port);
        finding->advice = "A flood of requests from addresses that do not answer, or peers that "
                          "are slow. Have SYN cookies on (sysctl net.ipv4.tcp_syncookies=1); raise "
                          "the backlog and net.ipv4.tcp_max_syn_backlog if the load is real.";
        ph__findings_evidence(finding, "syn_recv", waiting);
        ph__findings_evidence(finding, "limit", (double)limit);
    }
}

void ph__rule_syn_queue_pressure(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = ph_ports_count(look->ports);
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        if (port->protocol == PH_PROTOCOL_TCP) {
            judge_handshakes(look, findings, port);
        }
    }
    if (!look->before) {
        ph__findings_no(findings, ph__no_look_before);
        return;
    }
    const struct ph_counters *before = &look->before->counters;
    int64_t cookies =
        ph__rise(before->tcp_request_queue_cookies, look->counters.tcp_request_queue_cookies);
    int64_t drops =
        ph__rise(before->tcp_request_queue_drops, look->counters.tcp_request_queue_drops);
    if (cookies < 0 && drops < 0) {
        ph__findings_no(findings, "net/netstat cannot be read");
    }
    if (cookies <= 0 && drops <= 0) {
        return;
    }
    enum ph_severity severity = drops > 0 ? PH_SEVERITY_ERROR : PH_SEVERITY_WARNING;
    struct ph_finding *finding = ph__findings_add(findings, severity, "machine");
    if (finding) {
        finding->title = "a queue of handshakes was full since the last look";
        finding->advice = "With SYN cookies clients still get in, without them they are dropped: "
                          "sysctl net.ipv4.tcp_syncookies=1. A larger backlog of the listener "
                          "helps if the load is real.";
        ph__findings_evidence(finding, "new_cookies", (double)cookies);
        ph__findings_evidence(finding, "new_drops", (double)drops);
    }
}

/* ---- ports ---- */

void ph__rule_ephemeral_overlap(const struct ph__look *look, struct ph_findings *findings)
{
    const struct ph__settings *settings = &look->settings;
    if (!settings->reserved_known) {
        ph__findings_no(findings, "ip_local_reserved_ports cannot be read");
        return;
    }
    size_t count = ph_ports_count(look->ports);
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        if (port->protocol != PH_PROTOCOL_TCP || port->port < settings->ephemeral_first ||
            port->port > settings->ephemeral_last || ph__is_reserved(settings, port->port)) {
            continue;
        }
        struct ph_finding *finding = ph__findings_add_port(findings, PH_SEVERITY_INFO, port);
        if (finding) {
            finding->title = ph__findings_text(
                findings, "port %u is one that the kernel gives to outgoing connections",
                port->port);
            finding->advice = ph__findings_text(
                findings,
                "While its service restarts, a connection may take it, and the service cannot bind "
                "it. Reserve it: sysctl net.ipv4.ip_local_reserved_ports=%u (add to what is there)",
                port->port);
            ph__findings_evidence(finding, "range_first", settings->ephemeral_first);
            ph__findings_evidence(finding, "range_last", settings->ephemeral_last);
        }
    }
}

static const struct {
    uint16_t port;
    const char *what;
    const char *risk;
} services[] = {
    {111, "rpcbind", "tells what runs here"},
    {161, "SNMP", "tells all of this machine to who guesses a word"},
    {445, "SMB", "is what worms look for"},
    {873, "rsync", "gives files away where no password is set"},
    {1433, "SQL Server", "is a database"},
    {1521, "Oracle", "is a database"},
    {2049, "NFS", "gives files to who says that he is root"},
    {2181, "ZooKeeper", "lets everybody change what it holds"},
    {2375, "Docker", "makes everybody root on this machine"},
    {2379, "etcd", "holds secrets, often without a password"},
    {2380, "etcd", "takes new members, often without a password"},
    {3306, "MySQL", "is a database"},
    {3389, "RDP", "is a desktop"},
    {4369, "epmd", "leads to Erlang nodes, which run what they are sent"},
    {5005, "a Java debugger", "runs what it is sent"},
    {5432, "PostgreSQL", "is a database"},
    {5601, "Kibana", "shows and changes what is in Elasticsearch"},
    {5672, "AMQP", "is a message queue"},
    {5900, "VNC", "is a desktop"},
    {5984, "CouchDB", "is a database"},
    {6000, "X11", "is a display: whoever reaches it sees and types"},
    {6379, "Redis", "runs what it is sent, often without a password"},
    {8086, "InfluxDB", "is a database"},
    {8500, "Consul", "runs scripts where that is allowed"},
    {9042, "Cassandra", "is a database"},
    {9092, "Kafka", "is a message queue"},
    {9200, "Elasticsearch", "is a database, often without a password"},
    {9229, "a Node.js debugger", "runs what it is sent"},
    {9300, "Elasticsearch", "takes new members"},
    {10250, "a kubelet", "runs commands in containers"},
    {11211, "memcached", "is a cache without a password, and amplifies attacks over UDP"},
    {15672, "RabbitMQ's page", "manages a message queue"},
    {27017, "MongoDB", "is a database, once without a password by default"},
};
enum { SERVICES = sizeof services / sizeof *services };

static void judge_exposure(const struct ph__look *look, struct ph_findings *findings,
                           const struct ph_port *port, int service)
{
    struct ph_finding *finding = ph__findings_add_port(findings, PH_SEVERITY_WARNING, port);
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(
        findings, "%s port %u (%s) can be reached by everybody who reaches this machine",
        ph_protocol_name(port->protocol), port->port, services[service].what);
    finding->advice = ph__findings_text(
        findings,
        "%s has it. If it is what the number stands for, it %s: bind it to 127.0.0.1 or a private "
        "address, or let a firewall keep others out.",
        ph__holder_of(findings, look, ph_ports_socket(look->ports, port, 0)),
        services[service].risk);
    finding->certain = false; /* a firewall may stand before it */
    ph__findings_evidence(finding, "port", port->port);
}

void ph__rule_exposed_service(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = ph_ports_count(look->ports);
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        if (port->scope != PH_SCOPE_ALL && port->scope != PH_SCOPE_PUBLIC) {
            continue;
        }
        for (int service = 0; service < SERVICES; service++) {
            if (services[service].port == port->port) {
                judge_exposure(look, findings, port, service);
            }
        }
    }
}

/* ---- localhost ---- */

struct coverage {
    bool ipv4, ipv6; /* of loopback */
    bool own;
};

static bool is_any(const struct ph_socket *socket)
{
    static const uint8_t any[16];
    return memcmp(socket->local_address, any, socket->family == PH_FAMILY_IPV4 ? 4 : 16) == 0;
}

static struct coverage coverage_of(const struct ph__look *look, const struct ph_port *port)
{
    static const uint8_t loopback6[16] = {[15] = 1};
    struct coverage coverage = {.own = false};
    for (size_t i = 0; i < port->socket_count; i++) {
        const struct ph_socket *socket = ph_ports_socket(look->ports, port, i);
        if (socket->family == PH_FAMILY_IPV4) {
            coverage.ipv4 |= is_any(socket) || socket->local_address[0] == 127;
        } else {
            coverage.ipv6 |= is_any(socket) || memcmp(socket->local_address, loopback6, 16) == 0;
            coverage.ipv4 |= is_any(socket) && !(socket->v6only_known && socket->v6only);
        }
        const struct ph_process *owner = ph__first_owner(look, socket);
        coverage.own |= owner && owner->pid == look->own_pid;
    }
    return coverage;
}

void ph__rule_loopback_mismatch(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = look->settings.localhost_has_ipv6 ? ph_ports_count(look->ports) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        struct coverage coverage = coverage_of(look, port);
        if (port->protocol != PH_PROTOCOL_TCP || coverage.own || coverage.ipv4 == coverage.ipv6) {
            continue;
        }
        struct ph_finding *finding = ph__findings_add_port(findings, PH_SEVERITY_INFO, port);
        if (finding) {
            finding->title = ph__findings_text(
                findings, "port %u listens at %s, and localhost is also %s", port->port,
                coverage.ipv4 ? "127.0.0.1" : "::1", coverage.ipv4 ? "::1" : "127.0.0.1");
            finding->advice = ph__findings_text(
                findings,
                "Clients that try %s first are refused, and some do not try the other. Listen at "
                "both, or have clients use %s.",
                coverage.ipv4 ? "::1" : "127.0.0.1", coverage.ipv4 ? "127.0.0.1" : "[::1]");
            ph__findings_evidence(finding, "ipv4", coverage.ipv4);
            ph__findings_evidence(finding, "ipv6", coverage.ipv6);
        }
    }
}

/* ---- owners ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_program(const struct ph_process *a, const struct ph_process *b)
{
    return same_text(a->command, b->command) && same_text(a->unit, b->unit) &&
           same_text(a->container, b->container);
}

static bool same_place(const struct ph_socket *a, const struct ph_socket *b)
{
    return a->family == b->family && a->interface == b->interface &&
           memcmp(a->local_address, b->local_address, sizeof a->local_address) == 0;
}

/* Another socket of the port at the same address, of another program; NULL when there is none. */
static const struct ph_socket *find_rival(const struct ph__look *look, const struct ph_port *port,
                                          size_t index)
{
    const struct ph_socket *socket = ph_ports_socket(look->ports, port, index);
    const struct ph_process *owner = ph__first_owner(look, socket);
    for (size_t i = index + 1; owner && i < port->socket_count; i++) {
        const struct ph_socket *other = ph_ports_socket(look->ports, port, i);
        const struct ph_process *others = ph__first_owner(look, other);
        if (others && same_place(socket, other) && !same_program(owner, others)) {
            return other;
        }
    }
    return NULL;
}

static void tell_rivals(const struct ph__look *look, struct ph_findings *findings,
                        const struct ph_port *port, const struct ph_socket *socket,
                        const struct ph_socket *rival)
{
    struct ph_finding *finding = ph__findings_add_port(findings, PH_SEVERITY_WARNING, port);
    if (!finding) {
        return;
    }
    finding->title = ph__findings_text(findings, "%s and %s both listen on port %u",
                                       ph__holder_of(findings, look, socket),
                                       ph__holder_of(findings, look, rival), port->port);
    finding->advice = "The kernel deals new connections out among them (SO_REUSEPORT). If one is a "
                      "left-over, stop it: it takes its share of the clients.";
    ph__findings_evidence(finding, "listeners", (double)port->socket_count);
}

void ph__rule_duplicate_listeners(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = ph_ports_count(look->ports);
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        const struct ph_socket *rival = NULL;
        for (size_t k = 0; port->protocol == PH_PROTOCOL_TCP && k < port->socket_count && !rival;
             k++) {
            rival = find_rival(look, port, k);
            if (rival) {
                tell_rivals(look, findings, port, ph_ports_socket(look->ports, port, k), rival);
            }
        }
    }
}

static const char *hidden_because(enum ph_owner_unknown reason)
{
    switch (reason) {
    case PH_OWNER_UNKNOWN_PERMISSION:
        return "We may not look into other users' processes: run this as root, or with "
               "CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH.";
    case PH_OWNER_UNKNOWN_KERNEL:
        return "The kernel itself listens: NFS, WireGuard, a tunnel or the like.";
    case PH_OWNER_UNKNOWN_OTHER_NAMESPACE:
        return "A process outside our view has it: one of a container, or of the host around "
               "this one.";
    default:
        return "Its process has ended or hands it over just now.";
    }
}

void ph__rule_no_visible_owner(const struct ph__look *look, struct ph_findings *findings)
{
    size_t count = ph_ports_count(look->ports);
    for (size_t i = 0; i < count; i++) {
        const struct ph_port *port = ph_ports_at(look->ports, i);
        const struct ph_socket *socket = ph_ports_socket(look->ports, port, 0);
        bool owned = port->protocol != PH_PROTOCOL_TCP;
        for (size_t k = 0; k < port->socket_count; k++) {
            owned |= ph_ports_socket(look->ports, port, k)->owner_count > 0;
        }
        struct ph_finding *finding =
            owned ? NULL : ph__findings_add_port(findings, PH_SEVERITY_INFO, port);
        if (finding) {
            finding->title =
                ph__findings_text(findings, "who listens on port %u cannot be seen", port->port);
            finding->advice = hidden_because(socket->owner_unknown);
            ph__findings_evidence(finding, "listeners", (double)port->socket_count);
        }
    }
}

/* ---- unix sockets ---- */

/* Whether a later socket has been bound to the same path. */
static bool is_replaced(const struct ph__look *look, const struct ph_socket *socket)
{
    for (size_t i = 0; i < look->path_count; i++) {
        const struct ph_socket *other = look->paths[i].socket;
        if (other->inode > socket->inode && strcmp(other->path, socket->path) == 0) {
            return true;
        }
    }
    return false;
}

/* What has become of a path; NULL: it leads to its socket, as far as can be seen. */
static const char *fate_of(const struct ph__unix_path *path, bool replaced)
{
    if (replaced) {
        return "a newer socket has the path";
    }
    if (path->error == -ENOENT || path->error == -ENOTDIR) {
        return "the path is gone";
    }
    return path->error == 0 && !path->is_socket ? "something else has the path" : NULL;
}

static void judge_path(const struct ph__look *look, struct ph_findings *findings,
                       const struct ph__unix_path *path)
{
    bool replaced = is_replaced(look, path->socket);
    const char *fate = fate_of(path, replaced);
    struct ph_finding *finding =
        fate ? ph__findings_add_socket(findings, PH_SEVERITY_WARNING, path->socket) : NULL;
    if (!finding) {
        return;
    }
    char name[PH_SOCKET_PATH_TEXT];
    struct ph__buf printable;
    ph_socket_path(path->socket, name, sizeof name);
    ph__buf_init(&printable, 0);
    ph__say_printable(&printable, name);
    finding->title = ph__findings_text(findings, "nobody can reach who listens at %s: %s",
                                       ph__findings_take(findings, &printable), fate);
    finding->advice = "The path was removed or taken while the process listens. Restart it, or "
                      "stop the one that is left over.";
    finding->certain = replaced; /* it may see other files than we do */
    ph__findings_evidence(finding, "inode", (double)path->socket->inode);
}

void ph__rule_dead_unix_socket(const struct ph__look *look, struct ph_findings *findings)
{
    for (size_t i = 0; i < look->path_count; i++) {
        judge_path(look, findings, &look->paths[i]);
    }
}
