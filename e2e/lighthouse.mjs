// Every page of the starter packs and of the console, as Lighthouse (mobile) and axe judge them. Run by
// crates/ismart/tests/it/lighthouse.rs; by hand see README.md.
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import { launch } from 'chrome-launcher';
import lighthouse from 'lighthouse';
import { chromium } from 'playwright-core';

const need = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see README.md of this folder`);
  return value.replace(/\/+$/, '');
};
/** `name=origin` of each site, parted by spaces; the address that all of them are served on; who signs in. */
const SITES = need('ISMART_SITES').split(/\s+/).map((pair) => pair.split('='));
const SERVER = new URL(need('ISMART_SERVER'));
const CONSOLE = process.env.ISMART_CONSOLE?.replace(/\/+$/, '');
/** Only addresses that match, for a person who mends one page. */
const ONLY = process.env.ISMART_ONLY && new RegExp(process.env.ISMART_ONLY);

const BAR = 0.95;
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'];
/** Entities of one template look alike: this many stand for all of a list. */
const SAMPLE = 2;
/** A screen that must not be found by search engines is not judged for being found. */
const HIDDEN = ['is-crawlable'];
/** A missing page has to say so. */
const MISSING = ['is-crawlable', 'http-status-code'];

const chrome = await launch({
  chromePath: process.env.CHROMIUM || '/usr/bin/chromium',
  chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--disable-quic'],
  logLevel: 'silent',
});
const browser = await chromium.connectOverCDP(`http://127.0.0.1:${chrome.port}`);
const context = browser.contexts()[0];
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The text at a path of a site, whatever this machine's resolver thinks of its name. */
const fetchText = (origin, path) => new Promise((done, fail) => {
  const request = http.get({ host: SERVER.hostname, port: SERVER.port, path, headers: { host: new URL(origin).host } }, (answer) => {
    let text = '';
    answer.setEncoding('utf8').on('data', (part) => { text += part; }).on('end', () => done(text));
  });
  request.on('error', fail);
});

/** All addresses of the sitemap; of entities under one list a few, the number of the others told. */
async function addresses(origin) {
  const xml = await fetchText(origin, '/sitemap.xml');
  const all = [...xml.matchAll(/<loc>([^<]+)<\/loc>/g)].map(([, loc]) => new URL(loc).pathname);
  const lists = new Map();
  const kept = [];
  for (const path of all) {
    const list = path.replace(/[^/]+$/, '');
    const depth = path.split('/').filter(Boolean).filter((part) => part !== 'en').length;
    const seen = lists.get(list) ?? [];
    lists.set(list, [...seen, path]);
    if (depth < 2 || seen.length < SAMPLE) kept.push(path);
  }
  if (kept.length < 10) throw new Error(`${origin}/sitemap.xml names only ${all.length} pages:\n${xml.slice(0, 500)}`);
  console.log(`${origin}: ${all.length} pages in the sitemap, ${kept.length} judged (of pages with one template ${SAMPLE} stand for all)`);
  return kept;
}

/** A screen without the ids in its address. */
const pattern = (path) => path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '*').replace(/\d+/g, '*');

/** Who is signed in; nobody at first. */
let signedIn = '';
async function signIn(origin, login) {
  if (signedIn === login) return;
  const page = await context.newPage();
  await context.clearCookies();
  await page.goto(`${origin}/console`);
  await page.locator('[name=login]').fill(login);
  await page.locator('[name=password]').fill(need('ISMART_PASSWORD'));
  await page.locator('[name=password]').press('Enter');
  await page.locator('nav a[href^="/console"]').first().waitFor();
  await page.close();
  signedIn = login;
}

/** Signs in, then follows links: of screens that differ by an id only, the first. */
async function screens(origin, login) {
  await signIn(origin, login);
  const page = await context.newPage();
  const seen = new Map([['/console/', '/console/']]);
  const queue = ['/console/'];
  while (queue.length) {
    await page.goto(origin + queue.shift(), { waitUntil: 'domcontentloaded' });
    const links = await page.locator('a[href]').evaluateAll((nodes) => nodes.filter((node) => !node.hasAttribute('download'))
      .map((node) => new URL(node.href)).filter((url) => url.origin === location.origin).map((url) => url.pathname));
    for (const path of links) {
      if (!/^\/console(\/|$)/.test(path) || /\.(csv|json|zip|svg|png)$|sign-out|\/assets\/|\/export/.test(path)) continue;
      if (path === '/console' || seen.has(pattern(path))) continue;
      seen.set(pattern(path), path);
      queue.push(path);
    }
  }
  await page.close();
  console.log(`${origin}/console: ${seen.size} screens for ${login}`);
  return [...seen.values()];
}

async function judge(url, skipAudits) {
  const flags = { port: chrome.port, output: 'json', logLevel: 'error', onlyCategories: CATEGORIES, skipAudits,
    disableStorageReset: true, disableFullPageScreenshot: true, maxWaitForLoad: 15000, ignoreStatusCode: true };
  let { lhr } = await lighthouse(url, flags);
  // A tab that was just left may still hold its stream open: the recording of the next page then lacks its beginning.
  for (let again = 0; lhr.runtimeError && again < 2; again += 1) ({ lhr } = await lighthouse(url, flags));
  if (lhr.runtimeError) throw new Error(`${url}: ${lhr.runtimeError.message}`);
  const scores = Object.fromEntries(CATEGORIES.map((name) => [name, lhr.categories[name].score ?? 0]));
  const weak = CATEGORIES.filter((name) => scores[name] < BAR).flatMap((name) => lhr.categories[name].auditRefs
    .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
    .map(({ id }) => `${name}/${id}: ${lhr.audits[id].displayValue ?? ''} ${JSON.stringify(lhr.audits[id].details?.items?.slice(0, 2) ?? '').slice(0, 500)}`));
  return { scores, weak };
}

/** Speed is measured on a machine that others use too: below the bar, the median of three counts. */
async function measured(url, skipAudits) {
  const first = await judge(url, skipAudits);
  if (first.scores.performance >= BAR) return first;
  const runs = [first, await judge(url, skipAudits), await judge(url, skipAudits)];
  runs.sort((a, b) => a.scores.performance - b.scores.performance);
  return runs[1];
}

/** What axe finds with all its rules, light and dark, at the width of a phone and of a desk. */
async function barriers(url) {
  const page = await context.newPage();
  const found = new Set();
  for (const [scheme, width] of [['light', 390], ['dark', 1280]]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height: 844 });
    await page.goto(url, { waitUntil: 'load' });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    for (const one of violations) {
      const places = one.nodes.slice(0, 3).map((node) => `${node.target.flat().join(' ')} (${(node.any[0] || node.all[0] || node.none[0])?.message})`);
      found.add(`axe/${one.id} ${scheme} ${width}: ${one.nodes.length} × ${places.join('; ')}`);
    }
  }
  await page.close();
  return [...found];
}

const jobs = [];
for (const [name, origin] of SITES) {
  for (const path of await addresses(origin)) jobs.push([name, origin + path, []]);
  jobs.push([name, `${origin}/no-such-page`, MISSING], [name, `${origin}/en/no-such-page`, MISSING]);
}
if (CONSOLE) {
  jobs.push(['console', `${CONSOLE}/console/sign-in`, HIDDEN]);
  // The agency sees more screens than a client's people do.
  const own = await screens(CONSOLE, need('ISMART_LOGIN'));
  for (const path of own) jobs.push(['console', CONSOLE + path, HIDDEN, need('ISMART_LOGIN')]);
  const agency = process.env.ISMART_AGENCY ?? 'agency';
  const known = new Set(own.map(pattern));
  for (const path of await screens(CONSOLE, agency)) {
    if (!known.has(pattern(path))) jobs.push(['console', CONSOLE + path, HIDDEN, agency]);
  }
  await context.clearCookies();
  signedIn = '';
}

const faults = [];
const table = [];
const started = Date.now();
for (const [name, url, skip, login] of jobs.filter(([, url]) => !ONLY || ONLY.test(url))) {
  if (login) await signIn(CONSOLE, login);
  const { scores, weak } = await measured(url, skip);
  const bad = await barriers(url);
  const row = CATEGORIES.map((category) => String(Math.round(scores[category] * 100)).padStart(3)).join(' ');
  table.push([name, ...CATEGORIES.map((category) => Math.round(scores[category] * 100)), bad.length]);
  console.log(`${row}  axe ${bad.length}  ${name} ${new URL(url).pathname}`);
  for (const fault of [...weak, ...bad]) {
    console.log(`        ${fault}`);
    faults.push(`${url}: ${fault}`);
  }
  for (const category of CATEGORIES) if (scores[category] < BAR && !weak.length) faults.push(`${url}: ${category} ${scores[category]}`);
}
console.log(`performance, accessibility, best practices, SEO, axe; ${table.length} pages in ${Math.round((Date.now() - started) / 1000)} s`);
for (const group of new Set(table.map(([name]) => name))) {
  const rows = table.filter(([name]) => name === group);
  const least = [1, 2, 3, 4].map((at) => Math.min(...rows.map((row) => row[at])));
  console.log(`${group}: ${rows.length} pages, least ${least.join(' / ')}, axe ${rows.reduce((sum, row) => sum + row[5], 0)}`);
}
await browser.close();
await chrome.kill();
if (!table.length) throw new Error('nothing was judged');
if (faults.length) {
  console.log(`${faults.length} faults`);
  process.exit(1);
}
