// Draws the charts, in the page's colours and width; again when either changes. Needs uPlot and heatmap.js.
const { steps, series, phases } = JSON.parse(document.getElementById('data').textContent);
const font = '12px system-ui, sans-serif';
const of = (kind) => series.filter((s) => s.kind === kind && s.layer === undefined);
const names = of('loss').map((s) => s.name);
const sectionOf = (name) => document.querySelector(`[data-chart="${name}"]`);
let charts = [];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const shortNumber = (v) => (v === 0 ? '0' : Math.abs(v) >= 1e5 || Math.abs(v) < 1e-3 ? v.toExponential(0) : `${Number(v.toPrecision(3))}`).replace('-', '−');
const shown = (v) => (v == null ? '–' : (Math.abs(v) >= 1e5 || (v !== 0 && Math.abs(v) < 1e-3) ? v.toExponential(2) : v.toPrecision(3)).replace('-', '−'));

/** The exponential moving average over about a fortieth of the run, corrected for its start; on a scale of powers of the logarithms. */
function smooth(values, log) {
  const decay = 1 - 1 / Math.max(1, values.length / 40);
  let [sum, weight] = [0, 0];
  return values.map((v) => {
    if (v == null) return null;
    sum = decay * sum + (1 - decay) * (log ? Math.log(v) : v);
    weight = decay * weight + (1 - decay);
    return log ? Math.exp(sum / weight) : sum / weight;
  });
}

/** Changes per step added up over the steps that each point stands for; null before the first. */
function added(values) {
  let total = null;
  return values.map((v, i) => {
    if (v != null) total = (total ?? 0) + v * (steps[i] - (steps[i - 1] ?? -1));
    return total;
  });
}

/** Whether a scale of powers fits: all above 0, and far enough apart. */
function logarithmic(lines) {
  const all = lines.flatMap((l) => l.values).filter((v) => v != null);
  const [low, high] = all.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  return low > 0 && high / low > 20;
}

/** 1, 2 and 5 times the powers of ten between two values; over many decades only some of the powers. */
function powerTicks(_chart, _axis, low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / 6));
  const marks = [];
  for (let power = first; power <= last; power += every) for (const digit of last - first > 3 ? [1] : [1, 2, 5]) marks.push(Number(`${digit}e${power}`));
  return marks.filter((m) => m >= low && m <= high);
}

/** Where phases began: a dashed line with the name above it. */
function drawPhases(chart) {
  if (phases.length < 2) return;
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = css('--quiet');
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  const right = bbox.left + bbox.width;
  for (const [i, { step, phase }] of phases.entries()) {
    const x = Math.max(bbox.left, chart.valToPos(step, 'x', true));
    const end = Math.min(right, phases[i + 1] ? chart.valToPos(phases[i + 1].step, 'x', true) : right);
    if (end <= x) continue;
    if (x > bbox.left) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    if (ctx.measureText(phase).width + 5 * ratio < end - x) ctx.fillText(phase, x + 4 * ratio, bbox.top + 3 * ratio);
  }
  ctx.restore();
}

/** A line at 0, where the scale has one. */
function drawZero(chart) {
  const { ctx, bbox, scales } = chart;
  if (scales.y.distr === 3 || !(scales.y.min < 0 && scales.y.max > 0)) return;
  const y = Math.round(chart.valToPos(0, 'y', true));
  ctx.save();
  ctx.strokeStyle = css('--quiet');
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** Single points, faint, behind the lines that are their running means. */
function drawRaw(lines) {
  return (chart) => {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    ctx.globalAlpha = 0.3;
    lines.forEach(({ values, colour, raw }, i) => {
      if (!raw || !chart.series[i + 1].show) return;
      ctx.strokeStyle = colour;
      ctx.beginPath();
      let pen = false;
      values.forEach((v, k) => {
        if (v == null) pen = false;
        else {
          const [x, y] = [chart.valToPos(steps[k], 'x', true), chart.valToPos(v, 'y', true)];
          pen ? ctx.lineTo(x, y) : ctx.moveTo(x, y);
          pen = true;
        }
      });
      ctx.stroke();
    });
    ctx.restore();
  };
}

/** From a little below to a little above: all of the running means, and all but the wildest of the single points. */
function rangeOf(lines, log) {
  const bounds = lines.flatMap(({ values, raw }) => {
    const sorted = values.filter((v) => v != null).sort((a, b) => a - b);
    const means = smooth(values, log).filter((v) => v != null);
    const cut = Math.floor(sorted.length / 200);
    return raw ? [sorted[cut], sorted[sorted.length - 1 - cut], ...means] : sorted;
  });
  if (bounds.length === 0) return log ? [0.1, 1] : [0, 1];
  const [low, high] = bounds.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  if (log) return [low / (high / low) ** 0.05, high * Math.max(1.2, (high / low) ** 0.15)];
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  return [low >= 0 && low < 4 * room ? 0 : low - room, high + 1.6 * room];
}

/** One chart of lines [{ name, values, colour, dash, raw }]: of `raw` ones the running mean, with the single points behind it. */
function draw(place, lines, { log = logarithmic(lines), range = rangeOf(lines, log), height = 280 } = {}) {
  const axis = { stroke: css('--quiet'), grid: { stroke: css('--rule'), width: 1 }, ticks: { show: false }, font };
  const options = {
    width: place.clientWidth,
    height,
    scales: { x: { time: false }, y: { distr: log ? 3 : 1, range } },
    axes: [
      { ...axis, space: 60, label: 'step', labelSize: 20, labelFont: font, size: 28 },
      { ...axis, size: 58, ...(log && { splits: powerTicks, filter: (_c, marks) => marks }), values: (_c, marks) => marks.map((m) => (m == null ? '' : shortNumber(m))) },
    ],
    focus: { alpha: 0.25 },
    cursor: { y: false, sync: { key: 'steps' }, points: { size: 6 }, focus: { prox: 12 } },
    legend: { markers: { width: 3, dash: (_c, i) => (lines[i - 1]?.dash ? 'dashed' : 'solid') } },
    hooks: { drawAxes: [drawZero, drawRaw(lines)], draw: [drawPhases] },
    series: [
      { label: 'step' },
      ...lines.map(({ name, colour, dash }) => ({
        label: name,
        stroke: colour,
        width: 2,
        points: { show: steps.length < 2 },
        dash: dash ? [7, 4] : undefined,
        value: (_c, v) => shown(v),
      })),
    ],
  };
  charts.push(new uPlot(options, [steps, ...lines.map((l) => (l.raw ? smooth(l.values, log) : l.values))], place));
}

/** Lines of a kind, in the losses' colours, or in order for pairs. */
function linesOf(kind, more = {}) {
  return of(kind).map(({ name, values }, i) => {
    const at = names.includes(name) ? names.indexOf(name) : i;
    return { name, values, colour: css(`--line${at % 6}`), dash: at >= 6, ...more };
  });
}

/** Draws into a section, which stays away where there is nothing to draw. */
function section(name, lines, options) {
  const place = sectionOf(name);
  place.hidden = lines.length === 0;
  if (lines.length > 0) draw(place.querySelector('.chart'), lines, options);
}

function drawLayers() {
  const place = sectionOf('layers');
  const rows = series.filter((s) => s.kind === 'cosine' && s.layer !== undefined);
  place.hidden = rows.length === 0;
  if (place.hidden) return;
  const select = place.querySelector('select');
  if (select.options.length === 0) {
    for (const pair of new Set(rows.map((r) => r.name))) select.add(new Option(pair));
    select.onchange = drawLayers;
    select.parentElement.hidden = select.options.length < 2;
  }
  drawHeat(
    place,
    rows.filter((r) => r.name === select.value),
    steps,
    css,
  );
}

function drawChanges() {
  const place = sectionOf('change');
  const [measured, predicted] = [of('measured'), of('predicted')];
  place.hidden = measured.length === 0;
  const grid = place.querySelector('.multiples');
  grid.replaceChildren();
  // All boxes before the first chart: the grid's columns follow from their number.
  const boxes = measured.slice(0, 8).map(({ name }) => {
    const box = document.createElement('div');
    const heading = document.createElement('h3');
    heading.textContent = name;
    box.append(heading);
    grid.append(box);
    return box;
  });
  for (const [i, box] of boxes.entries()) {
    const { name, values } = measured[i];
    const colour = css(`--line${names.indexOf(name) % 6}`);
    const told = predicted.find((p) => p.name === name)?.values ?? [];
    const lines = [
      { name: 'measured', values: added(values), colour, raw: true },
      { name: 'predicted', values: added(told), colour, dash: true },
    ];
    draw(box, lines, { height: 220, log: false });
  }
}

function drawAll() {
  for (const chart of charts) chart.destroy();
  charts = [];
  section('loss', linesOf('loss', { raw: true }));
  const weights = linesOf('weight');
  const heaviest = Math.max(0, ...weights.flatMap((w) => w.values.filter((v) => v != null)));
  section('weight', weights, { height: 220, ...(!logarithmic(weights) && weights.every((w) => w.values.every((v) => !(v < 0))) && { range: [0, 1.3 * heaviest || 1] }) });
  section('norm', linesOf('norm', { raw: true }));
  section('cosine', linesOf('cosine', { raw: true }), { range: [-1, 1], log: false, height: 240 });
  drawLayers();
  drawChanges();
}

drawAll();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
let width = innerWidth;
addEventListener('resize', () => {
  // A phone's address bar coming and going changes only the height.
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
});
