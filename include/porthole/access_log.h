/* SPDX-License-Identifier: MIT
 *
 * A log of requests, a line each, for ph_config.access:
 *
 *     struct ph_access_log *log;
 *     ph_access_log_new(&log, "/var/log/app.log", PH_ACCESS_COMBINED);
 *     struct ph_config config = {.access = ph_access_log_write, .access_user = log};
 */
#ifndef PORTHOLE_ACCESS_LOG_H
#define PORTHOLE_ACCESS_LOG_H

#include <porthole/error.h>
#include <porthole/server.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ph_access_format {
    PH_ACCESS_COMBINED, /* as web servers have it: 10.0.0.1 - - [27/Nov/2026:02:51:07 +0000] "GET /
                         * HTTP/1.1" 200 512 "referer" "user agent" */
    PH_ACCESS_JSON, /* time, peer, method, target, version, status, body_bytes, time_us, referer,
                     * user_agent; null where there is none */
};

struct ph_access_log;

/**
 * Opens a log.
 *
 * @param path  a file, which is made if need be (mode 0640 less the umask) and written at its end;
 *              or "-": standard output.
 * @return 0; -ENOMEM; a negative errno of open(2).
 */
PH_API PH_MUST_CHECK int ph_access_log_new(struct ph_access_log **ret_log, const char *path,
                                           enum ph_access_format format);

/**
 * Opens the file again by its name, after it has been renamed. Any thread; lines that are written
 * meanwhile go to the one or to the other, whole. Blocks while a line is being written.
 * @return 0; a negative errno of open(2): the old file is written on then.
 */
PH_API PH_MUST_CHECK int ph_access_log_reopen(struct ph_access_log *log);

/**
 * Writes a line, whole and by itself: one write(2) at a time, which blocks as long as the file
 * does. A pipe that nobody reads holds the server up; one whose reader is gone loses lines, without
 * a signal. What strangers chose is escaped (\xHH, or as JSON has it), so that a line is a line.
 * `user` is the log. Any thread.
 */
PH_API void ph_access_log_write(void *user, const struct ph_access *access);

/** How many lines could not be written, for want of memory or of room on the disk. */
PH_API uint64_t ph_access_log_lost(const struct ph_access_log *log);

/** Closes it, once the server has been stopped; NULL is allowed. */
PH_API void ph_access_log_free(struct ph_access_log *log);

#ifdef __cplusplus
}
#endif

#endif
