/** Spending: today against the limit, the last thirty days, and by model. */

import { Column, html, Loading, Section, useAnswer, useApp } from "../dom.js";
import { formatMoment, formatNumber, say, showHidden } from "../words.js";

/** @import { Spending as SpendingShape, Spent, SpentOnDay, Status } from "../../src/api-types.d.ts" */

/**
 * What bars show: dollars, or tokens where nothing costs money.
 *
 * @typedef {{ value: (spent: Spent) => number, format: (value: number) => string, limit: number | null }} Unit
 */

const ROUND = 100; // per cent

export function Spending() {
  const app = useApp();
  const status = app.status.status.value;
  const { input_tokens: read = 0, output_tokens: written = 0 } = status?.today ?? {};
  const spending = useAnswer("/spending", [read + written]);
  if (!spending.value || !status) return html`<${Loading} />`;
  const { days, month, is_free: isFree } = spending.value;
  const unit = findUnit(spending.value);
  const today = days.at(-1);
  const now = today ? unit.value(today) : 0;
  return html`<${Column} title=${headline(spending.value, unit, now)} words=${say(unit.limit === null ? "noLimit" : "atLimit")}>
    <section class="cc-card cc-today" aria-label=${say("today")}>
      ${unit.limit !== null && html`<${Ring} share=${unit.limit ? now / unit.limit : 1} />`}
      <${Facts} status=${status} month=${month} isFree=${isFree} />
    </section>
    <${Days} days=${days} unit=${unit} />
    <${Models} days=${days} />
  <//>`;
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

/** @param {Pick<Spent, "input_tokens" | "output_tokens">} spent */
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
  return html`<div class=${share >= 1 ? "cc-ring is-over" : "cc-ring"}>
    <svg viewBox="0 0 132 132" role="img" aria-label=${say("ofToday2", { n: percent })}>
      <circle cx="66" cy="66" r="58" />
      <circle cx="66" cy="66" r="58" pathLength="100" stroke-dasharray=${`${Math.min(percent, ROUND)} 100`} />
    </svg>
    <p><strong>${formatNumber(share, { style: "percent" })}</strong>${say("ofTodayShort")}</p>
  </div>`;
}

/** @param {{ status: Status, month: Spent, isFree: boolean }} props */
function Facts({ status, month, isFree }) {
  const { today, background, to_do: todo } = status;
  /** @type {[string, string, unknown][]} */
  const facts = [
    [say("notesFilled"), formatNumber(today.notes), say("inBackgroundToday", { n: background.notes_today, of: background.notes_a_day })],
    [say("readWritten"), formatNumber(tokensOf(today)), say("tokensWritten", { n: today.output_tokens })],
    [say("thisMonth"), isFree && !month.dollars ? say("free") : formatDollars(month.dollars), say("tokensCount", { n: tokensOf(month) })],
    [say("restOfVault"), say("notesCount", { n: todo }), ""],
  ];
  return html`<dl class="cc-facts">
    ${facts.map(([name, value, more]) => html`<div key=${name}>
      <dt>${name}</dt><dd>${value}<small>${more}</small></dd>
    </div>`)}
  </dl>`;
}

/** @param {{ days: SpentOnDay[], unit: Unit }} props */
function Days({ days, unit }) {
  const values = days.map(unit.value);
  const all = values.reduce((sum, each) => sum + each, 0);
  const top = niceTop(Math.max(...values, unit.limit ?? 0));
  const first = values.findIndex(Boolean); // the mean is of the days since then
  const isOneDay = values.filter(Boolean).length < 2;
  const totals = isOneDay ? unit.format(all) : say("inAll", { sum: unit.format(all), mean: unit.format(all / (days.length - first)) });
  const aside = html`<span class="cc-soft cc-small">${totals}</span>`;
  return html`<${Section} id="days" title=${say("lastDays", { n: days.length })} action=${aside}>
    <div class="cc-card cc-chart"><div class="cc-plot">
      ${[0, 0.5, 1].map((part) => html`
        <div key=${part} class="cc-grid" style=${{ "--v": part }}><span>${axis(unit, top * part)}</span></div>`)}
      ${unit.limit !== null && html`
        <div class="cc-grid cc-grid--limit" style=${{ "--v": unit.limit / top }}><em>${say("dailyLimit")}</em></div>`}
      <ul class="cc-bars" aria-label=${say("aDay")}>
        ${days.map((day, index) => html`<${Bar} key=${day.day} day=${day} unit=${unit} top=${top} ago=${days.length - 1 - index} />`)}
      </ul>
    </div></div>
  <//>`;
}

/** @param {{ day: SpentOnDay, unit: Unit, top: number, ago: number }} props top: the value of the highest bar there could be; ago: days */
function Bar({ day: spent, unit, top, ago }) {
  const value = unit.value(spent);
  const isAt = unit.limit !== null && value >= unit.limit;
  const day = ago ? formatMoment(`${spent.day}T12:00:00`, { day: "numeric", month: "short" }) : say("today");
  const isNamed = !ago || (ago > 3 && ago % 7 === 1);
  const name = `${ago ? "" : "is-today"}${isAt ? " is-limit" : ""}`;
  return html`<li tabindex=${value ? 0 : undefined} class=${name} style=${{ "--v": value / top }}>
    ${value > 0 && html`<i></i>`}
    <span class="cc-tip">
      ${say("dayTip", { day, spent: unit.format(value), n: spent.calls })}${isAt && `, ${say("limitReached")}`}
    </span>
    ${isNamed && html`<small aria-hidden="true">${day}</small>`}
  </li>`;
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
  return ([1, 2, 4, 5, 10].find((each) => each * size >= most) ?? 10) * size;
}

/** @param {{ days: SpentOnDay[] }} props */
function Models({ days }) {
  const models = Map.groupBy(days.flatMap((day) => day.models), ({ model }) => model);
  if (!models.size) return null;
  const sums = [...models].map(([model, all]) => ({ model, ...addUp(all) }));
  sums.sort((a, b) => (b.dollars ?? 0) - (a.dollars ?? 0) || b.tokens - a.tokens);
  return html`<${Section} id="models" title=${say("byModelHead")}>
    <div class="cc-card cc-scroll" tabindex="0" role="group" aria-label=${say("byModelHead")}><table class="cc-table">
      <thead><tr>
        <th scope="col">${say("model")}</th>
        <th scope="col" class="cc-opt">${say("calls")}</th>
        <th scope="col" class="cc-opt">${say("tokens")}</th>
        <th scope="col">${say("spent")}</th>
      </tr></thead>
      <tbody>${sums.map(({ model, calls, tokens, dollars }) => html`<tr key=${model}>
        <th scope="row"><bdi>${showHidden(model)}</bdi></th>
        <td class="cc-opt">${formatNumber(calls)}</td>
        <td class="cc-opt">${formatNumber(tokens)}</td>
        <td>${dollars === 0 ? say("free") : formatDollars(dollars)}</td>
      </tr>`)}</tbody>
    </table></div>
  <//>`;
}

/** @param {Spent[]} all */
function addUp(all) {
  const sum = (/** @type {(spent: Spent) => number} */ of) => all.reduce((total, each) => total + of(each), 0);
  const isPriced = all.every(({ dollars }) => dollars !== null);
  return { calls: sum(({ calls }) => calls), tokens: sum(tokensOf), dollars: isPriced ? sum(({ dollars }) => dollars ?? 0) : null };
}
