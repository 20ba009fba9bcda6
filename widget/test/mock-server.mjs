// The chat server of the widget's protocol, in memory, with faults on demand.
// It judges requests as the protocol says, so that a test fails when the widget breaks a promise.
import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const WIDGET = new URL('../widget.js', import.meta.url);
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'";
const CONSENT = { label: 'Я согласен на обработку персональных данных', url: '/policy', version: '2026-11-01' };

// Styles that would ruin the widget if they reached it.
const HOSTILE_CSS = `* { letter-spacing: 3px; font-family: cursive; border-radius: 0 }
ismart-widget { display: none; position: static; opacity: 0; transform: scale(2) }
button, p, textarea { background: lime !important; font-size: 40px !important; text-transform: uppercase }`;

const page = (attributes) => `<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>Салон</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" href="/site.css">
<script src="/ismart/widget.js" defer ${attributes}></script></head>
<body><main><h1>Автосалон</h1><a id="hook" href="#contacts" data-ismart-open data-ismart-text="Хочу тест-драйв">Тест-драйв</a>
<button id="own" type="button">Кнопка сайта</button></main></body></html>`;

const CAR = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 200"><rect width="320" height="200" fill="#bcd"/>'
  + '<path d="M40 130l30-45h120l50 40 40 10v25H40z" fill="#345"/><circle cx="95" cy="160" r="20"/><circle cx="230" cy="160" r="20"/></svg>';

class Fault extends Error {
  constructor(status, title, detail, headers = {}) {
    super(detail);
    Object.assign(this, { status, title, headers });
  }
}

/** Starts the server on a free port. Everything it saw and may be told to do hangs on the returned object. */
export async function startMock() {
  const mock = {
    visits: [], attempts: [], streams: [], conversations: new Map(), faults: [], attributes: '',
    texts: {}, closed: false, cors: false, connect: '',
    /** Adds `{path, times, status, headers}` or `{path, times, drop: 'before' | 'after'}`. */
    fault: (fault) => mock.faults.push({ times: 1, ...fault }),
    /** The only conversation, for tests with one visitor. */
    get one() {
      return [...mock.conversations.values()].at(-1);
    },
    accepted: () => [...mock.conversations.values()].flatMap((c) => c.messages.filter((m) => m.author === 'visitor')),
    dropStreams: () => mock.conversations.forEach((c) => c.open.forEach((res) => res.destroy())),
    forget: () => mock.conversations.clear(),
    say: (conversation, message) => add(conversation, { author: 'worker', name: 'Алиса', ...message }),
    emit: (conversation, event, data) => conversation.open.forEach((res) => send(res, `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)),
    mode(conversation, mode, name = null) {
      Object.assign(conversation, { mode, name });
      mock.emit(conversation, 'mode', { mode, name });
    },
    async stop() {
      mock.dropStreams();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };

  /** Sends a frame in two pieces: the reader must not count on packet borders, nor on whole UTF-8 characters. */
  function send(res, frame) {
    const bytes = Buffer.from(frame);
    const half = bytes.length >> 1;
    res.queue = (res.queue || Promise.resolve()).then(async () => {
      res.write(bytes.subarray(0, half));
      await new Promise(setImmediate);
      res.write(bytes.subarray(half));
    });
  }

  function add(conversation, message) {
    const full = {
      seq: ++conversation.seq, id: randomUUID(), name: null, text: '', at: new Date().toISOString(),
      choices: [], sources: [], cards: [], form: null, ...message,
    };
    conversation.messages.push(full);
    const frame = `event: message\nid: ${full.seq}\ndata: ${JSON.stringify(full)}\n\n`;
    for (const res of conversation.open) send(res, frame);
    return full;
  }

  function answer(conversation, { text, choice }) {
    if (choice === 'handover') {
      add(conversation, { author: 'system', text: 'Зовём сотрудника, ответим в течение 5 минут' });
      return mock.mode(conversation, 'waiting');
    }
    if (/контакт/i.test(text)) {
      return mock.say(conversation, { text: 'Оставьте телефон, менеджер перезвонит.', form: { kind: 'contact', fields: ['name', 'phone'], consent: CONSENT } });
    }
    if (/машин/i.test(text)) {
      return mock.say(conversation, {
        text: 'Есть две машины. Подробности: https://example.org/stock, звоните +7 (495) 123-45-67.',
        sources: [{ title: 'Авто в наличии', url: '/stock' }],
        cards: [
          { title: 'Hyundai Sonata 2.0 AT Prestige', text: '2023, 31 000 км, автомат', price: '2 390 000 ₽', image: '/car.svg', url: '/stock/1' },
          { title: 'Kia K5 2.5 AT', text: '2022, 44 000 км, автомат', price: '2 550 000 ₽', image: '/missing.svg', url: '/stock/2' },
        ],
        choices: [{ label: 'Записаться на тест-драйв', choice: 'test-drive' }, { label: 'Рассчитать кредит', choice: 'credit' }],
      });
    }
    return mock.say(conversation, { text: `Вы написали: ${text}` });
  }

  function visit(body) {
    if (mock.closed) throw new Fault(404, 'Not found', 'This site has no chat');
    mock.visits.push(body);
    let token = body.visitor;
    if (!mock.conversations.has(token)) {
      token = randomUUID();
      mock.conversations.set(token, { token, seq: 0, messages: [], open: new Set(), mode: 'worker', name: null });
    }
    const c = mock.conversations.get(token);
    return {
      visitor: token, worker: { name: 'Алиса', title: 'Консультант салона', avatar: null, kind: 'digital worker' },
      business: { name: 'Автосалон', phone: '+7 495 123-45-67' }, mode: c.mode, messages: c.messages, last: c.seq,
      greeting: { text: 'Здравствуйте! Я цифровой работник салона. Чем помочь?', choices: [{ label: 'Машины в наличии', choice: 'stock' }] },
      consent: CONSENT, texts: mock.texts,
    };
  }

  function conversationOf(req) {
    const c = mock.conversations.get((req.headers.authorization || '').replace(/^Bearer /, ''));
    if (!c) throw new Fault(401, 'Unknown visitor', 'The visitor token is not known here');
    return c;
  }

  function message(req, body) {
    const c = conversationOf(req);
    const known = c.messages.find((m) => m.id === body.id);
    if (known) return { seq: known.seq };
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(body.id)) throw new Fault(400, 'Bad id', 'id must be a UUID');
    if (!body.text || [...body.text].length > 2000) throw new Fault(422, 'Bad text', 'Текст должен быть от 1 до 2000 знаков');
    if (/запрещ/i.test(body.text)) throw new Fault(422, 'Refused', 'Это сообщение нельзя отправить');
    if (body.contact) {
      const { phone, consent, consent_version: version } = body.contact;
      if (consent !== true || version !== CONSENT.version) throw new Fault(422, 'No consent', 'Нужно согласие');
      if (/^\D*0/.test(phone)) throw new Fault(422, 'Bad phone', 'Такого номера не бывает');
    }
    const stored = add(c, { id: body.id, author: 'visitor', text: body.text });
    Object.assign(stored, { contact: body.contact, choice: body.choice, page: body.page });
    setImmediate(() => answer(c, body));
    return { seq: stored.seq };
  }

  function stream(req, res, url) {
    const c = conversationOf(req);
    const after = Number(url.searchParams.get('after'));
    mock.streams.push(after);
    res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-store' });
    res.write(`: hello\r\n\r\nevent: mode\r\ndata: ${JSON.stringify({ mode: c.mode, name: c.name })}\r\n\r\n`);
    for (const m of c.messages.filter((x) => x.seq > after)) res.write(`event: message\nid: ${m.seq}\ndata: ${JSON.stringify(m)}\n\n`);
    c.open.add(res);
    res.on('close', () => c.open.delete(res));
  }

  async function read(req) {
    const parts = [];
    for await (const part of req) parts.push(part);
    const text = Buffer.concat(parts).toString();
    if (text.length > 16384) throw new Fault(413, 'Too large', 'Сообщение слишком большое');
    try {
      return JSON.parse(text);
    } catch {
      throw new Fault(400, 'Bad JSON', 'The body is not JSON');
    }
  }

  async function api(req, res, url) {
    const path = url.pathname.replace('/api/chat/', '');
    const body = req.method === 'POST' ? await read(req) : null;
    if (path === 'messages') mock.attempts.push(body);
    const fault = mock.faults.find((f) => f.path === path && f.times > 0);
    if (fault) {
      fault.times--;
      if (fault.status) throw new Fault(fault.status, 'Fault', fault.detail || 'injected', fault.headers);
      if (fault.drop === 'before') return res.destroy();
    }
    if (path === 'stream') return stream(req, res, url);
    const [status, reply] = path === 'visit' ? [200, visit(body)] : [202, message(req, body)];
    if (fault) return res.destroy();
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(reply));
  }

  const server = createServer(async (req, res) => {
    const url = new URL(req.url, 'http://localhost');
    if (mock.cors) {
      const allow = { Origin: '*', Headers: 'authorization, content-type' };
      Object.entries(allow).forEach(([name, value]) => res.setHeader(`Access-Control-Allow-${name}`, value));
      if (req.method === 'OPTIONS') return res.writeHead(204).end();
    }
    try {
      if (url.pathname.startsWith('/api/chat/')) await api(req, res, url);
      else if (url.pathname === '/ismart/widget.js') res.writeHead(200, { 'Content-Type': 'text/javascript; charset=utf-8' }).end(await readFile(WIDGET));
      else if (url.pathname === '/site.css') res.writeHead(200, { 'Content-Type': 'text/css' }).end(HOSTILE_CSS);
      else if (url.pathname === '/car.svg') res.writeHead(200, { 'Content-Type': 'image/svg+xml' }).end(CAR);
      else if (url.pathname === '/missing.svg' || url.pathname === '/favicon.ico') res.writeHead(404).end();
      else res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': `${CSP} ${mock.connect}` }).end(page(mock.attributes));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      res.writeHead(error.status, { 'Content-Type': 'application/problem+json', ...error.headers })
        .end(JSON.stringify({ title: error.title, detail: error.message, code: error.title.toLowerCase().replace(/ /g, '_'), status: error.status }));
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  mock.url = `http://127.0.0.1:${server.address().port}`;
  return mock;
}

// By hand: `node widget/test/mock-server.mjs --serve` prints an address to open in a browser.
if (process.argv.includes('--serve')) console.log((await startMock()).url);
