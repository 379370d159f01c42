/* SPDX-License-Identifier: MIT
 *
 * The page on the real program, given by the environment variable PORTHOLE: real sockets are made,
 * and what is shown is compared with what ss prints at the same time.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import {
    browser_tests,
    connections_of,
    eventually,
    open_page,
    port_row,
    search_for,
} from './harness.mjs';

const PROGRAM = process.env.PORTHOLE ?? null;
const CLIENTS = 5;

/* ---- the program ---- */

async function start_porthole() {
    const child = spawn(PROGRAM, ['serve', '--listen', '127.0.0.1:0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
        const found = /http:\/\/127\.0\.0\.1:\d+\//.exec(line);
        if (found) {
            child.stdout.resume();
            return { child, url: found[0] };
        }
    }
    throw new Error(`${PROGRAM} ended without printing its URL`);
}

async function stop_porthole({ child }) {
    if (child.exitCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
    }
    return child.exitCode;
}

/* ---- real sockets ---- */

async function listen(host, backlog) {
    const held = new Set();
    const server = createServer((socket) => {
        held.add(socket);
        socket.on('error', () => {});
    });
    server.listen({ host, port: 0, backlog });
    await once(server, 'listening');
    return {
        port: server.address().port,
        held,
        async close() {
            held.forEach((socket) => socket.destroy());
            server.close();
            await once(server, 'close');
        },
    };
}

async function connect_to(server, number) {
    const clients = Array.from({ length: number }, () =>
        connect({ host: '127.0.0.1', port: server.port }),
    );
    clients.forEach((client) => client.on('error', () => {}));
    await Promise.all(clients.map((client) => once(client, 'connect')));
    await eventually(() => server.held.size === number, 'the connections to be accepted');
    return clients;
}

/* ---- ss ---- */

/* "0.0.0.0:22", "[::1]:80", "127.0.0.1%lo:53", "*:443" -> { address, port } */
function half(text) {
    const colon = text.lastIndexOf(':');
    const address = text
        .slice(0, colon)
        .replace(/^\[|\]/g, '')
        .replace(/%.*$/, '');
    return { address: address === '*' ? '::' : address, port: Number(text.slice(colon + 1)) };
}

function ss(...options) {
    return execFileSync('ss', options, { encoding: 'utf8' })
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.trim().split(/\s+/));
}

/* The page lists at most three addresses of a port and says how many more there are. */
const ADDRESSES_SHOWN = 3;

/* port -> "addresses waiting / backlog" of every TCP listener, as ss -tlnH has it now */
function ss_listeners() {
    const found = {};
    for (const [, waiting, backlog, local] of ss('-tlnH')) {
        const { address, port } = half(local);
        found[port] ??= { addresses: new Set(), waiting: 0, backlog: 0 };
        found[port].addresses.add(address);
        found[port].waiting += Number(waiting);
        found[port].backlog += Number(backlog);
    }
    return Object.fromEntries(
        Object.entries(found).map(([port, { addresses, waiting, backlog }]) => [
            port,
            `${
                addresses.size > ADDRESSES_SHOWN
                    ? `${addresses.size} addresses`
                    : [...addresses].sort().join(' ')
            } ${waiting} / ${backlog}`,
        ]),
    );
}

/* The same, read from the page. */
function shown_listeners(page) {
    return page.locator('.table.ports > tbody > tr.row[data-key^="tcp/"]').evaluateAll((rows) =>
        Object.fromEntries(
            rows.map((row) => {
                const addresses = [...row.querySelectorAll('.address')].map((node) =>
                    node.textContent.replace(/%.*$/, ''),
                );
                const more = Number(
                    /\+(\d+)$/.exec(row.querySelector('.c-reach').textContent)?.[1] ?? 0,
                );
                const queue =
                    row.querySelector('.queue-text')?.textContent.replaceAll(',', '') ?? 'none';
                return [
                    row.dataset.key.slice(4),
                    more > 0
                        ? `${addresses.length + more} addresses ${queue}`
                        : `${[...new Set(addresses)].sort().join(' ')} ${queue}`,
                ];
            }),
        ),
    );
}

const missing =
    PROGRAM === null
        ? 'PORTHOLE does not name the program'
        : existsSync(PROGRAM)
          ? null
          : `${PROGRAM} does not exist`;

await browser_tests(
    'the page on the real program',
    (on_page, browser) => {
        let porthole = null;
        let everyone = null;
        let loopback = null;
        let clients = [];

        before(async () => {
            porthole = await start_porthole();
            everyone = await listen('0.0.0.0', 33);
            loopback = await listen('127.0.0.1', 44);
            clients = await connect_to(loopback, CLIENTS);
        });
        after(async () => {
            clients.forEach((client) => client.destroy());
            await everyone?.close();
            await loopback?.close();
            if (porthole) {
                assert.equal(await stop_porthole(porthole), 0);
            }
        });

        function on_real(title, options, body) {
            test(title, async () => {
                const opened = await open_page(browser(), porthole.url, options);
                try {
                    await body(opened.page);
                    opened.check();
                } finally {
                    await opened.close();
                }
            });
        }

        on_real(
            'every listening port, address and accept queue is as ss has it',
            {},
            async (page) => {
                let seen = null;
                let said = null;
                try {
                    await eventually(async () => {
                        seen = await shown_listeners(page);
                        said = ss_listeners();
                        return JSON.stringify(seen) === JSON.stringify(said);
                    }, 'page and ss to agree');
                } catch {
                    assert.deepEqual(seen, said);
                }
                assert.equal(said[everyone.port], '0.0.0.0 0 / 33');
                assert.equal(said[loopback.port], '127.0.0.1 0 / 44');
            },
        );

        on_real('a port’s owner, reach and connections are right', {}, async (page) => {
            const row = await port_row(page, `tcp/${loopback.port}`).innerText();
            assert.match(row, /this machine/);
            assert.match(row, new RegExp(`\\b${process.pid}\\b`));
            const accepted = ss(
                '-tnH',
                'state',
                'established',
                'sport',
                '=',
                `:${loopback.port}`,
            ).length;
            assert.equal(accepted, CLIENTS);
            assert.match(row, new RegExp(`\\b${accepted} established`));
            assert.match(await port_row(page, `tcp/${everyone.port}`).innerText(), /everyone/);
            assert.match(
                await port_row(page, `tcp/${new URL(porthole.url).port}`).innerText(),
                new RegExp(`porthole\\s+${porthole.child.pid}`),
            );
        });

        on_real('the search finds the connections that ss finds', {}, async (page) => {
            await search_for(page, `port:${loopback.port} state:established`);
            const wanted = ss(
                '-tnH',
                'state',
                'established',
                '(',
                'sport',
                '=',
                `:${loopback.port}`,
                'or',
                'dport',
                '=',
                `:${loopback.port}`,
                ')',
            )
                .map(([, , local, remote]) => `${local} ${remote}`)
                .sort();
            assert.equal(wanted.length, 2 * CLIENTS);
            await eventually(
                async () => (await connections_of(page).count()) === wanted.length,
                'the connections',
            );
            const shown = await connections_of(page).evaluateAll((rows) =>
                rows.map((row) =>
                    [...row.querySelectorAll('.endpoint')]
                        .map((node) => node.textContent)
                        .join(' '),
                ),
            );
            assert.deepEqual(shown.sort(), wanted);
            await search_for(page, `pid:${process.pid} ${clients[0].localPort}`);
            await eventually(
                async () => (await connections_of(page).count()) === 2,
                'both ends of one connection',
            );
        });

        on_real('an opened port shows its socket and who holds it', {}, async (page) => {
            await port_row(page, `tcp/${loopback.port}`).locator('.opener').click();
            const detail = page.locator('tr.detail');
            await detail.locator('.mini tbody tr').first().waitFor();
            const socket = await detail.locator('.mini').first().locator('tbody tr').innerText();
            assert.match(
                socket,
                new RegExp(
                    `127\\.0\\.0\\.1:${loopback.port}\\s+listen[^]*${process.pid} fd \\d+[^]*0 / 44`,
                ),
            );
            assert.equal(await detail.locator('.mini').nth(1).locator('tbody tr').count(), CLIENTS);
        });

        on_real('a port that opens appears, and goes when it closes', {}, async (page) => {
            const fresh = await listen('127.0.0.1', 5);
            const row = port_row(page, `tcp/${fresh.port}`);
            try {
                await row.waitFor();
            } finally {
                await fresh.close();
            }
            await row.waitFor({ state: 'detached' });
        });

        on_real('sums, sort orders and unix sockets are answered, too', {}, async (page) => {
            for (const heading of await page
                .locator('.table.connections thead th:has(.sort)')
                .all()) {
                const before = await heading.getAttribute('aria-sort');
                await heading.locator('.sort').click();
                await eventually(
                    async () => ((await heading.getAttribute('aria-sort')) ?? before) !== before,
                    'the order',
                );
                assert.equal(await page.locator('#search-problem').isVisible(), false);
            }
            await search_for(page, 'protocol:unix');
            await eventually(
                async () => (await page.locator('#connections-title').textContent()) === 'Sockets',
                'sockets',
            );
            assert.equal(await page.locator('#search-problem').isVisible(), false);
            const total = await page.locator('.p-tcp .figure').textContent();
            assert.match(total, /^[\d,]+$/);
            assert.match(
                await page.locator('#server-note').textContent(),
                new RegExp(`pid ${porthole.child.pid}`),
            );
        });

        on_real(
            'hostile names of a real process and a real unix socket are shown as text',
            {},
            async (page) => {
                const name = '<b>"x"\u202e</b>'; /* 13 bytes: a command may have 15 */
                const folder = await mkdtemp(join(tmpdir(), 'porthole-'));
                const path = join(folder, '<img src=x onerror=alert(1)>"\'\n');
                const child = spawn(
                    process.execPath,
                    [
                        '-e',
                        `
            process.title = ${JSON.stringify(name)};
            const net = require('node:net');
            net.createServer().listen(${JSON.stringify(path)}, () =>
                net.createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); }));
        `,
                    ],
                    { stdio: ['pipe', 'pipe', 'inherit'] },
                );
                try {
                    const port = Number(String((await once(child.stdout, 'data'))[0]));
                    const command = port_row(page, `tcp/${port}`).locator('.command');
                    await command.waitFor();
                    assert.equal(await command.textContent(), '<b>"x"‹U+202E›</b>');
                    await search_for(page, `protocol:unix pid:${child.pid} onerror`);
                    const shown = page.locator('.connections .path');
                    await shown.waitFor();
                    assert.match(await shown.textContent(), /<img src=x onerror=alert\(1\)>"'/);
                    assert.equal(await page.locator('main img, main b').count(), 0);
                } finally {
                    child.kill('SIGKILL');
                    await once(child, 'exit');
                    await rm(folder, { recursive: true });
                }
            },
        );

        on_real(
            'a mistake in the search is explained by the server',
            { allowed: ['400'] },
            async (page) => {
                await search_for(page, 'port:99999999');
                await page.locator('#search-problem').waitFor();
                assert.match(await page.locator('#search-problem').textContent(), /port/);
            },
        );

        on_real('the page is all from this server, and nothing is missing', {}, async (page) => {
            const failed = [];
            page.on(
                'response',
                (response) => response.status() >= 400 && failed.push(response.url()),
            );
            await page.reload();
            await page.locator('body.is-ready').waitFor();
            assert.deepEqual(failed, []);
        });

        test('a restart under an open page is noticed and recovered from', async () => {
            const own = await start_porthole();
            const opened = await open_page(browser(), own.url, { allowed: ['net::ERR'] });
            try {
                await stop_porthole(own);
                await opened.page.locator('#notice').waitFor();
                const again = spawn(PROGRAM, ['serve', '--listen', new URL(own.url).host], {
                    stdio: 'ignore',
                });
                try {
                    await opened.page.locator('#notice').waitFor({ state: 'hidden' });
                    await eventually(
                        async () =>
                            (await opened.page.locator('#server-note').textContent()).includes(
                                `pid ${again.pid}`,
                            ),
                        'the new server',
                    );
                } finally {
                    await stop_porthole({ child: again });
                }
                opened.check();
            } finally {
                await opened.close();
                await stop_porthole(own);
            }
        });
    },
    { commands: ['ss'], missing },
);
