/* SPDX-License-Identifier: MIT
 *
 * Rules about the machine: just below each threshold nothing, at it a finding, and what cannot be
 * judged is said. A snapshot of a folder that stands for /proc is there for those that walk it.
 */
#include "doctor/rules.h"

#include "support/cmocka.h"
#include "unit/sockets/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct proc_root root;
static struct ph_snapshot *snapshot;

static int set_up(void **state)
{
    (void)state;
    proc_root_make(&root);
    proc_root_listener(&root);
    snapshot = take_with_owners(&root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ph_snapshot_unref(snapshot);
    proc_root_remove(&root);
    return 0;
}

static struct ph__look make_look(void)
{
    struct ph__look look = {.snapshot = snapshot};
    memset(&look.counters, 0xFF, sizeof look.counters); /* all -1 */
    look.settings = (struct ph__settings){.conntrack_count = -1, .conntrack_max = -1};
    for (size_t i = 0; i < PH__THRESHOLDS; i++) {
        look.thresholds[i] = ph_doctor_threshold_at(i)->value;
    }
    return look;
}

typedef void (*rule)(const struct ph__look *look, struct ph_findings *findings);

/* Judges by one rule. The result says "", "warning", "error", or why it cannot be judged. */
static const char *judge(rule judges, const struct ph__look *look)
{
    static char said[200];
    struct ph_findings *findings = calloc(1, sizeof *findings);
    assert_non_null(findings);
    atomic_init(&findings->references, 1);
    findings->rule = "rule";
    judges(look, findings);
    assert_false(findings->failed);
    assert_true(ph_findings_count(findings) <= 1);
    const struct ph_finding *finding = ph_findings_at(findings, 0);
    const char *reason = "";
    ph_findings_unavailable(findings, 0, &reason);
    snprintf(said, sizeof said, "%s", finding ? ph_severity_name(finding->severity) : reason);
    if (finding) {
        assert_true(strlen(finding->title) > 10 && strlen(finding->advice) > 10);
        assert_true(finding->evidence_count >= 2);
        assert_string_equal(finding->id, "rule:machine");
    }
    ph_findings_unref(findings);
    return said;
}

static void test_orphans(void **state)
{
    (void)state;
    static const struct {
        int64_t orphans;
        const char *said;
    } rows[] = {{0, ""}, {249, ""}, {250, "warning"}, {499, "warning"}, {500, "error"}};
    struct ph__look look = make_look();
    assert_non_null(strstr(judge(ph__rule_orphans_high, &look), "sockstat"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        look.counters.tcp_orphans = rows[i].orphans;
        look.counters.tcp_orphans_limit = 1000;
        assert_string_equal(judge(ph__rule_orphans_high, &look), rows[i].said);
    }
}

static void test_memory(void **state)
{
    (void)state;
    static const struct {
        int64_t used;
        const char *said;
    } rows[] = {{0, ""}, {700, ""}, {701, "warning"}, {900, "warning"}, {901, "error"}};
    struct ph__look look = make_look();
    assert_non_null(strstr(judge(ph__rule_tcp_memory_pressure, &look), "tcp_mem"));
    look.counters.tcp_memory_pressure_bytes = 700;
    look.counters.tcp_memory_limit_bytes = 1000;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        look.counters.tcp_memory_bytes = rows[i].used;
        assert_string_equal(judge(ph__rule_tcp_memory_pressure, &look), rows[i].said);
    }
}

static void test_conntrack(void **state)
{
    (void)state;
    static const struct {
        int64_t count;
        const char *said;
    } rows[] = {{0, ""}, {899, ""}, {900, "warning"}, {949, "warning"}, {950, "error"}};
    struct ph__look look = make_look();
    assert_non_null(strstr(judge(ph__rule_conntrack_near_full, &look), "nf_conntrack"));
    look.settings.conntrack_max = 1000;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        look.settings.conntrack_count = rows[i].count;
        assert_string_equal(judge(ph__rule_conntrack_near_full, &look), rows[i].said);
    }
}

static void test_segments(void **state)
{
    (void)state;
    static const struct {
        int64_t out, again;
        const char *said;
    } rows[] = {
        {0, 0, ""},     {1000, 20, ""}, {1000, 21, "warning"},
        {999, 900, ""}, {-6000, 0, ""}, /* the counters were reset meanwhile */
    };
    struct ph__look look = make_look();
    struct ph__memory before = {.counters = look.counters};
    assert_string_equal(judge(ph__rule_retransmissions_high, &look), ph__no_look_before);
    look.before = &before;
    assert_non_null(strstr(judge(ph__rule_retransmissions_high, &look), "snmp"));
    before.counters.tcp_segments_out = 5000;
    before.counters.tcp_retransmitted_segments = 70;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t out = 5000 + rows[i].out;
        look.counters.tcp_segments_out = out < 0 ? 0 : out;
        look.counters.tcp_retransmitted_segments = 70 + rows[i].again;
        assert_string_equal(judge(ph__rule_retransmissions_high, &look), rows[i].said);
    }
}

static void test_handshake_counters(void **state)
{
    (void)state;
    struct ph_ports *ports;
    assert_int_equal(ph_ports_new(&ports, snapshot), 0);
    struct ph__look look = make_look();
    struct ph__memory before = {.counters = look.counters};
    look.ports = ports;
    assert_string_equal(judge(ph__rule_syn_queue_pressure, &look), ph__no_look_before);
    look.before = &before;
    assert_non_null(strstr(judge(ph__rule_syn_queue_pressure, &look), "netstat"));
    before.counters.tcp_request_queue_cookies = look.counters.tcp_request_queue_cookies = 9;
    before.counters.tcp_request_queue_drops = look.counters.tcp_request_queue_drops = 9;
    assert_string_equal(judge(ph__rule_syn_queue_pressure, &look), "");
    look.counters.tcp_request_queue_cookies = 10;
    assert_string_equal(judge(ph__rule_syn_queue_pressure, &look), "warning");
    look.counters.tcp_request_queue_drops = 10;
    assert_string_equal(judge(ph__rule_syn_queue_pressure, &look), "error");
    ph_ports_free(ports);
}

static void test_rise_when_unknown_or_reset_then_said(void **state)
{
    (void)state;
    assert_int_equal(ph__rise(-1, 5), -1);
    assert_int_equal(ph__rise(5, -1), -1);
    assert_int_equal(ph__rise(5, 7), 2);
    assert_int_equal(ph__rise(7, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_conntrack),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_handshake_counters),
        cmocka_unit_test(test_rise_when_unknown_or_reset_then_said),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
