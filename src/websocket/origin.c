/* SPDX-License-Identifier: MIT
 *
 * Origins (RFC 6454), against pages of strangers.
 */
#include "websocket/handshake.h"

#include <string.h>
#include <strings.h>

/* "https://example.org:8443" in its parts. */
struct origin {
    bool secure;
    const char *host; /* not ended */
    size_t host_size;
    const char *port; /* digits up to the end; the scheme's own where none is written */
};

/* Splits "HOST" or "HOST:PORT", where HOST may be an IPv6 address in brackets. */
static bool split_host(const char *text, struct origin *origin)
{
    const char *end = text + strcspn(text, ":/?#@ ");
    if (*text == '[') {
        end = strchr(text, ']');
        if (!end) {
            return false;
        }
        end++;
    }
    origin->host = text;
    origin->host_size = (size_t)(end - text);
    origin->port = origin->secure ? "443" : "80";
    if (*end == ':') {
        origin->port = end + 1;
        end += 1 + strspn(end + 1, "0123456789");
    }
    return origin->host_size > 0 && *origin->port && *end == '\0';
}

static bool split(const char *text, struct origin *origin)
{
    origin->secure = strncasecmp(text, "https://", 8) == 0;
    if (!origin->secure && strncasecmp(text, "http://", 7) != 0) {
        return false;
    }
    return split_host(text + (origin->secure ? 8 : 7), origin);
}

static bool same_place(const struct origin *one, const struct origin *other)
{
    return one->host_size == other->host_size &&
           strncasecmp(one->host, other->host, one->host_size) == 0 &&
           strcmp(one->port, other->port) == 0;
}

bool ph__origin_is_valid(const char *origin)
{
    struct origin parts;
    return strcmp(origin, "*") == 0 || split(origin, &parts);
}

static bool is_listed(const struct origin *origin, const char *const *origins)
{
    for (; *origins; origins++) {
        struct origin listed;
        if (split(*origins, &listed) && listed.secure == origin->secure &&
            same_place(&listed, origin)) {
            return true;
        }
    }
    return false;
}

static bool is_any(const char *const *origins)
{
    for (; *origins; origins++) {
        if (strcmp(*origins, "*") == 0) {
            return true;
        }
    }
    return false;
}

/* Whether TLS is spoken tells nothing of the scheme: a proxy in front may have taken it off. So the
 * port of a Host without one is that of the origin's own scheme. */
static bool is_of_host(const struct origin *origin, const char *host)
{
    struct origin here = {.secure = origin->secure};
    return host && split_host(host, &here) && same_place(&here, origin);
}

bool ph__origin_may_come(const struct ph_request *req, const char *const *origins)
{
    struct origin origin;
    const char *text = ph_request_header(req, "Origin");
    if (!text || (origins && is_any(origins))) {
        return true;
    }
    if (!split(text, &origin)) {
        return false; /* "null", too: of a page that has none */
    }
    return origins ? is_listed(&origin, origins)
                   : is_of_host(&origin, ph_request_header(req, "Host"));
}
