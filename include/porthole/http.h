/* SPDX-License-Identifier: MIT
 *
 * A request as a handler sees it, and the replies it can give.
 *
 * A handler is called once a request, with the whole request (its body included) in memory, unless
 * the body is handed over piece by piece before: ph_request_receive() in server.h. It answers by
 * calling exactly one ph_reply_* function, before which it may add header fields, or has somebody
 * answer later: ph_defer() in server.h. Both objects belong to the server and are valid until the
 * handler returns, and so is every string got from them. Nothing here may be called from another
 * thread than the handler's, and nothing here blocks.
 */
#ifndef PORTHOLE_HTTP_H
#define PORTHOLE_HTTP_H

#include <porthole/error.h>

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_server;
struct ph_request;
struct ph_response;

/**
 * Answers one request.
 *
 * Runs on a worker thread, so it should be quick, or on the pool of blocking handlers when its
 * route says so (struct ph_route). Several handlers run at a time: what they share needs a lock.
 *
 * @param user  the pointer given with the route.
 * @return 0 when a reply was given. A negative error code makes the server answer 500 (503 for
 *         -ENOMEM, -EMFILE and -ENFILE) in place of whatever was replied; so does returning 0
 *         without a reply (500), unless ph_defer() has put it off.
 */
typedef int (*ph_handler)(struct ph_request *req, struct ph_response *res, void *user);

/* ---- the request ---- */

/** The method, in capitals as received: "GET". A HEAD request says "HEAD". */
PH_API const char *ph_request_method(const struct ph_request *req);

/** The path: percent-decoded once, dot segments resolved, without the query; begins with '/'. */
PH_API const char *ph_request_path(const struct ph_request *req);

/** The request target as received, undecoded: "/a%20b?c=d". */
PH_API const char *ph_request_target(const struct ph_request *req);

/** The minor version of HTTP/1.x: 0 or 1. */
PH_API int ph_request_minor_version(const struct ph_request *req);

/**
 * The value of a header field, or NULL when it is absent.
 *
 * Names compare without regard to case. Surrounding white space is gone. Where a field comes
 * several times this is the first; ph_request_header_at() shows all.
 */
PH_API const char *ph_request_header(const struct ph_request *req, const char *name);

/** How many header fields the request has. */
PH_API size_t ph_request_header_count(const struct ph_request *req);

/** The field number `index`, in order of arrival; -ERANGE when there are not so many. */
PH_API PH_MUST_CHECK int ph_request_header_at(const struct ph_request *req, size_t index,
                                              const char **ret_name, const char **ret_value);

/**
 * The part of the path that a route matched, or NULL when the route has no such parameter.
 *
 * "id" of the route "GET /things/:id"; "*" is what a trailing wildcard stands for (no slash in
 * front). Percent-decoded: an encoded slash is a slash here, but did not separate segments. It
 * never hides a ".." segment: such a request is refused.
 */
PH_API const char *ph_request_param(const struct ph_request *req, const char *name);

/** The first query parameter of this name, decoded ('+' is a space); NULL when absent. */
PH_API const char *ph_request_query(const struct ph_request *req, const char *name);

/** How many query parameters there are. */
PH_API size_t ph_request_query_count(const struct ph_request *req);

/** The query parameter number `index`; a name without '=' has the value "". -ERANGE beyond. */
PH_API PH_MUST_CHECK int ph_request_query_at(const struct ph_request *req, size_t index,
                                             const char **ret_name, const char **ret_value);

/** The body, chunks joined; never NULL. `ret_size` gets its length in bytes, 0 without one. */
PH_API const void *ph_request_body(const struct ph_request *req, size_t *ret_size);

/** The client's address as "127.0.0.1:4711", "[::1]:4711" or "unix". */
PH_API const char *ph_request_peer(const struct ph_request *req);

/** The server that received the request. */
PH_API struct ph_server *ph_request_server(const struct ph_request *req);

/* ---- the reply ---- */

/**
 * Adds a header field to the coming reply.
 *
 * @return 0; PH_ERR_HEADER when the name is no token, the value holds a control character, or
 *         the field is one the server writes itself (Connection, Content-Length, Content-Type,
 *         Date, Transfer-Encoding); PH_ERR_REPLIED after the reply; -ENOSPC when all added
 *         fields together exceed 4096 bytes.
 */
PH_API PH_MUST_CHECK int ph_response_header(struct ph_response *res, const char *name,
                                            const char *value);

/**
 * Replies with bytes, which are copied before the function returns.
 *
 * @param status        200 to 599. 204 and 304 send no body.
 * @param content_type  for example "text/plain; charset=utf-8"; NULL leaves the field out.
 * @return 0; -EINVAL for a bad status; PH_ERR_HEADER for a bad content type; PH_ERR_REPLIED when
 *         there is a reply already; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_reply_copy(struct ph_response *res, int status,
                                       const char *content_type, const void *data, size_t size);

/**
 * Like ph_reply_copy(), without the copy: the server takes `data` over and calls `release(data)`
 * once it is sent, or the client is gone. On failure `data` is still the caller's.
 */
PH_API PH_MUST_CHECK int ph_reply_take(struct ph_response *res, int status,
                                       const char *content_type, void *data, size_t size,
                                       void (*release)(void *data));

/** Like ph_reply_copy(), without the copy: `data` must outlive the server. */
PH_API PH_MUST_CHECK int ph_reply_static(struct ph_response *res, int status,
                                         const char *content_type, const void *data, size_t size);

/** Replies with a NUL-terminated text, copied, as text/plain in UTF-8. */
PH_API PH_MUST_CHECK int ph_reply_text(struct ph_response *res, int status, const char *text);

/** Replies with a NUL-terminated JSON text, copied, as application/json. */
PH_API PH_MUST_CHECK int ph_reply_json(struct ph_response *res, int status, const char *json);

/** Replies without a body. */
PH_API PH_MUST_CHECK int ph_reply_empty(struct ph_response *res, int status);

/**
 * Replies with an RFC 9457 problem document: `type` "about:blank", `title` from the status,
 * `status`, and the formatted text (at most 1000 bytes, escaped here) as `detail`.
 */
PH_API PH_MUST_CHECK int ph_reply_problem(struct ph_response *res, int status, const char *format,
                                          ...) PH_PRINTF(3, 4);

/** The least room a generator is given. */
#define PH_GENERATE_MIN 4096

/**
 * Produces the next piece of a body.
 *
 * Called on the worker whenever the client has taken what came before, so that memory does not
 * grow with the body. It must not block.
 *
 * @param size  how much fits, at least PH_GENERATE_MIN.
 * @return how many bytes were written, at least one; 0 at the end; a negative error code cuts
 *         the connection, so that the client can tell the body is incomplete.
 */
typedef ssize_t (*ph_generate)(void *user, char *buffer, size_t size);

/**
 * Replies with a body of unknown length, made piece by piece while the client reads.
 *
 * Sent chunked to HTTP/1.1 clients; ended by the close of the connection for HTTP/1.0.
 *
 * @param release  called once with `user` after the last call of `generate`, also when the client
 *                 went away or the request was HEAD; may be NULL. On failure of this function it
 *                 is not called: `user` is still the caller's.
 * @return as ph_reply_copy().
 */
PH_API PH_MUST_CHECK int ph_reply_generate(struct ph_response *res, int status,
                                           const char *content_type, ph_generate generate,
                                           void *user, void (*release)(void *user));

/** The reason phrase of a status ("Not Found"); "Unknown" for one that is not registered. */
PH_API const char *ph_status_text(int status);

#ifdef __cplusplus
}
#endif

#endif
