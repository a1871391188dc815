/* The timeline of a machine: states, programs, runs, measured parameters and alarms on one axis of time.
   Everything it shows stands in the tables below it too. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("machine-chart");
  const data = document.getElementById("machine-data");
  if (!place || !data || !window.echarts) { return; }
  const told = JSON.parse(data.textContent);
  const INK = "#1b2733";
  const COLOURS = { active: "#4f9d69", interrupted: "#c9a227", stopped: "#d9822b", ready: "#7fa6d6", completed: "#b9cbe0", setup: "#8a5bb0", aborted: "#8f1d2c", offline: "#98a3ae", unknown: "#e3e7eb" };
  const MARKS = { bad: "#b3202e", silent: "#a87413", good: "#2d7a3e", "": "#5b6b7a" };
  const ROW = 30, TALL = 66, GAP = 12, TOP = 6, LEFT = 132, RIGHT = 16;
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: told.zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const part = (ms) => Object.fromEntries(clock.formatToParts(new Date(ms)).map((one) => [one.type, one.value]));
  const short = (ms) => { const p = part(ms); return p.month + "-" + p.day + " " + p.hour + ":" + p.minute; };
  const at = (ms) => short(ms) + ":" + part(ms).second;
  const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const tip = (head, from, to, more) => "<b>" + escaped(head) + "</b><br>" + at(from) + " – " + at(to) + (more ? "<br>" + more : "");
  const statuses = told.statuses.map((s) => [told.zero + s[0], told.zero + s[1], s[2], s[3]]);

  /* a bar from a moment to a moment in one lane, with its words when they fit */
  const bar = (lane, style, label) => function (params, api) {
    const from = api.coord([api.value(0), lane]);
    const to = api.coord([api.value(1), lane]);
    const height = api.size([0, 1])[1] * 0.66;
    const shape = window.echarts.graphic.clipRectByRect(
      { x: from[0], y: from[1] - height / 2, width: Math.max(to[0] - from[0], 2), height: height },
      { x: params.coordSys.x, y: params.coordSys.y, width: params.coordSys.width, height: params.coordSys.height });
    if (!shape) { return null; }
    const drawn = { type: "rect", shape: shape, style: style(params.dataIndex) };
    /* names of one machine differ at their end: what does not fit is cut at the front */
    const room = Math.floor((shape.width - 6) / 6.7);
    const whole = label(params.dataIndex);
    const text = whole.length <= room ? whole : room < 4 ? "" : "…" + whole.slice(1 - room);
    if (!text) { return drawn; }
    return { type: "group", children: [drawn, { type: "text", silent: true, style: { text: text, x: shape.x + shape.width / 2, y: shape.y + shape.height / 2, align: "center", verticalAlign: "middle", fontSize: 11, fill: INK } }] };
  };
  const gap = (code) => code === "unknown" ? { fill: COLOURS.unknown, stroke: "#7b8794", lineDash: [3, 3] } : { fill: COLOURS[code] };
  const run = (mark) => mark === "bad" ? { fill: "#f3d3d6", stroke: "#b3202e", lineWidth: 2 } : mark === "silent" ? { fill: "#fbeccb", stroke: "#a87413", lineWidth: 1.5 } : { fill: "#dfe9f4", stroke: "#6b89ab" };
  const link = (n) => told.run_address + told.runs[n][4] + "/";

  /* a measured parameter: its planned limits as a band, its target as a line, the logged value as a mark */
  const measure = (lane) => function (params, api) {
    const point = lane.points[params.dataIndex];
    const from = told.runs[point[0]][0], to = told.runs[point[0]][1];
    const left = api.coord([from, point[1]])[0];
    const right = Math.max(api.coord([to, point[1]])[0], left + 3);
    const clip = { x: params.coordSys.x, y: params.coordSys.y, width: params.coordSys.width, height: params.coordSys.height };
    const within = (shape) => window.echarts.graphic.clipRectByRect(shape, clip);
    const y = (value) => api.coord([from, value])[1];
    const children = [];
    const add = (shape, style) => { const kept = within(shape); if (kept) { children.push({ type: "rect", shape: kept, style: style }); } };
    add({ x: left, y: clip.y, width: right - left, height: clip.height }, { fill: "rgba(0,0,0,0)" });
    if (point[3] !== null && point[4] !== null) {
      add({ x: left, y: y(point[4]), width: right - left, height: Math.max(y(point[3]) - y(point[4]), 2) }, { fill: "#d5ecd9" });
    }
    if (point[2] !== null) { add({ x: left, y: y(point[2]) - 0.5, width: right - left, height: 1 }, { fill: "#6d7d8b" }); }
    add({ x: left, y: y(point[1]) - 1.5, width: right - left, height: 3 }, { fill: MARKS[point[5]] });
    return { type: "group", children: children };
  };
  const plain = (value) => value === null ? "–" : String(value);
  const said = (lane, point) => {
    const r = told.runs[point[0]];
    const limits = point[3] === null && point[4] === null ? "" : "<br>" + escaped(told.said.limits) + " " + plain(point[3]) + " – " + plain(point[4]);
    return "<b>" + escaped(lane.name) + " · " + escaped(r[2]) + "</b><br>" + escaped(told.said.logged) + " <b>" + plain(point[1]) + "</b> · " + escaped(told.said.planned) + " " + plain(point[2]) + limits + "<br>" + escaped(told.said[point[5]]);
  };
  /* the axis of a parameter holds its values, targets and limits, with some air */
  const reach = (lane) => {
    const all = lane.points.flatMap((p) => p.slice(1, 5)).filter((v) => v !== null);
    const low = Math.min(...all), high = Math.max(...all);
    const air = (high - low || Math.abs(high) || 1) * 0.18;
    return { min: low - air, max: high + air };
  };

  const lanes = told.lanes.length;
  const grid = (top, height) => ({ left: LEFT, right: RIGHT, top: top, height: height, outerBoundsMode: "none" });
  const grids = [grid(TOP, lanes * ROW)];
  told.measured.forEach((lane, n) => grids.push(grid(TOP + lanes * ROW + GAP + n * (TALL + GAP), TALL)));
  const below = grids[grids.length - 1].top + grids[grids.length - 1].height;
  place.style.height = below + 66 + "px";
  const line = { show: true, lineStyle: { color: "#edf0f4" } };
  const chart = window.echarts.init(place, null, { renderer: "svg" });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, color: INK },
    grid: grids,
    title: told.measured.map((lane, n) => ({ text: lane.name, left: 0, top: grids[n + 1].top + TALL / 2 - 18, padding: 0, textStyle: { fontSize: 12, fontWeight: "normal", color: INK, width: 80, overflow: "breakAll", lineHeight: 15 } })),
    xAxis: grids.map((one, n) => ({ gridIndex: n, type: "time", min: told.first, max: told.last, splitLine: line, axisTick: { show: n === grids.length - 1 }, axisLine: { lineStyle: { color: "#cfd6dd" } }, axisLabel: { show: n === grids.length - 1, formatter: short, hideOverlap: true, color: "#51606f" } })),
    yAxis: [{ gridIndex: 0, type: "category", data: told.lanes, inverse: true, axisTick: { show: false }, axisLine: { show: false }, splitLine: line, axisLabel: { color: INK, width: LEFT - 12, overflow: "truncate" } }].concat(
      told.measured.map((lane, n) => Object.assign({ gridIndex: n + 1, type: "value", splitNumber: 2, axisLabel: { fontSize: 10, color: "#51606f", showMinLabel: false, showMaxLabel: false }, splitLine: line }, reach(lane)))),
    axisPointer: { link: [{ xAxisIndex: "all" }], show: true, type: "line", triggerTooltip: false, label: { show: false }, lineStyle: { color: "#8fa3b5" } },
    dataZoom: [{ type: "slider", xAxisIndex: "all", left: LEFT, right: RIGHT, height: 18, bottom: 6, labelFormatter: short, brushSelect: false }, { type: "inside", xAxisIndex: "all", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
    tooltip: { confine: true, formatter: (point) => point.data.tip },
    series: [
      { type: "custom", renderItem: bar(0, (n) => gap(statuses[n][2]), () => ""), encode: { x: [0, 1], y: 2 },
        data: statuses.map((s) => ({ value: [s[0], s[1], 0], tip: tip(told.words[s[2]], s[0], s[1], escaped(s[3])) })) },
      { type: "custom", renderItem: bar(1, () => ({ fill: "#eef1f5", stroke: "#b9c6d2" }), (n) => told.programs[n][2]), encode: { x: [0, 1], y: 2 },
        data: told.programs.map((p) => ({ value: [p[0], p[1], 1], tip: tip(p[2], p[0], p[1]) })) },
      { type: "custom", renderItem: bar(2, (n) => run(told.runs[n][3]), (n) => told.runs[n][2]), encode: { x: [0, 1], y: 2 }, cursor: "pointer",
        data: told.runs.map((r, n) => ({ value: [r[0], r[1], 2], link: link(n), tip: tip(r[2], r[0], r[1], escaped(r[5])) })) },
      { type: "scatter", symbol: "triangle", symbolSize: 11, itemStyle: { color: "#b3202e" }, cursor: "pointer",
        data: told.alarms.map((a) => ({ value: [a[0], told.lanes[3]], link: told.alarm_address + a[2] + "/", tip: at(a[0]) + "<br>" + escaped(a[1]) })) },
    ].concat(told.measured.map((lane, n) => (
      { type: "custom", xAxisIndex: n + 1, yAxisIndex: n + 1, renderItem: measure(lane), encode: { x: [0, 1], y: 2 }, cursor: "pointer",
        data: lane.points.map((p) => ({ value: [told.runs[p[0]][0], told.runs[p[0]][1], p[1]], link: link(p[0]), tip: said(lane, p) })) }))),
  });
  place.dataset.ready = "yes";
  chart.on("click", function (point) { if (point.data && point.data.link) { window.location.href = point.data.link; } });
  window.addEventListener("resize", () => chart.resize());

  /* the same zoom without a wheel: buttons around the middle of what is shown */
  const zoom = (share) => {
    const now = chart.getOption().dataZoom[0];
    const middle = (now.start + now.end) / 2;
    const half = Math.min(50, Math.max(0.05, (now.end - now.start) * share / 2));
    const start = Math.min(Math.max(0, middle - half), 100 - 2 * half);
    chart.dispatchAction({ type: "dataZoom", start: start, end: start + 2 * half });
    place.dataset.shown = (2 * half).toFixed(1);
  };
  document.getElementById("zoom-in").onclick = () => zoom(0.5);
  document.getElementById("zoom-out").onclick = () => zoom(2);
  document.getElementById("zoom-all").onclick = () => zoom(1000);
});
