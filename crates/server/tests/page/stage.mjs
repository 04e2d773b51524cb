// What every test of the page stands on: an index, a server, a browser, and what must hold in every state of the page.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { documents, lines, question } from "./documents.mjs";
import { run, serve, startBrowser, stopServers } from "./running.mjs";

const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
export const screenshots = process.env.SCREENSHOTS;
export const folder = mkdtempSync(join(tmpdir(), "vetted-page-"));
let browser;
export let server;

before(async () => {
  writeFileSync(join(folder, "documents.jsonl"), lines);
  run("index", join(folder, "documents.jsonl"), "--into", join(folder, "notes"));
  writeFileSync(join(folder, "one.jsonl"), `${JSON.stringify({ _id: "gone", text: "This will be deleted." })}\n`);
  run("index", join(folder, "one.jsonl"), "--into", join(folder, "empty"));
  run("delete", "--index", join(folder, "empty"), "gone");
  server = await serve(["--index", `notes=${join(folder, "notes")}`, "--index", `empty=${join(folder, "empty")}`]);
  browser = await startBrowser();
  if (screenshots) mkdirSync(screenshots, { recursive: true });
});

after(async () => {
  await browser?.close();
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

// A page, and everything that must never happen on it.
export async function open(
  address,
  { width = 1440, height = 900, scheme = "light", server: at = server, ...options } = {},
) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("console", (message) => {
    if (/Content.Security.Policy|TrustedHTML|Trusted Type/i.test(message.text())) wrong.push(message.text());
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(at.url)) wrong.push(`request to another place: ${url}`);
    if (url.includes("Dogs") || url.includes("upper"))
      wrong.push(`the question is in the address of a request: ${url}`);
  });
  await page.goto(at.url + address);
  await page.locator("#ask-view, #pair-view").locator("visible=true").first().waitFor();
  return {
    page,
    wrong,
    done: async () => {
      assert.deepEqual(wrong, []);
      await context.close();
    },
  };
}

export const ask = async (page, text) => {
  await page.locator("#question").fill(text);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
};
export const answered = (page) => page.locator("#answer:not([aria-busy]) .outcome").waitFor();
export const openDocument = async (page, id) => {
  const title = documents.find((it) => it.id === id).title || id;
  await page.locator(".row").getByRole("button", { name: title, exact: true }).click();
  await page.locator("#document .document-text:not([aria-busy]) .whole").waitFor();
  await page.locator("#document .why:not([aria-busy])").waitFor();
};
export const api = async (path, body, headers = {}) => {
  const response = await fetch(server.url + path, {
    method: body ? "POST" : "GET",
    body: body && JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
  assert.equal(response.status, 200, path);
  return response.json();
};
export const search = (more = {}) =>
  api("v1/search", { index: "notes", query: question, k: 10, mode: "dense", verify: "filter", depth: 20, ...more });

// Nothing to scroll sideways, but within boxes that are made for it.
export async function fits(page) {
  const wide = await page.evaluate(() => {
    const boxes = [
      document.documentElement,
      ...document.querySelectorAll("dialog[open], .row, .panel, .document-text"),
    ];
    return boxes
      .filter((box) => box.scrollWidth > box.clientWidth + 1)
      .map((box) => `${box.tagName}.${box.className}#${box.id} ${box.scrollWidth} > ${box.clientWidth}`);
  });
  assert.deepEqual(wide, []);
}

export async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  assert.deepEqual(
    violations.map((it) => [it.id, it.help, it.nodes.map((node) => node.html.slice(0, 200))]),
    [],
  );
}

// All that holds in every state of the page.
export async function sound(page, name) {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`) });
  await fits(page);
  await accessible(page);
}

export const LOOKS = [360, 768, 1440].flatMap((width) =>
  ["light", "dark"].map((scheme) => ({ width, scheme, height: width < 500 ? 740 : 900 })),
);
