// The page: opens its session, shows a view, and shows it again when it has changed.

(() => {
  const view = document.getElementById("view");
  const notice = document.getElementById("notice");
  const own = { [document.body.dataset.header]: "1" };
  const PAUSE = 2000; // milliseconds between two looks whether the view has changed
  let etag = "";
  const SAID_LASTS = 10_000; // milliseconds that the page says what an action did
  let busy = false;
  let saidUntil = 0;

  htmx.defineExtension("json", {
    onEvent(name, event) {
      if (name !== "htmx:configRequest") return;
      Object.assign(event.detail.headers, own, { "Content-Type": "application/json" });
    },
    encodeParameters(xhr, parameters) {
      return JSON.stringify(parameters);
    },
  });

  // The address is ours alone for a moment: its code is used up, and gone from the history.
  async function openSession() {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (!code) return;
    history.replaceState(null, "", location.pathname + location.search);
    const headers = { ...own, "Content-Type": "application/json" };
    const body = JSON.stringify({ code });
    const answer = await fetch("/page/session", { method: "POST", headers, body });
    if (!answer.ok) throw new Error((await answer.json()).detail);
  }

  function address() {
    return `/page/${view.dataset.view}${location.search}`;
  }

  async function load() {
    if (busy) return;
    busy = true;
    try {
      const headers = { ...own, ...(etag ? { "If-None-Match": etag } : {}) };
      const answer = await fetch(address(), { headers, cache: "no-store" });
      if (answer.status === 304) return say("");
      const body = await answer.text();
      if (!answer.ok) return refuse(answer.status, JSON.parse(body).detail);
      etag = answer.headers.get("ETag") ?? "";
      show(body);
    } catch {
      say("Companion does not answer; it goes on here once companion serve runs again.");
    } finally {
      busy = false;
    }
  }

  // What somebody types into, and where the keyboard is, stay as they are.
  function show(html) {
    Idiomorph.morph(view, html, { morphStyle: "innerHTML", ignoreActiveValue: true });
    htmx.process(view);
    view.removeAttribute("aria-busy");
    say("");
  }

  function refuse(status, detail) {
    etag = "";
    if (status !== 401) return sayFor(detail);
    const words = document.createElement("p");
    words.textContent = "Open this page with companion open: it lets this browser in.";
    view.replaceChildren(view.querySelector("h1"), words);
    say(detail);
  }

  function say(words) {
    if (!words && Date.now() < saidUntil) return;
    if (notice.textContent !== words) notice.textContent = words;
  }

  function sayFor(words) {
    saidUntil = Date.now() + SAID_LASTS;
    say(words);
  }

  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail;
    let detail = "That did not work; try it again.";
    try {
      detail = JSON.parse(xhr.responseText).detail;
    } catch {
      // not one of our answers
    }
    refuse(xhr.status, detail);
  });
  document.body.addEventListener("htmx:sendError", () => load());
  document.body.addEventListener("htmx:confirm", (event) => {
    const { confirm } = event.detail.elt.dataset;
    if (!confirm) return;
    event.preventDefault();
    if (window.confirm(confirm)) event.detail.issueRequest(true);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) sayFor(JSON.parse(event.detail.xhr.responseText).said);
    etag = "";
    load();
  });
  document.addEventListener("visibilitychange", () => document.hidden || load());

  async function begin() {
    try {
      await openSession();
    } catch (error) {
      return refuse(401, error.message);
    }
    await load();
    setInterval(() => document.hidden || load(), PAUSE);
  }

  if (window.Idiomorph && window.htmx) begin();
})();
