/* SPDX-License-Identifier: MIT
 *
 * What is shown: the health strip, the ports, the connections, this server; strangers' text as
 * text; unknown values as unknown.
 */
import assert from 'node:assert/strict';

import { HOSTILE, PORTS } from './fake_data.mjs';
import {
    asked,
    browser_tests,
    connections_of,
    eventually,
    port_row,
    ports_of,
} from './harness.mjs';

const text_of = (locator) => locator.evaluate((node) => node.innerText.replace(/\s+/g, ' ').trim());

await browser_tests('what the page shows', (on_page) => {
    on_page(
        'health strip shows totals, states, owners and kernel counters',
        {},
        async ({ page }) => {
            assert.equal(await text_of(page.locator('.p-tcp .figure')), '2,066');
            const states = await text_of(page.locator('.p-tcp .states'));
            assert.match(states, /listen 16 .*established 1,382 .*close wait 33 .*time wait 611/);
            assert.doesNotMatch(states, /last ack/);
            assert.equal(await text_of(page.locator('.p-owners .figure')), '1,699 of 1,753');
            assert.match(
                await text_of(page.locator('.p-owners')),
                /54 belong to processes that porthole may not look into.*CAP_SYS_PTRACE.*634 more have no owner: time wait 611, kernel 3/,
            );
            assert.match(
                await text_of(page.locator('.p-kernel')),
                /TCP memory 6\.5 MiB of 384 MiB/,
            );
            assert.match(await page.locator('#age').textContent(), /^\d+\.\d s old$/);
        },
    );

    on_page(
        'a port row tells what, whose, reachable from where and how its queue stands',
        {},
        async ({ page }) => {
            assert.equal(await ports_of(page).count(), PORTS.length);
            const https = await text_of(port_row(page, 'tcp/443'));
            assert.match(
                https,
                /443 tcp https nginx 1201 \+4 www-data · nginx\.service everyone 0\.0\.0\.0, ::/,
            );
            assert.match(https, /434 \/ 511 filling/);
            assert.match(
                https,
                /1,915 1,284 established · 611 time wait · 9 fin wait2 · 11 more · 434 not accepted/,
            );
            assert.match(await text_of(port_row(page, 'tcp/3000')), /6 \/ 5 full 1,402/);
            assert.match(
                await text_of(port_row(page, 'tcp/631')),
                /this machine 127\.0\.0\.1, ::1/,
            );
            assert.match(
                await text_of(port_row(page, 'tcp/2049')),
                /kernel The kernel’s own socket/,
            );
            assert.match(await text_of(port_row(page, 'tcp/6379')), /container 3f2a9c1b77de/);
        },
    );

    on_page('what is unknown is a dash or a word, never 0', {}, async ({ page }) => {
        assert.equal(
            await text_of(port_row(page, 'tcp/51000')),
            '51000 tcp not visible unknown – – –',
        );
        assert.equal(await text_of(port_row(page, 'tcp/5432').locator('.c-drops')), '–');
    });

    on_page(
        'missing parts of the summary are survived',
        {
            control: {
                change_summary: () => ({
                    sources: {
                        udp: { source: 'unavailable', reason: 'no udp_diag' },
                        tcp: { source: 'procfs' },
                    },
                    protocols: null,
                }),
            },
        },
        async ({ page }) => {
            assert.equal(await text_of(page.locator('.p-tcp .figure')), '–');
            assert.match(
                await text_of(page.locator('.p-udp')),
                /unknown This kernel does not tell: no udp_diag/,
            );
            assert.match(
                await page.locator('.sources').textContent(),
                /tcp: read from \/proc\/net/,
            );
        },
    );

    on_page(
        'strangers’ text is text: tags, quotes, bidi marks, line ends',
        { hash: '#q=tcp,unix' },
        async ({ page }) => {
            const owner = port_row(page, 'tcp/3000').locator('.command');
            await page.locator('#search').press('Escape');
            assert.equal(await owner.textContent(), HOSTILE.tag);
            assert.equal(
                await port_row(page, 'tcp/40123').locator('.command').textContent(),
                'abc‹U+202E›gnp.exe‹U+202C›',
            );
            assert.equal(
                await port_row(page, 'tcp/40123').locator('.service').textContent(),
                'one␊two␉three␀␛[31m',
            );
            assert.match(
                await port_row(page, 'tcp/40123').locator('.second').first().textContent(),
                /ngi‹U\+200B›nx/,
            );
            assert.equal(await page.locator('main img, main b, main script').count(), 0);
            await page.locator('#search').fill('protocol:unix');
            const path = page.locator('.path', { hasText: 'onerror' });
            await path.waitFor();
            assert.equal(await path.textContent(), `/tmp/${HOSTILE.tag}`);
            const whole = await page.locator('main').evaluate((node) => node.textContent);
            assert.doesNotMatch(whole, /[\u0000-\u0008\u202a-\u202e\u2066-\u2069]/);
            const titles = await page
                .locator('[title]')
                .evaluateAll((all) => all.map((node) => node.title).join(''));
            assert.doesNotMatch(titles, /[\u0000-\u001f\u202a-\u202e\u2066-\u2069]/);
        },
    );

    on_page('IPv6 addresses stand in brackets with their zone', {}, async ({ page }) => {
        const local = page.locator('.connections .c-local bdi');
        const shown = await local.allTextContents();
        assert.ok(shown.includes('[fe80::a00:27ff:fe4e:66a1%enp0s31f6]:5353'), shown.join(' '));
        assert.ok(shown.includes('[2001:db8:85a3:8d3:1319:8a2e:370:7348]:443'));
    });

    on_page('connections leave listeners out and say who waits', {}, async ({ page }) => {
        const rows = await connections_of(page).allInnerTexts();
        assert.equal(rows.length, 86);
        assert.ok(rows.every((row) => !/\blisten\b/.test(row)));
        assert.ok(rows.some((row) => /syn sent/.test(row) && /sent again 3 times/.test(row)));
        assert.ok(rows.some((row) => /not accepted yet/.test(row) && /512 B unread/.test(row)));
        assert.ok(rows.some((row) => /time wait/.test(row) && /nobody/.test(row)));
        assert.equal(await page.locator('#search-note').textContent(), '86 match');
    });

    on_page('this server: version, uptime, requests, latency, workers', {}, async ({ page }) => {
        assert.match(
            await page.locator('#server-note').textContent(),
            /version 0\.1\.0 · pid 4242 · up 3 d 4 h · io_uring · listens on 127\.0\.0\.1:8080/,
        );
        const shown = await text_of(page.locator('.strip-server'));
        assert.match(shown, /Open now 4 Accepted 1,204/);
        assert.match(shown, /half within 86 µs .*99 % within 1\.9 ms/);
        assert.match(shown, /Worker 1 1\.4 % busy/);
    });

    on_page(
        'a row opens to sockets and connections, closes, and the address keeps it',
        {},
        async ({ page, control }) => {
            const opener = port_row(page, 'tcp/443').locator('.opener');
            assert.equal(await opener.getAttribute('aria-expanded'), 'false');
            await opener.click();
            assert.equal(await opener.getAttribute('aria-expanded'), 'true');
            const detail = page.locator('tr.detail');
            await detail.locator('.mini tbody tr').first().waitFor();
            const [sockets, peers] = [
                detail.locator('.mini').nth(0),
                detail.locator('.mini').nth(1),
            ];
            assert.equal(await sockets.locator('tbody tr').count(), 2);
            assert.match(
                await text_of(sockets.locator('tbody tr').first()),
                /0\.0\.0\.0:443 listen nginx 1201 fd 6/,
            );
            assert.equal(await peers.locator('tbody tr').count(), 20);
            assert.match(await text_of(detail), /\d+ more\./);
            const limits = asked(control, 'sockets')
                .filter((r) => r.params.get('local_port') === '443')
                .map((r) => r.params.get('limit'));
            assert.deepEqual([...new Set(limits)].sort(), ['20', '50']);
            assert.match(page.url(), /#open=tcp\/443$/);

            await page.reload();
            await detail.locator('.mini tbody tr').first().waitFor();
            await port_row(page, 'tcp/443').locator('.c-reach').click();
            await detail.waitFor({ state: 'detached' });
            assert.doesNotMatch(page.url(), /open=/);
        },
    );

    on_page(
        'an open port shows where its connections stand, and why it is so',
        { hash: '#open=tcp/443' },
        async ({ page }) => {
            const stages = page.locator('tr.detail .stage');
            await page.locator('tr.detail .why-advice li').first().waitFor();
            const told = await stages.evaluateAll((all) =>
                all.map((stage) => [
                    stage.innerText.replace(/\s+/g, ' ').trim(),
                    stage.dataset.lit === 'true',
                    stage.getBoundingClientRect().width,
                ]),
            );
            const port = PORTS.find((p) => p.port === 443 && p.protocol === 'tcp');
            const { established, syn_recv = 0, time_wait } = port.connections;
            assert.deepEqual(
                told.map(([text]) => text),
                [
                    `listening ${port.addresses.length} sockets`,
                    `requested ${syn_recv}`,
                    `waiting ${port.unaccepted}`,
                    `accepted ${(established - port.unaccepted).toLocaleString('en')}`,
                    `closing ${told[4][0].split(' ')[1]}`,
                    `time wait ${time_wait}`,
                ],
            );
            assert.equal(told[0][1], true, 'the port goes on listening');
            assert.equal(told[1][1], syn_recv > 0);
            assert.ok(told[3][2] > told[1][2], 'more connections are wider');
            const why = await text_of(page.locator('tr.detail .detail-part').first());
            assert.match(why, /Who can reach it everyone: it listens on 0\.0\.0\.0/);
            assert.ok(why.includes(HOSTILE.tag), 'a name is text');
            assert.match(why, /Choose another port\..*127\.0\.0\.1 only\./);
        },
    );

    on_page(
        'a connection opens to its two halves, closes, and the address keeps it',
        { hash: '#q=local_port:9091' },
        async ({ page }) => {
            const row = connections_of(page).first();
            await row.locator('.opener').click();
            const halves = page.locator('.connections tr.detail .half');
            await halves.first().waitFor();
            assert.equal(await row.locator('.opener').getAttribute('aria-expanded'), 'true');
            const near = await text_of(halves.first());
            assert.match(near, /^This half 127\.0\.0\.1:9091 established/);
            assert.match(near, /Round trip 12 ms \/ 900 µs Sent 4\.0 KiB Received 0 B/);
            assert.match(near, /Sent again 3 segments Window 10 × 1\.4 KiB Congestion cubic/);
            assert.doesNotMatch(near, /Delivery/, 'what is unknown is left out');
            assert.match(await text_of(halves.nth(1)), /^The other half 127\.0\.0\.1:55013 On another/);
            assert.match(page.url(), /open=tcp-/);

            await page.reload();
            await halves.first().waitFor();
            await row.locator('.opener').press('Enter');
            await halves.first().waitFor({ state: 'detached' });
            assert.doesNotMatch(page.url(), /open=/);
        },
    );

    on_page(
        'a connection that is gone says so',
        { hash: '#q=local_port:9091', allowed: ['404'] },
        async ({ page, control }) => {
            const id = control.sockets.find((s) => s.local_port === 9091).id;
            control.status[`sockets/${id}`] = 404;
            await connections_of(page).first().locator('.opener').click();
            const said = page.locator('.connections tr.detail .halves');
            await eventually(async () =>
                /^Could not ask: 404 Not Found: It was told/.test(await text_of(said)),
            );
        },
    );

    on_page('from a port to its connections', { hash: '#open=tcp/443' }, async ({ page }) => {
        await page.getByRole('button', { name: 'Search for these connections' }).click();
        assert.equal(await page.locator('#search').inputValue(), 'local_port:443 protocol:tcp');
        await eventually(async () => (await ports_of(page).count()) === 1, 'one port');
        const local = await page.locator('.connections .c-local bdi').allTextContents();
        assert.ok(local.length > 40 && local.every((text) => text.endsWith(':443')));
    });

    on_page(
        'ports are sorted by their headings, told to screen readers and kept',
        {},
        async ({ page }) => {
            const heading = (name) => page.locator('.table.ports > thead th', { hasText: name });
            assert.equal(await heading('Port').getAttribute('aria-sort'), 'ascending');
            await heading('Drops').locator('button').click();
            assert.equal(await heading('Drops').getAttribute('aria-sort'), 'descending');
            assert.equal(await heading('Port').getAttribute('aria-sort'), null);
            assert.equal(await ports_of(page).first().getAttribute('data-key'), 'tcp/3000');
            assert.match(page.url(), /ports=-drops/);
            await heading('Drops').locator('button').click();
            assert.equal(await heading('Drops').getAttribute('aria-sort'), 'ascending');
            await page.goBack();
            await eventually(
                async () => (await heading('Drops').getAttribute('aria-sort')) === 'descending',
                'the order before',
            );
        },
    );

    on_page('connections are sorted by the server', {}, async ({ page, control }) => {
        await page.locator('.table.connections thead button', { hasText: 'Waiting' }).click();
        await eventually(
            () =>
                asked(control, 'sockets').some(
                    (r) => r.params.get('sort') === '-receive_queue_bytes',
                ),
            'the question',
        );
        const first = connections_of(page).first();
        await eventually(
            async () => /177 KiB unread/.test(await first.innerText()),
            'the largest first',
        );
        assert.equal(
            await page.locator('.table.connections th[aria-sort]').getAttribute('aria-sort'),
            'descending',
        );
    });

    on_page('tables have captions, scopes and row headings', {}, async ({ page }) => {
        for (const name of ['ports', 'connections']) {
            const table = page.locator(`.table.${name}`);
            assert.notEqual((await table.locator('> caption').textContent()).trim(), '');
            assert.equal(await table.locator('> thead th:not([scope="col"])').count(), 0);
            assert.equal(
                await table.locator('> tbody > tr.row > :first-child:not(th[scope="row"])').count(),
                0,
            );
        }
    });

    on_page(
        'nothing there is said in words',
        { control: { ports: [], sockets: [] } },
        async ({ page }) => {
            await page.getByText('Nothing listens on this machine.').waitFor();
            await page.getByText('Nobody is connected.').waitFor();
            assert.equal(await page.locator('.table:visible').count(), 0);
        },
    );

    on_page(
        'findings come the worst first, with numbers, advice and a way to what they are about',
        {},
        async ({ page }) => {
            const cards = page.locator('#doctor > .sheet > .findings > .finding');
            assert.equal(await cards.count(), 3);
            assert.match(
                await text_of(cards.first()),
                /^error 6 connections wait .* accept queue 6 backlog 5 drops 1,402 new drops – accept_queue_full · since .*Show tcp port 3000/,
            );
            assert.match(await text_of(cards.nth(1)), /· likely/);
            assert.match(await text_of(cards.nth(2)), /\(<img src=x>‹U\+202E›\)/);
            assert.equal(await page.locator('#doctor-note').textContent(), '3 found');
            assert.equal(await page.locator('#jump-doctor').textContent(), '3');
            await cards.nth(2).getByRole('button', { name: 'Show process 812' }).click();
            assert.equal(await page.locator('#search').inputValue(), 'pid:812');
        },
    );

    on_page('what is good to know is folded away, and stays open', {}, async ({ page, control }) => {
        const more = page.locator('.doctor-more details').first();
        assert.match(await text_of(more), /^1 more to know/);
        await more.locator('summary').click();
        await more.getByText('port 51000 is one that').waitFor();
        const all = page.locator('.doctor-more details').nth(1);
        assert.match(await text_of(all), /^1 rules? cannot judge/);
        control.change_findings = (data) => ({ ...data, findings: data.findings.slice(1) });
        await eventually(
            async () => (await page.locator('#doctor-note').textContent()) === '2 found',
            'the next look',
        );
        assert.ok(await page.getByText('port 51000 is one that').isVisible());
    });

    on_page(
        'that nothing is wrong is said',
        { control: { change_findings: (data) => ({ ...data, findings: [], unavailable: [] }) } },
        async ({ page }) => {
            await page.getByText('Nothing is wrong, by 4 rules.').waitFor();
            assert.equal(await page.locator('#doctor .finding').count(), 0);
        },
    );

    on_page(
        'a doctor who cannot look is no reason to show nothing',
        { control: { status: { findings: 503 } }, allowed: ['503'] },
        async ({ page }) => {
            await page.getByText('The doctor cannot look: 503').waitFor();
            assert.equal(await ports_of(page).count(), PORTS.length);
        },
    );

    on_page('the program’s own sections are shown', {}, async ({ page }) => {
        assert.equal(
            await text_of(page.locator('.strip-own')),
            'Pump speed rpm 1,480 runs yes valve open <b> pressure pascals –',
        );
    });
});
