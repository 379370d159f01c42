/* SPDX-License-Identifier: MIT
 *
 * porthole watch: what changes, on the terminal.
 */
#include "cli/cli.h"
#include "cli/options.h"

#include <porthole/watch.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STEP_MS = 1000 };

struct request {
    bool json;
    bool summaries;
    bool types[PH_EVENT_COUNT];
    bool some_types;
};

static int take_flag(void *user, const struct ph__option *option, const char *value)
{
    (void)value;
    struct request *request = user;
    request->json |= strcmp(option->name, "json") == 0;
    request->summaries |= strcmp(option->name, "summaries") == 0;
    return 0;
}

static int take_types(void *user, const struct ph__option *option, const char *value)
{
    (void)option;
    struct request *request = user;
    request->some_types = true;
    for (const char *at = value; at;) {
        size_t size = strcspn(at, ",");
        enum ph_event_type type = ph_event_find(at, size);
        if (type == PH_EVENT_COUNT) {
            return ph__fail("--types: '%.*s' is no type of event; want some of port_opened, "
                            "port_closed, connection_opened, connection_closed, finding_raised, "
                            "finding_cleared and summary, joined by commas",
                            (int)size, at);
        }
        request->types[type] = true;
        at = at[size] ? at + size + 1 : NULL;
    }
    return 0;
}

static const struct ph__option options[] = {
    {"json", PH__ALONE, take_flag},
    {"summaries", PH__ALONE, take_flag},
    {"types", PH__TEXT, take_types},
    {NULL, PH__ALONE, NULL},
};

static bool is_wanted(const struct request *request, enum ph_event_type type)
{
    if (request->some_types) {
        return request->types[type];
    }
    return type != PH_EVENT_SUMMARY || request->summaries || request->json;
}

static int print(void *user, const struct ph_event *event)
{
    const struct request *request = user;
    if (!is_wanted(request, event->type)) {
        return 0;
    }
    errno = 0;
    if (request->json) {
        printf("{\"type\":\"%s\",\"event\":%s}\n", ph_event_name(event->type), event->json);
    } else {
        char clock[16] = "";
        time_t now = time(NULL);
        struct tm local;
        if (localtime_r(&now, &local)) {
            strftime(clock, sizeof clock, "%H:%M:%S", &local);
        }
        printf("%s  %s\n", clock, event->text);
    }
    return ferror(stdout) ? (errno ? -errno : -EIO) : 0;
}

static int watch(struct ph_watch *watch, struct request *request)
{
    for (;;) {
        int err = ph_watch_step(watch, 0, print, request);
        errno = 0;
        if (err == 0 && fflush(stdout) != 0) {
            err = errno ? -errno : -EIO;
        }
        if (err < 0) {
            return err;
        }
        ph__wait_ms(STEP_MS);
    }
}

static int run(int argc, char **argv)
{
    struct request request = {.json = false};
    int status = ph__options_read("watch", options, argc, argv, &request, NULL);
    if (status) {
        return status;
    }
    struct ph_sockets *sockets = NULL;
    struct ph_doctor *doctor = NULL;
    struct ph_watch *watching = NULL;
    int err = ph_sockets_new(&sockets, NULL);
    err = err ? err : ph_doctor_new(&doctor, sockets);
    err = err ? err : ph_watch_new(&watching, doctor);
    err = err ? err : watch(watching, &request);
    ph_watch_free(watching);
    ph_doctor_free(doctor);
    ph_sockets_free(sockets);
    if (err == -EPIPE) {
        return PH__EXIT_OK; /* who read has enough */
    }
    return ph__fail("cannot watch the sockets: %s", ph_strerror(err));
}

const struct ph__command ph__watch_command = {
    .name = "watch",
    .summary = "Prints what changes: ports, connections, findings",
    .help = "usage: porthole watch [OPTION]...\n\n"
            "Prints ports and connections as they open and close, with who has them, and findings\n"
            "as they come and go; until it is stopped. As root also how much each connection has\n"
            "carried, and those that were over within a second.\n\n"
            "Options:\n"
            "  --json          print what the API sends, an object a line\n"
            "  --types A,B     only these: port_opened, port_closed, connection_opened,\n"
            "                  connection_closed, finding_raised, finding_cleared, summary\n"
            "  --summaries     also a summary each second; --json has it anyway\n",
    .run = run,
};
