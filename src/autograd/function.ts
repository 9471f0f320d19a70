// Functions with a gradient of their own, as users write them: PyTorch's `torch.autograd.Function`.
// biome-ignore-all lint/complexity/noThisInStatic: the subclass that apply is called on
import { checkArgument, FUNCTION, valueText } from '../tensor/check.ts';
import { GradloomError, shapeText } from '../tensor/errors.ts';
import { apply, copyElements, type Op, requiresGrad } from '../tensor/op.ts';
import { sameShape } from '../tensor/shape.ts';
import { callNow } from '../tensor/sync.ts';
import { isGradEnabled, noGrad } from '../tensor/modes.ts';
import type { Node } from '../tensor/tape.ts';
import { Tensor } from '../tensor/tensor.ts';

/** What `forward` leaves for `backward`: tensors by `saveForBackward`, anything else as properties. */
export class FunctionContext {
  /** Whatever else forward leaves. */
  [property: string]: unknown;
  /** Which arguments need a gradient: the others' may be null. */
  readonly needsInputGrad: readonly boolean[];
  #saved: readonly Tensor[] = [];
  #read: (() => Tensor[]) | null = null;

  /** @internal */
  constructor(needsInputGrad: readonly boolean[]) {
    this.needsInputGrad = needsInputGrad;
  }

  /** Keeps inputs, the output or what forward computed. Written to in place before backward, they are an error there. */
  saveForBackward(...tensors: Tensor[]): void {
    for (const t of tensors) if (!(t instanceof Tensor)) throw new GradloomError('DTYPE', 'saveForBackward', `takes tensors, got ${valueText(t)}. Keep it as a property of ctx.`);
    this.#saved = tensors;
  }

  /** What was saved, in its order. */
  get savedTensors(): Tensor[] {
    return this.#read ? this.#read() : [...this.#saved];
  }

  /** @internal Runs backward's part with what the graph holds. */
  reading<T>(read: () => Tensor[], work: () => T): T {
    this.#read = read;
    try {
      return work();
    } finally {
      this.#read = null;
    }
  }
}

/** A gradient for each argument of `forward`, null where there is none; one tensor where there is one argument. */
export type FunctionGradients = Tensor | null | readonly (Tensor | null | undefined)[];

/** What a subclass of `Function` has. */
export interface FunctionClass<A extends readonly unknown[]> {
  /** Stands in messages and as `gradFn`. */
  readonly name: string;
  /** The value; runs without gradients. */
  forward(ctx: FunctionContext, ...args: A): Tensor;
  /** The arguments' gradients from the output's. */
  backward(ctx: FunctionContext, gradient: Tensor): FunctionGradients;
}

/** The gradients of the arguments that are tensors, checked. */
function checkedGradients(op: string, given: FunctionGradients, args: readonly unknown[]): (Tensor | null)[] {
  const list = Array.isArray(given) ? (given as readonly (Tensor | null | undefined)[]) : [given as Tensor | null];
  if (list.length !== args.length)
    throw new GradloomError('VALUE', op, `returned ${list.length} gradients for ${args.length} arguments. Return one for each, null where there is none.`);
  return args.flatMap((arg, i) => {
    const g = list[i] ?? null;
    if (!(arg instanceof Tensor)) {
      if (g !== null) throw new GradloomError('VALUE', op, `returned a gradient for argument ${i}, which is no tensor. Return null there.`);
      return [];
    }
    if (g !== null && !(g instanceof Tensor && g.dtype === 'float32' && sameShape(g.sizes, arg.sizes)))
      throw new GradloomError('SHAPE', op, `the gradient of argument ${i} must be float32 ${shapeText(arg.sizes)}, got ${valueText(g)}.`);
    return [g];
  });
}

/**
 * A function whose gradient is a rule of your own. Subclasses have `static forward(ctx, …args)`, which runs without gradients and returns one tensor, and
 * `static backward(ctx, gradient)`, made of ops so that it can be differentiated again. Called by `apply`. What it saves beside inputs and output has no
 * second derivative: `createGraph` refuses it.
 *
 * @example
 * class Sign extends autograd.Function { // the straight-through estimator (Bengio 2013, arXiv 1308.3432)
 *   static forward(ctx: autograd.FunctionContext, x: Tensor): Tensor {
 *     ctx.saveForBackward(x);
 *     return x.sign();
 *   }
 *   static backward(ctx: autograd.FunctionContext, gradient: Tensor): Tensor {
 *     const [x] = ctx.savedTensors as [Tensor];
 *     return gradient.mul(x.abs().le(1).float());
 *   }
 * }
 * const y = Sign.apply(x);
 */
// biome-ignore lint/complexity/noStaticOnlyClass: PyTorch's form, which subclasses fill
export abstract class CustomFunction {
  /**
   * Runs `forward` on the arguments, tensors and others, and records `backward`.
   * @throws DTYPE where forward returns no tensor; in backward VALUE and SHAPE where gradients do not fit the arguments
   */
  static apply<A extends readonly unknown[]>(this: FunctionClass<A>, ...args: A): Tensor {
    const { name } = this;
    checkArgument(name, 'static forward', this.forward, FUNCTION);
    checkArgument(name, 'static backward', this.backward, FUNCTION);
    const tensors = args.filter((arg) => arg instanceof Tensor);
    const ctx = new FunctionContext(args.map((arg) => arg instanceof Tensor && requiresGrad(arg)));
    const result = noGrad(() => callNow(name, () => this.forward(ctx, ...args), 'the graph'));
    if (!(result instanceof Tensor)) throw new GradloomError('DTYPE', `${name}.forward`, `must return one tensor, got ${valueText(result)}. Join several by cat or stack.`);
    const saved = ctx.savedTensors;
    const extras = saved.filter((t) => t !== result && !tensors.includes(t));
    const read = (node: Node<void>): Tensor[] =>
      saved.map((t) => (t === result ? node.output : tensors.includes(t) ? node.input(tensors.indexOf(t)) : node.extra(extras.indexOf(t))));
    const op: Op<void> = {
      name,
      shape: () => result.sizes,
      dtype: () => result.dtype,
      strided: true,
      forward: (y) => {
        copyElements(result, y);
        return extras;
      },
      saves: () => tensors.map((t) => saved.includes(t)),
      savesOutput: saved.includes(result),
      ...(result.dtype === 'float32' && {
        backward: (dy: Tensor, node: Node<void>) => {
          if (extras.length > 0 && isGradEnabled())
            throw new GradloomError(
              'GRAPH',
              name,
              'its backward reads what its forward computed on the way, which has no second derivative. Save inputs or the output, and compute the rest again.',
            );
          return checkedGradients(
            `${name}.backward`,
            ctx.reading(
              () => read(node),
              () => this.backward(ctx, dy),
            ),
            args,
          );
        },
      }),
    };
    return apply(op, tensors, undefined);
  }
}
