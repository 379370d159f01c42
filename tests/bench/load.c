/* SPDX-License-Identifier: MIT
 *
 * A load client that is not the bottleneck: keep-alive, pipelined or new connections to one
 * server, each reply checked and counted. It prints one line of key=value; any reply that is
 * missing, cut or not 200 makes it end with status 1. See usage below.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: load [OPTION...] [ADDRESS:]PORT\n"
    "  --connections N   at a time (64)\n"
    "  --seconds S       how long to count (2)\n"
    "  --warm-up S       how long to run before (0.2; 0 with --requests)\n"
    "  --requests N      stop after so many instead\n"
    "  --depth N         requests sent at once on a connection (1)\n"
    "  --head KIND       minimal, or browser: the fields a browser sends (minimal)\n"
    "  --path PATH       what to ask for (/hello)\n"
    "  --slow-path PATH  what to ask for now and then, counted apart (/slow)\n"
    "  --slow-share R    how often, 0 to 1 (0)\n"
    "  --churn           a new connection for each request\n"
    "  --cpu N           run on that processor\n"
    "  --pid N           also measure the processor time of that process; may be repeated\n";

static const char browser_fields[] =
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.7,de;q=0.3,fr;q=0.2\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-Site: none\r\n";

enum option_name {
    CONNECTIONS = 1,
    SECONDS,
    WARM_UP,
    REQUESTS,
    DEPTH,
    HEAD,
    PATH,
    SLOW_PATH,
    SLOW_SHARE,
    CHURN,
    CPU,
    PID,
};

static const struct option long_options[] = {
    {"connections", required_argument, NULL, CONNECTIONS},
    {"seconds", required_argument, NULL, SECONDS},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"requests", required_argument, NULL, REQUESTS},
    {"depth", required_argument, NULL, DEPTH},
    {"head", required_argument, NULL, HEAD},
    {"path", required_argument, NULL, PATH},
    {"slow-path", required_argument, NULL, SLOW_PATH},
    {"slow-share", required_argument, NULL, SLOW_SHARE},
    {"churn", no_argument, NULL, CHURN},
    {"cpu", required_argument, NULL, CPU},
    {"pid", required_argument, NULL, PID},
    {0},
};

/* What is given on the command line and is needed only to build the rest. */
struct words {
    const char *path[LOAD_KINDS];
    const char *fields;
    bool warm_up_given;
};

static void refuse(const char *what, const char *value)
{
    fprintf(stderr, "load: %s: %s\n%s", what, value, usage);
    exit(2);
}

static double number(const char *text, double min, double max)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= min && value <= max)) {
        refuse("not a number in range", text);
    }
    return value;
}

static void pin(const char *text)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)number(text, 0, CPU_SETSIZE - 1), &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0) {
        refuse(strerror(errno), text);
    }
}

static void take_option(struct load_options *options, struct words *words, int name,
                        const char *value)
{
    switch ((enum option_name)name) {
    case CONNECTIONS:
        options->connections = (unsigned)number(value, 1, 1000000);
        break;
    case SECONDS:
        options->seconds = number(value, 0.01, 3600);
        break;
    case WARM_UP:
        options->warm_up = number(value, 0, 3600);
        words->warm_up_given = true;
        break;
    case REQUESTS:
        options->requests = (uint64_t)number(value, 1, 1e15);
        break;
    case DEPTH:
        options->depth = (unsigned)number(value, 1, 1000);
        break;
    case HEAD:
        if (strcmp(value, "minimal") != 0 && strcmp(value, "browser") != 0) {
            refuse("no such head", value);
        }
        words->fields = strcmp(value, "browser") == 0 ? browser_fields : "";
        break;
    case PATH:
        words->path[LOAD_FAST] = value;
        break;
    case SLOW_PATH:
        words->path[LOAD_SLOW] = value;
        break;
    case SLOW_SHARE:
        options->slow_share = number(value, 0, 1);
        break;
    case CHURN:
        options->churn = true;
        break;
    case CPU:
        pin(value);
        break;
    case PID:
        if (options->pid_count == LOAD_PIDS_MAX) {
            refuse("too many processes", value);
        }
        options->pids[options->pid_count++] = (pid_t)number(value, 1, 1 << 30);
        break;
    }
}

static void take_address(struct load_options *options, const char *text)
{
    char host[INET_ADDRSTRLEN] = "127.0.0.1";
    const char *colon = strrchr(text, ':');
    if (colon) {
        snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    }
    options->address.sin_family = AF_INET;
    options->address.sin_port = htons((uint16_t)number(colon ? colon + 1 : text, 1, 65535));
    if (inet_pton(AF_INET, host, &options->address.sin_addr) != 1) {
        refuse("not an IPv4 address", text);
    }
}

static void write_request(const struct load_options *options, const struct words *words,
                          enum load_kind kind, struct load_request *ret_request)
{
    char one[4096];
    int size =
        snprintf(one, sizeof one, "GET %s HTTP/1.1\r\nHost: sensor1.local\r\n%s%s\r\n",
                 words->path[kind], words->fields, options->churn ? "Connection: close\r\n" : "");
    if (size < 0 || (size_t)size >= sizeof one) {
        refuse("too long", words->path[kind]);
    }
    ret_request->size = (size_t)size;
    ret_request->text = malloc(ret_request->size * options->depth);
    for (unsigned i = 0; ret_request->text && i < options->depth; i++) {
        memcpy(ret_request->text + i * ret_request->size, one, ret_request->size);
    }
}

static void print_latency(const char *prefix, const struct load_latency *latency)
{
    printf(" %sp50_us=%.1f %sp90_us=%.1f %sp99_us=%.1f %sp999_us=%.1f %smax_us=%.1f", prefix,
           latency_quantile_us(latency, 0.5), prefix, latency_quantile_us(latency, 0.9), prefix,
           latency_quantile_us(latency, 0.99), prefix, latency_quantile_us(latency, 0.999), prefix,
           (double)latency->max_ns / 1000);
}

static void print_result(const struct load_options *options, const struct load_result *result)
{
    const struct load_latency *slow = &result->latency[LOAD_SLOW];
    double replies = result->replies ? (double)result->replies : 1;
    double seconds = result->seconds > 0 ? result->seconds : 1; /* nothing was counted */
    printf("replies=%llu errors=%llu seconds=%.6f rps=%.0f client_cpu=%.3f client_wait=%.3f",
           (unsigned long long)result->replies, (unsigned long long)result->errors, result->seconds,
           (double)result->replies / seconds, result->client_cpu / seconds,
           result->client_wait / seconds);
    if (options->pid_count > 0) {
        printf(" server_cpu=%.3f server_us=%.3f", result->server_cpu / seconds,
               result->server_cpu * 1e6 / replies);
    }
    print_latency("", &result->latency[LOAD_FAST]);
    if (options->slow_share > 0) {
        printf(" slow=%llu", (unsigned long long)slow->count);
        print_latency("slow_", slow);
    }
    printf(" head_size=%zu reply_size=%zu connects=%llu replies_a_wake=%.1f\n",
           options->request[LOAD_FAST].size, result->shape[LOAD_FAST].size,
           (unsigned long long)result->connects, replies / (double)(result->wakes + 1));
}

int main(int argc, char **argv)
{
    static struct load_result result; /* histograms are large */
    struct load_options options = {.connections = 64, .depth = 1, .seconds = 2, .warm_up = 0.2};
    struct words words = {.path = {"/hello", "/slow"}, .fields = ""};
    int name;
    while ((name = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (name == '?') {
            fputs(usage, stderr);
            return 2;
        }
        take_option(&options, &words, name, optarg);
    }
    if (optind + 1 != argc) {
        refuse("want one address", optind < argc ? argv[optind + 1] : "none is given");
    }
    take_address(&options, argv[optind]);
    if (options.depth > 1 && (options.churn || options.slow_share > 0)) {
        refuse("only without --churn and --slow-share", "--depth");
    }
    options.warm_up = options.requests && !words.warm_up_given ? 0 : options.warm_up;
    for (int kind = LOAD_FAST; kind < LOAD_KINDS; kind++) {
        write_request(&options, &words, (enum load_kind)kind, &options.request[kind]);
    }
    int err = load_run(&options, &result);
    if (err == 0) {
        print_result(&options, &result);
    }
    for (int kind = LOAD_FAST; kind < LOAD_KINDS; kind++) {
        free(options.request[kind].text);
    }
    return err < 0 || result.errors > 0;
}
