/* SPDX-License-Identifier: MIT
 *
 * Fuzzes multipart bodies: at once and in pieces the parts are the same, and so is the error.
 */
#include "fuzz/fuzz.h"

#include <porthole/form.h>

#include <string.h>

/* What was told: marks between parts, and their data. */
struct told {
    char text[3 * FUZZ_MAX];
    size_t size;
    int open; /* parts that have begun and not ended: 0 or 1 */
};

static void note(struct told *told, const void *bytes, size_t size)
{
    REQUIRE(told->size + size <= sizeof told->text);
    memcpy(told->text + told->size, bytes, size);
    told->size += size;
}

static int begin(void *user, const struct ph_part *part)
{
    struct told *told = user;
    REQUIRE(told->open++ == 0);
    REQUIRE(part->name && part->content_type);
    note(told, part->name, strlen(part->name) + 1);
    return 0;
}

static int take_data(void *user, const void *bytes, size_t size)
{
    REQUIRE(((struct told *)user)->open == 1 && size > 0);
    note(user, bytes, size);
    return 0;
}

static int end(void *user)
{
    REQUIRE(--((struct told *)user)->open == 0);
    note(user, "\r\n--", 4);
    return 0;
}

/* The parts of a body; `whole`: in one call, else in pieces that the body chooses itself. */
static int take(struct told *told, const uint8_t *body, size_t size, int whole)
{
    static const struct ph_multipart_handler handler = {begin, take_data, end};
    struct ph_multipart *multipart;
    told->size = 0;
    told->open = 0;
    REQUIRE(ph_multipart_new(&multipart, "multipart/form-data; boundary=b", &handler, told) == 0);
    int err = 0;
    for (size_t at = 0; err == 0 && at < size;) {
        size_t piece = whole ? size : fuzz_piece(body, size, at);
        err = ph_multipart_feed(multipart, body + at, piece);
        at += piece;
    }
    int final = ph_multipart_finish(multipart);
    REQUIRE(err == 0 || final == err);
    REQUIRE((final == 0 || final == PH_ERR_FORM || final == PH_ERR_LIMIT));
    REQUIRE((final == 0) == (ph_multipart_wrong(multipart)[0] == '\0'));
    ph_multipart_free(multipart);
    return final;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct told at_once;
    static struct told in_pieces;
    if (size > FUZZ_MAX) {
        return 0;
    }
    REQUIRE(take(&at_once, data, size, 1) == take(&in_pieces, data, size, 0));
    REQUIRE(at_once.size == in_pieces.size);
    REQUIRE(memcmp(at_once.text, in_pieces.text, at_once.size) == 0);
    return 0;
}
