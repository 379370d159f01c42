/* SPDX-License-Identifier: MIT
 *
 * The files of the status page: embedded ones, or those of a folder.
 */
#ifndef PORTHOLE_STATUS_FILES_H
#define PORTHOLE_STATUS_FILES_H

#include "base/buf.h"
#include "status/negotiate.h"

#include <stdbool.h>
#include <stddef.h>

enum { PH__ETAG_TEXT = 24, PH__PAGE_FILE_MAX = 16 << 20, PH__PAGE_FILES_MAX = 256 };

struct ph__page;

/*
 * Prepares the embedded files, or with `folder` those that are in it now: regular files directly
 * inside whose names consist of letters, digits, '.', '_' and '-' and do not begin with '.'.
 * Their contents are read when they are asked for.
 *
 * @return 0; -ENOMEM; a negative errno when the folder cannot be read.
 */
int ph__page_new(struct ph__page **ret_page, const char *folder);
void ph__page_free(struct ph__page *page);

/* True when reading a file may block. */
bool ph__page_is_folder(const struct ph__page *page);

/* The name of file `index`, or NULL beyond the last. */
const char *ph__page_name(const struct ph__page *page, size_t index);

/* The content of a file. */
struct ph__page_file {
    const char *content_type;
    bool coded; /* there is a gzip of it as well */
    enum ph__coding coding;
    const void *data;
    size_t size;
    char etag[PH__ETAG_TEXT]; /* of these bytes: another coding has another */
    struct ph__buf buf;       /* what `data` points into, where it was read or unpacked */
};

/* Reads a file by name, as a gzip if `coding` says so and there is one. @return 0, and a file for
 * ph__page_file_done(); -ENOENT where there is none, or it is no regular file; -EFBIG above
 * PH__PAGE_FILE_MAX; another negative errno. */
int ph__page_read(const struct ph__page *page, const char *name, enum ph__coding coding,
                  struct ph__page_file *ret_file);
void ph__page_file_done(struct ph__page_file *file);

/* True when an If-None-Match header (NULL: absent) names this ETag. */
bool ph__page_unchanged(const char *if_none_match, const char *etag);

#endif
