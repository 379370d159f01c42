/* SPDX-License-Identifier: MIT
 *
 * Unpacks the files that the build embedded compressed.
 */
#ifndef PORTHOLE_STATUS_INFLATE_H
#define PORTHOLE_STATUS_INFLATE_H

#include "base/buf.h"

/*
 * Appends what a gzip of `size` bytes contains, which must be `inflated_size` bytes.
 *
 * @return 0; -EBADMSG when the gzip is damaged, or its content is of another size; -ENOMEM;
 *         PH_ERR_LIMIT of the buffer; -ENOSYS in a library built without zlib. The buffer's size
 *         changes on success only.
 */
int ph__inflate(struct ph__buf *buf, const void *gzip, size_t size, size_t inflated_size);

#endif
