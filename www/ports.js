/* SPDX-License-Identifier: MIT
 *
 * The ports that something listens on: what it is, whose, who can reach it, how its queue stands.
 * The list is asked for whole and searched and sorted here; a row opens to its sockets and
 * connections, which are asked for only while it is open.
 */
import { element, machine, set_text, span } from './dom.js';
import { SCOPES, UNKNOWN, count, endpoint, is_number, plural, state_counts } from './format.js';
import {
    empty_note, no_owner, owner_lines, owner_text, processes_of, queue_meter, scope_badge,
    stacked_bar, state_mark, state_words,
} from './parts.js';
import { create_table } from './table.js';
import { values_of } from './query.js';

export const PORT_FIELDS = ['protocol', 'port', 'service', 'addresses', 'scope', 'owners',
    'owner_unknown', 'accept_queue', 'backlog', 'drops', 'connections', 'unaccepted'];
const SHOWN = 500;
const ADDRESSES_SHOWN = 3;
const STATES_SHOWN = 3;
const DETAIL_ROWS = 100;
const SCOPE_ORDER = Object.keys(SCOPES);

export function port_key(port) {
    return `${port.protocol}/${port.port}`;
}

function connections_of(port) {
    const counts = state_counts(port.connections);
    const total = counts.reduce((sum, entry) => sum + entry[1], 0);
    const waiting = port.unaccepted ?? port.connections?.unaccepted ?? null;
    return { counts, total, waiting };
}

/* ---- columns ---- */

function fill_port(cell, port) {
    const key = port_key(port);
    const opener = element('button', {
        type: 'button', class: 'opener', 'aria-expanded': 'false', 'data-open': key,
    }, element('span', { class: 'twist', 'aria-hidden': 'true' }),
    span('port-number', String(port.port ?? UNKNOWN)), ' ',
    span('protocol', String(port.protocol ?? '')));
    cell.append(opener);
    if (port.service) {
        cell.append(machine(port.service, 'service'));
    }
}

function fill_reach(cell, port) {
    cell.append(scope_badge(port.scope));
    const all = Array.isArray(port.addresses) ? port.addresses : [];
    if (all.length === 0) {
        return;
    }
    const line = span('second mono');
    all.slice(0, ADDRESSES_SHOWN).forEach((address, index) => {
        line.append(...(index > 0 ? [', '] : []), machine(address, 'address'));
    });
    if (all.length > ADDRESSES_SHOWN) {
        line.append(` +${all.length - ADDRESSES_SHOWN}`);
    }
    cell.append(line);
}

function fill_drops(cell, port) {
    const some = is_number(port.drops) && port.drops > 0;
    cell.append(element('span', { class: some ? 'is-bad-text' : 'number soft' }, count(port.drops)));
}

function fill_connections(cell, port) {
    const { counts, total, waiting } = connections_of(port);
    if (total === 0) {
        cell.append(span('soft', port.protocol === 'udp' && !port.connections ? UNKNOWN : '0'));
        return;
    }
    const said = counts.slice(0, STATES_SHOWN).map(([state, n]) => `${count(n)} ${state_words(state)}`);
    const rest = counts.slice(STATES_SHOWN).reduce((sum, entry) => sum + entry[1], 0);
    if (rest > 0) {
        said.push(`${count(rest)} more`);
    }
    if (waiting > 0) {
        said.push(`${count(waiting)} not accepted`);
    }
    cell.append(span('connections-line', span('strong number', count(total)), stacked_bar(counts)),
        span('second', said.join(' · ')));
}

const COLUMNS = [
    {
        id: 'port', label: 'Port', sort: 'port', fill: fill_port,
        value: (p) => [p.port, p.protocol, p.service],
    },
    {
        id: 'owner', label: 'Owner', sort: 'owner',
        value: (p) => [p.owners, p.owner_unknown],
        fill: (cell, p) => cell.append(owner_lines(p.owners, p.owner_unknown, true)),
    },
    {
        id: 'reach', label: 'Reachable from', sort: 'scope', number: true, fill: fill_reach,
        value: (p) => [p.scope, p.addresses],
    },
    {
        id: 'queue', label: 'Accept queue', sort: 'queue', number: true,
        value: (p) => [p.accept_queue, p.backlog],
        fill: (cell, p) => cell.append(queue_meter(p.accept_queue, p.backlog)),
    },
    {
        id: 'drops', label: 'Drops', sort: 'drops', number: true, fill: fill_drops,
        value: (p) => p.drops,
    },
    {
        id: 'connections', label: 'Connections', sort: 'connections', number: true,
        fill: fill_connections, value: (p) => [p.connections, p.unaccepted],
    },
];

/* ---- order and search ---- */

const SORT_VALUES = {
    port: (p) => p.port,
    owner: (p) => processes_of(p.owners)[0]?.command?.toLowerCase() ?? '\uffff',
    scope: (p) => SCOPE_ORDER.indexOf(p.scope),
    queue: (p) => (p.backlog > 0 ? p.accept_queue / p.backlog : p.accept_queue ?? -1),
    drops: (p) => p.drops ?? -1,
    connections: (p) => connections_of(p).total,
};

export function sort_ports(ports, sort) {
    const value = SORT_VALUES[sort.replace(/^-/, '')] ?? SORT_VALUES.port;
    const sign = sort.startsWith('-') ? -1 : 1;
    const compare = (a, b) => (a < b ? -1 : Number(a > b));
    return [...ports].sort((a, b) => sign * compare(value(a), value(b)) ||
        compare(a.port, b.port) || compare(a.protocol, b.protocol));
}

function text_of(port) {
    return [port.protocol, port.port, port.service, port.scope, SCOPES[port.scope]?.words,
        ...(Array.isArray(port.addresses) ? port.addresses.map((a) => endpoint(a, port.port)) : []),
        owner_text(port.owners)].join(' ').toLowerCase();
}

/* Words are looked for here, and states among the port's connections; the server did the rest. */
export function search_ports(ports, search) {
    const states = values_of(search, 'state').map((state) => state.replaceAll('-', '_'));
    return ports.filter((port) => {
        const in_state = states.length === 0 || states.some((state) =>
            (state === 'listen' && port.protocol === 'tcp') || port.connections?.[state] > 0 ||
            (state === 'unconnected' && port.protocol === 'udp') || !/^[a-z_0-9]+$/.test(state) ||
            (state === 'connected' && connections_of(port).total > 0));
        if (!in_state) {
            return false;
        }
        const text = search.words.length > 0 ? text_of(port) : '';
        return search.words.every((word) => text.includes(word));
    });
}

/* The short forms as this list takes them: a port is the listening one, a state is none of its. */
export function port_params(search) {
    const params = [];
    for (const [name, value] of search.forms) {
        if (name === 'port') {
            params.push(['local_port', value]);
        } else if (name !== 'state' && name !== 'remote_port') {
            params.push([name, value]);
        }
    }
    return params;
}

/* ---- what a row opens to ---- */

const DETAIL_FIELDS = 'id,protocol,state,local_address,local_port,remote_address,remote_port,' +
    'interface,owners,owner_unknown,user,uid,inode,accept_queue,backlog,receive_queue_bytes,' +
    'send_queue_bytes,drops,direction';

const SOCKET_COLUMNS = [
    {
        id: 'bound', label: 'Bound to', value: (s) => [s.local_address, s.local_port, s.interface],
        fill: (cell, s) => cell.append(
            machine(endpoint(s.local_address, s.local_port, s.interface), 'mono')),
    },
    { id: 'state', label: 'State', value: (s) => s.state, fill: (c, s) => c.append(state_mark(s.state)) },
    {
        id: 'holders', label: 'Held by', value: (s) => [s.owners, s.owner_unknown],
        fill(cell, s) {
            const all = Array.isArray(s.owners) ? s.owners : [];
            const list = all.slice(0, 8).map((o) => element('span', { class: 'holder' },
                machine(o.command ?? '?', 'command'), ` ${o.pid ?? '?'}`,
                is_number(o.fd) ? span('soft', ` fd ${o.fd}`) : null));
            cell.append(...(list.length > 0 ? list : [no_owner(s.owner_unknown)]));
            if (all.length > 8) {
                cell.append(span('more', `+${count(all.length - 8)}`));
            }
        },
    },
    {
        id: 'squeue', label: 'Queue', value: (s) => [s.accept_queue, s.backlog, s.receive_queue_bytes],
        fill: (cell, s) => cell.append(is_number(s.backlog) ? queue_meter(s.accept_queue, s.backlog)
            : span('number', is_number(s.receive_queue_bytes)
                ? `${count(s.receive_queue_bytes)} B unread` : UNKNOWN)),
    },
    { id: 'sdrops', label: 'Drops', value: (s) => s.drops, fill: (c, s) => c.append(count(s.drops)) },
    { id: 'user', label: 'User', value: (s) => [s.user, s.uid], fill: (c, s) => c.append(machine(s.user ?? s.uid ?? UNKNOWN)) },
    { id: 'inode', label: 'Inode', value: (s) => s.inode, fill: (c, s) => c.append(machine(s.inode ?? UNKNOWN, 'number')) },
];

const PEER_COLUMNS = [
    {
        id: 'remote', label: 'Remote', value: (s) => [s.remote_address, s.remote_port],
        fill: (cell, s) => cell.append(machine(endpoint(s.remote_address, s.remote_port), 'mono')),
    },
    { id: 'state', label: 'State', value: (s) => s.state, fill: (c, s) => c.append(state_mark(s.state)) },
    {
        id: 'holders', label: 'Process', value: (s) => [s.owners, s.owner_unknown],
        fill: (cell, s) => cell.append(owner_lines(s.owners, s.owner_unknown, false)),
    },
    {
        id: 'bytes', label: 'Unread / unsent', value: (s) => [s.receive_queue_bytes, s.send_queue_bytes],
        fill: (cell, s) => cell.append(span('number',
            `${count(s.receive_queue_bytes)} / ${count(s.send_queue_bytes)} B`)),
    },
];

function is_holder(socket) {
    return socket.state === 'listen' || socket.state === 'unconnected' || socket.state === 'closed';
}

function detail_part(title, caption, columns) {
    const heading = element('h4', { class: 'label' }, title);
    const table = create_table({ caption, columns, key: (s) => String(s.id), class_name: 'mini' });
    const note = element('p', { class: 'soft' }, 'Asking…');
    const part = element('div', { class: 'detail-part' }, heading, table.element, note);
    table.element.hidden = true;
    return {
        element: part,
        show(rows, matched, nothing) {
            table.element.hidden = rows.length === 0;
            table.set_rows(rows);
            const more = is_number(matched) ? matched - rows.length : 0;
            set_text(note, rows.length === 0 ? nothing : more > 0 ? `${count(more)} more.` : '');
            note.hidden = note.textContent === '';
        },
        fail(message) {
            set_text(note, message);
            note.hidden = false;
        },
    };
}

function create_detail(get, on_show) {
    return (port) => {
        const name = `${port.protocol} port ${port.port}`;
        const sockets = detail_part('Sockets', `Sockets that hold ${name}`, SOCKET_COLUMNS);
        const peers = detail_part('Connections', `Connections of ${name}`, PEER_COLUMNS);
        const all = element('button', { type: 'button', class: 'button' },
            'Show these in the connections');
        all.addEventListener('click', () => on_show(port));
        const box = element('div', { class: 'detail-box' }, sockets.element, peers.element,
            element('p', { class: 'detail-foot' }, all));
        const base = [['protocol', port.protocol], ['local_port', port.port],
            ['fields', DETAIL_FIELDS], ['limit', DETAIL_ROWS]];
        const holding = port.protocol === 'udp' ? 'unconnected' : 'listen';
        let control = null;

        async function ask() {
            if (control) {
                return; /* the answer to the one before is still on its way */
            }
            control = new AbortController();
            try {
                const [held, connected] = await Promise.all([
                    get('sockets', [...base, ['state', holding]], control.signal),
                    get('sockets', [...base, ['state', 'connected']], control.signal),
                ]);
                sockets.show((held.sockets ?? []).filter(is_holder), held.matched, 'None any more.');
                peers.show(connected.sockets ?? [], connected.matched, 'No connections.');
            } catch (error) {
                if (box.isConnected) {
                    sockets.fail(`Could not ask: ${error.message}`);
                }
            } finally {
                control = null;
            }
        }
        return { element: box, update: ask };
    };
}

/* ---- the view ---- */

export function create_ports(root, { note, get, on_sort, on_toggle, on_show, is_open }) {
    const table = create_table({
        caption: 'Ports that something listens on or is bound to', class_name: 'ports',
        columns: COLUMNS, key: port_key, on_sort,
        detail: { is_open, create: create_detail(get, on_show) },
    });
    const empty = empty_note();
    root.append(element('div', { class: 'sheet' }, table.element, empty.element));

    table.body.addEventListener('click', (event) => {
        const row = event.target.closest('tr.row');
        const selecting = String(document.getSelection() ?? '') !== '';
        const inside_detail = event.target.closest('.detail') !== null;
        if (row && !inside_detail && (!selecting || event.target.closest('.opener'))) {
            on_toggle(row.dataset.key);
        }
    });

    function mark_open() {
        for (const button of table.body.querySelectorAll('.opener')) {
            button.setAttribute('aria-expanded', String(is_open(button.dataset.open)));
        }
    }

    return {
        /* -> how many match, or null when that is unknown */
        update(list, search, sort) {
            const given = Array.isArray(list?.ports) ? list.ports.filter((p) => p) : [];
            const matching = sort_ports(search_ports(given, search), sort);
            const searching = search.forms.length + search.words.length > 0;
            table.set_sort(sort);
            table.set_rows(matching.slice(0, SHOWN));
            mark_open();
            table.element.hidden = matching.length === 0;
            if (matching.length > 0) {
                empty.hide();
            } else if (searching) {
                empty.show('No port matches the search.', 'Escape clears it.');
            } else {
                empty.show('Nothing listens on this machine.', 'When a program opens a port, it appears here.');
            }
            const cut = list?.matched > given.length;
            const said = [plural(matching.length, 'port', 'ports')];
            if (matching.length > SHOWN) {
                said.push(`the first ${SHOWN} are shown`);
            }
            if (cut) {
                said.push(`only the first ${count(given.length)} of ${count(list.matched)} were looked at`);
            }
            if (search.forms.some((form) => form[0] === 'remote_port')) {
                said.push('remote_port does not narrow this list');
            }
            set_text(note, said.join(', '));
            table.mark_new(true);
            return matching.length;
        },
        fail(message) {
            table.element.hidden = true;
            empty.show('The ports could not be read.', message);
            set_text(note, '');
        },
        forget() {
            table.mark_new(false);
        },
        focus_row: (key) => table.row_of(key)?.querySelector('.opener')?.focus(),
    };
}
