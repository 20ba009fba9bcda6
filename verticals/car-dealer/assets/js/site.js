// The site works without this file; it adds the menu, filters, calculator and inline form answers.
(() => {
    'use strict';
    const $ = (selector, root = document) => root.querySelector(selector);
    const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
    const number = (value) => Math.round(value).toLocaleString('ru-RU');
    const rubles = (value) => `${number(value)}\u00a0₽`;

    // Menu
    const burger = $('[data-burger]');
    if (burger) {
        const header = $('[data-header]');
        const toggle = (open) => {
            burger.setAttribute('aria-expanded', String(open));
            header.classList.toggle('is-open', open);
        };
        burger.addEventListener('click', () => toggle(burger.getAttribute('aria-expanded') !== 'true'));
        document.addEventListener('keydown', (event) => {
            if (event.key === 'Escape' && header.classList.contains('is-open')) {
                toggle(false);
                burger.focus();
            }
        });
    }

    $$('[data-print]').forEach((button) => {
        button.hidden = false;
        button.addEventListener('click', () => window.print());
    });

    // Credit: annuity; rates and limits are read from the page
    const source = $('[data-credit-programs]');
    const programs = source ? JSON.parse(source.textContent) : [];
    const annuity = (sum, ratePercent, months) => {
        const rate = ratePercent / 1200;
        return rate === 0 ? sum / months : (sum * rate) / (1 - (1 + rate) ** -months);
    };
    const fits = (program, condition, brand) =>
        (!condition || program.condition === condition) && (!brand || program.brands.length === 0 || program.brands.includes(brand));

    // The lowest regular payment a card may promise: longest term at the least down payment
    const lowest = (price, condition, brand) =>
        programs
            .filter((program) => program.rate_percent > 0 && fits(program, condition, brand))
            .map((program) => ({ program, sum: price * (1 - program.min_down_payment_percent / 100) }))
            .filter(({ program, sum }) => sum >= program.min_amount && sum <= program.max_amount)
            .map(({ program, sum }) => annuity(sum, program.rate_percent, program.max_months))
            .sort((a, b) => a - b)[0];
    const promise = (root) => $$('[data-credit-from]', root).forEach((node) => {
        const { price, state, brand } = node.dataset;
        const payment = lowest(Number(price), state, brand);
        if (payment) node.textContent = `${source.dataset.from} ${number(payment)}\u00a0${source.dataset.month}`;
    });
    promise(document);

    $$('[data-calc]').forEach((calc) => {
        const field = (name) => $(`[data-calc-${name}]`, calc);
        const select = field('program');
        const { condition, brand } = calc.dataset;
        $$('option', select).forEach((option) => {
            const program = programs.find(({ id }) => id === option.value);
            if (!program || !fits(program, condition, brand)) option.remove();
        });
        if (!select.options.length) return;
        if ([...select.options].some((option) => option.value === 'brand')) select.value = 'brand';
        calc.hidden = false;
        const show = () => {
            const program = programs.find(({ id }) => id === select.value);
            const down = field('down');
            const months = field('months');
            down.min = program.min_down_payment_percent;
            months.min = program.min_months;
            months.max = program.max_months;
            const price = Number(field('price').value);
            const part = Number(down.value);
            const term = Number(months.value);
            const sum = price * (1 - part / 100);
            const payment = annuity(sum, program.rate_percent, term);
            field('price-out').textContent = rubles(price);
            field('down-out').textContent = `${part}\u00a0% · ${rubles(price - sum)}`;
            field('months-out').textContent = `${term}`;
            field('rate').textContent = `${program.rate_percent.toLocaleString('ru-RU')}\u00a0%`;
            field('sum').textContent = rubles(sum);
            field('over').textContent = rubles(payment * term - sum);
            const outside = sum < program.min_amount || sum > program.max_amount;
            field('payment').textContent = outside
                ? `${source.dataset.range}: ${rubles(program.min_amount)} – ${rubles(program.max_amount)}`
                : rubles(payment);
            field('payment').classList.toggle('is-note', outside);
        };
        calc.addEventListener('input', show);
        show();
    });

    // Filters: the server narrows the list down; a change asks it at once and swaps the answer in
    const stock = $('[data-stock]');
    if (stock) {
        const filter = $('[data-filter]', stock);
        const box = $('[data-filter-box]', filter);
        if (matchMedia('(min-width: 860px)').matches) box.open = true;
        let latest = 0;
        let waiting = 0;
        const ask = async (address) => {
            latest += 1;
            const mine = latest;
            const result = $('[data-stock-result]', stock);
            result.setAttribute('aria-busy', 'true');
            try {
                const page = new DOMParser().parseFromString(await (await fetch(address)).text(), 'text/html');
                const fresh = $('[data-stock-result]', page);
                if (mine !== latest) return;
                if (!fresh) throw new Error('no list');
                result.replaceWith(fresh);
                history.replaceState(null, '', address);
                promise(fresh);
            } catch {
                location.assign(address);
            }
        };
        const wanted = () => {
            const pairs = [...new FormData(filter)].filter(([, value]) => value !== '');
            const query = new URLSearchParams(pairs).toString();
            return location.pathname + (query && `?${query}`);
        };
        filter.addEventListener('input', (event) => {
            clearTimeout(waiting);
            waiting = setTimeout(() => ask(wanted()), event.target.matches('select') ? 0 : 300);
        });
        filter.addEventListener('submit', (event) => {
            event.preventDefault();
            clearTimeout(waiting);
            ask(wanted());
        });
    }

    // The counter is loaded only after a yes
    const counter = $('[data-counter]');
    if (counter) {
        const key = 'counter-consent';
        const load = () => {
            const id = Number(counter.dataset.counter);
            window.ym = window.ym || function ym(...rest) { (window.ym.a = window.ym.a || []).push(rest); };
            window.ym.l = Date.now();
            const script = document.createElement('script');
            script.async = true;
            script.src = 'https://mc.yandex.ru/metrika/tag.js';
            document.head.append(script);
            window.ym(id, 'init', { clickmap: false, trackLinks: true, accurateTrackBounce: true });
        };
        let said = null;
        try { said = localStorage.getItem(key); } catch { said = 'no'; }
        const answer = (value) => {
            try { localStorage.setItem(key, value); } catch { /* private windows keep nothing */ }
            counter.hidden = true;
            if (value === 'yes') load();
        };
        if (said === 'yes') load();
        counter.hidden = said !== null;
        $('[data-counter-yes]', counter).addEventListener('click', () => answer('yes'));
        $('[data-counter-no]', counter).addEventListener('click', () => answer('no'));
    }

    // Forms
    const query = new URLSearchParams(location.search);
    const randomKey = () => (crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(''));
    const isoDay = (shift) => {
        const day = new Date();
        day.setDate(day.getDate() + shift);
        return new Date(day - day.getTimezoneOffset() * 60000).toISOString().slice(0, 10);
    };
    $$('[data-form]').forEach((form) => {
        const text = form.dataset;
        const input = (name) => form.elements.namedItem(name);
        const alertBox = $('[data-alert]', form);
        const button = $('[type=submit]', form);
        const label = button.textContent;
        input('idempotency_key').value = randomKey();
        $$('[data-days-ahead]', form).forEach((day) => {
            day.min = isoDay(0);
            day.max = isoDay(Number(day.dataset.daysAhead));
        });
        if (!input('car').value && query.get('car')) {
            input('car').value = query.get('car');
            const note = $('[data-car-note]', form.parentElement);
            if (note && query.get('title')) {
                note.textContent = query.get('title');
                note.hidden = false;
            }
        }

        const setError = (name, message) => {
            const place = $(`[data-error="${CSS.escape(name)}"]`, form);
            const control = input(name);
            if (place) place.textContent = message;
            if (control && control.setAttribute) {
                if (message) control.setAttribute('aria-invalid', 'true');
                else control.removeAttribute('aria-invalid');
            }
        };
        const showErrors = (errors, common) => {
            $$('[data-error]', form).forEach((place) => setError(place.dataset.error, errors[place.dataset.error] || ''));
            alertBox.textContent = common;
            alertBox.hidden = !common;
            const first = $('[aria-invalid=true]', form);
            if (first) first.focus();
        };
        const check = () => {
            const errors = {};
            if (input('name').value.trim().length < 2) errors.name = text.errName;
            const digits = input('phone').value.replace(/\D/g, '');
            if (digits.length < 10 || digits.length > 15) errors.phone = text.errPhone;
            const email = input('email');
            if (email && email.value && !/^[^\s@]+@[^\s@]+\.[^\s@]{2,}$/.test(email.value)) errors.email = text.errEmail;
            $$('[required]', form).forEach((control) => {
                if (control.type !== 'checkbox' && !control.value.trim() && !errors[control.name]) errors[control.name] = text.errRequired;
            });
            if (!input('policy').checked) errors.policy = text.errPolicy;
            return errors;
        };
        form.addEventListener('input', (event) => {
            if (event.target.name) setError(event.target.name, '');
        });
        form.addEventListener('submit', async (event) => {
            event.preventDefault();
            const errors = check();
            if (Object.keys(errors).length) {
                showErrors(errors, text.errCheck);
                return;
            }
            showErrors({}, '');
            button.disabled = true;
            button.textContent = text.sending;
            try {
                const response = await fetch(form.action, {
                    method: 'POST',
                    headers: { Accept: 'application/json' },
                    body: new URLSearchParams(new FormData(form)),
                });
                const answer = await response.json();
                if (!answer.success) {
                    showErrors(answer.errors || {}, answer.message || text.errNetwork);
                    return;
                }
                const done = document.createElement('div');
                const title = document.createElement('h3');
                const body = document.createElement('p');
                done.className = 'form form__done';
                done.tabIndex = -1;
                done.setAttribute('role', 'status');
                title.textContent = text.sentTitle;
                body.textContent = text.sentText;
                done.append(title, body);
                const id = answer.number || answer.lead_id || answer.request_id;
                if (id) {
                    const line = document.createElement('p');
                    line.textContent = `${text.sentNumber}: ${id}`;
                    done.append(line);
                }
                form.replaceWith(done);
                done.scrollIntoView({ block: 'center' });
                done.focus({ preventScroll: true });
            } catch {
                showErrors({}, text.errNetwork);
            } finally {
                button.disabled = false;
                button.textContent = label;
            }
        });
    });
})();
