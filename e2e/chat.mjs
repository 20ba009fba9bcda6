// The chat as a visitor uses it.
import assert from 'node:assert/strict';
import { eventually } from './driver.mjs';

export class Chat {
  constructor(page) {
    this.page = page;
    this.launcher = page.getByRole('button', { name: 'Задать вопрос' });
    this.panel = page.locator('ismart-widget').getByRole('dialog');
    this.log = this.panel.getByRole('log');
    this.input = this.panel.getByRole('textbox', { name: 'Напишите сообщение…' });
    this.ofWorker = this.log.locator('.m.worker');
    this.contact = this.log.locator('form.contact');
  }

  async open() {
    await this.launcher.click();
    await this.panel.waitFor();
    await this.ofWorker.first().waitFor();
  }

  bubble(text) {
    return this.log.locator('.b').filter({ hasText: text });
  }

  /** A button that is offered at the moment. */
  choice(name) {
    return this.log.locator('.choices:visible').getByRole('button', { name });
  }

  /** Does something that the worker answers, and gives the text of the answers. */
  async answered(act) {
    const before = await this.ofWorker.count();
    await act();
    await this.ofWorker.nth(before).waitFor();
    await this.quiet();
    const texts = await this.ofWorker.allInnerTexts();
    return texts.slice(before).join('\n');
  }

  ask(text) {
    return this.answered(() => this.write(text));
  }

  async write(text) {
    await this.input.fill(text);
    await this.input.press('Enter');
    await this.bubble(text).last().waitFor();
  }

  press(choice) {
    return this.answered(() => choice.click());
  }

  /** A turn ends when the worker types no longer and nothing is on its way. */
  async quiet() {
    await eventually(async () => !(await this.panel.locator('.dots').innerText()).trim(), 'the worker stops typing');
    await eventually(async () => (await this.log.getByText('Отправляется…').count()) === 0, 'the message is confirmed');
  }

  /** Fills in the contact form that the worker shows. */
  async leaveContact({ name, phone }) {
    await this.contact.getByLabel('Имя').fill(name);
    await this.contact.getByLabel('Телефон').fill(phone);
    await this.contact.getByRole('checkbox').check();
    return this.answered(() => this.contact.getByRole('button', { name: 'Отправить контакты' }).click());
  }

  /** Who wrote, in order: `visitor`, `worker`, `person`, `system`. */
  async authors() {
    const classes = await this.log.locator('.m').evaluateAll((nodes) => nodes.map((node) => node.className));
    return classes.map((value) => value.split(' ')[1]);
  }

  /** Names over the messages of a person. */
  async people() {
    const names = await this.log.locator('.m.person .by').allInnerTexts();
    assert.ok(names.length, 'no message of a person');
    return [...new Set(names.map((name) => name.trim()))];
  }
}
