// Verdicts in words and bars. Every verdict has a word and a sign of its own: none is told by its color alone.

import { element, icon, number, said } from "./elements.js";

const KINDS = {
  negation: "one says that it is so, the other that it is not",
  role: "who does what to whom",
  binding: "which property belongs to which thing",
  modifier: "an attribute is another",
  comparison: "a comparison points the other way",
  quantifier: "all, some, none, most or only",
  number: "another number",
  date: "another day, year or time",
  unit: "another unit of the same number",
  direction: "from and to, up and down",
  order: "what came first",
  modality: "what is so against what may, must or should be",
  antonym: "a word against its opposite",
  entity: "another name or thing",
  addition: "one says more than the other lets one know",
  other: "something else",
};

// `accept` with its sign.
export function badge(verdict) {
  return element("span", { class: "badge", "data-verdict": verdict }, icon(verdict), verdict);
}

// Why, in a sentence. `against` is what the text is held against: "query", or "other text".
export function reason(outcome, { against = "query", name = (id) => id } = {}) {
  switch (outcome.verdict) {
    case "accept":
      if (outcome.answer) return `It answers the ${against}: ${outcome.answer}.`;
      return outcome.finding === "same" ? "It says the same." : `It supports the ${against}.`;
    case "reject":
      switch (outcome.reason) {
        case "rival":
          return [
            "It says nearly the same as ",
            said(name(outcome.rival), "b"),
            `, which supports the ${against} better.`,
          ];
        case "different":
          return `It means something different.`;
        case "contradicts":
          return `It contradicts the ${against}.`;
        case "improbable":
          return `By the server's calibration it is hardly right.`;
        default:
          return outcome.why ?? `It is rejected: ${outcome.reason ?? outcome.finding}.`;
      }
    case "abstain":
      switch (outcome.finding) {
        case "supports":
        case "same":
          return `It seems to ${outcome.finding === "same" ? "say the same" : "support"}, but not surely enough.`;
        case "contradicts":
        case "different":
          return `It seems to ${outcome.finding === "different" ? "differ" : "contradict"}, but not surely enough.`;
        default:
          return "It was read, and it settles nothing either way.";
      }
    case "unverified":
      return outcome.why ? `Not verified: ${outcome.why}.` : "Not verified.";
    default:
      return "Nobody verified it.";
  }
}

// The likeliest kind of difference, with what it means.
export function kind(outcome) {
  if (!outcome.kind) return null;
  const meaning = KINDS[outcome.kind];
  return element(
    "p",
    { class: "kind" },
    "Difference: ",
    element("b", {}, outcome.kind),
    meaning ? ` (${meaning})` : "",
  );
}

// The probabilities, as numbers and as bars; nothing where nothing was read. What a search vouches for a document with
// rests on more than the two others.
export function probabilities(outcome, relation = "support") {
  if (outcome.p_match === undefined || outcome.p_match === null) return null;
  const names = relation === "equivalence" ? ["same", "conflict"] : ["support", "conflict"];
  return element(
    "dl",
    { class: "probabilities" },
    outcome.vouched === undefined ? null : bar("vouched for", outcome.vouched, "match"),
    bar(names[0], outcome.p_match, "match"),
    bar(names[1], outcome.p_conflict, "conflict"),
  );
}

function bar(name, probability, sort) {
  const filled = element("span", { class: "filled" });
  filled.style.inlineSize = `${Math.min(1, Math.max(0, probability)) * 100}%`;
  return element(
    "div",
    { class: "probability", "data-sort": sort },
    element("dt", {}, name),
    element(
      "dd",
      {},
      element("span", { class: "bar", "aria-hidden": "true" }, filled),
      element("span", { class: "value" }, number(probability, 3)),
    ),
  );
}
