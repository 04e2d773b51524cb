// Clicks through the page as a person would, and looks at what is there. Run by page.sh.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { documents, lines, question } from "./documents.mjs";
import { run, serve, startBrowser } from "./running.mjs";

const axe = readFileSync(new URL("./node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const screenshots = process.env.SCREENSHOTS;
const folder = mkdtempSync(join(tmpdir(), "vetted-page-"));
let browser;
let server;

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
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// A page, and everything that must never happen on it.
async function open(address, { width = 1440, height = 900, scheme = "light", server: at = server, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("console", (message) => { if (/Content.Security.Policy|TrustedHTML|Trusted Type/i.test(message.text())) wrong.push(message.text()); });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(at.url)) wrong.push(`request to another place: ${url}`);
    if (url.includes("Dogs") || url.includes("upper")) wrong.push(`the question is in the address of a request: ${url}`);
  });
  await page.goto(at.url + address);
  await page.locator("#ask-view, #pair-view").locator("visible=true").first().waitFor();
  return { page, wrong, done: async () => { assert.deepEqual(wrong, []); await context.close(); } };
}

const ask = async (page, text) => {
  await page.locator("#question").fill(text);
  await page.getByRole("button", { name: "Ask", exact: true }).click();
};
const answered = (page) => page.locator("#answer:not([aria-busy]) .outcome").waitFor();
const openDocument = async (page, id) => {
  const title = documents.find((it) => it.id === id).title || id;
  await page.locator(".row").getByRole("button", { name: title, exact: true }).click();
  await page.locator("#document .document-text:not([aria-busy]) .whole").waitFor();
  await page.locator("#document .why:not([aria-busy])").waitFor();
};
const api = async (path, body, headers = {}) => {
  const response = await fetch(server.url + path, {
    method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers: { "content-type": "application/json", ...headers },
  });
  assert.equal(response.status, 200, path);
  return response.json();
};
const search = (more = {}) => api("v1/search", { index: "notes", query: question, k: 10, mode: "dense", verify: "filter", depth: 20, ...more });

// Nothing to scroll sideways, but within boxes that are made for it.
async function fits(page) {
  const wide = await page.evaluate(() => {
    const boxes = [document.documentElement, ...document.querySelectorAll("dialog[open], .row, .panel, .document-text")];
    return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => `${box.tagName}.${box.className}#${box.id} ${box.scrollWidth} > ${box.clientWidth}`);
  });
  assert.deepEqual(wide, []);
}

async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  assert.deepEqual(violations.map((it) => [it.id, it.help, it.nodes.map((node) => node.html.slice(0, 200))]), []);
}

// All that holds in every state of the page.
async function sound(page, name) {
  if (screenshots) await page.screenshot({ path: join(screenshots, `${name}.png`) });
  await fits(page);
  await accessible(page);
}

const LOOKS = [360, 768, 1440].flatMap((width) => ["light", "dark"].map((scheme) => ({ width, scheme, height: width < 500 ? 740 : 900 })));

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
      const rows = await page.locator("#answer > .rows > .row").evaluateAll((rows) => rows.map((row) => ({
        id: row.dataset.id, verdict: row.dataset.verdict, leftOut: "leftOut" in row.dataset,
        recalled: row.querySelector(".found .rank").innerText, served: row.querySelector(".vetted .rank").innerText,
        decisive: row.querySelector(".decisive")?.textContent, values: [...row.querySelectorAll(".value")].map((it) => it.textContent),
        kind: row.querySelector(".kind b")?.textContent, reason: row.querySelector(".reason").textContent,
      })));
      const last = Math.max(...answer.hits.map((hit) => hit.recall_rank));
      const expected = [...answer.hits, ...answer.rejected].filter((it) => it.recall_rank <= last).sort((a, b) => a.recall_rank - b.recall_rank);
      assert.deepEqual(rows.map((row) => row.id), expected.map((it) => it.id));
      for (const [at, row] of rows.entries()) {
        const { rank, recall_rank, verdict, window, p_match, p_conflict, kind } = expected[at];
        assert.match(row.recalled, new RegExp(`\\b${recall_rank}\\b`));
        assert.equal(row.leftOut, rank === undefined);
        if (rank !== undefined) assert.match(row.served, new RegExp(`\\b${rank}\\b`));
        assert.equal(row.verdict, verdict);
        assert.equal(row.decisive, window?.text.trim());
        if (window) {
          assert.deepEqual(row.values, [p_match, p_conflict].map((it) => it.toFixed(3)));
          assert.equal(row.kind ?? null, kind);
        }
      }
      const draft = rows.find((row) => row.id === "rules-draft");
      assert.ok(draft.leftOut && draft.reason === "It contradicts the query." && draft.kind === "negation", JSON.stringify(draft));
      assert.ok(answer.verified && rows.some((row) => row.verdict === "accept"));

      // The two cells of a row stand side by side where there is room, and the two headings above them.
      const boxes = await page.locator(".row").first().evaluate((row) => [".found", ".vetted"].map((cell) => row.querySelector(cell).getBoundingClientRect().toJSON()));
      assert.equal(boxes[0].top === boxes[1].top && boxes[0].right < boxes[1].left, look.width > 360);
      assert.equal((await page.getByRole("heading", { name: "Vetted order" }).boundingBox()).width > 100, look.width > 360);
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
    assert.ok(await page.locator('.row[data-verdict="unverified"]').count() > 30);
    assert.match(await page.locator('.row[data-verdict="unverified"] .reason').first().innerText(), /^Not verified: it stands deeper/);
    await sound(page, "fifty");
    for (const mode of ["bm25", "hybrid", "hybrid-rrf"]) {
      await page.getByLabel("Recall by").selectOption(mode);
      await page.waitForFunction((mode) => location.hash.includes(`mode=${mode}&`), mode);
      await answered(page);
    }
    assert.deepEqual(bodies.map((body) => body.mode), ["dense", "bm25", "hybrid", "hybrid-rrf"]);
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
    assert.equal(await page.locator(".row").first().getAttribute("data-id"), [...(await search()).hits, ...(await search()).rejected].find((it) => it.recall_rank === 1).id);
    assert.match(await page.locator(".request pre").textContent(), /upper deck/);
    await done();
  });
});

describe("a document", () => {
  it("is shown with the sentence that decided marked, wherever that stands", async () => {
    const { page, done } = await open("", { height: 700 });
    await page.getByLabel("Hits").selectOption("20");
    await ask(page, question);
    await answered(page);
    const answer = await search({ k: 20 });
    for (const id of ["faq/dogs?", "logbook", "rules", "arabic", "unbroken", "untitled"]) {
      const { window } = [...answer.hits, ...answer.rejected].find((it) => it.id === id);
      const { text } = documents.find((it) => it.id === id);
      await openDocument(page, id);
      const whole = page.locator("#document .whole");
      assert.equal(await whole.textContent(), text, id);
      const mark = whole.locator("mark");
      assert.equal(await mark.textContent(), window.text, id);
      // In code points, as the server counts: an emoji before it is one, two units here, and four bytes.
      const before = await whole.evaluate((it) => it.firstChild.textContent);
      assert.deepEqual([[...before].length, [...before].length + [...window.text].length], [window.start, window.end], id);
      const [inner, outer] = await page.locator("#document").evaluate((dialog) => [".document-text mark", ".document-text"].map((it) => dialog.querySelector(it).getBoundingClientRect().toJSON()));
      assert.ok(inner.top >= outer.top && inner.top < outer.bottom, `${id}: the mark is in sight`);
      await page.keyboard.press("Escape");
      await page.locator("#document").waitFor({ state: "hidden" });
    }
    assert.ok((await search({ k: 20 })).hits.concat(answer.rejected).find((it) => it.id === "logbook").window.start > 5000);
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
    assert.ok(await page.locator("#document .whole").evaluate((it) => ["isolate", "plaintext"].includes(getComputedStyle(it).unicodeBidi)));
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
    assert.ok(await page.getByRole("button", { name: "Next document" }).evaluate((it) => it === document.activeElement));
    const address = page.url();
    await page.getByRole("button", { name: "Close" }).click();
    assert.ok(await page.locator(".row .open").nth(1).evaluate((it) => it === document.activeElement));
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
    assert.equal(await page.locator(".row").count() > 0, true);
    await page.getByRole("link", { name: "Compare two texts" }).click();
    assert.ok(await page.locator("#pair-view").isVisible() && await page.locator("#ask-view").isHidden());
    await page.getByRole("link", { name: "Ask an index" }).click();
    await answered(page);
    assert.equal(await page.locator("#question").inputValue(), question);
    await page.goBack();
    assert.ok(await page.locator("#pair-view").isVisible());
    await done();
  });

  it("says so when it is gone", async () => {
    const run = await serve(["--index", `notes=${join(folder, "empty")}`]);
    const put = await fetch(`${run.url}v1/documents`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ id: "short", text: "The lighthouse was painted red." }) });
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
      const [query, candidate] = [await page.locator("#pair-query").inputValue(), await page.locator("#pair-candidate").inputValue()];
      const answer = await api("v1/explain", { query, candidate, relation: "support" });
      assert.equal(await page.locator("#judgement .badge").innerText(), answer.verdict);
      assert.deepEqual(await page.locator("#judgement .probabilities .value").allInnerTexts(), [answer.p_match, answer.p_conflict].map((it) => it.toFixed(3)));
      assert.equal(await page.locator("#judgement .kind b").innerText(), answer.kind);
      const inner = (tokens) => tokens.filter((it) => !it.special);
      const { map } = answer;
      assert.deepEqual(await page.locator(".heatmap tbody th bdi").allInnerTexts(), inner(map.query_tokens).map((it) => it.token));
      assert.deepEqual(await page.locator(".heatmap thead th bdi").allInnerTexts(), inner(map.candidate_tokens).map((it) => it.token));
      const labels = await page.locator(".heatmap tbody td").evaluateAll((cells) => cells.map((cell) => cell.ariaLabel));
      const expected = map.query_tokens.flatMap((down, i) => map.candidate_tokens.flatMap((across, j) =>
        down.special || across.special ? [] : [`${down.token} and ${across.token}: ${map.similarities[i][j].toFixed(2)}`]));
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
    const { results: [result] } = await api("v1/verify", { query: "The harbour master closed the gate.", candidates: [candidate], relation: "support" });
    assert.equal(await page.locator("#judgement mark").textContent(), result.window.text);
    assert.equal(await page.locator("#judgement .whole").textContent(), candidate);
    assert.equal([...await page.locator("#judgement .whole span").evaluate((it) => it.firstChild.textContent)].length, result.window.start);
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
    await judge(page, "The nurse who works at the clinic on the hill thanked the baker for the bread.", "The baker thanked the nurse for the bread that she had brought from the clinic on the hill.", "Does the text support the query");
    const scroller = page.locator(".scroller");
    assert.ok(await scroller.evaluate((it) => it.scrollWidth > it.clientWidth), "a wide map scrolls within its box");
    await fits(page);
    assert.equal(await page.locator('.heatmap td[tabindex="0"]').count(), 1, "one stop for the Tab key");
    await page.locator('.heatmap td[tabindex="0"]').focus();
    const at = () => page.evaluate(() => [document.activeElement.parentElement.sectionRowIndex, document.activeElement.cellIndex - 1]);
    for (const [key, place] of [["ArrowRight", [0, 1]], ["ArrowDown", [1, 1]], ["ArrowLeft", [1, 0]], ["ArrowLeft", [1, 0]], ["ArrowUp", [0, 0]]]) {
      await page.keyboard.press(key);
      assert.deepEqual(await at(), place, key);
    }
    await page.keyboard.press("Control+End");
    const [cells, rows] = await page.locator(".heatmap").evaluate((it) => [it.rows[1].cells.length - 1, it.tBodies[0].rows.length]);
    assert.deepEqual(await at(), [rows - 1, cells - 1]);
    const label = await page.evaluate(() => document.activeElement.ariaLabel);
    assert.ok(label.endsWith(await page.locator(".readout .value").innerText()), "the readout says what the cell says");
    const sight = await page.evaluate(() => {
      const [cell, head, box] = [document.activeElement, document.activeElement.parentElement.cells[0], document.querySelector(".scroller")].map((it) => it.getBoundingClientRect());
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
    assert.equal(await page.locator("#answer").evaluate((it) => getComputedStyle(it, "::before").animationName), "none");
    await ask(page, question);
    await answered(page);
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#ask").isVisible(), false);
    assert.equal(await page.locator(".row").first().isVisible(), true);
    if (screenshots) await page.screenshot({ path: join(screenshots, "print.png"), fullPage: true });
    await page.emulateMedia({ media: "screen" });
    await openDocument(page, "logbook");
    await page.emulateMedia({ media: "print" });
    assert.equal(await page.locator("#document .document-text").evaluate((it) => it.scrollHeight <= it.clientHeight + 1), true);
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
