// What the types hold and refuse; never run. Checked here by `npm run types`, and against the built package under exactOptionalPropertyTypes.
import { autograd, checkpoint, DataLoader, type Dataset, keep, multiloss, nn, optim, Tensor } from 'gradloom';
import { run } from 'gradloom/worker';

declare const x: Tensor;
declare const worker: { postMessage(message: unknown): void };

/** Holds where both types are one. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const holds = <_ extends true>(): void => {};

// Tuples where the length is known.
const two = autograd.grad(x, [x, x]);
holds<Same<typeof two, [Tensor, Tensor]>>();
const one = autograd.grad(x, x);
holds<Same<typeof one, [Tensor]>>();
const parameters = autograd.grad(x, new nn.Linear(2, 3).parameters());
holds<Same<typeof parameters, Tensor[]>>();
const unused = autograd.grad(x, [x, x], { allowUnused: true });
holds<Same<typeof unused, [Tensor | null, Tensor | null]>>();
const rows = autograd.jacobian([x, x], [x, x, x]);
holds<Same<typeof rows, [Tensor, Tensor, Tensor]>>();
const pieces = x.split([1, 2]);
holds<Same<typeof pieces, [Tensor, Tensor]>>();
const many = x.split(2);
holds<Same<typeof many, Tensor[]>>();
// @ts-expect-error: there are two
pieces[2];

// Elements of a known type.
const [floats, whole, flags, any] = [x.data('float32'), x.data('int32'), x.data('bool'), x.data()];
floats satisfies Float32Array;
new Blob([floats, checkpoint.save({})]); // which takes no view of shared memory
whole satisfies Int32Array;
flags satisfies Uint8Array;
any satisfies Float32Array | Int32Array | Uint8Array;
// @ts-expect-error: of whatever type
any satisfies Float32Array;
// @ts-expect-error: no element type
x.data('float64');

// A run's turns and result, from its job.
function* train({ epochs }: { epochs: number }): Generator<{ loss: number }, Uint8Array> {
  yield { loss: epochs };
  return new Uint8Array(1);
}
async function* later(n: number): AsyncGenerator<number, string> {
  yield n;
  return '';
}
const turns = run<typeof train>(worker, { epochs: 1 });
turns satisfies AsyncGenerator<{ loss: number }, Uint8Array>;
run<typeof later>(worker, 3) satisfies AsyncGenerator<number, string>;
run<number>(worker) satisfies AsyncGenerator<number, unknown>;
run(worker) satisfies AsyncGenerator<unknown, unknown>;
// @ts-expect-error: the job takes epochs
run<typeof train>(worker, { epoch: 1 });

// Methods that know losses by name.
const losses = { digit: x, image: x };
const right = { digit: 1, image: 2 };
const wrong = { digit: 1, imgae: 2 };
const { weighted } = multiloss;
const report = multiloss.backward(losses, { combine: new multiloss.UPGrad({ preference: right }), only: { image: [x] } });
report.weights.digit satisfies number;
// @ts-expect-error: no such loss
report.weights.imgae;
// @ts-expect-error: no such loss
multiloss.backward(losses, { only: { imgae: [x] } });
for (const combine of [new multiloss.Mean(), new multiloss.PCGrad(), multiloss.normalize(new multiloss.MGDA()), new multiloss.UncertaintyWeighting(2)])
  multiloss.backward(losses, { combine });
multiloss.backward(losses, { combine: weighted(right) });
multiloss.backward(losses, { combine: weighted({ ...right, third: 3 }) });
multiloss.backward(losses, { combine: new multiloss.UPGrad({ preference: [1, 2] }) });
multiloss.backward(losses, { combine: new multiloss.UncertaintyWeighting(['digit', 'image']) });
multiloss.backward(losses, { combine: multiloss.warmup(new multiloss.Mean(), multiloss.ema(new multiloss.UPGrad({ preference: right })), 3) });
multiloss.backward(losses, { combine: multiloss.constrain({ main: 'digit', limits: { image: 1 } }) });
multiloss.backward({ ...losses, image: null }, { combine: weighted(right) });
multiloss.backward({} as Record<string, Tensor>, { combine: weighted(right) });
multiloss.backward(losses, { combine: new multiloss.UPGrad({ preference: wrong }) as multiloss.Method });
// @ts-expect-error: no weight for image
multiloss.backward(losses, { combine: weighted(wrong) });
// @ts-expect-error: no preference for image
multiloss.backward(losses, { combine: new multiloss.UPGrad({ preference: wrong }) });
// @ts-expect-error: no share for image
multiloss.backward(losses, { combine: new multiloss.EnCodecBalancer({ shares: wrong }) });
// @ts-expect-error: no leak for image
multiloss.backward(losses, { combine: new multiloss.GradDrop({ leak: wrong }) });
// @ts-expect-error: no bound for image
multiloss.backward(losses, { combine: new multiloss.FAMO({ lowerBounds: wrong }) });
// @ts-expect-error: no weight for image
multiloss.backward(losses, { combine: new multiloss.STCH({ weights: wrong }) });
// @ts-expect-error: made for other losses
multiloss.backward(losses, { combine: new multiloss.UncertaintyWeighting(['digit', 'imgae']) });
// @ts-expect-error: image has no limit
multiloss.backward(losses, { combine: multiloss.constrain({ main: 'digit', limits: { imgae: 1 } }) });
const wrapped = multiloss.ema(multiloss.normalize(new multiloss.UPGrad({ preference: wrong })));
// @ts-expect-error: no preference for image
multiloss.backward(losses, { combine: wrapped });
class Own implements multiloss.Weighting {
  readonly name = 'Own';
  readonly needs = 'gramian';
  weights({ names }: multiloss.Stats): Float64Array {
    return new Float64Array(names.length);
  }
  stateDict(): Record<string, unknown> {
    return {};
  }
  loadStateDict(): void {}
  reset(): void {}
}
multiloss.backward(losses, { combine: new Own() });

// What is undefined is absent, also where optional properties are exact.
const adam = new optim.Adam([x], { lr: undefined, betas: undefined });
adam.paramGroups[0]?.lr satisfies number | undefined;
for (const group of adam.paramGroups) group.lr satisfies number;
new optim.SGD([{ params: [x], lr: undefined }], 0.1, undefined);
new nn.Linear(2, 3, { bias: undefined });
new nn.Conv2d(1, 2, 3, undefined, undefined, 2);
x.sum({ dim: undefined, keepdim: undefined });
x.clamp(undefined, 1);
multiloss.backward(losses, { combine: undefined, shared: undefined, measure: undefined });
multiloss.phases<'digit'>().phase('a', { losses: ['digit'], until: undefined });
new DataLoader({} as Dataset<Tensor>, { shuffle: undefined, signal: undefined });
// @ts-expect-error: a number
new optim.Adam([x], { lr: '1' });
// @ts-expect-error: null is something else
new optim.Adam([x], { lr: null });

// A tensor is not made by new; a parameter is, and a class of the user's may extend it.
// @ts-expect-error
new Tensor();
class Scale extends nn.Parameter {
  readonly kind = 'scale';
}
keep(new Scale(x)).kind satisfies 'scale';
keep(new nn.Linear(2, 3)).weight satisfies nn.Parameter;
// @ts-expect-error: neither a tensor nor a module
keep({});
