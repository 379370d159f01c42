/* SPDX-License-Identifier: MIT
 *
 * Accept-Encoding.
 */
#include "http/coding.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { UNSAID = -1, WHOLE = 1000 };

/* "q=0.25" as 250; what is malformed counts as nothing said, that is, 1. */
static int read_quality(const char *text, const char *end)
{
    text += strspn(text, "; \t"); /* it ends before the comma, or the NUL, that `end` points to */
    if (end - text < 3 || (*text | 0x20) != 'q' || text[1] != '=' || text[2] != '0') {
        return WHOLE;
    }
    int quality = 0;
    int place = 100;
    for (text += 4; text < end && *text >= '0' && *text <= '9' && place > 0; text++) {
        quality += (*text - '0') * place;
        place /= 10;
    }
    return quality;
}

static bool is_named(const char *name, size_t size, const char *wanted)
{
    return size == strlen(wanted) && strncasecmp(name, wanted, size) == 0;
}

void ph__coding_qualities(const char *field, int ret_qualities[PH__CONTENT_CODINGS])
{
    static const char *const names[PH__CONTENT_CODINGS] = {"br", "gzip", "identity"};
    int others = UNSAID;
    for (int i = 0; i < PH__CONTENT_CODINGS; i++) {
        ret_qualities[i] = UNSAID;
    }
    for (const char *at = field ? field : ""; *(at += strspn(at, " \t,")); at += strcspn(at, ",")) {
        size_t size = strcspn(at, " \t;,");
        int quality = read_quality(at + size, at + strcspn(at, ","));
        if (is_named(at, size, "*")) {
            others = quality;
        }
        for (int i = 0; i < PH__CONTENT_CODINGS; i++) {
            if (is_named(at, size, names[i])) {
                ret_qualities[i] = quality;
            }
        }
    }
    for (int i = 0; i < PH__CONTENT_CODINGS; i++) {
        if (ret_qualities[i] == UNSAID) {
            int unsaid = i == PH__CONTENT_PLAIN ? 1 : 0; /* always taken, but not preferred */
            ret_qualities[i] = others == UNSAID ? unsaid : others;
        }
    }
}
