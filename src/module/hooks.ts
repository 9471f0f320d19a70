// Hooks of a module: lists around its forward.
import { addHook, type HookHandle } from '../autograd/hooks.ts';
import { permute } from '../ops/movement.ts';
import { assertArity, checkArgument, FUNCTION } from '../tensor/check.ts';
import { valueError } from '../tensor/errors.ts';
import { requiresGrad } from '../tensor/op.ts';
import { noteHooks } from '../tensor/recording.ts';
import { Tensor } from '../tensor/tensor.ts';

type Forward = (...inputs: unknown[]) => unknown;
type Inputs = readonly unknown[];
type Gradients = readonly (Tensor | null)[];

/** What may be registered, for a module `M`. */
export interface ModuleHooks<M> {
  registerForwardPreHook: (module: M, inputs: Inputs) => unknown;
  registerForwardHook: (module: M, inputs: Inputs, output: unknown) => unknown;
  registerFullBackwardHook: (module: M, gradInput: Gradients, gradOutput: Gradients) => void;
}

/** The hooks of one module, in order of registration: each entry stands for one registration, of the same function too. */
type Lists<M> = { [K in keyof ModuleHooks<M>]: { hook: ModuleHooks<M>[K] }[] } & { inner: Forward; outer: Forward };

const hooked = new WeakMap<object, Lists<never>>();

/** @internal Whether hooks are registered on a module. */
export function hasHooks(module: object): boolean {
  const lists = hooked.get(module);
  return !!lists && lists.registerForwardPreHook.length + lists.registerForwardHook.length + lists.registerFullBackwardHook.length > 0;
}

/** Puts a hook behind the others of its kind. */
export function addModuleHook<M extends { forward: unknown }, K extends keyof ModuleHooks<M>>(module: M, kind: K, hook: ModuleHooks<M>[K], count: number): HookHandle {
  assertArity(kind, count, 1);
  checkArgument(kind, 'the hook', hook, FUNCTION);
  let lists = hooked.get(module) as Lists<M> | undefined;
  if (!lists) {
    lists = { registerForwardPreHook: [], registerForwardHook: [], registerFullBackwardHook: [] } as unknown as Lists<M>;
    lists.outer = (...inputs) => run(module, lists as Lists<M>, inputs);
    hooked.set(module, lists as Lists<never>);
  }
  // Around the forward that is there now: it may have been assigned since.
  if (module.forward !== lists.outer) {
    lists.inner = (module.forward as Forward).bind(module);
    Object.defineProperty(module, 'forward', { value: lists.outer, configurable: true, writable: true });
  }
  const list: { hook: unknown }[] = lists[kind];
  const entry = { hook };
  list.push(entry);
  noteHooks();
  return {
    remove: () => {
      const at = list.indexOf(entry);
      if (at >= 0) list.splice(at, 1);
      noteHooks();
    },
  };
}

function run<M>(module: M, lists: Lists<M>, given: Inputs): unknown {
  let inputs = given;
  for (const { hook } of [...lists.registerForwardPreHook]) {
    const replaced = hook(module, inputs);
    if (replaced !== undefined && replaced !== null) inputs = Array.isArray(replaced) ? replaced : [replaced];
  }
  const backward = [...lists.registerFullBackwardHook];
  // Windows of their own: only what flows back through this module counts, not other uses of its inputs.
  if (backward.length > 0) inputs = inputs.map((x) => (x instanceof Tensor && requiresGrad(x) ? permute(x, [...x.sizes.keys()]) : x));
  let output = lists.inner(...inputs);
  for (const { hook } of [...lists.registerForwardHook]) output = hook(module, inputs, output) ?? output;
  if (backward.length > 0)
    watch(inputs, output, (gradInput, gradOutput) => {
      for (const { hook } of backward) {
        const returned = hook(module, gradInput, gradOutput) as unknown;
        if (returned instanceof Tensor || (Array.isArray(returned) && returned.some((g) => g instanceof Tensor)))
          throw valueError('registerFullBackwardHook', 'the hook returned gradients, but only watches. Change them with registerHook on a tensor.');
      }
    });
  return output;
}

/** Calls `report` in each backward pass, once the gradients of the output and of all inputs are known. */
function watch(inputs: Inputs, output: unknown, report: (gradInput: Gradients, gradOutput: Gradients) => void): void {
  if (!(output instanceof Tensor) || !requiresGrad(output)) return;
  const sources = inputs.filter((x): x is Tensor => x instanceof Tensor);
  const gradInput = sources.map((): Tensor | null => null);
  let gradOutput: Tensor | null = null;
  const count = sources.filter(requiresGrad).length;
  let waiting = count;
  const known = (): void => {
    if (waiting > 0) return;
    waiting = count;
    report(gradInput, [gradOutput]);
  };
  addHook(output, (g) => {
    gradOutput = g;
    known();
  });
  for (const [i, x] of sources.entries()) {
    if (!requiresGrad(x)) continue;
    addHook(x, (g) => {
      gradInput[i] = g;
      waiting--;
      known();
    });
  }
}
