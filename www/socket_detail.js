/* SPDX-License-Identifier: MIT
 *
 * What a connection's row opens to: its two halves side by side, and what the kernel has counted and
 * measured at each. The other half is shown, too, where it is on this machine.
 */
import { element, machine, set_children } from './dom.js';
import { UNKNOWN, bytes, count, is_number, microseconds, plural } from './format.js';
import { endpoint_text, local_end, owner_lines, state_mark } from './parts.js';
import { one_at_a_time } from './poller.js';

function rate(value) {
    return is_number(value) ? `${bytes(value)}/s` : UNKNOWN;
}

function ago(ms) {
    return is_number(ms) ? `${microseconds(ms * 1000)} ago` : UNKNOWN;
}

function both(first, second, say) {
    return is_number(first) || is_number(second) ? `${say(first)} / ${say(second)}` : UNKNOWN;
}

/* Label, text; a fact that is unknown is left out. */
const FACTS = [
    ['Round trip', (s) => both(s.rtt_us, s.min_rtt_us, microseconds), 'smoothed / shortest'],
    ['Sent', (s) => bytes(s.sent_bytes), 'data, each byte once'],
    ['Received', (s) => bytes(s.received_bytes), 'data'],
    [
        'Sent again',
        (s) => (is_number(s.retransmissions) ? plural(s.retransmissions, 'segment', 'segments') : UNKNOWN),
        'retransmissions',
    ],
    ['Delivery', (s) => rate(s.delivery_rate_bytes_per_second), 'how fast data arrived lately'],
    [
        'Window',
        (s) => (is_number(s.cwnd) ? `${count(s.cwnd)} × ${bytes(s.mss_bytes)}` : UNKNOWN),
        'congestion window: segments in flight at most',
    ],
    ['Congestion', (s) => s.congestion_control ?? UNKNOWN, 'who decides how fast it sends'],
    ['Last heard', (s) => ago(s.last_received_ms), 'since data was received'],
    [
        'Unread / unsent',
        (s) => both(s.receive_queue_bytes, s.send_queue_bytes, bytes),
        'waiting for the program / for the other end',
    ],
    [
        'Buffers',
        (s) => both(s.receive_buffer_bytes, s.send_buffer_bytes, bytes),
        'to receive / to send',
    ],
];

function facts_of(socket) {
    const list = element('dl', { class: 'facts half-facts' });
    for (const [label, text, means] of FACTS) {
        const said = text(socket);
        if (said !== UNKNOWN) {
            list.append(
                element('div', { title: means }, element('dt', {}, label), element('dd', {}, machine(said))),
            );
        }
    }
    return list;
}

function half(title, socket) {
    return element(
        'div',
        { class: 'half' },
        element('h3', { class: 'label' }, title),
        element('p', { class: 'half-name' }, local_end(socket)),
        element('p', {}, state_mark(socket.state)),
        element('p', { class: 'half-owner' }, owner_lines(socket.owners, socket.owner_unknown, false)),
        facts_of(socket),
    );
}

/* The other half of a connection to elsewhere: its address is all that this machine knows. */
function far_half(socket) {
    const known = socket.remote_address !== null && socket.remote_address !== undefined;
    return element(
        'div',
        { class: 'half half-far' },
        element('h3', { class: 'label' }, 'The other half'),
        known
            ? element('p', { class: 'half-name' }, endpoint_text(socket.remote_address, socket.remote_port))
            : null,
        element(
            'p',
            { class: 'soft' },
            known ? 'On another machine, or out of sight.' : 'There is none.',
        ),
    );
}

/* -> create(row) for a table's detail */
export function create_socket_detail(get) {
    return (row) => {
        const note = element('p', { class: 'soft' }, 'Asking…');
        const box = element('div', { class: 'halves' }, note);
        const path = `sockets/${encodeURIComponent(row.id)}`;
        async function ask() {
            try {
                const { socket, peer } = await get(path, []);
                set_children(box, [
                    half('This half', socket),
                    peer ? half('The other half, also here', peer) : far_half(socket),
                ]);
            } catch (error) {
                note.textContent = `Could not ask: ${error.message}`;
                set_children(box, [note]);
            }
        }
        return { element: box, update: one_at_a_time(ask) };
    };
}
