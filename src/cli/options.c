/* SPDX-License-Identifier: MIT
 *
 * Reading of options.
 */
#include "cli/options.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Compares up to `size` bytes of an argument with a name; '_' counts as '-'. */
static bool is_name(const char *text, size_t size, const char *name)
{
    if (strlen(name) != size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((text[i] == '_' ? '-' : text[i]) != name[i]) {
            return false;
        }
    }
    return true;
}

static const struct ph__option *find(const struct ph__option *options, const char *text,
                                     size_t size)
{
    while (options->name && !is_name(text, size, options->name)) {
        options++;
    }
    return options->name ? options : NULL;
}

/* Takes the option at argv[*at]; moves *at on when the value is an argument of its own. */
static int take_option(const char *command, const struct ph__option *options, int argc, char **argv,
                       int *at, void *user)
{
    char *text = argv[*at] + 2;
    size_t size = strcspn(text, "=");
    const struct ph__option *option =
        strncmp(argv[*at], "--", 2) == 0 ? find(options, text, size) : NULL;
    if (!option) {
        return ph__fail("unknown option '%.*s'; see 'porthole help %s'",
                        (int)strcspn(argv[*at], "="), argv[*at], command);
    }
    const char *value = text[size] == '=' ? text + size + 1 : NULL;
    if (option->kind == PH__ALONE) {
        return value ? ph__fail("option '--%s' takes no value", option->name)
                     : option->take(user, option, NULL);
    }
    if (!value && *at + 1 < argc) {
        value = argv[++*at];
    }
    return value ? option->take(user, option, value)
                 : ph__fail("option '--%s' wants a value; see 'porthole help %s'", option->name,
                            command);
}

int ph__options_read(const char *command, const struct ph__option *options, int argc, char **argv,
                     void *user, int (*word)(void *user, const char *text))
{
    bool words_only = false;
    for (int at = 0; at < argc; at++) {
        char *argument = argv[at];
        int status = 0;
        if (!words_only && strcmp(argument, "--") == 0) {
            words_only = true;
        } else if (!words_only && argument[0] == '-' && argument[1] != '\0') {
            status = take_option(command, options, argc, argv, &at, user);
        } else if (word) {
            status = word(user, argument);
        } else {
            status =
                ph__fail("unexpected argument '%s'; see 'porthole help %s'", argument, command);
        }
        if (status != 0) {
            return status;
        }
    }
    return 0;
}

const struct ph__option *ph__options_find(const struct ph__option *options, const char *name)
{
    return find(options, name, strlen(name));
}

bool ph__options_given(const struct ph__option *options, const struct ph__option *option, int argc,
                       char **argv)
{
    for (int at = 0; at < argc && strcmp(argv[at], "--") != 0; at++) {
        const char *text = argv[at] + 2;
        size_t size = strncmp(argv[at], "--", 2) == 0 ? strcspn(text, "=") : 0;
        const struct ph__option *found = size > 0 ? find(options, text, size) : NULL;
        if (found && found == option) {
            return true;
        }
        at += found && found->kind != PH__ALONE && text[size] != '='; /* over its value */
    }
    return false;
}

int ph__options_number(const char *name, const char *value, unsigned long min, unsigned long max,
                       unsigned long *ret_number)
{
    char *end = NULL;
    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno || number < min || number > max) {
        return ph__fail("option '--%s': '%s' is not accepted; want a whole number from %lu to %lu",
                        name, value, min, max);
    }
    *ret_number = number;
    return 0;
}
