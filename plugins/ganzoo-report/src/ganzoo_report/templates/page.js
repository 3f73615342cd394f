"use strict";

// The charts: uPlot draws them on canvases, in the colours of the page.
{
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const places = [...document.querySelectorAll("[data-chart]")];
  const HEIGHT = 200;
  const MEAN_FROM = 60; // points from which on a running mean is drawn over a line
  let drawn = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const short = (value) =>
    value == null ? "–" : Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3)
      ? value.toExponential(2)
      : String(+value.toPrecision(4));
  const step = (value) => (value == null ? "–" : Math.round(value).toLocaleString("en"));

  function runningMean(values) {
    const half = Math.max(2, Math.floor(values.length / 50));
    return values.map((value, at) => {
      if (value == null) return null;
      const near = values.slice(Math.max(0, at - half), at + half + 1).filter((each) => each != null);
      return near.reduce((sum, each) => sum + each, 0) / near.length;
    });
  }

  const PALETTE = ["--accent", "--second", "--real", "--third", "--fourth"];
  const colourOf = (index) => colour(PALETTE[index % PALETTE.length]);
  const lastOf = (values) => values.findLast((each) => each != null);

  // Without a pointer over the chart, its legend has the last values.
  function series(line, index) {
    const own = colourOf(index);
    const value = (_, it, __, at) => short(at == null ? lastOf(line.values) : it);
    if (line.role === "baseline")
      return [{ label: line.label, stroke: colour("--real"), dash: [6, 5], width: 1.5, points: { show: false }, value, spanGaps: true }, line.values];
    if (line.role === "best")
      return [{ label: line.label, stroke: colour("--second"), width: 0, points: { show: true, size: 11, fill: colour("--second"), stroke: colour("--paper"), width: 2 }, value }, line.values];
    const points = line.values.filter((each) => each != null).length;
    return [{ label: line.label, stroke: own, width: 2, dash: index < PALETTE.length ? undefined : [7, 4], points: { show: points < 40, size: 5, fill: own }, value, spanGaps: true }, line.values, points];
  }

  function draw(place) {
    const chart = charts[place.dataset.chart];
    const all = [{ label: "step", value: (_, it) => step(it ?? chart.steps.at(-1)) }];
    const data = [chart.steps];
    for (const [index, line] of chart.lines.entries()) {
      const [options, values, points] = series(line, index);
      if (points >= MEAN_FROM) {
        all.push({ ...options, label: "", width: 1, alpha: 0.3, class: "faint" });
        data.push(values);
        data.push(runningMean(values));
      } else {
        data.push(values);
      }
      all.push(options);
    }
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif", gap: 6 };
    const many = chart.steps.length > 1;
    const plot = new uPlot({
      width: place.clientWidth,
      height: HEIGHT,
      series: all,
      scales: { x: { time: false, range: many ? undefined : (_, low) => [low - 1, low + 1] }, y: { distr: chart.log ? 3 : 1 } },
      axes: [
        { ...axis, size: 28, values: (_, ticks) => ticks.map(step) },
        { ...axis, size: 56, values: (_, ticks) => ticks.map((each) => (each == null ? "" : short(each))) },
      ],
      cursor: { y: false, drag: { x: true, y: false }, sync: { key: "steps" } },
      legend: { markers: { width: 0, fill: (plot, at) => plot.series[at].stroke(plot, at) } },
    }, data, place);
    plot.root.querySelectorAll(".faint").forEach((row) => row.remove());
    return plot;
  }

  function redraw() {
    for (const plot of drawn) plot.destroy();
    drawn = places.map(draw);
    document.querySelectorAll("[data-swatch]").forEach((each) => {
      each.style.background = colourOf(each.dataset.swatch);
    });
  }

  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", () => {
    drawn.forEach((plot, index) => plot.setSize({ width: places[index].clientWidth, height: HEIGHT }));
  });
  addEventListener("beforeprint", () => { document.documentElement.classList.add("print"); redraw(); });
  addEventListener("afterprint", () => { document.documentElement.classList.remove("print"); redraw(); });
}

// The player: one grid of samples at a time.
for (const player of document.querySelectorAll(".player")) {
  const slider = player.querySelector("input");
  if (!slider) continue;
  const frames = [...player.querySelectorAll(".frames img")];
  const button = player.querySelector(".play");
  const words = player.querySelector("output");
  let timer = null;

  function show(index) {
    frames.forEach((each, at) => each.classList.toggle("on", at === index));
    words.textContent = frames[index].dataset.step;
    slider.value = index;
  }
  function stop() {
    clearInterval(timer);
    timer = null;
    button.classList.remove("playing");
    button.setAttribute("aria-label", "Play");
  }
  function play() {
    if (+slider.value === frames.length - 1) show(0);
    button.classList.add("playing");
    button.setAttribute("aria-label", "Pause");
    timer = setInterval(() => {
      show(+slider.value + 1);
      if (+slider.value === frames.length - 1) stop();
    }, 350);
  }
  slider.addEventListener("input", () => { stop(); show(+slider.value); });
  button.addEventListener("click", () => (timer === null ? play() : stop()));
}
