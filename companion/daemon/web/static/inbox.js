// The inbox: decisions on proposals, by mouse and by keyboard; more of them as it is scrolled.

(() => {
  const view = document.getElementById("view");
  if (view.dataset.view !== "inbox") return;
  const { ask, send, sayFor, reload } = window.companion;
  /** @type {number[][]} */
  const decided = []; // what was decided on here at once, newest last
  const AT_ONCE = 100; // proposals that one request decides on, so that the page can say how far it is
  const TRY_AGAIN = 5000; // milliseconds until those that could not be had are asked for again
  const ACCEPTED_ANEW = ["refused", "rejected"]; // states in which a proposal can be accepted all the same
  let current = null;
  let turn = Promise.resolve(); // the last decision: the next one follows what came of it
  let newest = 0; // the latest proposal when the page was shown

  const rows = () => [...view.querySelectorAll(".proposal")];
  const row = (id) => document.getElementById(`proposal-${id}`);
  const idOf = (element) => Number(element.closest(".proposal")?.dataset.id);

  // Where the proposal would go is asked for when somebody comes to it.
  async function choose(next) {
    if (!next) return;
    current?.removeAttribute("aria-current");
    current = next;
    current.setAttribute("aria-current", "true");
    if (!current.contains(document.activeElement)) current.focus({ preventScroll: true });
    current.scrollIntoView({ block: "nearest" });
    if (current.querySelector(".place")) return;
    const place = document.createElement("div");
    place.className = "place";
    const shown = current;
    shown.querySelector(".value").after(place);
    const answer = await ask(`/page/proposals/${shown.dataset.id}`).catch(() => null);
    if (!answer?.ok) return place.remove(); // it is asked for again the next time
    place.innerHTML = await answer.text();
    if (place.querySelector(".diff")) shown.querySelector(".value").hidden = true;
  }

  function step(by) {
    const all = rows();
    const at = all.indexOf(current);
    choose(all[Math.min(Math.max(at + by, 0), all.length - 1)]);
  }

  function inTurn(act) {
    turn = turn.then(act, act);
  }

  async function decide(what, ids, texts = {}) {
    if (!ids.length) return sayFor("Choose proposals first: x, or the boxes before them.");
    const all = rows();
    const at = all.indexOf(row(ids.at(-1)));
    const isLeft = (each) => !ids.includes(Number(each.dataset.id));
    const next = all.slice(at + 1).find(isLeft) ?? all.slice(0, at).reverse().find(isLeft);
    const made = await sendInParts(what, ids, texts);
    const known = ids.filter((id) => id in made.states);
    const done = known.filter((id) => made.waiting.includes(id) || !made.why[id]);
    if (done.length) decided.push(done);
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
    if (waiting.includes(Number(id))) return tellThatItWaits(box, text);
    if (!why[id] || (states[id] !== "open" && !box.querySelector("textarea"))) return box.remove();
    box.dataset.state = states[id]; // as it is shown now: accepted again, it is accepted in that state
    box.querySelector(".why")?.remove();
    const line = document.createElement("p");
    line.className = "why";
    line.textContent = `Not done: ${why[id]}.`;
    box.querySelector(".actions").before(line);
  }

  // Its note is open in Obsidian, where it is written later.
  function tellThatItWaits(box, text) {
    for (const part of box.querySelectorAll("textarea, .keep, .waits, .why")) part.remove();
    if (text !== undefined) box.querySelector(".value").textContent = text;
    const line = document.createElement("p");
    line.className = "waits";
    line.textContent =
      "Accepted: it is written when you pause in Obsidian, or once the note is closed. Until then you may refuse it.";
    box.querySelector(".value").before(line);
  }

  async function undo() {
    const ids = decided.pop();
    if (!ids) return sayFor("Nothing was decided here since this page was opened.");
    const { states } = await sendInParts("undo", ids);
    const left = ids.filter((id) => !(id in states));
    if (left.length) decided.push(left); // the daemon did not answer, or not to the end
    if (left.length < ids.length) await reload();
  }

  // A value is edited where it stands; Escape leaves it as it was.
  function edit(element) {
    const box = element.closest(".proposal");
    if (box.querySelector("textarea")) return;
    const value = box.querySelector(".value");
    const area = document.createElement("textarea");
    area.defaultValue = value.textContent;
    area.rows = Math.min(12, area.value.split("\n").length + 2);
    area.setAttribute("aria-label", `Edit the ${box.dataset.kind}`);
    area.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save();
      event.stopPropagation();
    });
    const keep = document.createElement("button");
    keep.className = "keep";
    keep.textContent = "Accept as edited";
    keep.addEventListener("click", save);
    const actions = box.querySelector(".actions");
    value.after(area);
    actions.prepend(keep);
    area.focus();

    function close() {
      for (const part of [area, keep, box.querySelector(".why")]) part?.remove();
      box.focus();
    }

    function save() {
      inTurn(() => decide("accept", [Number(box.dataset.id)], { [box.dataset.id]: area.value }));
    }
  }

  function chosen() {
    return [...view.querySelectorAll(".pick:checked")].map(idOf);
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
    "?": () => {
      const keys = view.querySelector("details");
      keys.open = !keys.open;
    },
  };

  document.addEventListener("keydown", (event) => {
    const typed = event.target.closest("input:not([type=checkbox]), textarea, select");
    if (typed || event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  const ACTIONS = {
    accept: (button) => inTurn(() => decide("accept", [idOf(button)])),
    refuse: (button) => inTurn(() => decide("refuse", [idOf(button)])),
    edit: (button) => edit(button),
  };

  view.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return choose(event.target.closest(".proposal"));
    if (button.id === "accept-chosen") return KEYS.A();
    if (button.id === "refuse-chosen") return KEYS.R();
    if (button.id === "undo-last") return KEYS.u();
    if (button.id === "accept-unflagged") {
      return inTurn(() => decide("accept", rows().filter((each) => !each.querySelector(".flag")).map(idOf)));
    }
    ACTIONS[button.className]?.(button);
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
        const answer = await ask(target.dataset.more).catch(() => null);
        if (!answer?.ok) {
          setTimeout(() => seen.observe(target), TRY_AGAIN);
          continue;
        }
        const holder = document.createElement("ul");
        holder.innerHTML = await answer.text();
        target.replaceWith(...holder.children);
        watch();
      }
    },
    { rootMargin: "1500px" },
  );

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
    if (now.newest > newest) {
      const line = view.querySelector("#inbox-count");
      if (!rows().length) return reload();
      if (!line.querySelector("a.new")) {
        const link = document.createElement("a");
        link.className = "new";
        link.href = location.href;
        link.textContent = "There are new ones: show them";
        link.addEventListener("click", (event) => {
          event.preventDefault(); // what is typed stays
          reload();
        });
        line.append(" ", link);
      }
    }
  }

  window.companion.onShown = () => {
    current = view.querySelector(".proposal:has(textarea)");
    newest = Number(view.querySelector("#inbox-count")?.dataset.newest ?? 0);
    watch();
  };
  window.companion.look = look;
})();
