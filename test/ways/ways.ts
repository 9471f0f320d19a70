// The ways in which a user may run one and the same operation. Each gives the value and the gradients of all inputs, or says why it does not apply.
import * as g from 'gradloom';
import { autograd, capture, enableGrad, GradloomError, inference, multiloss, noGrad, scope, steps, type Tensor, tensor, zerosLike } from 'gradloom';
import * as helpers from '../ops/case.ts';
import type { Case } from '../ops/case.ts';

export interface Outcome {
  readonly shape: readonly number[];
  readonly value: readonly number[];
  /** null where the way records no gradients. */
  readonly gradients: readonly (readonly number[] | null)[] | null;
}
type Way = (c: Case, inputs: readonly Tensor[]) => Outcome | string;
type Run = (...inputs: Tensor[]) => Tensor;

const numbers = (x: Tensor): number[] => [...x.data()];
/** A leaf of its own with the same elements. */
export const leafOf = (x: Tensor): Tensor => tensor(x.data(), { shape: x.shape, requiresGrad: true });
/** The cotangent of an output. */
const towards = (y: Tensor): Tensor =>
  tensor(
    Float32Array.from({ length: y.size }, (_, i) => Math.fround(Math.cos(i + 1))),
    { shape: y.shape },
  );
const lossOf = (y: Tensor): Tensor => y.mul(towards(y)).sum();
const outcome = (y: Tensor, gradients: readonly (Tensor | null)[] | null): Outcome => ({
  shape: [...y.shape],
  value: numbers(y),
  gradients: gradients?.map((x) => x && numbers(x)) ?? null,
});

/** Values, then one pass; `between` runs before the pass. */
function once(run: Run, inputs: readonly Tensor[], between: (y: Tensor, leaves: readonly Tensor[]) => void = () => {}): Outcome {
  const leaves = inputs.map(leafOf);
  const y = run(...leaves);
  const value = outcome(y, null);
  if (!y.requiresGrad) return { ...value, gradients: leaves.map(() => null) };
  const loss = lossOf(y);
  between(y, leaves);
  loss.backward();
  return { ...value, gradients: leaves.map((x) => x.grad && numbers(x.grad)) };
}
export const plain: Way = (c, inputs) => once(c.run, inputs);

interface Call {
  parameters: string;
  first: string;
  name: string;
  rest: string;
  method: boolean;
}
const named = { ...g.nn.functional, ...g } as Readonly<Record<string, unknown>>;
/** Parts of a row that is one call of a function, or of a method, on its first input: read from its text, which the loader may have made shorter. */
function callOf(c: Case): Call | null {
  const direct = Object.keys(named).find((name) => named[name] === c.run);
  if (direct) return { parameters: '(x, ...rest)', first: 'x', name: direct, rest: '...rest)', method: false };
  const source = c.run.toString();
  const [, parameters, , name, first, rest] = /^(\(?[\w, ]+\)?)\s*=>\s*((?:g|F|g\.nn\.functional)\.)?(\w+)\(([a-z]\w*)(?=[,)]),?\s*([\s\S]*)$/.exec(source) ?? [];
  if (parameters && name && first && rest) return { parameters, first, name, rest, method: false };
  const [, inputs, x, method, args] = /^(\(?[\w, ]+\)?)\s*=>\s*([a-z]\w*)\.(\w+)\(([\s\S]*)$/.exec(source) ?? [];
  return inputs && x && x !== 'g' && x !== 'F' && method && args ? { parameters: inputs, first: x, name: method, rest: args, method: true } : null;
}

/** The same row written otherwise, or why not. */
function rewritten(c: Case, write: (call: Call) => string | null): Run | string {
  const call = callOf(c);
  if (!call) return 'no single call';
  const body = write(call);
  if (body === null) return 'no such form';
  const space = { ...g.nn.functional, ...helpers, g, F: g.nn.functional };
  return new Function(...Object.keys(space), `return ${call.parameters} => ${body}`)(...Object.values(space)) as Run;
}
const has = (object: object, name: string): boolean => typeof (object as Record<string, unknown>)[name] === 'function';
const asOther =
  (write: Parameters<typeof rewritten>[1]): Way =>
  (c, inputs) => {
    const run = rewritten(c, write);
    if (typeof run === 'string') return run;
    try {
      return once(run, inputs);
    } catch (error) {
      // What the row's own file defines is not at hand here.
      if (error instanceof ReferenceError) return 'made of its file’s own parts';
      throw error;
    }
  };

/** Captured: four calls with other inputs, then one that is replayed with these. Numbers of the host are made outside. */
const captured: Way = (c, inputs) => {
  if (c.dataShape) return 'refused';
  const dy = noGrad(() => towards(c.run(...inputs)));
  const step = capture((...xs: Tensor[]): (Tensor | null)[] => {
    const leaves = xs.map((x) => x.clone().requiresGrad_());
    const y = c.run(...leaves);
    if (y.requiresGrad) y.mul(dy).sum().backward();
    return [y, ...leaves.map((x) => x.grad)];
  });
  for (let i = 0; i < 4; i++) step(...inputs.map((x) => x.detach().mul(0.9)));
  const [y, ...gradients] = step(...inputs.map((x) => x.detach())) as [Tensor, ...(Tensor | null)[]];
  const result = outcome(y, gradients);
  step.release();
  return result;
};
/** The same of leaves outside, which change in place between the calls and gather the gradients. */
const capturedOver: Way = (c, inputs) => {
  if (c.dataShape) return 'refused';
  const dy = noGrad(() => towards(c.run(...inputs)));
  const leaves = inputs.map((x) => leafOf(x.detach().mul(0.9)));
  const step = capture((): Tensor => {
    for (const x of leaves) x.grad = null;
    const y = c.run(...leaves);
    if (y.requiresGrad) y.mul(dy).sum().backward();
    return y;
  });
  for (let i = 0; i < 4; i++) step();
  noGrad(() => {
    for (const [i, x] of leaves.entries()) x.copy_(inputs[i] as Tensor);
  });
  const result = outcome(
    step(),
    leaves.map((x) => x.grad),
  );
  step.release();
  return result;
};

/** The value alone. */
const valueAlone =
  (f: (run: () => Tensor) => Tensor): Way =>
  (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const y = f(() => c.run(...leaves));
    if (y.requiresGrad && !leaves.includes(y)) throw new Error('requires a gradient');
    return outcome(y, null);
  };

/** Inputs through a view of a leaf that is stored in another way; gradients are looked at through the same view. */
const through =
  (store: (x: Tensor) => Tensor, look: (s: Tensor) => Tensor): Way =>
  (c, inputs) => {
    const stored = inputs.map((x) => leafOf(store(x.detach())));
    const y = c.run(...stored.map(look));
    const value = outcome(y, null);
    if (!y.requiresGrad) return { ...value, gradients: stored.map(() => null) };
    lossOf(y).backward();
    return { ...value, gradients: stored.map((s) => s.grad && numbers(look(s.grad))) };
  };

const reverse = (x: Tensor): Tensor => x.permute(x.shape.map((_, i) => x.rank - 1 - i));

/** A write in place that backward may not survive: it refuses, or is right. */
const spoiling =
  (spoil: (y: Tensor, inputs: readonly Tensor[]) => void): Way =>
  (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const copies = leaves.map((x) => x.clone());
    const y = c.run(...copies);
    const value = outcome(y, null);
    if (!y.requiresGrad) return { ...value, gradients: leaves.map(() => null) };
    const loss = lossOf(y);
    try {
      noGrad(() => spoil(y, copies));
      loss.backward();
    } catch (error) {
      if (error instanceof GradloomError && (error.code === 'VERSION' || error.code === 'INPLACE')) return 'refused';
      throw error;
    }
    return { ...value, gradients: leaves.map((x) => x.grad && numbers(x.grad)) };
  };

export const ways: Readonly<Record<string, Way>> = {
  again: plain,
  // The method round takes no decimals.
  'as a method': asOther(({ first, name, rest, method }) => (method || !has(tensor(0), name) || (name === 'round' && rest !== ')') ? null : `${first}.${name}(${rest}`)),
  'as a function': asOther(({ first, name, rest, method }) =>
    !method || !(has(g, name) || has(g.nn.functional, name)) ? null : `${has(g, name) ? 'g' : 'F'}.${name}(${first}${rest === ')' ? '' : ', '}${rest}`,
  ),
  'in place': (c, inputs) => {
    const way = asOther(({ first, name, rest }) => (has(tensor(0), `${name}_`) ? `${first}.clone().${name}_(${rest}` : null));
    try {
      return way(c, inputs);
    } catch (error) {
      if (error instanceof GradloomError && error.code === 'SHAPE') return 'another shape';
      throw error;
    }
  },
  'into memory that was there': (c, inputs) =>
    once((...xs) => {
      const y = c.run(...xs);
      return y.requiresGrad ? zerosLike(y).copy_(y) : y;
    }, inputs),
  'from inputs written in place': (c, inputs) => once((...xs) => c.run(...xs.map((x) => zerosLike(x).copy_(x))), inputs),
  'inputs written over later': spoiling((_, xs) => {
    for (const x of xs) x.zero_();
  }),
  'output written over later': spoiling((y) => void y.zero_()),
  'inside scope': (c, inputs) => scope(() => plain(c, inputs)),
  'out of scope': (c, inputs) => once((...xs) => scope(() => c.run(...xs)), inputs),
  'a pass inside scope': (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const value = scope(() => {
      const y = c.run(...leaves);
      if (y.requiresGrad) lossOf(y).backward();
      return outcome(y, null);
    });
    return { ...value, gradients: leaves.map((x) => x.grad && numbers(x.grad)) };
  },
  'inside steps': (c, inputs) => {
    let last: Outcome | string = '';
    for (const _ of steps(3)) last = plain(c, inputs);
    return last;
  },
  captured,
  'captured, over leaves outside': capturedOver,
  'under noGrad': valueAlone((run) => noGrad(run)),
  'under inference': valueAlone((run) => inference(run)),
  'under enableGrad in noGrad': (c, inputs) => noGrad(() => enableGrad(() => plain(c, inputs))),
  'through a transposed view': through((x) => reverse(x).clone(), reverse),
  'through a narrowed view': through(
    (x) => (x.rank === 0 ? x : g.cat([g.fullLike(x, 9), x, g.fullLike(x, 7)], 0)),
    (s) => (s.rank === 0 ? s : s.narrow(0, (s.shape[0] as number) / 3, (s.shape[0] as number) / 3)),
  ),
  'through every second row': through(
    (x) => (x.rank === 0 ? x : g.stack([x, g.fullLike(x, 9)], 1).flatten(0, 1)),
    (s) => (s.rank === 0 ? s : s.slice(0, 0, undefined, 2)),
  ),
  'through a selected row': through(
    (x) => g.stack([g.fullLike(x, 5), x]),
    (s) => s.select(0, 1),
  ),
  'through a detached window of its memory': (c, inputs) => once((...xs) => c.run(...xs.map((x) => x.add(x.detach().sub(x.detach())))), inputs),
  'a retained graph, walked twice': (c, inputs) => halved(once(c.run, inputs, (y) => lossOf(y).backward({ retainGraph: true }))),
  'a retained graph, read in between': (c, inputs) =>
    halved(
      once(c.run, inputs, (y, leaves) => {
        lossOf(y).backward({ retainGraph: true });
        for (const x of leaves) x.grad?.data();
      }),
    ),
  'with createGraph': (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const y = c.run(...leaves);
    if (!y.requiresGrad) return 'no gradient';
    lossOf(y).backward({ createGraph: true });
    return outcome(
      y,
      leaves.map((x) => x.grad?.detach() ?? null),
    );
  },
  'by autograd.grad': (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const y = c.run(...leaves);
    if (!y.requiresGrad) return 'no gradient';
    return outcome(y, autograd.grad(lossOf(y), leaves, { allowUnused: true }));
  },
  'by autograd.grad of the output': (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const y = c.run(...leaves);
    if (!y.requiresGrad) return 'no gradient';
    return outcome(y, autograd.grad(y, leaves, { gradOutputs: towards(y), allowUnused: true }));
  },
  'with hooks that look': (c, inputs) =>
    once(c.run, inputs, (y, leaves) => {
      for (const x of [y, ...leaves]) x.registerHook(() => undefined);
      for (const x of leaves) x.registerPostAccumulateGradHook(() => {});
      y.retainGrad();
    }),
  'with hooks that give a copy': (c, inputs) =>
    once(c.run, inputs, (y, leaves) => {
      for (const x of [y, ...leaves]) x.registerHook((dy) => dy.clone());
    }),
  'with anomalies looked for': (c, inputs) => {
    autograd.setDetectAnomaly(true);
    try {
      return plain(c, inputs);
    } finally {
      autograd.setDetectAnomaly(false);
    }
  },
  'one input at a time': (c, inputs) => {
    const each = inputs.map((_, i): Outcome => {
      const leaves = inputs.map((x, k) => (k === i ? leafOf(x) : leafOf(x).detach()));
      const y = c.run(...leaves);
      if (y.requiresGrad) lossOf(y).backward();
      return outcome(y, [(leaves[i] as Tensor).grad]);
    });
    return { ...(each[0] as Outcome), gradients: each.map((e) => e.gradients?.[0] ?? null) };
  },
  'as one of two losses': (c, inputs) => {
    const leaves = inputs.map(leafOf);
    const y = c.run(...leaves);
    if (!y.requiresGrad) return 'no gradient';
    const zero = leaves.map((x) => x.mul(0).sum()).reduce((a, b) => a.add(b));
    multiloss.backward({ a: lossOf(y), b: zero }, { combine: new multiloss.Sum(), measure: true });
    return outcome(
      y,
      leaves.map((x) => x.grad),
    );
  },
};

/** Twice a gradient is exact. */
const halved = (o: Outcome): Outcome => ({ ...o, gradients: o.gradients?.map((x) => x?.map((v) => v / 2) ?? null) ?? null });
