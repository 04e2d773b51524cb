// A document with the sentence that decided marked, its verdict, and why.

import { element, icon, prose, said, unseen } from "./elements.js";
import { explain } from "./explanation.js";
import { around, find } from "./offsets.js";
import { get } from "./server.js";
import { badge, kind, probabilities, reason } from "./verdict.js";

const dialog = document.getElementById("document");
let pending = null;

// Opens one of `found`. `moved(document)` is called when another one is to be opened instead.
export async function open(it, { found, query, index, moved }) {
  pending?.abort();
  pending = new AbortController();
  const { signal } = pending;
  const names = new Map(found.map((other) => [other.id, other.title || other.id]));
  const at = found.findIndex((other) => other.id === it.id);
  const text = element("div", { class: "document-text", tabindex: "0", role: "region", "aria-label": "The document" });
  const why = element("div", { class: "why" });
  const beside = (step, name) => {
    const other = found[at + step];
    return element(
      "button",
      { type: "button", class: "quiet", disabled: !other, "data-step": name, click: () => moved(other) },
      icon(name),
      unseen(name === "next" ? "Next document" : "Previous document"),
    );
  };
  const focused = dialog.contains(document.activeElement) ? document.activeElement.dataset.step : null;
  dialog.replaceChildren(
    element(
      "header",
      {},
      element(
        "div",
        {},
        said(it.title || it.id, "h2", { id: "document-title" }),
        element("p", { class: "note" }, place(it), it.title ? [" · ", said(it.id)] : null),
      ),
      element(
        "div",
        { class: "buttons" },
        beside(-1, "previous"),
        beside(1, "next"),
        element(
          "button",
          { type: "button", class: "quiet", "data-step": "close", click: () => dialog.close() },
          icon("close"),
          unseen("Close"),
        ),
      ),
    ),
    element(
      "div",
      { class: "document-body" },
      element(
        "section",
        { class: "reading", "aria-labelledby": "text-heading" },
        element("h3", { id: "text-heading" }, "Document"),
        text,
      ),
      element(
        "section",
        { class: "judging", "aria-labelledby": "verdict-heading" },
        element("h3", { id: "verdict-heading" }, "Verdict"),
        element(
          "p",
          { class: "verdict" },
          it.verdict && badge(it.verdict),
          " ",
          element("span", {}, reason(it, { name: (id) => names.get(id) ?? id })),
        ),
        probabilities(it),
        kind(it),
        it.window?.text ? [element("h3", {}, "Why"), why] : null,
      ),
    ),
  );
  if (!dialog.open) dialog.showModal();
  const again = focused && dialog.querySelector(`[data-step="${focused}"]:not(:disabled)`);
  (again || dialog.querySelector('[data-step="close"]')).focus();
  const explained = it.window?.text ? explain(why, { query, text: it.window.text, relation: "support" }, signal) : null;
  await Promise.all([show(text, it, index, signal), explained]);
}

const place = (it) =>
  it.served === null
    ? `Recall’s place ${it.recalled}, left out`
    : `Recall’s place ${it.recalled}, vetted place ${it.served}`;

async function show(into, it, index, signal) {
  into.setAttribute("aria-busy", "true");
  try {
    const whole = await get(`v1/documents/${encodeURIComponent(it.id)}?${new URLSearchParams({ index })}`, signal);
    into.replaceChildren(...marked(whole, it.window), metadata(whole.metadata));
  } catch (error) {
    if (error.name === "AbortError") return;
    into.replaceChildren(
      element("p", { class: "note" }, prose(`The document cannot be shown: ${error.message} ${error.advice ?? ""}`)),
      it.window?.text ? element("p", {}, element("mark", {}, said(it.window.text))) : "",
    );
  } finally {
    into.removeAttribute("aria-busy");
  }
  const mark = into.querySelector("mark");
  if (mark) into.scrollTop = Math.max(0, mark.offsetTop - into.clientHeight / 3);
}

// Title and text, with the window marked where it stands.
function marked({ title, text }, window) {
  const part = (name, content, attributes) => {
    const at = window?.of === name && find(content, window.text, window.start, window.end);
    const pieces = at ? around(content, ...at) : [content, "", ""];
    return element(
      name === "title" ? "h4" : "p",
      { dir: "auto", ...attributes },
      pieces[0],
      pieces[1] && element("mark", {}, pieces[1]),
      pieces[2],
    );
  };
  const shown = [
    title && window?.of === "title" && part("title", title, {}),
    part("text", text, { class: "whole" }),
  ].filter(Boolean);
  const lost = window?.text && !shown.some((it) => it.querySelector("mark"));
  return lost
    ? [
        element(
          "p",
          { class: "note" },
          "The document has changed since it was judged. What was read then: ",
          said(window.text),
        ),
        ...shown,
      ]
    : shown;
}

function metadata(fields) {
  const entries = Object.entries(fields ?? {});
  if (!entries.length) return "";
  return element(
    "dl",
    { class: "metadata" },
    entries.map(([name, value]) =>
      element("div", {}, said(name, "dt"), said(typeof value === "string" ? value : JSON.stringify(value), "dd")),
    ),
  );
}

// Calls `closed` whenever the dialog is closed, by its button, by Escape or by a click beside it.
export function whenClosed(closed) {
  dialog.addEventListener("close", () => {
    pending?.abort();
    closed();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

export const close = () => dialog.close();
