// The newcomer's way through the whole application: site, worker, lead, CRM, console.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { Chat } from './chat.mjs';
import { CONSOLE, conversations, figures, leadInPortal, searchLeads, signIn } from './console.mjs';
import {
  DESKTOP, LOGIN, PASSWORD, PHONE, PORTAL, SITE, barriers, eventually, formIsOld, leave, person, shot, somebody, start, stop,
} from './driver.mjs';

const SCREENS = [['desktop', DESKTOP], ['phone', PHONE]];

before(start);
after(stop);
afterEach(leave);

for (const [screen, options] of SCREENS) {
  test(`a newcomer on ${screen}: question, car, test drive, lead in the CRM and in the console`, async () => {
    const who = somebody();
    const { page: desk } = await signIn();
    const was = await figures(desk);

    const { page } = await person(options);
    await page.goto(SITE);
    const chat = new Chat(page);
    await chat.open();
    const found = await chat.ask(`Здравствуйте, ищу кроссовер до трёх миллионов`);
    assert.match(found, /\d автомобил/, 'the worker says how many cars there are');
    const card = chat.log.locator('a.card').first();
    const car = (await card.locator('span').first().innerText()).trim();
    await shot(page, `chat-cards-${screen}`);
    await card.click();
    await page.waitForURL(/\/cars\/./);
    assert.ok((await page.locator('h1').first().innerText()).includes(car.split(',')[0]), 'the card leads to its car');
    // On a phone the open panel would hide the page that was asked for.
    if (screen === 'phone') await chat.launcher.click();
    await chat.panel.waitFor();
    await chat.bubble('ищу кроссовер').waitFor();

    await chat.ask(`Хочу записаться на тест-драйв ${car.split(',')[0]}`);
    const exactly = chat.choice(car);
    if (await exactly.count()) await chat.press(exactly.first());
    const slot = chat.choice(/в \d\d:\d\d$/).first();
    const when = (await slot.innerText()).trim();
    await shot(page, `chat-slots-${screen}`);
    await chat.press(slot);
    await shot(page, `chat-contact-${screen}`);
    let said = await chat.leaveContact(who);
    if (/верно\?/.test(said)) said = await chat.press(chat.choice('Да, всё верно'));
    const time = /\d\d:\d\d$/.exec(when)[0];
    assert.ok(said.includes(time), `the confirmation names the time ${time}: ${said}`);
    const number = /(?:заявк\S*|номер\S*)\D{0,12}(\d+)/i.exec(said)?.[1];
    assert.ok(number, `the confirmation names the number: ${said}`);
    await shot(page, `chat-booked-${screen}`);

    const { page: portal } = await person();
    const external = await leadInPortal(portal, who.name);
    await shot(portal, `portal-${screen}`);

    const rows = await searchLeads(desk, who.name);
    assert.equal(await rows.count(), 1, 'one lead in the console');
    assert.equal((await rows.locator('td.num').first().innerText()).trim(), number);
    await rows.getByRole('link', { name: who.name }).click();
    const delivery = desk.locator('article.delivery').filter({ has: desk.getByRole('heading', { name: 'bitrix24' }) });
    await eventually(async () => {
      const state = await delivery.locator('.tag').first().innerText();
      if (state.trim() === 'Доставлена') return true;
      await desk.reload();
      return false;
    }, 'the console shows the delivery as delivered');
    assert.equal((await delivery.locator('code').innerText()).trim(), external, 'the id in the portal');
    assert.ok((await desk.locator('ol.history > li').count()) >= 3, 'the history of the lead');
    assert.match(await desk.locator('.hash code').first().innerText(), /^[0-9a-f]{64}$/, 'the consent with its fingerprint');

    await desk.getByRole('link', { name: 'Открыть диалог' }).click();
    const thread = desk.getByRole('log');
    await thread.getByText('ищу кроссовер до трёх миллионов').waitFor();
    const id = desk.url().split('/').pop().split('?')[0];
    const [newest] = await conversations(desk);
    assert.equal(newest, id, 'the inbox begins with this conversation');
    assert.ok((await desk.locator(`a.line[data-id="${id}"]`).innerText()).includes(who.name));

    const is = await figures(desk);
    const one = { visits: was.visits + 1, conversations: was.conversations + 1, leads: was.leads + 1, delivered: was.delivered + 1 };
    assert.deepEqual({ ...is, ...one }, is, `every step of the funnel grew by one from ${JSON.stringify(was)}`);
  });
}

test('a person takes over, is seen by name, and gives back', async () => {
  const { word } = somebody();
  const { page: desk } = await signIn({}, 'operator');
  const known = new Set(await conversations(desk));
  const { page } = await person();
  await page.goto(SITE);
  const chat = new Chat(page);
  await chat.open();
  await chat.answered(() => chat.panel.getByRole('button', { name: 'Позвать человека' }).click());
  await chat.panel.getByText('Зовём сотрудника').waitFor();
  await shot(page, 'chat-waiting-desktop');

  const fresh = await eventually(async () => (await conversations(desk, 'waiting')).find((id) => !known.has(id)), 'the inbox shows who waits');
  await desk.locator(`a.line[data-id="${fresh}"]`).click();
  await desk.getByRole('button', { name: /Взять на себя/ }).click();
  const answer = desk.getByLabel('Ваш ответ');
  await answer.fill(`Здравствуйте, это Анна. ${word}`);
  await answer.press('Control+Enter');
  await chat.bubble(`это Анна. ${word}`).waitFor();
  assert.deepEqual(await chat.people(), ['Анна Смирнова']);
  await chat.panel.getByText('Зовём сотрудника').waitFor({ state: 'hidden' });

  // The worker answers such a question at once; its place in the order shows whether it did.
  await chat.write('Сколько стоит Haval Jolion?');
  await desk.getByRole('log').getByText('Сколько стоит Haval Jolion?').waitFor();
  await answer.fill(`Сейчас посмотрю. ${word}`);
  await answer.press('Control+Enter');
  await chat.bubble(`Сейчас посмотрю. ${word}`).waitFor();
  await shot(page, 'chat-person-desktop');
  await shot(desk, 'console-thread-desktop');
  assert.deepEqual((await chat.authors()).filter((a) => a !== 'system').slice(-3), ['person', 'visitor', 'person'], 'the worker is silent');

  await desk.getByRole('button', { name: 'Вернуть работнику' }).click();
  await desk.getByRole('button', { name: /Взять на себя/ }).waitFor();
  await chat.ask('Какой у вас адрес?');
  const authors = (await chat.authors()).filter((a) => a !== 'system');
  const end = authors.slice(authors.lastIndexOf('person'));
  assert.deepEqual(end.slice(0, 3), ['person', 'visitor', 'worker'], 'the worker answers again');
});

describe('forms of the site', () => {
  const formOf = (page) => page.locator('main form[action^="/api/send"]').first();

  test('with scripts: errors beside the fields, then one lead however often it is sent', async () => {
    const who = somebody();
    const { page } = await person({}, { expected: [422] });
    await page.goto(`${SITE}/contacts`);
    const form = formOf(page);
    await formIsOld(form);
    const send = form.getByRole('button');
    await send.click();
    for (const name of ['name', 'phone', 'policy']) {
      assert.ok((await form.locator(`[data-error=${name}]`).innerText()).trim(), `an error beside ${name}`);
    }
    assert.equal(await page.evaluate(() => document.activeElement.name), 'name', 'the focus goes to the first error');
    await shot(page, 'form-errors-desktop');

    await form.locator('[name=name]').fill(who.name);
    await form.locator('[name=policy]').check();
    // Long enough for the page, not a number for the server.
    await form.locator('[name=phone]').fill('0000000000');
    await send.click();
    await eventually(async () => (await form.locator('[data-error=phone]').innerText()).trim(), 'the server refuses the phone');
    assert.equal(await form.locator('[name=name]').inputValue(), who.name);

    await form.locator('[name=phone]').fill(who.phone);
    await send.dblclick();
    const done = page.locator('main .form__done[role=status]');
    await done.waitFor();
    const number = /\d+/.exec((await done.innerText()).split(':').pop())?.[0];
    assert.ok(number, `success with the number: ${await done.innerText()}`);
    await shot(page, 'form-sent-desktop');
    const { page: desk } = await signIn();
    const rows = await searchLeads(desk, who.name);
    assert.equal(await rows.count(), 1, 'a double click is one lead');
    assert.equal((await rows.locator('td.num').first().innerText()).trim(), number);
  });

  test('without scripts: what was typed survives an error, then success', async () => {
    const who = somebody();
    const { page } = await person({ javaScriptEnabled: false }, { expected: [422] });
    await page.goto(`${SITE}/contacts`);
    await formIsOld(formOf(page));
    await formOf(page).locator('[name=name]').fill(who.name);
    await formOf(page).locator('[name=phone]').fill('12');
    await formOf(page).locator('[name=message]').fill(`Вопрос ${who.word}`);
    await formOf(page).locator('[name=policy]').check();
    await formOf(page).getByRole('button').click();
    const form = formOf(page);
    await form.locator('[data-error=phone]:not(:empty)').waitFor();
    assert.equal(await form.locator('[name=name]').inputValue(), who.name);
    assert.equal(await form.locator('[name=phone]').inputValue(), '12');
    assert.equal(await form.locator('[name=message]').inputValue(), `Вопрос ${who.word}`);
    assert.ok(await form.getByRole('alert').isVisible(), 'the form says that something is wrong');
    await shot(page, 'form-errors-noscript-desktop');

    await formIsOld(form);
    await form.locator('[name=phone]').fill(who.phone);
    await form.locator('[name=policy]').check();
    await form.getByRole('button').click();
    await page.waitForURL(/[?&]sent=\d+/);
    const number = /[?&]sent=(\d+)/.exec(page.url())[1];
    await page.locator('main').getByText('Заявка принята').first().waitFor();
    await shot(page, 'form-sent-noscript-desktop');
    const { page: desk } = await signIn();
    const rows = await searchLeads(desk, who.name);
    assert.equal(await rows.count(), 1);
    assert.equal((await rows.locator('td.num').first().innerText()).trim(), number);
  });
});

describe('by keyboard alone', () => {
  /** What has the focus, looked for inside the widget too. */
  const focused = (page) => page.evaluate(() => {
    let node = document.activeElement;
    while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
    return [node?.tagName.toLowerCase(), (node?.getAttribute('aria-label') || node?.textContent || '').trim()].join(' ');
  });
  /** Presses Tab until the focus is on what is meant. */
  async function tabTo(page, meant) {
    for (let presses = 0; presses < 150; presses += 1) {
      if (meant.test(await focused(page))) return;
      await page.keyboard.press('Tab');
    }
    assert.fail(`Tab never reaches ${meant}`);
  }

  test('the chat opens, takes a message and closes, and the focus returns', async () => {
    const { page } = await person();
    await page.goto(`${SITE}/contacts`);
    const chat = new Chat(page);
    await chat.launcher.waitFor();
    await page.keyboard.press('Tab');
    assert.match(await focused(page), /^a /, 'the first stop is the skip link');
    await tabTo(page, /^button Задать вопрос/);
    await page.keyboard.press('Enter');
    await chat.panel.waitFor();
    assert.match(await focused(page), /^textarea/);
    await chat.answered(async () => {
      await page.keyboard.type('Во сколько вы открываетесь?');
      await page.keyboard.press('Enter');
    });
    await page.keyboard.press('Escape');
    await chat.panel.waitFor({ state: 'hidden' });
    assert.match(await focused(page), /^button Задать вопрос/);
  });

  test('the console is entered and walked through', async () => {
    const { page } = await person();
    await page.goto(CONSOLE);
    // The first field has the focus already.
    await page.keyboard.type(LOGIN);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.getByRole('navigation', { name: 'Разделы' }).waitFor();
    await page.keyboard.press('Tab');
    assert.match(await focused(page), /К содержанию/);
    await tabTo(page, /^a Диалоги/);
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/console\/inbox/);
    await page.locator('a.line').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/console\/inbox\/./);
    await page.keyboard.press('g');
    await page.keyboard.press('l');
    await page.waitForURL(/\/console\/leads/);
    await page.keyboard.press('/');
    await page.keyboard.type('Ж');
    assert.equal(await page.locator('#q').inputValue(), 'Ж');
  });
});

describe('no barriers and no faults', () => {
  const PAGES = ['/', '/cars', '/contacts', '/credit', '/trade-in', '/test-drive', '/service', '/offers', '/faq', '/about', '/purchase', '/policy', '/consent'];
  /** Collects barriers with the screens that have them: one in the header is one line. */
  async function note(found, page, name) {
    for (const line of await barriers(page)) found.set(line, [...(found.get(line) ?? []), name]);
  }
  const nameOf = (path) => path.slice(1).replaceAll('/', '-') || 'home';

  for (const scheme of ['light', 'dark']) {
    for (const [screen, options] of SCREENS) {
      test(`the site, ${scheme}, ${screen}`, async () => {
        const { page } = await person({ ...options, colorScheme: scheme });
        const chat = new Chat(page);
        const found = new Map();
        const look = async (name) => {
          await note(found, page, name);
          await shot(page, `site-${name}-${screen}-${scheme}`);
        };
        for (const path of PAGES) {
          const answer = await page.goto(SITE + path);
          assert.equal(answer.status(), 200, path);
          assert.equal(await page.locator('html').getAttribute('lang'), 'ru', path);
          assert.equal(await page.locator('h1').count(), 1, `one h1 on ${path}`);
          await chat.launcher.waitFor();
          const [wide, screenWide] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          assert.ok(wide <= screenWide, `${path} is ${wide} wide on a screen of ${screenWide}`);
          await look(nameOf(path));
        }
        await page.goto(`${SITE}/cars`);
        await page.locator('[data-car] a').first().click();
        await page.waitForURL(/\/cars\/./);
        await look('car');
        await chat.open();
        await chat.ask('Покажите кроссоверы');
        await look('chat');
        assert.deepEqual(Object.fromEntries(found), {}, 'barriers and the screens that have them');
      });

      test(`the console, ${scheme}, ${screen}`, async () => {
        const found = new Map();
        const look = async (page, name) => {
          await note(found, page, name);
          await shot(page, `console-${name}-${screen}-${scheme}`);
        };
        const { page: door } = await person({ ...options, colorScheme: scheme });
        await door.goto(CONSOLE);
        await door.getByLabel('Логин').waitFor();
        await look(door, 'sign-in');
        const { page } = await signIn({ ...options, colorScheme: scheme });
        for (const place of ['', '/inbox', '/leads', '/worker', '/destinations']) {
          const answer = await page.goto(CONSOLE + place);
          assert.equal(answer.status(), 200, place);
          await page.locator('h1, h2').first().waitFor();
          await look(page, place.slice(1) || 'dashboard');
        }
        const [conversation] = await conversations(page);
        await page.goto(`${CONSOLE}/inbox/${conversation}`);
        await page.getByRole('log').locator('li').first().waitFor();
        await look(page, 'thread');
        await page.goto(`${CONSOLE}/leads`);
        await page.locator('#found tbody a').first().click();
        await page.locator('article.delivery').first().waitFor();
        await look(page, 'lead');
        assert.deepEqual(Object.fromEntries(found), {}, 'barriers and the screens that have them');
      });
    }
  }

  test('every page that the site links to is there, and so is every file it uses', async () => {
    const { page } = await person();
    const seen = new Set(['/']);
    const queue = ['/'];
    while (queue.length) {
      const path = queue.shift();
      const answer = await page.goto(SITE + path);
      assert.equal(answer.status(), 200, path);
      const links = await page.locator('a[href]').evaluateAll((nodes) => nodes
        .map((node) => new URL(node.href)).filter((url) => url.origin === location.origin).map((url) => url.pathname));
      for (const link of links) {
        // Cars look alike: a few stand for all.
        const cars = [...seen].filter((one) => one.startsWith('/cars/')).length;
        if (seen.has(link) || (link.startsWith('/cars/') && cars >= 5)) continue;
        seen.add(link);
        queue.push(link);
      }
    }
    assert.ok(seen.size >= 15, `only ${seen.size} pages were found`);
  });

  test('the page that is not there says so and offers a way on', async () => {
    const { page } = await person({}, { expected: [404] });
    const answer = await page.goto(`${SITE}/no-such-page`);
    assert.equal(answer.status(), 404);
    await page.locator('h1').waitFor();
    await page.locator('main a[href]').first().waitFor();
    await shot(page, 'site-404-desktop-light');
  });

  test('the simulated portal says that it is simulated', async () => {
    const { page } = await person();
    await page.goto(PORTAL);
    await page.getByText('имитация').waitFor();
    assert.deepEqual(await barriers(page), []);
  });
});
