// Copying, and searching the page that explains the API. Both pages can be read without this file.
(() => {
  'use strict';
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---- copying
  for (const button of all('[data-copies]')) {
    button.hidden = !navigator.clipboard;
    const title = button.textContent;
    let back;
    button.addEventListener('click', async () => {
      const text = document.querySelector(button.dataset.copies)?.textContent ?? '';
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        return;
      }
      button.textContent = button.dataset.done;
      clearTimeout(back);
      back = setTimeout(() => { button.textContent = title; }, 3000);
    });
  }

  // ---- search
  const search = document.querySelector('#find');
  if (!search) return;
  search.closest('[hidden]').hidden = false;
  const none = document.querySelector('#none');
  const entries = all('[data-entry]').map((entry) => [entry, entry.textContent.toLowerCase()]);
  const groups = all('[data-group]');
  const links = all('.contents li');
  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const [entry, text] of entries) {
      entry.hidden = !words.every((word) => text.includes(word));
      found += entry.hidden ? 0 : 1;
    }
    for (const group of groups) group.hidden = !all('[data-entry]', group).some((entry) => !entry.hidden);
    for (const link of links) {
      const target = link.querySelector('a')?.hash;
      link.hidden = Boolean(target) && Boolean(document.querySelector(target)?.hidden);
    }
    none.hidden = found > 0;
  };
  search.addEventListener('input', look);
  addEventListener('hashchange', () => {
    const target = location.hash && document.querySelector(location.hash);
    if (!target?.hidden) return;
    search.value = '';
    look();
    target.scrollIntoView();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === '/' && !event.target.closest('input, textarea, select')) {
      event.preventDefault();
      search.select();
    }
  });
})();
