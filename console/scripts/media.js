// Dropping pictures, and the point that stays visible. Both pages work without this file.
(() => {
  'use strict';

  // ---- dropping
  const form = document.querySelector('[data-upload]');
  if (form) {
    const files = form.querySelector('input[type="file"]');
    const label = form.querySelector(`label[for="${files.id}"]`);
    const title = label.textContent;
    let depth = 0;
    const over = (on) => {
      form.classList.toggle('over', on);
      label.textContent = on ? form.dataset.drop : title;
    };
    form.addEventListener('dragenter', (event) => { event.preventDefault(); depth += 1; over(true); });
    form.addEventListener('dragover', (event) => event.preventDefault());
    form.addEventListener('dragleave', () => { depth -= 1; if (depth === 0) over(false); });
    form.addEventListener('drop', (event) => {
      event.preventDefault();
      depth = 0;
      over(false);
      if (!event.dataTransfer?.files.length) return;
      files.files = event.dataTransfer.files;
      form.requestSubmit();
    });
    form.addEventListener('submit', () => {
      const button = form.querySelector('button');
      button.textContent = form.dataset.sending;
      button.disabled = true;
    });
  }

  // ---- the point that stays visible
  const inside = (value) => Math.max(0, Math.min(1000, Math.round(value)));
  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  /** Lets the point of a picture be set by pointer and arrow keys; frames of other ratios show what stays visible. */
  window.isFocal = (box) => {
    if (!box) return;
    const point = box.querySelector('.point');
    const picture = box.querySelector('img');
    const [x, y] = ['x', 'y'].map((id) => document.getElementById(`${box.dataset.focal}${id}`));
    const show = () => {
      const at = [inside(+x.value) / 10, inside(+y.value) / 10];
      sheet.replaceSync(`.focal .point { left: ${at[0]}%; top: ${at[1]}%; } .crops img { object-position: ${at[0]}% ${at[1]}%; }`);
    };
    const put = (left, top) => {
      x.value = inside(left);
      y.value = inside(top);
      show();
    };
    point.hidden = false;
    picture.addEventListener('click', (event) => {
      const area = picture.getBoundingClientRect();
      put(((event.clientX - area.left) / area.width) * 1000, ((event.clientY - area.top) / area.height) * 1000);
      point.focus();
    });
    point.addEventListener('keydown', (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      const far = event.shiftKey ? 100 : 10;
      put(+x.value + step[0] * far, +y.value + step[1] * far);
    });
    for (const field of [x, y]) field.addEventListener('input', show);
    show();
  };
  window.isFocal(document.querySelector('[data-focal]'));
})();
