/* The genealogy graph: material at the left, shipment at the right, each plant in its own colour and lane. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("graph");
  const data = document.getElementById("graph-data");
  if (!place || !data || !window.cytoscape) { return; }
  const scope = JSON.parse(data.textContent);
  const LANES = ["#0b5a8f", "#2d7a3e", "#8a4b00", "#6a2f8f", "#05647a", "#a8326b", "#4a5866", "#7a6a00"];
  const plants = Array.from(new Set(scope.nodes.map((n) => n.plant))).sort();
  const colour = (plant) => LANES[plants.indexOf(plant) % LANES.length];
  const lanes = document.getElementById("lanes");
  plants.forEach((plant) => {
    const word = document.createElement("span");
    const dot = document.createElement("i");
    dot.style.background = colour(plant);
    word.append(dot, plant);
    lanes.append(word);
  });
  const graph = window.cytoscape({
    container: place,
    elements: {
      nodes: scope.nodes.map((n) => ({ data: Object.assign({ colour: colour(n.plant), label: n.key + "\n" + (n.item || n.plant) }, n), classes: (n.start ? "start " : "") + (n.blocked ? "blocked" : "") })),
      edges: scope.arrows.map((a) => ({ data: { id: a.from + ">" + a.to, source: a.from, target: a.to, amount: a.amount } })),
    },
    style: [
      { selector: "node", style: { shape: "round-rectangle", width: (n) => Math.max(112, 7.4 * Math.max(...n.data("label").split("\n").map((t) => t.length)) + 20), height: 40, "background-color": "#fff", "border-width": 1.5, "border-color": "data(colour)", label: "data(label)", "text-wrap": "wrap", "text-valign": "center", "font-size": 11, "line-height": 1.3, color: "#1b2733", "font-family": "Segoe UI, Arial, Noto Sans CJK SC, sans-serif" } },
      { selector: "node.start", style: { "background-color": "data(colour)", color: "#fff", "border-width": 3, "font-weight": "bold" } },
      { selector: "node.blocked", style: { "border-style": "double", "border-width": 5, "border-color": "#6a2f8f" } },
      { selector: "node:selected", style: { "overlay-color": "#1a7fc1", "overlay-opacity": 0.15, "overlay-padding": 5 } },
      { selector: "edge", style: { width: 1.3, "line-color": "#9fb0be", "target-arrow-color": "#9fb0be", "target-arrow-shape": "triangle", "arrow-scale": 0.9, "curve-style": "bezier", label: "data(amount)", "font-size": 9.5, color: "#51606f", "text-background-color": "#fcfdfe", "text-background-opacity": 1, "text-background-padding": 2 } },
      { selector: "edge.on", style: { "line-color": "#0b5a8f", "target-arrow-color": "#0b5a8f", width: 2.2 } },
    ],
    wheelSensitivity: 0.25, minZoom: 0.12, maxZoom: 2.2,
  });
  const fit = () => { graph.fit(undefined, 28); if (graph.zoom() > 1.15) { graph.zoom(1.15); graph.center(); } };
  const wide = graph.nodes().length;
  place.style.height = Math.max(260, Math.min(620, 120 + 22 * wide)) + "px";
  graph.resize();
  graph.layout({ name: "elk", fit: false, elk: { algorithm: "layered", "elk.direction": "RIGHT", "elk.spacing.nodeNode": 22, "elk.layered.spacing.nodeNodeBetweenLayers": 80, "elk.partitioning.activate": false, "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX" }, stop: () => { fit(); place.dataset.ready = "yes"; } }).run();
  document.getElementById("fit").onclick = fit;
  const rows = new Map(Array.from(document.querySelectorAll("tr[data-node]")).map((r) => [r.dataset.node, r]));
  graph.on("tap", "node", (event) => {
    const node = event.target;
    graph.edges().removeClass("on");
    node.connectedEdges().addClass("on");
    rows.forEach((r) => r.classList.remove("picked"));
    const row = rows.get(node.id());
    if (row) { row.classList.add("picked"); row.scrollIntoView({ block: "nearest" }); }
  });
  graph.on("dbltap", "node", (event) => { location.href = event.target.data("address") + "?tab=trace"; });
  rows.forEach((row, id) => row.addEventListener("mouseenter", () => { graph.nodes().unselect(); graph.getElementById(id).select(); }));
});
