/* SPDX-License-Identifier: MIT
 *
 * Files as replies. Several ranges are sent by a generator, which reads them piece by piece.
 */
#include "server/content.h"

#include "base/clock.h"
#include "http/ranges.h"

#include <porthole/files.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* ---- several ranges: multipart/byteranges (RFC 9110 section 14.6) ---- */

#define TYPE "multipart/byteranges; boundary="
enum { BOUNDARY = 32, PART_HEAD = 512 };

struct parts {
    int fd;
    uint64_t size; /* of the whole file */
    unsigned count;
    unsigned next;         /* whose head comes next; `count`: the end */
    struct ph__range left; /* of the one in hand */
    bool ended;
    char type[128];
    char boundary[BOUNDARY];
    struct ph__range ranges[PH__RANGES_MAX];
};

static void free_parts(void *user)
{
    struct parts *parts = user;
    close(parts->fd);
    free(parts);
}

/* The line before a part, and its fields; or the line behind the last. */
static ssize_t put_between(struct parts *parts, char *buffer, size_t size)
{
    int length;
    if (parts->next == parts->count) {
        parts->ended = true;
        length = snprintf(buffer, size, "\r\n--%s--\r\n", parts->boundary);
    } else {
        const struct ph__range *range = &parts->ranges[parts->next];
        parts->left = *range;
        parts->next++;
        length = snprintf(buffer, size,
                          "\r\n--%s\r\nContent-Type: %s\r\nContent-Range: bytes %" PRIu64
                          "-%" PRIu64 "/%" PRIu64 "\r\n\r\n",
                          parts->boundary, parts->type, range->from, range->from + range->size - 1,
                          parts->size);
    }
    return length < 0 || (size_t)length >= size ? -EIO : length;
}

static ssize_t make_parts(void *user, char *buffer, size_t size)
{
    struct parts *parts = user;
    if (parts->left.size == 0) {
        return parts->ended ? 0 : put_between(parts, buffer, size);
    }
    size_t wanted = parts->left.size < size ? (size_t)parts->left.size : size;
    ssize_t got = pread(parts->fd, buffer, wanted, (off_t)parts->left.from);
    if (got <= 0) {
        return -EIO; /* cut: it has become shorter, or cannot be read */
    }
    parts->left.from += (uint64_t)got;
    parts->left.size -= (uint64_t)got;
    return got;
}

static int reply_parts(struct ph_response *res, const struct ph__content *content,
                       const struct ph__range *ranges, unsigned count)
{
    struct parts *parts = calloc(1, sizeof *parts);
    if (!parts) {
        return -ENOMEM;
    }
    *parts = (struct parts){.fd = content->fd, .size = content->size, .count = count};
    memcpy(parts->ranges, ranges, count * sizeof *ranges);
    /* Nobody can have put a time of the future into the file. */
    snprintf(parts->boundary, sizeof parts->boundary, "porthole-%016" PRIx64, ph__clock_us());
    snprintf(parts->type, sizeof parts->type, "%s", content->type);
    char type[sizeof TYPE + BOUNDARY];
    snprintf(type, sizeof type, TYPE "%s", parts->boundary);
    int err = ph_reply_generate(res, 206, type, make_parts, parts, free_parts);
    if (err < 0) {
        free(parts);
    }
    return err;
}

/* ---- one reply ---- */

static int reply_range(struct ph_response *res, const struct ph__content *content,
                       const struct ph__range *range)
{
    char text[80];
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->from,
             range->from + range->size - 1, content->size);
    int err = ph_response_header(res, "Content-Range", text);
    return err ? err
               : ph_reply_file(res, 206, content->type, content->fd, range->from, range->size);
}

/* Fields of every reply about this version, 304 included. */
static int add_validators(struct ph_response *res, const struct ph__content *content)
{
    int err = ph_response_header(res, "ETag", content->etag);
    if (err == 0 && content->modified >= 0) {
        char date[PH__HTTP_DATE_TEXT];
        ph__format_http_date((uint64_t)content->modified, date, sizeof date);
        err = ph_response_header(res, "Last-Modified", date);
    }
    return err;
}

static int add_body_fields(struct ph_response *res, const struct ph__content *content)
{
    int err = ph_response_header(res, "Accept-Ranges", "bytes");
    if (err == 0 && content->coding) {
        err = ph_response_header(res, "Content-Encoding", content->coding);
    }
    return err;
}

static void read_conditions(const struct ph_request *req, struct ph__conditions *ret_conditions)
{
    *ret_conditions = (struct ph__conditions){
        .if_match = ph_request_header(req, "If-Match"),
        .if_none_match = ph_request_header(req, "If-None-Match"),
        .if_modified_since = ph_request_header(req, "If-Modified-Since"),
        .if_unmodified_since = ph_request_header(req, "If-Unmodified-Since"),
        .if_range = ph_request_header(req, "If-Range"),
    };
}

/* Returns 1 where the descriptor has been handed on, or is still to be closed by the caller: 0, or
 * a negative error code. */
static int reply(struct ph_request *req, struct ph_response *res, const struct ph__content *content)
{
    struct ph__conditions conditions;
    read_conditions(req, &conditions);
    const struct ph__validators validators = {content->etag, content->modified};
    int64_t now = (int64_t)time(NULL);
    enum ph__condition condition = ph__conditions_check(&conditions, &validators, now);
    int err = add_validators(res, content);
    if (err < 0) {
        return err;
    }
    if (condition != PH__CONDITION_HOLDS) {
        return ph_reply_empty(res, condition == PH__CONDITION_SAME ? 304 : 412);
    }
    struct ph__range ranges[PH__RANGES_MAX];
    unsigned count = 0;
    enum ph__ranges found = PH__RANGES_ALL;
    const char *field = ph_request_header(req, "Range");
    if (field && strcmp(ph_request_method(req), "GET") == 0 &&
        ph__conditions_allow_range(&conditions, &validators, now)) {
        found = ph__ranges_parse(field, content->size, ranges, &count);
    }
    if (found == PH__RANGES_NONE) {
        char text[40];
        snprintf(text, sizeof text, "bytes */%" PRIu64, content->size);
        err = ph_response_header(res, "Content-Range", text);
        return err ? err : ph_reply_problem(res, 416, "there are %" PRIu64 " bytes", content->size);
    }
    err = add_body_fields(res, content);
    if (err == 0 && count > 1) {
        err = reply_parts(res, content, ranges, count);
    } else if (err == 0 && count == 1) {
        err = reply_range(res, content, ranges);
    } else if (err == 0) {
        err = ph_reply_file(res, 200, content->type, content->fd, 0, content->size);
    }
    return err < 0 ? err : 1;
}

int ph__content_reply(struct ph_request *req, struct ph_response *res,
                      const struct ph__content *content)
{
    int result = reply(req, res, content);
    if (result < 1) {
        close(content->fd);
    }
    return result < 0 ? result : 0;
}
