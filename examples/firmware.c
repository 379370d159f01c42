/* SPDX-License-Identifier: MIT
 *
 * A device as its firmware has it: a pump, one loop that does everything, and no thread.
 *
 *   firmware FOLDER [ADDRESS]
 *
 *   GET /             the page: the device's sockets and ports, and a card of the pump's
 *   GET /settings     {"target_kpa":200,"enabled":true}; PUT changes what it names
 *   PUT /firmware     a new image, which is written to FOLDER while it comes
 *   GET /log          what happens, as Server-Sent Events
 *
 * With DEVICE_TOKEN in the environment, settings and firmware are for those who send it
 * ("Authorization: Bearer …"). SIGTERM and SIGINT end it.
 */
#include <porthole/porthole.h>
#include <porthole/status.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TURN_MS = 20, STEP_MS = 100, STEPS_A_REPORT = 10, TARGET_MAX_KPA = 1000 };
enum { IMAGE_MAX = 64 * 1024 * 1024 };

struct settings {
    double target_kpa;
    bool enabled;
};

/* Handlers run in the loop's own thread: nothing here needs a lock. */
struct device {
    struct settings settings;
    double pressure_kpa;
    unsigned long images; /* installed */
    struct ph_channel *log;

    const char *folder;
    int image; /* the one that comes just now; -1: none */
    size_t image_size;
};

static struct ph_server *server;

static void report(struct device *device, const char *type, const char *json)
{
    if (ph_channel_publish(device->log, type, json, strlen(json)) < 0) {
        fprintf(stderr, "firmware: no memory for a line of the log\n");
    }
}

/* ---- the pump ---- */

static void step(struct device *device)
{
    static unsigned steps;
    double target = device->settings.enabled ? device->settings.target_kpa : 0;
    device->pressure_kpa += (target - device->pressure_kpa) / 8;
    if (++steps % STEPS_A_REPORT == 0) {
        char json[60];
        snprintf(json, sizeof json, "{\"pressure_kpa\":%.1f}", device->pressure_kpa);
        report(device, "pressure", json);
    }
}

static unsigned long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}

/* A card on the page, and an object in GET /api/v1/server. */
static void write_section(void *user, struct ph_status_object *object)
{
    const struct device *device = user;
    ph_status_put_bool(object, "enabled", device->settings.enabled);
    ph_status_put_number(object, "target_kpa", device->settings.target_kpa);
    ph_status_put_number(object, "pressure_kpa", device->pressure_kpa);
    ph_status_put_number(object, "images_installed", (double)device->images);
}

static double read_pressure(void *user)
{
    return ((const struct device *)user)->pressure_kpa * 1000; /* metrics are in base units */
}

/* ---- settings ---- */

static int reply_settings(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct device *device = user;
    char json[80];
    (void)req;
    snprintf(json, sizeof json, "{\"target_kpa\":%.6g,\"enabled\":%s}\n",
             device->settings.target_kpa, device->settings.enabled ? "true" : "false");
    return ph_reply_json(res, 200, json);
}

/* Returns what is wrong, or NULL. */
static const char *read_setting(struct settings *settings, const cJSON *item)
{
    if (strcmp(item->string, "enabled") == 0) {
        settings->enabled = cJSON_IsTrue(item);
        return cJSON_IsBool(item) ? NULL : "enabled: want true or false";
    }
    if (strcmp(item->string, "target_kpa") == 0) {
        settings->target_kpa = item->valuedouble;
        return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= TARGET_MAX_KPA
                   ? NULL
                   : "target_kpa: want a number from 0 to 1000";
    }
    return "there are target_kpa and enabled, and nothing else";
}

/* All that is named changes, or nothing does. */
static int change_settings(struct ph_request *req, struct ph_response *res, void *user)
{
    struct device *device = user;
    struct settings settings = device->settings;
    size_t size;
    int is_json = ph_request_json(req, res, 4);
    if (is_json != 1) {
        return is_json;
    }
    const char *body = ph_request_body(req, &size);
    cJSON *json = cJSON_ParseWithLength(body, size);
    if (!json) {
        return -ENOMEM;
    }
    const char *wrong = cJSON_IsObject(json) ? NULL : "want an object";
    for (const cJSON *item = json->child; item && !wrong; item = item->next) {
        wrong = read_setting(&settings, item);
    }
    cJSON_Delete(json);
    if (wrong) {
        return ph_reply_problem(res, 422, "%s", wrong);
    }
    device->settings = settings;
    report(device, "settings", settings.enabled ? "{\"enabled\":true}" : "{\"enabled\":false}");
    return reply_settings(req, res, user);
}

/* ---- a new image ---- */

static void path_of(const struct device *device, const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", device->folder, name);
}

/* What has come of an image is thrown away, if it is not installed by now. */
static void forget_image(void *user)
{
    struct device *device = user;
    if (device->image >= 0) {
        char path[4096];
        path_of(device, "firmware.new", path);
        close(device->image);
        unlink(path);
        device->image = -1;
    }
}

static int receive_image(struct ph_request *req, struct ph_response *res, const void *data,
                         size_t size, void *user)
{
    struct device *device = user;
    (void)req;
    (void)res;
    for (size_t at = 0; at < size;) {
        ssize_t written = write(device->image, (const char *)data + at, size - at);
        if (written < 0) {
            return -errno;
        }
        at += (size_t)written;
    }
    device->image_size += size;
    return 0;
}

static int begin_image(struct ph_request *req, struct ph_response *res, void *user)
{
    struct device *device = user;
    char path[4096];
    if (device->image >= 0) {
        return ph_reply_problem(res, 409, "another image is on its way");
    }
    path_of(device, "firmware.new", path);
    device->image = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    device->image_size = 0;
    if (device->image < 0) {
        return -errno;
    }
    int err = ph_request_receive(req, receive_image, device, forget_image, NULL);
    if (err < 0) {
        forget_image(device);
    }
    return err;
}

/* The old image stays whole until the new one is. */
static int install_image(struct ph_request *req, struct ph_response *res, void *user)
{
    struct device *device = user;
    char from[4096];
    char to[4096];
    char json[60];
    (void)req;
    if (device->image_size == 0) {
        return ph_reply_problem(res, 400, "the body is empty; want an image");
    }
    path_of(device, "firmware.new", from);
    path_of(device, "firmware.bin", to);
    if (fsync(device->image) < 0 || rename(from, to) < 0) {
        return -errno;
    }
    close(device->image);
    device->image = -1;
    device->images++;
    snprintf(json, sizeof json, "{\"bytes\":%zu}\n", device->image_size);
    report(device, "firmware", json);
    return ph_reply_json(res, 201, json);
}

static int reply_log(struct ph_request *req, struct ph_response *res, void *user)
{
    return ph_channel_subscribe(((struct device *)user)->log, req, res, NULL);
}

/* ---- all of it ---- */

static int guard(struct ph_server *made)
{
    char *token = getenv("DEVICE_TOKEN"); /* lives as long as the program */
    int err = token ? ph_server_before(made, "/settings", ph_guard_bearer, token) : 0;
    return err || !token ? err : ph_server_before(made, "/firmware", ph_guard_bearer, token);
}

static int set_up(struct device *device, const char *listen)
{
    const struct ph_config config = {.listen = listen, .workers = PH_NO_THREADS};
    const struct ph_route firmware = {.pattern = "PUT /firmware",
                                      .begin = begin_image,
                                      .handler = install_image,
                                      .user = device,
                                      .body_max = IMAGE_MAX};
    int err = ph_channel_new(&device->log, NULL);
    err = err ? err : ph_server_new(&server, &config);
    err = err ? err : ph_status_mount(server, NULL);
    err = err ? err : ph_status_section(server, "pump", write_section, device);
    err = err ? err
              : ph_status_gauge(server, "pump_pressure_pascals", "Pressure behind the pump",
                                read_pressure, device);
    err = err ? err : ph_server_route(server, "GET /settings", reply_settings, device);
    err = err ? err : ph_server_route(server, "PUT /settings", change_settings, device);
    err = err ? err : ph_server_add(server, &firmware);
    err = err ? err : ph_server_route(server, "GET /log", reply_log, device);
    err = err ? err : guard(server);
    return err ? err : ph_server_start(server);
}

static void stop(int signal)
{
    (void)signal;
    ph_server_request_stop(server);
}

static void run(struct device *device)
{
    unsigned long long due_ms = now_ms();
    while (ph_server_poll(server, TURN_MS) > 0) {
        for (; now_ms() >= due_ms; due_ms += STEP_MS) {
            step(device);
        }
    }
}

int main(int argc, char **argv)
{
    struct device device = {.settings = {.target_kpa = 200, .enabled = true}, .image = -1};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: firmware FOLDER [ADDR:PORT]\n");
        return 2;
    }
    device.folder = argv[1];
    int err = set_up(&device, argc > 2 ? argv[2] : "127.0.0.1:8080");
    if (err == 0) {
        const struct sigaction action = {.sa_handler = stop};
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        printf("listening on %s\n", ph_server_listener(server, 0));
        fflush(stdout);
        run(&device);
    } else {
        fprintf(stderr, "firmware: %s\n", ph_strerror(err));
    }
    ph_server_free(server);
    ph_channel_free(device.log);
    return err ? 2 : 0;
}
