// A question to an index.

import * as address from "./address.js";
import * as opened from "./document.js";
import { count, element } from "./elements.js";
import { documents, results, summary } from "./results.js";
import { curl, post } from "./server.js";

const form = document.getElementById("ask");
const question = document.getElementById("question");
const index = document.getElementById("index");
const options = ["index", "mode", "k", "depth"].map((id) => document.getElementById(id));
const into = document.getElementById("answer");

let known = [];
let pending = null;
// What is shown: the question with its options and the document that is open, and what was found.
let asked = null;
let found = [];

// Which indexes can be asked.
export function indexes(list) {
  known = list;
  index.replaceChildren(
    ...list.map((it) => element("option", { value: it.name }, `${it.name} (${count(it.documents, "document")})`)),
  );
  index.disabled = list.length < 2;
  form.hidden = list.length === 0;
}

// `work` runs what asks the server, and shows what goes wrong.
export function prepare(work) {
  const search = () => {
    pending?.abort();
    pending = new AbortController();
    closeDocument();
    asked = fields();
    found = [];
    return work(into, pending.signal, searched, search);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    address.go("ask", fields());
    search();
  });
  for (const option of options) {
    option.addEventListener("change", () => asked && question.value.trim() && form.requestSubmit());
  }
  opened.whenClosed(() => {
    const id = asked?.document;
    if (!id) return;
    asked.document = undefined;
    address.amend("ask", asked);
    const row = [...into.querySelectorAll(".row")].find((it) => it.dataset.id === id);
    const folded = row?.closest("details");
    if (folded) folded.open = true;
    row?.querySelector(".open").focus();
  });

  // Shows what the address says.
  const show = async ({ document: id, ...wanted }) => {
    if (!wanted.q || !known.length) {
      leave();
      asked = null;
      question.value = "";
      into.removeAttribute("aria-busy");
      into.replaceChildren(known.length ? introduction() : noIndex());
      return;
    }
    if (!asked || !address.same({ ...asked, document: undefined }, wanted)) {
      fill(wanted);
      await search();
    }
    const it = id && found.find((document) => document.id === id);
    if (it) open(it);
    else closeDocument();
  };
  return { show, leave };
}

function leave() {
  pending?.abort();
  closeDocument();
}

function closeDocument() {
  if (asked) asked.document = undefined;
  opened.close();
}

const fields = () => ({
  q: question.value,
  index: index.value,
  mode: options[1].value,
  k: options[2].value,
  depth: options[3].value,
});

function fill(wanted) {
  question.value = wanted.q;
  for (const option of options) {
    if ([...option.options].some((it) => it.value === wanted[option.id])) option.value = wanted[option.id];
  }
}

async function searched(signal) {
  const { q, ...wanted } = asked;
  const request = {
    index: wanted.index,
    query: q,
    k: Number(wanted.k),
    mode: wanted.mode,
    verify: "filter",
    depth: Number(wanted.depth),
  };
  const begun = performance.now();
  const answer = await post("v1/search", request, signal);
  const roundTrip = performance.now() - begun;
  found = documents(answer);
  const documentsThere = known.find((it) => it.name === wanted.index)?.documents;
  const choose = (it) => {
    address.go("ask", { ...asked, document: it.id });
    open(it);
  };
  const shown = results(answer, { roundTrip, request: curl("v1/search", request), documentsThere, open: choose });
  into.replaceChildren(...shown.filter(Boolean));
  return summary(answer);
}

function open(it) {
  asked.document = it.id;
  opened.open(it, {
    found,
    query: asked.q,
    index: asked.index,
    moved: (other) => {
      address.amend("ask", { ...asked, document: other.id });
      open(other);
    },
  });
}

function introduction() {
  const step = (name, text) => element("li", {}, element("b", {}, name), " ", text);
  return element(
    "ol",
    { class: "introduction" },
    step(
      "Recall",
      "finds documents about the same thing, fast. It cannot see a “not”, a swapped role or another number.",
    ),
    step(
      "The verifier",
      "reads each of them beside the query, and says whether it supports, contradicts or settles nothing.",
    ),
    step(
      "You see both,",
      "side by side: what was found, what is served, what was left out, and the sentence that decided.",
    ),
  );
}

function noIndex() {
  return element(
    "div",
    { class: "notice" },
    element(
      "div",
      {},
      element("p", {}, element("b", {}, "This server has no index that you may ask.")),
      element(
        "p",
        {},
        "Start it with one: ",
        element("code", {}, "vetted serve --index DIR"),
        ". Two texts can be compared without.",
      ),
    ),
  );
}
