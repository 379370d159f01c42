/* SPDX-License-Identifier: MIT
 *
 * porthole probe: one real attempt to reach a port, told step by step.
 */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/why.h"

#include <porthole/probe.h>
#include <porthole/status.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MAX_SECONDS = 300, DEFAULT_SECONDS = 3 };

struct request {
    const char *host;
    const char *port;
    bool udp;
    bool json;
    unsigned long timeout_seconds;
};

static int take_udp(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    ((struct request *)user)->udp = true;
    return 0;
}

static int take_json(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    ((struct request *)user)->json = true;
    return 0;
}

static int take_timeout(void *user, const struct ph__option *option, const char *value)
{
    return ph__options_number(option->name, value, 1, TIMEOUT_MAX_SECONDS,
                              &((struct request *)user)->timeout_seconds);
}

static const struct ph__option options[] = {
    {"udp", PH__ALONE, take_udp},
    {"timeout", PH__TEXT, take_timeout},
    {"json", PH__ALONE, take_json},
    {NULL, PH__ALONE, NULL},
};

static int take_word(void *user, const char *text)
{
    struct request *request = user;
    if (request->port) {
        return ph__fail("unexpected argument '%s'; see 'porthole help probe'", text);
    }
    *(request->host ? &request->port : &request->host) = text;
    return 0;
}

static double ms(uint64_t us)
{
    return (double)us / 1000;
}

static void print_resolving(const struct ph_probe *probe)
{
    printf("resolve %s: ", probe->host);
    if (probe->resolve_error) {
        printf("%s", probe->resolve_error);
    }
    for (size_t i = 0; i < probe->attempt_count; i++) {
        printf("%s%s", i ? ", " : "", probe->attempts[i].address);
    }
    printf(" (%.1f ms)\n", ms(probe->resolve_us));
}

static void print_end(const char *address, enum ph_family family, uint16_t port)
{
    printf(family == PH_FAMILY_IPV6 ? "[%s]:%u" : "%s:%u", address, port);
}

static void print_attempt(const struct ph_probe *probe, const struct ph_probe_attempt *attempt)
{
    bool udp = probe->protocol == PH_PROTOCOL_UDP;
    fputs(udp ? "\nudp " : "\ntcp ", stdout);
    print_end(attempt->address, attempt->family, probe->port);
    fputs("\n  local half  ", stdout);
    if (attempt->local_address) {
        print_end(attempt->local_address, attempt->family, attempt->local_port);
        fputs(", given out by the system", stdout);
    } else {
        fputs("none", stdout);
    }
    if (attempt->local_address) {
        printf("\n  request     %s", udp ? "an empty datagram" : "sent");
        if (attempt->retransmissions > 0) {
            printf(", and %lld times again", (long long)attempt->retransmissions);
        }
    }
    printf("\n  answer      %s after %.1f ms", ph_probe_name(attempt->result),
           ms(attempt->time_us));
    if (attempt->answer_bytes >= 0) {
        printf(", %lld bytes", (long long)attempt->answer_bytes);
    }
    if (attempt->said_by) {
        printf(", said by %s", attempt->said_by);
    }
    printf("\n  meaning     %s\n", attempt->meaning);
}

/* The doctor's view, where one of the addresses is this machine's. */
static int print_why(struct ph_sockets *sockets, const struct ph_probe *probe)
{
    const struct ph_why_question question = {.port = probe->port, .protocol = probe->protocol};
    struct ph_why *why = NULL;
    char problem[256];
    int err =
        probe->on_this_machine ? ph_why_new(&why, sockets, &question, problem, sizeof problem) : 0;
    if (why) {
        fputs("\non this machine: ", stdout);
        ph__why_print(why);
    }
    ph_why_free(why);
    return err;
}

static int print_probe(const struct ph_probe *probe, const struct request *request)
{
    struct ph_sockets *sockets = NULL;
    int err = ph_sockets_new(&sockets, NULL);
    if (!err && request->json) {
        err = ph_status_probe(probe, sockets, ph__output_write, NULL);
    } else if (!err) {
        print_resolving(probe);
        for (size_t i = 0; i < probe->attempt_count; i++) {
            print_attempt(probe, &probe->attempts[i]);
        }
        err = print_why(sockets, probe);
    }
    ph_sockets_free(sockets);
    int status = ph__output_finish(err);
    return status ? status : probe->confirmed ? PH__EXIT_OK : PH__EXIT_FOUND;
}

static int run(int argc, char **argv)
{
    struct request request = {.timeout_seconds = DEFAULT_SECONDS};
    unsigned long port = 0;
    int status = ph__options_read("probe", options, argc, argv, &request, take_word);
    if (!status && !request.port) {
        status = ph__fail("which port of which host? usage: porthole probe HOST PORT");
    }
    if (!status) {
        status = ph__port_read(request.port, &port);
    }
    if (status) {
        return status;
    }
    const struct ph_probe_question question = {
        .host = request.host,
        .port = (uint16_t)port,
        .protocol = request.udp ? PH_PROTOCOL_UDP : PH_PROTOCOL_TCP,
        .timeout_ms = (unsigned)request.timeout_seconds * 1000,
    };
    struct ph_probe *probe = NULL;
    char problem[256] = "";
    int err = ph_probe_new(&probe, &question, problem, sizeof problem);
    if (err == PH_ERR_PARAMETER) {
        return ph__fail("%s", problem);
    }
    if (err < 0) {
        return ph__fail("cannot probe: %s", ph_strerror(err));
    }
    status = print_probe(probe, &request);
    ph_probe_free(probe);
    return status;
}

const struct ph__command ph__probe_command = {
    .name = "probe",
    .summary = "Tries to reach a port for real, step by step",
    .help =
        "usage: porthole probe HOST PORT [OPTION]...\n\n"
        "Makes one real attempt at each address of a host, and tells what it resolved to, which\n"
        "local half the system gave out, whether the request was confirmed, refused or not\n"
        "answered, how long that took and what it means; with the doctor's view beside where\n"
        "the port is on this machine. The exit status is 0 only when it was confirmed.\n\n"
        "Options:\n"
        "  --udp            an empty datagram in place of a TCP connection\n"
        "  --timeout S      seconds to wait at each address, 1 to 300; default 3\n"
        "  --json           print it as JSON\n",
    .run = run,
};
