/* SPDX-License-Identifier: MIT
 *
 * Sentences, and the names in them.
 */
#include "doctor/say.h"

#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64, SHORT_CONTAINER = 12 };

const char *ph__say_buf(struct ph__arena *arena, struct ph__buf *buf)
{
    const char *text = ph__buf_error(buf) ? NULL : ph__arena_copy(arena, buf->data, buf->size);
    ph__buf_done(buf);
    return text;
}

const char *ph__say_list(struct ph__arena *arena, const char *format, va_list args)
{
    struct ph__buf buf;
    ph__buf_init(&buf, 0);
    ph__buf_vprintf(&buf, format, args);
    return ph__say_buf(arena, &buf);
}

const char *ph__say(struct ph__arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = ph__say_list(arena, format, args);
    va_end(args);
    return text;
}

void ph__say_printable(struct ph__buf *buf, const char *text)
{
    size_t most = NAME_MAX_BYTES;
    for (text = text ? text : "?"; *text && most > 0; text++) {
        if (*text >= 0x20 && *text < 0x7F) {
            ph__buf_putc(buf, *text);
            most--;
        }
    }
}

bool ph__say_is_word(const char *text)
{
    static const char fine[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "@._:-";
    return text && text[0] != '\0' && text[0] != '-' && strspn(text, fine) == strlen(text);
}

void ph__say_end(const struct ph_socket *socket, bool remote, char text[PH__END_TEXT])
{
    char address[PH_ADDRESS_TEXT];
    if (remote) {
        ph_socket_remote_address(socket, address, sizeof address);
    } else {
        ph_socket_local_address(socket, address, sizeof address);
    }
    bool brackets = strchr(address, ':') != NULL;
    snprintf(text, PH__END_TEXT, "%s%s%s:%u", brackets ? "[" : "", address, brackets ? "]" : "",
             (unsigned)(remote ? socket->remote_port : socket->local_port));
}

void ph__say_process(struct ph__buf *buf, const struct ph_process *process)
{
    ph__buf_printf(buf, "process %ld (", (long)process->pid);
    ph__say_printable(buf, process->command);
    ph__buf_puts(buf, ") of user ");
    if (process->user) {
        ph__say_printable(buf, process->user);
    } else {
        ph__buf_put_u64(buf, process->uid);
    }
    if (process->container) {
        ph__buf_puts(buf, ", container ");
        ph__buf_printf(buf, "%.*s", ph__say_is_word(process->container) ? SHORT_CONTAINER : 0,
                       process->container);
    } else if (process->unit) {
        ph__buf_puts(buf, ", unit ");
        ph__say_printable(buf, process->unit);
    }
}

static const char *unseen(enum ph_owner_unknown reason)
{
    switch (reason) {
    case PH_OWNER_UNKNOWN_PERMISSION:
        return "a process that we may not look into";
    case PH_OWNER_UNKNOWN_KERNEL:
        return "the kernel itself";
    case PH_OWNER_UNKNOWN_TIME_WAIT:
        return "an ended connection";
    case PH_OWNER_UNKNOWN_NOT_ACCEPTED:
        return "a connection that waits to be accepted";
    case PH_OWNER_UNKNOWN_OTHER_NAMESPACE:
        return "a process outside our view (another container)";
    case PH_OWNER_UNKNOWN_ORPHAN:
        return "a connection that its process has closed and that still finishes";
    case PH_OWNER_UNKNOWN_IN_FLIGHT:
        return "a socket on its way between two processes";
    default:
        return "an unknown process";
    }
}

void ph__say_holder(struct ph__buf *buf, const struct ph_snapshot *snapshot,
                    const struct ph_socket *socket, const struct ph_process *process)
{
    if (process) {
        ph__say_process(buf, process);
        return;
    }
    ph__buf_puts(buf, unseen(socket->owner_unknown));
    const char *user = socket->uid_known ? ph_snapshot_user(snapshot, socket->uid) : NULL;
    if (user && socket->owner_unknown == PH_OWNER_UNKNOWN_PERMISSION) {
        ph__buf_puts(buf, ", of user ");
        ph__say_printable(buf, user);
    }
}
