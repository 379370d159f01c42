/* SPDX-License-Identifier: MIT
 *
 * The connections of the machine: the server filters, sorts and limits, so that fifty thousand
 * sockets cost no more here than five hundred. Only words without a name are looked for here, in
 * the first SEARCHED rows, and the note says so when there are more.
 */
import { element, set_text, span } from './dom.js';
import { SCOPES, UNKNOWN, bytes, count, endpoint, is_number, plural } from './format.js';
import {
    empty_note,
    endpoint_text,
    local_end,
    owner_lines,
    owner_text,
    state_mark,
    state_words,
} from './parts.js';
import { values_of } from './query.js';
import { create_socket_detail } from './socket_detail.js';
import { create_table, mark_open, open_on_click, opener } from './table.js';

const SHOWN = 500;
const SEARCHED = 5000;
const FIELDS =
    'id,protocol,family,state,direction,local_address,local_port,remote_address,' +
    'remote_port,interface,path,scope,owners,owner_unknown,user,accept_queue,backlog,' +
    'receive_queue_bytes,send_queue_bytes,drops,timer';

const DIRECTIONS = {
    inbound: ['in', 'Asked for by the other end'],
    outbound: ['out', 'Asked for by this machine'],
    local: ['local', 'Both ends are on this machine'],
    listen: ['listen', 'Waits for connections'],
};

/* ---- columns ---- */

function fill_local(cell, socket) {
    cell.append(opener(String(socket.id), local_end(socket)));
}

function fill_remote(cell, socket) {
    if (is_number(socket.remote_port) || socket.remote_address) {
        cell.append(endpoint_text(socket.remote_address, socket.remote_port));
    } else {
        cell.append(span('soft', socket.scope in SCOPES ? SCOPES[socket.scope].words : UNKNOWN));
    }
}

function fill_state(cell, socket) {
    const direction = DIRECTIONS[socket.direction];
    cell.append(state_mark(socket.state));
    if (direction && socket.direction !== 'listen') {
        cell.append(
            ' ',
            element('span', { class: 'direction', title: direction[1] }, direction[0]),
        );
    }
}

function timer_words(timer) {
    if (timer?.kind === 'retransmit' && timer.retransmits > 0) {
        return `sent again ${plural(timer.retransmits, 'time', 'times')}`;
    }
    return timer?.kind === 'persist' ? 'peer is not reading' : null;
}

function fill_waiting(cell, socket) {
    if (is_number(socket.backlog)) {
        cell.append(span('number', `${count(socket.accept_queue)} of ${count(socket.backlog)}`));
        return;
    }
    const unread = socket.receive_queue_bytes;
    const unsent = socket.send_queue_bytes;
    if (!is_number(unread) && !is_number(unsent)) {
        cell.append(span('soft', UNKNOWN));
    } else if (unread === 0 && unsent === 0) {
        cell.append(
            element('span', { class: 'soft', title: 'Nothing unread, nothing unsent' }, '0'),
        );
    } else {
        const said = [
            unread > 0 ? `${bytes(unread)} unread` : null,
            unsent > 0 ? `${bytes(unsent)} unsent` : null,
        ];
        cell.append(span('number', said.filter((part) => part).join(', ')));
    }
    const timer = timer_words(socket.timer);
    if (timer) {
        cell.append(' ', span('word is-warn-text', timer));
    }
}

/* A timer's countdown changes with every snapshot and is not shown: leave it out. */
function waiting_value(socket) {
    return [
        socket.accept_queue,
        socket.backlog,
        socket.receive_queue_bytes,
        socket.send_queue_bytes,
        timer_words(socket.timer),
    ];
}

const COLUMNS = [
    {
        id: 'local',
        label: 'Local',
        sort: 'local_port',
        fill: fill_local,
        value: (s) => [s.id, s.protocol, s.local_address, s.local_port, s.interface, s.path],
    },
    {
        id: 'remote',
        label: 'Remote',
        sort: 'remote_address',
        fill: fill_remote,
        value: (s) => [s.remote_address, s.remote_port, s.scope],
    },
    {
        id: 'protocol',
        label: 'Protocol',
        sort: 'protocol',
        value: (s) => s.protocol,
        fill: (cell, s) => cell.append(span('protocol', String(s.protocol ?? UNKNOWN))),
    },
    {
        id: 'state',
        label: 'State',
        sort: 'state',
        fill: fill_state,
        value: (s) => [s.state, s.direction],
    },
    {
        id: 'process',
        label: 'Process',
        sort: 'owner',
        value: (s) => [s.owners, s.owner_unknown],
        fill: (cell, s) => cell.append(owner_lines(s.owners, s.owner_unknown, false)),
    },
    {
        id: 'waiting',
        label: 'Waiting',
        sort: 'receive_queue_bytes',
        number: true,
        fill: fill_waiting,
        value: waiting_value,
    },
];

/* ---- what is asked for ---- */

/* Without a word about states or unix sockets: what is connected, over TCP and UDP. */
export function socket_params(search, sort) {
    const params = search.forms.map(([name, value]) => [name, value]);
    const protocols = values_of(search, 'protocol');
    if (protocols.length === 0) {
        params.push(['protocol', 'tcp,udp']);
    }
    if (values_of(search, 'state').length === 0 && !protocols.includes('unix')) {
        params.push(['state', 'connected']);
    }
    params.push(
        ['sort', sort],
        ['fields', FIELDS],
        ['limit', String(search.words.length > 0 ? SEARCHED : SHOWN)],
    );
    return params;
}

function text_of(socket) {
    return [
        socket.protocol,
        socket.state,
        state_words(socket.state),
        socket.direction,
        endpoint(socket.local_address, socket.local_port, socket.interface),
        endpoint(socket.remote_address, socket.remote_port),
        socket.path ?? '',
        socket.user ?? '',
        owner_text(socket.owners),
    ]
        .join(' ')
        .toLowerCase();
}

/* Are sockets asked for that are no connections? Then the heading must not call them so. */
function title_for(search) {
    const states = values_of(search, 'state');
    const all_kinds =
        values_of(search, 'protocol').includes('unix') ||
        states.some((state) => ['listen', 'closed', 'unconnected'].includes(state));
    return all_kinds ? 'Sockets' : 'Connections';
}

export function create_connections(root, { title, note, get, is_open, on_toggle, on_sort }) {
    const table = create_table({
        caption: 'Connections of this machine',
        class_name: 'connections',
        columns: COLUMNS,
        key: (s) => String(s.id),
        on_sort,
        detail: { is_open, create: create_socket_detail(get) },
    });
    open_on_click(table, on_toggle);
    const empty = empty_note();
    root.append(element('div', { class: 'sheet' }, table.element, empty.element));

    function say(list, given, matching, words) {
        const everything = list?.matched ?? given.length;
        const known = words.length > 0 ? matching.length : everything;
        const said = [];
        if (matching.length > SHOWN || known > matching.length) {
            const shown = Math.min(SHOWN, matching.length);
            said.push(
                `${count(shown)} shown, ${count(known - shown)} more match: narrow the search`,
            );
        } else {
            said.push(`${count(known)} ${known === 1 ? 'matches' : 'match'}`);
        }
        if (words.length > 0 && everything > given.length) {
            said.push(`looked at the first ${count(given.length)} of ${count(everything)}`);
        }
        set_text(note, said.join('; '));
        return known;
    }

    return {
        /* -> how many match */
        update(list, search, sort) {
            const given = Array.isArray(list?.sockets) ? list.sockets.filter((s) => s) : [];
            const { words } = search;
            const matching =
                words.length === 0
                    ? given
                    : given.filter((socket) => {
                          const text = text_of(socket);
                          return words.every((word) => text.includes(word));
                      });
            set_text(title, title_for(search));
            table.set_sort(sort);
            table.set_rows(matching.slice(0, SHOWN));
            mark_open(table, is_open);
            table.mark_new(true);
            table.element.hidden = matching.length === 0;
            if (matching.length > 0) {
                empty.hide();
            } else if (search.forms.length + words.length > 0) {
                empty.show('No connection matches the search.', 'Clear the search to see all.');
            } else {
                empty.show(
                    'Nobody is connected.',
                    'Connections of TCP and UDP appear here as they open.',
                );
            }
            return say(list, given, matching, words);
        },
        fail(message) {
            table.element.hidden = true;
            empty.show('The connections could not be read.', message);
            set_text(note, '');
        },
        forget() {
            table.mark_new(false);
        },
    };
}
