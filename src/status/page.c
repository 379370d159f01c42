/* SPDX-License-Identifier: MIT
 *
 * GET / and the files that the page consists of.
 */
#include "status/endpoints.h"
#include "status/escape.h"
#include "status/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reply_file(struct ph__call *call, struct ph__page_file *file)
{
    int err = file->coded ? ph_response_header(call->res, "Vary", "Accept-Encoding") : 0;
    err = err ? err : ph_response_header(call->res, "ETag", file->etag);
    if (err < 0) {
        return err;
    }
    if (ph__page_unchanged(ph_request_header(call->req, "If-None-Match"), file->etag)) {
        return ph_reply_empty(call->res, 304);
    }
    if (file->coding == PH__CODING_GZIP) {
        err = ph_response_header(call->res, "Content-Encoding", "gzip");
        if (err < 0) {
            return err;
        }
    }
    if (!file->buf.data) {
        return ph_reply_static(call->res, 200, file->content_type, file->data, file->size);
    }
    err = ph_reply_take(call->res, 200, file->content_type, file->buf.data, file->size, free);
    if (!err) {
        file->buf.data = NULL; /* the server's now */
    }
    return err;
}

static int refuse_codings(struct ph__call *call)
{
    int err = ph_response_header(call->res, "Vary", "Accept-Encoding");
    return err ? err
               : ph_reply_problem(call->res, 406,
                                  "The Accept-Encoding header takes neither identity nor gzip.");
}

int ph__serve_page(struct ph__call *call)
{
    const char *path = ph_request_path(call->req);
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + 1;
    enum ph__coding coding = ph__negotiate_coding(ph_request_header(call->req, "Accept-Encoding"));
    struct ph__page_file file;
    int err = ph__page_read(call->status->page, name, coding, &file);
    if (err == -ENOENT) {
        char quoted[PH__QUOTE_TEXT];
        return ph_reply_problem(call->res, 404, "The page has no file %s.",
                                ph__quote(quoted, name));
    }
    if (err < 0) {
        return err;
    }
    err = file.coded && coding == PH__CODING_NONE ? refuse_codings(call) : reply_file(call, &file);
    ph__page_file_done(&file);
    return err;
}
