/* SPDX-License-Identifier: MIT
 *
 * The access log. Lines are written one after the other: O_APPEND alone makes them whole in files,
 * but in pipes only up to PIPE_BUF bytes (pipe(7)).
 */
#include <porthole/access_log.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/sigpipe.h"

#include <porthole/http.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct ph_access_log {
    int fd;     /* stays the same; owned, but for standard output */
    char *path; /* owned; NULL: standard output */
    enum ph_access_format format;
    pthread_mutex_t lock; /* of what follows, and of writing */
    bool may_break;       /* a pipe or a socket, whose reader may go away: that raises SIGPIPE */
    bool cut;             /* only the beginning of the last line could be written */
    _Atomic uint64_t lost;
};

static bool may_break(int fd)
{
    struct stat info;
    return fstat(fd, &info) < 0 || S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode);
}

static int open_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    return fd < 0 ? -errno : fd;
}

int ph_access_log_new(struct ph_access_log **ret_log, const char *path,
                      enum ph_access_format format)
{
    struct ph_access_log *log = calloc(1, sizeof *log);
    bool standard = strcmp(path, "-") == 0;
    if (!log) {
        return -ENOMEM;
    }
    *log = (struct ph_access_log){.fd = STDOUT_FILENO, .format = format};
    pthread_mutex_init(&log->lock, NULL);
    if (!standard) {
        log->path = strdup(path);
        log->fd = log->path ? open_file(path) : -ENOMEM;
    }
    if (log->fd < 0) {
        int err = log->fd;
        ph_access_log_free(log);
        return err;
    }
    log->may_break = may_break(log->fd);
    *ret_log = log;
    return 0;
}

int ph_access_log_reopen(struct ph_access_log *log)
{
    if (!log->path) {
        return 0;
    }
    int fd = open_file(log->path);
    if (fd < 0) {
        return fd;
    }
    pthread_mutex_lock(&log->lock);
    int err = dup3(fd, log->fd, O_CLOEXEC) < 0 ? -errno : 0;
    if (err == 0) {
        log->may_break = may_break(fd);
        log->cut = false;
    }
    pthread_mutex_unlock(&log->lock);
    close(fd);
    return err;
}

uint64_t ph_access_log_lost(const struct ph_access_log *log)
{
    return atomic_load_explicit(&log->lost, memory_order_relaxed);
}

void ph_access_log_free(struct ph_access_log *log)
{
    if (log) {
        if (log->path && log->fd >= 0) {
            close(log->fd);
        }
        pthread_mutex_destroy(&log->lock);
        free(log->path);
        free(log);
    }
}

/* ---- lines ---- */

/* Between quotes; "-" for what there is none of. */
static void put_quoted(struct ph__buf *line, const char *text)
{
    for (const char *c = text ? text : "-"; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\') {
            ph__buf_printf(line, "\\x%02X", byte);
        } else {
            ph__buf_putc(line, *c);
        }
    }
}

/* "10.0.0.1:80" or "[::1]:80" without the port. */
static void put_host(struct ph__buf *line, const char *peer)
{
    const char *colon = strrchr(peer, ':');
    bool brackets = peer[0] == '[' && colon;
    const char *from = brackets ? peer + 1 : peer;
    size_t size = colon ? (size_t)(colon - from) - brackets : strlen(peer);
    ph__buf_append(line, from, size);
}

static const char *version_of(const struct ph_request *req)
{
    return ph_request_minor_version(req) == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

static void put_combined(struct ph__buf *line, const struct ph_access *access)
{
    const struct ph_request *req = access->req;
    time_t seconds = (time_t)(ph__clock_unix_ms() / 1000);
    struct tm tm;
    char date[40] = "";
    if (gmtime_r(&seconds, &tm)) {
        strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S +0000", &tm);
    }
    put_host(line, access->peer);
    ph__buf_printf(line, " - - [%s] \"", date);
    if (req) {
        ph__buf_printf(line, "%s ", ph_request_method(req));
        put_quoted(line, ph_request_target(req));
        ph__buf_printf(line, " %s", version_of(req));
    }
    ph__buf_printf(line, "\" %d ", access->status);
    if (access->body_bytes < 0) {
        ph__buf_putc(line, '-');
    } else {
        ph__buf_put_i64(line, access->body_bytes);
    }
    ph__buf_puts(line, " \"");
    put_quoted(line, req ? ph_request_header(req, "Referer") : NULL);
    ph__buf_puts(line, "\" \"");
    put_quoted(line, req ? ph_request_header(req, "User-Agent") : NULL);
    ph__buf_puts(line, "\"\n");
}

static void put_member(struct ph__buf *line, const char *name, const char *text)
{
    ph__buf_printf(line, ",\"%s\":", name);
    if (text) {
        ph__buf_put_json(line, text, strlen(text));
    } else {
        ph__buf_puts(line, "null");
    }
}

static void put_json(struct ph__buf *line, const struct ph_access *access)
{
    const struct ph_request *req = access->req;
    char time[PH__RFC3339_TEXT];
    ph__format_rfc3339(ph__clock_unix_ms(), time, sizeof time);
    ph__buf_printf(line, "{\"time\":\"%s\"", time);
    put_member(line, "peer", access->peer);
    put_member(line, "method", req ? ph_request_method(req) : NULL);
    put_member(line, "target", req ? ph_request_target(req) : NULL);
    put_member(line, "version", req ? version_of(req) : NULL);
    ph__buf_printf(line, ",\"status\":%d,\"body_bytes\":", access->status);
    if (access->body_bytes < 0) {
        ph__buf_puts(line, "null");
    } else {
        ph__buf_put_i64(line, access->body_bytes);
    }
    ph__buf_puts(line, ",\"time_us\":");
    ph__buf_put_u64(line, access->time_us);
    put_member(line, "referer", req ? ph_request_header(req, "Referer") : NULL);
    put_member(line, "user_agent", req ? ph_request_header(req, "User-Agent") : NULL);
    ph__buf_puts(line, "}\n");
}

/* @return how many bytes were written: all, or those before an error. */
static size_t write_whole(int fd, const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        ssize_t written = write(fd, text + at, size - at);
        if (written < 0 && errno != EINTR) {
            break;
        }
        at += written < 0 ? 0 : (size_t)written;
    }
    return at;
}

/* The same without SIGPIPE. */
static size_t write_breakable(int fd, const char *text, size_t size)
{
    sigset_t before;
    ph__sigpipe_hold(&before);
    size_t written = write_whole(fd, text, size);
    ph__sigpipe_release(&before, written < size && errno == EPIPE);
    return written;
}

/* Behind half a line, on one of its own. */
static bool write_line(struct ph_access_log *log, const char *line, size_t size)
{
    size_t (*write_all)(int fd, const char *text, size_t size) =
        log->may_break ? write_breakable : write_whole;
    if (log->cut && write_all(log->fd, "\n", 1) == 1) {
        log->cut = false;
    }
    size_t written = log->cut ? 0 : write_all(log->fd, line, size);
    log->cut |= written > 0 && written < size;
    return written == size;
}

void ph_access_log_write(void *user, const struct ph_access *access)
{
    struct ph_access_log *log = user;
    struct ph__buf line;
    ph__buf_init(&line, 0);
    (log->format == PH_ACCESS_JSON ? put_json : put_combined)(&line, access);
    bool written = false;
    if (!ph__buf_error(&line)) {
        pthread_mutex_lock(&log->lock);
        written = write_line(log, line.data, line.size);
        pthread_mutex_unlock(&log->lock);
    }
    if (!written) {
        atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
    }
    ph__buf_done(&line);
}
