/* One characteristic as a control chart: individuals above, moving ranges below.
   Tolerance limits are solid and red, control limits dashed and blue: nobody must take one for the other. */
document.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("measured-chart");
  const data = document.getElementById("measured-data");
  if (!place || !data || !window.echarts) { return; }
  const told = JSON.parse(data.textContent);
  const words = told.words;
  const own = told.series[0];
  const style = getComputedStyle(document.body).fontFamily;
  const LIMIT = "#a81e2d", CONTROL = "#0b5a8f", OWN = "#0b5a8f", SIGNAL = "#b25a00", SOFT = "#51606f";
  const OTHERS = ["#b0578d", "#05647a", "#8a5bb0", "#8f7a1d", "#4f9d69", "#d9822b", "#6b7c93", "#a0522d"];
  const chart = window.echarts.init(place, null, { renderer: "svg" });
  const line = (value, name, colour, type, width) => ({ yAxis: value, name: name + " " + value, lineStyle: { color: colour, type: type, width: width }, label: { color: colour } });
  const out = (value) => (told.high !== null && value > told.high) || (told.low !== null && value < told.low);

  /* Labels stand in the margin; of two that would lie on each other the lower one moves below its line. */
  function lines(scale) {
    const found = [];
    if (own.control) {
      found.push(line(own.control.high, words.ucl, CONTROL, "dashed", 1.2), line(own.control.centre, words.mean, CONTROL, "solid", 1), line(own.control.low, words.lcl, CONTROL, "dashed", 1.2));
    }
    if (scale === "all") {
      if (told.high !== null) { found.push(line(told.high, words.high, LIMIT, "solid", 1.6)); }
      if (told.low !== null) { found.push(line(told.low, words.low, LIMIT, "solid", 1.6)); }
      if (told.nominal !== null && (!own.control || own.control.centre !== told.nominal)) { found.push(line(told.nominal, words.nominal, SOFT, "dotted", 1.2)); }
    }
    return found;
  }

  function span(scale, shown) {
    const known = shown.concat(own.control ? [own.control.low, own.control.high] : []);
    if (scale === "all") { known.push(told.low, told.high, told.nominal); }
    const numbers = known.filter((value) => value !== null && value !== undefined);
    const least = Math.min(...numbers), most = Math.max(...numbers), room = (most - least || Math.abs(most) || 1) * 0.06;
    return [least - room, most + room];
  }

  /* Where the labels of the lines go: pushed apart when two lines lie close. */
  function apart(found, range, height) {
    const at = (one) => (range[1] - one.yAxis) / (range[1] - range[0]) * height;
    const rows = found.slice().sort((a, b) => at(a) - at(b));
    let last = -100;
    rows.forEach(function (one) {
      const wanted = Math.max(at(one), last + 14);
      one.label = Object.assign({ offset: [0, wanted - at(one)] }, one.label);
      last = wanted;
    });
    return found;
  }

  function ownPoints() {
    return own.values.map(function (value, n) {
      const signals = own.rules[n].length > 0, wrong = value !== null && out(value);
      return {
        value: value, symbol: wrong ? "triangle" : "circle", symbolSize: wrong ? 11 : signals ? 9 : 7,
        symbolRotate: wrong && told.low !== null && value < told.low ? 180 : 0,
        itemStyle: { color: wrong ? LIMIT : OWN, borderColor: signals ? SIGNAL : "#fff", borderWidth: signals ? 2.5 : 1 },
        label: { show: signals, formatter: own.rules[n].join(" "), position: "top", distance: 6, color: SIGNAL, fontSize: 11, fontWeight: 600 },
      };
    });
  }

  /* From the least to the most of another laboratory's values of each part. */
  function barSeries() {
    return {
      name: told.bars.name, type: "custom", z: 2, itemStyle: { color: OTHERS[0], opacity: 0.35 }, encode: { x: 0, y: [1, 2] },
      data: told.bars.values.map((one, n) => (one === null ? null : [n, one[0], one[1]])).filter((one) => one !== null),
      renderItem: function (params, api) {
        const top = api.coord([api.value(0), api.value(2)]), foot = api.coord([api.value(0), api.value(1)]);
        const half = Math.min(4, api.size([1, 0])[0] / 4);
        return { type: "rect", shape: { x: top[0] - half, y: top[1] - 1, width: 2 * half, height: Math.max(foot[1] - top[1], 1) + 2, r: 2 }, style: { fill: OTHERS[0], opacity: 0.35 } };
      },
    };
  }

  function draw(scale) {
    const wide = place.clientWidth > 620, both = Boolean(own.control);
    const right = wide ? 172 : 12, upper = both ? (wide ? 250 : 220) : 280;
    const bars = told.bars ? told.bars.values : [];
    const shown = own.values.concat(...told.series.slice(1).map((one) => one.values), ...bars.filter((one) => one !== null));
    const range = span(scale, shown);
    /* Without it ECharts rounds the place of a line to two decimals. */
    const marks = { symbol: "none", silent: true, precision: 12, animation: false, label: { show: wide, position: "end", distance: 8, fontSize: 11, formatter: (one) => one.name } };
    const series = [{
      name: own.name, type: "line", data: ownPoints(), z: 5, showAllSymbol: true, connectNulls: true, lineStyle: { color: "#9db8cc", width: 1.2 }, itemStyle: { color: OWN },
      markLine: Object.assign({ data: apart(lines(scale), range, upper) }, marks),
    }];
    told.series.slice(1).forEach(function (one, n) {
      const colour = OTHERS[n % OTHERS.length];
      const more = one.control ? { markLine: { symbol: "none", silent: true, precision: 12, label: { show: false }, lineStyle: { color: colour, type: "dashed", width: 0.8, opacity: 0.6 }, data: [{ yAxis: one.control.low }, { yAxis: one.control.high }] } } : {};
      series.push(Object.assign({ name: one.name, type: "line", symbol: "diamond", symbolSize: 7, connectNulls: true, lineStyle: { color: colour, width: 1, opacity: 0.5 }, itemStyle: { color: colour, opacity: 0.85 }, data: one.values }, more));
    });
    if (told.bars) { series.push(barSeries()); }
    const axis = { type: "category", data: told.lots, axisTick: { show: false }, axisLine: { lineStyle: { color: "#c4ccd4" } } };
    const names = { fontSize: 11, color: SOFT, rotate: told.lots.length > 14 || !wide ? 55 : 0 };
    const split = { lineStyle: { color: "#f0f3f6" } };
    const grids = [{ left: 62, right: right, top: 44, height: upper }], xs = [Object.assign({ gridIndex: 0, axisLabel: both ? { show: false } : names }, axis)];
    const ys = [{ gridIndex: 0, type: "value", name: told.unit, nameTextStyle: { color: SOFT, align: "right" }, nameGap: 10, min: range[0], max: range[1], splitLine: split, axisLabel: { color: SOFT, showMinLabel: false, showMaxLabel: false } }];
    if (both) {
      grids.push({ left: 62, right: right, top: 44 + upper + 34, height: 100 });
      xs.push(Object.assign({ gridIndex: 1, axisLabel: names }, axis));
      const highest = Math.max(own.control.step_high, ...own.steps.filter((value) => value !== null)) * 1.08;
      ys.push({ gridIndex: 1, type: "value", name: words.range, nameTextStyle: { color: SOFT, align: "left", padding: [0, 0, 0, -54] }, nameGap: 8, min: 0, max: highest, splitNumber: 2, splitLine: split, axisLabel: { color: SOFT, showMaxLabel: false } });
      series.push({
        name: words.range, type: "line", xAxisIndex: 1, yAxisIndex: 1, lineStyle: { color: "#9db8cc", width: 1.2 }, itemStyle: { color: OWN },
        data: own.steps.map((value, n) => ({ value: value, symbol: "circle", symbolSize: own.steps_out[n] ? 9 : 5, itemStyle: { color: OWN, borderColor: own.steps_out[n] ? SIGNAL : "#fff", borderWidth: own.steps_out[n] ? 2.5 : 1 } })),
        markLine: Object.assign({ data: apart([line(own.control.step_high, words.ucl, CONTROL, "dashed", 1.2), line(own.control.step, words.range_mean, CONTROL, "solid", 1)], [0, highest], 100) }, marks),
      });
    }
    chart.setOption({
      animation: false, aria: { enabled: false }, textStyle: { fontFamily: style, fontSize: 12, color: "#1b2733" },
      axisPointer: { link: [{ xAxisIndex: "all" }], lineStyle: { color: "#c4ccd4" } },
      legend: { show: told.series.length > 1 || Boolean(told.bars), top: 0, left: 0, type: "scroll", width: "96%", itemWidth: 14, itemHeight: 9, data: told.series.map((one) => one.name).concat(told.bars ? [told.bars.name] : []), textStyle: { fontSize: 12 } },
      tooltip: { trigger: "axis", confine: true, formatter: (rows) => tip(rows) },
      grid: grids, xAxis: xs, yAxis: ys, series: series,
    }, true);
  }

  function tip(rows) {
    const n = rows[0].dataIndex;
    const safe = (text) => window.echarts.format.encodeHTML(text);
    const said = ["<b>" + safe(told.lots[n]) + "</b>"];
    rows.forEach(function (one) {
      if (Array.isArray(one.value)) { said.push(one.marker + safe(one.seriesName) + ": " + one.value[1] + " … " + one.value[2] + " " + safe(told.unit)); return; }
      if (one.value !== null && one.value !== undefined) { said.push(one.marker + safe(one.seriesName) + ": " + one.value + " " + safe(told.unit)); }
    });
    own.rules[n].forEach((rule) => said.push(rule + " " + safe(told.rules[rule])));
    if (own.steps_out[n]) { said.push("MR " + safe(told.rules[0])); }
    return said.join("<br>");
  }

  let scale = "all";
  const choice = document.getElementById("chart-scale");
  if (choice) {
    choice.addEventListener("click", function (event) {
      const asked = event.target.closest("[data-scale]");
      if (!asked) { return; }
      scale = asked.dataset.scale;
      choice.querySelectorAll("[data-scale]").forEach((one) => one.setAttribute("aria-pressed", String(one === asked)));
      draw(scale);
    });
  }
  draw(scale);
  window.addEventListener("resize", function () { chart.resize(); draw(scale); });
});
