/* SPDX-License-Identifier: MIT
 *
 * Tokens, passwords, and pages of other origins. How often one may ask is in limiter.c.
 */
#include <porthole/guard.h>

#include "base/utf8.h"
#include "http/request.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- tokens ---- */

bool ph_guard_same(const char *given, const char *secret)
{
    size_t given_size = strlen(given);
    size_t size = strlen(secret);
    /* Each byte given is compared, with a byte of the secret or with nothing. */
    volatile unsigned char difference = given_size != size;
    for (size_t i = 0; i < given_size; i++) {
        difference |= (unsigned char)(given[i] ^ secret[i < size ? i : 0]);
    }
    return difference == 0;
}

/* What stands behind the scheme in Authorization; NULL without it. */
static const char *authorization(const struct ph_request *req, const char *scheme)
{
    const char *value = ph_request_header(req, "Authorization");
    size_t size = strlen(scheme);
    if (!value || strncasecmp(value, scheme, size) != 0 || value[size] != ' ') {
        return NULL;
    }
    return value + size + strspn(value + size, " ");
}

bool ph_guard_has_bearer(const struct ph_request *req, const char *token)
{
    const char *given = authorization(req, "Bearer");
    return given && ph_guard_same(given, token);
}

static int refuse(struct ph_response *res, const char *challenge, const char *detail)
{
    int err = ph_response_header(res, "WWW-Authenticate", challenge);
    return err < 0 ? err : ph_reply_problem(res, 401, "%s", detail);
}

int ph_guard_bearer(struct ph_request *req, struct ph_response *res, void *user)
{
    if (ph_guard_has_bearer(req, user)) {
        return 0;
    }
    return refuse(res, "Bearer",
                  ph_request_header(req, "Authorization")
                      ? "The token in the Authorization header is not the right one."
                      : "This needs a token: send the header Authorization: Bearer TOKEN.");
}

/* ---- passwords ---- */

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* Decodes RFC 4648 section 4, padded or not. Returns the number of bytes, -1 for what is malformed
 * or does not fit. */
static int decode_base64(const char *text, unsigned char *to, size_t size)
{
    const char *begin = text;
    uint32_t bits = 0;
    unsigned count = 0;
    size_t at = 0;
    for (; *text && *text != '='; text++) {
        int digit = base64_digit(*text);
        if (digit < 0) {
            return -1;
        }
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (at == size) {
                return -1;
            }
            to[at++] = (unsigned char)(bits >> count);
        }
    }
    size_t padding = strspn(text, "=");
    bool padded_well =
        padding == 0 || (padding <= 2 && ((size_t)(text - begin) + padding) % 4 == 0);
    return padded_well && text[padding] == '\0' && count < 6 ? (int)at : -1;
}

static bool has_control(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] < 0x20 || bytes[i] == 0x7F) {
            return true;
        }
    }
    return false;
}

bool ph_guard_credentials(const struct ph_request *req, char *ret_name, char *ret_password)
{
    unsigned char text[2 * PH_GUARD_CREDENTIAL];
    ret_name[0] = ret_password[0] = '\0';
    const char *encoded = authorization(req, "Basic");
    int size = encoded ? decode_base64(encoded, text, sizeof text) : -1;
    if (size < 0 || has_control(text, (size_t)size) ||
        !ph__utf8_is_valid((const char *)text, (size_t)size)) {
        return false;
    }
    const unsigned char *colon = memchr(text, ':', (size_t)size);
    if (!colon) {
        return false;
    }
    size_t name_size = (size_t)(colon - text);
    size_t password_size = (size_t)size - name_size - 1;
    if (name_size >= PH_GUARD_CREDENTIAL || password_size >= PH_GUARD_CREDENTIAL) {
        return false;
    }
    memcpy(ret_name, text, name_size);
    ret_name[name_size] = '\0';
    memcpy(ret_password, colon + 1, password_size);
    ret_password[password_size] = '\0';
    return true;
}

int ph_guard_basic(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct ph_guard_basic *basic = user;
    char name[PH_GUARD_CREDENTIAL];
    char password[PH_GUARD_CREDENTIAL];
    if (ph_guard_credentials(req, name, password) && basic->check(basic->user, name, password)) {
        return 0;
    }
    char challenge[300];
    snprintf(challenge, sizeof challenge, "Basic realm=\"%.200s\", charset=\"UTF-8\"",
             basic->realm ? basic->realm : "");
    return refuse(res, challenge,
                  ph_request_header(req, "Authorization")
                      ? "Name and password are not the right ones."
                      : "This needs a name and a password.");
}

/* ---- other origins ---- */

/* What is to be said of a request's origin: its own name, "*", or NULL for nothing. */
static const char *allowed_origin(const struct ph_guard_cors *cors, const char *origin)
{
    const char *const *known = cors->origins;
    if (known && known[0] && strcmp(known[0], "*") == 0) {
        return cors->credentials ? NULL : "*";
    }
    while (known && *known && strcmp(*known, origin) != 0) {
        known++;
    }
    return known ? *known : NULL;
}

static int add(struct ph_response *res, int err, const char *name, const char *value)
{
    return err < 0 || !value ? err : ph_response_header(res, name, value);
}

static int answer_preflight(const struct ph_guard_cors *cors, struct ph_response *res, int err)
{
    char methods[1000];
    char max_age[20];
    int length = snprintf(methods, sizeof methods, "GET, HEAD, POST%s%s", cors->methods ? ", " : "",
                          cors->methods ? cors->methods : "");
    if (length < 0 || (size_t)length >= sizeof methods) {
        return PH_ERR_LIMIT; /* half a list would be another one */
    }
    snprintf(max_age, sizeof max_age, "%u", cors->max_age_s);
    err = add(res, err, "Access-Control-Allow-Methods", methods);
    err = add(res, err, "Access-Control-Allow-Headers", cors->headers);
    err = add(res, err, "Access-Control-Max-Age", cors->max_age_s ? max_age : NULL);
    return err < 0 ? err : ph_reply_empty(res, 204);
}

int ph_guard_cors(struct ph_request *req, struct ph_response *res, void *user)
{
    const struct ph_guard_cors *cors = user;
    const char *origin = ph_request_header(req, "Origin");
    const char *allowed = origin ? allowed_origin(cors, origin) : NULL;
    bool all = cors->origins && cors->origins[0] && strcmp(cors->origins[0], "*") == 0;
    /* The reply depends on who asks: a cache must not give it to others. */
    int err = all ? 0 : ph_response_header(res, "Vary", "Origin");
    if (!allowed) {
        return err;
    }
    err = add(res, err, "Access-Control-Allow-Origin", allowed);
    err = add(res, err, "Access-Control-Allow-Credentials", cors->credentials ? "true" : NULL);
    if (strcmp(ph_request_method(req), "OPTIONS") == 0 &&
        ph_request_header(req, "Access-Control-Request-Method")) {
        return answer_preflight(cors, res, err);
    }
    return add(res, err, "Access-Control-Expose-Headers", cors->expose);
}
