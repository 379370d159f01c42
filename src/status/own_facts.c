/* SPDX-License-Identifier: MIT
 *
 * The program's own sections and metrics.
 */
#include "status/own_facts.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_SIZE = 100, FACTS_MAX = 1000 };

const char ph__facts_key;

void ph__facts_free(struct ph__facts *facts)
{
    if (!facts) {
        return;
    }
    for (size_t i = 0; i < facts->section_count; i++) {
        free(facts->sections[i].name);
    }
    for (size_t i = 0; i < facts->metric_count; i++) {
        free(facts->metrics[i].name);
        free(facts->metrics[i].help);
    }
    free(facts->sections);
    free(facts->metrics);
    free(facts);
}

/* The facts of a server that may still be added to. */
static int find_facts(struct ph_server *server, struct ph__facts **ret_facts)
{
    struct ph__facts *facts = ph_server_get(server, &ph__facts_key);
    if (!facts) {
        return -ENOENT;
    }
    *ret_facts = facts;
    return ph_server_set(server, &ph__facts_key, facts); /* says so once it is started */
}

static bool is_section_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    size_t size = strlen(name);
    return size > 0 && size <= NAME_MAX_SIZE && strspn(name, letters) == size;
}

static bool has_section(const struct ph__facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->section_count; i++) {
        if (strcmp(facts->sections[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

int ph_status_section(struct ph_server *server, const char *name, ph_status_write write, void *user)
{
    struct ph__facts *facts;
    int err = find_facts(server, &facts);
    if (err < 0) {
        return err;
    }
    if (!is_section_name(name) || facts->section_count == FACTS_MAX) {
        return -EINVAL;
    }
    if (has_section(facts, name)) {
        return -EEXIST;
    }
    struct ph__section *grown =
        realloc(facts->sections, (facts->section_count + 1) * sizeof *grown);
    if (!grown) {
        return -ENOMEM;
    }
    facts->sections = grown;
    struct ph__section *section = &grown[facts->section_count];
    *section = (struct ph__section){strdup(name), write, user};
    if (!section->name) {
        return -ENOMEM;
    }
    facts->section_count++;
    return 0;
}

static bool ends_in_total(const char *name)
{
    static const char total[] = "_total";
    size_t size = strlen(name);
    return size >= sizeof total && strcmp(name + size - (sizeof total - 1), total) == 0;
}

static bool may_be(const char *name, enum ph__metric metric)
{
    return strlen(name) <= NAME_MAX_SIZE && ph__exposition_is_name(name) &&
           strncmp(name, "porthole_", 9) != 0 &&
           ends_in_total(name) == (metric == PH__METRIC_COUNTER);
}

static bool has_metric(const struct ph__facts *facts, const char *name)
{
    for (size_t i = 0; i < facts->metric_count; i++) {
        if (strcmp(facts->metrics[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static int add_metric(struct ph_server *server, const struct ph__own_metric *wanted)
{
    struct ph__facts *facts;
    int err = find_facts(server, &facts);
    if (err < 0) {
        return err;
    }
    if (!may_be(wanted->name, wanted->metric) || !wanted->help[0] ||
        facts->metric_count == FACTS_MAX) {
        return -EINVAL;
    }
    if (has_metric(facts, wanted->name)) {
        return -EEXIST;
    }
    struct ph__own_metric *grown =
        realloc(facts->metrics, (facts->metric_count + 1) * sizeof *grown);
    if (!grown) {
        return -ENOMEM;
    }
    facts->metrics = grown;
    struct ph__own_metric metric = *wanted;
    metric.name = strdup(wanted->name);
    metric.help = strdup(wanted->help);
    if (!metric.name || !metric.help) {
        free(metric.name);
        free(metric.help);
        return -ENOMEM;
    }
    grown[facts->metric_count++] = metric;
    return 0;
}

int ph_status_gauge(struct ph_server *server, const char *name, const char *help,
                    ph_status_read read, void *user)
{
    const struct ph__own_metric metric = {(char *)(uintptr_t)name, (char *)(uintptr_t)help,
                                          PH__METRIC_GAUGE, read, user};
    return add_metric(server, &metric);
}

int ph_status_counter(struct ph_server *server, const char *name, const char *help,
                      ph_status_read read, void *user)
{
    const struct ph__own_metric metric = {(char *)(uintptr_t)name, (char *)(uintptr_t)help,
                                          PH__METRIC_COUNTER, read, user};
    return add_metric(server, &metric);
}

/* ---- what a section says ---- */

void ph_status_put_text(struct ph_status_object *object, const char *name, const char *text)
{
    ph__json_text(object->json, name, text);
}

void ph_status_put_bool(struct ph_status_object *object, const char *name, bool flag)
{
    ph__json_bool(object->json, name, flag);
}

void ph_status_put_number(struct ph_status_object *object, const char *name, double number)
{
    if (isfinite(number)) {
        ph__json_number(object->json, name, number);
    } else {
        ph__json_null(object->json, name);
    }
}

/* ---- writing ---- */

void ph__facts_write_sections(const struct ph__facts *facts, struct ph__json *json)
{
    ph__json_begin_object(json, "sections");
    for (size_t i = 0; i < facts->section_count; i++) {
        const struct ph__section *section = &facts->sections[i];
        ph__json_begin_object(json, section->name);
        section->write(section->user, &(struct ph_status_object){json});
        ph__json_end(json);
    }
    ph__json_end(json);
}

void ph__facts_write_metrics(const struct ph__facts *facts, struct ph__exposition *exposition)
{
    for (size_t i = 0; i < facts->metric_count; i++) {
        const struct ph__own_metric *own = &facts->metrics[i];
        ph__exposition_family(exposition, own->name, own->metric, own->help);
        ph__exposition_begin(exposition, "");
        ph__exposition_number(exposition, own->read(own->user));
    }
}
