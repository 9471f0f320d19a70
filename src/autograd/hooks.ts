// Hooks on gradients of tensors.
import { GradloomError } from '../tensor/errors.ts';
import { nodeOf } from '../tensor/op.ts';
import { settle } from '../tensor/pending.ts';
import type { GradientHook, HookHandle, Tensor } from '../tensor/tensor.ts';

export type { HookHandle } from '../tensor/tensor.ts';

/** Runs `hook` with the tensor's gradient in every backward pass, before it is accumulated or goes on; see `Tensor.registerHook`. */
export function addHook(t: Tensor, hook: GradientHook): HookHandle {
  const place = nodeOf(t) ?? (t.wantsGrad ? t : null);
  if (!place) throw new GradloomError('GRAPH', 'registerHook', `${t.describe()} does not require a gradient, so the hook would never run. Set requiresGrad first.`);
  settle();
  return register(place.hooks, hook, (hooks) => {
    place.hooks = hooks;
  });
}

/** Adds a hook to some, which `put` puts where they are looked for: null where the last one has gone, so that nothing waits for them. */
export function register<Hook>(before: Set<Hook> | null, hook: Hook, put: (hooks: Set<Hook> | null) => void): HookHandle {
  const hooks = before ?? new Set();
  put(hooks.add(hook));
  return {
    remove() {
      if (hooks.delete(hook) && hooks.size === 0) put(null);
    },
  };
}
