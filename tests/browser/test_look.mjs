/* SPDX-License-Identifier: MIT
 *
 * How it looks: widths, light and dark, contrast and accessibility (axe), the policy against
 * inline code, the page without JavaScript.
 */
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';

import { start_fake_server } from './fake_server.mjs';
import { browser_tests, connections_of, eventually, port_row } from './harness.mjs';

const WWW = new URL('../../www/', import.meta.url);
const SIZE_MAX = 60 * 1024;

/* `part`: what to look at, where something lies over the rest. */
async function axe(page, part = 'html') {
    await page.addScriptTag({
        path: createRequire(import.meta.url).resolve('axe-core/axe.min.js'),
    });
    const { violations } = await page.evaluate(
        (within) =>
            window.axe.run(within, {
                runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
            }),
        part,
    );
    return violations.map(
        (v) =>
            `${v.id}: ${v.nodes
                .slice(0, 3)
                .map((n) => n.html.slice(0, 160))
                .join(' | ')}`,
    );
}

function overflow(page) {
    return page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        const wide = [...document.querySelectorAll('main *, .toolbar *, .masthead *')].filter(
            (node) =>
                node.getBoundingClientRect().right > width + 1 &&
                !node.closest('thead, .quiet') &&
                getComputedStyle(node).display !== 'none',
        );
        return {
            scrolls: document.documentElement.scrollWidth > width,
            wide: wide.slice(0, 3).map((n) => n.outerHTML.slice(0, 120)),
        };
    });
}

test('the page is small: under 60 KiB compressed in all', async () => {
    let size = 0;
    for (const name of await readdir(WWW)) {
        size += gzipSync(await readFile(new URL(name, WWW))).length;
    }
    assert.ok(size < SIZE_MAX, `${size} bytes`);
});

await browser_tests('look', (on_page) => {
    for (const scheme of ['light', 'dark']) {
        for (const width of [360, 390, 1400, 2560]) {
            on_page(
                `${width} pixels, ${scheme}: nothing sticks out, axe finds nothing`,
                {
                    width,
                    scheme,
                    bypass_csp: true,
                    hash: '#open=tcp/443,tcp/3000,tcp/5432,udp/5353',
                },
                async ({ page }) => {
                    await eventually(
                        async () => (await page.locator('.detail .mini:visible').count()) >= 4,
                        'details',
                    );
                    assert.deepEqual(await overflow(page), { scrolls: false, wide: [] });
                    assert.deepEqual(await axe(page), []);
                },
            );
        }
    }

    for (const scheme of ['light', 'dark']) {
        on_page(
            `axe finds nothing in the search’s help, its mistake, and a lost connection, ${scheme}`,
            {
                scheme,
                bypass_csp: true,
                allowed: ['400', 'net::ERR'],
            },
            async ({ page, control }) => {
                await page.locator('#search').focus();
                await page.locator('#search-help').waitFor();
                assert.deepEqual(await axe(page, '.toolbar'), []);
                await page.locator('#search').fill('port:x');
                await page.locator('#search-problem').waitFor();
                control.lost = true;
                await page.locator('#notice').waitFor();
                assert.deepEqual(await axe(page), []);
            },
        );

        on_page(
            `axe finds nothing in the token dialog and in empty lists, ${scheme}`,
            {
                scheme,
                bypass_csp: true,
                ready: false,
                allowed: ['401'],
                control: { token: 'x', ports: [], sockets: [] },
            },
            async ({ page, control }) => {
                await page.getByRole('dialog').waitFor();
                assert.deepEqual(await axe(page), []);
                await page.locator('#token').fill(control.token);
                await page.keyboard.press('Enter');
                await page.getByText('Nobody is connected.').waitFor();
                assert.deepEqual(await axe(page), []);
            },
        );
    }

    on_page(
        'long paths and names break instead of sticking out',
        { width: 390, hash: '#q=protocol:unix' },
        async ({ page }) => {
            assert.equal(await connections_of(page).count(), 6);
            assert.deepEqual(await overflow(page), { scrolls: false, wide: [] });
        },
    );

    on_page('light and dark differ', { scheme: 'dark' }, async ({ page }) => {
        const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const dark = await ground();
        await page.emulateMedia({ colorScheme: 'light' });
        assert.notEqual(await ground(), dark);
    });

    on_page(
        'the keyboard reaches and opens a port, and the focus can be seen',
        {},
        async ({ page }) => {
            await page.locator('.table.ports .sort').last().focus();
            await page.keyboard.press('Tab');
            assert.equal(await page.evaluate(() => document.activeElement.dataset.open), 'tcp/22');
            assert.notEqual(
                await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle),
                'none',
            );
            await page.keyboard.press('Enter');
            assert.equal(
                await port_row(page, 'tcp/22').locator('.opener').getAttribute('aria-expanded'),
                'true',
            );
            await page.keyboard.press('Space');
            assert.equal(
                await port_row(page, 'tcp/22').locator('.opener').getAttribute('aria-expanded'),
                'false',
            );
        },
    );

    on_page(
        'without motion nothing moves; with it the lamp does',
        { motion: true },
        async ({ page }) => {
            const moving = () => page.evaluate(() => document.getAnimations().length);
            assert.ok((await moving()) > 0);
            await page.emulateMedia({ reducedMotion: 'reduce' });
            assert.equal(await moving(), 0);
        },
    );

    on_page('no inline script, style or handler', {}, async ({ page }) => {
        const html = await readFile(new URL('index.html', WWW), 'utf8');
        assert.doesNotMatch(
            html,
            /\sstyle=|\son[a-z]+=|<style|<script(?![^>]*src=)|javascript:|https?:\/\/(?!www\.w3\.org\/2000\/svg)/,
        );
        assert.equal(await page.locator('[onclick], [onload], [onerror]').count(), 0);
    });
});

await browser_tests('without JavaScript', (on_page, browser) => {
    test('the page says what to do instead', async () => {
        const fake = await start_fake_server();
        try {
            const page = await browser().newPage({ javaScriptEnabled: false });
            await page.goto(fake.url);
            assert.ok(await page.locator('.noscript h2').isVisible());
            assert.equal(await page.locator('.toolbar').isVisible(), false);
            assert.equal(
                await page.locator('.noscript a').first().getAttribute('href'),
                'api/v1/ports?format=text',
            );
            await page.close();
        } finally {
            await fake.stop();
        }
    });
});
