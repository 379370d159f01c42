/* SPDX-License-Identifier: MIT
 *
 * Files as replies: one descriptor, or a whole folder below a path.
 */
#ifndef PORTHOLE_FILES_H
#define PORTHOLE_FILES_H

#include <porthole/error.h>
#include <porthole/http.h>

#include <stdbool.h>
#include <stddef.h>
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

/** What files are whose names end so. */
struct ph_file_type {
    const char *suffix; /* "html", without the dot; upper and lower case are the same */
    const char *content_type;
};

/** A folder to be served. Zero means the default given here. Strings are copied, but not `types`.
 */
struct ph_files_config {
    const char *root;          /* the folder; has to be named */
    const char *index;         /* the file that stands for a folder; "index.html"; "": none (404) */
    const char *cache_control; /* "max-age=3600"; no Cache-Control field */
    const char *default_type;  /* of files of unknown types; "application/octet-stream" */
    const struct ph_file_type *types; /* asked before the types that are built in; the last has the
                                       * suffix NULL. Must outlive the server; none */
    bool dotfiles;                    /* names that begin with a dot are served as well */
    bool precompressed; /* beside "a.js", "a.js.br" and "a.js.gz" are sent to clients that take
                         * them, if they are not older; two more looks at the file system */
};

/**
 * Serves the files of a folder below a prefix of paths, before start: GET and HEAD, with ETag and
 * Last-Modified, conditions (RFC 9110 section 13) and ranges (section 14; up to 16 of them, as
 * multipart/byteranges; if they overlap, everything). A folder without its slash is redirected.
 *
 * Only regular files are sent, and none from outside of the root: links are followed where the
 * kernel sees to it that they stay below (openat2(2), Linux 5.6), else not at all. Encoded slashes
 * and empty segments are 404, and so is what cannot be read. The root is opened once: a folder that
 * takes its place later is not seen. Each request opens its file, on the worker: for local disks.
 * Who replaces files should rename new ones into their place; one that is written to while it is
 * sent may arrive mixed.
 *
 * @param prefix  "/" or "/static/": begins and ends with a slash.
 * @return 0; -EINVAL for a bad prefix, no root, or an index with a slash; a negative errno of
 *         open(2); PH_ERR_PATTERN; PH_ERR_ROUTE_TAKEN; PH_ERR_STARTED; -ENOMEM; -ENOSPC.
 */
PH_API PH_MUST_CHECK int ph_server_files_sized(struct ph_server *server, const char *prefix,
                                               const struct ph_files_config *cfg, size_t cfg_size);
#define ph_server_files(server, prefix, cfg) \
    ph_server_files_sized((server), (prefix), (cfg), sizeof(struct ph_files_config))

#ifdef __cplusplus
}
#endif

#endif
