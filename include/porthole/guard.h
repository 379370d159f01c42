/* SPDX-License-Identifier: MIT
 *
 * Who may come in: tokens, passwords, pages of other origins, and how often one address may ask.
 * Each is a handler for ph_server_before() (server.h), with what it needs as its `user`:
 *
 *     ph_server_before(server, "/api", ph_guard_bearer, "secret token");
 *     ph_server_before(server, "/", ph_guard_rate, limiter);
 *
 * They look at the request only, never block, and may run on several threads at once.
 */
#ifndef PORTHOLE_GUARD_H
#define PORTHOLE_GUARD_H

#include <porthole/error.h>
#include <porthole/http.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tokens (RFC 6750) and passwords (RFC 7617) ---- */

/** Whether two texts are the same; takes as long wherever the first difference is. */
PH_API bool ph_guard_same(const char *given, const char *secret);

/** Whether a request carries this token: "Authorization: Bearer TOKEN". */
PH_API bool ph_guard_has_bearer(const struct ph_request *req, const char *token);

/** Lets in who has ph_guard_has_bearer(); 401 for others. `user` is the token, a const char *. */
PH_API PH_MUST_CHECK int ph_guard_bearer(struct ph_request *req, struct ph_response *res,
                                         void *user);

enum { PH_GUARD_CREDENTIAL = 256 };

/**
 * The name and the password that a request carries, "Authorization: Basic …", in UTF-8.
 *
 * @param ret_name, ret_password  of PH_GUARD_CREDENTIAL bytes each; "" when it returns false.
 * @return false when there is none, it is malformed, no UTF-8, has control characters, or is
 *         longer.
 */
PH_API bool ph_guard_credentials(const struct ph_request *req, char *ret_name, char *ret_password);

/** For ph_guard_basic(). */
struct ph_guard_basic {
    const char *realm; /* what browsers show when they ask; without quotes and backslashes */
    /* Whether they belong together. The name is a stranger's, and so is the password: compare by
     * ph_guard_same(), and with something even where there is no such name. */
    bool (*check)(void *user, const char *name, const char *password);
    void *user;
};

/** Lets in whose credentials are right; 401 for others, so that browsers ask for them. Over plain
 *  HTTP whoever listens learns the password. `user` is a const struct ph_guard_basic *. */
PH_API PH_MUST_CHECK int ph_guard_basic(struct ph_request *req, struct ph_response *res,
                                        void *user);

/* ---- pages of other origins (CORS, fetch.spec.whatwg.org) ---- */

/** For ph_guard_cors(). Without it no page of another origin can read a reply. */
struct ph_guard_cors {
    const char *const *origins; /* "https://app.example:8443", …, NULL; "*" alone: all of them */
    const char *methods; /* that may be used besides GET, HEAD and POST: "PUT, DELETE"; NULL. Longer
                          * than 900 bytes: 500 */
    const char *headers; /* that may be sent: "Content-Type, Authorization"; NULL */
    const char *expose;  /* of the reply, that scripts may read besides a few; NULL */
    unsigned max_age_s;  /* for so long browsers need not ask again; 0: they decide */
    bool credentials;    /* with cookies and passwords; not together with "*" */
};

/**
 * Answers what browsers ask before a request (OPTIONS with Access-Control-Request-Method, 204), and
 * adds to other replies who may read them. It lets everybody in: a browser obeys it, others do as
 * they like. `user` is a const struct ph_guard_cors *.
 *
 * Put it in front of guards that ask for a token: browsers ask without one.
 */
PH_API PH_MUST_CHECK int ph_guard_cors(struct ph_request *req, struct ph_response *res, void *user);

/* ---- how often ---- */

struct ph_limiter;

struct ph_limiter_config {
    double per_second; /* requests that one address may make in the long run; has to be named */
    unsigned burst;    /* so many at once before that counts; 1 */
    unsigned addresses_max; /* that are remembered, 24 bytes each; 8192. Beyond: those that are
                             * nearest to having all their burst again are forgotten */
};

/**
 * @param cfg  the macro passes its size, as ph_server_new().
 * @return 0; -ENOMEM; -EINVAL for a rate below 0.000001 or above a million, a burst above
 *         1,048,576, or more than 16,777,216 addresses.
 */
PH_API PH_MUST_CHECK int ph_limiter_new_sized(struct ph_limiter **ret_limiter,
                                              const struct ph_limiter_config *cfg, size_t cfg_size);
#define ph_limiter_new(ret_limiter, cfg) \
    ph_limiter_new_sized((ret_limiter), (cfg), sizeof(struct ph_limiter_config))

/** After the server has been freed; ph_server_on_free() is a way. NULL is allowed. */
PH_API void ph_limiter_free(struct ph_limiter *limiter);

/**
 * Lets in who does not ask too often; 429 for others, with a Retry-After of whole seconds. IPv6
 * addresses count by their /64, which one subscriber has; clients on unix sockets do not count.
 * `user` is the struct ph_limiter *.
 */
PH_API PH_MUST_CHECK int ph_guard_rate(struct ph_request *req, struct ph_response *res, void *user);

#ifdef __cplusplus
}
#endif

#endif
