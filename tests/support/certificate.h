/* SPDX-License-Identifier: MIT
 *
 * Certificates for tests, made when they are needed: they never expire, and no key lies about.
 */
#ifndef PORTHOLE_TESTS_CERTIFICATE_H
#define PORTHOLE_TESTS_CERTIFICATE_H

/*
 * Writes FOLDER/NAME.pem and FOLDER/NAME.key: a certificate for CN=NAME, and the key that belongs
 * to it.
 *
 * @param issuer  NAME of one made before, who signs it and can be the authority; NULL: itself.
 */
void certificate_make(const char *folder, const char *name, const char *issuer);

#endif
