/* SPDX-License-Identifier: MIT
 *
 * porthole doctor: what is wrong with the sockets of this machine, on the terminal.
 */
#include "cli/cli.h"
#include "cli/options.h"

#include <porthole/doctor.h>
#include <porthole/status.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Changes are judged over a second; a watching doctor looks every other second. */
enum { COMPARE_MS = 1050, WATCH_MS = 2000 };

struct request {
    bool all;
    bool watch;
    bool json;
};

static int take_flag(void *user, const struct ph__option *option, const char *value)
{
    (void)value;
    struct request *request = user;
    request->all |= strcmp(option->name, "all") == 0;
    request->watch |= strcmp(option->name, "watch") == 0;
    request->json |= strcmp(option->name, "json") == 0;
    return 0;
}

static const struct ph__option options[] = {
    {"all", PH__ALONE, take_flag},
    {"watch", PH__ALONE, take_flag},
    {"json", PH__ALONE, take_flag},
    {NULL, PH__ALONE, NULL},
};

static void print_finding(const struct ph_finding *finding)
{
    printf("%-8s %s\n         %s\n         %s:", ph_severity_name(finding->severity),
           finding->title, finding->advice, finding->id);
    for (size_t i = 0; i < finding->evidence_count; i++) {
        if (finding->evidence[i].number >= 0) {
            printf(" %s=%.15g", finding->evidence[i].name, finding->evidence[i].number);
        }
    }
    fputs("\n\n", stdout);
}

static bool is_shown(const struct request *request, const struct ph_finding *finding)
{
    return request->all || finding->severity != PH_SEVERITY_INFO;
}

/* Returns how many are warnings or errors. */
static size_t count_wrong(const struct ph_findings *findings)
{
    size_t wrong = 0;
    for (size_t i = 0; i < ph_findings_count(findings); i++) {
        wrong += ph_findings_at(findings, i)->severity != PH_SEVERITY_INFO;
    }
    return wrong;
}

static void print_summary(const struct request *request, const struct ph_findings *findings)
{
    size_t wrong = count_wrong(findings);
    size_t infos = ph_findings_count(findings) - wrong;
    size_t rules = 0;
    const char *reason;
    while (ph_doctor_rule_at(rules)) {
        rules++;
    }
    if (wrong == 0) {
        printf("Nothing is wrong, by %zu rules.", rules);
    } else {
        printf("%zu %s wrong, by %zu rules.", wrong, wrong == 1 ? "thing is" : "things are", rules);
    }
    if (infos > 0 && !request->all) {
        printf(" %zu more to know: --all shows %s.", infos, infos == 1 ? "it" : "them");
    }
    putchar('\n');
    const char *rule;
    for (size_t i = 0; (rule = ph_findings_unavailable(findings, i, &reason)); i++) {
        printf("Not judged: %s: %s.\n", rule, reason);
    }
    if (ph_findings_left_out(findings) > 0) {
        printf("%zu more of the same kinds are left out.\n", ph_findings_left_out(findings));
    }
}

static void print_all(const struct request *request, const struct ph_findings *findings)
{
    for (size_t i = 0; i < ph_findings_count(findings); i++) {
        if (is_shown(request, ph_findings_at(findings, i))) {
            print_finding(ph_findings_at(findings, i));
        }
    }
    print_summary(request, findings);
}

/* ---- watching ---- */

static void print_changes(const struct request *request, const struct ph_findings *before,
                          const struct ph_findings *now)
{
    for (size_t i = 0; i < ph_findings_count(now); i++) {
        const struct ph_finding *finding = ph_findings_at(now, i);
        if (is_shown(request, finding) && !ph_findings_find(before, finding->id)) {
            print_finding(finding);
        }
    }
    for (size_t i = 0; i < ph_findings_count(before); i++) {
        const struct ph_finding *finding = ph_findings_at(before, i);
        if (is_shown(request, finding) && !ph_findings_find(now, finding->id)) {
            printf("%-8s %s\n\n", "cleared", finding->title);
        }
    }
}

/* Goes on until it is stopped, or nobody reads. */
static int watch(struct ph_doctor *doctor, const struct request *request,
                 struct ph_findings *before)
{
    int err = 0;
    while (err == 0) {
        ph__wait_ms(WATCH_MS);
        struct ph_findings *now = NULL;
        err = ph_doctor_look(doctor, 0, &now, NULL);
        if (err == 0 && request->json) {
            err = ph_status_findings(now, ph__output_write, NULL);
        } else if (err == 0) {
            print_changes(request, before, now);
        }
        if (err == 0 && fflush(stdout) != 0) {
            err = errno ? -errno : -EIO;
        }
        ph_findings_unref(before);
        before = now;
    }
    ph_findings_unref(before);
    return err;
}

/* Looks twice, so that what changes is seen. */
static int examine(struct ph_doctor *doctor, const struct request *request, size_t *ret_wrong)
{
    struct ph_findings *findings = NULL;
    int err = ph_doctor_look(doctor, 0, &findings, NULL);
    ph_findings_unref(findings);
    if (err < 0) {
        return err;
    }
    ph__wait_ms(COMPARE_MS);
    err = ph_doctor_look(doctor, 0, &findings, NULL);
    if (err < 0) {
        return err;
    }
    *ret_wrong = count_wrong(findings);
    if (request->json) {
        err = ph_status_findings(findings, ph__output_write, NULL);
    } else {
        print_all(request, findings);
    }
    if (err == 0 && request->watch && fflush(stdout) == 0) {
        return watch(doctor, request, findings);
    }
    ph_findings_unref(findings);
    return err;
}

static int run(int argc, char **argv)
{
    struct request request = {.all = false};
    int status = ph__options_read("doctor", options, argc, argv, &request, NULL);
    if (status) {
        return status;
    }
    struct ph_sockets *sockets = NULL;
    struct ph_doctor *doctor = NULL;
    size_t wrong = 0;
    int err = ph_sockets_new(&sockets, NULL);
    err = err ? err : ph_doctor_new(&doctor, sockets);
    err = err ? err : examine(doctor, &request, &wrong);
    ph_doctor_free(doctor);
    ph_sockets_free(sockets);
    if (err < 0 && err != -EPIPE) {
        return ph__fail("cannot examine the sockets: %s", ph_strerror(err));
    }
    status = ph__output_finish(err);
    return status == PH__EXIT_OK && wrong > 0 ? PH__EXIT_FOUND : status;
}

const struct ph__command ph__doctor_command = {
    .name = "doctor",
    .summary = "Says what is wrong with this machine's sockets, and what to do",
    .help = "usage: porthole doctor [OPTION]...\n\n"
            "Looks at all sockets twice, a second apart, and tells what is wrong: with numbers,\n"
            "and what to do about it. Exits with 1 when there is a warning or an error, else with "
            "0.\n\n"
            "Options:\n"
            "  --all      also what is good to know, and nothing wrong\n"
            "  --watch    go on looking, and tell what comes and goes\n"
            "  --json     print what the API answers, with --watch after each look\n",
    .run = run,
};
