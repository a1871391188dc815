/* The builder of a recall scope: one more condition, one more block, values offered, a count while typing. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const form = document.getElementById("scope-form");
  const blocks = document.getElementById("blocks");
  const spare = document.getElementById("spare-row");
  if (!form || !blocks || !spare) { return; }
  const all = (selector, root) => Array.from((root || form).querySelectorAll(selector));
  let later = null;

  function count() {
    clearTimeout(later);
    later = setTimeout(() => { if (window.htmx) { window.htmx.trigger(form, "medloom:count"); } }, 250);
  }

  /* names follow the places: the server reads them in this order */
  function number() {
    all("[data-block]").forEach((block, at) => {
      const join = block.querySelector("[data-join]");
      join.name = "join" + at;
      join.hidden = at === 0;
      block.querySelector("[data-drop-block]").hidden = at === 0;
      block.querySelector("[data-way]").name = "way" + at;
      all("[data-row]", block).forEach((row, line) => {
        ["name", "value", "low", "high"].forEach((part) => { row.querySelector("[data-" + part + "]").name = part + at + "-" + line; });
        row.querySelector("datalist").id = "offer" + at + "-" + line;
        row.querySelector("[data-value]").setAttribute("list", "offer" + at + "-" + line);
      });
    });
  }

  function suit(row) {
    const name = row.querySelector("[data-name]");
    const kind = name.selectedOptions[0].dataset.kind;
    const changed = row.dataset.kind !== kind;
    row.dataset.kind = kind;
    const words = { day: "YYYY-MM-DD", moment: "YYYY-MM-DDThh:mm+08:00", number: "0.00" };
    all("[data-low],[data-high]", row).forEach((input) => {
      if (input._flatpickr && kind !== "day") { input._flatpickr.destroy(); }
      input.placeholder = words[kind] || "";
      input.inputMode = kind === "number" ? "decimal" : "text";
      if (kind === "day" && window.flatpickr && !input._flatpickr) {
        const chinese = document.documentElement.lang === "zh-CN" && window.flatpickr.l10ns.zh;
        window.flatpickr(input, { allowInput: true, dateFormat: "Y-m-d", locale: chinese || "default" });
      }
      if (changed) { input.value = ""; }
    });
    if (changed) { row.querySelector("[data-value]").value = ""; row.querySelector("datalist").replaceChildren(); }
  }

  function offer(row) {
    const box = row.querySelector("[data-value]");
    const name = row.querySelector("[data-name]").value;
    fetch("/scope/values/" + name + "/?" + new URLSearchParams({ q: box.value.split(/[,，;；]/).pop().trim() }), { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : { keys: [] }))
      .then((found) => box.list && box.list.replaceChildren(...found.keys.map((key) => { const one = document.createElement("option"); one.value = key; return one; })))
      .catch(() => {});
  }

  function wireRow(row) {
    let soon = null;
    suit(row);
    row.querySelector("[data-name]").onchange = () => { suit(row); row.querySelector(row.dataset.kind === "key" ? "[data-value]" : "[data-low]").focus(); count(); };
    const box = row.querySelector("[data-value]");
    box.onfocus = () => offer(row);
    box.oninput = () => { clearTimeout(soon); soon = setTimeout(() => offer(row), 150); count(); };
    all("[data-low],[data-high]", row).forEach((input) => {
      input.oninput = count;
      input.onchange = count;
      /* the calendar keeps Enter to itself: here it asks, as in every other field */
      input.onkeydown = (event) => { if (event.key === "Enter" && input._flatpickr) { setTimeout(() => form.requestSubmit(), 0); } };
    });
    row.querySelector("[data-drop-row]").onclick = () => {
      const block = row.closest("[data-block]");
      if (all("[data-row]", block).length > 1) { row.remove(); } else { box.value = ""; all("[data-low],[data-high]", row).forEach((input) => { input.value = ""; }); }
      number();
      count();
    };
  }

  function addRow(block, name) {
    const holder = document.createElement("div");
    holder.innerHTML = spare.innerHTML;
    const row = holder.firstElementChild;
    block.querySelector("[data-rows]").append(row);
    if (name) { row.querySelector("[data-name]").value = name; }
    number();
    wireRow(row);
    return row;
  }

  /* what usually stands beside what is there already */
  const BESIDE = { machine: "day", mould: "day", equipment: "day", parameter: "reading", characteristic: "value", gauge: "measured", operator: "day", item: "made", vendor: "received", consignee: "shipped", lot: "site" };

  function wireBlock(block) {
    all("[data-row]", block).forEach(wireRow);
    all("[data-join],[data-way]", block).forEach((choice) => { choice.onchange = count; });
    block.querySelector("[data-add-row]").onclick = () => {
      const taken = all("[data-name]", block).map((choice) => choice.value);
      const next = taken.map((name) => BESIDE[name]).filter((name) => name && !taken.includes(name)).pop();
      addRow(block, next || "day").querySelector("[data-name]").focus();
    };
    block.querySelector("[data-drop-block]").onclick = () => { block.remove(); number(); count(); };
  }

  document.getElementById("add-block").onclick = () => {
    const block = blocks.lastElementChild.cloneNode(true);
    all("[data-row]", block).forEach((row) => row.remove());
    blocks.append(block);
    addRow(block, "lot");
    block.querySelector("[data-way]").value = blocks.firstElementChild.querySelector("[data-way]").value;
    wireBlock(block);
    number();
    block.querySelector("[data-join]").focus();
  };
  all("[data-block]").forEach(wireBlock);
  number();
  const first = blocks.querySelector("[data-value]");
  if (first && !first.value && !document.getElementById("lots-found")) { first.focus(); }
});
