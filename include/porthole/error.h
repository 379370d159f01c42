/* SPDX-License-Identifier: MIT
 *
 * Error codes of libporthole and the macros every public header uses.
 *
 * Functions return 0 (or a count) on success and a negative number on failure. The number is a
 * negated errno value where errno has a word for it, else one of PH_ERROR_MAP below.
 */
#ifndef PORTHOLE_ERROR_H
#define PORTHOLE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PH_API __attribute__((visibility("default")))
#define PH_MUST_CHECK __attribute__((warn_unused_result))
#define PH_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#else
#define PH_API
#define PH_MUST_CHECK
#define PH_PRINTF(format_index, first_index)
#endif

/* What errno has no word for: name, value, message. Linux keeps its own numbers within 1..4095. */
#define PH_ERROR_MAP(X)                                                                     \
    X(PH_ERR_PATTERN, -4096, "malformed route pattern")                                     \
    X(PH_ERR_ROUTE_TAKEN, -4097, "a route with this method and path exists already")        \
    X(PH_ERR_STARTED, -4098, "not possible once the server has been started")               \
    X(PH_ERR_REPLIED, -4099, "this request has been answered already")                      \
    X(PH_ERR_HEADER, -4100, "header name or value is malformed, or reserved to the server") \
    X(PH_ERR_ADDRESS, -4101,                                                                \
      "malformed listen address: want ADDR:PORT, [ADDR]:PORT, unix:PATH or fd:N")           \
    X(PH_ERR_PARAMETER, -4102, "unknown or malformed parameter")                            \
    X(PH_ERR_LIMIT, -4103, "a configured limit was reached")                                \
    X(PH_ERR_SOURCE, -4104, "the kernel offers no source for this")                         \
    X(PH_ERR_TOKEN, -4105, "the token of a deferred reply was freed without one")           \
    X(PH_ERR_UNTOLD, -4106, "the kernel does not tell what the filter asks for")            \
    X(PH_ERR_TLS, -4107, "certificate or key cannot be used")                               \
    X(PH_ERR_FORM, -4108, "malformed form")                                                 \
    X(PH_ERR_JSON, -4109, "malformed JSON")

enum ph_error {
#define PH_ERROR_ENUM(name, value, message) name = (value),
    PH_ERROR_MAP(PH_ERROR_ENUM)
#undef PH_ERROR_ENUM
};

/**
 * Describes an error in a few English words, without a full stop.
 *
 * @param error  what a function of this library returned; 0 gives "success", positive values are
 *               taken for their negation.
 * @return a string that lives as long as the program. Safe from any thread, never blocks.
 */
PH_API const char *ph_strerror(int error);

/** The version of the library, "0.1.0"; lives as long as the program. */
PH_API const char *ph_version(void);

#ifdef __cplusplus
}
#endif

#endif
