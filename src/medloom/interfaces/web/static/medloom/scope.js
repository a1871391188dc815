/* The genealogy graph: material at the left, shipment at the right, one lane for each plant. elk finds the
   columns and the order with few crossings; the lanes then stack what stands in one column. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("graph");
  const data = document.getElementById("graph-data");
  if (!place || !data || !window.cytoscape) { return; }
  const scope = JSON.parse(data.textContent);
  const COLOURS = ["#0b5a8f", "#2d7a3e", "#8a4b00", "#6a2f8f", "#05647a", "#a8326b", "#4a5866", "#7a6a00"];
  const ROW = 52;
  const COLUMN_GAP = 96;
  const LANE_GAP = 34;
  const TALLEST = 1200;
  const MANY = 60;
  /* Below this nobody reads a lot's number: the picture then begins at its upper left, and is moved by dragging. */
  const READABLE = 0.55;
  const plants = Array.from(new Set(scope.nodes.map((n) => n.plant))).sort();
  const colour = (plant) => COLOURS[plants.indexOf(plant) % COLOURS.length];
  const lines = (n) => (n.item ? [n.key, n.item] : [n.key]);
  const wide = (text) => Array.from(text).reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? 12.5 : 7.3), 0);
  const width = (n) => Math.max(104, 22 + Math.max(...lines(n).map(wide)));
  const style = [
    { selector: "node.lot", style: { shape: "round-rectangle", width: "data(width)", height: 38, "background-color": "#fff", "border-width": 1.5, "border-color": "data(colour)", label: "data(label)", "text-wrap": "wrap", "text-valign": "center", "font-size": 12, "line-height": 1.25, color: "#1b2733", "font-family": "Segoe UI, Arial, Noto Sans CJK SC, sans-serif" } },
    { selector: "node.lane", style: { shape: "rectangle", "background-color": "data(colour)", "background-opacity": 0.05, "border-width": 1, "border-color": "data(colour)", "border-opacity": 0.25, padding: 14, label: "data(label)", "text-valign": "top", "text-halign": "center", "text-margin-y": -3, "font-size": 12, color: "data(colour)", "font-weight": "bold", events: "no" } },
    { selector: "node.start", style: { "background-color": "data(colour)", color: "#fff", "border-width": 3, "font-weight": "bold" } },
    { selector: "node.blocked", style: { "border-style": "double", "border-width": 5, "border-color": "#6a2f8f" } },
    { selector: "node.lot:selected", style: { "overlay-color": "#1a7fc1", "overlay-opacity": 0.15, "overlay-padding": 5 } },
    { selector: "edge", style: { width: 1.3, "line-color": "#9fb0be", "target-arrow-color": "#9fb0be", "target-arrow-shape": "triangle", "arrow-scale": 0.9, "curve-style": "bezier", label: "data(amount)", "font-size": 10, color: "#51606f", "text-background-color": "#fff", "text-background-opacity": 0.9, "text-background-padding": 2 } },
    { selector: "edge.on", style: { "line-color": "#0b5a8f", "target-arrow-color": "#0b5a8f", width: 2.4 } },
  ];
  const graph = window.cytoscape({
    container: place, style: style, wheelSensitivity: 0.25, minZoom: 0.1, maxZoom: 2,
    elements: {
      nodes: scope.nodes.map((n) => ({ data: Object.assign({ colour: colour(n.plant), label: lines(n).join("\n"), width: width(n) }, n), classes: "lot" + (n.start ? " start" : "") + (n.blocked ? " blocked" : "") })),
      edges: scope.arrows.map((a) => ({ data: { id: a.from + ">" + a.to, source: a.from, target: a.to, amount: a.amount } })),
    },
  });
  const fit = () => {
    graph.fit(undefined, 20);
    if (graph.zoom() > 1) { graph.zoom(1); graph.center(); }
    if (graph.zoom() < READABLE) {
      const box = graph.elements().boundingBox();
      graph.viewport({ zoom: READABLE, pan: { x: 20 - box.x1 * READABLE, y: 20 - box.y1 * READABLE } });
    }
  };
  /* columns left to right by elk's x, rows within each plant's lane by elk's y */
  function lanes() {
    const lots = graph.nodes(".lot");
    const columns = Array.from(new Set(lots.map((n) => Math.round(n.position("x") - n.data("width") / 2)))).sort((a, b) => a - b);
    const merged = columns.filter((x, i) => i === 0 || x - columns[i - 1] > 40);
    const columnOf = (n) => { const left = n.position("x") - n.data("width") / 2; let best = 0; merged.forEach((x, i) => { if (x <= left + 1) { best = i; } }); return best; };
    const at = new Map();
    lots.forEach((n) => at.set(n.id(), { column: columnOf(n), y: n.position("y") }));
    const widest = merged.map((_x, i) => Math.max(...lots.filter((n) => at.get(n.id()).column === i).map((n) => n.data("width"))));
    const lefts = widest.map((_w, i) => widest.slice(0, i).reduce((sum, w) => sum + w + COLUMN_GAP, 0));
    let top = 0;
    const mean = (plant) => { const mine = lots.filter((n) => n.data("plant") === plant); return mine.reduce((sum, n) => sum + at.get(n.id()).column, 0) / mine.length; };
    plants.slice().sort((a, b) => mean(a) - mean(b)).forEach((plant) => {
      const mine = lots.filter((n) => n.data("plant") === plant);
      const stacks = merged.map((_x, i) => mine.filter((n) => at.get(n.id()).column === i).sort((a, b) => at.get(a.id()).y - at.get(b.id()).y));
      const tall = Math.max(1, ...stacks.map((s) => s.length));
      stacks.forEach((stack, i) => stack.forEach((n, row) => n.position({ x: lefts[i] + widest[i] / 2, y: top + (row + (tall - stack.length) / 2) * ROW })));
      graph.add({ group: "nodes", data: { id: "lane-" + plant, label: plant, colour: colour(plant) }, classes: "lane", selectable: false, grabbable: false });
      mine.move({ parent: "lane-" + plant });
      top += tall * ROW + LANE_GAP;
    });
    place.style.height = Math.max(220, Math.min(lots.length > MANY ? 680 : TALLEST, top + 60)) + "px";
    graph.resize();
    fit();
    place.dataset.ready = "yes";
    /* a narrower window: what was drawn for the wide one would hang over its edge until somebody pressed Fit */
    let shown = place.clientWidth;
    new ResizeObserver(() => {
      if (place.clientWidth === shown) { return; }
      shown = place.clientWidth;
      graph.resize();
      fit();
    }).observe(place);
  }
  graph.layout({ name: "elk", fit: false, stop: lanes, elk: { algorithm: "layered", "elk.direction": "RIGHT", "elk.spacing.nodeNode": 20, "elk.layered.spacing.nodeNodeBetweenLayers": COLUMN_GAP } }).run();
  document.getElementById("fit").onclick = fit;
  const rows = new Map(Array.from(document.querySelectorAll("tr[data-node]")).map((r) => [r.dataset.node, r]));
  graph.on("tap", "node.lot", (event) => {
    graph.edges().removeClass("on");
    event.target.connectedEdges().addClass("on");
    rows.forEach((r) => r.classList.remove("picked"));
    const row = rows.get(event.target.id());
    if (row) { row.classList.add("picked"); row.scrollIntoView({ block: "nearest" }); }
  });
  graph.on("dbltap", "node.lot", (event) => { location.href = event.target.data("address") + "?tab=trace"; });
  rows.forEach((row, id) => row.addEventListener("mouseenter", () => { graph.nodes().unselect(); graph.getElementById(id).select(); }));
});
