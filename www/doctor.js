/* SPDX-License-Identifier: MIT
 *
 * The doctor's findings: what is wrong first, with the numbers that show it and what to do; that
 * nothing is wrong, said as clearly; and what is good to know, folded away.
 */
import { element, machine, set_text, span, visible } from './dom.js';
import { count, is_number, plural } from './format.js';

const KINDS = { error: 'is-bad', warning: 'is-warn', info: 'is-info' };
const PORTS = new Set(['port', 'range_first', 'range_last']);
const COPIED_MS = 2000;

/* A subject that the search can show: [search, what it is called]. */
function place_of(subject) {
    if (subject?.type === 'process' && is_number(subject.pid)) {
        return [`pid:${subject.pid}`, `process ${subject.pid}`];
    }
    if (is_number(subject?.port) && subject.port > 0 && subject.protocol) {
        return [
            `local_port:${subject.port} protocol:${subject.protocol}`,
            `${subject.protocol} port ${subject.port}`,
        ];
    }
    return null;
}

/* A port is a name, not a quantity. */
function shown_number(name, number) {
    return PORTS.has(name) && is_number(number) ? String(number) : count(number);
}

function evidence_list(evidence) {
    const list = element('dl', { class: 'evidence' });
    for (const [name, number] of Object.entries(evidence ?? {})) {
        list.append(
            element(
                'div',
                {},
                element('dt', {}, visible(name.replaceAll('_', ' '))),
                element('dd', {}, span('number', shown_number(name, number))),
            ),
        );
    }
    return list;
}

/* Copies the advice, where the browser allows it: on a secure origin. */
function copy_button(text) {
    if (!navigator.clipboard) {
        return null;
    }
    const button = element('button', { type: 'button', class: 'button button-small' }, 'Copy');
    button.addEventListener('click', async () => {
        try {
            await navigator.clipboard.writeText(text);
            set_text(button, 'Copied');
        } catch {
            set_text(button, 'Not allowed');
        }
        setTimeout(() => set_text(button, 'Copy'), COPIED_MS);
    });
    return button;
}

function show_button(subject, on_show) {
    const place = place_of(subject);
    if (place === null) {
        return null;
    }
    const button = element(
        'button',
        { type: 'button', class: 'button button-small' },
        `Show ${place[1]}`,
    );
    button.addEventListener('click', () => on_show(place[0]));
    return button;
}

/* The hour today, the date before. */
function since_when(since) {
    const then = new Date(since);
    if (Number.isNaN(then.getTime())) {
        return '';
    }
    const today = then.toDateString() === new Date().toDateString();
    return ` · since ${today ? then.toLocaleTimeString() : then.toLocaleString()}`;
}

function finding_card(finding, on_show) {
    const likely = finding.confidence === 'likely' ? ' · likely' : '';
    return element(
        'li',
        { class: `finding ${KINDS[finding.severity] ?? ''}` },
        element(
            'div',
            { class: 'finding-head' },
            span('word', visible(finding.severity)),
            element('h3', { class: 'finding-title' }, machine(finding.title)),
        ),
        element('p', { class: 'finding-advice' }, machine(finding.advice)),
        evidence_list(finding.evidence),
        element(
            'div',
            { class: 'finding-foot' },
            span('soft', `${visible(finding.rule)}${since_when(finding.since)}${likely}`),
            show_button(finding.subject, on_show),
            copy_button(finding.advice),
        ),
    );
}

function unavailable_list(unavailable) {
    return element(
        'ul',
        { class: 'unavailable' },
        ...unavailable.map((entry) =>
            element(
                'li',
                {},
                element('code', {}, visible(entry.rule)),
                ': ',
                visible(entry.reason),
            ),
        ),
    );
}

/* "and 2 more" that opens. */
function folded(title, content, is_open, on_toggle) {
    const box = element('details', { open: is_open }, element('summary', {}, title), content);
    box.addEventListener('toggle', () => on_toggle(box.open));
    return box;
}

export function create_doctor(root, { note, on_show }) {
    const list = element('ul', { class: 'findings' });
    const calm = element('p', { class: 'calm' });
    const more = element('div', { class: 'doctor-more' });
    const sheet = element('div', { class: 'sheet' }, calm, list, more);
    root.append(sheet);
    const open = { infos: false, unavailable: false };
    let shown = null;

    function draw(data, wrong, infos) {
        calm.hidden = wrong.length > 0;
        list.replaceChildren(...wrong.map((finding) => finding_card(finding, on_show)));
        more.replaceChildren();
        if (infos.length > 0) {
            more.append(
                folded(
                    `${count(infos.length)} more to know`,
                    element(
                        'ul',
                        { class: 'findings' },
                        ...infos.map((finding) => finding_card(finding, on_show)),
                    ),
                    open.infos,
                    (is_open) => {
                        open.infos = is_open;
                    },
                ),
            );
        }
        if (data.unavailable?.length > 0) {
            more.append(
                folded(
                    plural(data.unavailable.length, 'rule cannot judge', 'rules cannot judge'),
                    unavailable_list(data.unavailable),
                    open.unavailable,
                    (is_open) => {
                        open.unavailable = is_open;
                    },
                ),
            );
        }
    }

    return {
        update(data) {
            const findings = data?.findings ?? [];
            const wrong = findings.filter((finding) => finding.severity !== 'info');
            const infos = findings.filter((finding) => finding.severity === 'info');
            const rules = data?.rules?.length;
            set_text(
                calm,
                `Nothing is wrong${is_number(rules) ? `, by ${count(rules)} rules` : ''}.`,
            );
            const left_out = data?.left_out > 0 ? `, and ${count(data.left_out)} more like them` : '';
            set_text(note, wrong.length === 0 ? '' : `${count(wrong.length)} found${left_out}`);
            const text = JSON.stringify([findings, data?.unavailable]);
            if (text !== shown) {
                shown = text;
                draw(data ?? {}, wrong, infos);
            }
            return wrong.length;
        },
        fail(message) {
            shown = null;
            calm.hidden = true;
            list.replaceChildren();
            more.replaceChildren();
            set_text(note, `The doctor cannot look: ${message}.`);
        },
    };
}
