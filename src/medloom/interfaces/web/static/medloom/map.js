/* The data map: arrows between the boxes, the lineage of the one pointed at, a drawer for the one chosen.
   Without this script every box is still a link to its own page. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const data = document.getElementById("map-data");
  const drawer = document.getElementById("map-panel");
  if (!data || !document.getElementById("map")) { return; }
  const arrows = JSON.parse(data.textContent);
  const ahead = new Map(), back = new Map();
  const add = (map, from, to) => { if (!map.has(from)) { map.set(from, []); } map.get(from).push(to); };
  arrows.forEach(([from, to]) => { add(ahead, from, to); add(back, to, from); });
  const place = () => document.getElementById("map");
  const box = (id) => document.getElementById(id);
  let chosen = "";

  function draw() {
    const map = place();
    const svg = map.querySelector(".arrows");
    const zero = map.getBoundingClientRect();
    svg.replaceChildren(...arrows.map(([from, to]) => {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      const a = box(from).getBoundingClientRect(), b = box(to).getBoundingClientRect();
      const x1 = a.right - zero.left, y1 = a.top + a.height / 2 - zero.top;
      const x2 = b.left - zero.left, y2 = b.top + Math.min(b.height / 2, 24) - zero.top;
      const bend = (x2 - x1) / 2;
      path.setAttribute("d", "M" + x1 + " " + y1 + " C" + (x1 + bend) + " " + y1 + " " + (x2 - bend) + " " + y2 + " " + x2 + " " + y2);
      path.dataset.from = from;
      path.dataset.to = to;
      path.dataset.state = [from, to].filter((id) => id.startsWith("t/")).map((id) => box(id).dataset.state)[0] || "";
      return path;
    }));
    map.dataset.ready = "yes";
  }

  /* everything that leads to these boxes and everything that follows from them */
  function lineage(ids) {
    const walk = (map, seen) => { const todo = [...ids]; while (todo.length) { (map.get(todo.pop()) || []).forEach((next) => { if (!seen.has(next)) { seen.add(next); todo.push(next); } }); } return seen; };
    return new Set([...walk(ahead, new Set(ids)), ...walk(back, new Set(ids))]);
  }

  function light(ids) {
    const map = place();
    const on = ids.length ? lineage(ids) : new Set();
    map.classList.toggle("dim", ids.length > 0);
    map.querySelectorAll(".node").forEach((node) => node.classList.toggle("on", on.has(node.id)));
    map.querySelectorAll(".arrows path").forEach((path) => path.classList.toggle("on", on.has(path.dataset.from) && on.has(path.dataset.to)));
    const types = Array.from(map.querySelectorAll(".node.on[data-type]")).map((node) => node.dataset.type);
    map.querySelectorAll(".program").forEach((program) => {
      const wanted = program.dataset.types.split(" ").filter(Boolean);
      const party = program.parentElement.querySelector(".node");
      program.classList.toggle("on", on.has(party.id) && (!wanted.length || wanted.some((one) => types.includes(one))));
    });
  }
  const settle = () => light(sought().length ? sought() : chosen && box(chosen) ? [chosen] : []);

  function sought() {
    const text = document.getElementById("map-find").value.trim().toLowerCase();
    return text ? Array.from(place().querySelectorAll(".node")).filter((node) => node.textContent.toLowerCase().includes(text)).map((node) => node.id) : [];
  }

  function choose(node) {
    fetch(node.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))
      .then((text) => {
        chosen = node.id;
        drawer.innerHTML = text;
        drawer.hidden = false;
        document.body.classList.add("beside");
        drawer.querySelector("[data-close]").onclick = close;
        window.medloom.dressUp(drawer);
        document.querySelectorAll(".node.chosen").forEach((one) => one.classList.remove("chosen"));
        node.classList.add("chosen");
        settle();
        drawer.focus();
      })
      .catch(() => { location.href = node.href; });
  }
  function close() {
    const node = box(chosen);
    chosen = "";
    drawer.hidden = true;
    document.body.classList.remove("beside");
    document.querySelectorAll(".node.chosen").forEach((one) => one.classList.remove("chosen"));
    settle();
    if (node) { node.focus(); }
  }

  const over = (event) => { const node = event.target.closest && event.target.closest("#map .node"); if (node) { light([node.id]); } };
  document.addEventListener("mouseover", over);
  document.addEventListener("focusin", over);
  document.addEventListener("mouseout", (event) => { if (event.target.closest && event.target.closest("#map .node")) { settle(); } });
  document.addEventListener("click", (event) => {
    const node = event.target.closest && event.target.closest("#map .node");
    if (node && !event.ctrlKey && !event.metaKey && !event.shiftKey) { event.preventDefault(); choose(node); }
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !drawer.hidden) { close(); } });
  document.getElementById("map-find").oninput = settle;
  document.body.addEventListener("htmx:afterSwap", () => { draw(); settle(); });
  new ResizeObserver(() => { draw(); settle(); }).observe(place());
  /* the readers stay in sight while the page is moved; their arrows follow */
  let due = false;
  window.addEventListener("scroll", () => { if (!due) { due = true; requestAnimationFrame(() => { due = false; draw(); settle(); }); } }, { passive: true });
  draw();
});
