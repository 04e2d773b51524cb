// The page: which view is shown, what is being asked, and what went wrong.

import * as address from "./address.js";
import * as ask from "./ask.js";
import { element, icon, prose } from "./elements.js";
import * as pair from "./pair.js";
import { Refusal, get, key, keysComeFrom } from "./server.js";

const status = document.getElementById("status");
const changeKey = document.getElementById("change-key");

// Does what asks the server: says that it is under way, then what came of it, in `into` and to screen readers. `again` is offered when
// the server refused.
async function work(into, signal, task, again) {
  into.setAttribute("aria-busy", "true");
  const waiting = setTimeout(() => say("Asking…"), 400);
  const slow = setTimeout(() => say("Still at work."), 4000);
  try {
    say(await task(signal));
  } catch (error) {
    if (error.name === "AbortError") return;
    into.replaceChildren(problem(error, again));
    say("");
    if (!(error instanceof Refusal)) throw error;
  } finally {
    clearTimeout(waiting);
    clearTimeout(slow);
    if (!signal.aborted) into.removeAttribute("aria-busy");
  }
}

function say(text) {
  status.textContent = text;
}

function problem(error, again) {
  const known = error instanceof Refusal;
  return element(
    "div",
    { class: "problem", role: "alert" },
    icon("reject"),
    element(
      "div",
      {},
      element("p", {}, element("b", {}, prose(known ? error.message : "This page has a fault."))),
      element("p", {}, known ? prose(error.advice) : `Please report it: ${error.message}`),
      known && error.retry && element("button", { type: "button", click: again }, "Try again"),
    ),
  );
}

const views = { ask: ask.prepare(work), pair: pair.prepare(work) };
const links = [...document.querySelectorAll("nav [data-view]")];

// The view that a bare address shows; and why there is no index to ask, if the server would not say.
let first = "ask";
let trouble = null;

function show() {
  const { view = first, fields } = address.read();
  for (const name of Object.keys(views)) {
    document.getElementById(`${name}-view`).hidden = name !== view;
    if (name !== view) views[name].leave();
  }
  for (const link of links) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  named(view, fields);
  if (view === "ask" && trouble) document.getElementById("answer").replaceChildren(problem(trouble, load));
  else views[view].show(fields);
}

// A view is called by what it shows, and its link leads back to that.
function named(view, fields) {
  const name = view === "pair" ? "Compare two texts" : fields.q;
  document.title = name ? `${name} · vetted` : "vetted";
  links.find((link) => link.dataset.view === view).setAttribute("href", location.hash || `#${view}`);
}

// A person is asked for a key once, however many requests wait for it.
let asking = null;
function askForKey(message) {
  asking ??= new Promise((resolve) => {
    const [dialog, form, input] = ["key-dialog", "key-form", "key"].map((id) => document.getElementById(id));
    document.getElementById("key-message").textContent = key.get() ? message : "Whoever runs it can give you one.";
    document.getElementById("key-forget").hidden = !key.get();
    input.value = "";
    const leave = new AbortController();
    const listen = (target, event, act) => target.addEventListener(event, act, { signal: leave.signal });
    const done = (given) => {
      leave.abort();
      dialog.close();
      asking = null;
      changeKey.hidden = false;
      resolve(given);
    };
    listen(form, "submit", (event) => {
      event.preventDefault();
      key.set(input.value.trim());
      done(true);
    });
    listen(document.getElementById("key-cancel"), "click", () => done(false));
    listen(document.getElementById("key-forget"), "click", () => {
      key.forget();
      done(true);
    });
    listen(dialog, "close", () => done(false));
    dialog.showModal();
    input.focus();
  });
  return asking;
}

// Asks what can be asked, then shows what the address says.
async function load() {
  try {
    const { indexes } = await get("v1/indexes");
    trouble = null;
    ask.indexes(indexes);
    first = indexes.length ? "ask" : "pair";
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    trouble = error;
    ask.indexes([]);
  }
  show();
}

keysComeFrom(askForKey);
address.tell(named);
changeKey.hidden = !key.get();
changeKey.addEventListener("click", async () => {
  if (await askForKey("Give another key, or forget the one that is kept.")) load();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("main").focus();
});
window.addEventListener("popstate", show);
load();
