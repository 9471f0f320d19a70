// A page that trains and stays alive: in a worker, on its own thread with tick(), or, to see the difference, without either.
// `?mode=worker|tick|blocked` starts at once; `&report=URL` posts the frame gaps there at the end (test/runtimes does).
import { tick } from 'gradloom';
import { run } from 'gradloom/worker';
import { type Progress, train } from './train.ts';

type Mode = 'worker' | 'tick' | 'blocked';
const STEPS = 400;

const find = <E extends Element>(selector: string): E => document.querySelector(selector) as E;
const [stop, status, canvas] = [find<HTMLButtonElement>('#stop'), find<HTMLElement>('#status'), find<HTMLCanvasElement>('canvas')];
const starts = [...document.querySelectorAll<HTMLButtonElement>('button[data-mode]')];

/** Milliseconds between frames, while it runs. */
function watchFrames(): () => number[] {
  const gaps: number[] = [];
  let last = performance.now();
  let on = true;
  const frame = (): void => {
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    if (on) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  return () => {
    on = false;
    gaps.push(performance.now() - last);
    return gaps;
  };
}

const history: Progress[] = [];
function draw(): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  for (const [key, color, dash] of [
    ['spiral', '#0b62a4', []],
    ['point', '#b4540a', [6, 4]],
  ] as const) {
    context.strokeStyle = color;
    context.setLineDash([...dash]);
    context.lineWidth = 2;
    context.beginPath();
    for (const p of history) context.lineTo((p.step / STEPS) * width, height * (1 - Math.min(1, p[key] / 2)));
    context.stroke();
  }
}

function show(progress: Progress): void {
  history.push(progress);
  draw();
  status.textContent = `step ${progress.step} of ${STEPS} · which spiral: ${progress.spiral.toFixed(3)} · draw again: ${progress.point.toFixed(4)}`;
}

/** Trains in one of the three ways; ends early when the signal says so. */
async function start(mode: Mode, signal: AbortSignal): Promise<void> {
  if (mode === 'worker') {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    try {
      for await (const progress of run<Progress>(worker, { n: STEPS, every: 2 }, { signal })) show(progress);
    } finally {
      worker.terminate();
    }
  } else {
    for (const progress of train({ n: STEPS, every: 1, signal })) {
      show(progress);
      if (mode === 'tick') await tick({ after: 8, signal });
    }
  }
}

async function press(mode: Mode): Promise<{ mode: Mode; frames: number; longest: number; median: number; ms: number; ended: string; last: Progress | undefined }> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  stop.addEventListener('click', abort);
  for (const button of starts) button.disabled = true;
  stop.disabled = false;
  history.length = 0;
  const frames = watchFrames();
  const begin = performance.now();
  let ended = 'done';
  try {
    await start(mode, controller.signal);
  } catch (error) {
    ended = (error as Error).name === 'AbortError' ? 'stopped' : `failed: ${(error as Error).message}`;
  }
  const gaps = frames().sort((a, b) => a - b);
  const [median, longest] = [gaps[gaps.length >> 1] as number, gaps[gaps.length - 1] as number];
  stop.removeEventListener('click', abort);
  for (const button of starts) button.disabled = false;
  stop.disabled = true;
  status.textContent += ` · ${ended} · ${gaps.length} frames, longest gap ${longest.toFixed(0)} ms`;
  return { mode, frames: gaps.length, longest, median, ms: performance.now() - begin, ended, last: history.at(-1) };
}

for (const button of starts) button.addEventListener('click', () => press(button.dataset['mode'] as Mode));

const query = new URLSearchParams(location.search);
const mode = query.get('mode') as Mode | null;
if (mode) {
  const stopAfter = query.get('stop');
  if (stopAfter) setTimeout(() => stop.click(), Number(stopAfter));
  const result = press(mode);
  if (query.has('report')) result.then((body) => fetch(query.get('report') as string, { method: 'POST', body: JSON.stringify(body) }));
}
