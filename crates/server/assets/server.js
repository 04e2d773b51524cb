// Asks the server, and says in words what went wrong.

const KEY = "vetted-key";

// What the server did not do: what happened, what to do, and whether the same may be answered if it is asked again.
export class Refusal extends Error {
  constructor(message, advice, status) {
    super(message);
    this.advice = advice;
    this.status = status;
    this.retry = ![400, 413, 422].includes(status);
  }
}

// Set by the page: asks a person for a key, and says whether one was given.
let askForKey = async () => false;
export function keysComeFrom(ask) {
  askForKey = ask;
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

export const get = (path, signal) => ask("GET", path, undefined, signal);
export const post = (path, body, signal) => ask("POST", path, body, signal);

// The request as a line for a shell, with the key left to be filled in.
export function curl(path, body) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const secret = key.get() ? " \\\n  -H 'Authorization: Bearer KEY'" : "";
  const json = JSON.stringify(body).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `curl ${quoted(new URL(path, document.baseURI).href)}${secret} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(json)}`;
}

async function ask(method, path, body, signal) {
  for (;;) {
    const response = await send(method, path, body, signal);
    if (response.ok) return received(response);
    const refusal = await refused(response);
    if (response.status !== 401 || !(await askForKey(refusal.message))) throw refusal;
  }
}

async function send(method, path, body, signal) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    if (key.get()) headers.authorization = `Bearer ${key.get()}`;
    return await fetch(path, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(
      "The server does not answer.",
      `Look whether \`vetted serve\` still runs at ${location.origin}, then ask again.`,
      0,
    );
  }
}

async function received(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(
      "The answer broke off.",
      "Ask again. If it happens again, look at what the server wrote to its log.",
      response.status,
    );
  }
}

async function refused(response) {
  let message = "";
  try {
    const body = await response.json();
    message = body?.error?.message ?? body?.message ?? (typeof body?.error === "string" ? body.error : "");
  } catch {
    // A proxy answered, not vetted: what it wrote is a page of its own.
  }
  if (response.status === 401 && !key.get()) message = "This server asks for a key";
  const said = message ? sentence(message) : `The server answered with status ${response.status}.`;
  return new Refusal(said, advice(response), response.status);
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function advice(response) {
  const wait = response.headers.get("retry-after");
  switch (response.status) {
    case 401:
      return "Give a key that this server knows, with the button at the top.";
    case 403:
      return "This key may not do that: use another one, with the button at the top.";
    case 404:
      return "It may have been deleted since. Ask again.";
    case 408:
    case 504:
      return "It took too long. Ask for fewer hits, or verify fewer of them.";
    case 413:
      return "Shorten what you ask, or raise the server's limit.";
    case 429:
    case 503:
      return wait ? `Ask again in ${wait} s.` : "Ask again in a moment.";
    case 400:
    case 422:
      return "Change what you ask.";
    default:
      return response.status >= 500 ? "Ask again. If it happens again, look at what the server wrote to its log." : "";
  }
}
