/* Sending data by hand: a grid that takes what was copied from a spreadsheet, and recording that goes on by itself. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const going = document.getElementById("going");
  if (going) { setTimeout(() => going.submit(), 300); }
  const grid = document.getElementById("grid");
  if (!grid) { return; }
  const body = grid.querySelector("tbody");
  const ROWS_MOST = 200;
  function addRow() {
    const fresh = body.rows[body.rows.length - 1].cloneNode(true);
    const number = body.rows.length + 1;
    fresh.cells[0].textContent = number;
    fresh.querySelectorAll("input").forEach((input) => {
      input.value = "";
      input.setAttribute("aria-label", input.getAttribute("aria-label").replace(/\d+$/, number));
    });
    body.append(fresh);
    return fresh;
  }
  document.getElementById("more-rows").onclick = () => { addRow().querySelector("input").focus(); };
  grid.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text/plain");
    const at = event.target.closest("td");
    if (!at || !/[\t\n]/.test(text)) { return; }
    event.preventDefault();
    const lines = text.replace(/\r/g, "").replace(/\n$/, "").split("\n").slice(0, ROWS_MOST);
    const first = at.parentElement.sectionRowIndex;
    lines.forEach((line, down) => {
      while (body.rows.length <= first + down) { addRow(); }
      line.split("\t").forEach((value, right) => {
        const cell = body.rows[first + down].cells[at.cellIndex + right];
        const input = cell && cell.querySelector("input");
        if (input) { input.value = value.trim(); }
      });
    });
  });
});
