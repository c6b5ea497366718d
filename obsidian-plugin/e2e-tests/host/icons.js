/** A few icons of our own drawing; a dot where there is none of that name. */

const PATHS = {
  sparkles: "M10 4l2 6 6 2-6 2-2 6-2-6-6-2 6-2z M19 3v5 M16.5 5.5h5",
  x: "M5 5l14 14 M19 5L5 19",
  "panel-left": "M3 4h18v16H3z M9 4v16",
  settings: "M4 7h10 M18 7h2 M14 4v6 M4 17h2 M10 17h10 M10 14v6",
  "chevron-right": "M9 5l7 7-7 7",
};

export function icon(name) {
  const attr = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "stroke-linejoin": "round" };
  const svg = createSvg("svg", { cls: `svg-icon lucide-${name}`, attr });
  svg.createSvg("path", { attr: { d: PATHS[name] ?? "M12 10a2 2 0 1 0 .1 0" } });
  return svg;
}

export function setIcon(parent, name) {
  parent.querySelector(":scope > svg")?.remove();
  parent.prepend(icon(name));
}

export function setTooltip(element, tooltip) {
  element.setAttribute("aria-label", tooltip);
}
