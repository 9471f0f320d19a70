// Functions with a gradient of the user's own: autograd.Function.
import { autograd, capture, multiloss, noGrad, ones, rand, type Tensor, tensor } from 'gradloom';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

const test = suite('Function');
type Context = autograd.FunctionContext;
const leaf = (data: number[]): Tensor => tensor(data, { requiresGrad: true });

class Exp extends autograd.Function {
  static forward(ctx: Context, x: Tensor): Tensor {
    const y = x.exp();
    ctx.saveForBackward(y);
    return y;
  }
  static backward(ctx: Context, gradient: Tensor): Tensor {
    const [y] = ctx.savedTensors as [Tensor];
    return gradient.mul(y);
  }
}

/** x·y·scale, with a number among its arguments. */
class Product extends autograd.Function {
  static forward(ctx: Context, x: Tensor, scale: number, y: Tensor): Tensor {
    ctx.saveForBackward(x, y);
    ctx.scale = scale;
    return x.mul(y).mul(scale);
  }
  static backward(ctx: Context, gradient: Tensor): (Tensor | null)[] {
    const [x, y] = ctx.savedTensors as [Tensor, Tensor];
    const [needsX, , needsY] = ctx.needsInputGrad;
    const scaled = gradient.mul(ctx.scale as number);
    return [needsX ? scaled.mul(y) : null, null, needsY ? scaled.mul(x) : null];
  }
}

test('value, gradient, second gradient', () => {
  const x = leaf([0, 1, -1]);
  assert.ok(autograd.gradcheck((t) => Exp.apply(t), [x]));
  assert.ok(autograd.gradgradcheck((t) => Exp.apply(t), [x]));
  const [y, z] = [leaf([2, 3]), leaf([4, 5])];
  Product.apply(y, 0.5, z).sum().backward();
  assert.equal(
    [y.grad?.toArray(), z.grad?.toArray()],
    [
      [2, 2.5],
      [1, 1.5],
    ],
  );
  assert.ok(autograd.gradgradcheck((a, b) => Product.apply(a, 2, b), [y, z]));
});

test('an argument that needs no gradient gets none; without any there is no graph', () => {
  const [x, y] = [leaf([2]), tensor([3])];
  Product.apply(x, 1, y).backward();
  assert.equal(x.grad?.toArray(), [3]);
  assert.not.ok(Product.apply(y, 1, y).requiresGrad);
  assert.not.ok(noGrad(() => Exp.apply(x)).requiresGrad);
  assert.is(Exp.apply(x).gradFn, 'Exp');
});

test('a gradient of another kind than the value: straight through', () => {
  class Round extends autograd.Function {
    static forward(_: Context, x: Tensor): Tensor {
      return x.round();
    }
    static backward(_: Context, gradient: Tensor): Tensor {
      return gradient;
    }
  }
  const x = leaf([0.4, 0.6]);
  Round.apply(x)
    .mul(tensor([1, 2]))
    .sum()
    .backward();
  assert.equal(x.grad?.toArray(), [1, 2]);
  class Same extends autograd.Function {
    static forward(_: Context, t: Tensor): Tensor {
      return t;
    }
    static backward(_: Context, gradient: Tensor): Tensor {
      return gradient.neg();
    }
  }
  const y = Same.apply(x); // not x itself: the rule must count
  autograd.backward(y.sum());
  assert.equal(x.grad?.toArray(), [0, 1]);
});

test('several losses, retained graphs and captured steps', () => {
  const x = leaf([0, 1]);
  const y = Exp.apply(x);
  multiloss.backward({ a: y.sum(), b: y.square().sum() }, { combine: new multiloss.UPGrad(), retainGraph: true });
  const expected = leaf([0, 1]);
  const z = expected.exp();
  multiloss.backward({ a: z.sum(), b: z.square().sum() }, { combine: new multiloss.UPGrad() });
  assert.equal(x.grad?.toArray(), expected.grad?.toArray());
  const step = capture((t: Tensor) => {
    x.grad = null;
    const loss = Exp.apply(x.mul(t)).sum();
    loss.backward();
    return loss;
  });
  for (let i = 0; i < 6; i++) {
    const t = rand([2]);
    const loss = step(t).item();
    const plain = leaf([0, 1]);
    const right = plain.mul(t).exp().sum();
    right.backward();
    assert.is(loss, right.item());
    assert.equal(x.grad?.toArray(), plain.grad?.toArray());
  }
});

test('what was saved is checked as of any op', () => {
  const x = leaf([1, 2]);
  const h = x.mul(1);
  const y = Product.apply(h, 1, h);
  noGrad(() => h.add_(1));
  throwsCode('VERSION', /Product/, () => y.sum().backward());
  const once = Exp.apply(x).sum();
  once.backward();
  throwsCode('GRAPH', /a second time/, () => once.backward());
});

test('what forward computed on the way is there in backward, and refused for second derivatives', () => {
  class Cube extends autograd.Function {
    static forward(ctx: Context, x: Tensor): Tensor {
      const square = x.square();
      ctx.saveForBackward(square);
      return square.mul(x);
    }
    static backward(ctx: Context, gradient: Tensor): Tensor {
      return gradient.mul((ctx.savedTensors[0] as Tensor).mul(3));
    }
  }
  const x = leaf([2]);
  Cube.apply(x).backward();
  assert.equal(x.grad?.toArray(), [12]);
  throwsCode('GRAPH', /no second derivative/, () => autograd.grad(Cube.apply(x), x, { createGraph: true }));
});

test('errors name the function and the argument', () => {
  const x = leaf([1, 2]);
  const rule = (returned: unknown): typeof Product =>
    class Bad extends autograd.Function {
      static forward(_: Context, a: Tensor): Tensor {
        return a.mul(2);
      }
      static backward(): never {
        return returned as never;
      }
    } as never;
  const run = (returned: unknown): void => (rule(returned) as unknown as typeof Exp).apply(x).sum().backward();
  throwsCode('VALUE', /Bad.backward: returned 2 gradients for 1 arguments/, () => run([ones([2]), null]));
  throwsCode('SHAPE', /Bad.backward: the gradient of argument 0 must be float32 \[2\], got a tensor float32 \[3\]/, () => run(ones([3])));
  throwsCode('SHAPE', /argument 0/, () => run(5));
  run(null); // no gradient
  class Nothing extends autograd.Function {
    static forward(): Tensor {
      return 3 as never;
    }
    static backward(): null {
      return null;
    }
  }
  throwsCode('DTYPE', /Nothing.forward: must return one tensor, got 3/, () => Nothing.apply());
  throwsCode('VALUE', /Function: static forward must be a function/, () => (autograd.Function as unknown as typeof Exp).apply(x));
  class Text extends autograd.Function {
    static forward(ctx: Context, a: Tensor): Tensor {
      ctx.saveForBackward(3 as never);
      return a;
    }
    static backward(): null {
      return null;
    }
  }
  throwsCode('DTYPE', /saveForBackward: takes tensors, got 3/, () => Text.apply(x));
});

test.run();
