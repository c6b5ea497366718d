/** Spending: today against the limit, the last thirty days, and by model. */

import { useSignal } from "@preact/signals";
import { html, useAnswer } from "../dom.js";
import { formatMoment, formatNumber, say, showHidden } from "../words.js";

/** @import { Signal } from "@preact/signals" */
/** @import { Spending as SpendingShape, Spent, SpentOnDay, Status } from "../../src/api-types.d.ts" */
/** @import { App } from "../app.js" */

/** @typedef {{ value: (spent: Spent) => number, format: (value: number) => string, limit: number | null }} Unit what bars show: dollars, or tokens where nothing costs money */

const ROUND = 100; // per cent

/** @param {{ app: App }} props */
export function Spending({ app }) {
  const status = app.status.status.value;
  const { input_tokens: read = 0, output_tokens: written = 0 } = status?.today ?? {};
  const spending = /** @type {Signal<SpendingShape | null>} */ (useAnswer(app.api, "/spending", [read + written]));
  if (!spending.value || !status) return html`<div class="cc-empty"><p>${say("oneMoment")}</p></div>`;
  const { days, month } = spending.value;
  const unit = findUnit(spending.value);
  const today = days.at(-1);
  const now = today ? unit.value(today) : 0;
  return html`<div class="cc-column">
    <div class="cc-head"><div><h1>${headline(spending.value, unit, now)}</h1><p>${say(unit.limit === null ? "noLimit" : "atLimit")}</p></div></div>
    <section class="cc-card cc-today" aria-label=${say("today")}>
      ${unit.limit !== null && html`<${Ring} share=${unit.limit ? now / unit.limit : 1} />`}
      <${Facts} app=${app} status=${status} month=${month} isFree=${spending.value.is_free} /></section>
    <${Days} days=${days} unit=${unit} />
    <${Models} days=${days} /></div>`;
}

/** @type {(spending: SpendingShape, unit: Unit, now: number) => string} */
function headline({ month, is_free: isFree }, unit, now) {
  if (unit.limit !== null) return say("ofLimitToday", { spent: unit.format(now), limit: unit.format(unit.limit) });
  if (isFree && !month.dollars) return say("freeHere");
  return say("spentMonth", { spent: formatDollars(month.dollars) });
}

/** @type {(spending: SpendingShape) => Unit} */
function findUnit({ days, dollars_a_day: dollars, tokens_a_day: tokens }) {
  const isPaid = dollars !== null || (tokens === null && days.some((day) => day.dollars));
  if (isPaid) return { value: (spent) => spent.dollars ?? 0, format: formatDollars, limit: dollars };
  return { value: tokensOf, format: (value) => say("tokensCount", { n: Math.round(value) }), limit: tokens };
}

/** @param {Spent} spent */
function tokensOf({ input_tokens: read, output_tokens: written }) {
  return read + written;
}

/** @param {number | null} dollars */
function formatDollars(dollars) {
  if (dollars === null) return say("unknownPrice");
  return formatNumber(dollars, { style: "currency", currency: "USD", maximumFractionDigits: dollars && dollars < 0.01 ? 4 : 2 });
}

/** @param {{ share: number }} props */
function Ring({ share }) {
  const percent = Math.round(share * ROUND);
  return html`<div class=${`cc-ring${share >= 1 ? " is-over" : ""}`}><svg viewBox="0 0 132 132" role="img" aria-label=${say("ofToday2", { n: percent })}><circle cx="66" cy="66" r="58" /><circle cx="66" cy="66" r="58" pathLength="100" stroke-dasharray=${`${Math.min(percent, ROUND)} 100`} /></svg><p><strong>${formatNumber(share, { style: "percent" })}</strong>${say("ofTodayShort")}</p></div>`;
}

/** @param {{ app: App, status: Status, month: Spent, isFree: boolean }} props */
function Facts({ app, status, month, isFree }) {
  const rest = useSignal("");
  const { today, background } = status;
  const estimate = async () => {
    rest.value = say("oneMoment");
    rest.value = await app.api.post("/estimate").then((/** @type {{ words: string }} */ { words }) => words, (/** @type {Error} */ { message }) => message);
  };
  const fact = (/** @type {string} */ name, /** @type {unknown} */ value, /** @type {unknown} */ more) => html`<div><dt>${name}</dt><dd>${value}<small>${more}</small></dd></div>`;
  return html`<dl class="cc-facts">
    ${fact(say("notesFilled"), formatNumber(today.notes), say("inBackgroundToday", { n: background.notes_today, of: background.notes_a_day }))}
    ${fact(say("readWritten"), formatNumber(today.input_tokens + today.output_tokens), say("tokensWritten", { n: today.output_tokens }))}
    ${fact(say("thisMonth"), isFree && !month.dollars ? say("free") : formatDollars(month.dollars), say("tokensCount", { n: tokensOf(month) }))}
    <div class=${rest.value && "cc-facts__wide"}><dt>${say("restOfVault")}</dt><dd>${say("notesCount", { n: status.to_do })}<small>${rest.value ? showHidden(rest.value) : status.to_do > 0 && html`<button class="cc-link" onClick=${() => void estimate()}>${say("whatCost")}</button>`}</small></dd></div></dl>`;
}

/** @param {{ days: SpentOnDay[], unit: Unit }} props */
function Days({ days, unit }) {
  const values = days.map(unit.value);
  const all = values.reduce((sum, each) => sum + each, 0);
  const top = niceTop(Math.max(...values, unit.limit ?? 0));
  const label = (/** @type {string} */ day) => formatMoment(`${day}T12:00:00`, { day: "numeric", month: "short" });
  return html`<section class="cc-section" aria-labelledby="days"><div class="cc-head"><h2 id="days">${say("lastDays", { n: days.length })}</h2><span class="cc-soft cc-small">${say("inAll", { sum: unit.format(all), mean: unit.format(all / days.length) })}</span></div>
    <div class="cc-card cc-chart"><div class="cc-plot">
      ${[0, 0.5, 1].map((part) => html`<div key=${part} class="cc-grid" style=${{ "--v": part }}><span>${axis(unit, top * part)}</span></div>`)}
      ${unit.limit !== null && html`<div class="cc-grid cc-grid--limit" style=${{ "--v": top ? unit.limit / top : 1 }}><em>${say("dailyLimit")}</em></div>`}
      <ul class="cc-bars" aria-label=${say("aDay")}>${days.map((day, index) => {
        const value = unit.value(day);
        const isToday = index === days.length - 1;
        const isAt = unit.limit !== null && value >= unit.limit;
        const name = isToday ? say("today") : label(day.day);
        return html`<li key=${day.day} tabindex=${value ? 0 : undefined} class=${`${isToday ? "is-today" : ""}${isAt ? " is-limit" : ""}`} style=${{ "--v": top ? value / top : 0 }}>
          ${value > 0 && html`<i></i>`}<span class="cc-tip">${say("dayTip", { day: name, spent: unit.format(value), n: day.calls })}${isAt && `, ${say("limitReached")}`}</span>
          ${(isToday || (index % 7 === 0 && index < days.length - 4)) && html`<small aria-hidden="true">${name}</small>`}</li>`;
      })}</ul></div></div></section>`;
}

/** @type {(unit: Unit, value: number) => string} */
function axis({ format, value: of }, value) {
  if (of !== tokensOf) return format(value);
  return formatNumber(value, { notation: "compact", maximumFractionDigits: 1 });
}

/** @param {number} most a round number that is not less */
function niceTop(most) {
  if (!most) return 1;
  const size = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 4, 5, 10].find((each) => each * size >= most * 1.02) ?? 10) * size;
}

/** @param {{ days: SpentOnDay[] }} props */
function Models({ days }) {
  /** @type {Map<string, { calls: number, tokens: number, dollars: number | null }>} */
  const models = new Map();
  for (const { model, calls, dollars, ...spent } of days.flatMap((day) => day.models)) {
    const sum = models.get(model) ?? { calls: 0, tokens: 0, dollars: 0 };
    const isKnown = sum.dollars !== null && dollars !== null;
    models.set(model, { calls: sum.calls + calls, tokens: sum.tokens + tokensOf({ ...spent, calls, dollars }), dollars: isKnown ? (sum.dollars ?? 0) + (dollars ?? 0) : null });
  }
  if (!models.size) return null;
  const rows = [...models].sort(([, a], [, b]) => (b.dollars ?? 0) - (a.dollars ?? 0) || b.tokens - a.tokens);
  return html`<section class="cc-section" aria-labelledby="models"><h2 id="models">${say("byModelHead")}</h2>
    <div class="cc-card cc-scroll" tabindex="0" role="group" aria-label=${say("byModelHead")}><table class="cc-table"><thead><tr><th scope="col">${say("model")}</th><th scope="col" class="cc-opt">${say("calls")}</th><th scope="col" class="cc-opt">${say("tokens")}</th><th scope="col">${say("spent")}</th></tr></thead>
      <tbody>${rows.map(([model, sum]) => html`<tr key=${model}><th scope="row"><bdi>${showHidden(model)}</bdi></th><td class="cc-opt">${formatNumber(sum.calls)}</td><td class="cc-opt">${formatNumber(sum.tokens)}</td><td>${sum.dollars === 0 ? say("free") : formatDollars(sum.dollars)}</td></tr>`)}</tbody></table></div></section>`;
}
