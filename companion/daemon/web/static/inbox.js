// The inbox: decisions on proposals, by mouse and by keyboard; more of them as it is scrolled.

(() => {
  const view = document.getElementById("view");
  if (view.dataset.view !== "inbox") return;
  const { ask, send, sayFor, reload } = window.companion;
  /** @type {{ id: number, box: HTMLElement, before: string | undefined }[][]} */
  const decided = []; // what was decided on here at once, newest last; before: the id of the row that came after it
  const AT_ONCE = 100; // proposals that one request decides on, so that the page can say how far it is
  const TRY_AGAIN = 5000; // milliseconds until those that could not be had are asked for again
  const ACCEPTED_ANEW = ["refused", "rejected"]; // states in which a proposal can be accepted all the same
  let current = null;
  let turn = Promise.resolve(); // the last decision: the next one follows what came of it
  let newest = 0; // the latest proposal when the page was shown

  const rows = () => [...view.querySelectorAll(".proposal")];
  const row = (id) => document.getElementById(`proposal-${id}`);
  const isFlagged = (box) => box.querySelector(":scope > .flag") !== null;
  const idOf = (element) => Number(element.closest(".proposal")?.dataset.id);
  const showUndo = () => view.querySelector("#undo-last")?.toggleAttribute("hidden", !decided.length);
  const chosen = () => [...view.querySelectorAll(".pick:checked")].map(idOf);

  // Where the proposal would go is asked for when somebody comes to it, and shown while it is the current one.
  async function choose(next) {
    if (!next || (next === current && next.querySelector(".place"))) return;
    current?.removeAttribute("aria-current");
    current = next;
    next.setAttribute("aria-current", "true");
    if (!next.contains(document.activeElement)) next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
    const answer = await ask(`/page/proposals/${next.dataset.id}`).catch(() => null);
    if (!answer?.ok) return; // it is asked for again the next time
    const place = document.createElement("div");
    place.className = "place";
    place.innerHTML = await answer.text();
    if (current !== next) return;
    for (const each of view.querySelectorAll(".place")) each.remove();
    for (const each of view.querySelectorAll(".value")) each.hidden = false;
    const value = next.querySelector(".value");
    (next.querySelector("textarea") ?? value).after(place);
    value.hidden = place.querySelector(".diff") !== null;
    next.scrollIntoView({ block: "nearest" }); // it has grown
  }

  function step(by) {
    const all = rows();
    choose(all[Math.min(Math.max(all.indexOf(current) + by, 0), all.length - 1)]);
  }

  function inTurn(act) {
    turn = turn.then(act, act);
  }

  // What somebody typed is accepted in place of what was proposed.
  async function decide(what, ids) {
    if (!ids.length) return sayFor("Choose proposals first: x, or the boxes before them.");
    const all = rows();
    const at = all.indexOf(row(ids.at(-1)));
    const isLeft = (each) => !ids.includes(Number(each.dataset.id));
    const next = all.slice(at + 1).find(isLeft) ?? all.slice(0, at).reverse().find(isLeft);
    const typed = (id) => (what === "accept" ? row(id)?.querySelector("textarea")?.value : undefined);
    const texts = Object.fromEntries(ids.map((id) => [id, typed(id)]));
    const made = await sendInParts(what, ids, texts);
    const known = ids.filter((id) => id in made.states);
    const done = known.filter((id) => row(id) && (made.waiting.includes(id) || !made.why[id]));
    if (done.length) decided.push(done.map((id) => ({ id, box: row(id), before: row(id).nextElementSibling?.id })));
    showUndo();
    for (const id of known) showWhatCame(row(id), made, texts[id]);
    if (!known.length) return;
    const isTyping = document.activeElement.closest("textarea") !== null;
    if (!isTyping && (!current?.isConnected || made.waiting.includes(idOf(current)))) choose(next ?? null);
    if (!rows().length) reload();
  }

  // A proposal that was decided on already is accepted in the state that the page shows.
  function stateOf(id) {
    const state = row(id)?.dataset.state;
    return ACCEPTED_ANEW.includes(state) ? state : "open";
  }

  // Return what became of the proposals, as far as the daemon answered, and say it.
  async function sendInParts(what, ids, texts = {}) {
    const wanted = what === "accept" ? ids.map((id) => ({ id, text: texts[id], state: stateOf(id) })) : ids;
    const all = { states: {}, why: {}, waiting: [] };
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const made = await send("/page/decide", { [what]: wanted.slice(at, at + AT_ONCE) });
      if (!made) return all;
      Object.assign(all.states, made.states);
      Object.assign(all.why, made.why);
      all.waiting.push(...made.waiting);
      const seen = Object.keys(all.states).length;
      const failed = Object.keys(all.why).length;
      if (ids.length <= AT_ONCE) sayFor(made.said);
      else if (seen < ids.length) sayFor(`${seen} of ${ids.length} …`);
      else sayFor(`${seen - failed} decided.${failed ? ` ${failed} were not; those that are left say why.` : ""}`);
    }
    return all;
  }

  // A row goes once it is decided on, by whomever; but never with what somebody has typed in it.
  function showWhatCame(box, { states, waiting, why }, text) {
    if (!box) return;
    const { id } = box.dataset;
    if (waiting.includes(Number(id))) {
      tidy(box, text);
      const words = "Accepted: it is written when you pause in Obsidian, or once the note is closed. Until then you may refuse it.";
      return box.querySelector(".value").before(makeLine("waits", words));
    }
    if (!why[id] || (states[id] !== "open" && !box.querySelector("textarea"))) {
      count(box, -1);
      tidy(box, text);
      return box.remove();
    }
    box.dataset.state = states[id]; // as it is shown now: accepted again, it is accepted in that state
    box.querySelector(".why")?.remove();
    box.querySelector(".actions").before(makeLine("why", `Not done: ${why[id]}.`));
  }

  // Leave nothing in the row of an edit or a decision; text: what the value has become.
  function tidy(box, text) {
    if (box.querySelector("textarea")) stopEditing(box);
    for (const part of box.querySelectorAll(".waits, .why")) part.remove();
    box.querySelector(".pick").checked = false;
    if (text !== undefined) box.querySelector(".value").textContent = text;
  }

  function makeLine(name, words) {
    const line = document.createElement("p");
    line.className = name;
    line.textContent = words;
    return line;
  }

  // The rows come back where they were.
  async function undo() {
    const last = decided.pop();
    if (!last) return sayFor("Nothing was decided here since this page was opened.");
    const { states } = await sendInParts("undo", last.map(({ id }) => id));
    const left = last.filter(({ id }) => !(id in states));
    if (left.length) decided.push(left); // the daemon did not answer, or not to the end
    showUndo();
    const open = last.filter(({ id }) => states[id] === "open");
    if (!rows().length && open.length) await reload(); // they are shown with it
    for (const { id, box, before } of open.reverse()) {
      tidy(row(id) ?? box);
      if (row(id)) continue;
      view.querySelector("#proposals").insertBefore(box, before ? document.getElementById(before) : null);
      count(box, 1);
    }
    if (!document.activeElement.closest("textarea")) choose(row(open.at(-1)?.id));
  }

  // A row has come back or gone: the numbers that the page shows follow.
  function count(box, by) {
    for (const name of ["all", isFlagged(box) ? "flagged" : "plain"]) {
      for (const each of view.querySelectorAll(`[data-count=${name}]`)) {
        each.textContent = (Number(each.textContent.replaceAll(",", "")) + by).toLocaleString("en");
      }
    }
  }

  // A value is edited where it stands; Escape leaves it as it was.
  function edit(element) {
    const box = element.closest(".proposal");
    if (box.querySelector("textarea")) return stopEditing(box);
    const value = box.querySelector(".value");
    const area = document.createElement("textarea");
    area.defaultValue = value.textContent;
    area.rows = Math.min(12, area.value.split("\n").length + 2);
    area.setAttribute("aria-label", `Edit the ${box.dataset.kind}`);
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") stopEditing(box);
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ACTIONS.accept(box);
      event.stopPropagation();
    });
    value.after(area);
    rename(box, "Accept as edited", "Do not edit");
    area.focus();
  }

  function stopEditing(box) {
    for (const part of box.querySelectorAll("textarea, .why")) part.remove();
    rename(box, "Accept", "Edit");
    if (box.isConnected) box.focus();
  }

  function rename(box, accept, edit) {
    for (const [name, words] of Object.entries({ accept, edit })) {
      const button = box.querySelector(`.${name}`);
      button.textContent = words;
      button.setAttribute("aria-label", `${words}, ${box.getAttribute("aria-label")}`);
    }
  }

  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    a: () => inTurn(() => current && decide("accept", [idOf(current)])),
    r: () => inTurn(() => current && decide("refuse", [idOf(current)])),
    A: () => inTurn(() => decide("accept", chosen())),
    R: () => inTurn(() => decide("refuse", chosen())),
    e: () => current && edit(current),
    u: () => inTurn(undo),
    x: () => current && current.querySelector(".pick").click(),
    "?": () => view.querySelector("details")?.toggleAttribute("open"),
  };

  document.addEventListener("keydown", (event) => {
    const typed = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (typed || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  const ACTIONS = {
    accept: (element) => inTurn(() => decide("accept", [idOf(element)])),
    refuse: (element) => inTurn(() => decide("refuse", [idOf(element)])),
    edit,
  };
  const BUTTONS = {
    "accept-chosen": KEYS.A,
    "refuse-chosen": KEYS.R,
    "accept-unflagged": () => inTurn(acceptUnflagged),
    "undo-last": KEYS.u,
  };

  view.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (event.target.matches("a.new")) {
      event.preventDefault(); // what is typed stays
      return reload();
    }
    if (!button) return choose(event.target.closest(".proposal"));
    (BUTTONS[button.id] ?? ACTIONS[button.className])?.(button);
  });

  // By script: the page's policy lets no form be sent.
  view.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = [...new FormData(event.target)].filter(([, value]) => value.trim());
    location.search = new URLSearchParams(given).toString();
  });

  const seen = new IntersectionObserver(
    async (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        seen.unobserve(target);
        if (!(await showMore(target))) setTimeout(() => seen.observe(target), TRY_AGAIN);
      }
    },
    { rootMargin: "1500px" },
  );

  // Put those that follow in the place of what stands for them; return whether they are there.
  async function showMore(target) {
    const answer = await ask(target.dataset.more).catch(() => null);
    if (!answer?.ok) return false;
    const holder = document.createElement("ul");
    holder.innerHTML = await answer.text();
    if (target.isConnected) target.replaceWith(...holder.children); // else somebody else was faster
    watch();
    return true;
  }

  // All of them, however few are shown so far.
  async function acceptUnflagged() {
    for (let more; (more = view.querySelector(".more[data-flagged=false]")); ) {
      if (!(await showMore(more))) return sayFor("Not all of them could be had; nothing is accepted. Try it again.");
    }
    return decide("accept", rows().filter((box) => !isFlagged(box)).map(idOf));
  }

  function watch() {
    for (const more of view.querySelectorAll(".more")) seen.observe(more);
  }

  // New ones are announced, not shoved in under somebody's hands.
  async function look() {
    const answer = await ask("/page/inbox/count");
    if (answer.status === 401) return;
    const now = await answer.json();
    if (!answer.ok) return sayFor(now.detail);
    if (!view.querySelector("#inbox-count")) return reload(); // it could not be shown so far
    if (now.newest <= newest) return;
    if (!rows().length) return reload();
    view.querySelector("a.new").hidden = false;
  }

  window.companion.onShown = () => {
    const isTyped = view.querySelector("textarea") !== null;
    current = isTyped ? view.querySelector(".proposal:has(textarea)") : current?.isConnected ? current : null;
    if (current && !isTyped) choose(current);
    showUndo();
    newest = Number(view.querySelector("#inbox-count")?.dataset.newest ?? 0);
    watch();
  };
  window.companion.look = look;
})();
