// Hooks on gradients of tensors. One rule for a backward pass and for a walk over several losses: in the order of registration, each as often
// as it was registered; those that were there when the gradient arrived. `retainGrad` keeps what the last one left.
import { checkArgument, FUNCTION, valueText } from '../tensor/check.ts';
import { GradloomError, shapeError } from '../tensor/errors.ts';
import { nodeOf } from '../tensor/op.ts';
import { refuseWhileRecording } from '../tensor/recording.ts';
import { sameShape, type Shape } from '../tensor/shape.ts';
import { assertAlive, type GradientHook, type HookHandle, type Hooks, metaOf, Tensor } from '../tensor/tensor.ts';

export type { HookHandle } from '../tensor/tensor.ts';

/** Runs `hook` with the tensor's gradient in every backward pass, before it is accumulated or goes on; see `Tensor.registerHook`. */
export function addHook(t: Tensor, hook: GradientHook): HookHandle {
  const place = nodeOf(t) ?? (t.meta?.wantsGrad ? t.meta : null);
  if (!place) throw new GradloomError('GRAPH', 'registerHook', `${t.describe()} does not require a gradient, so no hook would run. Set requiresGrad first.`);
  return register('registerHook', place.hooks, hook, (hooks) => {
    place.hooks = hooks;
  });
}

/** Runs `hook` with the leaf once a backward pass has added to its `.grad`; see `Tensor.registerPostAccumulateGradHook`. */
export function addAccumulateHook(t: Tensor, hook: (leaf: Tensor) => void): HookHandle {
  const op = 'registerPostAccumulateGradHook';
  if (nodeOf(t) || !t.meta?.wantsGrad) throw new GradloomError('GRAPH', op, `only leaves that require a gradient accumulate one, unlike ${t.describe()}. Use registerHook.`);
  return register(op, metaOf(t).accumulateHooks, hook, (hooks) => {
    metaOf(t).accumulateHooks = hooks;
  });
}

/** Adds a hook to some, which `put` puts where they are looked for: null where the last one has gone, so that nothing waits for them. */
function register<Hook>(op: string, before: Hooks<Hook> | null, hook: Hook, put: (hooks: Hooks<Hook> | null) => void): HookHandle {
  checkArgument(op, 'hook', hook, FUNCTION);
  const hooks = before ?? new Map<HookHandle, Hook>();
  const handle: HookHandle = {
    remove() {
      if (hooks.delete(handle) && hooks.size === 0) put(null);
    },
  };
  put(hooks.set(handle, hook));
  return handle;
}

/** Throws unless a value can be a gradient of a tensor of that shape. `what`: where it comes from. */
export function assertGradient(op: string, g: unknown, shape: Shape, what: string): asserts g is Tensor {
  const remedy = 'Give a float32 tensor of its shape.';
  if (!(g instanceof Tensor) || g.dtype !== 'float32') throw new GradloomError('DTYPE', op, `${what} is ${valueText(g)}. ${remedy}`);
  if (!sameShape(g.sizes, shape)) throw shapeError(op, `${what} does not have the shape of its tensor`, [g.sizes, shape], remedy);
  assertAlive(g, op);
}

/** Runs hooks in order; a tensor that one returns takes the gradient's place. */
export function runHooks(hooks: readonly GradientHook[], gradient: Tensor): Tensor {
  refuseWhileRecording('registerHook', 'a hook runs', 'Remove it, or compute in the step what it computes.');
  let g = gradient;
  for (const hook of hooks) {
    const replaced: unknown = hook(g);
    if (replaced === undefined || replaced === null) continue;
    assertGradient('registerHook', replaced, gradient.sizes, 'what a hook returned');
    g = replaced;
  }
  return g;
}

/** Where hooks of leaves wait until gradients of all losses are there; null: they run at once. */
let waiting: Set<Tensor> | null = null;

/** Runs `fn`, and then the post-accumulate hooks of the leaves that got gradients in it, once each: all gradients are whole then. */
export function deferringHooks<T>(fn: () => T, around: (fn: () => void) => void): T {
  if (waiting) return fn();
  const leaves = new Set<Tensor>();
  waiting = leaves;
  let result: T;
  try {
    result = fn();
  } finally {
    waiting = null;
  }
  if (leaves.size > 0) around(() => leaves.forEach(runAccumulateHooks));
  return result;
}

/** A leaf has got its gradient: runs its hooks by `around`, or lets them wait. */
export function gradientArrived(leaf: Tensor, around: (fn: () => void) => void): void {
  if (waiting) waiting.add(leaf);
  else around(() => runAccumulateHooks(leaf));
}

function runAccumulateHooks(leaf: Tensor): void {
  refuseWhileRecording('registerPostAccumulateGradHook', 'a hook runs', 'Remove it, or compute in the step what it computes.');
  for (const hook of [...(leaf.meta?.accumulateHooks?.values() ?? [])]) hook(leaf);
}
