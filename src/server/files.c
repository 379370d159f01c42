/* SPDX-License-Identifier: MIT
 *
 * A folder below a prefix of paths: from a path to the file that is sent.
 */
#include "http/coding.h"
#include "http/request.h"
#include "server/beneath.h"
#include "server/content.h"
#include "server/media_type.h"

#include <porthole/files.h>
#include <porthole/server.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    int root;
    bool kernel; /* it keeps paths below the root */
    bool dotfiles;
    bool precompressed;
    char *index;         /* "": none */
    char *cache_control; /* NULL: none */
    char *type;          /* of unknown files */
    const struct ph_file_type *types;
};

/* ---- paths ---- */

/* Returns the path below the root, or NULL where it is none that is served. Dot segments have been
 * resolved; an encoded slash is none of a file's. */
static const char *path_below(const struct folder *folder, const struct ph_request *req)
{
    const char *rest = ph_request_param(req, "*");
    size_t size = strlen(rest);
    if (size >= PATH_MAX - sizeof ".gz") {
        return NULL;
    }
    const char *segments = req->uri.segments + req->uri.path_size - 1 - size;
    for (size_t i = 0; i < size; i++) {
        bool begins = i == 0 || rest[i - 1] == '/';
        bool encoded_slash = rest[i] == '/' && segments[i] == '/';
        bool empty = rest[i] == '/' && begins;
        bool hidden = rest[i] == '.' && begins && !folder->dotfiles;
        if (encoded_slash || empty || hidden) {
            return NULL;
        }
    }
    return rest;
}

/* ---- files ---- */

/* What an open of a path can fail with that is the client's affair: there is no such file. */
static bool means_absent(int err)
{
    static const int errors[] = {ENOENT, ENOTDIR, ELOOP, EXDEV, ENAMETOOLONG,
                                 ENXIO,  EACCES,  EPERM, ENODEV};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        if (-err == errors[i]) {
            return true;
        }
    }
    return false;
}

/* Opens what a path leads to. Returns 0, -EISDIR for a folder, -ENOENT for all that is not served,
 * or another negative errno. */
static int open_file(const struct folder *folder, const char *path, int *ret_fd,
                     struct stat *ret_info)
{
    int fd = ph__beneath_open(folder->root, path, folder->kernel);
    if (fd < 0) {
        return means_absent(fd) ? -ENOENT : fd;
    }
    int err = fstat(fd, ret_info) < 0 ? -errno : 0;
    if (err == 0 && !S_ISREG(ret_info->st_mode)) {
        err = S_ISDIR(ret_info->st_mode) ? -EISDIR : -ENOENT;
    }
    if (err < 0) {
        close(fd);
        return err;
    }
    *ret_fd = fd;
    return 0;
}

static char *put_hex(char *to, uint64_t number)
{
    int shift = 60;
    while (shift > 0 && number >> shift == 0) {
        shift -= 4;
    }
    for (; shift >= 0; shift -= 4) {
        *to++ = "0123456789abcdef"[number >> shift & 15];
    }
    return to;
}

static void describe(struct ph__content *content, int fd, const struct stat *info)
{
    content->fd = fd;
    content->size = (uint64_t)info->st_size;
    content->modified = (int64_t)info->st_mtim.tv_sec;
    /* The time of the last change of any kind: unlike that of the content, nobody can set it. */
    const uint64_t numbers[] = {(uint64_t)info->st_ino, (uint64_t)info->st_size,
                                (uint64_t)info->st_ctim.tv_sec * 1000000000 +
                                    (uint64_t)info->st_ctim.tv_nsec};
    char *at = content->etag;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        *at++ = i == 0 ? '"' : '-';
        at = put_hex(at, numbers[i]);
    }
    *at++ = '"';
    *at = '\0';
}

static const char *type_of(const struct folder *folder, const char *path)
{
    const char *dot = strrchr(path, '.');
    for (const struct ph_file_type *type = folder->types; dot && type && type->suffix; type++) {
        if (strcasecmp(type->suffix, dot + 1) == 0) {
            return type->content_type;
        }
    }
    const char *known = ph__media_type(path);
    return known ? known : folder->type;
}

/* Takes the compressed copy that the client likes best in place of the file, if there is one. It
 * must not be older than the file. Returns 0 or a negative errno. */
static int choose_coding(const struct folder *folder, const char *path,
                         const struct ph_request *req, struct ph__content *content)
{
    static const struct {
        const char *suffix;
        const char *coding;
    } copies[] = {[PH__CONTENT_BR] = {".br", "br"}, [PH__CONTENT_GZIP] = {".gz", "gzip"}};
    int qualities[PH__CONTENT_CODINGS];
    ph__coding_qualities(ph_request_header(req, "Accept-Encoding"), qualities);
    int best = qualities[PH__CONTENT_PLAIN];
    int64_t modified = content->modified;
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        if (qualities[i] == 0 || (content->coding ? qualities[i] <= best : qualities[i] < best)) {
            continue;
        }
        char name[PATH_MAX + NAME_MAX + sizeof ".gz"];
        snprintf(name, sizeof name, "%s%s", path, copies[i].suffix);
        int fd;
        struct stat info;
        int err = open_file(folder, name, &fd, &info);
        if (err < 0 && err != -ENOENT && err != -EISDIR) {
            return err;
        }
        if (err == 0 && info.st_mtim.tv_sec < modified) {
            close(fd);
        } else if (err == 0) {
            close(content->fd);
            describe(content, fd, &info);
            content->coding = copies[i].coding;
            best = qualities[i];
        }
    }
    return 0;
}

/* ---- the handler ---- */

/* A folder is called by a name that ends with a slash, so that relative links in its index hold.
 * The reference is relative itself: whoever stands before the server may have changed the path. */
static int redirect(struct ph_request *req, struct ph_response *res)
{
    const char *target = ph_request_target(req);
    const char *query = target + strcspn(target, "?");
    const char *name = query;
    while (name > target && name[-1] != '/') {
        name--;
    }
    char location[2048];
    int length = snprintf(location, sizeof location, "./%.*s/%s", (int)(query - name), name, query);
    if (length < 0 || (size_t)length >= sizeof location) {
        return ph_reply_problem(res, 414, "the request target is too long to be redirected");
    }
    int err = ph_response_header(res, "Location", location);
    return err ? err : ph_reply_empty(res, 301);
}

static int reply_absent(struct ph_request *req, struct ph_response *res)
{
    return ph_reply_problem(res, 404, "there is nothing at %s", ph_request_path(req));
}

static int serve(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct folder *folder = user;
    const char *path = path_below(folder, req);
    if (!path) {
        return reply_absent(req, res);
    }
    char with_index[PATH_MAX + NAME_MAX];
    size_t size = strlen(path);
    bool is_folder = size == 0 || path[size - 1] == '/';
    if (is_folder) {
        snprintf(with_index, sizeof with_index, "%s%s", path, folder->index);
        path = with_index;
    }
    if (is_folder && folder->index[0] == '\0') {
        return reply_absent(req, res);
    }
    struct ph__content content = {.type = type_of(folder, path)};
    int fd;
    struct stat info;
    int err = open_file(folder, path, &fd, &info);
    if (err == -ENOENT || (err == -EISDIR && is_folder)) {
        return reply_absent(req, res);
    }
    if (err == -EISDIR) {
        return redirect(req, res);
    }
    if (err < 0) {
        return err;
    }
    describe(&content, fd, &info);
    if (folder->precompressed) {
        err = ph_response_header(res, "Vary", "Accept-Encoding");
        err = err ? err : choose_coding(folder, path, req, &content);
    }
    if (err == 0 && folder->cache_control) {
        err = ph_response_header(res, "Cache-Control", folder->cache_control);
    }
    if (err < 0) {
        close(content.fd);
        return err;
    }
    return ph__content_reply(req, res, &content);
}

static int serve_prefix(struct ph_request *req, struct ph_response *res, void *user)
{
    (void)user;
    return redirect(req, res);
}

/* ---- set-up ---- */

static void free_folder(void *user)
{
    struct folder *folder = user;
    if (folder->root >= 0) {
        close(folder->root);
    }
    free(folder->index);
    free(folder->cache_control);
    free(folder->type);
    free(folder);
}

static int fill_in(struct folder *folder, const struct ph_files_config *cfg)
{
    folder->index = strdup(cfg->index ? cfg->index : "index.html");
    folder->cache_control = cfg->cache_control ? strdup(cfg->cache_control) : NULL;
    folder->type = strdup(cfg->default_type ? cfg->default_type : "application/octet-stream");
    folder->types = cfg->types;
    folder->dotfiles = cfg->dotfiles;
    folder->precompressed = cfg->precompressed;
    if (!folder->index || !folder->type || (cfg->cache_control && !folder->cache_control)) {
        return -ENOMEM;
    }
    folder->root = open(cfg->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder->root < 0) {
        return -errno;
    }
    folder->kernel = ph__beneath_has_kernel(folder->root);
    return 0;
}

static int add_routes(struct ph_server *server, const char *prefix, struct folder *folder)
{
    size_t size = strlen(prefix);
    char *pattern = malloc(size + sizeof "GET *");
    if (!pattern) {
        return -ENOMEM;
    }
    snprintf(pattern, size + sizeof "GET *", "GET %s*", prefix);
    int err = ph_server_route(server, pattern, serve, folder);
    if (err == 0 && size > 1) {
        snprintf(pattern, size + sizeof "GET *", "GET %.*s", (int)size - 1, prefix);
        err = ph_server_route(server, pattern, serve_prefix, NULL);
        err = err == PH_ERR_ROUTE_TAKEN ? 0 : err; /* the program has something else there */
    }
    free(pattern);
    return err;
}

static bool makes_sense(const char *prefix, const struct ph_files_config *cfg)
{
    size_t size = strlen(prefix);
    const char *index = cfg->index ? cfg->index : "";
    return cfg->root && size > 0 && prefix[0] == '/' && prefix[size - 1] == '/' &&
           strlen(index) <= NAME_MAX && !strchr(index, '/') && strcmp(index, ".") != 0 &&
           strcmp(index, "..") != 0;
}

int ph_server_files_sized(struct ph_server *server, const char *prefix,
                          const struct ph_files_config *cfg, size_t cfg_size)
{
    struct ph_files_config known = {0};
    memcpy(&known, cfg, cfg_size < sizeof known ? cfg_size : sizeof known);
    if (!makes_sense(prefix, &known)) {
        return -EINVAL;
    }
    struct folder *folder = calloc(1, sizeof *folder);
    if (!folder) {
        return -ENOMEM;
    }
    folder->root = -1;
    int err = fill_in(folder, &known);
    err = err ? err : ph_server_on_free(server, free_folder, folder);
    if (err != 0) {
        free_folder(folder);
        return err;
    }
    return add_routes(server, prefix, folder);
}
