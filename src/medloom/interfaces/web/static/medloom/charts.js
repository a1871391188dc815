/* Charts of the overview. The figures stand as text beside them. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("chart");
  const data = document.getElementById("chart-data");
  if (!place || !data || !window.echarts) { return; }
  const figures = JSON.parse(data.textContent);
  const COLOURS = { accepted: "#4f9d69", findings: "#c9a227", parked: "#d9822b", conflict: "#8a5bb0", rejected: "#c2505b", quarantined: "#8f1d2c" };
  const style = getComputedStyle(document.body).fontFamily;
  place.style.height = Math.max(110, 70 + 34 * figures.plants.length) + "px";
  const chart = window.echarts.init(place, null, { renderer: "svg" });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: style, fontSize: 12, color: "#1b2733" },
    grid: { left: 8, right: 24, top: 34, bottom: 4, containLabel: true },
    legend: { top: 0, left: 0, itemWidth: 11, itemHeight: 11, textStyle: { fontSize: 12 } },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, confine: true },
    xAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: "#edf0f4" } } },
    yAxis: { type: "category", data: figures.plants, inverse: true, axisTick: { show: false }, axisLabel: { width: 190, overflow: "truncate" } },
    series: figures.series.map((one) => ({ name: one.name, type: "bar", stack: "all", barWidth: 18, itemStyle: { color: COLOURS[one.verdict] }, data: one.values })),
  });
  window.addEventListener("resize", () => chart.resize());
});
