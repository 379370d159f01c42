/* SPDX-License-Identifier: MIT
 *
 * The page: what is looked at (the view, kept in the address), who draws it, and when it is asked
 * for again. Each section is a module with create_*(root, ...) -> { update, fail }.
 */
import { ApiError, get, keep_token, read_token } from './api.js';
import { create_connections, socket_params } from './connections.js';
import { create_doctor } from './doctor.js';
import { element, set_attribute, set_text } from './dom.js';
import { age, count } from './format.js';
import { create_health } from './health.js';
import { create_poller } from './poller.js';
import { PORT_FIELDS, create_ports, port_params } from './ports.js';
import { parse_search, read_view, toggle_forms, write_view } from './query.js';
import { create_server } from './server.js';
import { next_sort } from './table.js';

const PORTS_LIMIT = 5000;
const TYPING_MS = 200;
const CLOCK_MS = 500;
const EXAMPLES = [
    ['port:443', 'either end'],
    ['state:established', ''],
    ['command:nginx', ''],
    ['address:10.0.0.0/8', 'either end'],
    ['user:root', ''],
    ['protocol:unix', ''],
];

const at = (id) => document.getElementById(id);
const view = read_view(location.hash);
const last = { ports: null, sockets: null, taken: null };

/* ---- the view ---- */

/* Writes the view into the address: a step to go back to, or in place while somebody types. */
function keep_view(step) {
    const kept = write_view(view);
    const address = kept === '' ? location.pathname + location.search : `#${kept}`;
    if (location.hash.replace(/^#/, '') !== kept) {
        history[step ? 'pushState' : 'replaceState'](null, '', address);
    }
}

function change_search(text, step) {
    view.q = text;
    if (at('search').value !== text) {
        at('search').value = text;
    }
    keep_view(step);
    ports.forget();
    connections.forget();
    poller.ask();
}

function toggle_row(key, draw) {
    view.open = view.open.includes(key)
        ? view.open.filter((open) => open !== key)
        : [...view.open, key];
    keep_view(true);
    draw();
}

function show_section(id) {
    const section = at(id);
    section.scrollIntoView();
    section.focus({ preventScroll: true });
}

/* ---- the sections ---- */

const health = create_health(at('health'), {
    on_state(protocol, state) {
        change_search(toggle_forms(view.q, { protocol, state }), true);
        show_section(state === 'listen' && protocol !== 'unix' ? 'ports' : 'connections');
    },
});

const doctor = create_doctor(at('doctor'), {
    note: at('doctor-note'),
    on_show(search) {
        change_search(search, true);
        show_section('connections');
    },
});

const ports = create_ports(at('ports'), {
    note: at('ports-note'),
    get,
    is_open: (key) => view.open.includes(key),
    on_toggle: (key) => toggle_row(key, draw_ports),
    on_sort(field, largest_first) {
        view.ports = next_sort(view.ports, field, largest_first);
        keep_view(true);
        draw_ports();
    },
    on_show(port) {
        change_search(`local_port:${port.port} protocol:${port.protocol}`, true);
        show_section('connections');
    },
});

const connections = create_connections(at('connections'), {
    title: at('connections-title'),
    note: at('search-note'),
    get,
    is_open: (key) => view.open.includes(key),
    on_toggle: (key) => toggle_row(key, draw_connections),
    on_sort(field, largest_first) {
        view.sort = next_sort(view.sort, field, largest_first);
        keep_view(true);
        connections.forget();
        poller.ask();
    },
});

const server = create_server(at('server'), { note: at('server-note') });

function draw_ports() {
    if (last.ports) {
        set_text(
            at('jump-ports'),
            count(ports.update(last.ports, parse_search(view.q), view.ports)),
        );
    }
}

function draw_connections() {
    if (last.sockets) {
        set_text(
            at('jump-connections'),
            count(connections.update(last.sockets, parse_search(view.q), view.sort)),
        );
    }
}

/* ---- one round of questions ---- */

function say_problem(message) {
    const problem = at('search-problem');
    problem.hidden = message === null;
    set_text(problem, message ?? '');
    set_attribute(at('search'), 'aria-invalid', message === null ? null : 'true');
}

/* A wrong search is no reason to call the server lost; no answer, or none of use, is. */
function judge(results) {
    const errors = results.filter((r) => r.status === 'rejected').map((r) => r.reason);
    const serious =
        errors.find((e) => e.kind === 'token') ??
        errors.find((e) => e.kind === 'network') ??
        errors.find((e) => !(e instanceof ApiError));
    if (serious) {
        throw serious;
    }
    if (errors.length === results.length) {
        throw errors[0];
    }
}

function draw_lists(listed, connected) {
    const problem = [connected, listed].find((r) => r.reason?.kind === 'parameter');
    say_problem(problem ? problem.reason.message : null);
    if (listed.status === 'fulfilled') {
        last.ports = listed.value;
        draw_ports();
    } else if (listed.reason.kind !== 'parameter') {
        ports.fail(listed.reason.message);
    }
    if (connected.status === 'fulfilled') {
        last.sockets = connected.value;
        draw_connections();
    } else if (connected.reason.kind !== 'parameter') {
        connections.fail(connected.reason.message);
    }
}

async function poll(signal) {
    const search = parse_search(view.q);
    const results = await Promise.allSettled([
        get('summary', [], signal),
        get(
            'ports',
            [
                ...port_params(search),
                ['fields', PORT_FIELDS.join()],
                ['limit', String(PORTS_LIMIT)],
            ],
            signal,
        ),
        get('sockets', socket_params(search, view.sort), signal),
        get('server', [], signal),
        get('findings', [], signal),
    ]);
    signal.throwIfAborted();
    judge(results);
    const [summary, listed, connected, served, found] = results;
    document.body.classList.add('is-ready');
    if (summary.status === 'fulfilled') {
        health.update(summary.value);
    }
    if (found.status === 'fulfilled') {
        set_text(at('jump-doctor'), count(doctor.update(found.value)));
    } else {
        doctor.fail(found.reason.message);
    }
    draw_lists(listed, connected);
    if (served.status === 'fulfilled') {
        server.update(served.value);
    } else {
        server.fail(served.reason.message);
    }
    const dated = [connected, listed, summary].find((r) => r.status === 'fulfilled');
    last.taken = dated ? performance.now() - (dated.value?.age_ms ?? 0) : last.taken;
}

/* ---- live, paused, lost ---- */

const LIVE_WORDS = {
    live: 'Live',
    paused: 'Paused',
    hidden: 'Paused',
    lost: 'Lost',
    token: 'Locked',
};
let retry = { at: null };

function tell_time() {
    const old = last.taken === null ? null : performance.now() - last.taken;
    set_text(at('age'), age(old));
    if (at('notice').hidden) {
        return;
    }
    const wait =
        retry.at === null ? null : Math.max(0, Math.ceil((retry.at - performance.now()) / 1000));
    set_text(
        at('notice-when'),
        wait === null ? '' : wait === 0 ? ' Trying…' : ` Trying again in ${wait} s.`,
    );
}

/* What the notice says, and behind it when the next try is, which tell_time() keeps up to date. */
function say_notice(words, retry_at) {
    retry = { at: retry_at };
    at('notice-text').replaceChildren(
        words,
        element('span', { id: 'notice-when', 'aria-hidden': 'true' }),
    );
}

function show_state(state, { error, retry_at }) {
    at('live').dataset.state = state;
    set_text(at('live-text'), LIVE_WORDS[state]);
    const lost = state === 'lost';
    document.body.classList.toggle('is-stale', lost || state === 'token');
    at('notice').hidden = !lost;
    if (lost) {
        const words =
            error.kind === 'network'
                ? 'The connection to the server is lost.'
                : `The server cannot answer: ${error.message}.`;
        const shown = last.taken === null ? '' : ' What is shown is old.';
        say_notice(words + shown, retry_at);
    }
    if (state === 'token') {
        ask_for_token();
    }
    tell_time();
}

const poller = create_poller({ poll, on_state: show_state });

function ask_for_token() {
    at('token-problem').hidden = read_token() === null;
    keep_token(null);
    if (!at('token-dialog').open) {
        at('token-dialog').showModal();
    }
    at('token').focus();
}

/* ---- what somebody does ---- */

function listen_to_search() {
    const input = at('search');
    let typing = null;
    input.addEventListener('input', () => {
        clearTimeout(typing);
        typing = setTimeout(() => change_search(input.value, false), TYPING_MS);
    });
    at('search-form').addEventListener('submit', (event) => {
        event.preventDefault();
        clearTimeout(typing);
        change_search(input.value, true);
    });
    document.addEventListener('keydown', (event) => {
        const typing_elsewhere = event.target.closest?.('input, textarea, select, dialog') ?? null;
        if (
            event.key === '/' &&
            !typing_elsewhere &&
            !event.ctrlKey &&
            !event.metaKey &&
            !event.altKey
        ) {
            event.preventDefault();
            input.focus();
            input.select();
        } else if (event.key === 'Escape' && !event.target.closest?.('dialog')) {
            clearTimeout(typing);
            if (input.value !== '' || view.q !== '') {
                event.preventDefault();
                change_search('', true);
            } else if (document.activeElement === input) {
                input.blur();
            }
        }
    });
}

function offer_examples() {
    for (const [text, note] of EXAMPLES) {
        const button = element('button', { type: 'button', class: 'example' }, text);
        button.addEventListener('click', () => {
            change_search(text, true);
            at('search').focus();
        });
        at('examples').append(element('li', {}, button, note ? ` ${note}` : ''));
    }
}

function listen_to_buttons() {
    at('pause').addEventListener('click', () => {
        poller.set_paused(!poller.is_paused());
        set_text(at('pause'), poller.is_paused() ? 'Resume' : 'Pause');
    });
    at('retry').addEventListener('click', () => poller.ask());
    for (const link of document.querySelectorAll('[data-jump]')) {
        link.addEventListener('click', (event) => {
            event.preventDefault(); /* the fragment keeps the view */
            show_section(link.dataset.jump);
        });
    }
    at('token-dialog').addEventListener('close', () => {
        if (at('live').dataset.state === 'token' && read_token() === null) {
            at('notice').hidden = false;
            say_notice('This server answers only with a token.', null);
        }
    });
    at('token-form').addEventListener('submit', (event) => {
        event.preventDefault();
        keep_token(at('token').value.trim());
        at('token').value = '';
        at('token-dialog').close();
        poller.token_given();
    });
    window.addEventListener('popstate', () => {
        Object.assign(view, read_view(location.hash));
        change_search(view.q, false);
    });
}

set_text(at('host'), location.host);
document.title = `porthole · ${location.host}`;
at('search').value = view.q;
offer_examples();
listen_to_search();
listen_to_buttons();
setInterval(tell_time, CLOCK_MS);
poller.ask();
