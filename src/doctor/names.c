/* SPDX-License-Identifier: MIT
 *
 * The names of verdicts, from the maps of the public header.
 */
#include <porthole/doctor.h>
#include <porthole/probe.h>

#define NAME(constant, text) [constant] = (text),

#define DEFINE_NAMES(kind, type, MAP, count)                                          \
    static const char *const kind##_names[] = {MAP(NAME)};                            \
    const char *ph_##kind##_name(enum type value)                                     \
    {                                                                                 \
        return (unsigned)value < (count) ? kind##_names[(unsigned)value] : "unknown"; \
    }

DEFINE_NAMES(bind, ph_bind, PH_BIND_MAP, PH_BIND_COUNT)
DEFINE_NAMES(reach, ph_reach, PH_REACH_MAP, PH_REACH_COUNT)
DEFINE_NAMES(severity, ph_severity, PH_SEVERITY_MAP, PH_SEVERITY_COUNT)
DEFINE_NAMES(probe, ph_probe_result, PH_PROBE_MAP, PH_PROBE_COUNT)
DEFINE_NAMES(subject, ph_subject, PH_SUBJECT_MAP, PH_SUBJECT_COUNT)
