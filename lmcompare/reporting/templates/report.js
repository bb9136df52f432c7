"use strict";
// Hints that need this script.
for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
// Tables: a click on a column's head sorts by it; a second click turns the order round.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => {
        const cell = row.cells[column];
        const number = cell.dataset.sort === undefined ? NaN : Number(cell.dataset.sort);
        return { number, text: cell.textContent.trim() };
      };
      const order = (one, other) => {
        const a = key(one), b = key(other);
        // What was not measured stays at the end, whichever way the rest is sorted.
        if (Number.isNaN(a.number) !== Number.isNaN(b.number)) return Number.isNaN(a.number) ? 1 : -1;
        const difference = Number.isNaN(a.number) ? a.text.localeCompare(b.text) :
          a.number === b.number ? 0 : a.number < b.number ? -1 : 1;
        return up ? difference : -difference;
      };
      body.append(...Array.from(body.rows).sort(order));
    });
  });
}
// Sentences: one at a time; without this script all of them are shown.
const select = document.getElementById("which-sentence");
if (select) {
  const sentences = Array.from(document.querySelectorAll(".sentence"));
  const show = () => sentences.forEach((part, index) => { part.hidden = index !== select.selectedIndex; });
  document.getElementById("which").hidden = false;
  select.addEventListener("change", show);
  show();
}
