/* SPDX-License-Identifier: MIT
 *
 * What changes among the sockets of this machine: ports and connections that open and close, with
 * who has them, and findings that come and go. Without a server and without a thread: the program
 * asks as often as it likes.
 */
#ifndef PORTHOLE_WATCH_H
#define PORTHOLE_WATCH_H

#include <porthole/doctor.h>
#include <porthole/error.h>
#include <porthole/sockets.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PH_EVENT_MAP(X)                                \
    X(PH_EVENT_PORT_OPENED, "port_opened")             \
    X(PH_EVENT_PORT_CLOSED, "port_closed")             \
    X(PH_EVENT_CONNECTION_OPENED, "connection_opened") \
    X(PH_EVENT_CONNECTION_CLOSED, "connection_closed") \
    X(PH_EVENT_FINDING_RAISED, "finding_raised")       \
    X(PH_EVENT_FINDING_CLEARED, "finding_cleared")     \
    X(PH_EVENT_SUMMARY, "summary")

#define PH_ENUMERATOR(name, text) name,
enum ph_event_type { PH_EVENT_MAP(PH_ENUMERATOR) PH_EVENT_COUNT };
#undef PH_ENUMERATOR

/** The names above; "unknown" for a number outside the map. The strings live for ever. */
PH_API const char *ph_event_name(enum ph_event_type type);

/** The type of this name, of `size` bytes; PH_EVENT_COUNT for none. */
PH_API enum ph_event_type ph_event_find(const char *name, size_t size);

struct ph_watch;

/* One change. */
struct ph_event {
    enum ph_event_type type;
    const char *json; /* one object in one line, as GET /api/v1/events sends it */
    size_t json_size;
    const char *text; /* one line for people; printable, whatever names processes have */
};

/** Receives an event, whose texts are valid during the call. A negative return ends the step. */
typedef int (*ph_watch_receive)(void *user, const struct ph_event *event);

/**
 * Creates a watch; nothing is looked at yet.
 *
 * @param doctor  whose looks are used, with the sockets that he looks at; he must outlive the
 * watch.
 * @return 0; -ENOMEM.
 */
PH_API PH_MUST_CHECK int ph_watch_new(struct ph_watch **ret_watch, struct ph_doctor *doctor);

/** NULL is allowed. */
PH_API void ph_watch_free(struct ph_watch *watch);

/**
 * Looks, and tells what has changed since the last step; the first one has nothing to compare with.
 * Ends with a summary. Blocks while the sockets are read. Not from two threads at a time.
 *
 * What opens and closes between two steps is seen where the kernel tells of closed connections: to
 * those with CAP_NET_ADMIN, and then with how much they have carried (sock_diag(7)). At most 1,000
 * connections are told one by one in a step; the summary counts all.
 *
 * @param max_age_ms  as in ph_sockets_snapshot().
 * @return 0; what `receive` returned; as ph_doctor_look(), after which the next step goes on.
 */
PH_API PH_MUST_CHECK int ph_watch_step(struct ph_watch *watch, unsigned max_age_ms,
                                       ph_watch_receive receive, void *user);

#ifdef __cplusplus
}
#endif

#endif
