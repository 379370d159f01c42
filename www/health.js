/* SPDX-License-Identifier: MIT
 *
 * The health strip: sockets by protocol and state, how many owners are visible, and what the
 * kernel counts.
 */
import { element, set_text, span, visible } from './dom.js';
import { UNKNOWN, bytes, count, is_number, percent, ratio, state_counts } from './format.js';
import { level_bar, stacked_bar, state_mark } from './parts.js';

const TITLES = { tcp: 'TCP sockets', udp: 'UDP sockets', unix: 'Unix sockets' };

/* Writes a panel anew only when what it shows has changed. */
function create_panel(class_name, title) {
    const content = element('div', { class: 'panel-content' });
    const panel = element(
        'div',
        { class: `panel ${class_name}` },
        element('h3', { class: 'label' }, title),
        content,
    );
    let shown = null;
    return {
        element: panel,
        show(value, fill) {
            const text = JSON.stringify(value);
            if (text !== shown) {
                shown = text;
                const at = [...content.querySelectorAll('button')].indexOf(document.activeElement);
                content.replaceChildren(...fill());
                if (at >= 0) {
                    content.querySelectorAll('button')[at]?.focus({ preventScroll: true });
                }
            }
        },
    };
}

function state_button(protocol, state, number, on_state) {
    const button = element(
        'button',
        {
            type: 'button',
            class: 'state-button',
            title: `Show these: state:${state} protocol:${protocol}`,
        },
        state_mark(state),
        ' ',
        span('number', count(number)),
    );
    button.addEventListener('click', () => on_state(protocol, state));
    return element('li', {}, button);
}

function protocol_content(protocol, data, source, on_state) {
    if (source?.source === 'unavailable') {
        return [
            element('p', { class: 'figure soft' }, 'unknown'),
            element(
                'p',
                { class: 'soft' },
                'This kernel does not tell',
                source.reason ? `: ${visible(source.reason)}` : '',
                '.',
            ),
        ];
    }
    const counts = state_counts(data?.states);
    const list = element('ul', { class: 'states' });
    list.append(...counts.map(([state, n]) => state_button(protocol, state, n, on_state)));
    return [element('p', { class: 'figure' }, count(data?.total)), stacked_bar(counts), list];
}

/* These sockets belong to no process that anybody could see. */
const NO_OWNER_BY_NATURE = [
    'time_wait',
    'kernel',
    'orphan',
    'handshake',
    'not_accepted',
    'in_flight',
];

/* How many sockets have an owner, visible or not; null: unknown. */
function owned_at_all(owners) {
    if (!is_number(owners?.visible) || !is_number(owners.hidden)) {
        return null;
    }
    return NO_OWNER_BY_NATURE.reduce(
        (rest, name) => rest - (owners.reasons?.[name] ?? 0),
        owners.visible + owners.hidden,
    );
}

/* What would show the owners that are hidden: only some of the reasons can be helped. */
function owner_advice(reasons) {
    const lines = [];
    const number = (name) => (is_number(reasons?.[name]) ? reasons[name] : 0);
    if (number('permission') > 0) {
        lines.push([
            `${count(number('permission'))} belong to processes that porthole may not look into.`,
            ' As root or with ',
            element('code', {}, 'CAP_SYS_PTRACE'),
            ' it may.',
        ]);
    }
    if (number('other_namespace') > 0) {
        lines.push([
            `${count(number('other_namespace'))} belong to processes outside this view.`,
            ' To see them, run porthole in the host’s pid namespace.',
        ]);
    }
    const none = NO_OWNER_BY_NATURE.map((name) => [name, number(name)]).filter(
        (entry) => entry[1] > 0,
    );
    if (none.length > 0) {
        const total = none.reduce((sum, entry) => sum + entry[1], 0);
        const said = none.map(([name, n]) => `${name.replaceAll('_', ' ')} ${count(n)}`);
        lines.push([`${count(total)} more have no owner: ${said.join(', ')}.`]);
    }
    return lines.map((line) => element('p', { class: 'advice' }, ...line));
}

function owners_content(owners) {
    const visible_count = owners?.visible;
    const whole = owned_at_all(owners);
    const figure = element('p', { class: 'figure' }, count(visible_count));
    if (whole !== null) {
        figure.append(' ', span('of', `of ${count(whole)}`));
    }
    const share = ratio(visible_count, whole);
    const advice = owner_advice(owners?.reasons);
    if (whole !== null && whole === visible_count) {
        advice.unshift(element('p', { class: 'advice' }, 'All owners are visible.'));
    }
    return [figure, ...(share === null ? [] : [level_bar(share, 'level-wide')]), ...advice];
}

/* [label, text, what changed since the page was opened, or null] */
function kernel_rows(kernel, first) {
    const value = (name) => (is_number(kernel?.[name]) ? kernel[name] : null);
    const since = (name) =>
        is_number(first?.[name]) && value(name) !== null ? value(name) - first[name] : null;
    const resent = ratio(since('tcp_retransmitted_segments'), since('tcp_segments_out'));
    const limit = value('tcp_memory_limit_bytes');
    const memory = bytes(value('tcp_memory_bytes'));
    return [
        ['TCP memory', limit === null ? memory : `${memory} of ${bytes(limit)}`, null],
        ['Listen overflows', count(value('tcp_listen_overflows')), since('tcp_listen_overflows')],
        ['Listen drops', count(value('tcp_listen_drops')), since('tcp_listen_drops')],
        [
            'Sent again',
            count(value('tcp_retransmitted_segments')),
            since('tcp_retransmitted_segments'),
            resent === null ? null : percent(resent),
        ],
        [
            'UDP buffer errors',
            count(value('udp_receive_buffer_errors')),
            since('udp_receive_buffer_errors'),
        ],
        ['Orphans', count(value('tcp_orphans')), null],
    ];
}

function kernel_content(rows) {
    const list = element('dl', { class: 'facts' });
    for (const [label, text, change, share] of rows) {
        const said = element('dd', {}, span('number', text));
        if (change > 0) {
            said.prepend(
                element(
                    'span',
                    { class: 'change', title: 'Since this page was opened' },
                    `+${count(change)}${share ? ` (${share})` : ''}`,
                ),
                ' ',
            );
        }
        list.append(
            element(
                'div',
                { class: text === UNKNOWN ? 'soft' : null },
                element('dt', {}, label),
                said,
            ),
        );
    }
    return [list];
}

export function create_health(root, { on_state }) {
    const panels = {};
    const strip = element('div', { class: 'strip' });
    for (const [protocol, title] of Object.entries(TITLES)) {
        panels[protocol] = create_panel(`p-${protocol}`, title);
    }
    panels.owners = create_panel('p-owners', 'Owners visible');
    panels.kernel = create_panel('p-kernel', 'Kernel');
    strip.append(...Object.values(panels).map((panel) => panel.element));
    const source_note = element('p', { class: 'sources' });
    root.append(strip, source_note);
    let first_kernel = null;

    return {
        update(summary) {
            for (const protocol of Object.keys(TITLES)) {
                const data = summary?.protocols?.[protocol];
                const source = summary?.sources?.[protocol];
                panels[protocol].show([data, source], () =>
                    protocol_content(protocol, data, source, on_state),
                );
            }
            panels.owners.show(summary?.owners ?? null, () => owners_content(summary?.owners));
            first_kernel ??= summary?.kernel ?? null;
            const rows = kernel_rows(summary?.kernel, first_kernel);
            panels.kernel.show(rows, () => kernel_content(rows));
            const slow = Object.entries(summary?.sources ?? {})
                .filter((entry) => entry[1]?.source === 'procfs')
                .map((entry) => entry[0]);
            set_text(
                source_note,
                slow.length === 0
                    ? ''
                    : `${slow.join(', ')}: read from /proc/net, ` +
                          'because the kernel has no sock_diag for it. Some columns are unknown there.',
            );
        },
    };
}
