/* SPDX-License-Identifier: MIT
 *
 * porthole ports, porthole sockets and porthole processes: lists of the API on the terminal.
 */
#include "cli/cli.h"
#include "cli/options.h"

#include <porthole/status.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARAMS_MAX = 64 };

/* What has been asked for. */
struct request {
    struct ph_status_param params[PARAMS_MAX];
    size_t count;
    bool has_format;
    char *filter; /* words joined by spaces; owned */
};

#define LIST_OPTIONS_HELP                                                          \
    "Options, joined by AND; several values of one by comma:\n"                    \
    "  --protocol NAME         tcp, udp, unix, raw, packet, netlink, mptcp, ...\n" \
    "  --state NAME            listen, established, time-wait, ...\n"              \
    "  --port N                local or remote port\n"                             \
    "  --local-port N          local port\n"                                       \
    "  --remote-port N         remote port\n"                                      \
    "  --address ADDR[/BITS]   address or prefix, either side\n"                   \
    "  --pid N                 process that holds the socket\n"                    \
    "  --command NAME          command of such a process\n"                        \
    "  --user NAME             user name or uid\n"                                 \
    "\n"                                                                           \
    "  --sort FIELD            order by a field; -FIELD for the largest first\n"   \
    "  --limit N               print at most N rows\n"                             \
    "  --fields A,B,C          print these fields\n"                               \
    "  --json                  print what the API answers\n"                       \
    "  --format NAME           text (the default), json, ndjson or csv\n"          \
    "  --no-owners             leave the owners out: faster\n"

static int add_param(struct request *request, const char *name, const char *value)
{
    if (request->count == PARAMS_MAX) {
        return ph__fail("too many options; at most %d are accepted", PARAMS_MAX);
    }
    request->params[request->count++] = (struct ph_status_param){name, value};
    return 0;
}

static int take_param(void *user, const struct ph__option *option, const char *value)
{
    /* The API's names have underscores where options have dashes. */
    static const struct ph_status_param renamed[] = {
        {"local-port", "local_port"},
        {"remote-port", "remote_port"},
    };
    const char *name = option->name;
    for (size_t i = 0; i < sizeof renamed / sizeof renamed[0]; i++) {
        name = strcmp(renamed[i].name, name) == 0 ? renamed[i].value : name;
    }
    struct request *request = user;
    if (strcmp(name, "format") == 0) {
        request->has_format = true;
    }
    return add_param(request, name, value);
}

static int take_json(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    struct request *request = user;
    request->has_format = true;
    return add_param(request, "format", "json");
}

static int take_no_owners(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    return add_param(user, "owners", "false");
}

static int take_details(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    return add_param(user, "details", "true");
}

static const struct ph__option options[] = {
    {"protocol", PH__TEXT, take_param},
    {"state", PH__TEXT, take_param},
    {"port", PH__TEXT, take_param},
    {"local-port", PH__TEXT, take_param},
    {"remote-port", PH__TEXT, take_param},
    {"address", PH__TEXT, take_param},
    {"pid", PH__TEXT, take_param},
    {"command", PH__TEXT, take_param},
    {"user", PH__TEXT, take_param},
    {"sort", PH__TEXT, take_param},
    {"limit", PH__TEXT, take_param},
    {"fields", PH__TEXT, take_param},
    {"format", PH__TEXT, take_param},
    {"schema", PH__TEXT, take_param}, /* as details, of sockets only */
    {"json", PH__ALONE, take_json},
    {"no-owners", PH__ALONE, take_no_owners},
    {"details", PH__ALONE, take_details},
    {NULL, PH__ALONE, NULL},
};

static int take_word(void *user, const char *text)
{
    struct request *request = user;
    size_t old = request->filter ? strlen(request->filter) : 0;
    size_t size = old + strlen(text) + 2;
    char *filter = realloc(request->filter, size);
    if (!filter) {
        return ph__fail("%s", ph_strerror(-ENOMEM));
    }
    request->filter = filter;
    snprintf(filter + old, size - old, "%s%s", old ? " " : "", text);
    return 0;
}

static int print_list(const char *list, const struct request *request)
{
    struct ph_sockets *sockets = NULL;
    int err = ph_sockets_new(&sockets, NULL);
    if (err < 0) {
        return ph__fail("%s", ph_strerror(err));
    }
    int failed = 0; /* what writing said, as against what reading the kernel said */
    char problem[1024] = "";
    err = ph_status_list(sockets, list, request->params, request->count, ph__output_write, &failed,
                         problem, sizeof problem);
    ph_sockets_free(sockets);
    if (failed) {
        return ph__output_finish(failed);
    }
    if (err == PH_ERR_PARAMETER) {
        return ph__fail("%s", problem);
    }
    if (err < 0) {
        return ph__fail("cannot list the %s: %s", list, ph_strerror(err));
    }
    return ph__output_finish(0);
}

static int run_list(const char *list, int (*word)(void *user, const char *text), int argc,
                    char **argv)
{
    struct request request = {.count = 0};
    int status = ph__options_read(list, options, argc, argv, &request, word);
    if (!status && request.filter) {
        status = add_param(&request, "filter", request.filter);
    }
    if (!status && !request.has_format) {
        status = add_param(&request, "format", "text");
    }
    if (!status) {
        status = print_list(list, &request);
    }
    free(request.filter);
    return status;
}

static int run_ports(int argc, char **argv)
{
    return run_list("ports", NULL, argc, argv);
}

static int run_sockets(int argc, char **argv)
{
    return run_list("sockets", take_word, argc, argv);
}

static int run_processes(int argc, char **argv)
{
    return run_list("processes", take_word, argc, argv);
}

const struct ph__command ph__ports_command = {
    .name = "ports",
    .summary = "Lists the ports that something listens on or is bound to",
    .help = "usage: porthole ports [OPTION]...\n\n"
            "Lists the TCP ports that something listens on and the UDP ports that something is\n"
            "bound to: who can reach them, who holds them, how their queues "
            "stand.\n\n" LIST_OPTIONS_HELP,
    .run = run_ports,
};

const struct ph__command ph__sockets_command = {
    .name = "sockets",
    .summary = "Lists sockets",
    .help = "usage: porthole sockets [OPTION]... [FILTER]\n\n"
            "Lists the sockets of this machine. FILTER is an expression as ss takes it; its words\n"
            "need no quotes where the shell leaves them alone:\n"
            "  porthole sockets state established and dport = :443\n\n" LIST_OPTIONS_HELP
            "  --details               all that the kernel tells of each socket, as ss -tieom\n"
            "  --schema NAME           fields as otel, ecs or osquery call them\n",
    .run = run_sockets,
};

const struct ph__command ph__processes_command = {
    .name = "processes",
    .summary = "Lists the processes that hold sockets",
    .help = "usage: porthole processes [OPTION]... [FILTER]\n\n"
            "Lists the processes that hold sockets: how many of which kind, and how many\n"
            "descriptors they have open and may have. With options or a FILTER as \"porthole\n"
            "sockets\" takes it, those that hold a socket which matches:\n"
            "  porthole processes --sort=-fd_ratio state established\n\n" LIST_OPTIONS_HELP,
    .run = run_processes,
};
