/* SPDX-License-Identifier: MIT
 *
 * Files as bodies: the small ones are read behind the head, and leave with it in one call.
 */
#include "server/reply_file.h"

#include <porthole/files.h>

#include <errno.h>
#include <unistd.h>

/* A read that is copied into the same packet costs less than another call. */
enum { SMALL_FILE = 16 * 1024 };

/* Returns 0; -EIO when the file ends before; another negative errno. */
static int read_all(const struct ph__file_part *part, char *to)
{
    for (uint64_t have = 0; have < part->size;) {
        ssize_t got = pread(part->fd, to + have, part->size - have, (off_t)(part->offset + have));
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

static int reply_small(struct ph_response *res, int status, const char *content_type,
                       const struct ph__file_part *part)
{
    int err = ph__response_head(res, status, content_type, part->size, part->size);
    if (err == 0 && ph__response_sends_body(res, status)) {
        err = read_all(part, res->out->data + res->out->size);
        if (err < 0) {
            res->out->size = res->mark;
            return err;
        }
        res->out->size += part->size;
    }
    if (err == 0) {
        res->status = status;
        part->release(part->owner);
    }
    return err;
}

int ph__reply_file(struct ph_response *res, int status, const char *content_type,
                   const struct ph__file_part *part)
{
    if (part->size > INT64_MAX || part->offset > INT64_MAX - part->size) {
        return -EINVAL;
    }
    if (part->size <= SMALL_FILE) {
        return reply_small(res, status, content_type, part);
    }
    int err = ph__response_head(res, status, content_type, part->size, 0);
    if (err < 0) {
        return err;
    }
    res->status = status;
    res->tail_owned = part->owner;
    res->tail_release = part->release;
    if (ph__response_sends_body(res, status)) {
        res->file = part->fd;
        res->file_offset = part->offset;
        res->file_size = part->size;
    } else {
        ph__response_release(res);
    }
    return 0;
}

static void close_file(void *owner)
{
    close((int)(intptr_t)owner);
}

int ph_reply_file(struct ph_response *res, int status, const char *content_type, int fd,
                  uint64_t offset, uint64_t size)
{
    const struct ph__file_part part = {
        .fd = fd,
        .offset = offset,
        .size = size,
        .owner = (void *)(intptr_t)fd,
        .release = close_file,
    };
    return ph__reply_file(res, status, content_type, &part);
}
