/* SPDX-License-Identifier: MIT
 *
 * porthole why: one port explained on the terminal.
 */
#include "cli/why.h"

#include "cli/cli.h"
#include "cli/options.h"

#include <porthole/doctor.h>
#include <porthole/status.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    const char *port;
    const char *protocol;
    const char *address;
    bool probe;
    bool json;
};

static int take_flag(void *user, const struct ph__option *option, const char *value)
{
    (void)value;
    struct request *request = user;
    if (strcmp(option->name, "json") == 0) {
        request->json = true;
    } else if (strcmp(option->name, "probe") == 0) {
        request->probe = true;
    } else {
        request->protocol = option->name;
    }
    return 0;
}

static int take_address(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    ((struct request *)user)->address = value;
    return 0;
}

static const struct ph__option options[] = {
    {"udp", PH__ALONE, take_flag},   {"tcp", PH__ALONE, take_flag},
    {"probe", PH__ALONE, take_flag}, {"address", PH__TEXT, take_address},
    {"json", PH__ALONE, take_flag},  {NULL, PH__ALONE, NULL},
};

static int take_word(void *user, const char *text)
{
    struct request *request = user;
    if (request->port) {
        return ph__fail("unexpected argument '%s'; see 'porthole help why'", text);
    }
    request->port = text;
    return 0;
}

static void print_bind(const char *title, const struct ph_why_bind *bind)
{
    printf("%-16s  %s: %s\n", title, ph_bind_name(bind->verdict), bind->reason);
    for (size_t i = 1; i < bind->holder_count; i++) {
        const struct ph_process *process = bind->holders[i].process;
        if (process) {
            printf("%-16s  also process %ld\n", "", (long)process->pid);
        }
    }
}

static void print_reach(const struct ph_why *why)
{
    printf("%-16s  %s: %s\n", "reach", ph_reach_name(why->reach), why->reach_reason);
    for (size_t i = 0; i < why->address_count; i++) {
        printf("%s%s", i == 0 ? "                  " : " ", why->addresses[i].address);
    }
    fputs(why->address_count > 0 ? "\n" : "", stdout);
}

static void print_health(const struct ph_why *why)
{
    const struct ph_port *row = why->row;
    if (row && row->accept_queue >= 0) {
        printf("%-16s  %lld waiting, limit %lld\n", "accept queue", (long long)row->accept_queue,
               (long long)row->backlog);
    }
    bool any = false;
    for (int i = 0; row && i < PH_STATE_COUNT; i++) {
        if (row->connections[i] > 0) {
            printf("%s%lu %s", any ? ", " : "connections       ",
                   (unsigned long)row->connections[i], ph_state_name((enum ph_state)i));
            any = true;
        }
    }
    fputs(any ? "\n" : "", stdout);
}

static void print_probe(const struct ph_why_probe *probe)
{
    printf("%-16s  bind: %s", "probe", probe->bind_error ? ph_strerror(probe->bind_error) : "ok");
    if (probe->has_ipv6) {
        printf("; over IPv6: %s",
               probe->bind_ipv6_error ? ph_strerror(probe->bind_ipv6_error) : "ok");
    }
    if (probe->has_connect) {
        printf("; connect to %s: %s after %llu us", probe->connect_address,
               probe->connect_error ? ph_strerror(probe->connect_error) : "ok",
               (unsigned long long)probe->connect_us);
    }
    putchar('\n');
}

void ph__why_print(const struct ph_why *why)
{
    char title[64];
    printf("%s port %u%s%s%s\n", why->protocol == PH_PROTOCOL_UDP ? "UDP" : "TCP", why->port,
           why->service ? " (" : "", why->service ? why->service : "", why->service ? ")" : "");
    snprintf(title, sizeof title, "bind %s", why->bind.address);
    print_bind(title, &why->bind);
    if (why->bind_ipv6) {
        print_bind("bind :: (v6only)", why->bind_ipv6);
    }
    print_reach(why);
    print_health(why);
    if (why->probe) {
        print_probe(why->probe);
    }
    for (size_t i = 0; i < why->advice_count; i++) {
        printf("%s%zu. %s\n", i == 0 ? "\n" : "", i + 1, why->advice[i]);
    }
}

static int explain(struct ph_sockets *sockets, const struct request *request, char *problem,
                   size_t problem_size)
{
    int failed = 0;
    if (request->json) {
        const struct ph_status_param params[] = {
            {"port", request->port},       {"protocol", request->protocol},
            {"max_age_ms", "0"},           {"probe", request->probe ? "true" : "false"},
            {"address", request->address}, /* last: it may be missing */
        };
        return ph_status_document(sockets, "why", params, request->address ? 5 : 4,
                                  ph__output_write, &failed, problem, problem_size);
    }
    const struct ph_why_question question = {
        .port = (uint16_t)strtoul(request->port, NULL, 10),
        .protocol = strcmp(request->protocol, "udp") == 0 ? PH_PROTOCOL_UDP : PH_PROTOCOL_TCP,
        .address = request->address,
        .probe = request->probe,
    };
    struct ph_why *why = NULL;
    int err = ph_why_new(&why, sockets, &question, problem, problem_size);
    if (!err) {
        ph__why_print(why);
    }
    ph_why_free(why);
    return err;
}

int ph__port_read(const char *text, unsigned long *ret_port)
{
    char *end = NULL;
    *ret_port = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || *ret_port == 0 ||
        *ret_port > UINT16_MAX) {
        return ph__fail("'%s' is no port; want a whole number from 1 to 65535", text);
    }
    return 0;
}

static int run(int argc, char **argv)
{
    struct request request = {.protocol = "tcp"};
    int status = ph__options_read("why", options, argc, argv, &request, take_word);
    unsigned long port = 0;
    if (status) {
        return status;
    }
    if (!request.port) {
        return ph__fail("which port? usage: porthole why PORT");
    }
    status = ph__port_read(request.port, &port);
    if (status) {
        return status;
    }
    struct ph_sockets *sockets = NULL;
    int err = ph_sockets_new(&sockets, NULL);
    char problem[512] = "";
    err = err ? err : explain(sockets, &request, problem, sizeof problem);
    ph_sockets_free(sockets);
    if (err == PH_ERR_PARAMETER) {
        return ph__fail("%s", problem);
    }
    return err < 0 ? ph__fail("cannot explain port %lu: %s", port, ph_strerror(err))
                   : ph__output_finish(0);
}

const struct ph__command ph__why_command = {
    .name = "why",
    .summary = "Explains one port: who has it, who can reach it, what to do",
    .help = "usage: porthole why PORT [OPTION]...\n\n"
            "Says whether a program could bind to the port, who is in the way, who can reach what\n"
            "listens there, and what to do about it.\n\n"
            "Options:\n"
            "  --udp            the UDP port in place of the TCP port\n"
            "  --address ADDR   about a bind to this address; default: 0.0.0.0, and :: apart\n"
            "  --probe          also try: a real bind, and a connect to loopback\n"
            "  --json           print what the API answers\n",
    .run = run,
};

/* Takes a listen address apart. */
static bool parse_listen(const char *listen, char address[64], struct ph_why_question *question)
{
    const char *colon = strrchr(listen, ':');
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;
    bool brackets = listen[0] == '[';
    size_t size = colon ? (size_t)(colon - listen) : 0;
    if (strncmp(listen, "unix:", 5) == 0 || port == 0 || port > UINT16_MAX || size >= 64 ||
        size < (brackets ? 3U : 1U)) {
        return false;
    }
    snprintf(address, 64, "%.*s", (int)(brackets ? size - 2 : size), listen + (brackets ? 1 : 0));
    *question = (struct ph_why_question){.port = (uint16_t)port, .address = address};
    return true;
}

void ph__why_describe(const char *listen, char *text, size_t size)
{
    char address[64];
    char problem[256];
    struct ph_why_question question;
    struct ph_sockets *sockets = NULL;
    struct ph_why *why = NULL;
    text[0] = '\0';
    if (!parse_listen(listen, address, &question) || ph_sockets_new(&sockets, NULL) < 0) {
        return;
    }
    if (ph_why_new(&why, sockets, &question, problem, sizeof problem) == 0 &&
        why->bind.verdict != PH_BIND_FREE) {
        snprintf(text, size, "%s%s%s", why->bind.reason, why->advice_count ? ". " : "",
                 why->advice_count ? why->advice[0] : "");
    }
    ph_why_free(why);
    ph_sockets_free(sockets);
}
