/* SPDX-License-Identifier: MIT
 *
 * A playground for clients: answers GET /hello with JSON, and POST /echo with the body that was
 * sent. Shows how a program configures the server, tells users where it listens, and ends.
 */
#include <porthole/porthole.h>

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, WORKERS_MAX = 256, TIMEOUT_MAX = 24 * 60 * 60, MS_A_SECOND = 1000 };

static const char usage[] = "usage: echo [OPTION...]\n"
                            "Answers GET /hello with JSON, and POST /echo with the body sent.\n"
                            "\n"
                            "  --listen ADDR:PORT  where to listen; [::1]:8080 and unix:/path too\n"
                            "                      (127.0.0.1:8080; port 0 takes any)\n"
                            "  --workers N         threads that serve connections (one a CPU)\n"
                            "  --max-body BYTES    the largest body taken (1048576)\n"
                            "  --timeout SECONDS   for the head, each part of the body, each part\n"
                            "                      of the reply, and between requests\n"
                            "  --help              show this text\n";

static int hello(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)req;
    (void)user;
    return ph_reply_json(res, 200, "{\"hello\":\"world\"}\n");
}

static int echo(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    const char *type = ph_request_header(req, "Content-Type");
    size_t size = 0;
    const void *body = ph_request_body(req, &size);
    return ph_reply_copy(res, 200, type ? type : "application/octet-stream", body, size);
}

/* Reads a number from 1 to max; complains and returns 0 when it is none. */
static unsigned long number(const char *option, const char *text, unsigned long max)
{
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || value < 1 || value > max) {
        fprintf(stderr, "echo: --%s takes a number from 1 to %lu, not '%s'\n", option, max, text);
        return 0;
    }
    return value;
}

static int set_option(struct ph_config *config, int option, const char *text)
{
    unsigned long value = 1;
    switch (option) {
    case 'l':
        config->listen = text;
        break;
    case 'w':
        value = number("workers", text, WORKERS_MAX);
        config->workers = (unsigned)value;
        break;
    case 'b':
        value = number("max-body", text, SIZE_MAX / 2);
        config->body_max = value;
        break;
    case 't':
        value = number("timeout", text, TIMEOUT_MAX);
        config->head_ms = (unsigned)value * MS_A_SECOND;
        config->body_ms = config->head_ms;
        config->idle_ms = config->head_ms;
        config->write_ms = config->head_ms;
        break;
    default:
        return -EINVAL; /* getopt_long() has said what is wrong */
    }
    return value > 0 ? 0 : -EINVAL;
}

/* Returns 0, 1 when help was asked for and given, -EINVAL after a complaint. */
static int read_options(struct ph_config *config, int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'},   {"workers", required_argument, NULL, 'w'},
        {"max-body", required_argument, NULL, 'b'}, {"timeout", required_argument, NULL, 't'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
    };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 1;
        }
        int err = set_option(config, option, optarg);
        if (err < 0) {
            return err;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "echo: unexpected argument '%s'\n", argv[optind]);
        return -EINVAL;
    }
    return 0;
}

static int start(struct ph_server *server)
{
    int err = ph_server_route(server, "GET /hello", hello, NULL);
    if (!err) {
        err = ph_server_route(server, "POST /echo", echo, NULL);
    }
    if (!err) {
        err = ph_server_start(server);
    }
    return err;
}

/* Says where it listens; flushed, because whoever started us may be waiting for it. */
static void announce(const struct ph_server *server)
{
    const char *listener = ph_server_listener(server, 0);
    if (strncmp(listener, "unix:", 5) == 0) {
        printf("listening on %s\n", listener);
    } else {
        printf("listening on http://%s/\n", listener);
    }
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct ph_config config = {.listen = "127.0.0.1:8080"};
    int err = read_options(&config, argc, argv);
    if (err) {
        return err > 0 ? 0 : EXIT_USAGE;
    }

    /* Blocked before there are threads, so that sigwait() alone receives them. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct ph_server *server = NULL;
    err = ph_server_new(&server, &config);
    if (!err) {
        err = start(server);
    }
    if (err) {
        fprintf(stderr, "echo: cannot listen on %s: %s\n", config.listen, ph_strerror(err));
        ph_server_free(server);
        return EXIT_USAGE;
    }
    announce(server);
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    ph_server_stop(server);
    ph_server_free(server);
    return 0;
}
