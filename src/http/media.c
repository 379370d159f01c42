/* SPDX-License-Identifier: MIT
 *
 * Values with parameters.
 */
#include "http/media.h"

#include "http/token.h"

#include <string.h>
#include <strings.h>

static const char blanks[] = " \t";

bool ph__media_is(const char *value, const char *type)
{
    size_t size = strlen(type);
    if (!value || strncasecmp(value, type, size) != 0) {
        return false;
    }
    value += size;
    value += strspn(value, blanks);
    return *value == '\0' || *value == ';';
}

static size_t token_size(const char *text)
{
    size_t size = 0;
    while (text[size] && ph__is_token_char(text[size])) {
        size++;
    }
    return size;
}

/* Reads a quoted string; `to` may be NULL. Returns what stands behind it, or NULL. */
static const char *read_quoted(const char *text, char *to, size_t size)
{
    size_t at = 0;
    for (text++; *text != '"'; text++) {
        if (*text == '\\' && (text[1] == '"' || text[1] == '\\')) {
            text++;
        }
        if (*text == '\0' || (to && at + 1 >= size)) {
            return NULL;
        }
        if (to) {
            to[at++] = *text;
        }
    }
    if (to) {
        to[at] = '\0';
    }
    return text + 1;
}

/* The same for a token. */
static const char *read_token(const char *text, char *to, size_t size)
{
    size_t length = token_size(text);
    if (length == 0 || (to && length >= size)) {
        return NULL;
    }
    if (to) {
        memcpy(to, text, length);
        to[length] = '\0';
    }
    return text + length;
}

int ph__media_param(const char *value, const char *name, char *to, size_t size)
{
    const char *at = value + strcspn(value, ";");
    int found = 0;
    while (*at == ';') {
        at += 1 + strspn(at + 1, blanks);
        if (*at == ';' || *at == '\0') {
            continue; /* "a;;b" and "a;" */
        }
        size_t length = token_size(at);
        bool wanted = !found && length == strlen(name) && strncasecmp(at, name, length) == 0;
        if (length == 0 || at[length] != '=') {
            return -1;
        }
        at += length + 1;
        char *destination = wanted ? to : NULL;
        at = *at == '"' ? read_quoted(at, destination, size) : read_token(at, destination, size);
        if (!at) {
            return -1;
        }
        found |= wanted;
        at += strspn(at, blanks);
    }
    return *at == '\0' ? found : -1;
}
