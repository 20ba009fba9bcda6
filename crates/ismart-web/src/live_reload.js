// Shows the page again when its site was loaded again; a server that restarts is waited for.
(() => {
  let lost = false;
  const events = new EventSource("/ismart/live-reload");
  events.addEventListener("loaded", () => location.reload());
  events.onerror = () => { lost = true; };
  events.onopen = () => { if (lost) location.reload(); };
})();
