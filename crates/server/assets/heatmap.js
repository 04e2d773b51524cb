// The map of two texts' tokens: a grid with a number in each cell, its color the same number over again.

import { element, number, said, unseen } from "./elements.js";

// Of the tokens of both texts, each with what it weighs for the verdict, and how alike each of one is to each of the other.
export function heatmap(map) {
  const { down, across, similarities } = words(map);
  const heaviest = Math.max(1e-6, ...[...down, ...across].map((it) => Math.abs(it.weight)));
  const readout = element(
    "p",
    { class: "readout", "aria-hidden": "true" },
    "Point at a cell, or walk with the arrow keys.",
  );
  const head = element(
    "tr",
    { role: "row" },
    element("td", { role: "gridcell", class: "corner" }, unseen("Token")),
    across.map((token) => header(token, "col", heaviest)),
  );
  const body = similarities.map((row, i) => {
    const best = row.indexOf(Math.max(...row));
    return element(
      "tr",
      { role: "row" },
      header(down[i], "row", heaviest),
      row.map((value, j) => cell(value, j === best, `${down[i].token} and ${across[j].token}: ${number(value)}`)),
    );
  });
  const grid = element(
    "table",
    {
      role: "grid",
      class: "heatmap",
      "aria-label": "How alike the tokens are, from -1 to 1: those of the query downwards, those of the text across",
    },
    element("thead", { role: "rowgroup" }, head),
    element("tbody", { role: "rowgroup" }, body),
  );
  walk(
    grid,
    body.map((row) => [...row.querySelectorAll("td")]),
    (i, j) => {
      const token = (it) => [said(it.token, "b"), ` (weighs ${number(it.weight, 1)})`];
      readout.replaceChildren(
        element("b", { class: "value" }, number(similarities[i][j])),
        " ",
        ...token(down[i]),
        " and ",
        ...token(across[j]),
      );
    },
  );
  return element(
    "div",
    { class: "map" },
    readout,
    element("div", { class: "scroller" }, grid),
    element(
      "p",
      { class: "note" },
      "The query downwards, the text across. The outlined cell is the best partner of its row. ",
      "The bar at a token is what it weighs for the verdict; a hatched one speaks against it.",
    ),
  );
}

// What stands for the beginning and the end of a text says nothing to people, and is left out.
function words({ query_tokens, candidate_tokens, similarities }) {
  const within = (tokens) => (_, at) => !tokens[at].special;
  return {
    down: query_tokens.filter(within(query_tokens)),
    across: candidate_tokens.filter(within(candidate_tokens)),
    similarities: similarities.filter(within(query_tokens)).map((row) => row.filter(within(candidate_tokens))),
  };
}

function header({ token, weight }, scope, heaviest) {
  const made = element(
    "th",
    { scope, role: `${scope === "col" ? "column" : scope}header`, "data-against": weight < 0 },
    said(token),
    unseen(` weighs ${number(weight, 1)}`),
  );
  made.style.setProperty("--weight", (Math.abs(weight) / heaviest).toFixed(3));
  return made;
}

function cell(value, best, label) {
  const made = element(
    "td",
    { role: "gridcell", tabindex: "-1", "aria-label": label, class: best ? "best" : null },
    short(value),
  );
  made.style.setProperty("--heat", Math.min(1, Math.max(0, value)).toFixed(3));
  return made;
}

// Two digits are enough to compare by eye.
const short = (value) =>
  Math.abs(value) >= 0.995
    ? Math.sign(value).toString()
    : `${value < -0.005 ? "-" : ""}.${Math.abs(value).toFixed(2).slice(2)}`;

// One stop for the Tab key; arrows, Home and End lead from cell to cell.
function walk(grid, cells, show) {
  let [row, column] = [0, 0];
  if (!cells.length || !cells[0].length) return;
  cells[0][0].tabIndex = 0;
  const place = (target) => {
    const found = target.closest("td[tabindex]");
    return found && [found.parentElement.sectionRowIndex, found.cellIndex - 1];
  };
  // A mouse that lies still over a grid that is scrolled by keys points at nothing.
  let walked = false;
  for (const event of ["pointerover", "pointermove"]) {
    grid.addEventListener(event, ({ target, movementX, movementY }) => {
      walked &&= movementX === 0 && movementY === 0;
      const at = !walked && place(target);
      if (at) show(...at);
    });
  }
  grid.addEventListener("focusin", (event) => {
    const at = place(event.target);
    if (!at) return;
    cells[row][column].tabIndex = -1;
    [row, column] = at;
    cells[row][column].tabIndex = 0;
    show(row, column);
  });
  grid.addEventListener("keydown", (event) => {
    const last = [cells.length - 1, cells[row].length - 1];
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? last[0] : row, last[1]],
    }[event.key];
    if (!to) return;
    walked = true;
    event.preventDefault();
    const [i, j] = to.map((it, axis) => Math.min(last[axis], Math.max(0, it)));
    cells[i][j].focus();
  });
}
