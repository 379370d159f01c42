/* SPDX-License-Identifier: MIT
 *
 * A reply whose body is a file that several replies share.
 */
#ifndef PORTHOLE_SERVER_REPLY_FILE_H
#define PORTHOLE_SERVER_REPLY_FILE_H

#include "http/response.h"

struct ph__file_part {
    int fd;
    uint64_t offset, size;
    void *owner; /* what keeps the descriptor open */
    void (*release)(void *owner);
};

/* As ph_reply_file(), with a descriptor that stays open until release(owner) is called: at the
 * latest when all is sent, perhaps within this call. On failure it is not called. */
int ph__reply_file(struct ph_response *res, int status, const char *content_type,
                   const struct ph__file_part *part);

#endif
