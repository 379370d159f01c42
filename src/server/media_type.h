/* SPDX-License-Identifier: MIT
 *
 * Media types by the ends of names.
 */
#ifndef PORTHOLE_SERVER_MEDIA_TYPE_H
#define PORTHOLE_SERVER_MEDIA_TYPE_H

/* The type of a file of this name, for Content-Type; NULL: unknown. */
const char *ph__media_type(const char *name);

#endif
