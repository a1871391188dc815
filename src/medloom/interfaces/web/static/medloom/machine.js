/* The timeline of a machine. Everything it shows stands in the tables below it too. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("machine-chart");
  const data = document.getElementById("machine-data");
  if (!place || !data || !window.echarts) { return; }
  const told = JSON.parse(data.textContent);
  const COLOURS = { active: "#4f9d69", interrupted: "#c9a227", stopped: "#d9822b", ready: "#7fa6d6", completed: "#b9cbe0", setup: "#8a5bb0", aborted: "#8f1d2c", offline: "#98a3ae", unknown: "#e3e7eb" };
  const clock = new Intl.DateTimeFormat("sv-SE", { timeZone: told.zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const part = (ms) => Object.fromEntries(clock.formatToParts(new Date(ms)).map((one) => [one.type, one.value]));
  const short = (ms) => { const p = part(ms); return p.month + "-" + p.day + " " + p.hour + ":" + p.minute; };
  const at = (ms) => short(ms) + ":" + part(ms).second;
  const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const bar = (lane, colour, share, label) => function (params, api) {
    const from = api.coord([api.value(0), lane]);
    const to = api.coord([api.value(1), lane]);
    const height = api.size([0, 1])[1] * share;
    const box = window.echarts.graphic.clipRectByRect(
      { x: from[0], y: from[1] - height / 2, width: Math.max(to[0] - from[0], 2), height: height },
      { x: params.coordSys.x, y: params.coordSys.y, width: params.coordSys.width, height: params.coordSys.height });
    if (!box) { return null; }
    const style = colour(params.dataIndex);
    const drawn = { type: "rect", shape: box, style: style };
    const text = label(params.dataIndex);
    if (!text || box.width < 7 * text.length) { return drawn; }
    return { type: "group", children: [drawn, { type: "text", style: { text: text, x: box.x + box.width / 2, y: box.y + box.height / 2, align: "center", verticalAlign: "middle", fontSize: 11, fill: "#1b2733" } }] };
  };
  const gap = (code) => code === "unknown" ? { fill: COLOURS.unknown, stroke: "#7b8794", lineDash: [3, 3] } : { fill: COLOURS[code] };
  const run = (mark) => mark === "bad" ? { fill: "#f3d3d6", stroke: "#b3202e", lineWidth: 2 } : mark === "silent" ? { fill: "#fbeccb", stroke: "#a87413", lineWidth: 1.5 } : { fill: "#dfe9f4", stroke: "#6b89ab" };
  const chart = window.echarts.init(place, null, { renderer: "svg" });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12, color: "#1b2733" },
    grid: { left: 8, right: 16, top: 8, bottom: 52, containLabel: true },
    xAxis: { type: "time", min: told.first, max: told.last, axisLabel: { formatter: short, hideOverlap: true }, splitLine: { show: true, lineStyle: { color: "#edf0f4" } } },
    yAxis: { type: "category", data: told.lanes, inverse: true, axisTick: { show: false } },
    dataZoom: [{ type: "slider", height: 18, bottom: 8, labelFormatter: short, brushSelect: false }, { type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
    tooltip: { confine: true, formatter: (point) => point.data.tip },
    series: [
      { type: "custom", renderItem: bar(0, (n) => gap(told.statuses[n][2]), 0.62, () => ""), encode: { x: [0, 1], y: 2 },
        data: told.statuses.map((s) => ({ value: [s[0], s[1], 0], tip: "<b>" + escaped(told.words[s[2]]) + "</b><br>" + at(s[0]) + " – " + at(s[1]) + "<br>" + escaped(s[4] || s[3]) })) },
      { type: "custom", renderItem: bar(1, (n) => run(told.runs[n][3]), 0.62, (n) => told.runs[n][2]), encode: { x: [0, 1], y: 2 }, cursor: "pointer",
        data: told.runs.map((r) => ({ value: [r[0], r[1], 1], link: r[4], tip: "<b>" + escaped(r[2]) + "</b><br>" + at(r[0]) + " – " + at(r[1]) + "<br>" + escaped(r[5]) })) },
      { type: "scatter", symbol: "triangle", symbolSize: 11, itemStyle: { color: "#b3202e" },
        data: told.alarms.map((a) => ({ value: [a[0], told.lanes[2]], tip: at(a[0]) + "<br>" + escaped(a[1]) })) },
    ],
  });
  chart.on("click", function (point) { if (point.data && point.data.link) { window.location.href = point.data.link; } });
  window.addEventListener("resize", () => chart.resize());
});
