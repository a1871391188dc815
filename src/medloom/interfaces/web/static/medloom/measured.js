/* One characteristic over all parts: nominal, limits, and the values of each laboratory. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("measured-chart");
  const data = document.getElementById("measured-data");
  if (!place || !data || !window.echarts) { return; }
  const told = JSON.parse(data.textContent);
  const style = getComputedStyle(document.body).fontFamily;
  const chart = window.echarts.init(place, null, { renderer: "svg" });
  const known = [told.low, told.high, told.nominal].concat(told.first.values).concat(...told.others.map((one) => one.values)).filter((value) => value !== null);
  const least = Math.min(...known), most = Math.max(...known), room = (most - least || 1) * 0.08;
  const lines = [];
  if (told.low !== null) { lines.push({ yAxis: told.low, name: told.words.low + " " + told.low, lineStyle: { color: "#a81e2d", type: "dashed" } }); }
  if (told.high !== null) { lines.push({ yAxis: told.high, name: told.words.high + " " + told.high, lineStyle: { color: "#a81e2d", type: "dashed" } }); }
  if (told.nominal !== null) { lines.push({ yAxis: told.nominal, name: told.words.nominal + " " + told.nominal, lineStyle: { color: "#51606f", type: "solid" } }); }
  const out = (value) => (told.high !== null && value > told.high) || (told.low !== null && value < told.low);
  const OTHERS = ["#d9822b", "#8a5bb0", "#05647a", "#8f7a1d", "#4f9d69", "#b0578d", "#6b7c93", "#a0522d"];
  const series = [{
    name: told.first.name, type: "scatter", symbolSize: 10, z: 5,
    data: told.first.values.map((value) => ({ value: value, itemStyle: { color: value !== null && out(value) ? "#a81e2d" : "#0b5a8f" } })),
    itemStyle: { color: "#0b5a8f" },
    markLine: { symbol: "none", silent: true, label: { formatter: (one) => one.name, position: "insideEndTop", fontSize: 11 }, data: lines },
  }].concat(told.others.map((one, n) => ({ name: one.name, type: "scatter", symbol: "diamond", symbolSize: 7, itemStyle: { color: OTHERS[n % OTHERS.length], opacity: 0.8 }, data: one.values })));
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: style, fontSize: 12, color: "#1b2733" },
    grid: { left: 8, right: 24, top: 56, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, type: "scroll", itemWidth: 11, itemHeight: 11, textStyle: { fontSize: 12 } },
    tooltip: { trigger: "item", confine: true, formatter: (one) => one.seriesName + "<br>" + one.name + ": " + one.value + " " + told.unit },
    xAxis: { type: "category", data: told.lots, axisLabel: { rotate: told.lots.length > 12 ? 60 : 0, fontSize: 11 } },
    yAxis: { type: "value", name: told.unit, min: Number((least - room).toPrecision(4)), max: Number((most + room).toPrecision(4)), axisLabel: { showMinLabel: false, showMaxLabel: false }, splitLine: { lineStyle: { color: "#edf0f4" } } },
    series: series,
  });
  window.addEventListener("resize", () => chart.resize());
});
