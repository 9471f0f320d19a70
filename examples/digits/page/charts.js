// Draws the two charts, in the page's colours and width; again when either changes.
const { steps, runs } = JSON.parse(document.getElementById('data').textContent);
const places = [...document.querySelectorAll('.chart')];
let charts = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const number = (value) => (value == null ? '–' : value.toPrecision(3));

/** 1, 2 and 5 times the powers of ten between two values; over many decades (a run that diverged) only some of the powers. */
function ticks(_chart, _axis, low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.ceil((last - first) / 6);
  const marks = [];
  for (let power = first; power <= last; power += every) {
    for (const digit of last - first > 4 ? [1] : [1, 2, 5]) marks.push(Number(`${digit}e${power}`));
  }
  return marks.filter((m) => m >= low && m <= high);
}

/** A little more than the data, instead of whole decades. */
function range(_chart, low, high) {
  return low == null ? [0.01, 1] : [low / 1.1, high * 1.1];
}

function draw(place) {
  const loss = place.dataset.loss;
  const axis = { stroke: colour('--quiet'), grid: { stroke: colour('--rule'), width: 1 }, ticks: { show: false }, font: '12px system-ui, sans-serif' };
  const options = {
    width: place.clientWidth,
    height: Math.max(260, Math.min(380, place.clientWidth * 0.55)),
    scales: { x: { time: false }, y: { distr: 3, range } },
    axes: [
      { ...axis, space: 60, label: 'step', labelSize: 22, labelFont: axis.font, size: 30 },
      { ...axis, size: 48, splits: ticks, filter: (_chart, marks) => marks, values: (_chart, marks) => marks.map((m) => (m < 1e5 ? `${m}` : m.toExponential(0))) },
    ],
    focus: { alpha: 0.2 },
    cursor: { y: false, sync: { key: 'steps', setSeries: true }, points: { size: 6 }, focus: { prox: 12 } },
    legend: { markers: { width: 3, dash: (_chart, i) => (runs[i - 1]?.dashed ? 'dashed' : 'solid') } },
    series: [
      { label: 'step' },
      ...runs.map((run, i) => ({
        label: run.strategy,
        stroke: colour(`--line${i}`),
        width: 2,
        points: { show: false },
        dash: run.dashed ? [7, 4] : undefined,
        value: (_chart, v) => number(v),
      })),
    ],
  };
  return new uPlot(options, [steps, ...runs.map((run) => run[loss])], place);
}

function drawAll() {
  for (const chart of charts) chart.destroy();
  charts = places.map(draw);
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
