/* SPDX-License-Identifier: MIT
 *
 * Made-up answers of the API about the machine as a whole and about the server itself.
 */

export function summary() {
    return {
        taken_at: new Date().toISOString(),
        age_ms: 120,
        sources: {
            tcp: { source: 'sock_diag', reason: null },
            udp: { source: 'sock_diag', reason: null },
            unix: { source: 'sock_diag', reason: null },
        },
        protocols: {
            tcp: {
                total: 2066,
                states: {
                    listen: 16,
                    syn_sent: 1,
                    syn_recv: 6,
                    established: 1382,
                    fin_wait1: 3,
                    fin_wait2: 11,
                    close_wait: 33,
                    time_wait: 611,
                    last_ack: 0,
                    closing: 0,
                    closed: 3,
                },
            },
            udp: { total: 9, states: { connected: 2, unconnected: 7 } },
            unix: {
                total: 312,
                states: { listen: 64, established: 201, unconnected: 40, connected: 7 },
            },
        },
        owners: {
            visible: 1699,
            hidden: 688,
            reasons: { permission: 54, time_wait: 611, kernel: 3, not_accepted: 14, handshake: 6 },
        },
        kernel: {
            tcp_memory_bytes: 6815744,
            tcp_memory_limit_bytes: 402653184,
            tcp_orphans: 2,
            tcp_listen_overflows: 1402,
            tcp_listen_drops: 1402,
            tcp_retransmitted_segments: 48211,
            tcp_segments_out: 98234120,
            udp_receive_buffer_errors: 218,
        },
    };
}

export function server_status(requests) {
    return {
        version: '0.1.0',
        pid: 4242,
        started_at: '2024-05-01T10:00:00.000Z',
        uptime_seconds: 273912,
        loop: 'io_uring',
        listeners: ['127.0.0.1:8080', '[::1]:8080'],
        workers: [
            { connections: 3, requests: 20123, busy_ratio: 0.014 },
            { connections: 1, requests: 18877, busy_ratio: 0.112 },
        ],
        connections: { open: 4, accepted: 1204, refused: 0 },
        requests: {
            total: 39000 + requests,
            by_status_class: { '2xx': 38120 + requests, '3xx': 610, '4xx': 268, '5xx': 2 },
        },
        bytes_in: 11872345,
        bytes_out: 684123987,
        latency_us: { p50: 86, p90: 240, p99: 1930, p999: 8200, max: 41250 },
        limits: {},
        sections: {
            pump: { speed_rpm: 1480, runs: true, valve: 'open <b>', pressure_pascals: null },
        },
    };
}

const RULES = ['accept_queue_full', 'exposed_service', 'fd_limit_near', 'ephemeral_overlap'];

function finding(severity, rule, key, title, subject, evidence) {
    return {
        id: `${rule}:${key}`,
        rule,
        severity,
        title,
        subject,
        evidence,
        source: 'sock_diag',
        advice: 'Do this first: sysctl net.core.somaxconn=4096. Then look again.',
        since: new Date(Date.now() - 200000).toISOString(),
        confidence: rule === 'exposed_service' ? 'likely' : 'certain',
    };
}

export function findings() {
    return {
        taken_at: new Date().toISOString(),
        age_ms: 120,
        findings: [
            finding(
                'error',
                'accept_queue_full',
                'tcp:3000',
                '6 connections wait to be accepted at port 3000, whose backlog is 5',
                { type: 'port', protocol: 'tcp', port: 3000 },
                { accept_queue: 6, backlog: 5, drops: 1402, new_drops: null },
            ),
            finding(
                'warning',
                'exposed_service',
                'tcp:6379',
                'tcp port 6379 (Redis) can be reached by everybody who reaches this machine',
                { type: 'port', protocol: 'tcp', port: 6379 },
                { port: 6379 },
            ),
            finding(
                'warning',
                'fd_limit_near',
                '812',
                'process 812 (<img src=x>\u202e) has 1000 of 1024 descriptors open',
                { type: 'process', pid: 812, command: '<img src=x>' },
                { descriptors: 1000, descriptors_limit: 1024 },
            ),
            finding(
                'info',
                'ephemeral_overlap',
                'tcp:51000',
                'port 51000 is one that the kernel gives to outgoing connections',
                { type: 'port', protocol: 'tcp', port: 51000 },
                { range_first: 32768, range_last: 60999 },
            ),
        ],
        left_out: 0,
        unavailable: [{ rule: 'orphans_high', reason: 'net/sockstat cannot be read' }],
        rules: RULES,
    };
}
