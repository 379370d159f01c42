/* SPDX-License-Identifier: MIT
 *
 * Mounts the status API and the status page on a server, and runs the same lists without one.
 */
#ifndef PORTHOLE_STATUS_H
#define PORTHOLE_STATUS_H

#include <porthole/doctor.h>
#include <porthole/error.h>
#include <porthole/probe.h>
#include <porthole/server.h>
#include <porthole/sockets.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Zero always means the default. Strings are copied. */
struct ph_status_config {
    const char *www;   /* folder that the page is served from; NULL: the copy in the library */
    const char *token; /* what clients send as "Authorization: Bearer …"; NULL: none wanted */
    /* Names accepted in Host besides IP addresses, "localhost" and this machine's name: a page
     * of a stranger must not reach us through a name of his own (DNS rebinding). Ends in NULL. */
    const char *const *allow_hosts;
    struct ph_sockets *sockets; /* must outlive the server; NULL: the server gets its own */
    bool probe; /* adds GET /api/v1/probe, which connects to this machine's loopback for others */
};

/**
 * Adds the routes of the status API and the page, before ph_server_start().
 *
 * @return 0; -ENOMEM; a negative errno when the `www` folder cannot be read; what
 *         ph_server_add() returns. After a failure the server may be freed, not started.
 */
PH_API PH_MUST_CHECK int ph_status_mount_sized(struct ph_server *server,
                                               const struct ph_status_config *cfg, size_t cfg_size);
#define ph_status_mount(server, cfg) \
    ph_status_mount_sized((server), (cfg), sizeof(struct ph_status_config))

/* ---- what the program tells of itself ----
 *
 * Added between ph_status_mount() and ph_server_start(); read on the server's threads, several at
 * a time: what the functions share needs a lock, and none of them may block. Names are copied. */

/* A JSON object that a section is written to; valid during the call only. */
struct ph_status_object;

/** Writes a section, by any of the functions below. */
typedef void (*ph_status_write)(void *user, struct ph_status_object *object);

/**
 * Adds an object to "sections" of GET /api/v1/server, and a card to the page.
 *
 * @param name  lower-case letters, digits and underscores; 100 bytes at most.
 * @return 0; -EINVAL for another name; -EEXIST; -ENOENT before ph_status_mount(); PH_ERR_STARTED;
 *         -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_status_section(struct ph_server *server, const char *name,
                                           ph_status_write write, void *user);

/** Adds a member. Each name once; NULL as a text, and a number that is none, give null. Text that
 *  is not UTF-8 is replaced where it is wrong. */
PH_API void ph_status_put_text(struct ph_status_object *object, const char *name, const char *text);
PH_API void ph_status_put_bool(struct ph_status_object *object, const char *name, bool flag);
PH_API void ph_status_put_number(struct ph_status_object *object, const char *name, double number);

/** Reads a metric. */
typedef double (*ph_status_read)(void *user);

/**
 * Adds a metric to GET /metrics: a gauge goes up and down, a counter only up, since the program
 * began.
 *
 * @param name  as Prometheus has them ([a-zA-Z_:][a-zA-Z0-9_:]*, 100 bytes at most), in base units
 *              ("pump_pressure_pascals"); that of a counter, and no other, ends in "_total". Those
 *              that begin with "porthole_" are taken.
 * @param help  one line.
 * @return as ph_status_section().
 */
PH_API PH_MUST_CHECK int ph_status_gauge(struct ph_server *server, const char *name,
                                         const char *help, ph_status_read read, void *user);
PH_API PH_MUST_CHECK int ph_status_counter(struct ph_server *server, const char *name,
                                           const char *help, ph_status_read read, void *user);

/* A parameter of a list, as in the query of a request: {"state", "listen"}. */
struct ph_status_param {
    const char *name;
    const char *value;
};

/**
 * Runs a list of the API ("sockets", "ports", "processes") without a server, and hands the text
 * over in pieces. What the parameters can say is what the endpoint takes; "format" is "json" or
 * "text". Blocks while the snapshot is taken.
 *
 * @param write    receives each piece; a negative return ends the run and is returned.
 * @param problem  on PH_ERR_PARAMETER: what is wrong, one sentence.
 * @return 0; -ENOENT for a list that does not exist; PH_ERR_PARAMETER; -ENOMEM; as
 *         ph_sockets_snapshot().
 */
PH_API PH_MUST_CHECK int ph_status_list(struct ph_sockets *sockets, const char *list,
                                        const struct ph_status_param *params, size_t param_count,
                                        int (*write)(void *user, const char *text, size_t size),
                                        void *user, char *problem, size_t problem_size);

/**
 * Writes what an endpoint of one document ("why") answers, without a server; parameters as over
 * HTTP. Blocks.
 *
 * @return as ph_status_list(); -ENOENT for a document that does not exist.
 */
PH_API PH_MUST_CHECK int ph_status_document(struct ph_sockets *sockets, const char *name,
                                            const struct ph_status_param *params,
                                            size_t param_count,
                                            int (*write)(void *user, const char *text, size_t size),
                                            void *user, char *problem, size_t problem_size);

/** Writes findings as GET /api/v1/findings answers. @return 0; -ENOMEM; what `write` returned. */
PH_API PH_MUST_CHECK int ph_status_findings(const struct ph_findings *findings,
                                            int (*write)(void *user, const char *text, size_t size),
                                            void *user);

/** Writes a probe as GET /api/v1/probe answers, with what the doctor says of the port where it is
 * on this machine. Blocks. @return as ph_status_findings(). */
PH_API PH_MUST_CHECK int ph_status_probe(const struct ph_probe *probe, struct ph_sockets *sockets,
                                         int (*write)(void *user, const char *text, size_t size),
                                         void *user);

#ifdef __cplusplus
}
#endif

#endif
