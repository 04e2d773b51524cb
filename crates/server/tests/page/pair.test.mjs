// Two texts, the verdict, and the map.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LOOKS, api, fits, open, server, sound } from "./stage.mjs";

describe("comparing two texts", () => {
  const judge = async (page, query, candidate, relation) => {
    await page.getByRole("textbox", { name: "Query" }).fill(query);
    await page.getByLabel("Text to judge").fill(candidate);
    await page.getByLabel(relation).check();
    await page.getByRole("button", { name: "Judge" }).click();
    await page.locator("#judgement:not([aria-busy]) .why:not([aria-busy]) .heatmap").waitFor();
  };
  for (const look of LOOKS) {
    it(`shows verdict, probabilities and map, ${look.width} px, ${look.scheme}`, async () => {
      const { page, done } = await open("#pair", look);
      await sound(page, `pair-start-${look.width}-${look.scheme}`);
      await page.getByRole("button", { name: "Swapped roles" }).click();
      await page.locator("#judgement .heatmap").waitFor();
      const [query, candidate] = [
        await page.locator("#pair-query").inputValue(),
        await page.locator("#pair-candidate").inputValue(),
      ];
      const answer = await api("v1/explain", { query, candidate, relation: "support" });
      assert.equal(await page.locator("#judgement .badge").innerText(), answer.verdict);
      assert.deepEqual(
        await page.locator("#judgement .probabilities .value").allInnerTexts(),
        [answer.p_match, answer.p_conflict].map((it) => it.toFixed(3)),
      );
      assert.equal(await page.locator("#judgement .kind b").innerText(), answer.kind);
      const inner = (tokens) => tokens.filter((it) => !it.special);
      const { map } = answer;
      assert.deepEqual(
        await page.locator(".heatmap tbody th bdi").allInnerTexts(),
        inner(map.query_tokens).map((it) => it.token),
      );
      assert.deepEqual(
        await page.locator(".heatmap thead th bdi").allInnerTexts(),
        inner(map.candidate_tokens).map((it) => it.token),
      );
      const labels = await page
        .locator(".heatmap tbody td")
        .evaluateAll((cells) => cells.map((cell) => cell.ariaLabel));
      const expected = map.query_tokens.flatMap((down, i) =>
        map.candidate_tokens.flatMap((across, j) =>
          down.special || across.special
            ? []
            : [`${down.token} and ${across.token}: ${map.similarities[i][j].toFixed(2)}`],
        ),
      );
      assert.deepEqual(labels, expected);
      assert.match(await page.locator("#status").innerText(), /reject\. It contradicts/);
      await page.evaluate(() => document.querySelector(".explained").scrollIntoView());
      await sound(page, `pair-${look.width}-${look.scheme}`);
      await done();
    });
  }

  it("judges any two texts, either way, and marks what was read", async () => {
    const { page, done } = await open("#pair", { width: 768 });
    const padding = "🎣 The pier was repainted in June 🧑🏽‍🎨. ".repeat(40);
    const candidate = `${padding}The harbour master closed the gate at noon. ${padding}`;
    await judge(page, "The harbour master closed the gate.", candidate, "Does the text support the query");
    const {
      results: [result],
    } = await api("v1/verify", {
      query: "The harbour master closed the gate.",
      candidates: [candidate],
      relation: "support",
    });
    assert.equal(await page.locator("#judgement mark").textContent(), result.window.text);
    assert.equal(await page.locator("#judgement .whole").textContent(), candidate);
    assert.equal(
      [...(await page.locator("#judgement .whole span").evaluate((it) => it.firstChild.textContent))].length,
      result.window.start,
    );
    assert.ok(result.window.start > 100 && result.verdict === "accept", JSON.stringify(result));

    await judge(page, "The cat chased the dog.", "The dog was chased by the cat.", "Do both mean the same");
    assert.equal(await page.locator("#judgement .badge").innerText(), "accept");
    assert.match(await page.locator("#judgement .reason").innerText(), /says the same/);
    assert.ok(page.url().includes("relation=equivalence"));
    const address = page.url();
    await page.getByRole("button", { name: "Swap the two texts" }).click();
    assert.equal(await page.getByLabel("Text to judge").inputValue(), "The cat chased the dog.");
    await done();
    const shared = await open(address.slice(server.url.length));
    await shared.page.locator(".heatmap").waitFor();
    assert.equal(await shared.page.getByLabel("Do both mean the same").isChecked(), true);
    await shared.done();
  });

  it("has a map for a hand and for a mouse", async () => {
    const { page, done } = await open("#pair", { width: 360, height: 740 });
    await judge(
      page,
      "The nurse who works at the clinic on the hill thanked the baker for the bread.",
      "The baker thanked the nurse for the bread that she had brought from the clinic on the hill.",
      "Does the text support the query",
    );
    const scroller = page.locator(".scroller");
    assert.ok(await scroller.evaluate((it) => it.scrollWidth > it.clientWidth), "a wide map scrolls within its box");
    await fits(page);
    assert.equal(await page.locator('.heatmap td[tabindex="0"]').count(), 1, "one stop for the Tab key");
    await page.locator('.heatmap td[tabindex="0"]').focus();
    const at = () =>
      page.evaluate(() => [document.activeElement.parentElement.sectionRowIndex, document.activeElement.cellIndex - 1]);
    for (const [key, place] of [
      ["ArrowRight", [0, 1]],
      ["ArrowDown", [1, 1]],
      ["ArrowLeft", [1, 0]],
      ["ArrowLeft", [1, 0]],
      ["ArrowUp", [0, 0]],
    ]) {
      await page.keyboard.press(key);
      assert.deepEqual(await at(), place, key);
    }
    await page.keyboard.press("Control+End");
    const [cells, rows] = await page
      .locator(".heatmap")
      .evaluate((it) => [it.rows[1].cells.length - 1, it.tBodies[0].rows.length]);
    assert.deepEqual(await at(), [rows - 1, cells - 1]);
    const label = await page.evaluate(() => document.activeElement.ariaLabel);
    assert.ok(label.endsWith(await page.locator(".readout .value").innerText()), "the readout says what the cell says");
    const sight = await page.evaluate(() => {
      const [cell, head, box] = [
        document.activeElement,
        document.activeElement.parentElement.cells[0],
        document.querySelector(".scroller"),
      ].map((it) => it.getBoundingClientRect());
      return cell.left >= head.right - 1 && cell.right <= box.right + 1;
    });
    assert.ok(sight, "the cell in focus is in sight");
    await page.keyboard.press("Home");
    assert.deepEqual(await at(), [rows - 1, 0]);
    await page.locator(".heatmap tbody td").nth(2).hover();
    assert.match(await page.locator(".readout").innerText(), /^-?\d\.\d\d the/);
    await sound(page, "map-360");
    await done();
  });
});
