// The outside of the application: browser profiles that notice every fault, waiting on conditions, unique people.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const need = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: see README.md of this folder`);
  return value.replace(/\/+$/, '');
};

export const SITE = need('ISMART_SITE');
export const PORTAL = need('ISMART_PORTAL');
export const LOGIN = need('ISMART_LOGIN');
export const PASSWORD = need('ISMART_PASSWORD');
/** A folder for pictures that a person looks at; none are made without it. */
export const SHOTS = process.env.ISMART_SHOTS;

/** The longest wait for anything that the application does. Conditions are asked all the time, so a fast one costs nothing. */
export const PATIENCE = 20e3;
/** How long a form must have been on screen before the server takes it, seconds. A rule of the product. */
const FORM_AGE = 3;

export const DESKTOP = { viewport: { width: 1366, height: 900 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

let browser;
const open = new Set();

export async function start() {
  if (SHOTS) await mkdir(SHOTS, { recursive: true });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

export const stop = () => browser.close();

/** Streams end when their page is left; that is no fault. */
const isStream = (url) => /\/(api\/chat\/stream|console\/live\/feed)/.test(url);

/**
 * A page in a profile of its own. Script errors, console errors, failed requests and answers of 400 and above are
 * faults, except answers whose status stands in `expected`.
 */
export async function person(options = {}, { expected = [] } = {}) {
  const context = await browser.newContext({ locale: 'ru-RU', timezoneId: 'Europe/Moscow', ...DESKTOP, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  const faults = [];
  page.on('pageerror', (error) => faults.push(`script: ${error.stack || error}`));
  page.on('console', (line) => {
    // Answers with an error status are judged below, with their status at hand.
    if (line.type() === 'error' && !/^Failed to load resource: the server responded/.test(line.text())) {
      faults.push(`console on ${page.url()}: ${line.text()}`);
    }
  });
  page.on('requestfailed', (request) => {
    const why = request.failure()?.errorText ?? '';
    // A page that is left gives up what it was loading.
    if (why === 'net::ERR_ABORTED' && (isStream(request.url()) || request.resourceType() !== 'document')) return;
    faults.push(`request ${request.method()} ${request.url()}: ${why}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400 && !expected.includes(response.status())) {
      faults.push(`${response.status()} ${response.request().method()} ${response.url()}`);
    }
  });
  const one = { context, page, faults };
  open.add(one);
  return one;
}

/** Closes every profile and reports what any page complained about. */
export async function leave() {
  const faults = [...open].flatMap((one) => one.faults);
  for (const { context } of open) await context.close();
  open.clear();
  assert.deepEqual(faults, [], 'pages complained');
}

/** Asks until the answer is truthy, and gives it. */
export async function eventually(ask, what, patience = PATIENCE) {
  const deadline = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    assert.ok(Date.now() < deadline, `did not happen within ${patience / 1000} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Waits until the form's token has the age that the server demands. */
export async function formIsOld(form) {
  const token = await form.locator('[name=form_token]').inputValue();
  const shown = Number(token.split('.')[0]);
  assert.ok(shown > 0, `a token without a time: ${token}`);
  await eventually(() => Date.now() / 1000 >= shown + FORM_AGE, 'the form becomes old enough', 2 * FORM_AGE * 1000);
}

let counter = Math.floor(Math.random() * 1e6);
/** A person nobody has met: names carry no digits, phones are of no one. */
export function somebody() {
  counter += 1;
  const letters = [...String(counter)].map((digit) => 'абвгдежзик'[Number(digit)]).join('');
  const tail = String(1e7 + ((counter * 7919) % 9e6)).slice(1, 8).padStart(7, '0');
  return {
    name: `Ирина Ж${letters}`,
    phone: `+7 999 ${tail.slice(0, 3)}-${tail.slice(3, 5)}-${tail.slice(5)}`,
    digits: `7999${tail}`,
    word: `Ж${letters}`,
  };
}

/** A picture of the page as it is seen. */
export async function shot(page, name) {
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/${name}.png` });
}

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Violations of WCAG A and AA on the page, one line each. */
export async function barriers(page) {
  await page.evaluate(axe);
  const found = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), RULES);
  return found.violations.map((violation) => {
    const places = violation.nodes.slice(0, 3).map((node) => `${node.target.flat().join(' ')} (${(node.any[0] || node.all[0] || node.none[0])?.message})`);
    return `${violation.id}: ${violation.nodes.length} × ${places.join('; ')}`;
  });
}
