"use strict";

// Colours are custom properties, so the drawn SVG follows the theme and print without redrawing.
const plotConfig = {
  background: null,
  font: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--muted)",
    titleColor: "var(--muted)",
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 500,
    titlePadding: 10,
    labelLimit: 130,
    labelFlush: false,
    labelSeparation: 8,
    gridColor: "var(--grid)",
    domainColor: "var(--line)",
    tickColor: "var(--line)",
  },
  axisY: { domain: false, ticks: false },
  axisYBand: { grid: false },
  legend: {
    labelColor: "var(--ink)",
    labelFontSize: 12,
    titleColor: "var(--muted)",
    titleFontSize: 12,
    titleFontWeight: 500,
    symbolType: "square",
    symbolSize: 90,
    symbolStrokeWidth: 0,
    symbolOpacity: 1,
    columnPadding: 16,
    labelLimit: 220,
    offset: 10,
  },
  style: {
    cut: { color: "var(--ink)", strokeDash: [4, 3], strokeWidth: 1.5 },
    "cut-label": { color: "var(--ink)", fontSize: 12, align: "left", baseline: "top", dx: 5 },
    "cut-label-above": {
      color: "var(--ink)", fontSize: 12, align: "center", baseline: "bottom", dy: -4,
    },
    value: { color: "var(--muted)", fontSize: 12 },
    reference: { color: "var(--muted)", strokeWidth: 1.5 },
    "reference-label": {
      color: "var(--muted)", fontSize: 12, align: "right", baseline: "bottom", dy: -3,
    },
  },
};

for (const plot of document.querySelectorAll(".plot")) {
  const spec = JSON.parse(plot.nextElementSibling.textContent);
  const options = {
    mode: "vega-lite", renderer: "svg", actions: false, config: plotConfig,
    tooltip: { theme: "custom" },
  };
  vegaEmbed(plot, spec, options).catch((error) => {
    plot.textContent = `This plot could not be drawn (${error.message}); its data is below.`;
    plot.classList.add("failed");
  });
}

// Small images grow by whole pixels, not by blurring.
for (const image of document.querySelectorAll(".card img")) {
  const sharpen = () => image.classList.toggle("pixels", image.naturalWidth <= 96);
  if (image.complete) sharpen();
  image.addEventListener("load", sharpen);
}

for (const box of document.querySelectorAll(".command")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(box.querySelector("code").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(box.querySelector("code"));
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  box.append(button);
}
