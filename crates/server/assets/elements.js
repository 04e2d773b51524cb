// Makes elements. Text becomes text and never markup, whatever it holds.

const SVG = "http://www.w3.org/2000/svg";

// An element with attributes and children. A child is a node, a text, a list of these, or nothing (null, undefined, false).
// An attribute that is a function listens to the event of its name; `true` is an empty attribute; nothing is none.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(attribute, value);
    else if (value === true) made.setAttribute(attribute, "");
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(attribute, value);
  }
  append(made, children);
  return made;
}

function append(parent, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(parent, child);
    else if (child !== null && child !== undefined && child !== false) parent.append(child);
  }
}

// Somebody's text: its direction is its own, and does not leak into what stands beside it.
export function said(text, name = "bdi", attributes = {}) {
  return element(name, { dir: "auto", ...attributes }, text);
}

// A message, where `code` stands between backticks.
export function prose(text) {
  return text.split("`").map((piece, at) => (at % 2 ? element("code", {}, piece) : piece));
}

// What only a screen reader says.
export function unseen(text) {
  return element("span", { class: "for-readers" }, text);
}

const PATHS = {
  accept: "m3 8.5 3.3 3.5L13 4.5",
  reject: "m4 4 8 8M12 4l-8 8",
  abstain: "M5.4 6a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.1.9-1.1 1.7M8 12.6v.2",
  unverified: "M3.5 8h9",
  close: "m4 4 8 8M12 4l-8 8",
  previous: "M10 3 5 8l5 5",
  next: "m6 3 5 5-5 5",
};

// A drawing that says nothing which the words beside it do not say.
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  path.setAttribute("d", PATHS[name] ?? PATHS.unverified);
  svg.append(path);
  return svg;
}

export const number = (value, digits = 2) =>
  Number.isFinite(value)
    ? value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    : "?";

// One of many: `count(1, "hit")` is "1 hit", `count(2, "hit")` "2 hits".
export const count = (many, what) => `${many.toLocaleString("en")} ${what}${many === 1 ? "" : "s"}`;
