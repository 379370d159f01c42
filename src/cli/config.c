/* SPDX-License-Identifier: MIT
 *
 * Files of options, by cJSON. It takes more than JSON, names that come twice, and a NUL written as
 * \u0000: these are looked for before.
 */
#include "cli/config.h"

#include "cli/cli.h"

#include <porthole/json.h>

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, NUMBER_TEXT = 32 };

/* Doubles hold whole numbers up to here. */
#define WHOLE_MAX 9007199254740992.0

struct ph__config {
    cJSON *root;
    char *numbers; /* NUMBER_TEXT bytes for each member of the root */
};

void ph__config_free(struct ph__config *config)
{
    if (config) {
        cJSON_Delete(config->root);
        free(config->numbers);
        free(config);
    }
}

/* ---- the file ---- */

/* Reads all of it, and ends it with a NUL. Returns its size, or -1 once the error is told. */
static long read_text(const char *path, char *text)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        return ph__fail("cannot read it: %s", ph_strerror(errno)), -1;
    }
    errno = 0;
    size_t size = fread(text, 1, FILE_MAX + 1, file);
    int err = ferror(file) ? errno : 0;
    (void)fclose(file); /* only read from */
    if (err) {
        return ph__fail("cannot read it: %s", ph_strerror(err)), -1;
    }
    if (size > FILE_MAX) {
        return ph__fail("it is longer than %d bytes", FILE_MAX), -1;
    }
    text[size] = '\0';
    return (long)size;
}

static int parse(struct ph__config *config, const char *text, size_t size)
{
    struct ph_json_error error;
    if (ph_json_check(text, size, 0, &error) < 0) {
        (void)ph__fail("malformed JSON at line %u, column %u: %s", error.line, error.column,
                       error.wrong);
        return PH__EXIT_WRONG;
    }
    if (strstr(text, "\\u0000")) {
        (void)ph__fail("a text has a NUL in it, \\u0000, which would hide the rest");
        return PH__EXIT_WRONG;
    }
    config->root = cJSON_ParseWithLength(text, size);
    if (!cJSON_IsObject(config->root)) {
        (void)ph__fail("want one JSON object, {\"OPTION\": VALUE, …}");
        return PH__EXIT_WRONG;
    }
    size_t count = (size_t)cJSON_GetArraySize(config->root);
    config->numbers = calloc(count + 1, NUMBER_TEXT);
    return config->numbers ? 0 : ph__fail("cannot read it: %s", ph_strerror(-ENOMEM));
}

static int load(struct ph__config *config, const char *path)
{
    char *text = malloc(FILE_MAX + 2);
    if (!text) {
        (void)ph__fail("cannot read it: %s", ph_strerror(-ENOMEM));
        return PH__EXIT_WRONG;
    }
    long size = read_text(path, text);
    int status = size < 0 ? PH__EXIT_WRONG : parse(config, text, (size_t)size);
    free(text);
    return status;
}

/* ---- its options ---- */

static int take_list(const struct ph__option *option, const cJSON *value, void *user)
{
    const cJSON *item = NULL;
    int status = 0;
    cJSON_ArrayForEach(item, value)
    {
        if (!cJSON_IsString(item)) {
            return ph__fail("\"%s\" wants a text, or a list of texts", option->name);
        }
        status = status ? status : option->take(user, option, item->valuestring);
    }
    return status;
}

/* Has an option taken, whose value is of one of the kinds that it may have. */
static int take(const struct ph__option *option, const cJSON *value, char *number, void *user)
{
    switch (option->kind) {
    case PH__ALONE:
        if (!cJSON_IsBool(value)) {
            return ph__fail("\"%s\" wants true or false", option->name);
        }
        return cJSON_IsTrue(value) ? option->take(user, option, NULL) : 0;
    case PH__NUMBER:
        if (!cJSON_IsNumber(value) || !(fabs(value->valuedouble) < WHOLE_MAX) ||
            value->valuedouble != floor(value->valuedouble)) {
            return ph__fail("\"%s\" wants a whole number", option->name);
        }
        snprintf(number, NUMBER_TEXT, "%.0f", value->valuedouble);
        return option->take(user, option, number);
    case PH__LIST:
        if (cJSON_IsArray(value)) {
            return take_list(option, value, user);
        }
        break;
    case PH__TEXT:
    case PH__FILE:
        break;
    }
    if (!cJSON_IsString(value)) {
        return ph__fail("\"%s\" wants a text%s", option->name,
                        option->kind == PH__LIST ? ", or a list of texts" : "");
    }
    return option->take(user, option, value->valuestring);
}

/* Whether an earlier member of the object has the same option. */
static bool comes_again(const cJSON *root, const struct ph__option *options, const cJSON *member)
{
    const cJSON *earlier = root->child;
    while (earlier != member && ph__options_find(options, earlier->string) !=
                                    ph__options_find(options, member->string)) {
        earlier = earlier->next;
    }
    return earlier != member;
}

static int take_all(const struct ph__config *config, const struct ph__option *options, int argc,
                    char **argv, void *user)
{
    char *number = config->numbers;
    for (const cJSON *member = config->root->child; member; member = member->next) {
        const struct ph__option *option = ph__options_find(options, member->string);
        if (!option || option->kind == PH__FILE) {
            return ph__fail("unknown option \"%s\"; see 'porthole help serve'", member->string);
        }
        if (comes_again(config->root, options, member)) {
            return ph__fail("\"%s\" comes more than once", option->name);
        }
        bool given = ph__options_given(options, option, argc, argv);
        int status = given ? 0 : take(option, member, number, user);
        if (status) {
            return status;
        }
        number += NUMBER_TEXT;
    }
    return 0;
}

int ph__config_read(struct ph__config **ret_config, const char *path,
                    const struct ph__option *options, int argc, char **argv, void *user)
{
    int status = PH__EXIT_WRONG;
    ph__fail_in_file(path);
    struct ph__config *config = calloc(1, sizeof *config);
    if (config) {
        *ret_config = config;
        status = load(config, path);
        status = status ? status : take_all(config, options, argc, argv, user);
    } else {
        (void)ph__fail("cannot read it: %s", ph_strerror(-ENOMEM));
    }
    ph__fail_in_file(NULL);
    return status;
}
