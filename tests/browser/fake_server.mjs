/* SPDX-License-Identifier: MIT
 *
 * Stands in for porthole: serves www/ and made-up answers, and can be told to misbehave in ways
 * that are hard to bring about for real. Run by itself it prints its URL and serves until ended.
 */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

import { HOSTILE, PORTS, SOCKETS } from './fake_data.mjs';
import { findings, server_status, summary } from './fake_status.mjs';

const WWW = join(dirname(fileURLToPath(import.meta.url)), '../../www');
const TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
};
const CSP =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const PARAMETERS = [
    'protocol',
    'state',
    'port',
    'local_port',
    'remote_port',
    'address',
    'pid',
    'command',
    'user',
    'sort',
    'limit',
    'fields',
    'max_age_ms',
];
const NUMBERS = ['port', 'local_port', 'remote_port', 'pid'];

class BadParameter extends Error {}

/* ---- the lists ---- */

function inside(address, wanted) {
    return (
        address !== null &&
        address !== undefined &&
        address.startsWith(wanted.split('/')[0].replace(/(\.0)+$/, ''))
    );
}

function row_matches(row, name, value) {
    const owners = row.owners ?? [];
    switch (name) {
        case 'protocol':
            return row.protocol === value;
        case 'state':
            return value === 'connected'
                ? !['listen', 'closed', 'unconnected'].includes(row.state)
                : row.state === value.replaceAll('-', '_');
        case 'port':
            return String(row.local_port) === value || String(row.remote_port) === value;
        case 'local_port':
            return String(row.local_port ?? row.port) === value;
        case 'remote_port':
            return String(row.remote_port) === value;
        case 'address':
            return [row.local_address, row.remote_address, ...(row.addresses ?? [])].some((a) =>
                inside(a, value),
            );
        case 'pid':
            return owners.some((o) => String(o.pid) === value);
        case 'command':
            return owners.some((o) => o.command === value);
        default:
            return owners.some((o) => o.user === value);
    }
}

function select(rows, params) {
    for (const [name, values] of params) {
        if (!PARAMETERS.includes(name)) {
            throw new BadParameter(`There is no parameter "${name}".`);
        }
        if (NUMBERS.includes(name) && !/^\d+(,\d+)*$/.test(values)) {
            throw new BadParameter(
                `"${values}" is no ${name}: a number from 0 to 65535 is accepted.`,
            );
        }
        if (!['sort', 'limit', 'fields', 'max_age_ms'].includes(name)) {
            rows = rows.filter((row) =>
                values.split(',').some((value) => row_matches(row, name, value)),
            );
        }
    }
    return rows;
}

function sorted(rows, sort) {
    if (!sort) {
        return rows;
    }
    const field = sort.replace(/^-/, '');
    const sign = sort.startsWith('-') ? -1 : 1;
    const text = (row) => (field === 'owner' ? row.owners?.[0]?.command : row[field]) ?? '';
    return [...rows].sort((a, b) => sign * (text(a) < text(b) ? -1 : Number(text(a) > text(b))));
}

function list(name, rows, params) {
    const matching = select(rows, params);
    const limit = Number(params.get('limit') ?? 1000);
    const fields = params.get('fields')?.split(',');
    const cut = sorted(matching, params.get('sort'))
        .slice(0, limit)
        .map((row) =>
            fields
                ? Object.fromEntries(Object.entries(row).filter((e) => fields.includes(e[0])))
                : row,
        );
    return {
        taken_at: new Date().toISOString(),
        age_ms: 120,
        sources: summary().sources,
        matched: matching.length,
        returned: cut.length,
        [name]: cut,
    };
}

function with_sockets(port) {
    const ids = (port.addresses ?? []).map((address, at) => `${port.protocol}-${port.port}${at}`);
    return { socket_ids: ids, ...port };
}

/* ---- single things ---- */

function why(params) {
    return {
        port: Number(params.get('port')),
        protocol: params.get('protocol'),
        bind: { verdict: 'in_use', reason: `process 1201 (${HOSTILE.tag}) listens there` },
        reach: { verdict: 'everyone', reason: 'everyone: it listens on 0.0.0.0' },
        advice: ['Choose another port.', 'Let it listen on 127.0.0.1 only.'],
    };
}

/* The details of one, and its other end where the data has one; NULL for a socket that is gone. */
function socket_answer(sockets, id) {
    const socket = sockets.find((row) => row.id === id);
    const peer = sockets.find((row) => socket?.peer_id && row.id === socket.peer_id) ?? null;
    const details = {
        rtt_us: 12345,
        min_rtt_us: 900,
        sent_bytes: 4096,
        received_bytes: 0,
        retransmissions: 3,
        cwnd: 10,
        mss_bytes: 1448,
        congestion_control: 'cubic',
        delivery_rate_bytes_per_second: null,
    };
    return socket
        ? () => ({
              taken_at: new Date().toISOString(),
              age_ms: 3,
              socket: { ...socket, ...details },
              peer: peer && { ...peer, ...details },
          })
        : null;
}

export function many_sockets(number) {
    const states = ['established', 'established', 'established', 'time_wait', 'close_wait'];
    return Array.from({ length: number }, (_, at) => ({
        id: `tcp-${at}`,
        protocol: 'tcp',
        family: 'ipv4',
        state: states[at % states.length],
        direction: 'inbound',
        local_address: '203.0.113.7',
        local_port: 443,
        remote_address: `10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}`,
        remote_port: 1024 + (at % 60000),
        owners: [{ pid: 1202, command: 'nginx', fd: at }],
        receive_queue_bytes: 0,
        send_queue_bytes: 0,
    }));
}

/* ---- the server ---- */

function send(response, status, body, type = 'application/json') {
    response.writeHead(status, {
        'Content-Type': type,
        'Content-Security-Policy': CSP,
        'Cache-Control': 'no-store',
    });
    response.end(body);
}

function problem(response, status, title, detail) {
    send(
        response,
        status,
        JSON.stringify({ type: 'about:blank', title, status, detail }),
        'application/problem+json',
    );
}

async function send_file(response, path) {
    const name = path === '/' ? 'index.html' : normalize(path).slice(1);
    try {
        send(response, 200, await readFile(join(WWW, name)), TYPES[extname(name)] ?? 'text/plain');
    } catch {
        problem(response, 404, 'Not Found', `There is no ${path}.`);
    }
}

/*
 * control, changeable while it runs: token (wanted, or null), status ({ endpoint: number } to
 * fail with), lost (cut every connection), ports, sockets, change_summary(summary),
 * change_findings(findings). `asked` lists every API request so far.
 */
export async function start_fake_server(options = {}) {
    const control = {
        token: null,
        status: {},
        lost: false,
        ports: PORTS,
        sockets: SOCKETS,
        asked: [],
        ...options,
    };
    const answers = {
        summary: () => control.change_summary?.(summary()) ?? summary(),
        server: () => server_status(control.asked.length),
        findings: () => control.change_findings?.(findings()) ?? findings(),
        ports: (params) => list('ports', control.ports.map(with_sockets), params),
        sockets: (params) => list('sockets', control.sockets, params),
        why: (params) => why(params),
    };
    const answer = (endpoint) =>
        answers[endpoint] ??
        (endpoint.startsWith('sockets/')
            ? socket_answer(control.sockets, decodeURIComponent(endpoint.slice(8)))
            : null);
    const server = createServer((request, response) => {
        const url = new URL(request.url, 'http://fake');
        if (control.lost) {
            request.socket.destroy();
            return;
        }
        if (!url.pathname.startsWith('/api/v1/')) {
            send_file(response, url.pathname);
            return;
        }
        const endpoint = url.pathname.slice('/api/v1/'.length);
        control.asked.push({
            endpoint,
            params: url.searchParams,
            at: Date.now(),
            headers: request.headers,
        });
        if (control.token !== null && request.headers.authorization !== `Bearer ${control.token}`) {
            problem(response, 401, 'Unauthorized', 'Send the token as Authorization: Bearer.');
        } else if (control.status[endpoint] || control.status.all) {
            problem(
                response,
                control.status[endpoint] ?? control.status.all,
                'Failed',
                'It was told to fail.',
            );
        } else if (!answer(endpoint)) {
            problem(response, 404, 'Not Found', `There is no ${url.pathname}.`);
        } else {
            try {
                send(response, 200, JSON.stringify(answer(endpoint)(url.searchParams)));
            } catch (error) {
                problem(
                    response,
                    error instanceof BadParameter ? 400 : 500,
                    'Bad Request',
                    error.message,
                );
            }
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        control,
        url: `http://127.0.0.1:${server.address().port}/`,
        async stop() {
            server.closeAllConnections();
            await new Promise((resolve) => server.close(resolve));
        },
    };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    const { url } = await start_fake_server();
    console.log(url);
}
