/* SPDX-License-Identifier: MIT
 *
 * porthole serve: the server with the status API and the page.
 */
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/https.h"
#include "cli/listen.h"
#include "cli/options.h"
#include "cli/why.h"

#include <porthole/porthole.h>
#include <porthole/status.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64, TOKEN_MAX = 4096, WORKERS_MAX = 256, DRAIN_DELAY_MAX_SECONDS = 86400 };

struct settings {
    const char *listen[NAMES_MAX];
    size_t listen_count;
    const char *hosts[NAMES_MAX + 1]; /* ends in NULL */
    size_t host_count;
    const char *config;
    const char *www;
    const char *token_file;
    char token[TOKEN_MAX];
    unsigned long workers;
    enum ph_loop loop;
    unsigned unix_mode;
    bool has_unix_group;
    gid_t unix_group;
    unsigned long drain_delay_seconds;
    struct ph__https https;
    const char *access_log;
    enum ph_access_format access_format;
    bool public;
    bool probe;
};

static int take_listen(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    struct settings *settings = user;
    if (settings->listen_count == NAMES_MAX) {
        return ph__fail("option '--listen' comes too often; at most %d are accepted", NAMES_MAX);
    }
    settings->listen[settings->listen_count++] = value;
    return 0;
}

static int take_allow_host(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    struct settings *settings = user;
    if (settings->host_count == NAMES_MAX) {
        return ph__fail("option '--allow-host' comes too often; at most %d are accepted",
                        NAMES_MAX);
    }
    if (value[0] == '\0' || strpbrk(value, ":/ \t[]")) {
        return ph__fail("option '--allow-host': '%s' is not accepted; want a name without a port",
                        value);
    }
    settings->hosts[settings->host_count++] = value;
    return 0;
}

static int take_workers(void *user, const struct ph__option *option, const char *value)
{
    return ph__options_number(option->name, value, 1, WORKERS_MAX,
                              &((struct settings *)user)->workers);
}

static int take_loop(void *user, const struct ph__option *option, const char *value)
{
    for (enum ph_loop loop = PH_LOOP_AUTO; loop <= PH_LOOP_IO_URING; loop++) {
        if (strcmp(value, ph_loop_name(loop)) == 0) {
            ((struct settings *)user)->loop = loop;
            return 0;
        }
    }
    return ph__fail("option '--%s': '%s' is not accepted; want auto, epoll or io_uring",
                    option->name, value);
}

static int take_drain_delay(void *user, const struct ph__option *option, const char *value)
{
    return ph__options_number(option->name, value, 0, DRAIN_DELAY_MAX_SECONDS,
                              &((struct settings *)user)->drain_delay_seconds);
}

static int take_www(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    ((struct settings *)user)->www = value;
    return 0;
}

static int take_token_file(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    ((struct settings *)user)->token_file = value;
    return 0;
}

static int take_public(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    ((struct settings *)user)->public = true;
    return 0;
}

static int take_access_log(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    ((struct settings *)user)->access_log = value;
    return 0;
}

static int take_access_format(void *user, const struct ph__option *option, const char *value)
{
    bool json = strcmp(value, "json") == 0;
    if (!json && strcmp(value, "combined") != 0) {
        return ph__fail("option '--%s': '%s' is not accepted; want combined or json", option->name,
                        value);
    }
    ((struct settings *)user)->access_format = json ? PH_ACCESS_JSON : PH_ACCESS_COMBINED;
    return 0;
}

static int take_probe(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    (void)value;
    ((struct settings *)user)->probe = true;
    return 0;
}

static int take_tls(void *user, const struct ph__option *option, const char *value)
{
    struct ph__https *https = &((struct settings *)user)->https;
    const char **file = strcmp(option->name, "tls-cert") == 0  ? &https->certificate
                        : strcmp(option->name, "tls-key") == 0 ? &https->key
                                                               : &https->client_ca;
    *file = value;
    return 0;
}

static int take_unix_mode(void *user, const struct ph__option *option, const char *value)
{
    if (strspn(value, "01234567") != strlen(value) || strlen(value) < 3 || strlen(value) > 4 ||
        (strlen(value) == 4 && value[0] != '0') || strspn(value, "0") == strlen(value)) {
        return ph__fail("option '--%s': '%s' is not accepted; want three octal digits, as 660",
                        option->name, value);
    }
    ((struct settings *)user)->unix_mode = (unsigned)strtoul(value, NULL, 8);
    return 0;
}

static int take_unix_group(void *user, const struct ph__option *option, const char *value)
{
    struct settings *settings = user;
    int err = ph__listen_find_group(value, &settings->unix_group);
    if (err < 0) {
        return ph__fail("option '--%s': there is no group '%s'; want a name or a number",
                        option->name, value);
    }
    settings->has_unix_group = true;
    return 0;
}

static int take_config(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    ((struct settings *)user)->config = value;
    return 0;
}

static const struct ph__option options[] = {
    {"config", PH__FILE, take_config},
    {"listen", PH__LIST, take_listen},
    {"unix-mode", PH__TEXT, take_unix_mode},
    {"unix-group", PH__TEXT, take_unix_group},
    {"workers", PH__NUMBER, take_workers},
    {"loop", PH__TEXT, take_loop},
    {"www", PH__TEXT, take_www},
    {"token-file", PH__TEXT, take_token_file},
    {"public", PH__ALONE, take_public},
    {"allow-host", PH__LIST, take_allow_host},
    {"tls-cert", PH__TEXT, take_tls},
    {"tls-key", PH__TEXT, take_tls},
    {"tls-client-ca", PH__TEXT, take_tls},
    {"drain-delay", PH__NUMBER, take_drain_delay},
    {"probe", PH__ALONE, take_probe},
    {"access-log", PH__TEXT, take_access_log},
    {"access-log-format", PH__TEXT, take_access_format},
    {NULL, PH__ALONE, NULL},
};

/* The token is the first line; it has to fit into a header field as one word. */
static int check_token(const char *path, char *token)
{
    size_t size = strcspn(token, "\r\n");
    while (size > 0 && (token[size - 1] == ' ' || token[size - 1] == '\t')) {
        size--;
    }
    token[size] = '\0';
    if (size == 0) {
        return ph__fail("the token file %s is empty; want a token in its first line", path);
    }
    for (size_t i = 0; i < size; i++) {
        if (token[i] <= 0x20 || token[i] >= 0x7F) {
            return ph__fail("the token in %s must be one word of printable ASCII", path);
        }
    }
    return 0;
}

static int read_token(struct settings *settings)
{
    const char *path = settings->token_file;
    FILE *file = fopen(path, "re");
    if (!file) {
        return ph__fail("cannot read the token file %s: %s", path, ph_strerror(errno));
    }
    errno = 0;
    size_t size = fread(settings->token, 1, sizeof settings->token - 1, file);
    int err = ferror(file) ? errno : 0;
    bool longer = !feof(file) && !err && size == sizeof settings->token - 1;
    (void)fclose(file); /* only read from */
    settings->token[size] = '\0';
    if (err) {
        return ph__fail("cannot read the token file %s: %s", path, ph_strerror(err));
    }
    if (longer && !strpbrk(settings->token, "\r\n")) {
        return ph__fail("the token in %s is longer than %d bytes", path, TOKEN_MAX - 1);
    }
    if (strlen(settings->token) != size && !strpbrk(settings->token, "\r\n")) {
        return ph__fail("the token in %s must be one word of printable ASCII", path);
    }
    return check_token(path, settings->token);
}

/* What goes wrong while it serves: worth a line on standard error, from whichever thread. */
static void tell(void *user, enum ph_log_level level, const char *message)
{
    (void)user;
    if (level >= PH_LOG_WARNING) {
        fprintf(stderr, "porthole: %s\n", message);
    }
}

static int make_server(const struct settings *settings, struct ph_access_log *log,
                       struct ph_server **ret_server)
{
    const struct ph_config config = {
        .workers = (unsigned)settings->workers,
        .loop = settings->loop,
        .drain_delay_ms = (unsigned)settings->drain_delay_seconds * 1000,
        .log = tell,
        .access = log ? ph_access_log_write : NULL,
        .access_user = log,
        .unix_mode = settings->unix_mode,
        .unix_group = settings->has_unix_group ? &settings->unix_group : NULL,
    };
    int err = ph_server_new(ret_server, &config);
    return err < 0 ? ph__fail("cannot make a server: %s", ph_strerror(err)) : 0;
}

static int mount(const struct settings *settings, struct ph_server *server)
{
    const struct ph_status_config config = {
        .www = settings->www,
        .token = settings->token_file ? settings->token : NULL,
        .allow_hosts = settings->hosts,
        .probe = settings->probe,
    };
    int err = ph_status_mount(server, &config);
    if (err < 0 && settings->www) {
        return ph__fail("cannot serve the page from %s: %s", settings->www, ph_strerror(err));
    }
    return err < 0 ? ph__fail("cannot set the server up: %s", ph_strerror(err)) : 0;
}

/* Blocks the signals that mean something to the server, into `set` too, in this thread and those
 * started from it. One that was ignored is taken too, as a shell's `&` ignores SIGINT. */
static void hold_signals(sigset_t *set, bool has_https)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
    if (has_https) {
        sigaddset(set, SIGHUP);
    }
    pthread_sigmask(SIG_BLOCK, set, NULL);
    (void)signal(SIGTERM, SIG_DFL); /* an ignored signal would never be waited for */
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGUSR1, SIG_DFL);
    if (has_https) {
        (void)signal(SIGHUP, SIG_DFL);
    }
}

/* SIGUSR1: the access log has been renamed. */
static void open_log_again(struct ph_access_log *log)
{
    int err = log ? ph_access_log_reopen(log) : 0;
    if (err < 0) {
        fprintf(stderr, "porthole: cannot open the access log again: %s\n", ph_strerror(err));
    }
}

/* Waits until somebody wants an end, and does what other signals ask for. */
static void wait_for_end(const sigset_t *signals, struct ph_server *server,
                         struct ph_access_log *log)
{
    for (;;) {
        int which = 0;
        (void)sigwait(signals, &which); /* fails for a signal that does not exist only */
        if (which == SIGUSR1) {
            open_log_again(log);
        } else if (which == SIGHUP) {
            ph__https_reload(server);
        } else {
            return;
        }
    }
}

/* Whoever has started us may want to know; that it cannot be told keeps nobody from being served.
 */
static void tell_manager(const char *state)
{
    int err = ph_systemd_notify(state);
    if (err < 0) {
        fprintf(stderr, "porthole: cannot tell the service manager: %s\n", ph_strerror(err));
    }
}

/* Starts the server, and stops it when told to. */
static int serve_until_told(struct ph_server *server, const struct settings *settings,
                            struct ph_access_log *log)
{
    bool has_https = ph__https_is_wanted(&settings->https);
    sigset_t signals;
    hold_signals(&signals, has_https);
    int err = ph_server_start(server);
    int status = err < 0 ? ph__listen_tell_error(server, err)
                         : ph__listen_announce(server, has_https ? "https://" : "http://");
    if (status) {
        return status;
    }
    tell_manager("READY=1");
    wait_for_end(&signals, server, log);
    tell_manager("STOPPING=1");
    ph_server_stop(server);
    return 0;
}

static int serve(const struct settings *settings, struct ph_access_log *log)
{
    struct ph_server *server = NULL;
    int status = make_server(settings, log, &server);
    if (status) {
        return status;
    }
    bool guarded = settings->public || settings->token_file || settings->https.client_ca;
    status = ph__listen_at(server, settings->listen, settings->listen_count);
    status = status ? status : ph__listen_check_reach(server, guarded);
    status = status ? status : ph__https_begin(server, &settings->https);
    status = status ? status : mount(settings, server);
    status = status ? status : serve_until_told(server, settings, log);
    ph_server_free(server);
    return status;
}

static int serve_with_log(const struct settings *settings)
{
    struct ph_access_log *log = NULL;
    int err = settings->access_log
                  ? ph_access_log_new(&log, settings->access_log, settings->access_format)
                  : 0;
    if (err < 0) {
        return ph__fail("cannot write the access log %s: %s", settings->access_log,
                        ph_strerror(err));
    }
    int status = serve(settings, log);
    if (log && ph_access_log_lost(log) > 0) {
        fprintf(stderr, "porthole: %llu lines of the access log could not be written\n",
                (unsigned long long)ph_access_log_lost(log));
    }
    ph_access_log_free(log);
    return status;
}

static int serve_as_told(struct settings *settings)
{
    if (settings->listen_count == 0) {
        settings->listen[settings->listen_count++] = "127.0.0.1:8080";
    }
    int status = settings->token_file ? read_token(settings) : 0;
    return status ? status : serve_with_log(settings);
}

static int run(int argc, char **argv)
{
    struct settings settings = {.listen_count = 0};
    struct ph__config *config = NULL;
    int status = ph__options_read("serve", options, argc, argv, &settings, NULL);
    if (!status && settings.config) {
        status = ph__config_read(&config, settings.config, options, argc, argv, &settings);
    }
    status = status ? status : serve_as_told(&settings);
    ph__config_free(config);
    return status;
}

const struct ph__command ph__serve_command = {
    .name = "serve",
    .summary = "Serves the status page and the JSON API (also without a command)",
    .help =
        "usage: porthole [serve] [OPTION]...\n\n"
        "Serves a page and a JSON API that show this machine's sockets and ports, until it\n"
        "gets SIGINT or SIGTERM: then it answers the requests in flight and ends.\n\n"
        "Options:\n"
        "  --config FILE          read options from a JSON object, of the same names: "
        "{\"listen\":\n"
        "                         [\"127.0.0.1:80\"], \"workers\": 2, \"public\": true}; those "
        "that\n"
        "                         are given here as well take the place of the file's\n"
        "  --listen ADDR:PORT     where to listen, several times if need be: 127.0.0.1:8080\n"
        "                         (the default), [::1]:8080, unix:/path; port 0: any free one\n"
        "                         fd:N: a descriptor that listens already; systemd: all that\n"
        "                         its .socket units have opened, systemd:NAME: those of one "
        "name\n"
        "  --unix-mode MODE       of the files of unix sockets: 600 (the default), 660, 666\n"
        "  --unix-group GROUP     their group, by name or number; by default the process's\n"
        "  --workers N            threads that serve connections; one a processor\n"
        "  --loop KIND            how sockets are read and written: auto (the default), epoll,\n"
        "                         or io_uring, which saves system calls under load\n"
        "  --www DIR              serve the page from a folder instead of the built-in one\n"
        "  --token-file FILE      ask for the token in this file's first line; clients send\n"
        "                         Authorization: Bearer TOKEN\n"
        "  --public               allow addresses that other machines can reach without one\n"
        "  --allow-host NAME      accept this name in Host too, several times if need be;\n"
        "                         addresses, localhost and this machine's name always are\n"
        "  --tls-cert FILE        speak HTTPS: the server's certificate, and those that vouch for\n"
        "                         it behind it, in PEM; SIGHUP reads certificate and key again\n"
        "  --tls-key FILE         the key that belongs to it\n"
        "  --tls-client-ca FILE   let in only who has a certificate by one of these authorities\n"
        "  --access-log FILE|-    write a line for each request; SIGUSR1 opens the file again\n"
        "  --access-log-format F  combined (the default), as other web servers have it, or json\n"
        "  --probe                answer /api/v1/probe too, which connects to this machine's own\n"
        "                         loopback for whoever asks\n"
        "  --drain-delay SECONDS  on a stop, accept so long while /readyz says 503 already\n",
    .run = run,
};
