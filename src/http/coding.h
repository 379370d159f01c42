/* SPDX-License-Identifier: MIT
 *
 * Which codings of a content a client takes: Accept-Encoding (RFC 9110 section 12.5.3).
 */
#ifndef PORTHOLE_HTTP_CODING_H
#define PORTHOLE_HTTP_CODING_H

/* Most wanted first, where a client likes them equally. */
enum ph__content_coding {
    PH__CONTENT_BR,
    PH__CONTENT_GZIP,
    PH__CONTENT_PLAIN,
    PH__CONTENT_CODINGS
};

/* How much a client likes each, 0 to 1000; 0: it does not take it. `field` NULL: plain alone. */
void ph__coding_qualities(const char *field, int ret_qualities[PH__CONTENT_CODINGS]);

#endif
