/*! iSmart chat widget, served as it is written. See README.md. */
(() => {
  'use strict';
  const TAG = 'ismart-widget';
  if (customElements.get(TAG)) return;

  const LIMIT = 2000;
  const CALL_TIMEOUT = 20e3;
  // The server comments every 25 s; longer silence means a dead line.
  const SILENCE = 60e3;
  // A line down for longer shows the phone number.
  const PATIENCE = 15e3;
  // A panel left open reopens on the next page within this time.
  const OPEN_MEMORY = 18e5;

  const TEXTS = {
    ru: {
      ask: 'Задать вопрос', chat: 'Чат', kind: 'Цифровой работник', staff: 'Сотрудник', close: 'Свернуть чат',
      handover: 'Позвать человека', handoverText: 'Позовите, пожалуйста, человека',
      placeholder: 'Напишите сообщение…', send: 'Отправить', you: 'Вы', typing: '{name} печатает…',
      sending: 'Отправляется…', late: 'Не отправлено', retry: 'Повторить', limited: 'Отправим чуть позже',
      edit: 'Изменить', source: 'Источник', cards: 'Предложения', news: 'Новые сообщения', unread: 'Новых сообщений: {n}',
      down: 'Нет связи. Сообщения отправятся, как только она появится.', call: 'Позвонить:',
      waiting: 'Зовём сотрудника. Можно продолжать писать.', closed: 'Разговор завершён. Напишите, чтобы начать снова.',
      name: 'Имя', phone: 'Телефон', submit: 'Отправить контакты', policy: 'Текст согласия', done: 'Контакты отправлены',
      nameBad: 'Напишите, как к вам обращаться', phoneBad: 'Проверьте номер: нужно от 10 до 15 цифр',
      consentBad: 'Без согласия мы не можем принять контакты', left: 'Осталось знаков: {n}', over: 'Лишних знаков: {n}',
    },
    en: {
      ask: 'Ask a question', chat: 'Chat', kind: 'Digital worker', staff: 'Our colleague', close: 'Minimise chat',
      handover: 'Call a person', handoverText: 'Please call a person',
      placeholder: 'Write a message…', send: 'Send', you: 'You', typing: '{name} is typing…',
      sending: 'Sending…', late: 'Not sent', retry: 'Retry', limited: 'Will be sent later',
      edit: 'Edit', source: 'Source', cards: 'Offers', news: 'New messages', unread: 'New messages: {n}',
      down: 'No connection. Messages will be sent when it is back.', call: 'Call us:',
      waiting: 'Calling a person. You can keep writing.', closed: 'The conversation has ended. Write to start again.',
      name: 'Name', phone: 'Phone', submit: 'Send my contact', policy: 'Consent text', done: 'Contact sent',
      nameBad: 'Please tell us your name', phoneBad: 'Check the number: it needs 10 to 15 digits',
      consentBad: 'Without consent we cannot take your contact', left: 'Characters left: {n}', over: 'Characters too many: {n}',
    },
  };

  const CSS_TEXT = `
:host{all:initial!important;--bg:#fff;--fg:#16181d;--mut:#565d6b;--soft:#f0f2f6;--line:#d9dde5;--edge:#7c8492;--err:#b3261e;--a:#1d5be0;--at:#fff;
position:fixed!important;z-index:2147483000!important;inset:auto!important;bottom:0!important;right:0!important;width:0!important;height:0!important;color-scheme:light dark!important}
:host([data-off]){display:none!important}
@media(prefers-color-scheme:dark){:host{--bg:#15181e;--fg:#eceff4;--mut:#a9b1be;--soft:#252a33;--line:#3a414d;--edge:#7d8695;--err:#ff9d94}}
@media print{:host{display:none!important}}
*{box-sizing:border-box;margin:0;padding:0;font:inherit;color:inherit}
[hidden]{display:none!important}
section{font:400 15px/1.45 system-ui,sans-serif;color:var(--fg)}
button{background:none;border:0;cursor:pointer}
button:disabled{cursor:default;opacity:.5}
:focus-visible{outline:2px solid var(--fg);outline-offset:2px}
input:focus-visible,textarea:focus-visible{outline-offset:-2px}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;display:block;flex:none}
.go,.panel{position:fixed;bottom:calc(20px + env(safe-area-inset-bottom));right:calc(20px + env(safe-area-inset-right))}
.go{display:flex;align-items:center;gap:10px;min-height:56px;padding:0 22px 0 18px;border-radius:28px;background:var(--a);color:var(--at);font-weight:600;border:1px solid transparent;box-shadow:0 6px 24px #0004}
.left .go,.left .panel{right:auto;left:calc(20px + env(safe-area-inset-left))}
.badge{position:absolute;top:-6px;right:-4px;min-width:24px;height:24px;padding:0 6px;border-radius:12px;background:#b3261e;color:#fff;font-size:13px;line-height:22px;text-align:center;border:1px solid #fff}
.panel{width:380px;max-width:calc(100vw - 40px);height:600px;max-height:calc(100vh - 40px);display:flex;flex-direction:column;overflow:hidden;background:var(--bg);border:1px solid var(--line);border-radius:16px;box-shadow:0 12px 48px #0005}
.panel:focus{outline:0}
header{display:flex;align-items:center;gap:12px;padding:12px;border-bottom:1px solid var(--line)}
.ava{display:block;width:40px;height:40px;border-radius:50%;flex:none;object-fit:cover;background:var(--a);color:var(--at);font-weight:600;font-size:18px;line-height:40px;text-align:center}
.who{flex:1;min-width:0}
h2{font-weight:600;font-size:16px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.role{color:var(--mut);font-size:13px;line-height:1.3}
.icon{width:44px;height:44px;display:grid;place-items:center;border-radius:10px;flex:none}
.bar{padding:8px 14px;font-size:14px;background:var(--soft);border-bottom:1px solid var(--line)}
.mid{position:relative;flex:1;min-height:0;display:flex}
.log{flex:1;min-width:0;overflow-y:auto;overscroll-behavior:contain;padding:0 14px 6px}
.log:focus-visible,.card:focus-visible{outline-offset:-3px}
.m{position:relative;display:flex;flex-direction:column;align-items:flex-start;margin-top:3px}
.m.first{margin-top:12px}
.m.visitor{align-items:flex-end}
.m.system{align-items:center;text-align:center;color:var(--mut);font-size:13px}
.by,.meta{font-size:12px;color:var(--mut);padding:0 4px;margin:2px 0}
.meta .bad{color:var(--err)}
.meta button,.policy,.bar a,.b a{text-decoration:underline}
.meta button{padding:4px;min-height:24px}
.b{max-width:86%;padding:8px 12px;border-radius:14px;background:var(--soft);border:1px solid transparent;white-space:pre-wrap;overflow-wrap:anywhere}
.visitor .b{background:var(--a);color:var(--at)}
.system .b{background:none}
.src{list-style:none;font-size:13px;color:var(--mut);padding:4px;max-width:86%;overflow-wrap:anywhere}
.src a{color:var(--fg)}
.cards{display:flex;gap:10px;max-width:100%;overflow-x:auto;padding:6px 3px 8px}
.card{flex:0 0 210px;padding-bottom:10px;border:1px solid var(--line);border-radius:12px;overflow:hidden;background:var(--bg);display:flex;flex-direction:column;text-decoration:none}
.card img{width:100%;aspect-ratio:16/10;object-fit:contain;background:var(--soft);margin-bottom:8px}
.card>span{padding:0 12px;overflow-wrap:anywhere}
.card>span:first-of-type{font-weight:600}
.card>span:first-child{padding-top:10px}
.txt{font-size:13px;color:var(--mut)}
.price{font-weight:600;margin-top:auto}
.choices{display:flex;flex-wrap:wrap;gap:8px;padding:8px 0 2px}
.pill{min-height:40px;padding:8px 14px;border:1px solid var(--edge);border-radius:20px;font-size:14px;text-align:start}
.contact{width:100%;margin-top:6px;padding:12px;border:1px solid var(--line);border-radius:14px;display:grid;gap:4px}
.contact>label{font-size:14px;font-weight:600;margin-top:4px}
.contact>input,textarea{width:100%;min-height:44px;padding:10px 12px;font-size:16px;border:1px solid var(--edge);border-radius:10px;background:var(--bg);color:var(--fg)}
.contact [aria-invalid=true]{border-color:var(--err)}
.agree{display:flex;gap:10px;align-items:flex-start;margin-top:8px}
.agree input{width:22px;height:22px;flex:none;accent-color:var(--a)}
.agree label{font-size:13px}
.policy{font-size:13px;justify-self:start;padding:3px 0}
.e{font-size:13px;color:var(--err)}
.main{min-height:44px;padding:8px 16px;border-radius:10px;background:var(--a);color:var(--at);font-weight:600;border:1px solid transparent}
.news{position:absolute;bottom:8px;left:50%;transform:translateX(-50%);background:var(--fg);color:var(--bg);border-radius:18px;min-height:36px;padding:4px 16px;font-size:14px;white-space:nowrap}
.dots{padding:4px 18px;min-height:26px;color:var(--mut);font-size:13px}
footer{padding:8px 12px calc(12px + env(safe-area-inset-bottom));border-top:1px solid var(--line)}
.row{display:flex;gap:8px;align-items:flex-end}
textarea{resize:none;line-height:22px;height:var(--th,auto);max-height:132px;field-sizing:content;overflow-y:auto}
textarea::placeholder{color:var(--mut);opacity:1}
.row .main{width:44px;padding:0;display:grid;place-items:center;flex:none}
.under{display:flex;justify-content:space-between;align-items:center;gap:8px;font-size:13px;color:var(--mut);min-height:32px}
.under .pill{min-height:32px;padding:4px 12px;font-size:13px;color:var(--fg);margin-bottom:8px}
@media(max-width:480px),(max-height:480px){
.go{padding:0;width:60px;height:60px;justify-content:center;border-radius:50%}
.go .lbl{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.panel,.left .panel{top:var(--vt,0px);bottom:auto;left:0;right:0;width:100%;max-width:none;height:var(--vh,100%);max-height:none;border:0;border-radius:0;padding:env(safe-area-inset-top) env(safe-area-inset-right) 0 env(safe-area-inset-left)}}
@media(prefers-reduced-motion:no-preference){
.panel{animation:in .18s ease-out}
.dots:not(:empty)::after{content:"";display:inline-block;width:6px;height:6px;margin-left:6px;border-radius:50%;background:currentColor;animation:beat 1s infinite alternate}
@keyframes in{from{opacity:0;transform:translateY(12px)}}
@keyframes beat{from{opacity:.2}}}`;

  const script = document.currentScript || document.querySelector('[src*="ismart/widget.js"],[src*="/pilot.js"]');
  const option = (script && script.dataset) || {};
  const lang = /^en/i.test(option.lang || document.documentElement.lang) ? 'en' : 'ru';
  // A page that another server serves names its site by key.
  const pilot = option.site ? `/pilot/${encodeURIComponent(option.site)}` : '';
  const base = new URL(option.api || '/', (script && script.src) || location.href).href.replace(/\/+$/, '') + pilot;
  let T = TEXTS[lang];

  const text = (key, values = {}) => str(T[key]).replace(/\{(\w+)\}/g, (all, k) => (k in values ? values[k] : all));
  const list = (x) => (Array.isArray(x) ? x.filter((y) => y && typeof y === 'object') : []);
  const str = (x) => String(x ?? '');
  const jitter = (n) => Math.min(30e3, 1e3 * 2 ** n) * (0.5 + Math.random() / 2);

  // crypto.randomUUID is absent on pages without TLS.
  const uuid = () => '10000000-1000-4000-8000-100000000000'.replace(/[018]/g,
    (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

  // Storage may be blocked or full.
  const memory = new Map();
  const store = {
    get(key) {
      try {
        return JSON.parse(memory.has(key) ? memory.get(key) : localStorage.getItem(`ismart:${base}:${key}`));
      } catch {
        return null;
      }
    },
    set(key, value) {
      const line = JSON.stringify(value);
      try {
        localStorage.setItem(`ismart:${base}:${key}`, line);
        memory.delete(key);
      } catch {
        memory.set(key, line);
      }
    },
  };

  const given = (x) => (x ?? false) !== false;

  // Text never passes through an HTML parser.
  function h(tag, props, ...kids) {
    const node = document.createElement(tag);
    for (const [k, v] of Object.entries(props || {})) {
      if (k.startsWith('on')) node.addEventListener(k.slice(2), v);
      else if (given(v)) node.setAttribute(k, v === true ? '' : v);
    }
    node.append(...kids.filter(given));
    return node;
  }

  function icon(d) {
    const ns = 'http://www.w3.org/2000/svg';
    const svg = document.createElementNS(ns, 'svg');
    const path = document.createElementNS(ns, 'path');
    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('aria-hidden', 'true');
    path.setAttribute('d', d);
    svg.append(path);
    return svg;
  }

  function webAddress(value, from = document.baseURI) {
    try {
      const url = new URL(str(value), from);
      return value && /^https?:$/.test(url.protocol) ? url.href : null;
    } catch {
      return null;
    }
  }

  function link(href, label, props) {
    // Pages of the same site open in place: the conversation follows.
    const away = !href.startsWith('tel:') && new URL(href).origin !== location.origin;
    return h('a', { href, target: away && '_blank', rel: away && 'noopener', ...props }, label);
  }

  const LINKS = /https?:\/\/[^\s<>"«»]+|(?:tel:)?\+\d[\d \u00a0()\u2011-]{8,18}\d/gi;
  function rich(value) {
    const out = document.createDocumentFragment();
    let from = 0;
    for (const hit of value.matchAll(LINKS)) {
      const phone = !/^http/i.test(hit[0]);
      const shown = phone ? hit[0] : hit[0].replace(/[.,:;!?)\]}'…]+$/, '');
      const digits = shown.replace(/\D/g, '');
      const href = phone ? digits.length > 9 && digits.length < 16 && `tel:+${digits}` : webAddress(shown);
      if (!href) continue;
      out.append(value.slice(from, hit.index), link(href, shown));
      from = hit.index + shown.length;
    }
    out.append(value.slice(from));
    return out;
  }

  customElements.define(TAG, class extends HTMLElement {});
  const host = h(TAG, { 'data-off': true, lang });
  const root = host.attachShadow({ mode: 'open' });
  const live = {};
  let liveRules;
  try {
    // Under `style-src 'self'` only constructed sheets are allowed.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS_TEXT);
    liveRules = new CSSStyleSheet();
    root.adoptedStyleSheets = [sheet, liveRules];
  } catch {
    root.append(h('style', null, CSS_TEXT), (liveRules = h('style')));
  }
  function setRules(values) {
    Object.assign(live, values);
    const css = `:host{${Object.entries(live).map(([k, v]) => `--${k}:${v};`).join('')}}`;
    if (liveRules.replaceSync) liveRules.replaceSync(css);
    else liveRules.textContent = css;
  }

  const badge = h('span', { class: 'badge', 'aria-hidden': 'true', hidden: true });
  const goLabel = h('span', { class: 'lbl' });
  const goCount = h('span', { class: 'sr' });
  const go = h('button', { class: 'go', type: 'button', 'aria-haspopup': 'dialog', 'aria-expanded': 'false', onclick: () => open() },
    icon('M21 12a8 8 0 0 1-8 8H4l2-3.5A8 8 0 1 1 21 12z'), goLabel, goCount, badge);
  const avatar = h('span');
  const title = h('h2', { id: 'title' });
  const role = h('p', { class: 'role' });
  const shut = h('button', { class: 'icon', type: 'button', onclick: () => close() }, icon('M6 9l6 6 6-6'));
  const notice = h('p', { class: 'bar', role: 'status', hidden: true });
  const trouble = h('p', { class: 'bar', role: 'status', hidden: true });
  const log = h('div', { class: 'log', role: 'log', 'aria-live': 'polite', tabindex: '0', onscroll: () => atEnd() && (news.hidden = true) });
  const news = h('button', { class: 'news', type: 'button', hidden: true, onclick: () => toEnd() });
  const dots = h('p', { class: 'dots', role: 'status' });
  const person = h('button', { class: 'pill', type: 'button', onclick: () => { say(text('handoverText'), 'handover'); settle(); } });
  const count = h('span', { id: 'count', role: 'status' });
  const input = h('textarea', { rows: '1', enterkeyhint: 'send', 'aria-describedby': 'count', oninput: sized, onkeydown: typed });
  const sendButton = h('button', { class: 'main', type: 'button', disabled: true, onclick: sendTyped }, icon('M12 20V5M5 12l7-7 7 7'));
  const panel = h('div', { class: 'panel', role: 'dialog', 'aria-labelledby': 'title', tabindex: '-1', hidden: true },
    h('header', null, avatar, h('div', { class: 'who' }, title, role), shut), trouble, notice,
    h('div', { class: 'mid' }, log, news), dots,
    h('footer', null, h('div', { class: 'under' }, person, count), h('div', { class: 'row' }, input, sendButton)));
  const whisper = h('p', { class: 'sr', role: 'status' });
  const section = h('section', { class: option.position === 'left' ? 'left' : null }, go, panel, whisper);
  section.addEventListener('keydown', trap);
  root.append(section);

  const small = matchMedia('(max-width:480px),(max-height:480px)');
  const touch = matchMedia('(pointer:coarse)');

  const rows = new Map(); // message id -> { m, state, note, node, meta }
  const about = { worker: {}, business: store.get('business') || {}, consent: null };
  let token = store.get('visitor');
  let mode = 'worker';
  let personName = '';
  let last = 0;
  let isOpen = false;
  let off = false;
  let opener = null;
  let typing = false;
  let prefill = '';

  function paint() {
    const human = mode === 'person';
    const name = (human && personName) || (human ? text('staff') : str(about.worker.name) || text('chat'));
    title.textContent = name;
    role.textContent = human ? text('staff') : [text('kind'), str(about.worker.title)].filter(Boolean).join(' · ');
    const picture = !human && webAddress(about.worker.avatar, base + '/');
    const face = picture || [...name][0];
    if (avatar.dataset.face !== face) {
      avatar.dataset.face = face;
      avatar.replaceChildren(picture
        ? h('img', { class: 'ava', src: picture, alt: '', onerror: (e) => e.target.remove() })
        : h('span', { class: 'ava', 'aria-hidden': 'true' }, face));
    }
    goLabel.textContent = text('ask');
    const labels = [[section, 'chat'], [log, 'chat'], [shut, 'close'], [sendButton, 'send'], [input, 'placeholder']];
    labels.forEach(([node, key]) => node.setAttribute('aria-label', text(key)));
    input.placeholder = text('placeholder');
    news.textContent = text('news');
    person.textContent = text('handover');
    person.hidden = human || mode === 'waiting';
    notice.hidden = mode !== 'waiting' && mode !== 'closed';
    notice.textContent = notice.hidden ? '' : text(mode);
    dots.textContent = typing ? text('typing', { name }) : '';
  }

  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 48;
  function toEnd() {
    // A tall message is read from its top.
    if (log.lastChild) log.scrollTop = log.lastChild.offsetTop - 12;
    news.hidden = true;
  }

  function moment(at) {
    const time = new Date(at);
    if (isNaN(time)) return '';
    const today = time.toDateString() === new Date().toDateString();
    const shown = time.toLocaleString(lang, { hour: '2-digit', minute: '2-digit', ...(!today && { day: 'numeric', month: 'short' }) });
    return h('time', { datetime: time.toISOString() }, shown);
  }

  function sourcesOf(m) {
    const items = list(m.sources).map((s) => ({ href: webAddress(s.url), title: str(s.title) || str(s.url) })).filter((s) => s.href);
    return items[0] && h('ul', { class: 'src' }, ...items.map((s) => h('li', null, `${text('source')}: `, link(s.href, s.title))));
  }

  function cardsOf(m) {
    const cards = list(m.cards);
    if (!cards[0]) return null;
    return h('div', { class: 'cards', role: 'group', 'aria-label': text('cards'), tabindex: '0' }, ...cards.map((c) => {
      const href = webAddress(c.url);
      const card = href ? link(href, '', { class: 'card' }) : h('div', { class: 'card' });
      const image = webAddress(c.image);
      if (image) card.append(h('img', { src: image, alt: '', loading: 'lazy', onerror: (e) => e.target.remove() }));
      card.append(h('span', null, str(c.title)));
      if (c.text) card.append(h('span', { class: 'txt' }, str(c.text)));
      if (c.price) card.append(h('span', { class: 'price' }, str(c.price)));
      return card;
    }));
  }

  function choicesOf(m) {
    const choices = list(m.choices).filter((c) => c.label);
    return choices[0] && h('div', { class: 'choices' }, ...choices.map((c) =>
      h('button', { class: 'pill', type: 'button', onclick: () => { say(str(c.label), str(c.choice) || null); settle(); } }, str(c.label))));
  }

  let fieldCount = 0;
  function field(type, label, bad, good, complete) {
    const id = `f${++fieldCount}`;
    const box = h('input', { id, type, autocomplete: complete, maxlength: 100, 'aria-required': 'true', 'aria-describedby': `${id}e` });
    const error = h('p', { class: 'e', id: `${id}e` });
    const check = () => {
      const ok = !!good(box);
      error.textContent = ok ? '' : text(bad);
      box.setAttribute('aria-invalid', String(!ok));
      return ok;
    };
    return { box, error, check, label: h('label', { for: id }, label) };
  }

  function formOf(m) {
    const consent = (m.form && m.form.consent) || about.consent;
    // No consent text: no personal data is asked for.
    if (!m.form || m.form.kind !== 'contact' || !consent || !consent.label) return null;
    const asked = Array.isArray(m.form.fields) ? m.form.fields : ['name', 'phone'];
    const agree = field('checkbox', str(consent.label), 'consentBad', (box) => box.checked);
    const typed = {
      name: field('text', text('name'), 'nameBad', (box) => box.value.trim(), 'name'),
      phone: field('tel', text('phone'), 'phoneBad', (box) => /^(\D*\d){10,15}\D*$/.test(box.value), 'tel'),
    };
    const fields = Object.keys(typed).filter((key) => asked.includes(key)).map((key) => typed[key]);
    const policy = webAddress(consent.url);
    const error = h('p', { class: 'e', role: 'alert' });
    const submit = h('button', { class: 'main', type: 'submit' }, text('submit'));
    const firstWrong = () => [...fields, agree].filter((f) => !f.check())[0];
    const form = h('form', {
      class: 'contact', novalidate: true, 'aria-label': text('submit'),
      onsubmit(event) {
        event.preventDefault();
        error.textContent = '';
        const wrong = firstWrong();
        if (wrong) return wrong.box.focus();
        const [name, phone] = [typed.name, typed.phone].map((f) => f.box.value.trim());
        const id = say([name, phone].filter(Boolean).join(', '), null, { name, phone, consent: true, consent_version: str(consent.version) });
        submit.disabled = true;
        rows.get(id).settled = (detail) => {
          submit.disabled = false;
          error.textContent = detail;
          if (!detail) form.replaceWith(h('p', { class: 'meta' }, text('done')));
        };
        settle();
      },
      oninput: () => form.querySelector('[aria-invalid=true]') && firstWrong(),
    },
    ...fields.map((f) => [f.label, f.box, f.error]).flat(), h('div', { class: 'agree' }, agree.box, agree.label), agree.error,
    policy && h('a', { class: 'policy', href: policy, target: '_blank', rel: 'noopener' }, text('policy')), error, submit);
    return form;
  }

  function build(row) {
    const { m } = row;
    row.by = h('p', { class: 'by' }, m.author === 'visitor' ? text('you') : str(m.name) || str(about.worker.name));
    row.meta = h('p', { class: 'meta' });
    row.choices = choicesOf(m);
    row.form = formOf(m);
    row.node = h('div', null, m.author !== 'system' && row.by, m.text && h('div', { class: 'b' }, rich(str(m.text))),
      sourcesOf(m), cardsOf(m), row.form, row.choices, row.meta);
  }

  function status(row) {
    const { state, m } = row;
    row.meta.replaceChildren();
    if (!state) return row.meta.append(moment(m.at));
    row.meta.append(h('span', { class: state === 'sending' ? null : 'bad' }, text(state === 'bad' ? 'late' : state)));
    if (row.note) row.meta.append(`: ${row.note}`);
    if (state === 'late') row.meta.append(' ', h('button', { type: 'button', onclick: () => { sender.retry(); settle(); } }, text('retry')));
    if (state === 'bad' && !m.contact) {
      row.meta.append(' ', h('button', { type: 'button', onclick: () => { rows.delete(m.id); row.node.remove(); fill(m.text); } }, text('edit')));
    }
  }

  const order = (row) => (row.m.seq === undefined ? Infinity : row.m.seq);
  function draw(mine) {
    const stick = mine || atEnd();
    const shown = log.children.length;
    const sorted = [...rows.values()].sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b)));
    let answered = false;
    let formTaken = false;
    for (let i = sorted.length - 1; i >= 0; i--) {
      const row = sorted[i];
      if (!row.node) build(row);
      if (row.m.author === 'visitor') answered = true;
      if (row.choices) row.choices.hidden = answered;
      // One open form at a time; none for what an earlier page answered.
      if (row.form && (formTaken || (row.old && answered))) {
        row.form.remove();
        row.form = null;
      }
      formTaken = formTaken || !!row.form;
    }
    sorted.forEach((row, i) => {
      const same = (other) => other && other.m.author === row.m.author && other.m.name === row.m.name
        && Math.abs(new Date(other.m.at) - new Date(row.m.at)) < 3e5;
      const first = !same(sorted[i - 1]);
      row.node.className = `m ${['visitor', 'worker', 'person', 'system'].includes(row.m.author) ? row.m.author : 'system'}${first ? ' first' : ''}`;
      row.by.className = first && row.m.author !== 'visitor' ? 'by' : 'sr';
      row.meta.hidden = !row.state && same(sorted[i + 1]);
      if (row.drawn !== row.state + row.note) {
        status(row);
        row.drawn = row.state + row.note;
      }
      if (log.children[i] !== row.node) log.insertBefore(row.node, log.children[i] || null);
    });
    if (sorted.length > shown) {
      if (stick) toEnd();
      else news.hidden = false;
    }
    unread();
  }

  function put(m, state = '', old = false) {
    if (!m || typeof m !== 'object' || !m.id) return null;
    let row = rows.get(m.id);
    if (row) {
      const changed = row.m.text !== m.text && row.node;
      Object.assign(row, { m: { ...row.m, ...m }, state, note: '' });
      if (changed) {
        row.node.remove();
        row.node = row.drawn = null;
      }
    } else {
      row = { m, state, note: '', old };
      rows.set(m.id, row);
    }
    return row;
  }

  function unread() {
    let seen = store.get('seen') || 0;
    const fresh = [...rows.values()].filter((r) => r.m.author !== 'visitor' && r.m.seq > seen);
    if (isOpen && !document.hidden) {
      if (fresh.length) store.set('seen', Math.max(...fresh.map((r) => r.m.seq)));
      fresh.length = 0;
    }
    badge.hidden = !fresh.length;
    badge.textContent = fresh.length > 9 ? '9+' : fresh.length;
    goCount.textContent = fresh.length ? ` ${text('unread', { n: fresh.length })}` : '';
  }

  // Short trouble stays unseen.
  const trying = new Set();
  let troubleTimer;
  function health(part, ok) {
    trying[ok ? 'delete' : 'add'](part);
    if (!trying.size) {
      clearTimeout(troubleTimer);
      troubleTimer = null;
      trouble.hidden = true;
    } else if (!troubleTimer) {
      troubleTimer = setTimeout(() => {
        const phone = str(about.business.phone);
        trouble.replaceChildren(text('down'));
        if (phone) trouble.append(` ${text('call')} `, link(`tel:${phone.replace(/[^\d+]/g, '')}`, phone));
        trouble.hidden = false;
      }, PATIENCE);
    }
  }

  async function call(path, body, auth) {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), CALL_TIMEOUT);
    try {
      const answer = await fetch(`${base}/api/chat/${path}`, {
        method: 'POST', signal: stop.signal, keepalive: true, body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...(auth && { Authorization: `Bearer ${auth}` }) },
      });
      const json = await answer.json().catch(() => null);
      return { status: answer.status, ok: answer.ok && !!json, json: json || {}, wait: waitOf(answer) };
    } catch {
      return { status: 0, ok: false, json: {}, wait: 0 };
    } finally {
      clearTimeout(timer);
    }
  }

  const waitOf = (answer) => Math.min(300, +answer.headers.get('Retry-After') || 0) * 1e3;

  let visiting = null;
  let visited = false;
  let visitFails = 0;
  let visitTimer;
  function visit() {
    visiting = visiting || greet().finally(() => { visiting = null; });
    return visiting;
  }

  async function greet() {
    const r = await call('visit', { visitor: token, page: location.href, title: document.title, referrer: document.referrer, language: lang });
    if ([403, 404, 410].includes(r.status)) {
      // This site has no chat.
      off = true;
      host.setAttribute('data-off', '');
      return false;
    }
    const good = r.ok && !!r.json.visitor;
    health('visit', good);
    host.removeAttribute('data-off');
    if (!good) {
      visitFails++;
      if (isOpen || sender.any() || visitFails < 5) {
        clearTimeout(visitTimer);
        visitTimer = setTimeout(() => visited || visit(), Math.max(r.wait, jitter(visitFails)));
      }
      return false;
    }
    visitFails = 0;
    visited = true;
    const v = r.json;
    if (token !== v.visitor) store.set('visitor', (token = v.visitor));
    Object.assign(about, { worker: v.worker || {}, business: v.business || {}, consent: v.consent || null });
    store.set('business', about.business);
    T = { ...T, ...v.texts };
    const messages = list(v.messages);
    const firstSeen = !last;
    messages.forEach((m) => put(m, '', firstSeen));
    last = Math.max(last, v.last || 0, ...messages.map((m) => m.seq || 0));
    const earlier = messages.filter((m) => m.author === 'person').pop();
    mode = v.mode || 'worker';
    personName = str(v.name || (earlier && earlier.name));
    const hello = v.greeting || {};
    if (hello.text && !rows.has('greeting') && !messages.length) {
      put({ id: 'greeting', seq: 0, author: 'worker', name: about.worker.name, text: hello.text, choices: hello.choices, at: new Date().toISOString() });
    }
    paint();
    draw();
    if (isOpen || last) stream.start();
    sender.flush();
    return true;
  }

  // In order; the id makes a repeat harmless.
  const sender = {
    busy: false, fails: 0, timer: null, notBefore: 0,
    read: () => list(store.get('queue')),
    any: () => sender.read().length > 0,
    drop: (id) => store.set('queue', sender.read().filter((item) => item.id !== id)),
    retry() {
      sender.fails = 0;
      sender.flush();
    },
    mark(state) {
      for (const item of sender.read()) {
        const row = rows.get(item.id);
        if (row) row.state = state;
      }
      draw();
    },
    async flush() {
      if (sender.busy || !sender.any() || Date.now() < sender.notBefore) return;
      sender.busy = true;
      clearTimeout(sender.timer);
      let renewed = false;
      let wait = 0;
      while (sender.any()) {
        const { at, ...item } = sender.read()[0];
        if (!visited) {
          const hopeless = renewed || !(await visit());
          renewed = true;
          if (hopeless) {
            wait = jitter(sender.fails++);
            sender.mark('late');
            break;
          }
        }
        const r = await call('messages', item, token);
        if (r.status === 401) visited = false;
        else if (r.ok) sender.accepted(item.id, r.json.seq);
        else if (r.status >= 400 && r.status < 500 && ![408, 425, 429].includes(r.status)) sender.refused(item.id, r.json);
        else {
          wait = Math.max(r.wait, jitter(sender.fails++));
          if (r.wait) sender.notBefore = Date.now() + r.wait;
          health('send', r.status === 429);
          sender.mark(r.status === 429 ? 'limited' : 'late');
          break;
        }
      }
      sender.busy = false;
      if (wait && !off) sender.timer = setTimeout(sender.flush, wait);
    },
    accepted(id, seq) {
      sender.drop(id);
      sender.fails = 0;
      health('send', true);
      const row = rows.get(id);
      if (row) {
        row.state = row.note = '';
        // `last` stays: lower numbers may still be on their way.
        if (row.m.seq === undefined) row.m.seq = seq;
        if (row.settled) row.settled('');
      }
      draw();
      stream.start();
    },
    refused(id, problem) {
      sender.drop(id);
      health('send', true);
      const row = rows.get(id);
      if (!row) return;
      const why = str(problem.detail || problem.title);
      if (row.settled) {
        row.node.remove();
        rows.delete(id);
        row.settled(why || text('late'));
      }
      Object.assign(row, { state: 'bad', note: why });
      draw();
    },
  };

  // Events come by fetch: EventSource cannot send the Authorization header.
  const stream = {
    stop: null, timer: null, fails: 0,
    start() {
      if (stream.stop || !visited || off) return;
      clearTimeout(stream.timer);
      stream.stop = new AbortController();
      stream.read(stream.stop);
    },
    end() {
      clearTimeout(stream.timer);
      if (stream.stop) stream.stop.abort();
      stream.stop = null;
    },
    async read(stop) {
      let guard;
      const alive = () => {
        clearTimeout(guard);
        guard = setTimeout(() => stop.abort('silent'), SILENCE);
      };
      let wait = 0;
      try {
        alive();
        const r = await fetch(`${base}/api/chat/stream?after=${last}`, {
          signal: stop.signal, cache: 'no-store', headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
        });
        if (r.status === 401 && stop === stream.stop) {
          visited = false;
          await visit();
        }
        wait = waitOf(r);
        if (!r.ok || !r.body) throw new Error(`stream answered ${r.status}`);
        health('stream', true);
        await stream.events(r.body.getReader(), alive);
      } catch {
        // Connects again below.
      }
      clearTimeout(guard);
      if (stream.stop !== stop) return;
      stream.stop = null;
      typing = false;
      paint();
      health('stream', false);
      if (!off) stream.timer = setTimeout(stream.start, Math.max(wait, jitter(stream.fails++)));
    },
    async events(reader, alive) {
      const decoder = new TextDecoder();
      let rest = '';
      let event = { type: 'message', data: '' };
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        alive();
        const lines = (rest + decoder.decode(value, { stream: true })).split('\n');
        rest = lines.pop();
        for (const raw of lines) {
          const line = raw.replace(/\r$/, '');
          const at = line.indexOf(':');
          const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
          const name = at < 0 ? line : line.slice(0, at);
          if (name === 'event') event.type = value;
          else if (name === 'data') event.data += (event.data && '\n') + value;
          else if (!line) {
            if (event.data) stream.take(event);
            event = { type: 'message', data: '' };
          }
        }
      }
    },
    take({ type, data }) {
      let body;
      try {
        body = JSON.parse(data);
      } catch {
        return;
      }
      if (!body || typeof body !== 'object') return;
      // Only an event proves the line.
      stream.fails = 0;
      if (type === 'typing') typing = !!body.on;
      if (type === 'mode') {
        mode = str(body.mode);
        personName = str(body.name);
      }
      if (type === 'message') {
        if (body.seq > last) last = body.seq;
        const isNew = !rows.has(body.id);
        const row = put(body);
        if (body.author === 'visitor') sender.drop(body.id);
        else typing = false;
        if (row && row.settled && body.author === 'visitor') row.settled('');
        draw();
        if (isNew && !isOpen && body.author !== 'visitor') whisper.textContent = `${str(body.name)}: ${str(body.text)}`;
      }
      paint();
    },
  };

  function say(words, choice = null, contact = null) {
    const id = uuid();
    const item = { id, text: words, choice, contact, page: location.href, at: new Date().toISOString() };
    put({ ...item, author: 'visitor' }, 'sending');
    draw(true);
    store.set('queue', [...sender.read(), item]);
    sender.flush();
    return id;
  }

  const size = (value) => [...value].length;
  function sized() {
    const left = LIMIT - size(input.value.trim());
    count.textContent = left < 0 ? text('over', { n: -left }) : left <= 200 ? text('left', { n: left }) : '';
    sendButton.disabled = left < 0 || left === LIMIT;
    if (!CSS.supports('field-sizing', 'content')) {
      setRules({ th: 'auto' });
      setRules({ th: `${Math.min(132, input.scrollHeight + 2)}px` });
    }
  }

  function typed(event) {
    // Enter may only confirm an input-method candidate.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    sendTyped();
  }

  function sendTyped() {
    sized();
    if (sendButton.disabled) return;
    say(input.value.trim());
    input.value = '';
    sized();
    input.focus();
  }

  function fill(words) {
    if (words && (!input.value.trim() || input.value === prefill)) input.value = prefill = words;
    sized();
    input.focus();
  }

  // What was pressed disappears.
  const settle = () => (touch.matches ? log : input).focus();

  function turn(on) {
    isOpen = go.hidden = on;
    panel.hidden = !on;
    go.setAttribute('aria-expanded', on);
  }

  function open(from) {
    if (off) return;
    host.removeAttribute('data-off');
    if (!isOpen) {
      turn(true);
      opener = from || go;
      whisper.textContent = '';
      fit();
      toEnd();
      store.set('open', Date.now());
      unread();
      stream.start();
      if (!visited) visit();
    }
    if (from !== false) (touch.matches ? panel : input).focus();
  }

  function close() {
    if (!isOpen) return;
    turn(false);
    store.set('open', 0);
    unread();
    (opener && opener.isConnected && opener.focus ? opener : go).focus();
  }

  // On a phone the panel fills what the keyboard leaves.
  function fit() {
    panel.setAttribute('aria-modal', String(small.matches));
    const view = window.visualViewport;
    if (view && isOpen && small.matches) {
      const stick = atEnd();
      setRules({ vt: `${view.offsetTop}px`, vh: `${view.height}px` });
      if (stick) toEnd();
    }
  }

  function trap(event) {
    if (event.key === 'Escape' && isOpen) {
      event.stopPropagation();
      close();
    }
    if (event.key !== 'Tab' || !isOpen || !small.matches) return;
    const stops = [...panel.querySelectorAll('button,a[href],input,textarea,[tabindex="0"]')].filter((n) => !n.disabled && n.getClientRects().length);
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (root.activeElement === edge || (event.shiftKey && root.activeElement === panel)) {
      event.preventDefault();
      (event.shiftKey ? stops.at(-1) : stops[0]).focus();
    }
  }

  document.addEventListener('click', (event) => {
    const hook = event.target instanceof Element && event.target.closest('[data-ismart-open]');
    if (!hook || off || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(hook);
    if (hook.dataset.ismartText) fill(hook.dataset.ismartText);
  });

  if (!('iSmart' in window)) {
    window.iSmart = {
      open: () => open(),
      close,
      send(words) {
        const body = str(words).trim();
        if (!body || size(body) > LIMIT || off) return false;
        open();
        say(body);
        return true;
      },
    };
  }

  let hiddenTimer;
  function wake() {
    if (isOpen || last) stream.start();
    sender.flush();
  }
  addEventListener('online', () => {
    sender.fails = stream.fails = 0;
    if (!visited) visit();
    wake();
  });
  // An open stream bars the page from the back/forward cache.
  addEventListener('pagehide', () => stream.end());
  addEventListener('pageshow', (event) => event.persisted && wake());
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiddenTimer);
    // Background tabs would use up the few connections to one host.
    if (document.hidden) hiddenTimer = setTimeout(() => stream.end(), 60e3);
    else {
      unread();
      wake();
    }
  });
  // Another tab may have sent what this one shows as unsent.
  addEventListener('storage', (event) => {
    if (event.key !== `ismart:${base}:queue`) return;
    const waiting = new Set(sender.read().map((item) => item.id));
    for (const row of rows.values()) {
      if (['sending', 'late', 'limited'].includes(row.state) && !waiting.has(row.m.id)) row.state = '';
    }
    draw();
  });
  if (window.visualViewport) ['resize', 'scroll'].forEach((name) => visualViewport.addEventListener(name, fit));
  small.addEventListener('change', fit);

  function colour() {
    if (!option.accent || !CSS.supports('color', option.accent)) return;
    setRules({ a: option.accent });
    const parts = getComputedStyle(go).backgroundColor.match(/^rgb\((\d+), (\d+), (\d+)\)$/);
    if (!parts) return setRules({ a: '#1d5be0' });
    const [R, G, B] = parts.slice(1).map((x) => (x < 11 ? x / 3294.6 : (x / 269.025 + 11 / 211) ** 2.4));
    setRules({ at: 1.05 / (0.2126 * R + 0.7152 * G + 0.0722 * B + 0.05) >= 4.5 ? '#fff' : '#000' });
  }

  function begin() {
    document.body.append(host);
    colour();
    for (const item of sender.read()) put({ ...item, author: 'visitor' }, 'sending');
    paint();
    draw();
    const wasOpen = Date.now() - store.get('open') < OPEN_MEMORY;
    const first = async () => {
      if (!visited) await visit();
      if (wasOpen && !small.matches && !isOpen) open(false);
    };
    const idle = () => (window.requestIdleCallback ? requestIdleCallback(first, { timeout: 3e3 }) : setTimeout(first, 200));
    // A prerendered page has no visitor yet.
    if (document.prerendering) document.addEventListener('prerenderingchange', idle, { once: true });
    else idle();
  }
  if (document.body) begin();
  else document.addEventListener('DOMContentLoaded', begin, { once: true });
})();
