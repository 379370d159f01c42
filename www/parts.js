/* SPDX-License-Identifier: MIT
 *
 * The pieces that several views are made of: a state, owners, a scope, an accept queue, bars.
 * Colour never stands alone: each piece says in words what its colour says.
 */
import { element, machine, span, visible } from './dom.js';
import {
    NO_OWNER,
    SCOPES,
    STATES,
    UNKNOWN,
    count,
    endpoint,
    is_number,
    kind_of,
    plural,
} from './format.js';

const CONTAINER_SHOWN = 12;
const OWNERS_IN_TITLE = 40;

export function state_words(state) {
    return String(state ?? UNKNOWN).replaceAll('_', ' ');
}

export function state_mark(state) {
    return element(
        'span',
        { class: `state k-${kind_of(state)}`, title: STATES[state]?.means },
        span('dot'),
        visible(state_words(state)),
    );
}

/* A bar whose parts are as wide as their numbers; the words beside it carry the meaning. */
export function stacked_bar(counts) {
    const bar = element('span', { class: 'stack', 'aria-hidden': 'true' });
    for (const [state, number] of counts) {
        const part = span(`part k-${kind_of(state)}`);
        part.style.flexGrow = String(number);
        bar.append(part);
    }
    return bar;
}

export function level_bar(share, class_name) {
    const fill = span('level-fill');
    fill.style.width = `${Math.min(100, Math.max(0, share * 100)).toFixed(1)}%`;
    return element('span', { class: `level ${class_name ?? ''}`, 'aria-hidden': 'true' }, fill);
}

export function scope_badge(scope) {
    const known = SCOPES[scope];
    const dots = element('span', { class: 'reach', 'aria-hidden': 'true' });
    for (let at = 0; at < 4; at++) {
        dots.append(span(at < (known?.lit ?? 0) ? 'lit' : 'unlit'));
    }
    return element(
        'span',
        { class: `scope s-${known ? scope : 'unknown'}`, title: known?.means },
        dots,
        known?.words ?? (scope ? visible(scope) : 'unknown'),
    );
}

/* What a socket is bound to: address and port, or the path of a unix socket. */
export function local_end(socket) {
    if (socket.protocol !== 'unix') {
        return endpoint_text(socket.local_address, socket.local_port, socket.interface);
    }
    return socket.path ? machine(socket.path, 'mono path') : span('soft', 'unnamed');
}

/* Waiting to be accepted, against the backlog. Full means more than the backlog. */
export function queue_meter(waiting, backlog) {
    if (!is_number(waiting) || !is_number(backlog)) {
        return element('span', { class: 'soft', title: 'No accept queue' }, UNKNOWN);
    }
    const share = backlog > 0 ? waiting / backlog : Number(waiting > 0);
    const full = waiting > backlog;
    const word = full ? 'full' : share >= 0.8 ? 'filling' : null;
    return element(
        'span',
        {
            class: `queue ${full ? 'is-bad' : word ? 'is-warn' : ''}`,
            title:
                `${plural(waiting, 'connection waits', 'connections wait')} to be accepted; ` +
                `the backlog is ${count(backlog)}`,
        },
        level_bar(share),
        span('queue-text', span('strong', count(waiting)), ` / ${count(backlog)}`),
        word ? span('word', word) : null,
    );
}

/* Owners with one entry a process; a process may hold a socket by several descriptors. */
export function processes_of(owners) {
    const seen = new Map();
    for (const owner of Array.isArray(owners) ? owners : []) {
        if (owner && !seen.has(owner.pid)) {
            seen.set(owner.pid, owner);
        }
    }
    return [...seen.values()];
}

function context_of(owner) {
    const said = [];
    if (owner.user !== null && owner.user !== undefined) {
        said.push(machine(owner.user));
    }
    if (owner.unit) {
        said.push(machine(owner.unit));
    }
    if (owner.container) {
        said.push(
            element(
                'span',
                { title: visible(owner.container) },
                'container ',
                machine(String(owner.container).slice(0, CONTAINER_SHOWN), 'mono'),
            ),
        );
    }
    return said;
}

function between(pieces, class_name) {
    const line = span(class_name);
    pieces.forEach((piece, index) => {
        line.append(...(index > 0 ? [' · '] : []), piece);
    });
    return line;
}

export function no_owner(reason) {
    const [words, sentence] = NO_OWNER[reason] ?? ['not visible', 'No process could be found'];
    return element('span', { class: 'nobody', title: sentence }, words);
}

/* The first process, how many more there are, and in `long` form its user and unit below. */
export function owner_lines(owners, reason, long) {
    const all = processes_of(owners);
    if (all.length === 0) {
        const why = long ? NO_OWNER[reason]?.[1] : null;
        return why ? span('two-lines', no_owner(reason), span('second', why)) : no_owner(reason);
    }
    const [first] = all;
    const names = all.slice(0, OWNERS_IN_TITLE).map((o) => `${o.command ?? '?'} (${o.pid ?? '?'})`);
    const line = element(
        'span',
        { class: 'owner', title: visible(names.join(', ')) },
        machine(first.command ?? '?', 'command'),
        ' ',
        span('pid', String(first.pid ?? '')),
    );
    if (all.length > 1) {
        line.append(' ', span('more', `+${count(all.length - 1)}`));
    }
    const context = long ? context_of(first) : [];
    return context.length === 0 ? line : span('two-lines', line, between(context, 'second'));
}

export function owner_text(owners) {
    return processes_of(owners)
        .map(
            (o) =>
                `${o.command ?? ''} ${o.pid ?? ''} ${o.user ?? ''} ` +
                `${o.unit ?? ''} ${o.container ?? ''}`,
        )
        .join(' ');
}

/* "[2001:db8::1]:443", which breaks before the port where it must break at all. */
export function endpoint_text(address, port, zone) {
    const whole = visible(endpoint(address, port, zone));
    const cut = is_number(port) ? whole.lastIndexOf(':') : whole.length;
    return element(
        'bdi',
        { class: 'mono endpoint' },
        whole.slice(0, cut),
        element('wbr'),
        whole.slice(cut),
    );
}

/* A message in the place of rows: nothing there, or what went wrong. */
export function empty_note() {
    const note = element('div', { class: 'empty', hidden: true });
    return {
        element: note,
        show(title, text) {
            note.hidden = false;
            note.replaceChildren(
                element('p', { class: 'empty-title' }, title),
                element('p', { class: 'soft' }, text),
            );
        },
        hide() {
            note.hidden = true;
        },
    };
}
