// The pictures of the site in a dialog: a field that holds a picture is filled from it. Without this file the field is
// a line of text, and pictures are looked after on their own screen.
(() => {
  'use strict';
  const dialog = document.getElementById('picker');
  if (!dialog) return;
  const { site, failed, sending } = dialog.dataset;
  const one = (selector, from = dialog) => from.querySelector(selector);
  const [list, detail] = [one('[data-list]'), one('[data-one]')];
  const base = `/console/media/${encodeURIComponent(site)}`;
  const asPath = (path) => path.split('/').map(encodeURIComponent).join('/');
  let target;

  async function ask(address, options = {}) {
    const answer = await fetch(address, { credentials: 'same-origin', ...options, headers: { 'hx-request': 'true', ...options.headers } });
    if (answer.status === 401) location.href = answer.headers.get('hx-redirect') ?? '/console';
    return answer;
  }
  const below = (value) => value.replace(/^\/?data\/img\//, '');

  async function find(page) {
    const query = new URLSearchParams({ q: one('#picker-q').value, current: below(target.input.value) });
    const answer = await ask(page ?? `${base}/pictures?${query}`);
    list.innerHTML = await answer.text();
  }

  async function describe(path) {
    for (const button of list.querySelectorAll('[data-picture]')) button.setAttribute('aria-pressed', String(button.dataset.picture === path));
    const answer = await ask(`${base}/picture/${asPath(path)}`);
    if (!answer.ok) {
      detail.replaceChildren();
      return;
    }
    detail.innerHTML = await answer.text();
    window.isFocal?.(one('[data-focal]', detail));
  }

  /** Opens the pictures for the field of a button; gives whether there is such a field. */
  async function open(button) {
    const input = document.getElementById(button.dataset.pick);
    if (!input) return false;
    target = { input, button };
    one('#picker-q').value = '';
    detail.replaceChildren();
    dialog.showModal();
    await find();
    if (input.value && one(`[data-picture="${CSS.escape(below(input.value))}"]`)) await describe(below(input.value));
    return true;
  }
  window.isPick = open;

  function put(input, value) {
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
    input.dispatchEvent(new Event('change', { bubbles: true }));
  }

  // The value keeps the form that it had; the text beside it follows the picture.
  function use(path, form) {
    const { input, button } = target;
    const bare = /^data\//.test(input.value);
    put(input, `${bare ? '' : '/'}data/img/${path}`);
    const shown = one('.thumb img', input.closest('.field, .spot-form') ?? document);
    if (shown) shown.src = `${base}/file/${asPath(path)}`;
    const language = /^s:data\/json\/([a-z]{2})\//.exec(button.dataset.pick)?.[1];
    const said = (form.elements[`alt-${language}`] ?? one('[name^="alt-"]', form))?.value;
    if (button.dataset.alt && said) {
      let alt = document.getElementById(button.dataset.alt);
      if (!alt) {
        alt = Object.assign(document.createElement('input'), { type: 'hidden', name: button.dataset.alt });
        alt.dataset.field = '';
        input.form.append(alt);
      }
      put(alt, said);
    }
    dialog.close();
    button.focus();
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('[data-pick]');
    if (button) open(button);
  });
  one('[data-close]').addEventListener('click', () => dialog.close());
  list.addEventListener('click', async (event) => {
    const picture = event.target.closest('[data-picture]');
    const more = event.target.closest('[data-more]');
    if (picture) {
      await describe(picture.dataset.picture);
      one('button.primary', detail)?.focus({ preventScroll: true });
    }
    if (more) {
      await find(more.dataset.more);
      one('[data-picture]', list)?.focus();
    }
  });
  let waiting;
  one('#picker-q').addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => find(), 250);
  });
  one('[data-find]').addEventListener('submit', (event) => { event.preventDefault(); find(); });
  one('#picker-file').addEventListener('change', async (event) => {
    if (!event.target.files.length) return;
    list.textContent = sending;
    const form = one('[data-add]');
    const answer = await ask(form.action, { method: 'POST', body: new FormData(form) });
    list.innerHTML = await answer.text();
    event.target.value = '';
    const taken = one('[data-taken]', list)?.dataset.taken;
    if (taken) await describe(taken);
  });
  detail.addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = await ask(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    if (answer.ok) use(form.dataset.path, form);
    else one('[data-state]', form).textContent = `${failed} ${answer.status}`;
  });
})();
