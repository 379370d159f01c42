/* SPDX-License-Identifier: MIT
 *
 * The ports that something listens on: what it is, whose, who can reach it, how its queue stands.
 * The list is asked for whole and searched and sorted here; a row opens to its sockets and
 * connections, which are asked for only while it is open (port_detail.js).
 */
import { element, machine, set_text, span } from './dom.js';
import {
    SCOPES,
    UNKNOWN,
    count,
    endpoint,
    is_number,
    plural,
    state_counts,
    unaccepted_of,
} from './format.js';
import {
    empty_note,
    owner_lines,
    owner_text,
    processes_of,
    queue_meter,
    scope_badge,
    stacked_bar,
    state_words,
} from './parts.js';
import { create_port_detail } from './port_detail.js';
import { values_of } from './query.js';
import { create_table, mark_open, open_on_click, opener } from './table.js';

export const PORT_FIELDS = [
    'protocol',
    'port',
    'service',
    'addresses',
    'scope',
    'owners',
    'owner_unknown',
    'accept_queue',
    'backlog',
    'drops',
    'connections',
    'unaccepted',
    'socket_ids',
];
const SHOWN = 500;
const ADDRESSES_SHOWN = 3;
const STATES_SHOWN = 3;
const SCOPE_ORDER = Object.keys(SCOPES);

export function port_key(port) {
    return `${port.protocol}/${port.port}`;
}

function connections_of(port) {
    const counts = state_counts(port.connections);
    const total = counts.reduce((sum, entry) => sum + entry[1], 0);
    const waiting = unaccepted_of(port);
    return { counts, total, waiting };
}

/* ---- columns ---- */

function fill_port(cell, port) {
    const key = port_key(port);
    cell.append(
        opener(
            key,
            span('port-number', String(port.port ?? UNKNOWN)),
            ' ',
            span('protocol', String(port.protocol ?? '')),
        ),
    );
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
        const last = index === Math.min(all.length, ADDRESSES_SHOWN) - 1;
        line.append(span('unbroken', machine(address, 'address'), last ? '' : ','), ' ');
    });
    if (all.length > ADDRESSES_SHOWN) {
        line.append(`+${all.length - ADDRESSES_SHOWN}`);
    }
    cell.append(line);
}

function fill_drops(cell, port) {
    const some = is_number(port.drops) && port.drops > 0;
    cell.append(
        element('span', { class: some ? 'is-bad-text' : 'number soft' }, count(port.drops)),
    );
}

function fill_connections(cell, port) {
    const { counts, total, waiting } = connections_of(port);
    if (total === 0) {
        cell.append(span('soft', port.connections ? '0' : UNKNOWN));
        return;
    }
    const by_number = [...counts].sort((a, b) => b[1] - a[1]);
    const said = by_number
        .slice(0, STATES_SHOWN)
        .map(([state, n]) => `${count(n)} ${state_words(state)}`);
    const rest = by_number.slice(STATES_SHOWN).reduce((sum, entry) => sum + entry[1], 0);
    if (rest > 0) {
        said.push(`${count(rest)} more`);
    }
    if (waiting > 0) {
        said.push(`${count(waiting)} not accepted`);
    }
    cell.append(
        span('connections-line', span('strong number', count(total)), stacked_bar(counts)),
        span('second', said.join(' · ')),
    );
}

const COLUMNS = [
    {
        id: 'port',
        label: 'Port',
        sort: 'port',
        fill: fill_port,
        value: (p) => [p.port, p.protocol, p.service],
    },
    {
        id: 'owner',
        label: 'Owner',
        sort: 'owner',
        value: (p) => [p.owners, p.owner_unknown],
        fill: (cell, p) => cell.append(owner_lines(p.owners, p.owner_unknown, true)),
    },
    {
        id: 'reach',
        label: 'Reachable from',
        sort: 'scope',
        number: true,
        fill: fill_reach,
        value: (p) => [p.scope, p.addresses],
    },
    {
        id: 'queue',
        label: 'Accept queue',
        sort: 'queue',
        number: true,
        value: (p) => [p.accept_queue, p.backlog],
        fill: (cell, p) => cell.append(queue_meter(p.accept_queue, p.backlog)),
    },
    {
        id: 'drops',
        label: 'Drops',
        sort: 'drops',
        number: true,
        fill: fill_drops,
        value: (p) => p.drops,
    },
    {
        id: 'connections',
        label: 'Connections',
        sort: 'connections',
        number: true,
        fill: fill_connections,
        value: (p) => [p.connections, p.unaccepted],
    },
];

/* ---- order and search ---- */

const SORT_VALUES = {
    port: (p) => p.port,
    owner: (p) => processes_of(p.owners)[0]?.command?.toLowerCase() ?? '\uffff',
    scope: (p) => SCOPE_ORDER.indexOf(p.scope),
    queue: (p) => (p.backlog > 0 ? p.accept_queue / p.backlog : (p.accept_queue ?? -1)),
    drops: (p) => p.drops ?? -1,
    connections: (p) => connections_of(p).total,
};

export function sort_ports(ports, sort) {
    const value = SORT_VALUES[sort.replace(/^-/, '')] ?? SORT_VALUES.port;
    const sign = sort.startsWith('-') ? -1 : 1;
    const compare = (a, b) => (a < b ? -1 : Number(a > b));
    return [...ports].sort(
        (a, b) =>
            sign * compare(value(a), value(b)) ||
            compare(a.port, b.port) ||
            compare(a.protocol, b.protocol),
    );
}

function text_of(port) {
    return [
        port.protocol,
        port.port,
        port.service,
        port.scope,
        SCOPES[port.scope]?.words,
        ...(Array.isArray(port.addresses) ? port.addresses.map((a) => endpoint(a, port.port)) : []),
        owner_text(port.owners),
    ]
        .join(' ')
        .toLowerCase();
}

/* Words are looked for here, and states among the port's connections; the server did the rest. */
export function search_ports(ports, search) {
    const states = values_of(search, 'state').map((state) => state.replaceAll('-', '_'));
    return ports.filter((port) => {
        const in_state =
            states.length === 0 ||
            states.some(
                (state) =>
                    (state === 'listen' && port.protocol === 'tcp') ||
                    port.connections?.[state] > 0 ||
                    (state === 'unconnected' && port.protocol === 'udp') ||
                    !/^[a-z_0-9]+$/.test(state) ||
                    (state === 'connected' && connections_of(port).total > 0),
            );
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

/* ---- the view ---- */

export function create_ports(root, { note, get, on_sort, on_toggle, on_show, is_open }) {
    const table = create_table({
        caption: 'Ports that something listens on or is bound to',
        class_name: 'ports',
        columns: COLUMNS,
        key: port_key,
        on_sort,
        detail: { is_open, create: create_port_detail(get, on_show) },
    });
    const empty = empty_note();
    root.append(element('div', { class: 'sheet' }, table.element, empty.element));

    open_on_click(table, on_toggle);

    return {
        /* -> how many match, or null when that is unknown */
        update(list, search, sort) {
            const given = Array.isArray(list?.ports) ? list.ports.filter((p) => p) : [];
            const matching = sort_ports(search_ports(given, search), sort);
            const searching = search.forms.length + search.words.length > 0;
            table.set_sort(sort);
            table.set_rows(matching.slice(0, SHOWN));
            mark_open(table, is_open);
            table.element.hidden = matching.length === 0;
            if (matching.length > 0) {
                empty.hide();
            } else if (searching) {
                empty.show('No port matches the search.', 'Clear the search to see all.');
            } else {
                empty.show(
                    'Nothing listens on this machine.',
                    'When a program opens a port, it appears here.',
                );
            }
            const cut = list?.matched > given.length;
            const said = [plural(matching.length, 'port', 'ports')];
            if (matching.length > SHOWN) {
                said.push(`the first ${SHOWN} are shown`);
            }
            if (cut) {
                said.push(
                    `only the first ${count(given.length)} of ${count(list.matched)} were looked at`,
                );
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
