// Anomaly detection: which op made the first NaN or infinity, forward or backward, and on which line of the program.
import { assertArity, checkArgument, FLAG, type Kinds, optionsOf } from '../tensor/check.ts';
import { GradloomError, shapeText, warnOnce } from '../tensor/errors.ts';
import { setAnomalyMode } from '../tensor/modes.ts';
import { recording } from '../tensor/recording.ts';
import { lineOf } from '../tensor/line.ts';
import { observe, type Observer } from '../tensor/tape.ts';
import type { Storage } from '../tensor/storage.ts';
import type { Tensor } from '../tensor/tensor.ts';

/** Options of `setDetectAnomaly`. */
export interface AnomalyOptions {
  /** Whether the first NaN or infinity is an error, forward and backward. Default: only NaN in backward is, as in PyTorch; the rest is said on the console. */
  strict?: boolean;
}

const OPTIONS: Kinds<AnomalyOptions> = { strict: FLAG };
/** Frames of a stack in V8 while anomalies are looked for: the program's own must be among them. */
const FRAMES = 50;
type Limited = ErrorConstructor & { stackTraceLimit?: number };
let limitBefore: number | undefined;
/** Ends the watching, while there is any. */
let ended: (() => void) | null = null;

/**
 * Anomaly mode (`torch.autograd.set_detect_anomaly`): each op and each gradient is looked through for NaN and infinity, which is slow. NaN in a gradient is an error that
 * names the op and the line that called it. What else is the first to be not finite, in forward or as infinity in backward, is said on the console, once a line; with
 * `strict` it is an error too. Infinity that the program put there itself (a mask of −∞) is none.
 *
 * @example
 * autograd.setDetectAnomaly(true, { strict: true });
 * tensor([0]).log(); // NONFINITE: log gave -Infinity at element [0] …, called at main.ts:2:13
 * @throws in later ops and backward passes: NONFINITE
 */
export function setDetectAnomaly(mode: boolean, options?: AnomalyOptions): void {
  assertArity('setDetectAnomaly', arguments.length, 2);
  checkArgument('setDetectAnomaly', 'mode', mode, FLAG);
  const { strict = false } = optionsOf('setDetectAnomaly', options, OPTIONS);
  setAnomalyMode(mode);
  ended?.();
  ended = mode ? observe(watcher(strict)) : null;
  const limited = Error as Limited;
  if (limitBefore !== undefined) limited.stackTraceLimit = limitBefore;
  limitBefore = mode ? limited.stackTraceLimit : undefined;
  if (limitBefore !== undefined) limited.stackTraceLimit = Math.max(FRAMES, limitBefore);
}

/** Whether there is NaN, else whether there is infinity, and the first place of it. */
function firstIn(t: Tensor): { value: number; index: number } | null {
  if (t.dtype !== 'float32' || t.storage.address === 0) return null;
  const data = t.data();
  let index = -1;
  for (let i = 0; i < data.length; i++) {
    const v = data[i] as number;
    if (Number.isNaN(v)) return { value: v, index: i };
    if (index < 0 && !Number.isFinite(v)) index = i;
  }
  return index < 0 ? null : { value: data[index] as number, index };
}

/** Whether a number among an op's options is not finite: the program asked for it. */
const asksForIt = (attrs: unknown): boolean =>
  typeof attrs === 'number'
    ? !Number.isFinite(attrs)
    : typeof attrs === 'object' && attrs !== null && Object.values(attrs).some((v) => typeof v === 'number' && !Number.isFinite(v));

/** An index by dimension. */
function place(index: number, sizes: readonly number[]): string {
  const at: number[] = [];
  for (const n of [...sizes].reverse()) {
    at.unshift(index % n);
    index = Math.floor(index / n);
  }
  return shapeText(at);
}

function watcher(strict: boolean): Observer {
  let inside = 0;
  /** What has been told already, and what came of it. */
  const known = new WeakSet<Storage>();
  const quietly = <T>(fn: () => T): T => {
    inside++;
    try {
      return fn();
    } finally {
      inside--;
    }
  };
  const tell = (op: string, what: string, stack: string | undefined, isError = strict): void => {
    const line = lineOf(stack);
    const text = `${what} (anomaly detection). ${stack === undefined ? 'Its forward ran before detection was on.' : `Its forward ran here${line ? `, called at ${line}` : ''}:\n${stack}`}`;
    if (isError) throw new GradloomError('NONFINITE', op, text);
    warnOnce(`anomaly ${op} ${what.replace(/ at element.*/, '')} ${line}`, `${op}: ${text}`);
  };
  return {
    forward(name, run, inputs, attrs) {
      const y = quietly(run);
      if (inside > 0 || recording()) return y; // a trace reads no values
      const found = firstIn(y);
      if (!found) return y;
      const given = inputs.map((t) => (t === y || t.storage === y.storage ? null : firstIn(t)));
      const from = given.findIndex((g) => g !== null && Number.isNaN(g.value));
      const isAsked = given.some((g) => g !== null) || asksForIt(attrs);
      if (!Number.isNaN(found.value) && isAsked) return y;
      const wasKnown = inputs.some((t) => known.has(t.storage));
      known.add(y.storage);
      if (wasKnown) return y;
      const what = `gave ${found.value} at element ${place(found.index, y.sizes)} of float32 ${shapeText(y.sizes)}`;
      const input = inputs[from];
      if (input)
        tell(
          name,
          `${what}, since its input ${from}, ${input.describe()}, has NaN, which no op made while it was looked for: look at the data or at what filled it`,
          new Error().stack,
        );
      else tell(name, `${what}, the first that is not finite${isAsked ? ', from infinite inputs' : ''}`, new Error().stack);
      return y;
    },
    backward(node, run, dy) {
      const gradients = quietly(run);
      if (inside > 0) return gradients;
      gradients.forEach((g, i) => {
        const found = g && firstIn(g);
        if (!found) return;
        if (Number.isNaN(found.value)) tell('backward', `${node.op.name} returned NaN in the gradient of its input ${i}`, node.stack, true);
        else if (!firstIn(dy)) tell('backward', `${node.op.name} returned ${found.value} in the gradient of its input ${i}, the first that is not finite`, node.stack);
      });
      return gradients;
    },
  };
}
