// Editing of sites: the page in the frame says what was clicked, the console shows its field and keeps it as it is
// typed. Forms keep themselves as well. Without this file all forms still save with their buttons.
(() => {
  'use strict';
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // ---- the page in the frame
  const known = one('script#is-spots');
  if (known) {
    inFrame();
    return;
  }

  function inFrame() {
    let { spots, title, file, failure } = JSON.parse(known.textContent);
    const box = document.createElement('div');
    box.style.cssText = 'position:fixed;z-index:2147483647;pointer-events:none;border:2px solid #3949c6;border-radius:4px;background:rgb(57 73 198/12%);display:none';
    document.documentElement.append(box);
    let places = [];

    // Where each spot is: a range of text between two comments, or a tag.
    function collect() {
      places = [];
      const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_COMMENT);
      const open = [];
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (node.data.startsWith('is:')) open.push(node);
        if (node.data === '/is' && open.length) {
          const start = open.pop();
          const range = document.createRange();
          range.setStartAfter(start);
          range.setEndBefore(node);
          places.push({ index: Number(start.data.slice(3)), range, node: start.parentElement });
        }
      }
      for (const node of all('[data-is]')) {
        for (const pair of node.dataset.is.split(' ')) {
          const at = pair.lastIndexOf(':');
          places.push({ index: Number(pair.slice(at + 1)), node, attribute: pair.slice(0, at) });
        }
      }
    }
    const rects = (place) => [...(place.range ? place.range.getClientRects() : place.node.getClientRects())];
    const hit = (place, x, y) => rects(place).some((r) => x >= r.left && x <= r.right && y >= r.top && y <= r.bottom);

    // Text under the pointer comes before the tag around it.
    function under(x, y) {
      const chain = new Set();
      const layers = document.elementsFromPoint(x, y);
      for (let node = layers[0]; node; node = node.parentElement) chain.add(node);
      // A link that covers a whole card lies over its picture.
      const pictures = new Set(layers.filter((node) => node.tagName === 'IMG'));
      const near = places.filter((place) => chain.has(place.node) || pictures.has(place.node));
      const texts = near.filter((place) => place.range && hit(place, x, y));
      const tags = near.filter((place) => !place.range && place.node !== document.documentElement)
        .sort((a, b) => pictures.has(b.node) - pictures.has(a.node) || (a.node.contains(b.node) ? 1 : -1));
      return [...texts, ...tags];
    }
    function mark(place) {
      const list = place ? rects(place) : [];
      if (!list.length) {
        box.style.display = 'none';
        return;
      }
      const left = Math.min(...list.map((r) => r.left)), top = Math.min(...list.map((r) => r.top));
      const right = Math.max(...list.map((r) => r.right)), bottom = Math.max(...list.map((r) => r.bottom));
      Object.assign(box.style, { display: 'block', left: `${left - 3}px`, top: `${top - 3}px`, width: `${right - left + 6}px`, height: `${bottom - top + 6}px` });
    }
    const tell = (message) => parent.postMessage({ is: true, ...message }, location.origin);
    const say = () => tell({ say: 'spots', spots, title, file, failure, path: location.pathname + location.search });

    addEventListener('mousemove', (event) => mark(under(event.clientX, event.clientY)[0]));
    addEventListener('mouseleave', () => mark());
    addEventListener('scroll', () => mark(), { passive: true });
    addEventListener('click', (event) => {
      if (event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      const found = under(event.clientX, event.clientY);
      if (found.length) tell({ say: 'pick', indexes: found.map((place) => place.index) });
    }, true);
    addEventListener('submit', (event) => event.preventDefault(), true);
    addEventListener('message', async (event) => {
      if (event.source !== parent || event.origin !== location.origin) return;
      if (event.data.do === 'refresh') await refresh();
      if (event.data.do === 'show') {
        const place = places.find((one) => one.index === event.data.index);
        place?.node.scrollIntoView({ block: 'center' });
        mark(place);
      }
    });

    // The page is made again; what differs is put in place, and the scroll stays.
    async function refresh() {
      const answer = await fetch(location.href, { credentials: 'same-origin' });
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const data = one('script#is-spots', fresh);
      if (!data) {
        location.reload();
        return;
      }
      ({ spots, title, file, failure } = JSON.parse(data.textContent));
      const [x, y] = [scrollX, scrollY];
      for (const own of all('[data-is-own], #is-spots', fresh)) own.remove();
      document.body.replaceWith(document.adoptNode(fresh.body));
      document.title = fresh.title;
      scrollTo(x, y);
      mark();
      collect();
      say();
    }
    collect();
    say();
  }

  // ---- keeping what is typed
  const csrf = () => JSON.parse(document.body.getAttribute('hx-headers') ?? '{}')['x-csrf-token'] ?? '';
  async function keep(action, pairs) {
    const body = new URLSearchParams(pairs);
    const answer = await fetch(action, {
      method: 'POST', body, credentials: 'same-origin',
      headers: { 'x-csrf-token': csrf(), 'hx-request': 'true' },
    });
    if (answer.status === 204) return '';
    if (answer.status === 401) {
      location.href = answer.headers.get('hx-redirect') ?? '/console';
      return '';
    }
    const text = await answer.text();
    const plain = new DOMParser().parseFromString(text, 'text/html').body.textContent;
    return plain.trim() || String(answer.status);
  }

  /** Saves changed fields of a form a moment after the last key; gives a function that saves at once. */
  function autosave(form, state, words, done = () => {}) {
    const changed = new Map();
    let waiting;
    let running = Promise.resolve();
    const flush = () => {
      clearTimeout(waiting);
      if (!changed.size) return running;
      const pairs = [...changed.values()].map((field) => [field.name, field.value]);
      changed.clear();
      state.textContent = words.saving;
      running = running.then(async () => {
        let error;
        try { error = await keep(form.action, pairs); } catch (fault) { error = String(fault); }
        state.textContent = error ? `${words.failed} ${error}` : words.saved;
        state.classList.toggle('error', Boolean(error));
        if (!error) done();
      });
      return running;
    };
    const note = (event) => {
      if (!event.target.matches('[data-field]')) return;
      changed.set(event.target.name, event.target);
      clearTimeout(waiting);
      waiting = setTimeout(flush, event.type === 'change' ? 0 : 600);
    };
    form.addEventListener('input', note);
    form.addEventListener('change', note);
    form.addEventListener('submit', (event) => {
      if (event.submitter?.name === 'op') {
        clearTimeout(waiting);
        changed.clear();
        return;
      }
      if (form.matches('.spot-form')) {
        event.preventDefault();
        flush();
      }
    });
    addEventListener('pagehide', () => { flush(); });
    return flush;
  }

  const long = one('#content-form');
  if (long) {
    const { saving, saved, failed } = long.dataset;
    autosave(long, one('#form-state'), { saving, saved, failed });
  }

  // ---- the console around the frame
  const stage = one('#stage');
  if (!stage) return;
  const frame = one('#stage-frame');
  // A page that is still finding its shape is not shown (see the style): what jumps cannot be clicked. It has found it
  // when everything that it asks for is there; one that waits for ever is shown all the same.
  const shown = () => frame.classList.add('shaped');
  if (frame.contentDocument?.readyState === 'complete' && frame.contentDocument.URL !== 'about:blank') shown();
  frame.addEventListener('load', shown, { once: true });
  setTimeout(shown, 5e3);
  const side = one('#stage-field');
  const state = one('#stage-state');
  const list = one('#spots');
  const site = stage.dataset.site;
  const words = { saving: stage.dataset.wordSaving, saved: stage.dataset.wordSaved, failed: stage.dataset.wordFailed };
  let spots = [];
  const ask = (message) => frame.contentWindow?.postMessage(message, location.origin);

  addEventListener('message', (event) => {
    if (event.source !== frame.contentWindow || event.origin !== location.origin || !event.data?.is) return;
    if (event.data.say === 'spots') arrived(event.data);
    if (event.data.say === 'pick') clicked(event.data.indexes);
  });

  // A picture that is clicked opens the pictures to choose from; its field is there when they are closed.
  async function clicked(indexes) {
    await pick(indexes, true);
    const button = one('[data-pick]', side.firstElementChild ?? side);
    if (button) window.isPick?.(button);
  }

  function arrived(data) {
    spots = data.spots;
    const prefix = `/console/site/${site}/page`;
    const path = data.path.startsWith(prefix) ? data.path.slice(prefix.length) || '/' : '/';
    history.replaceState(null, '', `?path=${encodeURIComponent(path)}`);
    if (data.failure) state.textContent = data.failure;
    draw();
  }

  // The same texts as a list, for those who do not use a pointer.
  function draw() {
    const wanted = (one('#spot-find').value ?? '').toLowerCase();
    const seen = new Set();
    const rows = [];
    spots.forEach((spot, index) => {
      const key = `${spot.place?.file}#${spot.place?.pointer}`;
      if (!spot.place || seen.has(key) || !spot.text || (wanted && !spot.text.toLowerCase().includes(wanted))) return;
      seen.add(key);
      const row = document.createElement('li');
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'plain';
      button.textContent = spot.text.length > 80 ? `${spot.text.slice(0, 80)}…` : spot.text;
      button.addEventListener('click', () => pick([index], true));
      button.addEventListener('focus', () => ask({ do: 'show', index }));
      row.append(button);
      rows.push(row);
    });
    one('#spot-count').textContent = String(rows.length);
    list.replaceChildren(...rows.slice(0, 300));
  }
  one('#spot-find').addEventListener('input', draw);

  async function pick(indexes, focus) {
    const found = indexes.map((index) => spots[index]).filter(Boolean);
    const placed = [];
    for (const spot of found) {
      if (spot.place && !placed.some((other) => other.place.file === spot.place.file && other.place.pointer === spot.place.pointer)) placed.push(spot);
    }
    if (!placed.length) {
      explain(found[0]);
      return;
    }
    state.textContent = '';
    side.replaceChildren();
    for (const spot of placed.slice(0, 4)) await field(spot);
    if (focus) {
      const input = one('[data-field]', side);
      input?.focus();
      if (input?.select && input.value.length < 200) input.select();
    }
  }

  // What no value stands behind is said, with the values that may have to do with it.
  function explain(spot) {
    side.replaceChildren();
    state.textContent = spot?.way === 'computed' ? stage.dataset.wordComputed : stage.dataset.wordTemplate;
    for (const place of spot?.near ?? []) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'small';
      button.textContent = `${place.file.replace('data/json/', '')} → ${place.pointer}`;
      button.addEventListener('click', async () => { side.replaceChildren(); await field({ place, way: 'found' }); });
      side.append(button);
    }
  }

  async function field(spot) {
    const query = new URLSearchParams({ file: spot.place.file, at: spot.place.pointer, way: spot.way });
    const answer = await fetch(`/console/site/${site}/field?${query}`, { credentials: 'same-origin', headers: { 'hx-request': 'true' } });
    const box = document.createElement('div');
    box.innerHTML = await answer.text();
    side.append(box);
    window.htmx?.process(box);
    const form = one('form.spot-form', box);
    if (form) autosave(form, state, words, () => ask({ do: 'refresh' }));
  }
})();
