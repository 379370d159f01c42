/* SPDX-License-Identifier: MIT
 *
 * Finds and starts the browser that the tests and the screenshots use.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/* -> the path, or null when there is none on this machine */
export function browser_path() {
    return PLACES.find((place) => place && existsSync(place)) ?? null;
}

export function start_browser() {
    const as_root = process.getuid?.() === 0;
    return chromium.launch({
        executablePath: browser_path(),
        headless: true,
        args: [
            ...(as_root ? ['--no-sandbox'] : []),
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
        ],
    });
}
