// Why a verdict is as it is: the pairs of tokens that decided, and the map.

import { element, number, prose, said } from "./elements.js";
import { heatmap } from "./heatmap.js";
import { Refusal, post } from "./server.js";

// Asks for the explanation of two texts and shows it in `into`; `signal` gives it up.
export async function explain(into, { query, text, relation }, signal) {
  into.replaceChildren(element("p", { class: "note" }, "Leaving out one token at a time…"));
  into.setAttribute("aria-busy", "true");
  try {
    const answer = await post("v1/explain", { query, candidate: text, relation }, signal);
    into.replaceChildren(...shown(answer));
  } catch (error) {
    if (error.name === "AbortError") return;
    into.replaceChildren(
      element(
        "p",
        { class: "note" },
        prose(`There is no map: ${error.message} ${error instanceof Refusal ? error.advice : ""}`),
      ),
    );
    if (!(error instanceof Refusal)) throw error;
  } finally {
    into.removeAttribute("aria-busy");
  }
}

function shown({ map }) {
  if (!map)
    return [
      element("p", { class: "note" }, "There is no map: nothing was read, or this verifier does not compare tokens."),
    ];
  const pair = (it) =>
    element(
      "li",
      {},
      it.query === it.candidate ? said(it.query, "b") : [said(it.query, "b"), " and ", said(it.candidate, "b")],
      element("span", { class: "note" }, ` alike ${number(it.similarity)}, weigh ${number(it.weight, 1)}`),
    );
  return [
    map.pairs.length
      ? element(
          "div",
          {},
          element("p", { class: "note" }, "Pairs of tokens that decided, heaviest first"),
          element("ul", { class: "pairs" }, map.pairs.map(pair)),
        )
      : element("p", { class: "note" }, "No pair of tokens speaks for this verdict."),
    heatmap(map),
  ];
}
