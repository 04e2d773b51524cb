// Other hands, other servers, other screens: keyboards, missing keys, servers that are gone, paper.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { question } from "./documents.mjs";
import { serve } from "./running.mjs";
import { answered, ask, folder, open, openDocument, screenshots, server, sound } from "./stage.mjs";

describe("by keyboard alone", () => {
  it("one asks, opens a document, walks its map and comes back", async () => {
    const { page, done } = await open("");
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
    await page.locator(".introduction").waitFor();
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "main");
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "question");
    const ring = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
    assert.equal(ring, "2px");
    await page.keyboard.type(question);
    await page.keyboard.press("Enter");
    await answered(page);
    let tabs = 0;
    while (!(await page.evaluate(() => document.activeElement.matches(".open")))) {
      await page.keyboard.press("Tab");
      assert.ok((tabs += 1) < 10, "the first document is a few steps away");
    }
    const first = await focused();
    await page.keyboard.press("Enter");
    await page.locator("#document .heatmap").waitFor();
    assert.equal(await page.evaluate(() => document.activeElement.dataset.step), "close");
    tabs = 0;
    while (!(await page.evaluate(() => document.activeElement.matches(".heatmap td")))) {
      await page.keyboard.press("Tab");
      assert.ok((tabs += 1) < 10, "the map is a few steps away");
    }
    await page.keyboard.press("ArrowRight");
    await sound(page, "keyboard");
    await page.keyboard.press("Escape");
    await page.locator("#document").waitFor({ state: "hidden" });
    assert.equal(await focused(), first);
    await page.goto(`${server.url}#pair`);
    await page.locator("#pair-query").focus();
    await page.keyboard.type("The bakery closes at six.");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type("The bakery closes at six in the evening.");
    await page.keyboard.press("Control+Enter");
    await page.locator("#judgement .badge").waitFor();
    await done();
  });
});

describe("what goes wrong", () => {
  it("a server without an index compares texts", async () => {
    const bare = await serve([]);
    const { page, done } = await open("", { server: bare });
    await page.locator("#pair-view").waitFor();
    assert.equal(await page.locator("#ask-view").isHidden(), true);
    await page.getByRole("link", { name: "Ask an index" }).click();
    await page.getByText("This server has no index").waitFor();
    assert.equal(await page.locator("#ask").isHidden(), true);
    await sound(page, "no-index");
    await done();
    await bare.stop();
  });

  for (const scheme of ["light", "dark"]) {
    it(`a server that asks for a key gets one from this tab, ${scheme}`, async () => {
      const { createHash } = await import("node:crypto");
      const file = join(folder, "keys");
      writeFileSync(file, `reader ${createHash("sha256").update("open sesame").digest("hex")} read *\n`);
      const locked = await serve(["--keys", file]);
      const { page, done } = await open("#pair", { server: locked, width: 360, height: 740, scheme });
      const dialog = page.getByRole("dialog", { name: "This server asks for a key" });
      await dialog.waitFor();
      await sound(page, `key-${scheme}`);
      await dialog.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("link", { name: "Ask an index" }).click();
      await page.getByRole("alert").getByText("This server asks for a key.").waitFor();
      await sound(page, `key-refused-${scheme}`);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.getByLabel("Key", { exact: true }).fill("wrong");
      await page.getByRole("button", { name: "Use this key" }).click();
      await dialog.getByText("does not know that key").waitFor();
      await page.getByLabel("Key", { exact: true }).fill("open sesame");
      await page.keyboard.press("Enter");
      await page.getByText("This server has no index").waitFor();
      assert.equal(await page.evaluate(() => Object.values(sessionStorage).join()), "open sesame");
      assert.equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0);
      await page.getByRole("link", { name: "Compare two texts" }).click();
      await page.getByRole("button", { name: "A question" }).click();
      await page.locator("#judgement .badge").waitFor();
      assert.ok(!page.url().includes("sesame"));
      await page.reload();
      await page.locator("#judgement .badge").waitFor();
      await page.getByRole("button", { name: "Key", exact: true }).click();
      await page.getByRole("button", { name: "Forget the key" }).click();
      await dialog.waitFor();
      assert.equal(await page.evaluate(() => sessionStorage.length), 0);
      await done();
      await locked.stop();
    });
  }

  it("a server that refuses says why", async () => {
    const { page, done } = await open("");
    await ask(page, "word ".repeat(200_000));
    const alert = page.getByRole("alert");
    await alert.waitFor();
    assert.match(await alert.innerText(), /query has 1000000 bytes[^]*Change what you ask/);
    assert.equal(await alert.getByRole("button").count(), 0, "trying again would be refused again");
    await sound(page, "refused");
    await ask(page, question);
    await answered(page);
    await done();
  });

  for (const scheme of ["light", "dark"]) {
    it(`a server that is gone is missed, and found again, ${scheme}`, async () => {
      const brief = await serve([]);
      const { page, done } = await open("#pair", { server: brief, scheme });
      await page.getByRole("button", { name: "Another number" }).click();
      await page.locator("#judgement .heatmap").waitFor();
      await brief.stop();
      await page.getByRole("button", { name: "A question" }).click();
      const alert = page.getByRole("alert");
      await alert.getByText("The server does not answer.").waitFor();
      assert.match(await alert.innerText(), /vetted serve/);
      await sound(page, `server-gone-${scheme}`);
      const again = await serve([], brief.port);
      await page.getByRole("button", { name: "Try again" }).click();
      await page.locator("#judgement .badge").waitFor();
      assert.equal(await page.getByRole("alert").count(), 0);
      await done();
      await again.stop();
    });
  }
});

describe("the page itself", () => {
  it("is served with a policy that keeps it to itself, and only once", async () => {
    const response = await fetch(server.url);
    const policy = response.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.ok(!policy.includes("unsafe") && !policy.includes("*") && !policy.includes("http"));
    assert.equal(response.headers.get("referrer-policy"), "no-referrer");
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
    const again = await fetch(server.url, { headers: { "if-none-match": response.headers.get("etag") } });
    assert.equal(again.status, 304);
    assert.equal((await fetch(server.url, { method: "HEAD" })).status, 200);
    assert.equal((await fetch(`${server.url}assets/none.js`)).status, 404);
  });

  it("stands still for those who ask for that, and prints whole", async () => {
    const { page, done } = await open("", { reducedMotion: "reduce" });
    await page.evaluate(() => document.getElementById("answer").setAttribute("aria-busy", "true"));
    assert.equal(
      await page.locator("#answer").evaluate((it) => getComputedStyle(it, "::before").animationName),
      "none",
    );
    await ask(page, question);
    await answered(page);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#ask").isVisible(), false);
    assert.equal(await page.locator(".row").first().isVisible(), true);
    if (screenshots) await page.screenshot({ path: join(screenshots, "print.png"), fullPage: true });
    await page.emulateMedia({ media: "screen" });
    await openDocument(page, "logbook");
    await page.emulateMedia({ media: "print" });
    assert.equal(
      await page.locator("#document .document-text").evaluate((it) => it.scrollHeight <= it.clientHeight + 1),
      true,
    );
    await done();
  });

  it("is readable in colors that a system forces", async () => {
    const { page, done } = await open("#pair", { forcedColors: "active" });
    await page.getByRole("button", { name: "Swapped roles" }).click();
    await page.locator("#judgement .heatmap").waitFor();
    await sound(page, "forced-colors");
    await done();
  });
});
