/* SPDX-License-Identifier: MIT
 *
 * Uploads that never are in memory as a whole: upload FOLDER [ADDR:PORT] takes what
 * `curl --form file=@firmware.bin http://localhost:8080/upload` sends, and writes each file into
 * the folder while it comes, under a name of its own: the client's is a stranger's, and no path.
 */
#include <porthole/porthole.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UPLOAD_MAX = 100 * 1024 * 1024 };

static struct ph_server *server;

/* One request. */
struct upload {
    const char *folder;
    struct ph_multipart *multipart;
    int fd; /* of the file that comes just now, -1 between files */
    unsigned files;
    unsigned long long bytes;
};

static int begin_part(void *user, const struct ph_part *part)
{
    struct upload *upload = user;
    char path[4096];
    if (!part->filename) {
        return 0; /* a field, which nobody wants here */
    }
    snprintf(path, sizeof path, "%s/upload-XXXXXX", upload->folder);
    upload->fd = mkostemp(path, O_CLOEXEC);
    upload->files += upload->fd >= 0;
    return upload->fd < 0 ? -errno : 0;
}

/* The route is blocking, so this may wait for the disk. */
static int write_all(void *user, const void *bytes, size_t size)
{
    struct upload *upload = user;
    const char *from = bytes;
    while (upload->fd >= 0 && size > 0) {
        ssize_t written = write(upload->fd, from, size);
        if (written < 0) {
            return -errno;
        }
        from += written;
        size -= (size_t)written;
        upload->bytes += (size_t)written;
    }
    return 0;
}

static int end_part(void *user)
{
    struct upload *upload = user;
    int err = upload->fd >= 0 && close(upload->fd) < 0 ? -errno : 0;
    upload->fd = -1;
    return err;
}

static void free_upload(void *user)
{
    struct upload *upload = user;
    (void)end_part(upload); /* the client may have gone away in the middle of a file */
    ph_multipart_free(upload->multipart);
    free(upload);
}

static int explain(struct ph_response *res, const struct upload *upload, int err)
{
    return err == PH_ERR_FORM || err == PH_ERR_LIMIT
               ? ph_reply_problem(res, 400, "%s", ph_multipart_wrong(upload->multipart))
               : err;
}

static int receive(struct ph_request *req, struct ph_response *res, const void *data, size_t size,
                   void *user)
{
    struct upload *upload = user;
    (void)req;
    return explain(res, upload, ph_multipart_feed(upload->multipart, data, size));
}

/* Before the body comes. */
static int begin(struct ph_request *req, struct ph_response *res, void *user)
{
    static const struct ph_multipart_handler handler = {begin_part, write_all, end_part};
    struct upload *upload = calloc(1, sizeof *upload);
    if (!upload) {
        return -ENOMEM;
    }
    upload->folder = user;
    upload->fd = -1;
    int err = ph_multipart_new(&upload->multipart, ph_request_header(req, "Content-Type"), &handler,
                               upload);
    err = err ? err : ph_request_receive(req, receive, upload, free_upload, NULL);
    if (err) {
        free_upload(upload);
    }
    return err == -EINVAL || err == PH_ERR_FORM
               ? ph_reply_problem(res, 415, "Content-Type: want multipart/form-data")
               : err;
}

/* All of it has come. */
static int finish(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    const struct upload *upload = ph_request_receiver(req);
    int err = ph_multipart_finish(upload->multipart);
    if (err) {
        return explain(res, upload, err);
    }
    char text[100];
    snprintf(text, sizeof text, "{\"files\":%u,\"bytes\":%llu}\n", upload->files, upload->bytes);
    return ph_reply_json(res, 201, text);
}

static void stop(int signal)
{
    (void)signal;
    ph_server_request_stop(server);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: upload FOLDER [ADDR:PORT]\n");
        return 2;
    }
    const struct ph_config config = {.listen = argc > 2 ? argv[2] : "127.0.0.1:8080"};
    const struct ph_route route = {.pattern = "POST /upload",
                                   .begin = begin,
                                   .handler = finish,
                                   .user = argv[1],
                                   .blocking = true,
                                   .body_max = UPLOAD_MAX};
    int err = ph_server_new(&server, &config);
    err = err ? err : ph_server_add(server, &route);
    err = err ? err : ph_server_start(server);
    if (err == 0) {
        const struct sigaction action = {.sa_handler = stop};
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        printf("listening on %s\n", ph_server_listener(server, 0));
        fflush(stdout);
        ph_server_wait(server);
    } else {
        fprintf(stderr, "upload: %s: %s\n", config.listen, ph_strerror(err));
    }
    ph_server_free(server);
    return err ? 2 : 0;
}
