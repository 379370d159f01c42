/* SPDX-License-Identifier: MIT
 *
 * Sentences. What strangers chose in them (command names, paths) is cut to what is printable, so
 * that they can go to any terminal.
 */
#ifndef PORTHOLE_DOCTOR_SAY_H
#define PORTHOLE_DOCTOR_SAY_H

#include "base/buf.h"
#include "sockets/arena.h"

#include <porthole/sockets.h>

#include <stdbool.h>

/* A formatted text in the arena; NULL without memory. */
const char *ph__say(struct ph__arena *arena, const char *format, ...) PH_PRINTF(2, 3);

const char *ph__say_list(struct ph__arena *arena, const char *format, va_list args) PH_PRINTF(2, 0);

/* The same of what has been put together in a buffer, which is freed. */
const char *ph__say_buf(struct ph__arena *arena, struct ph__buf *buf);

/* Appends the printable ASCII of a text; "?" for NULL. */
void ph__say_printable(struct ph__buf *buf, const char *text);

/* Whether a word can stand in a command without quotes. */
bool ph__say_is_word(const char *text);

/* "10.0.0.1:80", "[::1]:80". */
enum { PH__END_TEXT = PH_ADDRESS_TEXT + 9 };
void ph__say_end(const struct ph_socket *socket, bool remote, char text[PH__END_TEXT]);

/* "process 812 (nginx) of user www-data, unit nginx.service". */
void ph__say_process(struct ph__buf *buf, const struct ph_process *process);

/* The same of the holder of a socket; without one, of whom and why he cannot be seen. */
void ph__say_holder(struct ph__buf *buf, const struct ph_snapshot *snapshot,
                    const struct ph_socket *socket, const struct ph_process *process);

#endif
