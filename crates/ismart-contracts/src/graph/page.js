'use strict';
(() => {
  const texts = {
    en: {
      title: 'Contracts', search: 'Search', files: 'Files', theme: 'Light or dark', skip: 'Go to the file',
      keys: '/ search · ↑ ↓ choose · Enter open · Backspace back', uses: 'depends on', users: 'used by', none: 'nothing',
      api: 'API', promises: 'Promises', proved: 'Proved by', outside: 'From outside', bare: 'no contract',
      proposed: 'The purpose is only proposed.', nothing: 'Nothing has such a name.', lines: 'lines', line: 'line',
      of: (shown, all) => `${shown} of ${all}`, other: 'По-русски',
    },
    ru: {
      title: 'Контракты', search: 'Поиск', files: 'Файлы', theme: 'Светлая или тёмная', skip: 'К файлу',
      keys: '/ поиск · ↑ ↓ выбор · Enter открыть · Backspace назад', uses: 'зависит от', users: 'используется в', none: 'ничего',
      api: 'API', promises: 'Обещания', proved: 'Доказано', outside: 'Снаружи', bare: 'нет контракта',
      proposed: 'Назначение только предложено.', nothing: 'Ничего с таким именем нет.', lines: 'строк', line: 'строка',
      of: (shown, all) => `${shown} из ${all}`, other: 'In English',
    },
  };
  const graph = JSON.parse(document.getElementById('graph').textContent);
  const search = document.getElementById('search');
  const list = document.getElementById('list');
  const detail = document.getElementById('detail');
  let language = navigator.language.startsWith('ru') ? 'ru' : 'en';
  let current = -1;

  const uses = graph.nodes.map(() => []);
  const users = graph.nodes.map(() => []);
  for (const edge of graph.edges) {
    uses[edge.from].push({ node: edge.to, edge });
    users[edge.to].push({ node: edge.from, edge });
  }
  const words = graph.nodes.map((node) =>
    [node.path, node.purpose ?? '', ...node.declares, ...node.items.map((item) => item.signature)].join('\n').toLowerCase());
  const name = (node) => node.path.split('/').pop().replace(/\.[^.]+$/, '');
  const t = () => texts[language];

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const fill = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    list.replaceChildren();
    let folder = null;
    let shown = 0;
    graph.nodes.forEach((node, at) => {
      if (!wanted.every((word) => words[at].includes(word))) return;
      shown += 1;
      if (node.folder !== folder) {
        folder = node.folder;
        list.append(element('li', { class: 'folder' }, folder || '.'));
      }
      const link = element('a', { href: `#${encodeURIComponent(node.path)}` }, name(node));
      if (node.key && !node.contract) {
        link.classList.add('bare');
        link.append(element('span', { class: 'skip' }, ` (${t().bare})`));
      }
      if (at === current) link.setAttribute('aria-current', 'true');
      list.append(element('li', {}, link));
    });
    if (shown === 0) list.append(element('li', { class: 'folder' }, t().nothing));
    document.getElementById('count').textContent = t().of(shown, graph.nodes.length);
  };

  const neighbours = (title, found) => {
    const items = found.map(({ node, edge }) => element('li', {}, element('a',
      { href: `#${encodeURIComponent(graph.nodes[node].path)}` }, name(graph.nodes[node]),
      element('small', {}, `${graph.nodes[node].path} · ${edge.kinds.join(', ')}`))));
    const body = items.length > 0 ? element('ul', {}, ...items) : element('p', { class: 'path' }, t().none);
    return element('section', {}, element('h3', {}, title), body);
  };

  const show = () => {
    const node = graph.nodes[current];
    detail.replaceChildren();
    if (!node) return;
    detail.append(element('h2', {}, node.declares.join(', ') || name(node)));
    detail.append(element('p', { class: 'path' }, `${node.path} · ${node.lines} ${t().lines}`));
    const contract = node.contract ? element('p', { class: 'path' }, node.contract)
      : node.key ? element('p', { class: 'warn' }, t().bare) : '';
    detail.append(contract);
    if (node.purpose) detail.append(element('p', {}, node.purpose));
    if (node.proposed) detail.append(element('p', { class: 'warn' }, t().proposed));
    detail.append(element('div', { class: 'walk' }, neighbours(t().users, users[current]),
      element('p', { class: 'self' }, name(node)), neighbours(t().uses, uses[current])));
    if (node.items.length > 0) {
      detail.append(element('h2', {}, t().api), element('ul', { class: 'items' }, ...node.items.map((item) =>
        element('li', {}, element('code', {}, item.signature),
          element('small', {}, [item.doc, `${t().line} ${item.line}`].filter(Boolean).join(' · '))))));
    }
    if (node.promises.length > 0) {
      detail.append(element('h2', {}, t().promises), element('ul', { class: 'items' }, ...node.promises.map((promise) =>
        element('li', {}, `P${promise.number}. ${promise.text}`,
          element('small', {}, `${t().proved}: ${promise.tests.join(', ') || t().none}`)))));
    }
    if (node.outside.length > 0) {
      detail.append(element('h2', {}, t().outside), element('p', {}, element('code', {}, node.outside.join(', '))));
    }
    document.title = `${name(node)} · ${t().title}`;
  };

  const go = (focus) => {
    const path = decodeURIComponent(location.hash.slice(1));
    const found = graph.nodes.findIndex((node) => node.path === path);
    current = found >= 0 ? found : graph.nodes.findIndex((node) => node.key);
    if (current < 0) current = 0;
    fill();
    show();
    list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
    if (focus) detail.focus({ preventScroll: false });
  };

  const speak = () => {
    document.documentElement.lang = language;
    for (const place of document.querySelectorAll('[data-text]')) place.textContent = t()[place.dataset.text];
    document.getElementById('language').textContent = t().other;
    go(false);
  };

  document.getElementById('language').addEventListener('click', () => {
    language = language === 'ru' ? 'en' : 'ru';
    speak();
  });
  document.getElementById('theme').addEventListener('click', () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    document.documentElement.dataset.theme = dark ? 'light' : 'dark';
  });
  search.addEventListener('input', fill);
  addEventListener('hashchange', () => go(true));
  addEventListener('keydown', (event) => {
    const links = [...list.querySelectorAll('a')];
    const at = links.indexOf(document.activeElement);
    const inside = document.activeElement === search;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === '/' && !inside) {
      search.focus();
      search.select();
    } else if (event.key === 'Escape' && inside) {
      search.value = '';
      fill();
    } else if (event.key === 'ArrowDown' && (inside || at >= 0)) {
      links[Math.min(at + 1, links.length - 1)]?.focus();
    } else if (event.key === 'ArrowUp' && at >= 0) {
      (at === 0 ? search : links[at - 1]).focus();
    } else if (event.key === 'Enter' && inside) {
      const word = search.value.trim().toLowerCase();
      (links.find((link) => link.textContent.toLowerCase().includes(word)) ?? links[0])?.click();
    } else if (event.key === 'Backspace' && !inside) {
      history.back();
    } else {
      return;
    }
    event.preventDefault();
  });
  speak();
})();
