/* SPDX-License-Identifier: MIT
 *
 * Findings: what is told, what is left out, in which order, and a doctor without memory.
 */
#include "doctor/findings.h"
#include "doctor/rules.h"

#include "support/allocations.h"
#include "support/cmocka.h"
#include "unit/sockets/support.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct ph_findings *make(void)
{
    struct ph_findings *findings = calloc(1, sizeof *findings);
    assert_non_null(findings);
    atomic_init(&findings->references, 1);
    findings->rule = "rule";
    findings->source = "source";
    return findings;
}

static void test_add_then_id_is_rule_and_key(void **state)
{
    (void)state;
    struct ph_findings *findings = make();
    struct ph_finding *finding = ph__findings_add(findings, PH_SEVERITY_INFO, "tcp:%u", 80);
    assert_string_equal(finding->id, "rule:tcp:80");
    assert_string_equal(finding->rule, "rule");
    assert_string_equal(finding->source, "source");
    assert_int_equal(finding->subject, PH_SUBJECT_MACHINE);
    for (int i = 0; i < PH_EVIDENCE_MAX + 1; i++) {
        ph__findings_evidence(finding, "n", i);
    }
    assert_int_equal(finding->evidence_count, PH_EVIDENCE_MAX);
    assert_int_equal(ph_findings_count(findings), 1);
    assert_ptr_equal(ph_findings_at(findings, 0), finding);
    assert_null(ph_findings_at(findings, 1));
    ph_findings_unref(findings);
}

static void test_add_when_silenced_then_not_told(void **state)
{
    (void)state;
    static const char *const silenced[] = {"quiet", "rule:tcp:80", NULL};
    struct ph_findings *findings = make();
    findings->silenced = silenced;
    assert_null(ph__findings_add(findings, PH_SEVERITY_ERROR, "tcp:80"));
    assert_non_null(ph__findings_add(findings, PH_SEVERITY_ERROR, "tcp:81"));
    findings->rule = "quiet";
    assert_null(ph__findings_add(findings, PH_SEVERITY_ERROR, "tcp:81"));
    assert_int_equal(ph_findings_count(findings), 1);
    assert_int_equal(ph_findings_left_out(findings), 0);
    ph_findings_unref(findings);
}

static void test_add_when_too_many_of_a_rule_then_counted(void **state)
{
    (void)state;
    struct ph_findings *findings = make();
    for (int i = 0; i < PH__FINDINGS_OF_A_RULE + 7; i++) {
        ph__findings_add(findings, PH_SEVERITY_INFO, "%d", i);
    }
    assert_int_equal(ph_findings_count(findings), PH__FINDINGS_OF_A_RULE);
    assert_int_equal(ph_findings_left_out(findings), 7);
    ph_findings_unref(findings);
}

static void test_find_when_there_or_not(void **state)
{
    (void)state;
    struct ph_findings *findings = make();
    const struct ph_finding *added = ph__findings_add(findings, PH_SEVERITY_INFO, "a");
    assert_ptr_equal(ph_findings_find(findings, "rule:a"), added);
    assert_null(ph_findings_find(findings, "rule:b"));
    ph_findings_unref(findings);
}

static void test_sort_then_the_worst_comes_first(void **state)
{
    (void)state;
    struct ph_findings *findings = make();
    ph__findings_add(findings, PH_SEVERITY_INFO, "a");
    ph__findings_add(findings, PH_SEVERITY_ERROR, "c");
    ph__findings_add(findings, PH_SEVERITY_WARNING, "d");
    ph__findings_add(findings, PH_SEVERITY_ERROR, "b");
    ph__findings_sort(findings);
    static const char *const order[] = {"rule:b", "rule:c", "rule:d", "rule:a"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(ph_findings_at(findings, i)->id, order[i]);
    }
    ph_findings_unref(findings);
}

static void test_names_and_tables_then_complete(void **state)
{
    (void)state;
    assert_string_equal(ph_severity_name(PH_SEVERITY_WARNING), "warning");
    assert_string_equal(ph_severity_name((enum ph_severity)99), "unknown");
    assert_string_equal(ph_subject_name(PH_SUBJECT_PROCESS), "process");
    size_t rules = 0;
    for (const struct ph_doctor_rule *rule; (rule = ph_doctor_rule_at(rules)); rules++) {
        assert_true(rule->name[0] && rule->source[0] && rule->condition[0]);
    }
    assert_int_equal(rules, ph__rule_count);
    assert_null(ph_doctor_threshold_at(PH__THRESHOLDS));
}

static void test_settings_when_wrong_then_refused(void **state)
{
    (void)state;
    struct ph_sockets *sockets;
    struct ph_doctor *doctor;
    assert_int_equal(ph_sockets_new(&sockets, NULL), 0);
    assert_int_equal(ph_doctor_new(&doctor, sockets), 0);
    assert_int_equal(ph_doctor_threshold(doctor, "nothing.ratio", 1), -ENOENT);
    assert_int_equal(ph_doctor_threshold(doctor, "orphans_high.error_ratio", -1), -EINVAL);
    assert_int_equal(ph_doctor_threshold(doctor, "orphans_high.error_ratio", (double)NAN), -EINVAL);
    assert_int_equal(ph_doctor_threshold(doctor, "orphans_high.error_ratio", 0.7), 0);
    assert_int_equal(ph_doctor_silence(doctor, "nothing"), -EINVAL);
    assert_int_equal(ph_doctor_silence(doctor, "orphans"), -EINVAL);
    assert_int_equal(ph_doctor_silence(doctor, "orphans_high"), 0);
    assert_int_equal(ph_doctor_silence(doctor, "exposed_service:tcp:5432"), 0);
    ph_doctor_free(doctor);
    ph_doctor_free(NULL);
    ph_sockets_free(sockets);
}

/* With room for one snapshot at a time, another look would be refused. */
static void test_findings_when_kept_then_they_hold_no_snapshot(void **state)
{
    (void)state;
    enum { LOOKS = 4 };
    struct ph_sockets *sockets;
    struct ph_doctor *doctor;
    struct ph_findings *kept[LOOKS];
    const struct ph_sockets_config cfg = {.snapshots_max = 1};
    assert_int_equal(ph_sockets_new(&sockets, &cfg), 0);
    assert_int_equal(ph_doctor_new(&doctor, sockets), 0);
    for (int i = 0; i < LOOKS; i++) {
        struct ph_snapshot *snapshot;
        assert_int_equal(ph_doctor_look(doctor, 0, &kept[i], &snapshot), 0);
        assert_int_equal(ph_findings_taken_unix_ms(kept[i]), ph_snapshot_taken_unix_ms(snapshot));
        assert_true(ph_findings_age_ms(kept[i]) <= ph_snapshot_age_ms(snapshot));
        ph_snapshot_unref(snapshot);
    }
    for (int i = 0; i < LOOKS; i++) {
        ph_findings_unref(kept[i]);
    }
    ph_doctor_free(doctor);
    ph_sockets_free(sockets);
}

/* Each allocation of a look fails once: it says so, loses nothing, and the next one works. */
static void test_look_when_out_of_memory_then_enomem_and_a_retry_works(void **state)
{
    (void)state;
    struct proc_root root;
    proc_root_make(&root);
    proc_root_listener(&root);
    const struct ph_sockets_config cfg = {.proc_root = root.path, .procfs_only = true};
    bool failed = true;
    for (long n = 0; failed; n++) {
        struct ph_sockets *sockets = NULL;
        struct ph_doctor *doctor = NULL;
        struct ph_findings *findings = NULL;
        fail_allocations(n, true);
        int err = ph_sockets_new(&sockets, &cfg);
        err = err ? err : ph_doctor_new(&doctor, sockets);
        err = err ? err : ph_doctor_silence(doctor, "orphans_high");
        err = err ? err : ph_doctor_look(doctor, 0, &findings, NULL);
        failed = stop_failing();
        assert_true(err == 0 || err == -ENOMEM);
        assert_true(failed || err == 0);
        if (doctor && err) {
            assert_int_equal(ph_doctor_look(doctor, 0, &findings, NULL), 0);
        }
        ph_findings_unref(findings);
        ph_doctor_free(doctor);
        ph_sockets_free(sockets);
        assert_true(n < 1000);
    }
    proc_root_remove(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_then_id_is_rule_and_key),
        cmocka_unit_test(test_add_when_silenced_then_not_told),
        cmocka_unit_test(test_add_when_too_many_of_a_rule_then_counted),
        cmocka_unit_test(test_find_when_there_or_not),
        cmocka_unit_test(test_sort_then_the_worst_comes_first),
        cmocka_unit_test(test_names_and_tables_then_complete),
        cmocka_unit_test(test_settings_when_wrong_then_refused),
        cmocka_unit_test(test_findings_when_kept_then_they_hold_no_snapshot),
        cmocka_unit_test(test_look_when_out_of_memory_then_enomem_and_a_retry_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
