/* SPDX-License-Identifier: MIT
 *
 * The names of protocols, states and so on, from the maps of the public header.
 */
#include <porthole/details.h>

static const char *name_of(const char *const *names, unsigned count, unsigned number)
{
    return number < count ? names[number] : "unknown";
}

#define NAME(constant, text) [constant] = (text),

/* One table and one lookup for each map. */
#define DEFINE_NAMES(kind, MAP, count)                        \
    static const char *const kind##_names[] = {MAP(NAME)};    \
    const char *ph_##kind##_name(enum ph_##kind value)        \
    {                                                         \
        return name_of(kind##_names, count, (unsigned)value); \
    }

DEFINE_NAMES(protocol, PH_PROTOCOL_MAP, PH_PROTOCOL_COUNT)
DEFINE_NAMES(family, PH_FAMILY_MAP, PH_FAMILY_COUNT)
DEFINE_NAMES(state, PH_STATE_MAP, PH_STATE_COUNT)
DEFINE_NAMES(direction, PH_DIRECTION_MAP, PH_DIRECTION_COUNT)
DEFINE_NAMES(scope, PH_SCOPE_MAP, PH_SCOPE_COUNT)
DEFINE_NAMES(owner_unknown, PH_OWNER_UNKNOWN_MAP, PH_OWNER_UNKNOWN_COUNT)
DEFINE_NAMES(timer, PH_TIMER_MAP, PH_TIMER_COUNT)
DEFINE_NAMES(source, PH_SOURCE_MAP, PH_SOURCE_COUNT)

struct detail_text {
    enum ph_detail_kind kind;
    const char *name;
    const char *ss_name;
    const char *description;
};

#define DETAIL(constant, kind, name, ss_name, description) \
    [constant] = {PH_DETAIL_##kind, name, ss_name, description},

static const struct detail_text details[] = {PH_DETAIL_MAP(DETAIL)};

enum ph_detail_kind ph_detail_kind(enum ph_detail detail)
{
    return details[detail].kind;
}

const char *ph_detail_name(enum ph_detail detail)
{
    return details[detail].name;
}

const char *ph_detail_ss_name(enum ph_detail detail)
{
    return details[detail].ss_name;
}

const char *ph_detail_description(enum ph_detail detail)
{
    return details[detail].description;
}
