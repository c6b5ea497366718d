// The page: opens its session, shows a view, and shows it again when it has changed.

(() => {
  const view = document.getElementById("view");
  const notice = document.getElementById("notice");
  const SESSION = "companion-session"; // in the storage of this tab, and the channel of all
  const sessions = new BroadcastChannel(SESSION);
  const PAUSE = 2000; // milliseconds between two looks whether the view has changed
  const LONG_PAUSE = 10_000; // the same once nothing has changed for a while, and nobody was here
  const QUIET = 60_000; // milliseconds that this takes
  const SAID_LASTS = 10_000; // milliseconds that the page says what an action did
  let etag = "";
  let loading = null;
  let gone = false; // the daemon does not answer
  let isOut = false; // the session has ended; once `companion open` makes another, the page goes on
  let ends = 0; // how many sessions have ended here
  let saidUntil = 0;
  let livelyAt = performance.now(); // when something has changed, or somebody was here

  // Trade the code of the address for a session. The code is good once, and leaves the history.
  async function openSession() {
    const code = new URLSearchParams(location.hash.slice(1)).get("code");
    if (!code) return;
    history.replaceState(null, "", location.pathname + location.search);
    const answer = await ask("/api/v1/session", { code });
    const made = await answer.json();
    if (!answer.ok) throw new Error(made.detail);
    sessionStorage.setItem(SESSION, made.token);
    sessions.postMessage(made.token);
  }

  // A tab whose session has ended goes on with the one that another tab opened.
  sessions.addEventListener("message", ({ data }) => {
    if (!isOut) return;
    sessionStorage.setItem(SESSION, data);
    lookAgain();
  });

  // No cookie: a browser sends those of 127.0.0.1 to every port.
  function own() {
    const session = sessionStorage.getItem(SESSION);
    return session ? { Authorization: `Bearer ${session}` } : {};
  }

  // Ask the daemon; a body makes it a POST. Its answer is shown or read by the caller.
  async function ask(path, body) {
    const headers = body === undefined ? own() : { ...own(), "Content-Type": "application/json" };
    const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(path, { ...sent, headers, cache: "no-store" });
    if (answer.status === 401) leave((await answer.clone().json()).detail);
    else if (answer.ok && isOut) load();
    return answer;
  }

  // Have the daemon do something; return what it answers, or null once the page says why it did not.
  async function send(path, body) {
    try {
      const answer = await ask(path, body);
      const made = await answer.json();
      if (answer.ok) return made;
      if (!isOut) sayFor(made.detail);
    } catch {
      sayFor("Companion does not answer; try it again once companion serve runs.");
    }
    return null;
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
    const endsBefore = ends;
    try {
      const headers = { ...own(), ...(etag ? { "If-None-Match": etag } : {}) };
      const answer = await fetch(address(), { headers, cache: "no-store" });
      const body = await answer.text();
      gone = false;
      if (answer.status === 401) return leave(JSON.parse(body).detail);
      if (ends !== endsBefore) return; // it is of a session that has ended since
      if (answer.status === 304) return say("");
      if (!answer.ok) return sayFor(JSON.parse(body).detail);
      isOut = false;
      etag = answer.headers.get("ETag") ?? "";
      show(body);
    } catch {
      sayGone();
    }
  }

  function sayGone() {
    gone = true;
    saidUntil = 0;
    say("Companion does not answer; it goes on here once companion serve runs again.");
  }

  // The daemon has answered a look.
  function isBack() {
    if (gone && !loading) load();
    else if (!isOut) say("");
  }

  // What somebody types into, and where the keyboard is, stay as they are.
  function show(html) {
    livelyAt = performance.now();
    const callbacks = {
      beforeNodeRemoved: (node) => !isTyped(node),
      beforeNodeMorphed: (node) => !isTyped(node) || !node.matches(".proposal"),
    };
    Idiomorph.morph(view, html, { morphStyle: "innerHTML", ignoreActiveValue: true, callbacks });
    window.companion.onShown();
    say("");
  }

  // Only scripts make a textarea, for what somebody edits.
  function isTyped(node) {
    return node instanceof Element && (node.matches("textarea") || node.querySelector("textarea") !== null);
  }

  // The browser asks before it goes to another page, and what was typed is lost.
  addEventListener("beforeunload", (event) => {
    const areas = [...view.querySelectorAll("textarea")];
    if (areas.some((each) => each.value !== each.defaultValue)) event.preventDefault();
  });

  // The session has ended. What was shown goes with it, except what somebody types, until that is left.
  function leave(detail) {
    if (!isOut) ends += 1;
    else if (isTyped(view) || view.querySelector(".out")) return;
    isOut = true;
    etag = "";
    saidUntil = 0;
    if (isTyped(view)) {
      return say("This page's session has ended. Run companion open: it lets this browser in again, and what you typed here stays.");
    }
    const words = document.createElement("p");
    words.className = "out";
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

  // A button with data-post does something; what came of it is said, and the view shown again.
  view.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-post]");
    if (!button || (button.dataset.confirm && !window.confirm(button.dataset.confirm))) return;
    button.disabled = true;
    const made = await send(button.dataset.post, JSON.parse(button.dataset.body ?? "{}"));
    button.disabled = false;
    if (made) sayFor(made.said);
    await reload();
  });
  document.addEventListener("visibilitychange", lookAgain);
  for (const sign of ["keydown", "pointerdown", "pointermove", "focus"]) addEventListener(sign, noticeUser);

  // A tab that is hidden asks for nothing.
  async function lookAgain() {
    if (!document.hidden) await (window.companion.look ?? load)().then(isBack, sayGone);
  }

  function isQuiet() {
    return performance.now() - livelyAt > QUIET;
  }

  function noticeUser() {
    const wasQuiet = isQuiet();
    livelyAt = performance.now();
    if (wasQuiet) lookAgain();
  }

  async function follow() {
    await lookAgain();
    setTimeout(follow, isQuiet() && !gone ? LONG_PAUSE : PAUSE);
  }

  async function begin() {
    await openSession().catch((error) => leave(error.message));
    await load();
    setTimeout(follow, PAUSE);
  }

  async function reload() {
    await loading;
    etag = "";
    return load();
  }

  // For the scripts of single views: what they may use, and what they may put in its place.
  window.companion = { ask, send, sayFor, reload, onShown() {}, look: null };
  if (window.Idiomorph) addEventListener("DOMContentLoaded", begin);
})();
