// The answer to a search: recall's order and the vetted order side by side, a row for each document that was found. The vetted order is
// recall's without what is left out, so that a document stands in one row of both.

import { count, element, icon, number, said, unseen } from "./elements.js";
import { around, unitOfCharacter } from "./offsets.js";
import { badge, kind, probabilities, reason } from "./verdict.js";

// Every document of an answer in recall's order, `served` with its place in the vetted order, or null where it is left out.
export function documents(answer) {
  const hits = answer.hits.map((hit) => ({ ...hit, served: hit.rank, recalled: hit.recall_rank ?? hit.rank }));
  const leftOut = (answer.rejected ?? []).map((it) => ({ ...it, served: null, recalled: it.recall_rank }));
  return [...hits, ...leftOut].sort((a, b) => a.recalled - b.recalled);
}

// What happened, in a sentence or two.
export function summary(answer) {
  const found = documents(answer);
  const lost = (answer.not_asked ?? []).map((it) => `${it.part} was not asked: ${it.reason}.`);
  if (!found.length) return ["Nothing was found.", ...lost].join(" ");
  const accepted = answer.hits.filter((hit) => hit.verdict === "accept").length;
  const leftOut = answer.rejected?.length ?? 0;
  const parts = [
    accepted
      ? `${count(accepted, "document")} of ${answer.hits.length} can be vouched for.`
      : "Nothing here can be vouched for.",
    leftOut ? `${count(leftOut, "document")} left out.` : "Nothing is left out.",
  ];
  if (found[0].served === null) parts.push("What recall found first is among them.");
  return [...parts, ...lost].join(" ");
}

// The whole answer, of an index that has so many documents. `open(document)` is called for a document that somebody wants to see.
export function results(answer, { roundTrip, request, documentsThere, open }) {
  const found = documents(answer);
  const last = Math.max(0, ...answer.hits.map((hit) => hit.recall_rank ?? hit.rank));
  const below = answer.hits.length ? found.filter((it) => it.recalled > last) : [];
  const shown = found.filter((it) => !below.includes(it));
  const names = new Map(found.map((it) => [it.id, it.title || it.id]));
  const list = (rows) =>
    element(
      "ol",
      { class: "rows" },
      rows.map((it) => row(it, names, open)),
    );
  return [
    element(
      "div",
      { class: "outcome", "data-verified": String(answer.verified ?? "") },
      icon(answer.verified ? "accept" : "abstain"),
      element("p", {}, summary(answer)),
    ),
    stages(answer.ms, roundTrip),
    !found.length &&
      element(
        "p",
        { class: "note" },
        documentsThere === 0
          ? [
              "This index is empty. Add documents with ",
              element("code", {}, "vetted index FOLDER --into INDEX"),
              ", then ask again.",
            ]
          : "No document has a word of the query. Recall by meaning finds other words, too.",
      ),
    found.length > 0 &&
      element(
        "div",
        { class: "columns" },
        element("h3", {}, "Recall’s order", element("span", { class: "note" }, "found, by score")),
        element("h3", {}, "Vetted order", element("span", { class: "note" }, "served, after reading")),
      ),
    list(shown),
    below.length > 0 &&
      element(
        "details",
        { class: "below" },
        element("summary", {}, `${count(below.length, "more document")} left out, below the last hit`),
        list(below),
      ),
    element(
      "details",
      { class: "request" },
      element("summary", {}, "The same by HTTP"),
      element("pre", { tabindex: "0" }, request),
    ),
  ];
}

function row(it, names, open) {
  const left = it.served === null;
  return element(
    "li",
    { class: "row", "data-id": it.id, "data-verdict": it.verdict ?? "none", "data-left-out": left },
    element(
      "div",
      { class: "found" },
      element("span", { class: "rank", "data-of": "recall" }, unseen("Recall’s place "), it.recalled),
      element(
        "div",
        { class: "text" },
        element(
          "h4",
          { dir: "auto" },
          said(it.title || it.id, "button", { dir: null, type: "button", class: "open", click: () => open(it) }),
        ),
        excerpt(it),
        element("p", { class: "note" }, it.title ? [said(it.id), " · "] : null, "score ", number(it.score, 3)),
      ),
    ),
    element(
      "div",
      { class: "vetted" },
      element(
        "span",
        { class: "rank", "data-of": "vetted" },
        left ? element("span", { "aria-hidden": "true" }, "—") : [unseen("Vetted place "), it.served],
      ),
      element(
        "div",
        { class: "text" },
        element(
          "p",
          { class: "verdict" },
          it.verdict && badge(it.verdict),
          left && element("b", { class: "left-out" }, "Left out."),
          " ",
          element("span", { class: "reason" }, reason(it, { name: (id) => names.get(id) ?? id })),
        ),
        it.window?.text && said(it.window.text.trim(), "blockquote", { class: "decisive" }),
        element("div", { class: "numbers" }, probabilities(it), kind(it)),
      ),
    ),
  );
}

// The part that matches, with the query's words in bold; of what is left out, the part that was read.
function excerpt(it) {
  if (!it.snippet) return it.window?.text ? said(it.window.text, "p", { class: "snippet" }) : null;
  const { text, matches } = it.snippet;
  const pieces = [];
  let done = 0;
  for (const [start, end] of matches) {
    const units = [unitOfCharacter(text, start), unitOfCharacter(text, end)];
    const [, match] = around(text, ...units);
    pieces.push(text.slice(done, units[0]), element("b", {}, match));
    done = units[1];
  }
  pieces.push(text.slice(done));
  return text ? said("", "p", { class: "snippet" }).appendChild(element("span", {}, pieces)).parentElement : null;
}

const STAGES = [
  ["encode", "encode the query"],
  ["rank", "recall"],
  ["verify", "verify"],
  ["documents", "read documents"],
  ["evidence", "find evidence"],
];

// How long each stage took, as numbers and as a bar.
function stages(ms, roundTrip) {
  const taken = STAGES.filter(([stage]) => Number.isFinite(ms?.[stage]));
  if (!taken.length) return null;
  const total = ms.total || taken.reduce((sum, [stage]) => sum + ms[stage], 0);
  const share = (stage) => {
    const part = element("span", { "data-stage": stage });
    part.style.flexGrow = String(ms[stage] / total);
    return part;
  };
  const time = (name, value, stage) =>
    element("div", { "data-stage": stage }, element("dt", {}, name), element("dd", {}, `${number(value, 1)} ms`));
  return element(
    "section",
    { class: "stages", "aria-label": "Time taken" },
    element(
      "div",
      { class: "shares", "aria-hidden": "true" },
      taken.map(([stage]) => share(stage)),
    ),
    element(
      "dl",
      {},
      taken.map(([stage, name]) => time(name, ms[stage], stage)),
      time("in all", total),
      time("with the way here and back", roundTrip),
    ),
  );
}
