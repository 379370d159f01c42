/* SPDX-License-Identifier: MIT
 *
 * The names of verdicts, from the maps of the public header.
 */
#include <porthole/doctor.h>

#define NAME(constant, text) [constant] = (text),

#define DEFINE_NAMES(kind, MAP, count)                                                \
    static const char *const kind##_names[] = {MAP(NAME)};                            \
    const char *ph_##kind##_name(enum ph_##kind value)                                \
    {                                                                                 \
        return (unsigned)value < (count) ? kind##_names[(unsigned)value] : "unknown"; \
    }

DEFINE_NAMES(bind, PH_BIND_MAP, PH_BIND_COUNT)
DEFINE_NAMES(reach, PH_REACH_MAP, PH_REACH_COUNT)
DEFINE_NAMES(severity, PH_SEVERITY_MAP, PH_SEVERITY_COUNT)
DEFINE_NAMES(subject, PH_SUBJECT_MAP, PH_SUBJECT_COUNT)
