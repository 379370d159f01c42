/* SPDX-License-Identifier: MIT
 *
 * Made-up but varied ports and sockets: ordinary services, odd addresses, hostile names.
 */

export const HOSTILE = {
    tag: '<img src=x onerror=alert(1)>',
    quote: '"\'`><b>bold</b>&amp;',
    bidi: 'abc\u202Egnp.exe\u202C',
    lines: 'one\ntwo\tthree\u0000\u001b[31m',
    zero: 'ngi\u200Bnx',
};

const owner = (command, pid, user, unit, more) => ({
    pid,
    command,
    fd: 6,
    user,
    unit: unit ?? null,
    container: null,
    ...more,
});

export const PORTS = [
    {
        protocol: 'tcp',
        port: 22,
        service: 'ssh',
        addresses: ['0.0.0.0', '::'],
        scope: 'all',
        owners: [owner('sshd', 712, 'root', 'ssh.service')],
        accept_queue: 0,
        backlog: 128,
        drops: 0,
        connections: { established: 3 },
        unaccepted: 0,
    },
    {
        protocol: 'udp',
        port: 53,
        service: 'domain',
        addresses: ['127.0.0.53%lo', '127.0.0.54'],
        scope: 'loopback',
        owners: [owner('systemd-resolve', 488, 'systemd-resolve', 'systemd-resolved.service')],
        accept_queue: null,
        backlog: null,
        drops: 0,
        connections: {},
        unaccepted: null,
    },
    {
        protocol: 'tcp',
        port: 80,
        service: 'http',
        addresses: ['0.0.0.0', '::'],
        scope: 'all',
        owners: [1201, 1202, 1203, 1204, 1205].map((pid) =>
            owner('nginx', pid, 'www-data', 'nginx.service'),
        ),
        accept_queue: 0,
        backlog: 511,
        drops: 0,
        connections: { established: 41, time_wait: 18, fin_wait2: 2 },
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 443,
        service: 'https',
        addresses: ['0.0.0.0', '::'],
        scope: 'all',
        owners: [1201, 1202, 1203, 1204, 1205].map((pid) =>
            owner('nginx', pid, 'www-data', 'nginx.service'),
        ),
        accept_queue: 434,
        backlog: 511,
        drops: 0,
        connections: {
            syn_recv: 6,
            established: 1284,
            fin_wait1: 3,
            fin_wait2: 9,
            close_wait: 2,
            time_wait: 611,
        },
        unaccepted: 434,
    },
    {
        protocol: 'udp',
        port: 443,
        service: 'https',
        addresses: ['0.0.0.0'],
        scope: 'all',
        owners: [owner('caddy', 1399, 'caddy', 'caddy.service')],
        accept_queue: null,
        backlog: null,
        drops: 218,
        connections: {},
        unaccepted: null,
    },
    {
        protocol: 'tcp',
        port: 631,
        service: 'ipp',
        addresses: ['127.0.0.1', '::1'],
        scope: 'loopback',
        owners: [owner('cupsd', 901, 'root', 'cups.service')],
        accept_queue: 0,
        backlog: 4096,
        drops: 0,
        connections: {},
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 2049,
        service: 'nfs',
        addresses: ['0.0.0.0', '::'],
        scope: 'all',
        owners: [],
        owner_unknown: 'kernel',
        accept_queue: 0,
        backlog: 64,
        drops: 0,
        connections: {},
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 3000,
        service: null,
        addresses: ['10.20.30.40'],
        scope: 'private',
        owners: [owner(HOSTILE.tag, 4001, 'dev'), owner(HOSTILE.quote, 4002, 'dev')],
        accept_queue: 6,
        backlog: 5,
        drops: 1402,
        connections: { established: 6 },
        unaccepted: 6,
    },
    {
        protocol: 'tcp',
        port: 3306,
        service: 'mysql',
        addresses: ['127.0.0.1'],
        scope: 'loopback',
        owners: [owner('mariadbd', 1550, 'mysql', 'mariadb.service')],
        accept_queue: 0,
        backlog: 80,
        drops: 0,
        connections: { established: 24, close_wait: 31 },
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 5432,
        service: 'postgresql',
        addresses: [
            '2001:db8:85a3:8d3:1319:8a2e:370:7348',
            'fe80::a00:27ff:fe4e:66a1%enp0s31f6',
            'fd00:1234:5678:9abc:def0:1234:5678:9abc',
            '10.20.30.40',
            '::1',
        ],
        scope: 'public',
        owners: [
            owner(
                'postgres',
                1610,
                'postgres',
                'postgresql@16-main-with-a-really-long-instance-name.service',
            ),
        ],
        accept_queue: 0,
        backlog: 244,
        drops: null,
        connections: { established: 12 },
        unaccepted: 0,
    },
    {
        protocol: 'udp',
        port: 5353,
        service: 'mdns',
        addresses: ['fe80::1%eth0', '224.0.0.251'],
        scope: 'link',
        owners: [owner('avahi-daemon', 640, 'avahi', 'avahi-daemon.service')],
        accept_queue: null,
        backlog: null,
        drops: null,
        connections: { connected: 1 },
        unaccepted: null,
    },
    {
        protocol: 'tcp',
        port: 6379,
        service: 'redis',
        addresses: ['172.17.0.2'],
        scope: 'private',
        owners: [
            owner('redis-server', 2210, '999', null, {
                container: '3f2a9c1b77de4a0c8b1e5d6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b',
            }),
        ],
        accept_queue: 0,
        backlog: 511,
        drops: 0,
        connections: { established: 7 },
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 8080,
        service: 'http-alt',
        addresses: ['127.0.0.1'],
        scope: 'loopback',
        owners: [owner('porthole', 4242, 'operator', 'porthole.service')],
        accept_queue: 0,
        backlog: 1024,
        drops: 0,
        connections: { established: 4 },
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 9000,
        service: null,
        addresses: ['::1'],
        scope: 'loopback',
        owners: [],
        owner_unknown: 'permission',
        accept_queue: 0,
        backlog: 10,
        drops: 0,
        connections: {},
        unaccepted: 0,
    },
    {
        protocol: 'tcp',
        port: 40123,
        service: HOSTILE.lines,
        addresses: ['192.168.178.250'],
        scope: 'private',
        owners: [owner(HOSTILE.bidi, 5001, 'guest', HOSTILE.zero)],
        accept_queue: 0,
        backlog: 1,
        drops: 0,
        connections: { established: 1 },
        unaccepted: 0,
    },
    { protocol: 'tcp', port: 51000 },
];

let serial = 4096;
function row(values) {
    serial += 1;
    return {
        id: `${values.protocol ?? 'tcp'}-${serial}`,
        protocol: 'tcp',
        family: 'ipv4',
        state: 'established',
        direction: 'inbound',
        interface: null,
        path: null,
        scope: null,
        owners: [],
        owner_unknown: null,
        user: null,
        uid: 1000,
        inode: 90000 + serial,
        accept_queue: null,
        backlog: null,
        receive_queue_bytes: 0,
        send_queue_bytes: 0,
        drops: 0,
        timer: null,
        ...values,
    };
}

const pair = (local, remote) => ({
    local_address: local[0],
    local_port: local[1],
    remote_address: remote[0],
    remote_port: remote[1],
});
const nobody = (reason) => ({ owners: [], owner_unknown: reason });

function listeners() {
    return PORTS.flatMap((port) =>
        (port.addresses ?? []).map((address) =>
            row({
                protocol: port.protocol,
                state: port.protocol === 'udp' ? 'unconnected' : 'listen',
                direction: port.protocol === 'udp' ? null : 'listen',
                local_address: address.split('%')[0],
                interface: address.split('%')[1] ?? null,
                local_port: port.port,
                remote_address: null,
                remote_port: null,
                scope: port.scope,
                owners: port.owners,
                owner_unknown: port.owner_unknown ?? null,
                accept_queue: port.accept_queue,
                backlog: port.backlog,
                drops: port.drops,
                user: 'root',
                receive_queue_bytes: port.protocol === 'udp' ? 0 : null,
                send_queue_bytes: null,
            }),
        ),
    );
}

function conversations() {
    const nginx = [owner('nginx', 1202, 'www-data', 'nginx.service')];
    const rows = [];
    for (let at = 0; at < 60; at++) {
        rows.push(
            row({
                ...pair(
                    ['203.0.113.7', at % 3 ? 443 : 80],
                    [`198.51.100.${at + 1}`, 40000 + at * 37],
                ),
                owners: nginx,
            }),
        );
    }
    for (let at = 0; at < 6; at++) {
        rows.push(
            row({
                ...pair(
                    ['2001:db8:85a3:8d3:1319:8a2e:370:7348', 443],
                    [`2001:db8:aaaa:bbbb:cccc:dddd:eeee:${at + 1}ff`, 52000 + at],
                ),
                family: 'ipv6',
                owners: nginx,
                send_queue_bytes: at * 20480,
            }),
        );
    }
    for (let at = 0; at < 12; at++) {
        rows.push(
            row({
                ...pair(['203.0.113.7', 443], [`192.0.2.${at + 9}`, 33000 + at]),
                state: 'time_wait',
                ...nobody('time_wait'),
                receive_queue_bytes: null,
                send_queue_bytes: null,
            }),
        );
    }
    return [
        ...rows,
        row({
            ...pair(['127.0.0.1', 3306], ['127.0.0.1', 48812]),
            state: 'close_wait',
            owners: [owner('mariadbd', 1550, 'mysql')],
            receive_queue_bytes: 1,
        }),
        row({
            ...pair(['10.20.30.40', 51522], ['93.184.216.34', 443]),
            direction: 'outbound',
            owners: [owner('curl', 6100, 'dev')],
            receive_queue_bytes: 181234,
        }),
        row({
            ...pair(['10.20.30.40', 51524], ['192.0.2.200', 5432]),
            direction: 'outbound',
            state: 'syn_sent',
            owners: [owner('psql', 6111, 'dev')],
            timer: { kind: 'retransmit', expires_ms: 900, retransmits: 3 },
            send_queue_bytes: 1,
        }),
        row({
            ...pair(['203.0.113.7', 443], ['198.51.100.201', 40999]),
            state: 'syn_recv',
            ...nobody('handshake'),
        }),
        row({
            ...pair(['10.20.30.40', 3000], ['10.20.30.77', 39000]),
            ...nobody('not_accepted'),
            receive_queue_bytes: 512,
        }),
        row({
            ...pair(['fe80::a00:27ff:fe4e:66a1', 5353], ['fe80::1', 5353]),
            protocol: 'udp',
            family: 'ipv6',
            state: 'connected',
            interface: 'enp0s31f6',
            owners: [owner('avahi-daemon', 640, 'avahi')],
        }),
        row({
            ...pair(['127.0.0.1', 9090], ['127.0.0.1', 55012]),
            direction: 'local',
            owners: [owner(HOSTILE.tag, 4001, HOSTILE.quote)],
        }),
        row({
            ...pair(['127.0.0.1', 9091], ['127.0.0.1', 55013]),
            direction: 'local',
            owners: [owner(HOSTILE.bidi, 4003, 'dev')],
        }),
    ];
}

function unix_sockets() {
    const named = [
        '/run/systemd/journal/stdout',
        '@/tmp/.X11-unix/X0',
        `/tmp/${HOSTILE.tag}`,
        `/tmp/${HOSTILE.lines}`,
        null,
        `/run/user/1000/${'a-very-long-directory-name/'.repeat(5)}socket`,
    ];
    return named.map((path) =>
        row({
            protocol: 'unix',
            family: 'unix',
            state: 'established',
            direction: null,
            local_address: null,
            local_port: null,
            remote_address: null,
            remote_port: null,
            path,
            owners: [owner('systemd-journal', 301, 'root')],
        }),
    );
}

export const SOCKETS = [...listeners(), ...conversations(), ...unix_sockets()];
