/* SPDX-License-Identifier: MIT
 *
 * Certificates by OpenSSL.
 */
#include "support/certificate.h"

#include "support/cmocka.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>

static FILE *open_file(const char *folder, const char *name, const char *ending, const char *mode)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.%s", folder, name, ending);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static EVP_PKEY *read_key(const char *folder, const char *name)
{
    FILE *file = open_file(folder, name, "key", "re");
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
    assert_non_null(key);
    return key;
}

static void set_names(X509 *certificate, const char *name, const char *issuer)
{
    static long serial = 1;
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME *authority = X509_NAME_new();
    assert_non_null(authority);
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)name, -1, -1, 0),
                     1);
    assert_int_equal(X509_NAME_add_entry_by_txt(authority, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)issuer, -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(certificate, authority), 1);
    X509_NAME_free(authority);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
}

static void add_extension(X509 *certificate, int id, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, id, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void certificate_make(const char *folder, const char *name, const char *issuer)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    EVP_PKEY *signing = issuer ? read_key(folder, issuer) : key;
    X509 *certificate = X509_new();
    assert_non_null(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    set_names(certificate, name, issuer ? issuer : name);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_set_pubkey(certificate, key);
    add_extension(certificate, NID_basic_constraints, issuer ? "CA:FALSE" : "CA:TRUE");
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    assert_true(X509_sign(certificate, signing, EVP_sha256()) > 0);

    FILE *file = open_file(folder, name, "pem", "we");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    assert_int_equal(fclose(file), 0);
    file = open_file(folder, name, "key", "we");
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(file), 0);
    X509_free(certificate);
    if (signing != key) {
        EVP_PKEY_free(signing);
    }
    EVP_PKEY_free(key);
}
