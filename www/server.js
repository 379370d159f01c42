/* SPDX-License-Identifier: MIT
 *
 * The server that serves this page, small: who it is, what it has done, how quick it was.
 */
import { element, machine, set_text, span, visible } from './dom.js';
import {
    UNKNOWN,
    bytes,
    count,
    duration,
    is_number,
    microseconds,
    percent,
    ratio,
} from './format.js';
import { level_bar } from './parts.js';

const QUANTILES = [
    ['p50', 'half within'],
    ['p90', '90 % within'],
    ['p99', '99 % within'],
    ['p999', '99.9 % within'],
    ['max', 'slowest'],
];

function group(title, facts) {
    const list = element('dl', { class: 'facts' });
    for (const [label, text, extra] of facts) {
        list.append(
            element(
                'div',
                {},
                element('dt', {}, label),
                element('dd', {}, span('number', text), ...(extra ? [' ', extra] : [])),
            ),
        );
    }
    return element('div', { class: 'panel' }, element('h3', { class: 'label' }, title), list);
}

function connections_group(server) {
    const held = server.connections ?? {};
    return group('Connections', [
        ['Open now', count(held.open)],
        ['Accepted', count(held.accepted)],
        ['Refused', count(held.refused)],
        ['Bytes in', bytes(server.bytes_in)],
        ['Bytes out', bytes(server.bytes_out)],
    ]);
}

function requests_group(requests, rate) {
    const classes = Object.entries(requests?.by_status_class ?? {})
        .filter((entry) => is_number(entry[1]))
        .sort((a, b) => (a[0] < b[0] ? -1 : 1));
    return group('Requests', [
        ['Answered', count(requests?.total)],
        ['Now', rate === null ? UNKNOWN : `${rate.toFixed(rate < 10 ? 1 : 0)} per second`],
        ...classes.map(([name, number]) => [`With ${visible(name)}`, count(number)]),
    ]);
}

function workers_group(workers) {
    const list = element('ol', { class: 'workers' });
    workers.forEach((worker, index) => {
        const busy = worker?.busy_ratio;
        list.append(
            element(
                'li',
                {},
                span('label', `Worker ${index + 1}`),
                level_bar(busy ?? 0),
                span('number', `${percent(busy)} busy`),
                span(
                    'soft',
                    `${count(worker?.connections)} open, ${count(worker?.requests)} requests`,
                ),
            ),
        );
    });
    return element('div', { class: 'panel' }, element('h3', { class: 'label' }, 'Workers'), list);
}

function own_value(value) {
    if (typeof value === 'boolean') {
        return value ? 'yes' : 'no';
    }
    return value === null || is_number(value) ? count(value) : visible(value);
}

/* What the program around this server tells of itself. */
function own_group(name, facts) {
    const rows = Object.entries(facts ?? {}).map(([label, value]) => [
        visible(label.replaceAll('_', ' ')),
        own_value(value),
    ]);
    return group(visible(name.replaceAll('_', ' ')), rows);
}

function introduce(target, server) {
    const listeners = Array.isArray(server.listeners) ? server.listeners : [];
    const said = [
        `version ${visible(server.version ?? 'unknown')}`,
        `pid ${server.pid ?? 'unknown'}`,
        `up ${duration(server.uptime_seconds)}`,
        visible(server.loop ?? 'unknown loop'),
    ];
    target.replaceChildren(said.join(' · '), listeners.length > 0 ? ' · listens on ' : '');
    listeners.forEach((listener, index) => {
        target.append(index > 0 ? ', ' : '', machine(listener, 'mono'));
    });
}

export function create_server(root, { note }) {
    const strip = element('div', { class: 'strip strip-server' });
    const own = element('div', { class: 'strip strip-own', hidden: true });
    root.append(own, strip);
    let before = null;

    /* Requests a second since the last answer; null after a restart or at first. */
    function request_rate(server) {
        const now = { at: performance.now(), pid: server.pid, total: server.requests?.total };
        const rate =
            before && before.pid === now.pid && now.at > before.at
                ? ratio(now.total - before.total, (now.at - before.at) / 1000)
                : null;
        before = now;
        return rate !== null && rate >= 0 ? rate : null;
    }

    return {
        update(server) {
            const rate = request_rate(server ?? {});
            introduce(note, server ?? {});
            const latency = server?.latency_us ?? {};
            const groups = [
                connections_group(server ?? {}),
                requests_group(server?.requests, rate),
                group(
                    'Latency',
                    QUANTILES.map(([name, label]) => [label, microseconds(latency[name])]),
                ),
            ];
            if (Array.isArray(server?.workers) && server.workers.length > 0) {
                groups.push(workers_group(server.workers));
            }
            strip.replaceChildren(...groups);
            const sections = Object.entries(server?.sections ?? {});
            own.hidden = sections.length === 0;
            own.replaceChildren(...sections.map(([name, facts]) => own_group(name, facts)));
        },
        fail(message) {
            set_text(note, `could not be asked: ${message}`);
        },
    };
}
