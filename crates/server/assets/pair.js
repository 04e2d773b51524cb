// Any two texts: the verdict on one, held against the other, and why.

import * as address from "./address.js";
import { element, said, unseen } from "./elements.js";
import { explain } from "./explanation.js";
import { around, unitOfCharacter } from "./offsets.js";
import { post } from "./server.js";
import { badge, kind, probabilities, reason } from "./verdict.js";

const form = document.getElementById("pair");
const query = document.getElementById("pair-query");
const candidate = document.getElementById("pair-candidate");
const into = document.getElementById("judgement");

const EXAMPLES = [
  ["Swapped roles", "The nurse thanked the baker.", "The baker thanked the nurse.", "support"],
  ["Same meaning", "The baker was thanked by the nurse.", "The nurse thanked the baker.", "equivalence"],
  ["A question", "When does the bakery close?", "The bakery on Mill Lane closes at six.", "support"],
  ["Another number", "The tower has forty floors.", "The tower, finished last year, has fourteen floors.", "support"],
];

const relation = () => new FormData(form).get("relation");
let pending = null;

// `work` runs what asks the server, and shows what goes wrong.
export function prepare(work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
  for (const text of [query, candidate]) {
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
  }
  document.getElementById("swap").addEventListener("click", () => {
    [query.value, candidate.value] = [candidate.value, query.value];
  });
  document.getElementById("examples").append(
    element("span", { class: "note" }, "Try: "),
    ...EXAMPLES.map(([name, ...texts]) =>
      element(
        "button",
        {
          type: "button",
          class: "quiet",
          click: () => {
            fill({ query: texts[0], candidate: texts[1], relation: texts[2] });
            ask();
          },
        },
        name,
      ),
    ),
  );

  const ask = () => {
    address.go("pair", { query: query.value, candidate: candidate.value, relation: relation() });
    judge();
  };
  const judge = () => {
    pending?.abort();
    pending = new AbortController();
    work(into, pending.signal, (signal) => judged(signal), judge);
  };

  // Shows what the address says.
  const show = (fields) => {
    fill(fields);
    if (fields.query && fields.candidate) judge();
    else {
      pending?.abort();
      into.removeAttribute("aria-busy");
      into.replaceChildren();
    }
  };
  return { show, leave: () => pending?.abort() };
}

function fill(fields) {
  query.value = fields.query ?? "";
  candidate.value = fields.candidate ?? "";
  const wanted = fields.relation === "equivalence" ? "equivalence" : "support";
  form.querySelector(`[name="relation"][value="${wanted}"]`).checked = true;
}

async function judged(signal) {
  const asked = { query: query.value, text: candidate.value, relation: relation() };
  const answer = await post(
    "v1/verify",
    { query: asked.query, candidates: [asked.text], relation: asked.relation },
    signal,
  );
  const [result] = answer.results;
  const read =
    result.window && [result.window.start, result.window.end].map((place) => unitOfCharacter(asked.text, place));
  const [before, decisive, after] = read ? around(asked.text, ...read) : [asked.text, "", ""];
  const why = element("div", { class: "why" });
  const against = asked.relation === "equivalence" ? "other text" : "query";
  into.replaceChildren(
    element(
      "section",
      { class: "judged", "aria-labelledby": "judged-heading" },
      element(
        "div",
        { class: "judging" },
        element("h3", { id: "judged-heading" }, "Verdict"),
        element(
          "p",
          { class: "verdict" },
          badge(result.verdict),
          " ",
          element("span", { class: "reason" }, reason(result, { against })),
        ),
        probabilities(result, asked.relation),
        kind(result),
      ),
      element(
        "div",
        { class: "reading" },
        element("h3", {}, "What was read ", unseen("of the text to judge")),
        said("", "p", { class: "whole" }).appendChild(
          element("span", {}, before, decisive && element("mark", {}, decisive), after),
        ).parentElement,
      ),
    ),
    ...(decisive
      ? [
          element(
            "section",
            { class: "explained", "aria-labelledby": "why-heading" },
            element("h3", { id: "why-heading" }, "Why"),
            why,
          ),
        ]
      : []),
  );
  if (decisive) explain(why, { query: asked.query, text: asked.text, relation: asked.relation }, signal);
  return `${result.verdict}. ${[reason(result, { against })].flat().join("")}`;
}
