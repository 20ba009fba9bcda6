// Live changes and keys. Every page works without this file.
(() => {
  'use strict';
  const page = document.documentElement;
  page.classList.add('js');
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const plural = new Intl.PluralRules(page.lang);

  // What a closed browser may not keep (private windows) is kept for the page.
  const store = (() => {
    const held = new Map();
    const attempt = (work, otherwise) => { try { return work(); } catch { return otherwise(); } };
    return {
      get: (key) => attempt(() => localStorage.getItem(key), () => held.get(key) ?? null),
      set: (key, value) => attempt(() => localStorage.setItem(key, value), () => held.set(key, value)),
      drop: (key) => attempt(() => localStorage.removeItem(key), () => held.delete(key)),
    };
  })();

  // ---- where one is stands in view; browsers that can do so by themselves are told in the styles
  if (!CSS.supports('scroll-initial-target', 'nearest')) {
    for (const here of all('.places [aria-current], .filters [aria-current]')) {
      here.scrollIntoView({ block: 'nearest', inline: 'center' });
    }
  }

  // ---- messages to the person at the desk
  let hiding;
  function toast(html) {
    const box = one('#toast');
    box.innerHTML = html;
    box.hidden = false;
    clearTimeout(hiding);
    hiding = setTimeout(() => { box.hidden = true; }, 8000);
  }

  // ---- what has been read, per browser
  const desk = one('.desk');
  const open = desk?.dataset.conversation;
  const seenKey = (id) => `seen:${id}`;
  function markRead() {
    if (open) store.set(seenKey(open), String(lastSeq()));
  }
  function showFresh() {
    for (const line of all('.line[data-id]')) {
      const seen = Number(store.get(seenKey(line.dataset.id)) ?? 0);
      line.classList.toggle('fresh', line.dataset.id !== open && Number(line.dataset.seq) > seen);
    }
  }

  // ---- the open conversation
  const messages = one('#messages');
  const scroll = one('#scroll');
  function lastSeq() {
    return Number(messages?.lastElementChild?.dataset.seq ?? desk?.dataset.after ?? 0);
  }
  const atEnd = () => scroll && scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 120;
  const toEnd = () => { if (scroll) scroll.scrollTop = scroll.scrollHeight; };
  function addMessages(html) {
    const follow = atEnd();
    const box = document.createElement('template');
    box.innerHTML = html;
    for (const message of [...box.content.children]) {
      if (!one(`[data-seq="${Number(message.dataset.seq)}"]`, messages)) messages.append(message);
    }
    sortMessages();
    if (follow) toEnd();
    markRead();
  }
  function sortMessages() {
    const list = [...messages.children];
    const known = new Set();
    for (const message of list) {
      if (known.has(message.dataset.seq)) message.remove();
      known.add(message.dataset.seq);
    }
    const sorted = [...messages.children].sort((a, b) => a.dataset.seq - b.dataset.seq);
    if (sorted.some((message, at) => message !== messages.children[at])) messages.append(...sorted);
  }

  // ---- what is being typed survives everything
  const draftKey = `draft:${open}`;
  function restoreDraft() {
    const answer = one('#answer');
    if (answer && !answer.value) answer.value = store.get(draftKey) ?? '';
  }
  function replaceTalk(html) {
    const talk = one('#talk');
    if (!talk) return;
    const focused = document.activeElement === one('#answer');
    const box = document.createElement('template');
    box.innerHTML = html.trim();
    const fresh = box.content.firstElementChild;
    // Whoever is typing goes on in the field that he types in.
    if (one('#answer', talk) && one('#answer', fresh)) return;
    talk.replaceWith(fresh);
    window.htmx?.process(fresh);
    restoreDraft();
    if (focused) one('#answer')?.focus();
  }
  function replaceContext(html) {
    const context = one('#context');
    if (!context) return;
    const place = context.scrollTop;
    context.innerHTML = html;
    context.scrollTop = place;
  }

  // ---- what came in meanwhile
  const came = new Set();
  function showNews() {
    const chip = one('#news');
    if (!chip) return;
    chip.hidden = came.size === 0;
    const form = plural.select(came.size);
    const text = form === 'one' ? chip.dataset.one : form === 'few' ? chip.dataset.few : chip.dataset.many;
    chip.textContent = (text ?? '').replace('{n}', String(came.size));
  }
  function reloadLines() {
    came.clear();
    const mode = desk?.dataset.mode ?? '';
    window.htmx?.ajax('GET', `/console/inbox/lines?mode=${encodeURIComponent(mode)}&open=${encodeURIComponent(open ?? '')}`, '#lines');
  }

  // ---- the stream
  let stream;
  let stale;
  function follow() {
    if (!one('[data-live]') || !window.EventSource) return;
    const wish = new URLSearchParams();
    if (open) {
      wish.set('conversation', open);
      wish.set('after', String(lastSeq()));
    }
    stream = new EventSource(`/console/live/feed?${wish}`);
    stream.onopen = () => {
      clearTimeout(stale);
      one('#stale').hidden = true;
    };
    stream.onerror = () => {
      clearTimeout(stale);
      stale = setTimeout(() => { one('#stale').hidden = false; }, 6000);
      if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 5000);
    };
    stream.addEventListener('messages', (event) => addMessages(event.data));
    stream.addEventListener('talk', (event) => replaceTalk(event.data));
    stream.addEventListener('context', (event) => replaceContext(event.data));
    stream.addEventListener('inbox', (event) => {
      if (!desk) return;
      const { id } = JSON.parse(event.data);
      if (id !== open) {
        came.add(id ?? '');
        showNews();
      }
    });
    stream.addEventListener('lead', (event) => {
      if (desk) return;
      came.add(JSON.parse(event.data).id);
      showNews();
    });
  }

  // ---- requests by htmx
  document.addEventListener('htmx:configRequest', (event) => {
    if (event.detail.elt.id === 'say') event.detail.parameters.set('after', String(lastSeq()));
    if (event.detail.elt.id === 'news' && open) event.detail.parameters.set('open', open);
  });
  document.addEventListener('htmx:afterRequest', (event) => {
    const { elt, xhr, successful } = event.detail;
    if (!successful) {
      const fragment = (xhr?.getResponseHeader('content-type') ?? '').includes('text/html') && xhr.responseText;
      if (xhr?.status !== 401) toast(fragment || `<p class="error">${one('#stale').textContent}</p>`);
      return;
    }
    if (elt.id === 'news') came.clear();
    if (elt.closest?.('#talk') && elt.id !== 'say') setTimeout(reloadLines, 0);
  });
  document.addEventListener('said', (event) => {
    const form = one('#say');
    if (!form) return;
    form.elements.text.value = '';
    form.elements.id.value = event.detail.id;
    store.drop(draftKey);
    form.elements.text.focus();
  });
  document.addEventListener('htmx:afterSwap', () => {
    if (messages) sortMessages();
    restoreDraft();
    showFresh();
    showNews();
  });
  document.addEventListener('htmx:afterSettle', (event) => {
    if (event.detail.target?.id === 'messages') toEnd();
    if (event.detail.elt?.id === 'talk') one('#answer')?.focus();
    markRead();
  });

  // ---- small things
  document.addEventListener('input', (event) => {
    if (event.target.id === 'answer') store.set(draftKey, event.target.value);
  });
  document.addEventListener('change', (event) => {
    if (event.target.matches('[data-submits]')) event.target.form.requestSubmit();
  });
  document.addEventListener('submit', (event) => {
    const ask = event.submitter?.dataset.confirm;
    if (ask && !confirm(ask)) event.preventDefault();
    // Without a script library the form goes the usual way and takes its text along.
    if (event.target.id === 'say' && !window.htmx) store.drop(draftKey);
  });
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-reloads]')) location.reload();
    if (event.target.closest('[data-opens="keys"]')) one('#keys')?.showModal();
    const menu = one('.me[open]');
    if (menu && !menu.contains(event.target)) menu.open = false;
  });

  // ---- leads that are ticked
  document.addEventListener('change', (event) => {
    if (!event.target.matches('.tick input')) return;
    event.target.closest('tr').classList.toggle('picked', event.target.checked);
    const details = one('#bulk details');
    if (details && one('.tick input:checked')) details.open = true;
  });

  // ---- keys
  const rows = () => all('[data-keys] a.line, [data-keys] a.stretch');
  function move(step) {
    const list = rows();
    if (!list.length) return;
    const focused = list.indexOf(document.activeElement);
    const current = focused >= 0 ? focused : list.findIndex((row) => row.hasAttribute('aria-current'));
    const next = current < 0 ? 0 : Math.min(list.length - 1, Math.max(0, current + step));
    list[next].focus();
    list[next].scrollIntoView({ block: 'nearest' });
  }
  const places = { d: '/console', i: '/console/inbox', l: '/console/leads' };
  let going = 0;
  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest?.('input, textarea, select, [contenteditable]');
    if (typing) {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.id === 'answer') {
        event.preventDefault();
        event.target.form.requestSubmit();
      }
      if (event.key === 'Escape') event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || one('dialog[open]')) return;
    if (event.key === 'Escape') {
      const menu = one('.me[open]');
      if (menu) {
        menu.open = false;
        one('summary', menu).focus();
      }
      if (location.hash === '#context') location.hash = '#talk';
    }
    if (Date.now() < going && places[event.key]) {
      location.href = places[event.key];
      return;
    }
    going = 0;
    const done = () => event.preventDefault();
    switch (event.key) {
      case 'j': move(1); break;
      case 'k': move(-1); break;
      case 'x': {
        const row = document.activeElement?.closest?.('[data-keys] tr');
        const box = row && one('.tick input', row);
        if (box) { done(); box.click(); }
        break;
      }
      case 'g': going = Date.now() + 1200; break;
      case 'r': { const answer = one('#answer'); if (answer) { done(); answer.focus(); } break; }
      case 't': { const take = one('[data-key="t"]'); if (take) { done(); take.click(); } break; }
      case '/': { const search = one('#q'); if (search) { done(); search.select(); } break; }
      case '?': one('#keys')?.showModal(); break;
      default:
    }
  });

  for (const button of all('[data-opens="keys"]')) button.hidden = false;
  restoreDraft();
  toEnd();
  markRead();
  showFresh();
  follow();
  one('.line[aria-current]')?.scrollIntoView({ block: 'nearest' });
  addEventListener('pagehide', () => stream?.close());
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
})();
