/* SPDX-License-Identifier: MIT
 *
 * What the browser tests share: one browser a file, one stand-in server and one page a test, and
 * after each test the checks that hold everywhere: no error in the console, no request to another
 * host.
 *
 * Where something that a file needs is missing its tests are skipped; with PORTHOLE_SKIP_CODE set
 * the file then ends with that status, so that ctest counts it as skipped, too.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before, describe, test } from 'node:test';

import { start_fake_server } from './fake_server.mjs';

const WAIT_MS = 15000;

async function what_is_missing(commands) {
    try {
        const { browser_path } = await import('./browser.mjs');
        if (browser_path() === null) {
            return 'chromium is not installed';
        }
    } catch (error) {
        return `npm ci has not been run in tests/browser (${error.code ?? error.message})`;
    }
    const absent = commands.find((command) => spawnSync(command, ['-V']).error);
    return absent ? `${absent} is not installed` : null;
}

/* Waits until check() gives a true value, and returns it. check may be async. */
export async function eventually(check, what) {
    const end = Date.now() + WAIT_MS;
    for (;;) {
        const found = await check();
        if (found) {
            return found;
        }
        assert.ok(Date.now() < end, `waited ${WAIT_MS} ms for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}

/* Watches a page for what must never happen; check() tells. */
function watch(page, origin, allowed) {
    const wrong = [];
    page.on('console', (message) => {
        if (
            ['error', 'warning'].includes(message.type()) &&
            !allowed.some((a) => message.text().includes(a))
        ) {
            wrong.push(`console: ${message.text()}`);
        }
    });
    page.on('pageerror', (error) => wrong.push(`uncaught: ${error.message}`));
    page.on('dialog', (dialog) => {
        wrong.push(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on('request', (request) => {
        if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) {
            wrong.push(`request to ${request.url()}`);
        }
    });
    return () => assert.deepEqual(wrong, []);
}

/*
 * Opens a page on `url`. options: width, height, scheme, hash, clock (timers are the test's),
 * allowed (parts of console messages that this test brings about), motion.
 */
export async function open_page(browser, url, options = {}) {
    const context = await browser.newContext({
        viewport: { width: options.width ?? 1400, height: options.height ?? 900 },
        colorScheme: options.scheme ?? 'light',
        reducedMotion: options.motion ? 'no-preference' : 'reduce',
        bypassCSP: options.bypass_csp ?? false,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    const check = watch(page, url, options.allowed ?? []);
    if (options.clock) {
        await page.clock.install();
    }
    await page.goto(`${url}${options.hash ?? ''}`);
    if (options.ready !== false) {
        await page.locator('body.is-ready').waitFor();
    }
    return { page, check, close: () => context.close() };
}

/*
 * Declares a file's tests: declare(on_page, get_browser) calls on_page(name, options, body), and
 * body gets ({ page, control, url }) with a fresh stand-in and page.
 */
export async function browser_tests(name, declare, { commands = [], missing = null } = {}) {
    const skip = missing ?? (await what_is_missing(commands)) ?? false;
    if (skip && process.env.PORTHOLE_SKIP_CODE) {
        process.on('exit', () => {
            process.exitCode = Number(process.env.PORTHOLE_SKIP_CODE);
        });
    }
    describe(name, { skip }, () => {
        let browser = null;
        before(async () => {
            const { start_browser } = await import('./browser.mjs');
            browser = await start_browser();
        });
        after(() => browser?.close());

        function on_page(title, options, body) {
            test(title, async () => {
                const fake = await start_fake_server(options.control);
                let opened = null;
                try {
                    opened = await open_page(browser, fake.url, options);
                    await body({ ...opened, control: fake.control, url: fake.url });
                    opened.check();
                } finally {
                    await opened?.close();
                    await fake.stop();
                }
            });
        }
        declare(on_page, () => browser);
    });
}

/* ---- reading the page ---- */

export const ports_of = (page) => page.locator('.table.ports > tbody > tr.row');
export const connections_of = (page) => page.locator('.table.connections > tbody > tr.row');
export const port_row = (page, key) =>
    page.locator(`.table.ports > tbody > tr.row[data-key="${key}"]`);

export async function search_for(page, text) {
    await page.locator('#search').fill(text);
    await page.locator('#search').press('Enter');
}

/* The requests for `endpoint` that the stand-in has had. */
export function asked(control, endpoint) {
    return control.asked.filter((request) => request.endpoint === endpoint);
}
