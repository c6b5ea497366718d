// The page: opens its session, shows a view, and shows it again when it has changed.

(() => {
  const view = document.getElementById("view");
  const notice = document.getElementById("notice");
  const own = { [document.body.dataset.header]: "1" };
  const PAUSE = 2000; // milliseconds between two looks whether the view has changed
  const SAID_LASTS = 10_000; // milliseconds that the page says what an action did
  let etag = "";
  let loading = null;
  let gone = false;
  let saidUntil = 0;

  // The address is ours alone for a moment: its code is used up, and gone from the history.
  async function openSession() {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (!code) return;
    history.replaceState(null, "", location.pathname + location.search);
    const answer = await ask("/page/session", { code });
    if (!answer.ok) throw new Error((await answer.json()).detail);
  }

  // Ask the daemon; a body makes it a POST. Its answer is shown or read by the caller.
  function ask(path, body) {
    if (body === undefined) return fetch(path, { headers: own, cache: "no-store" });
    const headers = { ...own, "Content-Type": "application/json" };
    return fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  function address() {
    return `/page/${view.dataset.view}${location.search}`;
  }

  // One look at a time; whoever asks meanwhile waits for the one under way.
  function load() {
    loading ??= look().finally(() => (loading = null));
    return loading;
  }

  async function look() {
    try {
      const headers = { ...own, ...(etag ? { "If-None-Match": etag } : {}) };
      const answer = await fetch(address(), { headers, cache: "no-store" });
      gone = false;
      if (answer.status === 304) return say("");
      const body = await answer.text();
      if (!answer.ok) return refuse(answer.status, JSON.parse(body).detail);
      etag = answer.headers.get("ETag") ?? "";
      show(body);
    } catch {
      sayGone();
    }
  }

  function sayGone() {
    gone = true;
    say("Companion does not answer; it goes on here once companion serve runs again.");
  }

  function isBack() {
    if (gone && !loading) load();
  }

  // What somebody types into, and where the keyboard is, stay as they are.
  function show(html) {
    Idiomorph.morph(view, html, { morphStyle: "innerHTML", ignoreActiveValue: true });
    window.companion.onShown();
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

  // A button with data-post does something; what came of it is said, and the view shown anew.
  view.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-post]");
    if (!button || (button.dataset.confirm && !window.confirm(button.dataset.confirm))) return;
    button.disabled = true;
    try {
      const answer = await ask(button.dataset.post, JSON.parse(button.dataset.body ?? "{}"));
      const { said, detail } = await answer.json();
      if (answer.ok) sayFor(said);
      else refuse(answer.status, detail);
    } catch {
      sayFor("Companion does not answer; try it again once companion serve runs.");
    } finally {
      button.disabled = false;
    }
    await reload();
  });
  document.addEventListener("visibilitychange", () => document.hidden || load());

  async function begin() {
    try {
      await openSession();
    } catch (error) {
      return refuse(401, error.message);
    }
    await load();
    const again = window.companion.look ?? load;
    setInterval(() => document.hidden || again().then(isBack, sayGone), PAUSE);
  }

  async function reload() {
    await loading;
    etag = "";
    return load();
  }

  // For the scripts of single views: what they may use, and what they may put in its place.
  window.companion = { ask, sayFor, reload, onShown() {}, look: null };
  if (window.Idiomorph) addEventListener("DOMContentLoaded", begin);
})();
