// The chat on pages that somebody else serves, on another origin: run by crates/ismart/tests/it/pilot.rs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { PILOT_SITE: SITE, PILOT_STRANGER: STRANGER, ISMART_SHOTS: SHOTS } = process.env;
const PATIENCE = 20e3;
let browser;

before(async () => {
  assert.ok(SITE && STRANGER, 'PILOT_SITE and PILOT_STRANGER name the origins');
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  });
});
after(() => browser?.close());

/** A page that notes what moves and what goes wrong. */
async function visit(address) {
  const context = await browser.newContext({ locale: 'ru-RU', viewport: { width: 1100, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  const answers = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('response', (answer) => answers.push(`${answer.request().method()} ${new URL(answer.url()).pathname} ${answer.status()}`));
  await page.addInitScript(() => {
    window.moved = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.moved += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(address);
  return { context, page, faults, answers };
}

test('a visitor asks on the old site and is answered from its pages', async () => {
  const { context, page, faults } = await visit(`${SITE}/`);
  await page.locator('.go').click();
  await page.locator('textarea').fill('Доставите машину в другой город?');
  await page.keyboard.press('Enter');
  const answer = page.locator('.m.worker .b', { hasText: 'автовозом' });
  await answer.waitFor();
  const source = page.locator('.src a').last();
  await source.waitFor();
  assert.equal(new URL(await source.evaluate((a) => a.href)).href, `${SITE}/delivery.php`);
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/pilot.png` });
  // The conversation follows to the next page of the old site.
  await source.click();
  await page.waitForURL(`${SITE}/delivery.php`);
  await page.locator('.m.worker .b', { hasText: 'автовозом' }).waitFor();
  assert.deepEqual(await context.cookies(), []);
  assert.equal(await page.evaluate(() => window.moved), 0);
  assert.deepEqual(faults, []);
  await context.close();
});

test('a page of an origin that the site does not name shows no chat', async () => {
  const { context, page, faults, answers } = await visit(`${STRANGER}/`);
  const refused = 'POST /pilot/koleso/api/chat/visit 403';
  for (const end = Date.now() + PATIENCE; !answers.includes(refused);) {
    assert.ok(Date.now() < end, `no refusal among ${answers.join(', ')}`);
    await page.waitForTimeout(50);
  }
  await page.locator('ismart-widget[data-off]').waitFor({ state: 'attached' });
  assert.equal(await page.locator('.go').isVisible(), false);
  assert.deepEqual(faults, []);
  await context.close();
});
