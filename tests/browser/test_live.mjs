/* SPDX-License-Identifier: MIT
 *
 * Live: asked every two seconds, paused, hidden, lost and found, failing, locked by a token. The
 * page's timers are the test's own.
 */
import assert from 'node:assert/strict';

import { PORTS } from './fake_data.mjs';
import { asked, browser_tests, eventually, port_row, ports_of } from './harness.mjs';

const rounds = (control) => asked(control, 'summary').length;

async function next_round(page, control) {
    const before = rounds(control);
    await page.clock.runFor(2100);
    await eventually(() => rounds(control) > before, 'the next round');
}

/* Lets a long time pass in the page, and whatever it started reach the server. */
async function pass(page, url) {
    await page.clock.runFor(30000);
    await page.evaluate((to) => fetch(`${to}index.html`), url);
}

function hide(page, hidden) {
    return page.evaluate((on) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => on });
        document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
}

await browser_tests('live', (on_page) => {
    on_page(
        'each round brings what is new, gone and changed',
        { clock: true },
        async ({ page, control }) => {
            const fresh = { ...PORTS[0], port: 2222, service: null };
            control.ports = [{ ...PORTS[0], drops: 7 }, fresh, ...PORTS.slice(2)];
            control.change_summary = (summary) => ({
                ...summary,
                kernel: { ...summary.kernel, tcp_listen_drops: 1409 },
            });
            await next_round(page, control);
            await port_row(page, 'tcp/2222').waitFor();
            assert.equal(await port_row(page, 'udp/53').count(), 0);
            assert.equal(await port_row(page, 'tcp/22').locator('.c-drops').textContent(), '7');
            assert.match(await port_row(page, 'tcp/2222').getAttribute('class'), /is-new/);
            assert.match(await page.locator('.p-kernel').innerText(), /\+7\s+1,409/);
        },
    );

    on_page(
        'what has not changed is left alone: focus and nodes stay',
        { clock: true },
        async ({ page, control }) => {
            await port_row(page, 'tcp/80').locator('.opener').focus();
            await page.evaluate(() => {
                window.kept = [...document.querySelectorAll('.table tbody tr')];
            });
            control.ports = [{ ...PORTS[0], port: 1, addresses: ['::1'] }, ...PORTS];
            await next_round(page, control);
            await port_row(page, 'tcp/1').waitFor();
            assert.equal(await page.evaluate(() => document.activeElement.dataset.open), 'tcp/80');
            assert.equal(
                await page.evaluate(() => window.kept.every((row) => row.isConnected)),
                true,
            );
        },
    );

    on_page(
        'pause stops the questions, resume goes on',
        { clock: true },
        async ({ page, control, url }) => {
            await page.getByRole('button', { name: 'Pause' }).click();
            assert.equal(await page.locator('#live-text').textContent(), 'Paused');
            const before = rounds(control);
            await pass(page, url);
            assert.equal(rounds(control), before);
            await page.getByRole('button', { name: 'Resume' }).click();
            await eventually(() => rounds(control) > before, 'questions again');
            assert.equal(await page.locator('#live-text').textContent(), 'Live');
            await next_round(page, control);
        },
    );

    on_page(
        'while paused a search is still answered, once',
        { clock: true },
        async ({ page, control, url }) => {
            await page.getByRole('button', { name: 'Pause' }).click();
            await page.locator('#search').fill('port:22');
            await page.locator('#search').press('Enter');
            await eventually(async () => (await ports_of(page).count()) === 1, 'the answer');
            assert.equal(await page.locator('#live-text').textContent(), 'Paused');
            const before = rounds(control);
            await pass(page, url);
            assert.equal(rounds(control), before);
        },
    );

    on_page(
        'a hidden tab asks nothing, and asks at once when it is seen again',
        { clock: true },
        async ({ page, control, url }) => {
            await hide(page, true);
            const before = rounds(control);
            await pass(page, url);
            assert.equal(rounds(control), before);
            await hide(page, false);
            await eventually(() => rounds(control) > before, 'a question');
        },
    );

    on_page(
        'a lost connection is said, tried again and found',
        {
            clock: true,
            allowed: ['net::ERR'],
        },
        async ({ page, control }) => {
            control.lost = true;
            await page.clock.runFor(2100);
            const notice = page.locator('#notice');
            await notice.waitFor();
            assert.match(
                await notice.textContent(),
                /The connection to the server is lost\. What is shown is old\./,
            );
            assert.equal(await page.locator('#live-text').textContent(), 'Lost');
            assert.equal(await ports_of(page).count(), PORTS.length);
            control.lost = false;
            const before = rounds(control);
            await page.clock.runFor(9000);
            await eventually(() => rounds(control) > before, 'another try');
            await notice.waitFor({ state: 'hidden' });
            assert.equal(await page.locator('#live-text').textContent(), 'Live');
        },
    );

    on_page(
        'a lost connection can be tried by hand',
        {
            clock: true,
            allowed: ['net::ERR'],
        },
        async ({ page, control }) => {
            control.lost = true;
            await page.clock.runFor(2100);
            await page.locator('#notice').waitFor();
            control.lost = false;
            await page.getByRole('button', { name: 'Try now' }).click();
            await page.locator('#notice').waitFor({ state: 'hidden' });
        },
    );

    on_page(
        'one endpoint that fails takes down its own section only',
        {
            clock: true,
            allowed: ['500'],
            control: { status: { ports: 500 } },
        },
        async ({ page, control }) => {
            await page.getByText('The ports could not be read.').waitFor();
            assert.match(await page.locator('#ports').textContent(), /500.*It was told to fail/);
            assert.equal(await page.locator('#live-text').textContent(), 'Live');
            assert.equal(await page.locator('.p-tcp .figure').textContent(), '2,066');
            control.status = {};
            await next_round(page, control);
            await eventually(
                async () => (await ports_of(page).count()) === PORTS.length,
                'the ports',
            );
            assert.equal(await page.getByText('The ports could not be read.').isVisible(), false);
        },
    );

    on_page(
        'a server that only fails is said to',
        {
            ready: false,
            allowed: ['503'],
            control: { status: { all: 503 } },
        },
        async ({ page }) => {
            await page.locator('#notice').waitFor();
            assert.match(
                await page.locator('#notice').textContent(),
                /The server cannot answer: 503.*It was told to fail/,
            );
        },
    );

    on_page(
        'a token is asked for, kept for the tab and sent',
        {
            ready: false,
            allowed: ['401'],
            control: { token: 'open sesame' },
        },
        async ({ page, control }) => {
            const dialog = page.getByRole('dialog');
            await dialog.waitFor();
            assert.equal(await page.locator('#token-problem').isVisible(), false);
            await page.getByLabel('Token', { exact: true }).fill('wrong');
            await page.keyboard.press('Enter');
            await page.locator('#token-problem').waitFor();
            await page.getByLabel('Token', { exact: true }).fill('open sesame');
            await page.getByRole('button', { name: 'Continue' }).click();
            await page.locator('body.is-ready').waitFor();
            assert.equal(await dialog.isVisible(), false);
            assert.equal(
                asked(control, 'summary').at(-1).headers.authorization,
                'Bearer open sesame',
            );
            assert.doesNotMatch(page.url(), /sesame/);

            await page.reload();
            await page.locator('body.is-ready').waitFor();
            assert.equal(await dialog.isVisible(), false);
        },
    );

    on_page(
        'a token dialog that is closed can be had again',
        {
            ready: false,
            allowed: ['401'],
            control: { token: 'open sesame' },
        },
        async ({ page }) => {
            await page.getByRole('dialog').waitFor();
            await page.keyboard.press('Escape');
            await page.getByText('This server answers only with a token.').waitFor();
            /* The clock goes on ticking and writes there. */
            await page.locator('#notice-when').waitFor({ state: 'attached' });
            await page.getByRole('button', { name: 'Try now' }).click();
            await page.getByRole('dialog').waitFor();
        },
    );
});
