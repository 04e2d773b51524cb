// A question to an index, and what is answered.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { documents, question } from "./documents.mjs";
import { LOOKS, answered, ask, open, openDocument, search, sound } from "./stage.mjs";

describe("asking an index", () => {
  for (const look of LOOKS) {
    it(`shows recall's order beside the vetted order, ${look.width} px, ${look.scheme}`, async () => {
      const name = (state) => `${state}-${look.width}-${look.scheme}`;
      const { page, done } = await open("", look);
      await page.locator(".introduction").waitFor();
      await sound(page, name("start"));
      await ask(page, question);
      await answered(page);

      const answer = await search();
      const rows = await page.locator("#answer > .rows > .row").evaluateAll((rows) =>
        rows.map((row) => ({
          id: row.dataset.id,
          verdict: row.dataset.verdict,
          leftOut: "leftOut" in row.dataset,
          recalled: row.querySelector(".found .rank").innerText,
          served: row.querySelector(".vetted .rank").innerText,
          decisive: row.querySelector(".decisive")?.textContent,
          values: [...row.querySelectorAll(".value")].map((it) => it.textContent),
          kind: row.querySelector(".kind b")?.textContent,
          reason: row.querySelector(".reason").textContent,
        })),
      );
      const last = Math.max(...answer.hits.map((hit) => hit.recall_rank));
      const expected = [...answer.hits, ...answer.rejected]
        .filter((it) => it.recall_rank <= last)
        .sort((a, b) => a.recall_rank - b.recall_rank);
      assert.deepEqual(
        rows.map((row) => row.id),
        expected.map((it) => it.id),
      );
      for (const [at, row] of rows.entries()) {
        const { rank, recall_rank, verdict, window, p_match, p_conflict, kind } = expected[at];
        assert.match(row.recalled, new RegExp(`\\b${recall_rank}\\b`));
        assert.equal(row.leftOut, rank === undefined);
        if (rank !== undefined) assert.match(row.served, new RegExp(`\\b${rank}\\b`));
        assert.equal(row.verdict, verdict);
        assert.equal(row.decisive, window?.text.trim());
        if (window) {
          assert.deepEqual(
            row.values,
            [p_match, p_conflict].map((it) => it.toFixed(3)),
          );
          assert.equal(row.kind ?? null, kind);
        }
      }
      const draft = rows.find((row) => row.id === "rules-draft");
      assert.ok(
        draft.leftOut && draft.reason === "It contradicts the query." && draft.kind === "negation",
        JSON.stringify(draft),
      );
      assert.ok(answer.verified && rows.some((row) => row.verdict === "accept"));

      // The two cells of a row stand side by side where there is room, and the two headings above them.
      const boxes = await page
        .locator(".row")
        .first()
        .evaluate((row) =>
          [".found", ".vetted"].map((cell) => row.querySelector(cell).getBoundingClientRect().toJSON()),
        );
      assert.equal(boxes[0].top === boxes[1].top && boxes[0].right < boxes[1].left, look.width > 360);
      assert.equal(
        (await page.getByRole("heading", { name: "Vetted order" }).boundingBox()).width > 100,
        look.width > 360,
      );
      assert.match(await page.locator(".stages").innerText(), /encode[^]*recall[^]*verify[^]*documents[^]*in all/);
      assert.match(await page.locator("#status").innerText(), /vouched for/);
      await sound(page, name("answer"));
      await page.locator("summary", { hasText: "The same by HTTP" }).click();
      await sound(page, name("answer-request"));

      await openDocument(page, "rules-draft");
      await sound(page, name("document"));
      await page.getByRole("button", { name: "Close" }).click();
      await openDocument(page, "arabic");
      await sound(page, name("document-arabic"));
      await done();
    });
  }

  it("gives a command that does the same", async () => {
    const { page, done } = await open("");
    await ask(page, "It's “here”: 🐶 $HOME \\");
    await answered(page);
    const command = await page.locator(".request pre").textContent();
    const { spawnSync } = await import("node:child_process");
    const { status, stdout } = spawnSync("bash", ["-c", `${command} --silent --fail`], { encoding: "utf8" });
    assert.equal(status, 0);
    assert.equal(JSON.parse(stdout).query, "It's “here”: 🐶 $HOME \\");
    await done();
  });

  it("sends what is chosen, and shows many hits", async () => {
    const { page, done } = await open("", { width: 768 });
    const bodies = [];
    page.on("request", (request) => request.url().endsWith("v1/search") && bodies.push(request.postDataJSON()));
    await page.getByLabel("Hits").selectOption("50");
    await page.getByLabel("Verify the first").selectOption("10");
    await ask(page, question);
    await answered(page);
    assert.equal(await page.locator(".row:not([data-left-out])").count(), 50);
    assert.ok((await page.locator('.row[data-verdict="unverified"]').count()) > 30);
    assert.match(
      await page.locator('.row[data-verdict="unverified"] .reason').first().innerText(),
      /^Not verified: it stands deeper/,
    );
    await sound(page, "fifty");
    for (const mode of ["bm25", "hybrid", "hybrid-rrf"]) {
      await page.getByLabel("Recall by").selectOption(mode);
      await page.waitForFunction((mode) => location.hash.includes(`mode=${mode}&`), mode);
      await answered(page);
    }
    assert.deepEqual(
      bodies.map((body) => body.mode),
      ["dense", "bm25", "hybrid", "hybrid-rrf"],
    );
    assert.deepEqual(bodies[0], { index: "notes", query: question, k: 50, mode: "dense", verify: "filter", depth: 10 });
    await page.getByLabel("Recall by").selectOption("bm25");
    await ask(page, "xylophones zeppelins");
    await page.getByText("Nothing was found.").locator("visible=true").first().waitFor();
    await page.getByText("Recall by meaning finds other words, too.").waitFor();
    await sound(page, "nothing-found");
    await page.getByLabel("Index", { exact: true }).selectOption("empty");
    await page.getByText("This index is empty.").waitFor();
    await sound(page, "empty-index");
    await done();
  });

  it("shows the latest question's answer, however fast one asks", async () => {
    const { page, done } = await open("");
    const field = page.locator("#question");
    for (const text of ["Is the library closed?", "The museum sells tickets.", question]) {
      await field.fill(text);
      await field.press("Enter");
    }
    await answered(page);
    assert.equal(
      await page.locator(".row").first().getAttribute("data-id"),
      [...(await search()).hits, ...(await search()).rejected].find((it) => it.recall_rank === 1).id,
    );
    assert.match(await page.locator(".request pre").textContent(), /upper deck/);
    await done();
  });
});
