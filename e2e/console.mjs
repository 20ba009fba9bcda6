// The console and the simulated portal as the client's people use them.
import assert from 'node:assert/strict';
import { LOGIN, PASSWORD, PORTAL, SITE, eventually, person } from './driver.mjs';

export const CONSOLE = `${SITE}/console`;

/** Signs in through the form. */
export async function signIn(options = {}, login = LOGIN) {
  const one = await person(options);
  await one.page.goto(CONSOLE);
  await one.page.getByLabel('Логин').fill(login);
  await one.page.getByLabel('Пароль').fill(PASSWORD);
  await one.page.getByRole('button', { name: 'Войти' }).click();
  await one.page.getByRole('navigation', { name: 'Разделы' }).waitFor();
  return one;
}

/** The figures of the dashboard by the names of their steps. */
export async function figures(page) {
  await page.goto(CONSOLE);
  const steps = page.locator('ol.funnel > li[data-metric]');
  await steps.first().waitFor();
  const pairs = await steps.evaluateAll((nodes) => nodes.map((node) =>
    [node.dataset.metric, node.querySelector('.value').textContent.replace(/\D/g, '')]));
  assert.ok(pairs.length >= 4 && pairs.every(([, value]) => value), `the dashboard lacks figures: ${JSON.stringify(pairs)}`);
  return Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
}

/** Rows of the list of leads that a search finds. */
export async function searchLeads(page, words) {
  await page.goto(`${CONSOLE}/leads?q=${encodeURIComponent(words)}`);
  await page.locator('#found').waitFor();
  return page.locator('#found tbody tr');
}

/** The row of the only lead of this person in the portal, once it has arrived: its id there. */
export async function leadInPortal(page, name) {
  const rows = page.locator('tbody tr').filter({ hasText: name });
  await eventually(async () => {
    await page.goto(PORTAL);
    return (await rows.count()) > 0;
  }, `the portal has the lead of ${name}`);
  assert.equal(await rows.count(), 1, 'one lead in the portal');
  return (await rows.locator('th').innerText()).trim();
}

/** Conversations of the inbox, newest first: their ids. */
export async function conversations(page, mode = '') {
  await page.goto(`${CONSOLE}/inbox${mode && `?mode=${mode}`}`);
  await page.locator('#lines').waitFor();
  return page.locator('#lines a.line').evaluateAll((lines) => lines.map((line) => line.dataset.id));
}
