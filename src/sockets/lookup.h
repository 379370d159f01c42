/* SPDX-License-Identifier: MIT
 *
 * Names for numbers (users, interfaces, services), each asked of the system once. Any thread may
 * ask; entries are only ever added, so that readers need no lock.
 */
#ifndef PORTHOLE_SOCKETS_LOOKUP_H
#define PORTHOLE_SOCKETS_LOOKUP_H

#include <stdint.h>

struct ph__lookup_entry;

enum { PH__LOOKUP_BUCKETS = 64, PH__LOOKUP_TEXT = 256 };

/* Asks the system: writes the name of `number` to `text`, or "" when it has none. */
typedef void (*ph__lookup_ask)(uint32_t number, char text[PH__LOOKUP_TEXT]);

struct ph__lookup {
    ph__lookup_ask ask;
    struct ph__lookup_entry *_Atomic buckets[PH__LOOKUP_BUCKETS];
};

void ph__lookup_init(struct ph__lookup *lookup, ph__lookup_ask ask);
void ph__lookup_done(struct ph__lookup *lookup);

/* The name, valid until ph__lookup_done(); NULL when there is none, and without memory. */
const char *ph__lookup_name(struct ph__lookup *lookup, uint32_t number);

/* What can be asked. A service's number is its port, plus PH__LOOKUP_UDP for UDP. */
enum { PH__LOOKUP_UDP = 0x10000 };
void ph__lookup_ask_user(uint32_t number, char text[PH__LOOKUP_TEXT]);
void ph__lookup_ask_interface(uint32_t number, char text[PH__LOOKUP_TEXT]);
void ph__lookup_ask_service(uint32_t number, char text[PH__LOOKUP_TEXT]);

/* The uid of a user. @return false when there is none. */
_Bool ph__lookup_uid(const char *name, uint32_t *ret_uid);

/* The port of a service, of TCP if it has one there, else of UDP. @return false for none. */
_Bool ph__lookup_port(const char *service, uint16_t *ret_port);

#endif
