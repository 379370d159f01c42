/* SPDX-License-Identifier: MIT
 *
 * What a port's row opens to: where its connections stand, what the doctor says of it, the sockets
 * that hold it, and its connections. All that is asked for only while the row is open, of sockets the
 * first SOCKETS_SHOWN and CONNECTIONS_SHOWN.
 */
import { element, machine, set_children, set_text, span } from './dom.js';
import { UNKNOWN, count, is_number } from './format.js';
import { create_lifecycle } from './lifecycle.js';
import { endpoint_text, no_owner, owner_lines, queue_meter, state_mark } from './parts.js';
import { one_at_a_time } from './poller.js';
import { create_table } from './table.js';

const SOCKETS_SHOWN = 50;
const CONNECTIONS_SHOWN = 20;
const HOLDERS_SHOWN = 8;

const DETAIL_FIELDS =
    'id,protocol,state,local_address,local_port,remote_address,remote_port,' +
    'interface,owners,owner_unknown,user,uid,inode,accept_queue,backlog,receive_queue_bytes,' +
    'send_queue_bytes,drops,direction';

const SOCKET_COLUMNS = [
    {
        id: 'bound',
        label: 'Bound to',
        value: (s) => [s.local_address, s.local_port, s.interface],
        fill: (cell, s) => cell.append(endpoint_text(s.local_address, s.local_port, s.interface)),
    },
    {
        id: 'state',
        label: 'State',
        value: (s) => s.state,
        fill: (c, s) => c.append(state_mark(s.state)),
    },
    {
        id: 'holders',
        label: 'Held by',
        value: (s) => [s.owners, s.owner_unknown],
        fill(cell, s) {
            const all = Array.isArray(s.owners) ? s.owners : [];
            const list = all
                .slice(0, HOLDERS_SHOWN)
                .map((o) =>
                    element(
                        'span',
                        { class: 'holder' },
                        machine(o.command ?? '?', 'command'),
                        ` ${o.pid ?? '?'}`,
                        is_number(o.fd) ? span('soft', ` fd ${o.fd}`) : null,
                    ),
                );
            cell.append(...(list.length > 0 ? list : [no_owner(s.owner_unknown)]));
            if (all.length > HOLDERS_SHOWN) {
                cell.append(span('more', `+${count(all.length - HOLDERS_SHOWN)}`));
            }
        },
    },
    {
        id: 'squeue',
        label: 'Queue',
        value: (s) => [s.accept_queue, s.backlog, s.receive_queue_bytes],
        fill: (cell, s) =>
            cell.append(
                is_number(s.backlog)
                    ? queue_meter(s.accept_queue, s.backlog)
                    : span(
                          'number',
                          is_number(s.receive_queue_bytes)
                              ? `${count(s.receive_queue_bytes)} B unread`
                              : UNKNOWN,
                      ),
            ),
    },
    {
        id: 'sdrops',
        label: 'Drops',
        value: (s) => s.drops,
        fill: (c, s) => c.append(count(s.drops)),
    },
    {
        id: 'user',
        label: 'User',
        value: (s) => [s.user, s.uid],
        fill: (cell, s) => cell.append(machine(s.user ?? s.uid ?? UNKNOWN)),
    },
    {
        id: 'inode',
        label: 'Inode',
        value: (s) => s.inode,
        fill: (cell, s) => cell.append(machine(s.inode ?? UNKNOWN, 'number')),
    },
];

const PEER_COLUMNS = [
    {
        id: 'remote',
        label: 'Remote',
        value: (s) => [s.remote_address, s.remote_port],
        fill: (cell, s) => cell.append(endpoint_text(s.remote_address, s.remote_port)),
    },
    {
        id: 'state',
        label: 'State',
        value: (s) => s.state,
        fill: (c, s) => c.append(state_mark(s.state)),
    },
    {
        id: 'holders',
        label: 'Process',
        value: (s) => [s.owners, s.owner_unknown],
        fill: (cell, s) => cell.append(owner_lines(s.owners, s.owner_unknown, false)),
    },
    {
        id: 'bytes',
        label: 'Unread / unsent',
        value: (s) => [s.receive_queue_bytes, s.send_queue_bytes],
        fill: (cell, s) =>
            cell.append(
                span('number', `${count(s.receive_queue_bytes)} / ${count(s.send_queue_bytes)} B`),
            ),
    },
];

function detail_part(title, caption, columns) {
    const heading = element('h3', { class: 'label' }, title);
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

/* Who can reach it, whether another could have it, what to do: the answer of "why". */
function why_part() {
    const reach = element('dd', {});
    const bind = element('dd', {});
    const advice = element('ol', { class: 'why-advice' });
    const box = element(
        'div',
        { class: 'detail-part' },
        element('h3', { class: 'label' }, 'Why'),
        element(
            'dl',
            { class: 'why' },
            element('div', {}, element('dt', {}, 'Who can reach it'), reach),
            element('div', {}, element('dt', {}, 'Can another have it'), bind),
        ),
        advice,
    );
    box.hidden = true;
    return {
        element: box,
        show(why) {
            box.hidden = false;
            reach.replaceChildren(machine(why.reach?.reason ?? UNKNOWN));
            bind.replaceChildren(machine(why.bind?.reason ?? UNKNOWN));
            const lines = (why.advice ?? []).map((line) => element('li', {}, machine(line)));
            set_children(advice, lines);
        },
    };
}

/* -> create(port) for a table's detail */
export function create_port_detail(get, on_show) {
    return (port) => {
        const name = `${port.protocol} port ${port.port}`;
        const sockets = detail_part('Sockets', `Sockets that hold ${name}`, SOCKET_COLUMNS);
        const peers = detail_part('Connections', `Connections of ${name}`, PEER_COLUMNS);
        const all = element(
            'button',
            { type: 'button', class: 'button' },
            'Search for these connections',
        );
        const lifecycle = port.protocol === 'tcp' ? create_lifecycle() : null;
        const why = why_part();
        all.hidden = true;
        all.addEventListener('click', () => on_show(port));
        const box = element(
            'div',
            { class: 'detail-box' },
            lifecycle?.element,
            why.element,
            sockets.element,
            peers.element,
            element('p', { class: 'detail-foot' }, all),
        );
        const base = [
            ['protocol', port.protocol],
            ['local_port', port.port],
            ['fields', DETAIL_FIELDS],
        ];
        const holding = port.protocol === 'udp' ? 'unconnected' : 'listen';

        async function ask() {
            try {
                const [held, connected, explained] = await Promise.all([
                    get('sockets', [...base, ['state', holding], ['limit', SOCKETS_SHOWN]]),
                    get('sockets', [...base, ['state', 'connected'], ['limit', CONNECTIONS_SHOWN]]),
                    get('why', [
                        ['port', port.port],
                        ['protocol', port.protocol],
                    ]).catch(() => null), /* the rest is worth showing without it */
                ]);
                if (explained) {
                    why.show(explained);
                }
                sockets.show(held.sockets ?? [], held.matched, 'None any more.');
                peers.show(connected.sockets ?? [], connected.matched, 'None now.');
                all.hidden = (connected.sockets ?? []).length === 0;
            } catch (error) {
                if (box.isConnected) {
                    sockets.fail(`Could not ask: ${error.message}`);
                }
            }
        }

        const ask_anew = one_at_a_time(ask);
        return {
            element: box,
            update(row) {
                lifecycle?.update(row);
                ask_anew();
            },
        };
    };
}
