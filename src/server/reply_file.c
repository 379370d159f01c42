/* SPDX-License-Identifier: MIT
 *
 * Files as bodies: the small ones are read behind the head, and leave with it in one call.
 */
#include "http/response.h"

#include <porthole/files.h>

#include <errno.h>
#include <unistd.h>

/* A read that is copied into the same packet costs less than another call. */
enum { SMALL_FILE = 16 * 1024 };

/* Returns 0; -EIO when the file ends before; another negative errno. */
static int read_all(int fd, uint64_t offset, uint64_t size, char *to)
{
    for (uint64_t have = 0; have < size;) {
        ssize_t got = pread(fd, to + have, size - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        have += (uint64_t)got;
    }
    return 0;
}

static int reply_small(struct ph_response *res, int status, const char *content_type, int fd,
                       uint64_t offset, uint64_t size)
{
    int err = ph__response_head(res, status, content_type, size, size);
    if (err == 0 && ph__response_sends_body(res, status)) {
        err = read_all(fd, offset, size, res->out->data + res->out->size);
        if (err < 0) {
            res->out->size = res->mark;
            return err;
        }
        res->out->size += size;
    }
    if (err == 0) {
        res->status = status;
        close(fd);
    }
    return err;
}

static void close_file(void *owned)
{
    close((int)(intptr_t)owned);
}

int ph_reply_file(struct ph_response *res, int status, const char *content_type, int fd,
                  uint64_t offset, uint64_t size)
{
    if (size > INT64_MAX || offset > INT64_MAX - size) {
        return -EINVAL;
    }
    if (size <= SMALL_FILE) {
        return reply_small(res, status, content_type, fd, offset, size);
    }
    int err = ph__response_head(res, status, content_type, size, 0);
    if (err < 0) {
        return err;
    }
    res->status = status;
    res->tail_owned = (void *)(intptr_t)fd;
    res->tail_release = close_file;
    if (ph__response_sends_body(res, status)) {
        res->file = fd;
        res->file_offset = offset;
        res->file_size = size;
    } else {
        ph__response_release(res);
    }
    return 0;
}
