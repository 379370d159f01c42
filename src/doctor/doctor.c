/* SPDX-License-Identifier: MIT
 *
 * The doctor: takes looks, has the rules judge them, and remembers.
 */
#include "doctor/gather.h"
#include "doctor/say.h"

#include "sockets/files.h"
#include "sockets/observer.h"
#include "sockets/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A look is compared with one at least so long ago, and not longer. */
enum { COMPARED_LEAST_US = 1000000, COMPARED_MOST_US = 600 * 1000000 };

/* Since when a finding has been seen. */
struct since {
    char *id; /* owned */
    uint64_t unix_ms;
};

struct ph_doctor {
    struct ph_sockets *sockets;
    pthread_mutex_t lock; /* guards all below, and is held while he looks */
    double thresholds[PH__THRESHOLDS];
    char **silenced; /* owned; ends in NULL */
    size_t silenced_count;
    /* The last look; the one that becomes what is compared with once it is a second old; and the
     * one that is compared with meanwhile. */
    struct ph__memory *last, *next, *base;
    struct since *since; /* by id */
    size_t since_count;
    struct ph_findings *findings; /* of the last look; a reference */
};

int ph_doctor_new(struct ph_doctor **ret_doctor, struct ph_sockets *sockets)
{
    struct ph_doctor *doctor = calloc(1, sizeof *doctor);
    char **silenced = calloc(1, sizeof *silenced);
    if (!doctor || !silenced || pthread_mutex_init(&doctor->lock, NULL)) {
        free(doctor);
        free(silenced);
        return -ENOMEM;
    }
    doctor->sockets = sockets;
    doctor->silenced = silenced;
    for (size_t i = 0; i < PH__THRESHOLDS; i++) {
        doctor->thresholds[i] = ph_doctor_threshold_at(i)->value;
    }
    *ret_doctor = doctor;
    return 0;
}

static void forget_since(struct since *since, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(since[i].id);
    }
    free(since);
}

void ph_doctor_free(struct ph_doctor *doctor)
{
    if (!doctor) {
        return;
    }
    for (size_t i = 0; i < doctor->silenced_count; i++) {
        free(doctor->silenced[i]);
    }
    free(doctor->silenced);
    ph__memory_unref(doctor->last);
    ph__memory_unref(doctor->next);
    ph__memory_unref(doctor->base);
    forget_since(doctor->since, doctor->since_count);
    ph_findings_unref(doctor->findings);
    pthread_mutex_destroy(&doctor->lock);
    free(doctor);
}

int ph_doctor_threshold(struct ph_doctor *doctor, const char *name, double value)
{
    if (!isfinite(value) || value < 0) {
        return -EINVAL;
    }
    for (size_t i = 0; i < PH__THRESHOLDS; i++) {
        if (strcmp(ph_doctor_threshold_at(i)->name, name) == 0) {
            doctor->thresholds[i] = value;
            return 0;
        }
    }
    return -ENOENT;
}

static bool names_a_rule(const char *rule_or_id)
{
    size_t size = strcspn(rule_or_id, ":");
    for (size_t i = 0; i < ph__rule_count; i++) {
        const char *name = ph__rules[i].shown.name;
        if (strlen(name) == size && memcmp(name, rule_or_id, size) == 0) {
            return true;
        }
    }
    return false;
}

int ph_doctor_silence(struct ph_doctor *doctor, const char *rule_or_id)
{
    if (!names_a_rule(rule_or_id)) {
        return -EINVAL;
    }
    char **grown = realloc(doctor->silenced, (doctor->silenced_count + 2) * sizeof *grown);
    if (!grown) {
        return -ENOMEM;
    }
    doctor->silenced = grown;
    grown[doctor->silenced_count] = strdup(rule_or_id);
    if (!grown[doctor->silenced_count]) {
        return -ENOMEM;
    }
    grown[++doctor->silenced_count] = NULL;
    return 0;
}

/* ---- since when ---- */

static int compare_since(const void *a, const void *b)
{
    return strcmp(((const struct since *)a)->id, ((const struct since *)b)->id);
}

static uint64_t since_of(const struct ph_doctor *doctor, const char *id, uint64_t now_ms)
{
    struct since wanted = {.id = (char *)(uintptr_t)id};
    const struct since *found =
        doctor->since_count
            ? bsearch(&wanted, doctor->since, doctor->since_count, sizeof wanted, compare_since)
            : NULL;
    return found ? found->unix_ms : now_ms;
}

/* Notes since when each finding has been there, and forgets those that are gone. */
static int note_since(struct ph_doctor *doctor, struct ph_findings *findings)
{
    uint64_t now_ms = findings->taken_unix_ms;
    struct since *since = calloc(findings->count ? findings->count : 1, sizeof *since);
    if (!since) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < findings->count; i++) {
        struct ph_finding *finding = findings->items[i];
        finding->since_unix_ms = since_of(doctor, finding->id, now_ms);
        since[i] = (struct since){strdup(finding->id), finding->since_unix_ms};
        if (!since[i].id) {
            forget_since(since, i);
            return -ENOMEM;
        }
    }
    qsort(since, findings->count, sizeof *since, compare_since);
    forget_since(doctor->since, doctor->since_count);
    doctor->since = since;
    doctor->since_count = findings->count;
    return 0;
}

/* ---- looking ---- */

/* What is gathered beside the snapshot; freed after the rules have judged. */
struct gathered {
    struct ph__look look;
    struct ph_ports *ports;
    struct ph_processes *processes;
    struct ph__unix_path *paths;
};

static int gather(struct ph_doctor *doctor, struct ph_snapshot *snapshot, struct gathered *ret)
{
    int proc = ph__files_open_folder(AT_FDCWD, ph__sockets_proc_root(doctor->sockets));
    ph__gather_settings(proc, &ret->look.settings);
    if (proc >= 0) {
        close(proc);
    }
    ph_sockets_counters(doctor->sockets, &ret->look.counters);
    int err = ph_ports_new(&ret->ports, snapshot);
    err = err ? err : ph_processes_new(&ret->processes, snapshot);
    err = err ? err : ph__gather_paths(snapshot, &ret->paths, &ret->look.path_count);
    ret->look.snapshot = snapshot;
    ret->look.ports = ret->ports;
    ret->look.processes = ret->processes;
    ret->look.paths = ret->paths;
    ret->look.own_pid = getpid();
    memcpy(ret->look.thresholds, doctor->thresholds, sizeof doctor->thresholds);
    return err;
}

static void release(struct gathered *gathered)
{
    ph_ports_free(gathered->ports);
    ph_processes_free(gathered->processes);
    free(gathered->paths);
}

static struct ph_findings *new_findings(const struct ph_doctor *doctor,
                                        const struct ph_snapshot *snapshot)
{
    struct ph_findings *findings = calloc(1, sizeof *findings);
    if (findings) {
        atomic_init(&findings->references, 1);
        findings->sequence = snapshot->sequence;
        findings->taken_unix_ms = snapshot->taken_unix_ms;
        findings->taken_us = snapshot->taken_us;
        findings->silenced = (const char *const *)doctor->silenced;
    }
    return findings;
}

static bool is_comparable(const struct ph__memory *memory, uint64_t now_us)
{
    uint64_t ago_us = memory ? now_us - memory->taken_us : 0;
    return ago_us >= COMPARED_LEAST_US && ago_us <= COMPARED_MOST_US;
}

static const struct ph__memory *comparable(const struct ph_doctor *doctor, uint64_t now_us)
{
    return is_comparable(doctor->next, now_us)   ? doctor->next
           : is_comparable(doctor->base, now_us) ? doctor->base
                                                 : NULL;
}

/* Takes the look over. However often he looks, there is soon one that is a second old. */
static void remember(struct ph_doctor *doctor, struct ph__memory *now)
{
    if (!doctor->next || now->taken_us - doctor->next->taken_us >= COMPARED_LEAST_US) {
        ph__memory_unref(doctor->base);
        doctor->base = doctor->next;
        doctor->next = ph__memory_ref(now);
    }
    ph__memory_unref(doctor->last);
    doctor->last = now;
}

static int judge(struct ph_doctor *doctor, struct ph_snapshot *snapshot, struct gathered *gathered,
                 struct ph_findings **ret_findings)
{
    uint64_t now_us = snapshot->taken_us;
    struct ph__memory *now =
        ph__memory_new(snapshot, &gathered->look.counters, now_us, doctor->last);
    struct ph_findings *findings = now ? new_findings(doctor, snapshot) : NULL;
    if (!findings) {
        ph__memory_unref(now);
        return -ENOMEM;
    }
    gathered->look.now = now;
    gathered->look.before = comparable(doctor, now_us);
    ph__rules_judge(&gathered->look, findings);
    if (findings->failed || note_since(doctor, findings) < 0) {
        ph__memory_unref(now);
        ph_findings_unref(findings);
        return -ENOMEM;
    }
    ph__findings_sort(findings);
    remember(doctor, now);
    *ret_findings = findings;
    return 0;
}

static int look(struct ph_doctor *doctor, struct ph_snapshot *snapshot)
{
    struct gathered gathered = {.ports = NULL};
    struct ph_findings *findings = NULL;
    int err = gather(doctor, snapshot, &gathered);
    err = err ? err : judge(doctor, snapshot, &gathered, &findings);
    release(&gathered);
    if (err == 0) {
        ph_findings_unref(doctor->findings);
        doctor->findings = findings;
    }
    return err;
}

int ph_doctor_look(struct ph_doctor *doctor, unsigned max_age_ms, struct ph_findings **ret_findings,
                   struct ph_snapshot **ret_snapshot)
{
    struct ph_snapshot *snapshot = NULL;
    int err = ph_sockets_snapshot(doctor->sockets, max_age_ms, &snapshot);
    err = err ? err : ph_snapshot_owners(snapshot);
    if (err < 0) {
        ph_snapshot_unref(snapshot);
        return err;
    }
    pthread_mutex_lock(&doctor->lock);
    if (!doctor->findings || doctor->findings->sequence != snapshot->sequence) {
        err = look(doctor, snapshot);
    }
    if (err == 0) {
        atomic_fetch_add(&doctor->findings->references, 1);
        *ret_findings = doctor->findings;
    }
    pthread_mutex_unlock(&doctor->lock);
    if (err == 0 && ret_snapshot) {
        *ret_snapshot = snapshot;
    } else {
        ph_snapshot_unref(snapshot);
    }
    return err;
}
