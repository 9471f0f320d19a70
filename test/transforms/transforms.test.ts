// Pictures: torchvision's recorded values, random changes by seed, and what pages have as tensors and back.
import { readFileSync } from 'node:fs';
import { fromImageData, manualSeed, nn, ones, rand, rot90, type Tensor, tensor, toImageData, transforms, zeros } from 'gradloom';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { throwsCode } from '../helpers.ts';

interface Row {
  name: string;
  args: unknown[];
  shape: number[];
  x: number[];
  outShape: number[];
  y: number[];
}
const { rows } = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as { rows: Row[] };

/** float32 numbers up to 1 written with 7 digits, and sums of some tens of them. */
const CLOSE = 1e-5;

test("values are torchvision's", () => {
  for (const { name, args, shape, x, outShape, y } of rows) {
    const picture = tensor(x, { shape });
    const given = (
      name === 'Normalize'
        ? new transforms.Normalize(...(args as [number[], number[]])).forward(picture)
        : (transforms as unknown as Record<string, (x: Tensor, ...more: unknown[]) => Tensor>)[name]?.(picture, ...args)
    ) as Tensor;
    assert.equal(given.shape, outShape, name);
    const far = Math.max(...Array.from(given.data(), (v, i) => Math.abs(v - (y[i] as number))));
    assert.ok(far <= CLOSE, `${name}(${JSON.stringify(args)}) of ${shape}: off by ${far}`);
  }
});

test('quarter turns move pixels and change none, to either side and beyond a whole turn', () => {
  for (const interpolation of ['nearest', 'bilinear'] as const) {
    for (const size of [5, 8]) {
      const x = rand([2, 3, size, size]);
      for (const [degrees, quarters] of [
        [90, 1],
        [-90, 3],
        [180, 2],
        [270, 3],
        [-450, 3],
        [360, 0],
      ] as const) {
        const far = transforms
          .rotate(x, degrees, { interpolation })
          .sub(rot90(x, quarters, [2, 3]))
          .abs()
          .max()
          .item();
        assert.ok(far <= (interpolation === 'nearest' ? 0 : 2e-6), `${interpolation} ${size} by ${degrees}: off by ${far}`);
      }
    }
    const wide = rand([1, 1, 3, 6]);
    assert.ok(
      transforms
        .rotate(wide, 180, { interpolation })
        .sub(wide.flip([2, 3]))
        .abs()
        .max()
        .item() <= 2e-6,
    );
  }
});

test('one number for each picture', () => {
  const x = rand([3, 3, 4, 4]);
  for (const fn of [transforms.adjustBrightness, transforms.adjustContrast, transforms.adjustSaturation, transforms.adjustHue, transforms.rotate]) {
    const factors = fn === transforms.rotate ? [10, -20, 90] : [0.1, 0.3, 0.5];
    const together = fn(x, factors);
    factors.forEach((f, i) => {
      assert.equal(
        together.select(0, i).toArray(),
        fn(x.narrow(0, i, 1), f)
          .select(0, 0)
          .toArray(),
        fn.name,
      );
    });
  }
});

const all = (seed: number): nn.Module[] => [
  new transforms.RandomHorizontalFlip({ seed }),
  new transforms.RandomVerticalFlip({ seed, p: 0.3 }),
  new transforms.RandomCrop([4, 5], { padding: 2, seed }),
  new transforms.RandomRotation(30, { seed }),
  new transforms.ColorJitter({ brightness: 0.3, contrast: [0.5, 1.5], saturation: 0.4, hue: 0.1, seed }),
];
const apply = (m: nn.Module, x: Tensor): Tensor => (m as unknown as { forward(x: Tensor): Tensor }).forward(x);

test('a seed gives the same changes; without one they follow manualSeed', () => {
  const x = rand([6, 3, 6, 6]);
  for (const [i, first] of all(1).entries()) {
    const y = apply(first, x).toArray();
    assert.equal(apply(all(1)[i] as nn.Module, x).toArray(), y);
    assert.not.equal(apply(first, x).toArray(), y);
  }
  const free = new transforms.RandomCrop(3);
  manualSeed(4);
  const y = free.forward(x).toArray();
  manualSeed(4);
  assert.equal(free.forward(x).toArray(), y);
});

test('flips come as often as they should, crops everywhere', () => {
  const n = 2000;
  const x = tensor([1, 2], { shape: [1, 1, 1, 2] })
    .expand([n, 1, 1, 2])
    .contiguous();
  const flipped = Array.from(new transforms.RandomHorizontalFlip({ p: 0.25, seed: 2 }).forward(x).select(3, 0).reshape([n]).data()).filter((v) => v === 2).length;
  assert.ok(Math.abs(flipped - n / 4) < 6 * Math.sqrt((n * 3) / 16), `${flipped}`); // six standard deviations
  const places = new Set(
    new transforms.RandomCrop(1, { seed: 1 })
      .forward(
        tensor([0, 1, 2, 3], { shape: [1, 1, 2, 2] })
          .expand([100, 1, 2, 2])
          .contiguous(),
      )
      .data(),
  );
  assert.is(places.size, 4);
});

test('several one after the other; empty batches', () => {
  const augment = new nn.Sequential(...(all(3) as never[]));
  assert.equal((augment as unknown as { forward(x: Tensor): Tensor }).forward(rand([2, 3, 6, 6])).shape, [2, 3, 4, 5]);
  for (const m of all(3)) assert.is(apply(m, zeros([0, 3, 6, 6])).shape[0], 0);
});

test('what is wrong is said', () => {
  throwsCode('SHAPE', /RandomCrop: 3 × 3 with padding is smaller than 4 × 4/, () => new transforms.RandomCrop(4).forward(ones([1, 1, 3, 3])));
  throwsCode('SHAPE', /hflip: takes float32 pictures \[N, C, H, W\], got float32 \[3, 3\]/, () => transforms.hflip(ones([3, 3])));
  throwsCode('SHAPE', /takes float32 pictures \[N, 3, H, W\]/, () => transforms.adjustHue(ones([1, 2, 3, 3]), 0.1));
  throwsCode('VALUE', /a number from -0.5 to 0.5/, () => transforms.adjustHue(ones([1, 3, 3, 3]), 0.6));
  throwsCode('VALUE', /no option 'bright'/, () => new transforms.ColorJitter({ bright: 1 } as never));
  const given = {
    RandomHorizontalFlip: [{}],
    RandomVerticalFlip: [{}],
    RandomCrop: [2, {}],
    RandomRotation: [2, {}],
    ColorJitter: [{}],
    Resize: [2, {}],
    CenterCrop: [2],
    Normalize: [[0], [1]],
  };
  for (const [name, args] of Object.entries(given))
    throwsCode('VALUE', new RegExp(`${name}: takes at most ${args.length}`), () => Reflect.construct(transforms[name as keyof typeof given], [...args, {}]));
  throwsCode('VALUE', /Resize: there is no option 'size'/, () => new transforms.Resize(2, { size: 3 } as never));
  throwsCode('VALUE', /std must not be 0/, () => new transforms.Normalize([0], [0]).forward(ones([1, 1, 2, 2])));
  throwsCode('VALUE', /is not inside of 3 × 3/, () => transforms.crop(ones([1, 1, 3, 3]), 0, 0, 4, 1));
  throwsCode('VALUE', /for each of 2 pictures/, () => transforms.adjustBrightness(ones([2, 3, 2, 2]), [1, 1, 1]));
});

test('pixels to tensors and back', () => {
  const data = new Uint8ClampedArray([255, 0, 51, 255, 0, 102, 0, 128]);
  const x = fromImageData({ data, width: 2, height: 1 });
  assert.equal(x.shape, [1, 3, 1, 2]);
  assert.equal(
    Array.from(x.data(), (v) => Math.round(v * 255)),
    [255, 0, 0, 102, 51, 0],
  );
  assert.equal(fromImageData([{ data, width: 2, height: 1 }], { channels: 'rgba' }).shape, [1, 4, 1, 2]);
  const back = toImageData(fromImageData({ data, width: 2, height: 1 }, { channels: 'rgba' }).select(0, 0));
  assert.equal([...back.data], [...data]);
  const grey = fromImageData({ data: new Uint8Array([10, 20, 30, 40]), width: 2, height: 2 }, { channels: 'grey' });
  assert.equal(
    Array.from(grey.data(), (v) => Math.round(v * 255)),
    [10, 20, 30, 40],
  );
  assert.equal([...toImageData(tensor([[-1, 0.5, 2, Number.NaN]])).data], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 0, 0, 0, 255]);
  assert.equal(
    fromImageData([
      { data, width: 2, height: 1 },
      { data: data.slice().reverse(), width: 2, height: 1 },
    ]).shape,
    [2, 3, 1, 2],
  );
});

test('a canvas, and what a canvas draws', () => {
  const data = new Uint8ClampedArray([1, 2, 3, 255]);
  const context = { getImageData: (_x: number, _y: number, width: number, height: number) => ({ data, width, height }), drawImage: () => {} };
  assert.is(Math.round((fromImageData({ width: 1, height: 1, getContext: () => context } as never).data()[2] as number) * 255), 3);
  throwsCode('RUNTIME', /no OffscreenCanvas/, () => fromImageData({ width: 1, height: 1 } as never));
  const host = globalThis as Record<string, unknown>;
  host['OffscreenCanvas'] = class {
    getContext = () => context;
  };
  try {
    assert.equal(fromImageData({ videoWidth: 1, videoHeight: 1, width: 9, height: 9 } as never).shape, [1, 3, 1, 1]);
  } finally {
    delete host['OffscreenCanvas'];
  }
});

test('what is no picture is refused', () => {
  throwsCode('VALUE', /5 bytes are no picture of 2 × 1/, () => fromImageData({ data: new Uint8Array(5), width: 2, height: 1 }));
  throwsCode('VALUE', /takes pixels/, () => fromImageData('cat.jpg' as never));
  throwsCode('VALUE', /empty list/, () => fromImageData([]));
  throwsCode('SHAPE', /pictures differ in size/, () =>
    fromImageData([
      { data: new Uint8Array(1), width: 1, height: 1 },
      { data: new Uint8Array(2), width: 2, height: 1 },
    ]),
  );
  throwsCode('SHAPE', /with select\(0, i\)/, () => toImageData(ones([2, 3, 4, 4])));
});

test.run();
