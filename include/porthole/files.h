/* SPDX-License-Identifier: MIT
 *
 * Files as replies: one descriptor.
 */
#ifndef PORTHOLE_FILES_H
#define PORTHOLE_FILES_H

#include <porthole/error.h>
#include <porthole/http.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Replies with a part of a file, which the kernel sends without the program's touching its bytes
 * (sendfile(2)); where it cannot, and for the smallest, they are read. In a handler.
 *
 * What is not in the page cache is read from the disk on the worker thread, whatever the route:
 * this is for local files. Should the file become shorter before its end has been sent, the
 * connection is cut, so that the client can tell that the body is incomplete.
 *
 * @param fd      a descriptor of a regular file, open for reading; the server takes it over, and
 *                closes it once all is sent, or the client is gone. On failure it is still the
 *                caller's. Its position is neither used nor moved.
 * @param offset  of the first byte that is sent.
 * @param size    how many; fstat(2) tells how many there are.
 * @return as ph_reply_copy(); -EINVAL also where offset and size together exceed INT64_MAX; -EIO
 *         when a small file ends before; a negative errno of pread(2).
 */
PH_API PH_MUST_CHECK int ph_reply_file(struct ph_response *res, int status,
                                       const char *content_type, int fd, uint64_t offset,
                                       uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
