// A document: its marks, its harmlessness, its direction, and how one gets there and back.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { documents, question } from "./documents.mjs";
import { serve } from "./running.mjs";
import { answered, ask, folder, open, openDocument, search, server, sound } from "./stage.mjs";

describe("a document", () => {
  it("is shown with the sentence that decided marked, wherever that stands", async () => {
    const { page, done } = await open("", { height: 700 });
    await page.getByLabel("Hits").selectOption("20");
    await ask(page, question);
    await answered(page);
    const answer = await search({ k: 20 });
    let marks = 0;
    for (const id of ["faq/dogs?", "logbook", "rules", "arabic", "unbroken", "untitled"]) {
      const { window } = [...answer.hits, ...answer.rejected].find((it) => it.id === id);
      // What is not verified has none.
      if (!window) continue;
      marks += 1;
      const { text } = documents.find((it) => it.id === id);
      await openDocument(page, id);
      const whole = page.locator("#document .whole");
      assert.equal(await whole.textContent(), text, id);
      const mark = whole.locator("mark");
      assert.equal(await mark.textContent(), window.text, id);
      // In code points, as the server counts: an emoji before it is one, two units here, and four bytes.
      const before = await whole.evaluate((it) => it.firstChild.textContent);
      assert.deepEqual(
        [[...before].length, [...before].length + [...window.text].length],
        [window.start, window.end],
        id,
      );
      const [inner, outer] = await page
        .locator("#document")
        .evaluate((dialog) =>
          [".document-text mark", ".document-text"].map((it) =>
            dialog.querySelector(it).getBoundingClientRect().toJSON(),
          ),
        );
      assert.ok(inner.top >= outer.top && inner.top < outer.bottom, `${id}: the mark is in sight`);
      await page.keyboard.press("Escape");
      await page.locator("#document").waitFor({ state: "hidden" });
    }
    const start = (id) => [...answer.hits, ...answer.rejected].find((it) => it.id === id).window.start;
    assert.ok(marks > 3 && start("faq/dogs?") > 50 && start("logbook") > 5000);
    await done();
  });

  it("cannot become part of the page", async () => {
    const hostile = documents.find((it) => it.id.startsWith("<img"));
    const { page, done } = await open("", { width: 360, height: 740 });
    await ask(page, question);
    await answered(page);
    await openDocument(page, hostile.id);
    assert.equal(await page.locator("#document-title").textContent(), hostile.title);
    assert.equal(await page.locator("#document .whole").textContent(), hostile.text);
    assert.ok((await page.locator("#document .metadata").textContent()).includes("<b>name</b><i>value</i>"));
    assert.equal(await page.locator("main script, main img, dialog script, dialog img").count(), 0);
    assert.equal(await page.title(), `${question} · vetted`);
    // What turns the direction of letters stays within the text.
    assert.ok(
      await page
        .locator("#document .whole")
        .evaluate((it) => ["isolate", "plaintext"].includes(getComputedStyle(it).unicodeBidi)),
    );
    await sound(page, "hostile");
    await page.keyboard.press("Escape");
    await ask(page, "<img src=x onerror=document.title='owned'> \" ' & <script>");
    await answered(page);
    assert.equal(await page.locator("main img, main script").count(), 0);
    await done();
  });

  it("reads from right to left where its text does", async () => {
    const { page, done } = await open("", { width: 768 });
    await ask(page, question);
    await answered(page);
    const row = page.locator('.row[data-id="arabic"]');
    const direction = (locator) => locator.evaluate((it) => getComputedStyle(it).direction);
    assert.equal(await direction(row.locator(".snippet")), "rtl");
    assert.equal(await direction(row.locator(".open")), "rtl");
    assert.equal(await direction(row.locator(".decisive")), "ltr");
    assert.equal(await direction(page.locator(".row[data-id='rules'] .snippet")), "ltr");
    await openDocument(page, "arabic");
    assert.equal(await direction(page.locator("#document .whole")), "rtl");
    await page.keyboard.press("Escape");
    await page.locator("#question").fill("هل الكلاب مسموح بها؟");
    assert.equal(await direction(page.locator("#question")), "rtl");
    await done();
  });

  it("can be gone through, left, shared, and found again by the browser's way back", async () => {
    const { page, done } = await open("");
    await ask(page, question);
    await answered(page);
    const ids = await page.locator("#answer > .rows > .row").evaluateAll((rows) => rows.map((row) => row.dataset.id));
    await page.locator(".row .open").first().click();
    const title = page.locator("#document-title");
    assert.equal(await page.getByRole("button", { name: "Previous document" }).isDisabled(), true);
    await page.getByRole("button", { name: "Next document" }).click();
    const second = documents.find((it) => it.id === ids[1]);
    assert.equal(await title.textContent(), second.title || second.id);
    assert.ok(
      await page.getByRole("button", { name: "Next document" }).evaluate((it) => it === document.activeElement),
    );
    const address = page.url();
    await page.getByRole("button", { name: "Close" }).click();
    assert.ok(
      await page
        .locator(".row .open")
        .nth(1)
        .evaluate((it) => it === document.activeElement),
    );
    assert.ok(!page.url().includes("document="));

    const shared = await open(address.slice(server.url.length), { width: 768 });
    await shared.page.locator("#document .whole").waitFor();
    assert.equal(await shared.page.locator("#document-title").textContent(), second.title || second.id);
    await shared.page.goBack().catch(() => {});
    await shared.done();

    await page.locator(".row .open").first().click();
    await title.waitFor();
    await page.goBack();
    await page.locator("#document").waitFor({ state: "hidden" });
    assert.equal((await page.locator(".row").count()) > 0, true);
    await page.getByRole("link", { name: "Compare two texts" }).click();
    assert.ok((await page.locator("#pair-view").isVisible()) && (await page.locator("#ask-view").isHidden()));
    await page.getByRole("link", { name: "Ask an index" }).click();
    await answered(page);
    assert.equal(await page.locator("#question").inputValue(), question);
    await page.goBack();
    assert.ok(await page.locator("#pair-view").isVisible());
    await done();
  });

  it("says so when it is gone", async () => {
    const run = await serve(["--index", `notes=${join(folder, "one-document")}`]);
    const put = await fetch(`${run.url}v1/documents`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: "short", text: "The lighthouse was painted red." }),
    });
    assert.equal(put.status, 200);
    const { page, done } = await open("", { server: run });
    await ask(page, "The lighthouse was painted red.");
    await answered(page);
    assert.equal((await fetch(`${run.url}v1/documents/short`, { method: "DELETE" })).ok, true);
    await page.locator(".row .open").click();
    await page.getByText("The document cannot be shown").waitFor();
    assert.match(await page.locator(".document-text").innerText(), /The lighthouse was painted red/);
    await sound(page, "document-gone");
    await done();
    await run.stop();
  });
});
