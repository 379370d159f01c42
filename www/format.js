/* SPDX-License-Identifier: MIT
 *
 * Numbers, times, addresses and states as text. Unknown (null or missing) is a dash, never 0.
 */

export const UNKNOWN = '–';

const grouped = new Intl.NumberFormat('en');

export function is_number(value) {
    return typeof value === 'number' && Number.isFinite(value);
}

export function count(value) {
    return is_number(value) ? grouped.format(value) : UNKNOWN;
}

export function plural(value, one, many) {
    return `${count(value)} ${value === 1 ? one : many}`;
}

export function bytes(value) {
    if (!is_number(value)) {
        return UNKNOWN;
    }
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
    let at = 0;
    while (value >= 1024 && at < units.length - 1) {
        value /= 1024;
        at += 1;
    }
    return `${value.toFixed(at > 0 && value < 10 ? 1 : 0)} ${units[at]}`;
}

export function ratio(part, whole) {
    return is_number(part) && is_number(whole) && whole > 0 ? part / whole : null;
}

export function percent(value) {
    if (!is_number(value)) {
        return UNKNOWN;
    }
    const hundred = value * 100;
    return `${hundred.toFixed(hundred > 0 && hundred < 10 ? (hundred < 0.1 ? 2 : 1) : 0)} %`;
}

/* A latency. */
export function microseconds(value) {
    if (!is_number(value)) {
        return UNKNOWN;
    }
    if (value < 1000) {
        return `${Math.round(value)} µs`;
    }
    if (value < 1e6) {
        return `${(value / 1000).toFixed(value < 1e4 ? 1 : 0)} ms`;
    }
    return `${(value / 1e6).toFixed(value < 1e7 ? 1 : 0)} s`;
}

/* How long something has lasted. */
export function duration(seconds) {
    if (!is_number(seconds)) {
        return UNKNOWN;
    }
    const whole = Math.max(0, Math.floor(seconds));
    const days = Math.floor(whole / 86400);
    const hours = Math.floor((whole % 86400) / 3600);
    const minutes = Math.floor((whole % 3600) / 60);
    if (days > 0) {
        return `${days} d ${hours} h`;
    }
    if (hours > 0) {
        return `${hours} h ${minutes} min`;
    }
    return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

export function age(ms) {
    if (!is_number(ms)) {
        return '';
    }
    return ms < 10000
        ? `${(Math.max(0, ms) / 1000).toFixed(1)} s old`
        : `${duration(ms / 1000)} old`;
}

/* "10.0.0.1:443", "[2001:db8::1]:443", "[fe80::1%eth0]:443" */
export function endpoint(address, port, zone) {
    if (address === null || address === undefined || address === '') {
        return is_number(port) ? `*:${port}` : UNKNOWN;
    }
    const whole = zone ? `${address}%${zone}` : String(address);
    const host = whole.includes(':') ? `[${whole}]` : whole;
    return is_number(port) ? `${host}:${port}` : host;
}

/* The states in the order of a socket's life, what each belongs to (its colour), what it means. */
export const STATES = {
    listen: { kind: 'listening', means: 'waits for connections' },
    syn_sent: { kind: 'opening', means: 'has asked for a connection, no answer yet' },
    syn_recv: { kind: 'opening', means: 'was asked for a connection, confirming it' },
    established: { kind: 'open', means: 'both ends are connected' },
    connected: { kind: 'open', means: 'sends to and hears one peer only' },
    fin_wait1: { kind: 'closing', means: 'closed here, the other end has not confirmed' },
    fin_wait2: { kind: 'closing', means: 'closed here, the other end may still send' },
    close_wait: { kind: 'left', means: 'the other end has closed, the process here has not' },
    closing: { kind: 'closing', means: 'both ends closed at the same time' },
    last_ack: { kind: 'closing', means: 'both ends closed, the last confirmation is on its way' },
    time_wait: { kind: 'resting', means: 'over; kept for a while so that late packets do no harm' },
    closed: { kind: 'idle', means: 'bound to a port, neither listening nor connected' },
    unconnected: { kind: 'idle', means: 'bound, talks with anybody' },
};

export function kind_of(state) {
    return STATES[state]?.kind ?? 'idle';
}

/* Of a port's connections, those that its program has not accepted yet; null: unknown. */
export function unaccepted_of(port) {
    return port.unaccepted ?? port.connections?.unaccepted ?? null;
}

/* [[state, number], ...] of those above zero, in the order of a socket's life. */
export function state_counts(counts) {
    const order = Object.keys(STATES);
    return Object.entries(counts ?? {})
        .filter(([state, number]) => state in STATES && is_number(number) && number > 0)
        .sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]));
}

/* Who can reach it, narrowest first: words, and how many of the four dots are lit. */
export const SCOPES = {
    loopback: {
        words: 'this machine',
        lit: 1,
        means: 'Only programs on this machine can reach it',
    },
    link: { words: 'local link', lit: 2, means: 'Only neighbours on the same link can reach it' },
    private: { words: 'private network', lit: 3, means: 'Bound to a private address' },
    public: { words: 'public address', lit: 4, means: 'Bound to a public address' },
    all: { words: 'everyone', lit: 4, means: 'Bound to every address of this machine' },
};

/* Why a socket has no visible owner, in a few words and in a sentence. */
export const NO_OWNER = {
    permission: ['hidden', 'Belongs to a process that porthole may not look into'],
    kernel: ['kernel', 'The kernel’s own socket'],
    time_wait: ['nobody', 'Over: no process owns it any more'],
    not_accepted: ['not accepted yet', 'Confirmed, waits for the process to accept it'],
    other_namespace: [
        'other namespace',
        'Belongs to a process outside this view, such as a container',
    ],
    orphan: ['orphan', 'Closed by its process, still finishing'],
    handshake: ['handshake', 'Being opened: no process has it yet'],
    in_flight: ['in flight', 'Inside a message between processes'],
};
