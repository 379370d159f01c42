/* SPDX-License-Identifier: MIT
 *
 * What other files of this layer need of an observer.
 */
#ifndef PORTHOLE_SOCKETS_OBSERVER_H
#define PORTHOLE_SOCKETS_OBSERVER_H

#include <porthole/sockets.h>

/* Where it reads /proc; lives as long as the observer. */
const char *ph__sockets_proc_root(const struct ph_sockets *sockets);

#endif
