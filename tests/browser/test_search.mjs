/* SPDX-License-Identifier: MIT
 *
 * The search: short forms asked of the server, free words, mistakes, the keyboard, the address.
 */
import assert from 'node:assert/strict';

import { many_sockets } from './fake_server.mjs';
import {
    asked,
    browser_tests,
    connections_of,
    eventually,
    port_row,
    ports_of,
    search_for,
} from './harness.mjs';

const last_params = (control) =>
    Object.fromEntries(
        asked(control, 'sockets')
            .filter((r) => r.params.has('sort'))
            .at(-1).params,
    );

async function shows(page, number) {
    await eventually(
        async () => (await connections_of(page).count()) === number,
        `${number} connections`,
    );
}

await browser_tests('search', (on_page) => {
    on_page('short forms go to the server and narrow both lists', {}, async ({ page, control }) => {
        await search_for(page, 'port:443 state:established command:nginx');
        await shows(page, 46);
        const params = last_params(control);
        assert.equal(params.port, '443');
        assert.equal(params.state, 'established');
        assert.equal(params.command, 'nginx');
        assert.equal(params.limit, '500');
        assert.equal(await ports_of(page).count(), 1);
        assert.ok(asked(control, 'ports').at(-1).params.get('local_port') === '443');
        assert.match(page.url(), /#q=port:443\+state:established\+command:nginx$/);
    });

    on_page(
        'words that can only be one thing go to the server, too',
        {},
        async ({ page, control }) => {
            await search_for(page, 'close-wait tcp');
            await shows(page, 1);
            assert.equal(last_params(control).state, 'close_wait');
            assert.equal(last_params(control).protocol, 'tcp');
            await search_for(page, '10.20.30.40');
            await shows(page, 3);
            assert.equal(last_params(control).address, '10.20.30.40');
            await search_for(page, 'fe80::/10');
            assert.equal(
                await eventually(
                    () => last_params(control).address === 'fe80::/10' && 'asked',
                    'address',
                ),
                'asked',
            );
        },
    );

    on_page(
        'other words are looked for in all that is shown, in any case',
        {},
        async ({ page, control }) => {
            await search_for(page, 'MARIA');
            await shows(page, 1);
            assert.equal(await ports_of(page).count(), 1);
            assert.equal(last_params(control).limit, '5000');
            await search_for(page, '51522');
            await shows(page, 1);
            await search_for(page, 'postgresql@16');
            await eventually(
                async () =>
                    (await port_row(page, 'tcp/5432').count()) === 1 &&
                    (await ports_of(page).count()) === 1,
                'by unit',
            );
        },
    );

    on_page(
        'typing is enough, and goes into the address without new steps',
        {},
        async ({ page }) => {
            const before = await page.evaluate(() => history.length);
            await page.locator('#search').pressSequentially('curl');
            await shows(page, 1);
            assert.match(page.url(), /#q=curl$/);
            assert.equal(await page.evaluate(() => history.length), before);
        },
    );

    on_page(
        'a mistake is said beside the field and the lists stay',
        {
            allowed: ['400'],
        },
        async ({ page }) => {
            await search_for(page, 'port:x');
            const problem = page.locator('#search-problem');
            await problem.waitFor();
            assert.match(
                await problem.textContent(),
                /"x" is no (local_)?port: a number from 0 to 65535 is accepted/,
            );
            assert.equal(await page.locator('#search').getAttribute('aria-invalid'), 'true');
            assert.equal(await page.locator('#live').getAttribute('data-state'), 'live');
            assert.ok((await connections_of(page).count()) > 0);
            await search_for(page, 'port:443');
            await problem.waitFor({ state: 'hidden' });
            assert.equal(await page.locator('#search').getAttribute('aria-invalid'), null);
        },
    );

    on_page('slash comes to the field, escape clears it', {}, async ({ page }) => {
        const search = page.locator('#search');
        await page.keyboard.press('/');
        assert.equal(await search.evaluate((node) => node === document.activeElement), true);
        assert.equal(await search.inputValue(), '');
        await page.keyboard.type('a/b');
        assert.equal(await search.inputValue(), 'a/b');
        await page.keyboard.press('Escape');
        assert.equal(await search.inputValue(), '');
        await shows(page, 86);
        assert.doesNotMatch(page.url(), /#/);
        await page.keyboard.press('Escape');
        assert.equal(await search.evaluate((node) => node === document.activeElement), false);
    });

    on_page(
        'the address brings a search back, and so does the way back',
        { hash: '#q=command:mariadbd' },
        async ({ page }) => {
            assert.equal(await page.locator('#search').inputValue(), 'command:mariadbd');
            await shows(page, 1);
            await search_for(page, 'command:curl');
            await eventually(
                async () => /curl/.test(await connections_of(page).first().innerText()),
                'curl',
            );
            await page.goBack();
            await eventually(
                async () => /mariadbd/.test(await connections_of(page).first().innerText()),
                'mariadbd again',
            );
            assert.equal(await page.locator('#search').inputValue(), 'command:mariadbd');
        },
    );

    on_page(
        'a state in the health strip searches for it, and again no longer',
        {},
        async ({ page }) => {
            const button = page.locator('.p-tcp .state-button', { hasText: 'close wait' });
            await button.click();
            assert.equal(
                await page.locator('#search').inputValue(),
                'protocol:tcp state:close_wait',
            );
            await shows(page, 1);
            await button.click();
            assert.equal(await page.locator('#search').inputValue(), '');
            await shows(page, 86);
        },
    );

    on_page('an example can be taken', {}, async ({ page }) => {
        await page.locator('#search').focus();
        await page.getByRole('button', { name: 'protocol:unix' }).click();
        await shows(page, 6);
        assert.equal(await page.locator('#connections-title').textContent(), 'Sockets');
    });

    on_page('no match is said, with the way out', {}, async ({ page }) => {
        await search_for(page, 'no-such-thing-anywhere');
        await page.getByText('No port matches the search.').waitFor();
        await page.getByText('No connection matches the search.').waitFor();
    });

    on_page(
        'fifty thousand matches: five hundred rows, and how many more',
        {
            control: { sockets: many_sockets(50000) },
        },
        async ({ page, control }) => {
            assert.equal(await connections_of(page).count(), 500);
            assert.equal(
                await page.locator('#search-note').textContent(),
                '500 shown, 49,500 more match: narrow the search',
            );
            assert.equal(last_params(control).limit, '500');
            await search_for(page, 'nginx');
            await eventually(
                async () =>
                    /looked at the first 5,000 of 50,000/.test(
                        await page.locator('#search-note').textContent(),
                    ),
                'how far it looked',
            );
            assert.equal(await connections_of(page).count(), 500);
            const longest = await page.evaluate(async () => {
                let worst = 0;
                let before = performance.now();
                for (let frame = 0; frame < 150; frame++) {
                    const now = await new Promise(requestAnimationFrame);
                    worst = Math.max(worst, now - before);
                    before = now;
                }
                return worst;
            });
            assert.ok(longest < 1000, `a frame took ${longest} ms`);
        },
    );
});
