/* SPDX-License-Identifier: MIT
 *
 * Request targets.
 */
#include "http/uri.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char bad_escape[] =
    "the request target has a '%' that two hexadecimal digits do not follow";
static const char bad_nul[] = "the request target has an encoded NUL";
static const char bad_byte[] =
    "the request target has a character that must be percent-encoded (RFC 3986 section 2)";
static const char bad_form[] =
    "the request target must begin with '/', \"http://\" or \"https://\"";
static const char bad_authority[] = "the authority of the request target is malformed";
static const char bad_dots[] =
    "the path leaves the root by its \"..\" segments, or hides one behind an encoded slash";

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What a byte is in a target: 'p' plain, in a path it stands for itself; '/' parts segments; '?'
 * may mean more than itself; all others must be percent-encoded. Browsers send ^ ` { | } in queries
 * as they are. A dot is special where a segment may be one of "." and "..". */
static const char classes[256] = "                "
                                 "                "
                                 " p  p?pppppppp?/"  /*  !"#$%&'()*+,-./ */
                                 "pppppppppppp p ?"  /* 0123456789:;<=>? */
                                 "pppppppppppppppp"  /* @ABCDEFGHIJKLMNO */
                                 "pppppppppppp ppp"  /* PQRSTUVWXYZ[\]^_ */
                                 "pppppppppppppppp"  /* `abcdefghijklmno */
                                 "ppppppppppppppp "; /* pqrstuvwxyz{|}~  */

static inline char class_of(char c)
{
    return classes[(unsigned char)c];
}

/* Once this has passed, decoding cannot fail. */
static const char *check_bytes(const char *target, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (target[i] == '%') {
            if (size - i < 3 || hex_value(target[i + 1]) < 0 || hex_value(target[i + 2]) < 0) {
                return bad_escape;
            }
            if (target[i + 1] == '0' && target[i + 2] == '0') {
                return bad_nul;
            }
        } else if (class_of(target[i]) == ' ' || class_of(target[i]) == '\0') {
            return bad_byte;
        }
    }
    return NULL;
}

/* Decodes checked bytes; returns the end of what was written. */
static char *decode(char *to, const char *from, const char *end, bool plus_is_space)
{
    while (from < end) {
        if (*from == '%') {
            *to++ = (char)(hex_value(from[1]) * 16 + hex_value(from[2]));
            from += 3;
        } else {
            *to++ = *from == '+' && plus_is_space ? ' ' : *from;
            from++;
        }
    }
    return to;
}

/* Removes the last of the segments in [first, at), each ended by NUL; NULL when there is none. */
static char *drop_segment(const char *first, char *at)
{
    if (at == first) {
        return NULL;
    }
    at--;
    while (at > first && at[-1] != '\0') {
        at--;
    }
    return at;
}

/* True for a segment such as "..%2fetc", decoded: whoever opens a file by that name would leave
 * the folder he meant, and what we say of the path, that its dot segments are resolved, would be
 * wrong. */
static bool hides_dots(const char *segment, const char *end)
{
    const char *slash = memchr(segment, '/', (size_t)(end - segment));
    bool hides = false;
    while (slash && !hides) {
        hides = slash - segment == 2 && segment[0] == '.' && segment[1] == '.';
        segment = slash + 1;
        slash = memchr(segment, '/', (size_t)(end - segment));
        hides |= !slash && end - segment == 2 && segment[0] == '.' && segment[1] == '.';
    }
    return hides;
}

/* Writes the segments of [from, end), which begins behind the first slash; NULL: above root. */
static char *split_path(char *first, const char *from, const char *end)
{
    char *at = first;
    for (bool last = false; !last;) {
        const char *slash = memchr(from, '/', (size_t)(end - from));
        last = !slash;
        const char *stop = last ? end : slash;
        char *segment = at;
        at = decode(at, from, stop, false);
        size_t size = (size_t)(at - segment);
        from = last ? end : stop + 1;
        bool dot = size == 1 && segment[0] == '.';
        bool dots = size == 2 && segment[0] == '.' && segment[1] == '.';
        if (hides_dots(segment, at)) {
            return NULL;
        }
        if (!dot && !dots) {
            *at++ = '\0';
            continue;
        }
        at = dot ? segment : drop_segment(first, segment);
        if (!at) {
            return NULL;
        }
        if (last) {
            *at++ = '\0'; /* "/a/." is "/a/": an empty last segment */
        }
    }
    return at;
}

/* Joins the segments again, now with slashes; returns the length. */
static size_t join_path(char *path, const char *first, const char *end)
{
    size_t size = (size_t)(end - first); /* one slash for each NUL; the last NUL ends the string */
    path[0] = '/';
    memcpy(path + 1, first, size);
    for (size_t i = 1; i < size; i++) {
        if (path[i] == '\0') {
            path[i] = '/';
        }
    }
    return size;
}

static size_t split_query(char *to, const char *from, const char *end)
{
    size_t count = 0;
    while (from < end) {
        const char *ampersand = memchr(from, '&', (size_t)(end - from));
        const char *stop = ampersand ? ampersand : end;
        const char *equals = memchr(from, '=', (size_t)(stop - from));
        if (stop > from) { /* "a&&b" has two parameters */
            to = decode(to, from, equals ? equals : stop, true);
            *to++ = '\0';
            to = equals ? decode(to, equals + 1, stop, true) : to;
            *to++ = '\0';
            count++;
        }
        from = ampersand ? ampersand + 1 : end;
    }
    return count;
}

/* Returns where the path begins in an absolute-form target; NULL when it is no such form. */
static const char *skip_scheme(const char *target, size_t size)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i]);
        if (size > length && strncasecmp(target, schemes[i], length) == 0) {
            return target + length;
        }
    }
    return NULL;
}

static const char *take_authority(struct ph__uri *uri, const char *target, const char *end,
                                  const char **ret_path)
{
    const char *authority = skip_scheme(target, (size_t)(end - target));
    if (!authority) {
        return bad_form;
    }
    const char *at = authority;
    while (at < end && *at != '/' && *at != '?') {
        at++;
    }
    uri->authority = authority;
    uri->authority_size = (size_t)(at - authority);
    *ret_path = at;
    return ph__uri_is_host(authority, uri->authority_size) ? NULL : bad_authority;
}

/*
 * The common case in one walk: a path of plain bytes, and no query. Writes the segments and
 * returns true, or false when there is something to be looked at more closely.
 */
static bool copy_plain(char *segments, const char *path, const char *end)
{
    for (const char *from = path; from < end; from++) {
        char class = class_of(*from);
        if (class != 'p' && class != '/' && (*from != '.' || class_of(from[-1]) != 'p')) {
            return false;
        }
        *segments++ = class == '/' ? '\0' : *from;
    }
    *segments = '\0';
    return true;
}

static const char *parse_plain(struct ph__uri *ret_uri, const char *target, size_t size,
                               char *scratch)
{
    char *path = scratch + size;
    memcpy(path, target, size);
    path[size] = '\0';
    *ret_uri = (struct ph__uri){
        .path = path, .path_size = size, .segments = scratch, .query = path + size};
    return NULL;
}

/* A target with dots, escapes, a query, or an authority. */
static const char *parse_special(struct ph__uri *ret_uri, const char *target, size_t size,
                                 char *scratch)
{
    struct ph__uri uri = {0};
    const char *wrong = check_bytes(target, size);
    const char *end = target + size;
    const char *path = target;
    if (!wrong && (size == 0 || target[0] != '/')) {
        wrong = take_authority(&uri, target, end, &path);
    }
    if (wrong) {
        return wrong;
    }
    const char *question = memchr(path, '?', (size_t)(end - path));
    const char *path_end = question ? question : end;
    /* "http://host" and "http://host?q" mean the path "/". */
    char *segments_end = split_path(scratch, path < path_end ? path + 1 : path_end, path_end);
    if (!segments_end) {
        return bad_dots;
    }
    uri.segments = scratch;
    uri.path = segments_end;
    uri.path_size = join_path(segments_end, scratch, segments_end);
    char *query = segments_end + uri.path_size + 1;
    uri.query = query;
    uri.query_count = question ? split_query(query, question + 1, end) : 0;
    *ret_uri = uri;
    return NULL;
}

const char *ph__uri_parse(struct ph__uri *ret_uri, const char *target, size_t size, char *scratch)
{
    if (size == 1 && target[0] == '*') {
        *ret_uri = (struct ph__uri){
            .path = "*", .path_size = 1, .segments = "", .query = "", .asterisk = true};
        return NULL;
    }
    if (size > 0 && target[0] == '/' && copy_plain(scratch, target + 1, target + size)) {
        return parse_plain(ret_uri, target, size, scratch);
    }
    return parse_special(ret_uri, target, size, scratch);
}

static bool is_port(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return size <= 5;
}

static bool is_ipv6(const char *text, size_t size)
{
    char literal[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (size >= sizeof literal) {
        return false;
    }
    memcpy(literal, text, size);
    literal[size] = '\0';
    return inet_pton(AF_INET6, literal, bytes) == 1;
}

/* RFC 3986 section 3.2.2: unreserved, sub-delims, and percent-encoded bytes. */
static const char reg_name[256] = "                "
                                  "                "
                                  " y  y yyyyyyyyy "  /*  !"#$%&'()*+,-./ */
                                  "yyyyyyyyyy y y  "  /* 0123456789:;<=>? */
                                  " yyyyyyyyyyyyyyy"  /* @ABCDEFGHIJKLMNO */
                                  "yyyyyyyyyyy    y"  /* PQRSTUVWXYZ[\]^_ */
                                  " yyyyyyyyyyyyyyy"  /* `abcdefghijklmno */
                                  "yyyyyyyyyyy   y "; /* pqrstuvwxyz{|}~  */

/* Returns the end of the name that begins at `text`, or NULL. */
static const char *skip_reg_name(const char *text, const char *end)
{
    const char *at = text;
    for (;;) {
        while (at < end && reg_name[(unsigned char)*at] == 'y') {
            at++;
        }
        if (at == end || *at != '%') {
            return at > text ? at : NULL;
        }
        if (end - at < 3 || hex_value(at[1]) < 0 || hex_value(at[2]) < 0) {
            return NULL;
        }
        at++;
    }
}

static const char *skip_ipv6(const char *text, const char *end)
{
    const char *bracket = memchr(text, ']', (size_t)(end - text));
    return bracket && is_ipv6(text + 1, (size_t)(bracket - text - 1)) ? bracket + 1 : NULL;
}

bool ph__uri_is_host(const char *text, size_t size)
{
    const char *end = text + size;
    const char *host_end =
        size > 0 && text[0] == '[' ? skip_ipv6(text, end) : skip_reg_name(text, end);
    if (!host_end) {
        return false;
    }
    size_t rest = (size_t)(end - host_end);
    return rest == 0 || (*host_end == ':' && is_port(host_end + 1, rest - 1));
}
