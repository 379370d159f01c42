/* SPDX-License-Identifier: MIT
 *
 * How the connections of a TCP port live, as a row of stages: each as wide as the number that stands
 * there now. The first is always lit, for the port goes on listening whatever becomes of the others.
 */
import { element, set_attribute, set_text, span } from './dom.js';
import { count, is_number, unaccepted_of } from './format.js';

const CLOSING = ['fin_wait1', 'fin_wait2', 'close_wait', 'last_ack', 'closing'];

/* Of connections, those in some states; unknown where the port's connections are. */
function number_in(port, states) {
    if (!port.connections) {
        return null;
    }
    return states.reduce((sum, state) => sum + (port.connections[state] ?? 0), 0);
}

function accepted(port) {
    const open = number_in(port, ['established']);
    const left = unaccepted_of(port);
    return is_number(open) && is_number(left) ? Math.max(0, open - left) : open;
}

const STAGES = [
    {
        name: 'listening',
        kind: 'listening',
        means: 'The port waits for requests, and goes on doing so',
        number: (port) => (Array.isArray(port.socket_ids) ? port.socket_ids.length : null),
        unit: ['socket', 'sockets'],
    },
    {
        name: 'requested',
        kind: 'opening',
        means: 'Asked for by a client and being confirmed (syn recv)',
        number: (port) => number_in(port, ['syn_recv']),
    },
    {
        name: 'waiting',
        kind: 'left',
        means: 'Confirmed by the system, not yet accepted by the program',
        number: unaccepted_of,
    },
    {
        name: 'accepted',
        kind: 'open',
        means: 'Established, and taken by the program',
        number: accepted,
    },
    {
        name: 'closing',
        kind: 'closing',
        means: 'One end has closed (fin wait, close wait, last ack)',
        number: (port) => number_in(port, CLOSING),
    },
    {
        name: 'time wait',
        kind: 'resting',
        means: 'Over; kept for a while so that late packets do no harm',
        number: (port) => number_in(port, ['time_wait']),
    },
];

/* Wide enough to read where there is nothing, and never so wide that the others vanish. */
function share(number) {
    return is_number(number) && number > 0 ? 1 + Math.log2(1 + number) : 0.6;
}

function make_stage(stage) {
    const number = span('stage-number', '');
    const unit = span('stage-unit', '');
    const box = element(
        'li',
        { class: `stage k-${stage.kind}`, title: stage.means },
        span('stage-bar'),
        span('stage-name', stage.name),
        element('span', { class: 'stage-count' }, number, unit),
    );
    return {
        box,
        update(port) {
            const now = stage.number(port);
            const lit = stage.name === 'listening' || now > 0;
            set_text(number, count(now));
            set_text(
                unit,
                stage.unit && is_number(now) ? ` ${stage.unit[now === 1 ? 0 : 1]}` : '',
            );
            set_attribute(box, 'data-lit', lit ? 'true' : 'false');
            box.style.flexGrow = share(now).toFixed(2);
        },
    };
}

/* -> { element, update(port) } with a row of GET /api/v1/ports that has socket_ids. */
export function create_lifecycle() {
    const stages = STAGES.map(make_stage);
    const list = element(
        'ol',
        { class: 'lifecycle', 'aria-label': 'Connections of this port by where they stand' },
        ...stages.map((stage) => stage.box),
    );
    return {
        element: list,
        update(port) {
            for (const stage of stages) {
                stage.update(port);
            }
        },
    };
}

