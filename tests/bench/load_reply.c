/* SPDX-License-Identifier: MIT
 *
 * Where a reply ends. Nearly every reply looks like the one before it, and comes in one piece:
 * then its status, its Content-Length line and its blank line are compared where they stood
 * before. Any other is read.
 */
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char success[] = "HTTP/1.1 200 ";
static const char blank_line[] = "\r\n\r\n";

enum { SUCCESS_SIZE = sizeof success - 1, BLANK_SIZE = sizeof blank_line - 1 };

static bool looks_like(const struct reply_shape *shape, const char *data, size_t size)
{
    return shape->size > 0 && size >= shape->size && memcmp(data, success, SUCCESS_SIZE) == 0 &&
           memcmp(data + shape->head - BLANK_SIZE, blank_line, BLANK_SIZE) == 0 &&
           memcmp(data + shape->length_at, shape->length, shape->length_size) == 0;
}

/* Reads a whole head, blank line included, which is followed by a NUL. */
static const char *read_head(struct reply_shape *shape, const char *head, size_t size)
{
    static const char name[] = "\r\nContent-Length:";
    if (strncmp(head, success, SUCCESS_SIZE) != 0) {
        return "a reply does not begin with HTTP/1.1 200";
    }
    const char *line = strcasestr(head, name);
    if (!line) {
        return "a reply has no Content-Length";
    }
    char *end;
    size_t body = strtoul(line + sizeof name - 1, &end, 10);
    if (end[0] != '\r' || (size_t)(end - line) > REPLY_LENGTH_MAX) {
        return "a Content-Length is not a number";
    }
    shape->head = size;
    shape->size = size + body;
    shape->length_at = (size_t)(line - head);
    shape->length_size = (size_t)(end - line);
    memcpy(shape->length, line, shape->length_size);
    return NULL;
}

/* Takes bytes of a head; *ret_used says how many. */
static const char *keep_head(struct reply_reader *reader, struct reply_shape *shape,
                             const char *data, size_t size, size_t *ret_used)
{
    if (!reader->head) {
        reader->head = malloc(REPLY_HEAD_MAX + 1);
        if (!reader->head) {
            return "no memory";
        }
    }
    size_t room = REPLY_HEAD_MAX - reader->kept;
    size_t taken = size < room ? size : room;
    memcpy(reader->head + reader->kept, data, taken);
    size_t have = reader->kept + taken;
    const char *blank = memmem(reader->head, have, blank_line, BLANK_SIZE);
    if (!blank) {
        reader->kept = have;
        *ret_used = taken;
        return have == REPLY_HEAD_MAX ? "the head of a reply does not end" : NULL;
    }
    size_t head = (size_t)(blank - reader->head) + BLANK_SIZE;
    *ret_used = head - reader->kept;
    reader->head[head] = '\0';
    reader->kept = 0;
    const char *wrong = read_head(shape, reader->head, head);
    reader->body_left = wrong ? 0 : shape->size - head;
    return wrong;
}

const char *reply_feed(struct reply_reader *reader, struct reply_shape *shape, const char *data,
                       size_t size, unsigned *done)
{
    while (size > 0) {
        size_t used;
        if (reader->body_left > 0) {
            used = size < reader->body_left ? size : reader->body_left;
            reader->body_left -= used;
            *done += reader->body_left == 0;
        } else if (reader->kept == 0 && looks_like(shape, data, size)) {
            used = shape->size;
            ++*done;
        } else {
            const char *wrong = keep_head(reader, shape, data, size, &used);
            if (wrong) {
                return wrong;
            }
            *done += reader->kept == 0 && reader->body_left == 0;
        }
        data += used;
        size -= used;
    }
    return NULL;
}
