import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFile, mkdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { chromium } from 'playwright-core';
import { startMock } from './mock-server.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// With WIDGET_SHOTS=folder the tests leave pictures there for a person to look at.
const shots = process.env.WIDGET_SHOTS;
const PHONE = { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true };

let browser;
let mock;
let context;
let page;
let complaints;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  if (shots) await mkdir(shots, { recursive: true });
});
after(() => browser.close());
beforeEach(async () => {
  mock = await startMock();
  complaints = [];
});
afterEach(async () => {
  await context.close();
  await mock.stop();
  assert.deepEqual(complaints, [], 'the page reported script errors or policy violations');
});

/** Opens the host page in a fresh browser profile and waits until the launcher is there. */
async function load(options = {}, prepare = async () => {}) {
  context = await browser.newContext(options);
  page = await context.newPage();
  page.setDefaultTimeout(8e3);
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (line) => /Content Security Policy/i.test(line.text()) && complaints.push(line.text()));
  await prepare(page);
  await page.goto(mock.url);
  if (!mock.closed) await launcher().waitFor();
}

const launcher = () => page.getByRole('button', { name: 'Задать вопрос' });
const panel = () => page.getByRole('dialog');
const log = () => page.getByRole('log');
const input = () => page.getByRole('textbox', { name: 'Напишите сообщение…' });
const bubble = (text) => log().locator('.b').filter({ hasText: text });

async function open() {
  await launcher().click();
  await panel().waitFor();
}
async function write(text) {
  await input().fill(text);
  await input().press('Enter');
}
async function until(check, what) {
  for (let i = 0; i < 200; i++) {
    if (await check()) return;
    await new Promise((done) => setTimeout(done, 25));
  }
  assert.fail(`did not happen: ${what}`);
}
/** The focused element inside the widget, by class or tag. */
const focused = () => page.evaluate(() => {
  const node = document.querySelector('ismart-widget').shadowRoot.activeElement;
  return node && (node.className || node.tagName.toLowerCase());
});
const shot = (name) => shots && page.screenshot({ path: `${shots}/${name}.png` });

test('the script stays within its size', async () => {
  await load();
  const bytes = gzipSync(await readFile(new URL('../widget.js', import.meta.url)), { level: 9 }).length;
  assert.ok(bytes <= 14 * 1024, `${bytes} bytes gzip`);
});

test('keyboard alone: open, ask, read the answer, close, focus returns', async () => {
  await load();
  await page.locator('#own').focus();
  await page.keyboard.press('Tab');
  assert.equal(await focused(), 'go');
  await page.keyboard.press('Enter');
  await panel().waitFor();
  assert.equal(await focused(), 'textarea');
  await page.keyboard.type('Добрый день');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('вторая строка');
  await page.keyboard.press('Enter');
  await bubble('Вы написали: Добрый день').waitFor();
  assert.equal(mock.accepted()[0].text, 'Добрый день\nвторая строка');
  assert.equal(await input().inputValue(), '');
  await page.keyboard.press('Escape');
  await panel().waitFor({ state: 'hidden' });
  assert.equal(await focused(), 'go');
});

test('one visit a page, and no stream before the visitor shows interest', async () => {
  await load();
  assert.equal(mock.visits.length, 1);
  assert.deepEqual(Object.keys(mock.visits[0]).sort(), ['language', 'page', 'referrer', 'title', 'visitor']);
  assert.equal(mock.streams.length, 0);
  await open();
  await until(() => mock.streams.length === 1, 'a stream after opening');
  await write('привет');
  await bubble('Вы написали: привет').waitFor();
  await page.goto(`${mock.url}/second`);
  await until(() => mock.streams.length === 2, 'a stream at once, since a conversation exists');
  assert.equal(mock.visits.length, 2);
  assert.equal(mock.visits[1].visitor, mock.one.token);
  assert.equal(mock.streams[1], 2);
});

test('the conversation and the open panel follow the visitor to the next page', async () => {
  await load();
  await open();
  await write('привет');
  await bubble('Вы написали: привет').waitFor();
  await page.goto(`${mock.url}/second`);
  await panel().waitFor();
  assert.equal(await log().locator('.b').count(), 2);
  assert.equal(await focused(), null, 'reopening does not steal the focus of the page');
});

test('answers show sources, cards, links and choices; a choice is sent with its name', async () => {
  await load();
  await open();
  await page.getByRole('button', { name: 'Машины в наличии' }).click();
  await page.getByText('Hyundai Sonata').waitFor();
  assert.equal(mock.accepted()[0].choice, 'stock');
  assert.equal(await page.getByRole('button', { name: 'Машины в наличии' }).count(), 0, 'a used choice disappears');
  assert.equal(await focused(), 'textarea', 'the focus stays in the panel');
  assert.equal(await page.getByRole('link', { name: 'Авто в наличии' }).getAttribute('href'), `${mock.url}/stock`);
  const away = page.getByRole('link', { name: 'https://example.org/stock', exact: true });
  assert.equal(await away.getAttribute('rel'), 'noopener');
  assert.equal(await page.getByRole('link', { name: '+7 (495) 123-45-67' }).getAttribute('href'), 'tel:+74951234567');
  await shot('desktop-cards');
  await page.getByRole('button', { name: 'Рассчитать кредит' }).click();
  await bubble('Вы написали: Рассчитать кредит').waitFor();
  assert.equal(mock.accepted()[1].choice, 'credit');
});

test('typing is shown and goes with the answer', async () => {
  await load();
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  mock.emit(mock.one, 'typing', { on: true });
  await page.getByText('Алиса печатает…').waitFor();
  mock.say(mock.one, { text: 'Готово' });
  await bubble('Готово').waitFor();
  await page.getByText('Алиса печатает…').waitFor({ state: 'hidden' });
});

test('a lost answer is repeated with the same id and the message exists once', async () => {
  await load();
  await open();
  // Without a stream only the answer can confirm the message.
  await until(() => mock.one.open.size === 1, 'stream');
  mock.fault({ path: 'stream', status: 503, times: 1e6 });
  mock.dropStreams();
  mock.fault({ path: 'messages', drop: 'after', times: 2 });
  await write('раз');
  await until(() => mock.attempts.length >= 3, 'two repeats');
  mock.faults.length = 0;
  await until(() => page.evaluate(() => Object.entries(localStorage).some(([k, v]) => k.endsWith(':queue') && v === '[]')), 'empty queue');
  await bubble('Вы написали: раз').waitFor();
  assert.equal(new Set(mock.attempts.map((a) => a.id)).size, 1);
  assert.equal(mock.accepted().length, 1);
  assert.equal(await bubble(/^раз$/).count(), 1);
});

test('what was written offline is sent in order when the network returns', async () => {
  await load();
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  await context.setOffline(true);
  await write('первое');
  await write('второе');
  await page.getByText('Не отправлено').first().waitFor();
  assert.equal(mock.accepted().length, 0);
  await shot('desktop-offline');
  await context.setOffline(false);
  await until(() => mock.accepted().length === 2, 'both messages');
  assert.deepEqual(mock.accepted().map((m) => m.text), ['первое', 'второе']);
  await page.getByText('Не отправлено').first().waitFor({ state: 'hidden' });
});

test('an unsent message survives the page and is sent by the next one under its id', async () => {
  await load();
  await open();
  mock.fault({ path: 'messages', drop: 'before', times: 1e6 });
  await write('переживу');
  await page.getByText('Не отправлено').waitFor();
  const { id } = mock.attempts[0];
  mock.faults.length = 0;
  await page.goto(`${mock.url}/next`);
  await until(() => mock.accepted().length === 1, 'delivery from the next page');
  assert.equal(mock.accepted()[0].id, id);
  await bubble('Вы написали: переживу').waitFor();
  assert.equal(await bubble(/^переживу$/).count(), 1);
});

test('the retry button sends at once', async () => {
  await load({}, (p) => p.clock.install());
  await open();
  mock.fault({ path: 'messages', status: 503 });
  await page.clock.pauseAt(Date.now() + 3600e3);
  await write('ещё раз');
  await page.getByRole('button', { name: 'Повторить' }).click();
  await until(() => mock.accepted().length === 1, 'delivery by the button, the clock standing still');
});

test('429 is obeyed: nothing is sent before Retry-After', async () => {
  await load({}, (p) => p.clock.install());
  await open();
  mock.fault({ path: 'messages', status: 429, headers: { 'Retry-After': '120' } });
  await page.clock.pauseAt(Date.now() + 3600e3);
  await write('часто');
  await page.getByText('Отправим чуть позже').waitFor();
  await page.clock.fastForward(60e3);
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.evaluate(() => fetch('/car.svg').then((r) => r.text()));
  assert.equal(mock.attempts.length, 1);
  await page.clock.fastForward(61e3);
  await until(() => mock.accepted().length === 1, 'delivery after the wait');
});

test('a refused message says why and can be edited', async () => {
  await load();
  await open();
  await write('запрещённое слово');
  await page.getByText('Это сообщение нельзя отправить').waitFor();
  await page.getByRole('button', { name: 'Изменить' }).click();
  assert.equal(await input().inputValue(), 'запрещённое слово');
  await write('хорошее слово');
  await bubble('Вы написали: хорошее слово').waitFor();
  assert.equal(await bubble('запрещённое').count(), 0);
});

test('a dropped stream is resumed after the last number: nothing missed, nothing doubled', async () => {
  await load();
  await open();
  await write('привет');
  await bubble('Вы написали: привет').waitFor();
  mock.dropStreams();
  await until(() => mock.one.open.size === 0, 'drop');
  mock.say(mock.one, { text: 'пока связи не было' });
  await bubble('пока связи не было').waitFor();
  assert.equal(mock.streams.at(-1), 2);
  mock.fault({ path: 'stream', status: 503 });
  mock.dropStreams();
  mock.say(mock.one, { text: 'и ещё' });
  await bubble('и ещё').waitFor();
  assert.equal(await log().locator('.m').count(), 5, 'greeting, question, three answers');
});

test('an unknown token is renewed and the message still arrives', async () => {
  await load();
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  const old = mock.one.token;
  mock.dropStreams();
  mock.forget();
  await write('после потери');
  await bubble('Вы написали: после потери').waitFor();
  assert.notEqual(mock.one.token, old);
  assert.equal(mock.accepted().length, 1);
});

test('a long break of the line shows the phone number, and its end hides it', async () => {
  await load({}, (p) => p.clock.install());
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  mock.fault({ path: 'stream', status: 503, times: 1e6 });
  mock.dropStreams();
  await until(async () => {
    await page.clock.fastForward(2e3);
    return page.getByRole('link', { name: '+7 495 123-45-67' }).isVisible();
  }, 'the phone number');
  await shot('desktop-trouble');
  mock.faults.length = 0;
  await until(async () => {
    await page.clock.fastForward(20e3);
    return page.getByRole('link', { name: '+7 495 123-45-67' }).isHidden();
  }, 'the banner going away');
});

test('contact form: errors are told and tied, consent is never preset, the server has the last word', async () => {
  await load();
  await open();
  await write('Хочу оставить контакт');
  const name = page.getByRole('textbox', { name: 'Имя' });
  const phone = page.getByRole('textbox', { name: 'Телефон' });
  const agree = page.getByRole('checkbox');
  const submit = page.getByRole('button', { name: 'Отправить контакты' });
  await agree.waitFor();
  assert.equal(await agree.isChecked(), false);
  assert.equal(await page.getByRole('link', { name: 'Текст согласия' }).getAttribute('href'), `${mock.url}/policy`);
  await submit.click();
  const described = (field) => field.evaluate((n) => n.getRootNode().getElementById(n.getAttribute('aria-describedby')).textContent);
  assert.equal(await described(name), 'Напишите, как к вам обращаться');
  assert.match(await described(phone), /от 10 до 15 цифр/);
  assert.match(await described(agree), /Без согласия/);
  assert.equal(await name.getAttribute('aria-invalid'), 'true');
  assert.ok(await name.evaluate((n) => n.getRootNode().activeElement === n), 'the first wrong field gets the focus');
  await shot('desktop-form-errors');
  for (const wrong of ['12345', 'позвоните мне', '8 916 123 45', '1234567890123456']) {
    await phone.fill(wrong);
    assert.equal(await phone.getAttribute('aria-invalid'), 'true', wrong);
  }
  await name.fill('Иван');
  await phone.fill('0 (916) 123-45-67');
  assert.equal(await phone.getAttribute('aria-invalid'), 'false');
  await submit.click();
  assert.equal(mock.attempts.length, 1, 'without consent nothing leaves the page');
  await agree.check();
  await submit.click();
  await page.getByText('Такого номера не бывает').waitFor();
  assert.equal(await phone.inputValue(), '0 (916) 123-45-67', 'what was typed stays');
  await phone.fill('8 (916) 123–45 67');
  await submit.click();
  await page.getByText('Контакты отправлены').waitFor();
  const sent = mock.accepted().at(-1);
  assert.deepEqual(sent.contact, { name: 'Иван', phone: '8 (916) 123–45 67', consent: true, consent_version: '2026-11-01' });
  assert.equal(mock.accepted().length, 2);
});

test('hostile text stays text, hostile addresses never become links', async () => {
  await load();
  await open();
  const evil = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script> javascript:alert(1) {{7*7}} &lt;b&gt;';
  await write(evil);
  await bubble(`Вы написали: ${evil}`).waitFor();
  mock.say(mock.one, {
    name: '<b>Алиса</b>', text: evil, sources: [{ title: evil, url: 'javascript:window.pwned=1' }, { title: 'data', url: 'data:text/html,x' }],
    cards: [{ title: evil, text: evil, price: evil, image: 'javascript:window.pwned=1', url: 'javascript:window.pwned=1' }],
    choices: [{ label: evil, choice: 'x' }], form: { kind: 'contact', fields: ['phone'], consent: { label: evil, url: 'javascript:1', version: '1' } },
  });
  await page.getByRole('checkbox').waitFor();
  const found = await page.evaluate(() => {
    const root = document.querySelector('ismart-widget').shadowRoot;
    return {
      pwned: window.pwned, tags: root.querySelectorAll('.log img, .log script, .log b').length,
      links: [...root.querySelectorAll('.log a')].map((a) => a.href), bubbles: [...root.querySelectorAll('.b')].map((b) => b.textContent),
    };
  });
  assert.deepEqual(found.links, []);
  assert.equal(found.tags, 0);
  assert.equal(found.pwned, undefined);
  assert.equal(found.bubbles.at(-1), evil);
});

test('malformed events do not disturb the conversation', async () => {
  await load();
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  for (const res of mock.one.open) res.write('event: message\ndata: {oops\n\nevent: message\ndata: null\n\nevent: message\ndata: {"seq":"x"}\n\nevent: future\ndata: {}\n\n:\n\n');
  mock.say(mock.one, { text: 'всё в порядке', cards: 'none', choices: [null, 7], sources: {} });
  await bubble('всё в порядке').waitFor();
  mock.dropStreams();
  await until(() => mock.streams.length === 2, 'the stream again');
  assert.equal(mock.streams[1], 1, 'a senseless number does not spoil the place to resume from');
  assert.equal(await log().locator('.m').count(), 2);
});

test('calling a person: waiting, then the name of the person, then the worker again', async () => {
  await load();
  await open();
  await page.getByText('Цифровой работник · Консультант салона').waitFor();
  await page.getByRole('button', { name: 'Позвать человека' }).click();
  await page.getByText('Зовём сотрудника. Можно продолжать писать.').waitFor();
  assert.equal(mock.accepted()[0].choice, 'handover');
  assert.equal(await page.getByRole('button', { name: 'Позвать человека' }).count(), 0);
  mock.mode(mock.one, 'person', 'Мария');
  await page.getByRole('heading', { name: 'Мария' }).waitFor();
  await page.getByText('Сотрудник', { exact: true }).waitFor();
  await page.getByText('Зовём сотрудника. Можно продолжать писать.').waitFor({ state: 'hidden' });
  mock.mode(mock.one, 'worker');
  await page.getByRole('heading', { name: 'Алиса' }).waitFor();
  await page.getByText('Цифровой работник · Консультант салона').waitFor();
});

test('unread answers are counted on the launcher until it is opened, also on the next page', async () => {
  await load();
  await open();
  await write('привет');
  await bubble('Вы написали: привет').waitFor();
  await page.getByRole('button', { name: 'Свернуть чат' }).click();
  mock.say(mock.one, { text: 'один' });
  mock.say(mock.one, { text: 'два' });
  await page.getByRole('button', { name: 'Задать вопрос Новых сообщений: 2' }).waitFor();
  await page.goto(`${mock.url}/next`);
  const unread = page.getByRole('button', { name: 'Задать вопрос Новых сообщений: 2' });
  await unread.waitFor();
  await shot('desktop-launcher');
  await unread.click();
  await page.getByRole('button', { name: 'Свернуть чат' }).click();
  await page.getByRole('button', { name: 'Задать вопрос', exact: true }).waitFor();
});

test('a tall answer is read from its top; a visitor who reads above is not moved', async () => {
  await load();
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  mock.say(mock.one, { text: 'строка\n'.repeat(60) });
  await bubble('строка').waitFor();
  const seen = () => log().evaluate((n) => n.lastChild.getBoundingClientRect().top - n.getBoundingClientRect().top);
  assert.ok((await seen()) >= 0 && (await seen()) < 40, 'the first line is in view');
  await log().evaluate((n) => { n.scrollTop = 0; });
  mock.say(mock.one, { text: 'ещё одно' });
  await page.getByRole('button', { name: 'Новые сообщения' }).click();
  assert.ok((await bubble('ещё одно').boundingBox()).y < 700);
  assert.equal(await page.getByRole('button', { name: 'Новые сообщения' }).count(), 0);
});

test('two tabs: what one sends, the other shows once', async () => {
  await load();
  await open();
  await until(() => mock.one.open.size === 1, 'stream');
  mock.fault({ path: 'messages', drop: 'before', times: 1e6 });
  await write('из первой');
  await page.getByText('Не отправлено').waitFor();
  const second = await context.newPage();
  mock.faults.length = 0;
  await second.goto(mock.url);
  await until(() => mock.accepted().length === 1, 'delivery');
  for (const tab of [page, second]) {
    await tab.bringToFront();
    await tab.getByText('Вы написали: из первой').waitFor({ state: 'attached' });
    assert.equal(await tab.locator('.m.visitor').count(), 1);
    assert.equal(await tab.getByText('Не отправлено').count(), 0);
  }
});

test('the length limit is told near its end and enforced', async () => {
  await load();
  await open();
  await input().fill('я'.repeat(1700));
  assert.equal(await page.getByText('Осталось знаков').count(), 0);
  await input().fill('😀'.repeat(1990));
  await page.getByText('Осталось знаков: 10').waitFor();
  await input().fill('я'.repeat(2005));
  await page.getByText('Лишних знаков: 5').waitFor();
  await input().press('Enter');
  assert.equal(await input().inputValue(), 'я'.repeat(2005));
  assert.equal(mock.attempts.length, 0);
});

test('page hooks and the small API open, prefill and send', async () => {
  await load();
  await page.locator('#hook').click();
  await panel().waitFor();
  assert.equal(await input().inputValue(), 'Хочу тест-драйв');
  assert.equal(new URL(page.url()).hash, '', 'the link itself is not followed');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'hook', 'the focus returns to what opened the chat');
  assert.equal(await page.evaluate(() => window.iSmart.send('из скрипта')), true);
  assert.equal(await page.evaluate(() => window.iSmart.send('  ')), false);
  await bubble('Вы написали: из скрипта').waitFor();
  await page.evaluate(() => window.iSmart.close());
  await panel().waitFor({ state: 'hidden' });
});

test('the host page keeps its globals, styles and look', async () => {
  await load();
  const globals = () => page.evaluate(() => Object.getOwnPropertyNames(window));
  const withWidget = await globals();
  const own = await page.locator('#own').evaluate((n) => JSON.stringify([...getComputedStyle(n)].map((k) => getComputedStyle(n)[k])));
  assert.equal(await page.evaluate(() => document.querySelectorAll('[style], style').length), 0);
  await open();
  const style = await page.evaluate(() => {
    const root = document.querySelector('ismart-widget').shadowRoot;
    const css = getComputedStyle(root.querySelector('textarea'));
    return { size: css.fontSize, spacing: css.letterSpacing, inline: root.querySelectorAll('[style]').length };
  });
  assert.deepEqual(style, { size: '16px', spacing: 'normal', inline: 0 });
  await page.route('**/widget.js', (route) => route.fulfill({ contentType: 'text/javascript', body: '' }));
  await page.reload();
  const without = new Set(await globals());
  assert.deepEqual(withWidget.filter((name) => !without.has(name)), ['iSmart']);
  assert.equal(await page.locator('#own').evaluate((n) => JSON.stringify([...getComputedStyle(n)].map((k) => getComputedStyle(n)[k]))), own);
});

test('a site without chat looks as if the tag were not there', async () => {
  mock.closed = true;
  await load();
  await page.evaluate(() => fetch('/api/chat/visit', { method: 'POST', body: '{}' }));
  await until(() => page.evaluate(() => new Promise((done) => requestIdleCallback(() => done(performance.getEntriesByType('resource').filter((r) => /visit/.test(r.name)).length > 1)))), 'the visit');
  assert.equal(await launcher().isVisible(), false);
  await page.locator('#hook').click();
  assert.equal(new URL(page.url()).hash, '#contacts', 'a hook works as the plain link it is');
});

test('blocked storage costs only memory between pages', async () => {
  await load({}, (p) => p.addInitScript(() => {
    for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });
    }
  }));
  await open();
  await write('без хранилища');
  await bubble('Вы написали: без хранилища').waitFor();
});

test('English, left side, accent colour with readable text, texts from the server', async () => {
  mock.attributes = 'data-lang="en" data-position="left" data-accent="#ffd400"';
  mock.texts = { ask: 'Ask Alice', unknown: 'x', close: 7 };
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(mock.url);
  const button = page.getByRole('button', { name: 'Ask Alice' });
  await button.waitFor();
  const look = await button.evaluate((n) => ({ x: n.getBoundingClientRect().x, color: getComputedStyle(n).color, back: getComputedStyle(n).backgroundColor }));
  assert.deepEqual(look, { x: 20, color: 'rgb(0, 0, 0)', back: 'rgb(255, 212, 0)' });
  await button.click();
  await page.getByRole('button', { name: 'Call a person' }).waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).waitFor();
  await page.getByRole('button', { name: '7', exact: true }).waitFor();
});

test('the server may live on another origin', async () => {
  const server = await startMock();
  try {
    server.cors = true;
    mock.connect = server.url;
    mock.attributes = `data-api="${server.url}/"`;
    await load();
    await open();
    await write('издалека');
    await bubble('Вы написали: издалека').waitFor();
    assert.equal(server.accepted().length, 1);
    assert.equal(mock.visits.length, 0);
  } finally {
    await server.stop();
  }
});

test('phone: the panel is the screen, keeps the focus, and nothing scrolls sideways', async () => {
  await load(PHONE);
  await launcher().tap();
  await panel().waitFor();
  assert.equal(await panel().getAttribute('aria-modal'), 'true');
  await until(async () => (await panel().boundingBox()).y === 0, 'the end of the entrance');
  assert.deepEqual(await panel().boundingBox(), { x: 0, y: 0, width: 320, height: 640 });
  await page.getByRole('button', { name: 'Машины в наличии' }).tap();
  await page.getByText('Hyundai Sonata').waitFor();
  await page.getByText('Hyundai Sonata').scrollIntoViewIfNeeded();
  await shot('phone-light');
  const wide = await page.evaluate(() => {
    const root = document.querySelector('ismart-widget').shadowRoot;
    return [root.querySelector('.log'), root.querySelector('.panel'), document.scrollingElement].map((n) => n.scrollWidth - n.clientWidth);
  });
  assert.deepEqual(wide, [0, 0, 0]);
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let i = 0; i < 16; i++) {
      await page.keyboard.press(key);
      assert.ok(await focused(), `${key} never leaves the full-screen panel`);
    }
  }
  await page.keyboard.press('Escape');
  await panel().waitFor({ state: 'hidden' });
});

for (const colorScheme of ['light', 'dark']) {
  for (const [name, device] of [['desktop', { viewport: { width: 1280, height: 800 } }], ['phone', PHONE]]) {
    test(`axe finds nothing: ${name}, ${colorScheme}`, async () => {
      await load({ ...device, colorScheme, reducedMotion: 'reduce' });
      await page.evaluate(axe);
      const violations = () => page.evaluate(async () => {
        const { violations: found, passes } = await window.axe.run({ include: [['ismart-widget']] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
        if (!passes.some((rule) => rule.nodes.some((n) => Array.isArray(n.target[0])))) throw new Error('axe did not look into the shadow root');
        return found.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`);
      });
      assert.deepEqual(await violations(), [], 'closed');
      await open();
      await write('машины');
      await page.getByText('Hyundai Sonata').waitFor();
      await write('запрещено');
      await page.getByText('Это сообщение нельзя отправить').waitFor();
      mock.fault({ path: 'messages', status: 429, headers: { 'Retry-After': '1' } });
      await page.getByRole('button', { name: 'Позвать человека' }).click();
      await page.getByText('Зовём сотрудника. Можно').waitFor();
      await write('контакты');
      await page.getByRole('button', { name: 'Отправить контакты' }).click();
      await input().fill('я'.repeat(2001));
      mock.emit(mock.one, 'typing', { on: true });
      await page.getByText('печатает').waitFor();
      assert.deepEqual(await violations(), [], 'open');
      await shot(`${name}-${colorScheme}`);
      await log().evaluate((n) => { n.scrollTop = 0; });
      await shot(`${name}-${colorScheme}-top`);
      assert.deepEqual(await violations(), [], 'scrolled up');
    });
  }
}
