/* SPDX-License-Identifier: MIT
 *
 * node screenshots.mjs [URL] [OUTDIR]: pictures of the page and of each section at 390 and 1400
 * pixels, light and dark. Without a URL it shows the made-up data of fake_server.mjs.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { start_browser } from './browser.mjs';
import { start_fake_server } from './fake_server.mjs';

const [url_given, directory = 'screenshots'] = process.argv.slice(2);
const fake = url_given ? null : await start_fake_server();
const url = url_given || fake.url;
const browser = await start_browser();
await mkdir(directory, { recursive: true });

for (const scheme of ['light', 'dark']) {
    for (const width of [390, 1400]) {
        const page = await browser.newPage({
            viewport: { width, height: width < 600 ? 844 : 900 },
            colorScheme: scheme,
            reducedMotion: 'reduce',
            deviceScaleFactor: width < 600 ? 2 : 1,
        });
        await page.goto(url);
        await page.locator('body.is-ready').waitFor();
        const path = join(directory, `page-${width}-${scheme}.png`);
        await page.screenshot({ path });
        for (const id of ['ports', 'connections', 'server']) {
            await page.locator(`[data-jump="${id}"]`).last().click();
            await page.screenshot({ path: path.replace('.png', `-${id}.png`) });
        }
        await page.locator('.ports .opener').nth(3).click();
        await page.locator('.detail .mini:visible').first().waitFor();
        await page.locator('[data-jump="ports"]').last().click();
        await page.screenshot({ path: path.replace('.png', '-opened.png') });
        console.log(path);
        await page.close();
    }
}
await browser.close();
await fake?.stop();
