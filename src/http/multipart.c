/* SPDX-License-Identifier: MIT
 *
 * multipart/form-data while it comes.
 *
 * A part ends with CR LF, two hyphens and the boundary, of which only the first byte can be a CR:
 * so what has matched so far and then does not is data, and nowhere within it can another match
 * have begun. No byte has to be kept for that: the delimiter itself says which they were.
 */
#include <porthole/form.h>

#include "base/buf.h"
#include "http/media.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MAX = 70, NAME_SIZE = 1024 };

enum state {
    PREAMBLE, /* before the first boundary: nothing that counts */
    BOUNDARY, /* behind one: its line goes on with two hyphens, or ends */
    HEAD,
    BODY,
    EPILOGUE, /* behind the last: nothing that counts */
};

struct ph_multipart {
    struct ph_multipart_handler handler;
    void *user;
    enum state state;
    char delimiter[4 + BOUNDARY_MAX + 1]; /* CR LF "--" boundary */
    size_t delimiter_size;
    size_t matched; /* bytes of it that have come last */
    size_t
        borrowed; /* the first of these belong to what came before, and are no data in any case */
    struct ph__buf line; /* the rest of the boundary's line, or the head */
    size_t line_from;    /* in the head, where the line in hand begins */
    size_t parts;
    int error;
    const char *wrong;
};

static int refuse(struct ph_multipart *multipart, const char *wrong)
{
    multipart->wrong = wrong;
    return PH_ERR_FORM;
}

/* ---- beginning and end ---- */

static bool is_boundary(const char *text)
{
    static const char more[] = "0123456789'()+_,-./:=? "
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    size_t size = strlen(text);
    return size >= 1 && size <= BOUNDARY_MAX && strspn(text, more) == size && text[size - 1] != ' ';
}

int ph_multipart_new(struct ph_multipart **ret_multipart, const char *content_type,
                     const struct ph_multipart_handler *handler, void *user)
{
    char boundary[BOUNDARY_MAX + 2];
    if (!ph__media_is(content_type, "multipart/form-data")) {
        return -EINVAL;
    }
    if (ph__media_param(content_type, "boundary", boundary, sizeof boundary) != 1 ||
        !is_boundary(boundary)) {
        return PH_ERR_FORM;
    }
    struct ph_multipart *multipart = calloc(1, sizeof *multipart);
    if (!multipart) {
        return -ENOMEM;
    }
    multipart->handler = *handler;
    multipart->user = user;
    multipart->delimiter_size =
        (size_t)snprintf(multipart->delimiter, sizeof multipart->delimiter, "\r\n--%s", boundary);
    multipart->matched = multipart->borrowed = 2; /* the first has no line in front of it */
    multipart->wrong = "";
    ph__buf_init(&multipart->line, PH_PART_HEAD_MAX + 1); /* and a NUL */
    *ret_multipart = multipart;
    return 0;
}

void ph_multipart_free(struct ph_multipart *multipart)
{
    if (multipart) {
        ph__buf_done(&multipart->line);
        free(multipart);
    }
}

const char *ph_multipart_wrong(const struct ph_multipart *multipart)
{
    return multipart->wrong;
}

/* ---- what stands between boundaries ---- */

static int give_data(struct ph_multipart *multipart, const char *from, const char *to)
{
    if (multipart->state != BODY || from >= to || !multipart->handler.data) {
        return 0;
    }
    return multipart->handler.data(multipart->user, from, (size_t)(to - from));
}

static int end_part(struct ph_multipart *multipart)
{
    bool was_part = multipart->state == BODY;
    multipart->state = BOUNDARY;
    multipart->matched = multipart->borrowed = 0;
    return was_part && multipart->handler.end ? multipart->handler.end(multipart->user) : 0;
}

/* Moves *at on to behind the next delimiter, or to the end; what comes before it is data. */
static int take_data(struct ph_multipart *multipart, const char **at, const char *end)
{
    const char *delimiter = multipart->delimiter;
    const char *run = *at; /* data that has not been given yet, and what matches behind it */
    size_t carried = multipart->matched; /* bytes of the match that came before `run` */
    const char *next = *at;
    while (next < end) {
        if (multipart->matched == 0) {
            const char *found = memchr(next, '\r', (size_t)(end - next));
            if (!found) {
                break;
            }
            next = found;
        }
        if (*next == delimiter[multipart->matched]) {
            next++;
            if (++multipart->matched < multipart->delimiter_size) {
                continue;
            }
            *at = next;
            int err = give_data(multipart, run, next - (multipart->matched - carried));
            return err < 0 ? err : end_part(multipart);
        }
        int err = give_data(multipart, delimiter + multipart->borrowed, delimiter + carried);
        if (err < 0) {
            return err;
        }
        carried = 0;
        multipart->matched = multipart->borrowed = 0;
    }
    *at = end;
    return give_data(multipart, run, end - (multipart->matched - carried));
}

/* ---- the line of a boundary, and the head of a part ---- */

/* The error of what is gathered in `line`, if there is one. */
static int line_error(struct ph_multipart *multipart)
{
    int err = ph__buf_error(&multipart->line);
    if (err == PH_ERR_LIMIT) {
        multipart->wrong = "the header fields of a part are longer than is accepted";
    }
    return err;
}

/* Adds bytes up to a line feed to `line`, and moves *at behind it. Returns 1 when the line is
 * whole, 0 when not yet, or a negative error. */
static int take_line(struct ph_multipart *multipart, const char **at, const char *end)
{
    const char *feed = memchr(*at, '\n', (size_t)(end - *at));
    const char *stop = feed ? feed + 1 : end;
    ph__buf_append(&multipart->line, *at, (size_t)(stop - *at));
    *at = stop;
    int err = line_error(multipart);
    return err < 0 ? err : feed != NULL;
}

static int take_boundary(struct ph_multipart *multipart, const char **at, const char *end)
{
    const struct ph__buf *line = &multipart->line;
    /* The first two bytes by themselves: behind the last boundary may come anything, and lines of
     * any length. */
    const char *stop = line->size < 2 && end - *at > 1 ? *at + 1 : end;
    int whole = take_line(multipart, at, stop);
    if (whole >= 0 && line->size >= 2 && memcmp(line->data, "--", 2) == 0) {
        multipart->state = EPILOGUE;
        return 0;
    }
    if (whole <= 0) {
        return whole;
    }
    /* Blanks may stand behind a boundary (RFC 2046 section 5.1.1). */
    size_t size = line->size;
    while (size > 2 && (line->data[size - 3] == ' ' || line->data[size - 3] == '\t')) {
        size--;
    }
    if (size != 2 || line->data[line->size - 2] != '\r') {
        return refuse(multipart, "a boundary goes on where its line should end");
    }
    if (multipart->parts++ == PH_FORM_FIELDS_MAX) {
        multipart->wrong = "there are more parts than is accepted";
        return PH_ERR_LIMIT;
    }
    multipart->state = HEAD;
    multipart->line_from = 0;
    ph__buf_reset(&multipart->line);
    return 0;
}

/* The value of a field in the head, whose lines end with CR LF, or NULL. The head ends with a NUL,
 * and so does the value then. */
static char *find_field(char *head, const char *name)
{
    size_t size = strlen(name);
    for (char *line = head; *line; line = strchr(line, '\n') + 1) {
        if (strncasecmp(line, name, size) == 0 && line[size] == ':') {
            char *value = line + size + 1;
            value += strspn(value, " \t");
            return value;
        }
    }
    return NULL;
}

static char *end_value(char *value)
{
    if (value) {
        value[strcspn(value, "\r")] = '\0';
    }
    return value;
}

static int begin_part(struct ph_multipart *multipart, char *head)
{
    char name[NAME_SIZE];
    char filename[NAME_SIZE];
    char *disposition = find_field(head, "Content-Disposition");
    char *type = find_field(head, "Content-Type");
    end_value(disposition);
    end_value(type);
    if (!disposition || !ph__media_is(disposition, "form-data")) {
        return refuse(multipart, "a part is without Content-Disposition: form-data");
    }
    int has_name = ph__media_param(disposition, "name", name, sizeof name);
    int has_filename = ph__media_param(disposition, "filename", filename, sizeof filename);
    if (has_name != 1 || has_filename < 0) {
        return refuse(multipart, has_name == 0 ? "a part is without a name"
                                               : "the Content-Disposition of a part is malformed");
    }
    const struct ph_part part = {.name = name,
                                 .filename = has_filename ? filename : NULL,
                                 .content_type = type ? type : "text/plain"};
    return multipart->handler.begin ? multipart->handler.begin(multipart->user, &part) : 0;
}

/* Whether the line in hand ends as all lines have to, and is no continuation. */
static bool is_line(const struct ph__buf *head, size_t from)
{
    const char *line = head->data + from;
    size_t size = head->size - from;
    return size >= 2 && line[size - 2] == '\r' && !memchr(line, '\r', size - 2) &&
           !memchr(line, '\0', size) && line[0] != ' ' && line[0] != '\t';
}

static int take_head(struct ph_multipart *multipart, const char **at, const char *end)
{
    struct ph__buf *head = &multipart->line;
    size_t from = multipart->line_from;
    int whole = take_line(multipart, at, end);
    if (whole <= 0) {
        return whole;
    }
    if (!is_line(head, from)) {
        return refuse(multipart, "a header field of a part is malformed");
    }
    multipart->line_from = head->size;
    if (head->size - from > 2) {
        return 0;
    }
    ph__buf_putc(head, '\0');
    int err = line_error(multipart);
    err = err < 0 ? err : begin_part(multipart, head->data);
    ph__buf_reset(head);
    multipart->state = BODY;
    multipart->matched = multipart->borrowed =
        2; /* where there is no body, not even an empty one */
    return err;
}

/* ---- bytes ---- */

static int take(struct ph_multipart *multipart, const char **at, const char *end)
{
    switch (multipart->state) {
    case PREAMBLE:
    case BODY:
        return take_data(multipart, at, end);
    case BOUNDARY:
        return take_boundary(multipart, at, end);
    case HEAD:
        return take_head(multipart, at, end);
    case EPILOGUE:
        break;
    }
    *at = end;
    return 0;
}

int ph_multipart_feed(struct ph_multipart *multipart, const void *bytes, size_t size)
{
    const char *at = bytes;
    const char *end = at + size;
    while (multipart->error == 0 && at < end) {
        multipart->error = take(multipart, &at, end);
    }
    return multipart->error;
}

int ph_multipart_finish(struct ph_multipart *multipart)
{
    if (multipart->error == 0 && multipart->state != EPILOGUE) {
        multipart->error = refuse(multipart, "the body ends before its last boundary");
    }
    return multipart->error;
}
