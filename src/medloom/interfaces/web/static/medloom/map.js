/* The data map: four columns from left to right (system, feed, type, reader), each in the order of its plant,
   so that arrows run nearly level. The same rows stand in the table below the picture. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("map");
  const data = document.getElementById("map-data");
  if (!place || !data || !window.cytoscape) { return; }
  const found = JSON.parse(data.textContent);
  const KINDS = ["system", "feed", "type", "reader"];
  const COLOURS = { fresh: "#2d7a3e", late: "#b06a00", stale: "#a81e2d", disputed: "#6a2f8f" };
  const ROW = 46;
  const wide = Math.max(760, place.clientWidth);
  const box = Math.min(220, (wide - 3 * 70) / 4);
  const column = (wide - box) / 3;
  const cut = (text) => { let room = box / 7.2; let out = ""; for (const c of text) { room -= c.charCodeAt(0) > 0x2e80 ? 1.75 : 1; if (room < 1) { return out + "…"; } out += c; } return out; };
  const order = new Map();
  KINDS.forEach((kind) => order.set(kind, found.nodes.filter((n) => n.kind === kind)));
  const tall = Math.max(...KINDS.map((kind) => order.get(kind).length));
  const position = (n) => {
    const column_ = order.get(n.kind);
    return { x: KINDS.indexOf(n.kind) * column + box / 2, y: (column_.indexOf(n) + 0.5) * (tall / column_.length) * ROW };
  };
  place.style.height = Math.max(160, tall * ROW + 16) + "px";
  const graph = window.cytoscape({
    container: place, userZoomingEnabled: false, userPanningEnabled: false, autoungrabify: true,
    layout: { name: "preset" },
    style: [
      { selector: "node", style: { shape: "round-rectangle", width: box, height: 36, "background-color": "#fff", "border-width": 1.5, "border-color": "#9fb0be", label: "data(text)", "text-wrap": "wrap", "text-valign": "center", "font-size": 11.5, "line-height": 1.2, color: "#1b2733", "font-family": "Segoe UI, Arial, Noto Sans CJK SC, sans-serif" } },
      { selector: "node[state]", style: { "border-width": 2.5, "border-color": (n) => COLOURS[n.data("state")] } },
      { selector: "node[kind = 'system'], node[kind = 'reader']", style: { "background-color": "#eef3f7" } },
      { selector: "edge", style: { width: 1.2, "line-color": "#b9c6d2", "target-arrow-color": "#b9c6d2", "target-arrow-shape": "triangle", "arrow-scale": 0.8, "curve-style": "taxi", "taxi-direction": "rightward", "taxi-turn": "50%" } },
      { selector: ".on", style: { "line-color": "#0b5a8f", "target-arrow-color": "#0b5a8f", width: 2.4, "z-index": 9 } },
    ],
    elements: {
      nodes: found.nodes.map((n) => ({ data: Object.assign({ text: cut(n.label) + (n.sub ? "\n" + cut(n.sub) : "") }, n), position: position(n) })),
      edges: found.arrows.map((a) => ({ data: { id: a.from + ">" + a.to, source: a.from, target: a.to } })),
    },
  });
  const fit = () => { graph.resize(); graph.fit(undefined, 8); };
  fit();
  place.dataset.ready = "yes";
  new ResizeObserver(fit).observe(place);
  graph.on("mouseover", "node", (event) => {
    graph.edges().removeClass("on");
    event.target.successors("edge").union(event.target.predecessors("edge")).addClass("on");
    place.style.cursor = event.target.data("address") ? "pointer" : "";
  });
  graph.on("mouseout", "node", () => { graph.edges().removeClass("on"); place.style.cursor = ""; });
  graph.on("tap", "node", (event) => { if (event.target.data("address")) { location.href = event.target.data("address"); } });
});
