/* SPDX-License-Identifier: MIT
 *
 * For programs that systemd(1) starts: sockets that it has opened for them, and telling it how far
 * they are. libsystemd is not needed. Elsewhere these do nothing.
 */
#ifndef PORTHOLE_SYSTEMD_H
#define PORTHOLE_SYSTEMD_H

#include <porthole/error.h>
#include <porthole/server.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Adds all sockets that were passed to this process as listeners (sd_listen_fds(3): LISTEN_PID and
 * LISTEN_FDS in the environment, descriptors from 3 on), before start; see "fd:" of
 * ph_server_listen(). They stay open when the server stops, and are closed in children. The
 * environment is only read.
 *
 * @return how many, 0 when none were passed; -EINVAL when LISTEN_FDS makes no sense; as
 *         ph_server_listen() for one that is not to be listened on, after which some may have been
 *         added; a negative errno of fcntl(2).
 */
PH_API PH_MUST_CHECK int ph_systemd_listen(struct ph_server *server);

/**
 * The same for those of one name only (FileDescriptorName= of a .socket unit: LISTEN_FDNAMES), for
 * a program that has several servers; NULL: all. The others are left alone.
 * @return how many, 0 when none of that name was passed; else as above.
 */
PH_API PH_MUST_CHECK int ph_systemd_listen_named(struct ph_server *server, const char *name);

/**
 * Tells the service manager a state, as sd_notify(3): "READY=1", "STOPPING=1", "STATUS=…", several
 * with line ends between them. Blocks while the manager's queue is full, at most 5 seconds.
 *
 * @return 1; 0 when nobody wants to know: NOTIFY_SOCKET is not set; -EINVAL for a NOTIFY_SOCKET
 *         that is no path and no abstract address; a negative errno of socket(2) or sendto(2),
 *         -EAGAIN when the queue stayed full.
 */
PH_API PH_MUST_CHECK int ph_systemd_notify(const char *state);

#ifdef __cplusplus
}
#endif

#endif
