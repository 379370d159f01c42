/* SPDX-License-Identifier: MIT
 *
 * WebSocket (RFC 6455): messages both ways on one connection, as browsers have it. By libwslay, in
 * a library of its own (porthole::websocket, or -lporthole-websocket in front of -lporthole), so
 * that who does without it pays nothing; builds with PORTHOLE_WEBSOCKET=OFF, or where wslay was not
 * found, have none. It works over plain connections, TLS (tls.h) and unix sockets alike.
 *
 *     static void echo(struct ph_websocket *socket, enum ph_websocket_kind kind, const char *data,
 *                      size_t size, void *user)
 *     {
 *         if (ph_websocket_send(socket, kind, data, size) < 0) {
 *             ph_websocket_close(socket, PH_WEBSOCKET_LATER, "too slow");
 *         }
 *     }
 *     …
 *     struct ph_websocket_config cfg = {.message = echo};
 *     err = ph_server_websocket(server, "/echo", &cfg);
 *
 * The handshake is a GET request like others: what ph_server_before() has added, guards among it,
 * sees it first. What is wrong with it is answered by 400, 403 (Origin), 405, or 426, which names
 * version 13. Extensions are not taken, so nothing is compressed. From the 101 on, frames,
 * fragments, masks, UTF-8 and the rules of closing are the library's affair: what breaks them is
 * closed with 1002 or 1007, too long a message with 1009.
 *
 * Callbacks run on the worker that has the connection, one at a time for each socket, several at a
 * time for several sockets; they must not block. Functions on a socket may be called from any
 * thread, and none of them blocks. When the server stops, each socket is closed with 1001, and cut
 * if the peer has not answered within ph_config.drain_ms.
 */
#ifndef PORTHOLE_WEBSOCKET_H
#define PORTHOLE_WEBSOCKET_H

#include <porthole/error.h>
#include <porthole/http.h>
#include <porthole/server.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_websocket;

enum ph_websocket_kind { PH_WEBSOCKET_TEXT = 1, PH_WEBSOCKET_BINARY = 2 };

/* Codes of RFC 6455 section 7.4 that programs use or meet; 3000 to 4999 are for them to give a
 * meaning. */
enum ph_websocket_code {
    PH_WEBSOCKET_NORMAL = 1000,
    PH_WEBSOCKET_GOING_AWAY = 1001, /* the server stops; a page is left */
    PH_WEBSOCKET_PROTOCOL = 1002,
    PH_WEBSOCKET_UNSUPPORTED = 1003,
    PH_WEBSOCKET_NO_CODE = 1005, /* told, never sent: the peer's Close had none */
    PH_WEBSOCKET_LOST = 1006,    /* told, never sent: the connection ended without a Close */
    PH_WEBSOCKET_NOT_UTF8 = 1007,
    PH_WEBSOCKET_POLICY = 1008,
    PH_WEBSOCKET_TOO_LARGE = 1009,
    PH_WEBSOCKET_FAILED = 1011,
    PH_WEBSOCKET_LATER = 1013
};

enum { PH_WEBSOCKET_REASON = 123 }; /* bytes of a reason, at most */

/* What a path does. Zero always means the default; strings and lists are copied. */
struct ph_websocket_config {
    /*
     * The handshake is in order: may this peer come? Runs as a handler does, before the reply, and
     * may add header fields to it (ph_response_header()). Returning 0 without a reply accepts. With
     * a reply this is the answer, and there is no socket; a negative error code is answered as a
     * handler's (500, 503). It may not put the reply off (ph_defer()). It may send already: that
     * goes out behind the handshake. NULL: everybody may.
     */
    int (*open)(struct ph_websocket *socket, struct ph_request *req, struct ph_response *res,
                void *user);

    /* A whole message, fragments joined; text is well-formed UTF-8, without a NUL behind it. `data`
     * is valid during the call. Not called any more once ph_websocket_close() has been. NULL: what
     * comes is thrown away. */
    void (*message)(struct ph_websocket *socket, enum ph_websocket_kind kind, const char *data,
                    size_t size, void *user);

    /* All that was sent has been given to the kernel: there is room again. Not called any more once
     * the socket is being closed. NULL: nobody asks. */
    void (*drained)(struct ph_websocket *socket, void *user);

    /*
     * The end of a socket that `open` has let in; called once, whatever ends it. The connection is
     * closed, or about to be; what was not sent is lost. `code` is the peer's; or 1002, 1007 or
     * 1009 for what this side would not take; or PH_WEBSOCKET_NO_CODE or _LOST. `reason` is the
     * peer's, well-formed UTF-8, "" without one, valid during the call; a NUL in it ends it. NULL:
     * nobody wants to know.
     */
    void (*closed)(struct ph_websocket *socket, unsigned code, const char *reason, void *user);

    void *user; /* what all of them get */

    /*
     * Subprotocols, the preferred one first, NULL behind the last. The first that the peer offers
     * is agreed on; where there is none, the socket has none, and `open` may refuse. NULL: none.
     */
    const char *const *protocols;

    /*
     * Pages of which origins may come, "https://example.org" or "https://example.org:8443", NULL
     * behind the last; "*": of any. NULL: only pages of the host that they ask (the Host field,
     * whatever the scheme). Browsers let every page open a WebSocket to everywhere, cookies
     * included, so that this list is the only guard against pages of strangers; it does not replace
     * a login, for who is no browser sends what he likes. Requests without Origin may come.
     */
    const char *const *origins;

    size_t message_max; /* bytes of a message received; 1 MiB. Beyond it: closed with 1009 */
    size_t queue_max;   /* bytes that are to be sent and not gone yet; 256 KiB */
    unsigned ping_ms;   /* a peer that is silent for so long is asked by a ping; 30000 */
    unsigned pong_ms;   /* has so long to say something then, or to answer a Close; 10000 (cut).
                         * The clock is looked at each ping_ms, pong_ms or ph_config.write_ms,
                         * whichever is least of all paths, so each may be late by that */
};

/**
 * Serves WebSockets at a path, before start: a route "GET PATH", with parameters as any route.
 *
 * A peer that takes nothing of what is sent for ph_config.write_ms is cut.
 *
 * @param path  as in ph_route.pattern behind the method: "/chat", "/rooms/:name".
 * @param cfg   may be NULL. The macro passes its size, as ph_server_new().
 * @return 0; -EINVAL for a subprotocol that is no token, or an origin that is neither "*" nor
 * begins with "http://" or "https://" and ends with its host or port; as ph_server_add().
 */
PH_API PH_MUST_CHECK int ph_server_websocket_sized(struct ph_server *server, const char *path,
                                                   const struct ph_websocket_config *cfg,
                                                   size_t cfg_size);
#define ph_server_websocket(server, path, cfg) \
    ph_server_websocket_sized((server), (path), (cfg), sizeof(struct ph_websocket_config))

/**
 * Sends a message, whole, in the order of the calls; it is copied.
 *
 * @param kind  text has to be well-formed UTF-8.
 * @return 0; -EAGAIN when there is no room for it before more has gone
 * (ph_websocket_config.drained, queue_max); -EMSGSIZE when there never will be; -EILSEQ for text
 * that is not UTF-8; -EINVAL for another kind; -EPIPE behind ph_websocket_close(), or a Close of
 * the peer's; -ECANCELED when the connection has ended; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_websocket_send(struct ph_websocket *socket, enum ph_websocket_kind kind,
                                           const void *data, size_t size);

/** ph_websocket_send() of a text that ends with a NUL, which is not sent. */
PH_API PH_MUST_CHECK int ph_websocket_send_text(struct ph_websocket *socket, const char *text);

/** How many bytes ph_websocket_send() would take now; 0 when it takes none any more. */
PH_API size_t ph_websocket_room(struct ph_websocket *socket);

/**
 * Closes: what was sent before goes first, then the Close, and the peer has pong_ms to answer. What
 * it sends meanwhile is thrown away. `closed` is called as ever, later.
 *
 * @param code    1000, 1001, 1003, 1007 to 1014, or 3000 to 4999.
 * @param reason  UTF-8, PH_WEBSOCKET_REASON bytes at most; NULL: none. It is copied.
 * @return 0; -EINVAL for another code, or a longer reason; -EILSEQ for one that is not UTF-8;
 *         -EPIPE when it is being closed already; -ECANCELED when the connection has ended.
 */
PH_API int ph_websocket_close(struct ph_websocket *socket, unsigned code, const char *reason);

/** The subprotocol agreed on, or NULL. Valid as long as the server. */
PH_API const char *ph_websocket_protocol(const struct ph_websocket *socket);

/**
 * Keeps a pointer of the program's with the socket; NULL before. It is not freed: `closed` is the
 * place for that. Only within callbacks of this socket, which never run at the same time.
 */
PH_API void ph_websocket_set_data(struct ph_websocket *socket, void *data);

/** What ph_websocket_set_data() has kept. Only within callbacks of this socket. */
PH_API void *ph_websocket_data(const struct ph_websocket *socket);

/**
 * Takes a hold of the socket. Without one it is valid until `closed` has returned (or `open`, when
 * that does not accept): enough for a list that `closed` takes it out of, under the list's lock.
 * With one it is valid until ph_websocket_free(), and its functions tell that it has ended.
 *
 * @return the socket.
 */
PH_API struct ph_websocket *ph_websocket_hold(struct ph_websocket *socket);

/** Gives a hold back, also when the server is freed already. It does not close. NULL is allowed. */
PH_API void ph_websocket_free(struct ph_websocket *socket);

#ifdef __cplusplus
}
#endif

#endif
