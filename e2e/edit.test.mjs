// An editor changes a text on the real page, publishes it, a visitor sees it, and it is brought back.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { CONSOLE, signIn } from './console.mjs';
import { DESKTOP, PHONE, SITE, barriers, eventually, leave, person, shot, start, stop } from './driver.mjs';

const EDIT = `${CONSOLE}/site/avtograd`;
const OLD = 'Контакты и проезд';

before(start);
after(stop);
afterEach(leave);

/** The frame with the page, once it has told its texts. */
async function stage(page, path) {
  await page.goto(`${EDIT}/edit?path=${encodeURIComponent(path)}`);
  await page.locator('#spots button').first().waitFor();
  await page.locator('#stage-frame.shaped').waitFor();
  return page.frameLocator('#stage-frame');
}

async function publish(page, message) {
  await page.goto(`${EDIT}/changes`);
  await page.locator('#gate').waitFor();
  await page.getByLabel('Что сделано').fill(message);
  const reason = page.getByLabel('Причина публикации с предупреждениями');
  await reason.fill('проверка');
  await page.locator('.publish button.primary').click();
  await page.getByText('Опубликовано: посетители уже видят изменения.').waitFor();
}

test('a heading is clicked, changed, published, seen and restored', async () => {
  const { page } = await signIn();
  const frame = await stage(page, '/contacts');
  await frame.getByRole('heading', { name: OLD, level: 1 }).click();
  const field = page.locator('#stage-field [data-field]').first();
  await field.waitFor();
  assert.equal(await field.inputValue(), OLD);
  await page.getByText('ru/pages/contacts.json').first().waitFor();
  await shot(page, 'edit-field');
  await field.fill('Как нас найти');
  await page.getByText('Сохранено в черновик').waitFor();
  await frame.getByRole('heading', { name: 'Как нас найти', level: 1 }).waitFor();
  const { page: visitor } = await person();
  await visitor.goto(`${SITE}/contacts`);
  assert.equal((await visitor.locator('h1').innerText()).trim(), OLD, 'a draft is nobody else\'s');
  await publish(page, 'Заголовок контактов');
  const begun = Date.now();
  await visitor.goto(`${SITE}/contacts`);
  assert.equal((await visitor.locator('h1').innerText()).trim(), 'Как нас найти');
  assert.ok(Date.now() - begun < 20e3);
  await page.goto(`${EDIT}/history`);
  await page.getByRole('cell', { name: 'Заголовок контактов' }).waitFor();
  await shot(page, 'edit-history');
  await page.locator('table.list a').first().click();
  await page.locator('table.diff button').first().click();
  await page.getByText('Прежнее состояние в черновике').waitFor();
  await publish(page, 'Обратно');
  await eventually(async () => {
    await visitor.goto(`${SITE}/contacts`);
    return (await visitor.locator('h1').innerText()).trim() === OLD;
  }, 'the old heading is back');
});

test('everything on the stage is reached by keys alone', async () => {
  const { page } = await signIn();
  await stage(page, '/contacts');
  await page.locator('#spot-find').fill('проезд');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const field = page.locator('#stage-field [data-field]').first();
  await field.waitFor();
  assert.ok(await field.evaluate((node) => node === document.activeElement), 'the field has the focus');
});

test('a picture is chosen from the library by keys alone', async () => {
  const { page } = await signIn();
  const file = 'data/json/ru/offers/rassrochka-0.json';
  await page.goto(`${EDIT}/form?file=${encodeURIComponent(file)}`);
  const field = page.locator(`[id="s:${file}#/offer/cover"]`);
  const before = await field.inputValue();
  const opener = page.locator(`[data-pick="s:${file}#/offer/cover"]`);
  await opener.focus();
  await page.keyboard.press('Enter');
  const dialog = page.locator('#picker');
  await dialog.locator('[data-picture]').first().waitFor();
  assert.deepEqual(await barriers(page), [], 'the dialog');
  await shot(page, 'picker');
  await page.keyboard.type('trade-in');
  await eventually(async () => (await dialog.locator('[data-picture]').count()) === 1, 'one picture fits');
  await dialog.locator('[data-picture]').focus();
  await page.keyboard.press('Enter');
  await dialog.locator('button.primary').waitFor();
  assert.deepEqual(await barriers(page), [], 'the dialog with a picture');
  await shot(page, 'picker-one');
  assert.ok(await dialog.locator('button.primary').evaluate((node) => node === document.activeElement), 'the next key puts it there');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
  const now = await field.inputValue();
  assert.ok(now !== before && /^\/data\/img\/offers\/trade-in/.test(now), now);
  assert.ok(await opener.evaluate((node) => node === document.activeElement), 'the focus is back');
  await page.getByText('Сохранено в черновик').waitFor();
  await page.reload();
  assert.equal(await field.inputValue(), now, 'the draft has it');
  await page.goto(`${EDIT}/changes`);
  await page.getByText('/data/img/offers/', { exact: false }).first().waitFor();
});

test('a picture that is clicked on the page opens the library', async () => {
  const { page } = await signIn();
  const frame = await stage(page, '/offers');
  // The link of the card lies over it, as for people.
  await frame.locator('main img').first().click({ force: true });
  const dialog = page.locator('#picker');
  await dialog.locator('[data-picture][aria-pressed="true"]').waitFor();
  await shot(page, 'picker-stage');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.locator('#stage-field [data-pick]').first().waitFor();
});

describe('no barriers', () => {
  const file = encodeURIComponent('data/json/ru/pages/contacts.json');
  for (const [screen, options] of [['desktop', DESKTOP], ['phone', PHONE], ['dark', { ...DESKTOP, colorScheme: 'dark' }]]) {
    test(`on ${screen}`, async () => {
      const { page } = await signIn(options);
      for (const path of ['', '/edit?path=/contacts', `/form?file=${file}`, `/raw?file=${file}`, '/changes', '/history', '/redirects', '/seo', '/people']) {
        await page.goto(`${EDIT}${path}`);
        if (path.startsWith('/edit')) await page.locator('#spots button').first().waitFor();
        const found = await barriers(page);
        await shot(page, `site${path.replace(/\W+/g, '-').slice(0, 16)}-${screen}`);
        assert.deepEqual(found, [], `${path} on ${screen}`);
      }
    });
  }
});
