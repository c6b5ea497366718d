/** Lucide's icons, as Obsidian has them; a dot where no test shows the one of that name. */

import { ChevronRight, createElement, Dot, PanelLeft, Settings, Sparkles, X } from "lucide";

const ICONS = { "chevron-right": ChevronRight, "panel-left": PanelLeft, settings: Settings, sparkles: Sparkles, x: X };

export function icon(name) {
  const svg = createElement(ICONS[name] ?? Dot);
  svg.setAttribute("class", `svg-icon lucide-${name}`);
  return svg;
}

export function setIcon(parent, name) {
  parent.querySelector(":scope > svg")?.remove();
  parent.prepend(icon(name));
}

export function setTooltip(element, tooltip) {
  element.setAttribute("aria-label", tooltip);
}
