// Whether ops record for backward, make inference tensors, and whether NaN and infinity are looked for.
import { assertArity, checkArgument, FLAG } from './check.ts';
import { callNow } from './sync.ts';

let gradMode = true;
let inferenceMode = false;
let anomalyMode = false;

/** Whether ops record for backward now. */
export function isGradEnabled(): boolean {
  assertArity('isGradEnabled', arguments.length, 0);
  return gradMode;
}

/** Whether ops make inference tensors now. */
export function isInferenceMode(): boolean {
  assertArity('isInferenceMode', arguments.length, 0);
  return inferenceMode;
}

/** Whether NaN and infinity are looked for behind every op now. */
export function isAnomalyEnabled(): boolean {
  return anomalyMode;
}

function withMode<T>(grad: boolean, inference: boolean, fn: () => T): T {
  const before = [gradMode, inferenceMode] as const;
  gradMode = grad;
  inferenceMode = inference;
  try {
    return callNow(grad ? 'enableGrad' : inference ? 'inference' : 'noGrad', fn, 'the mode');
  } finally {
    [gradMode, inferenceMode] = before;
  }
}

/** Runs `fn` without recording: its results need no gradient (`torch.no_grad`). Synchronous (an async function is refused: SCOPE); nests. */
export function noGrad<T>(fn: () => T): T {
  assertArity('noGrad', arguments.length, 1);
  return withMode(false, inferenceMode, fn);
}

/** Runs `fn` with recording on, also inside `noGrad` (`torch.enable_grad`). Inside `inference` nothing records. Synchronous. */
export function enableGrad<T>(fn: () => T): T {
  assertArity('enableGrad', arguments.length, 1);
  return withMode(!inferenceMode, inferenceMode, fn);
}

/** Runs `fn` as if no mode were set, and without recording. */
export function withoutModes<T>(fn: () => T): T {
  return withMode(false, false, fn);
}

/** Turns recording on or off from here on (`torch.set_grad_enabled`). Inside `inference` nothing records. */
export function setGradEnabled(on: boolean): void {
  assertArity('setGradEnabled', arguments.length, 1);
  checkArgument('setGradEnabled', 'mode', on, FLAG);
  gradMode = on && !inferenceMode;
}

/** Runs `fn` so that what it makes can never take part in a graph (`torch.inference_mode`). */
export function inference<T>(fn: () => T): T {
  assertArity('inference', arguments.length, 1);
  return withMode(false, true, fn);
}

/** Turns anomaly mode on or off; who looks is `autograd/anomaly.ts`. */
export function setAnomalyMode(on: boolean): void {
  anomalyMode = on;
}
