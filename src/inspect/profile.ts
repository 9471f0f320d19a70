// Where a step's time goes: by op and by layer, forward and backward, and what each loss's gradient costs.
import { grad } from '../autograd/backward.ts';
import { insidePass } from '../autograd/pass.ts';
import { Module } from '../module/module.ts';
import { setTracer } from '../runtime/call.ts';
import { assertArity, checkArgument, COUNT, FUNCTION, instanceOf, isPlainObject, type Kinds, optionsOf, valueText } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { nodeOf } from '../tensor/op.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { scope } from '../tensor/scope.ts';
import { callNow } from '../tensor/sync.ts';
import { type Node, observe } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';
import { bytesText, table } from './table.ts';

/** Options of `profile`. */
export interface ProfileOptions {
  /** Whose layers the time is told by. */
  model?: Module;
  /** Losses by name, computed anew at each call: each one's gradient for the model's parameters is timed alone. */
  losses?: () => Readonly<Record<string, Tensor>>;
  /** How many steps are measured, default 20. */
  steps?: number;
}

const OPTIONS: Kinds<ProfileOptions> = { model: instanceOf(Module, 'a module'), losses: FUNCTION, steps: COUNT };
/** Steps before the clock runs: engines compile first. */
const WARM_UP = 5;

/** What an op took in a layer, per step. */
export interface ProfileRow {
  /** The op's name; for what is no op (optimizers, methods) the kernel's. */
  readonly op: string;
  /** The innermost module around it, by path; '' for none. */
  readonly layer: string;
  /** Where in the step: an op, its gradient, or neither. */
  readonly pass: 'forward' | 'backward' | 'other';
  /** Calls a step. */
  readonly calls: number;
  /** Milliseconds a step. */
  readonly ms: number;
  /** Bytes of what it gave, a step. */
  readonly bytes: number;
}

/** A Chrome trace: open it in chrome://tracing or ui.perfetto.dev. */
export interface Trace {
  /** Complete events ('X') in microseconds. */
  readonly traceEvents: readonly { name: string; cat: string; ph: 'X'; ts: number; dur: number; pid: number; tid: number; args: { layer: string; bytes: number } }[];
}

/** What a profile found. */
export interface Profile {
  /** Milliseconds a step takes while it is watched; watching adds some to each op. */
  readonly ms: number;
  /** Op by op in each layer, most time first. */
  readonly rows: readonly ProfileRow[];
  /** Milliseconds of each loss's gradient, alone. Empty without `losses`. */
  readonly losses: Readonly<Record<string, number>>;
  /** The last step as a Chrome trace. */
  readonly trace: Trace;
  /** As tables. */
  toString(): string;
}

type Event = Omit<Trace['traceEvents'][number], 'ph' | 'pid' | 'tid'>;

/** Watches while `run` runs, into `events`. */
function watch(events: Event[], layers: readonly string[], layerOf: WeakMap<Node, string>, run: () => void): void {
  let inside = 0;
  let last = performance.now();
  const note = (name: string, cat: string, from: number, layer: string, bytes: number): void => {
    last = performance.now();
    events.push({ name, cat, ts: 1000 * from, dur: 1000 * (last - from), args: { layer, bytes } });
  };
  const timed = <T>(fn: () => T): T => {
    inside++;
    try {
      return fn();
    } finally {
      inside--;
    }
  };
  const ended = observe({
    forward(name, op) {
      const layer = layers.at(-1) ?? '';
      const from = performance.now();
      const y = timed(op);
      const node = nodeOf(y);
      if (node && !layerOf.has(node)) layerOf.set(node, layer);
      // What a pass adds up, and what a method combines, is no forward.
      if (inside === 0) note(name, insidePass() ? 'backward' : 'forward', from, layer, 4 * y.size);
      return y;
    },
    view(_name, _x, _attrs, y) {
      const node = nodeOf(y);
      if (node) layerOf.set(node, layers.at(-1) ?? '');
    },
    backward(node, rule) {
      const from = performance.now();
      const gradients = timed(rule);
      if (inside === 0) note(node.op.name, 'backward', from, layerOf.get(node) ?? '', 4 * gradients.reduce((sum, g) => sum + (g?.size ?? 0), 0));
      return gradients;
    },
  });
  // Kernels outside of ops: optimizers, methods, what is added up. Host work before a kernel counts with it.
  const before = setTracer({
    call: (kernel) => {
      if (inside === 0 && kernel !== 'alloc' && kernel !== 'free') note(kernel, 'other', last, '', 0);
    },
    host: () => {},
  });
  try {
    run();
  } finally {
    ended();
    setTracer(before);
  }
}

/** Keeps the path of the module that runs on top of `layers`. */
function followLayers(model: Module | undefined, layers: string[]): () => void {
  const hooks = Array.from(model?.namedModules() ?? [], ([path, m]) => [
    m.registerForwardPreHook(() => {
      layers.push(path);
    }),
    m.registerForwardHook(() => {
      layers.pop();
    }),
  ]);
  return () => {
    for (const h of hooks.flat()) h.remove();
  };
}

/** Rows added up that have one key, most time first. */
function summed(rows: readonly ProfileRow[], key: (row: ProfileRow) => string): ProfileRow[] {
  const sums = new Map<string, ProfileRow>();
  for (const row of rows) {
    const at = key(row);
    const sum = sums.get(at);
    sums.set(at, sum ? { ...sum, calls: sum.calls + row.calls, ms: sum.ms + row.ms, bytes: sum.bytes + row.bytes } : row);
  }
  return [...sums.values()].sort((a, b) => b.ms - a.ms);
}

/** What the events of some steps come to, per step. */
function perStep(events: readonly Event[], steps: number): ProfileRow[] {
  const single = events.map(({ name, cat, dur, args: { layer, bytes } }): ProfileRow => ({ op: name, layer, pass: cat as ProfileRow['pass'], calls: 1, ms: dur / 1000, bytes }));
  return summed(single, (r) => `${r.pass}\n${r.layer}\n${r.op}`).map((r) => ({ ...r, calls: r.calls / steps, ms: r.ms / steps, bytes: r.bytes / steps }));
}

/**
 * Runs a step some times and tells where its time goes: calls, milliseconds and bytes by op and by layer, forward and backward. Give it the plain step: a captured one
 * is one call. Times of small ops are as coarse as the runtime's clock (5 µs in pages that are not isolated).
 *
 * @param step one training step; what it makes is given back
 * @example
 * const found = profile(() => trainOn(x, y), { model });
 * console.log(String(found));
 * writeFileSync('step.json', JSON.stringify(found.trace)); // chrome://tracing
 * @throws VALUE where `losses` gives no tensors by name; SCOPE where the step or `losses` is async; what the step throws
 */
export function profile(step: () => unknown, options?: ProfileOptions): Profile {
  assertArity('profile', arguments.length, 2);
  checkArgument('profile', 'the step', step, FUNCTION);
  const { model, losses, steps = 20 } = optionsOf('profile', options, OPTIONS);
  refuseWhileRecording('profile', 'a step is profiled', 'Profile the plain step.');
  if (losses && !model) throw valueError('profile', 'losses are timed by the gradients of a model. Give model too.');
  const once = (): void => {
    scope(() => {
      callNow('profile', step, 'the clock');
    });
  };
  for (let i = 0; i < WARM_UP; i++) once();
  const layers: string[] = [];
  const layerOf = new WeakMap<Node, string>();
  const events: Event[] = [];
  let lastStep = 0;
  let ms = 0;
  const done = followLayers(model, layers);
  try {
    for (let i = 0; i < steps; i++) {
      layers.length = 0;
      lastStep = events.length;
      const from = performance.now();
      watch(events, layers, layerOf, once);
      ms += (performance.now() - from) / steps;
    }
  } finally {
    done();
  }
  const rows = perStep(events, steps);
  const lossTimes = losses && model ? timesOf(losses, model, steps) : {};
  const trace: Trace = { traceEvents: events.slice(lastStep).map((e) => ({ ...e, ph: 'X', pid: 1, tid: 1 })) };
  const text = textOf(ms, rows, lossTimes);
  return { ms, rows, losses: lossTimes, trace, toString: () => text };
}

/** Milliseconds of each loss's gradient: the median of some, over graphs that the losses share. */
function timesOf(losses: () => Readonly<Record<string, Tensor>>, model: Module, steps: number): Record<string, number> {
  const parameters = model.parameters().filter((p) => p.requiresGrad);
  if (parameters.length === 0) throw valueError('profile', 'losses are timed by the gradients of a model, and none of its parameters requires one.');
  const times = new Map<string, number[]>();
  for (let i = 0; i < steps; i++) {
    scope(() => {
      const all: unknown = callNow('profile', losses, 'the clock');
      if (!isPlainObject(all)) throw valueError('profile', `losses must give tensors by name, got ${valueText(all)}. Return { name: loss }.`);
      for (const [name, loss] of Object.entries(all)) {
        if (!(loss instanceof Tensor)) throw valueError('profile', `loss '${name}' must be a tensor, got ${valueText(loss)}.`);
        const from = performance.now();
        grad(loss, parameters, { allowUnused: true, retainGraph: true });
        times.set(name, [...(times.get(name) ?? []), performance.now() - from]);
      }
    });
  }
  return Object.fromEntries([...times].map(([name, list]) => [name, list.sort((a, b) => a - b)[list.length >> 1] as number]));
}

const share = (part: number, whole: number): string => `${whole > 0 ? ((100 * part) / whole).toFixed(1) : '0.0'} %`;
const gives = (bytes: number): string => (bytes === 0 ? '–' : bytesText(bytes));

function textOf(ms: number, rows: readonly ProfileRow[], losses: Readonly<Record<string, number>>): string {
  const line = (r: ProfileRow): string[] => [r.op, r.pass, r.calls.toFixed(r.calls % 1 ? 1 : 0), r.ms.toFixed(3), share(r.ms, ms), gives(r.bytes)];
  const ops = table(
    ['op', 'pass', '>calls', '>ms', '>of the step', '>gives'],
    summed(rows, (r) => `${r.pass} ${r.op}`)
      .slice(0, 20)
      .map(line),
  );
  const byLayer = summed(rows, (r) => `${r.pass} ${r.layer}`).filter((r) => r.layer !== '');
  const layers =
    byLayer.length === 0
      ? []
      : [
          '',
          table(
            ['layer', 'pass', '>calls', '>ms', '>of the step', '>gives'],
            byLayer.slice(0, 20).map((r) => [r.layer, ...line(r).slice(1)]),
          ),
        ];
  const each = Object.entries(losses).map(([name, t]) => [name, t.toFixed(3)]);
  const gradients = each.length === 0 ? [] : ['', table(['gradient of', '>ms'], each)];
  return [ops, ...layers, ...gradients, '', `${ms.toFixed(3)} ms a step while watched`].join('\n');
}
