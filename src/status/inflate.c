/* SPDX-License-Identifier: MIT
 *
 * The one user of zlib. All of the output is reserved before: one call does the work, zlib needs
 * no window of its own, and nothing can become larger than it should be.
 */
#include "status/inflate.h"

#include <errno.h>

#if PH__HAVE_ZLIB
#include <limits.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

/* zlib's own would do, but only these are the program's, which a test lets fail. */
static void *allocate(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return calloc(count, size);
}

static void release(void *unused, void *memory)
{
    (void)unused;
    free(memory);
}

int ph__inflate(struct ph__buf *buf, const void *gzip, size_t size, size_t inflated_size)
{
    enum { GZIP_ONLY = 16 + MAX_WBITS };
    if (size > UINT_MAX || inflated_size > UINT_MAX) {
        return -EBADMSG;
    }
    char *room = ph__buf_reserve(buf, inflated_size);
    if (!room) {
        return ph__buf_error(buf);
    }
    z_stream stream = {
        .next_in = gzip,
        .avail_in = (unsigned)size,
        .next_out = (unsigned char *)room,
        .avail_out = (unsigned)inflated_size,
        .zalloc = allocate,
        .zfree = release,
    };
    int result = inflateInit2(&stream, GZIP_ONLY);
    if (result == Z_OK) {
        result = inflate(&stream, Z_FINISH);
        inflateEnd(&stream);
    }
    if (result == Z_MEM_ERROR) {
        return -ENOMEM;
    }
    if (result != Z_STREAM_END || stream.avail_in > 0 || stream.avail_out > 0) {
        return -EBADMSG;
    }
    buf->size += inflated_size;
    return 0;
}

#else

int ph__inflate(struct ph__buf *buf, const void *gzip, size_t size, size_t inflated_size)
{
    (void)buf, (void)gzip, (void)size, (void)inflated_size;
    return -ENOSYS; /* nobody asks: such a build compresses nothing */
}

#endif
