/* SPDX-License-Identifier: MIT
 *
 * Texts for error codes, and the version.
 */
#include <porthole/error.h>

#include <string.h>

const char *ph_strerror(int error)
{
    int code = error > 0 ? -error : error;
    switch (code) {
    case 0:
        return "success";
#define ERROR_CASE(name, value, message) \
    case value:                          \
        return message;
        PH_ERROR_MAP(ERROR_CASE)
#undef ERROR_CASE
    default:
        break;
    }
#ifdef __GLIBC__
    /* strerror() may write to a static buffer; this table is constant. */
    const char *text = code > -4096 ? strerrordesc_np(-code) : NULL;
#else
    const char *text = code > -4096 ? strerror(-code) : NULL;
#endif
    return text ? text : "unknown error";
}

const char *ph_version(void)
{
    return PH_VERSION;
}
