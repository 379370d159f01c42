/* SPDX-License-Identifier: MIT
 *
 * Names for numbers. The system is asked through the reentrant functions only: a program that
 * embeds us may call getpwuid() on a thread of its own.
 */
#include "sockets/lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Records of the databases longer than the last are taken for absent. */
enum { FIRST_RECORD = 1024, LAST_RECORD = 256 * 1024 };

struct ph__lookup_entry {
    struct ph__lookup_entry *next;
    uint32_t number;
    char name[]; /* "" when there is none: that is remembered, too */
};

void ph__lookup_init(struct ph__lookup *lookup, ph__lookup_ask ask)
{
    lookup->ask = ask;
    for (size_t i = 0; i < PH__LOOKUP_BUCKETS; i++) {
        atomic_init(&lookup->buckets[i], NULL);
    }
}

void ph__lookup_done(struct ph__lookup *lookup)
{
    for (size_t i = 0; i < PH__LOOKUP_BUCKETS; i++) {
        struct ph__lookup_entry *entry = atomic_load(&lookup->buckets[i]);
        while (entry) {
            struct ph__lookup_entry *next = entry->next;
            free(entry);
            entry = next;
        }
        atomic_store(&lookup->buckets[i], NULL);
    }
}

const char *ph__lookup_name(struct ph__lookup *lookup, uint32_t number)
{
    struct ph__lookup_entry *_Atomic *bucket = &lookup->buckets[number % PH__LOOKUP_BUCKETS];
    struct ph__lookup_entry *head = atomic_load(bucket);
    for (struct ph__lookup_entry *entry = head; entry; entry = entry->next) {
        if (entry->number == number) {
            return entry->name[0] ? entry->name : NULL;
        }
    }
    char text[PH__LOOKUP_TEXT];
    lookup->ask(number, text);
    size_t size = strlen(text) + 1;
    struct ph__lookup_entry *entry = malloc(sizeof *entry + size);
    if (!entry) {
        return NULL;
    }
    entry->number = number;
    memcpy(entry->name, text, size);
    /* Two threads may add the same number: the second entry is then never found, and harmless. */
    do {
        entry->next = head;
    } while (!atomic_compare_exchange_weak(bucket, &head, entry));
    return entry->name[0] ? entry->name : NULL;
}

/* Asks a database function that wants a buffer for its strings, with ever larger ones. `read`
 * returns ERANGE for a buffer that is too small, else has put its answer into `user`. */
static void with_record(int (*read)(void *user, char *record, size_t size), void *user)
{
    for (size_t size = FIRST_RECORD; size <= LAST_RECORD; size *= 4) {
        char *record = malloc(size);
        if (!record) {
            return;
        }
        int err = read(user, record, size);
        free(record);
        if (err != ERANGE) {
            return;
        }
    }
}

struct question {
    uint32_t number;
    const char *name;
    char *text;
    bool found;
};

static int read_user(void *user, char *record, size_t size)
{
    struct question *question = user;
    struct passwd entry;
    struct passwd *found = NULL;
    int err = getpwuid_r(question->number, &entry, record, size, &found);
    if (found) {
        snprintf(question->text, PH__LOOKUP_TEXT, "%s", found->pw_name);
    }
    return err;
}

void ph__lookup_ask_user(uint32_t number, char text[PH__LOOKUP_TEXT])
{
    struct question question = {.number = number, .text = text};
    text[0] = '\0';
    with_record(read_user, &question);
}

static int read_uid(void *user, char *record, size_t size)
{
    struct question *question = user;
    struct passwd entry;
    struct passwd *found = NULL;
    int err = getpwnam_r(question->name, &entry, record, size, &found);
    if (found) {
        question->number = found->pw_uid;
        question->found = true;
    }
    return err;
}

bool ph__lookup_uid(const char *name, uint32_t *ret_uid)
{
    struct question question = {.name = name};
    with_record(read_uid, &question);
    if (question.found) {
        *ret_uid = question.number;
    }
    return question.found;
}

void ph__lookup_ask_interface(uint32_t number, char text[PH__LOOKUP_TEXT])
{
    text[0] = '\0';
    if (!if_indextoname(number, text)) {
        text[0] = '\0';
    }
}

static int read_service(void *user, char *record, size_t size)
{
    struct question *question = user;
    struct servent entry;
    struct servent *found = NULL;
    int port = htons((uint16_t)(question->number & UINT16_MAX));
    const char *protocol = question->number & PH__LOOKUP_UDP ? "udp" : "tcp";
    int err = getservbyport_r(port, protocol, &entry, record, size, &found);
    if (found) {
        snprintf(question->text, PH__LOOKUP_TEXT, "%s", found->s_name);
    }
    return err;
}

void ph__lookup_ask_service(uint32_t number, char text[PH__LOOKUP_TEXT])
{
    struct question question = {.number = number, .text = text};
    text[0] = '\0';
    with_record(read_service, &question);
}

static int read_port(void *user, char *record, size_t size)
{
    struct question *question = user;
    struct servent entry;
    struct servent *found = NULL;
    int err = getservbyname_r(question->name, "tcp", &entry, record, size, &found);
    if (!found && err != ERANGE) {
        err = getservbyname_r(question->name, "udp", &entry, record, size, &found);
    }
    if (found) {
        question->number = ntohs((uint16_t)found->s_port);
        question->found = true;
    }
    return err;
}

bool ph__lookup_port(const char *service, uint16_t *ret_port)
{
    struct question question = {.name = service};
    with_record(read_port, &question);
    if (question.found) {
        *ret_port = (uint16_t)question.number;
    }
    return question.found;
}
