// PyTorch's test_dataloader: which rows come in which batches, and what is refused.
import { arange, DataLoader, type DataLoaderOptions, Generator, manualSeed, type Shape, type Tensor, TensorDataset, tensor, zeros } from 'gradloom';
import { B, I, keywords, L, py, type Row, t } from './row.ts';

export const prelude = `
from torch.utils.data import DataLoader, Dataset, TensorDataset
def data(n, *sizes): return torch.arange(n * math.prod(sizes), dtype=torch.float32).reshape(n, *sizes)
def batches(n, sizes=(2,), **options):
    loader = DataLoader(TensorDataset(data(n, *sizes), -data(n)), **options)
    return [len(loader), [[x, y] for x, y in loader]]
def order(loader): return [int(v) for b in loader for v in b[0]]
class Own(Dataset):
    def __init__(self, n): self.n = n
    def __len__(self): return self.n
    def __getitem__(self, i):
        if i >= 5: raise ValueError
        return t(float(i * i))
`;

const data = (n: number, ...sizes: Shape): Tensor => {
  const size = n * sizes.reduce((a, b) => a * b, 1);
  return size === 0
    ? zeros([n, ...sizes])
    : arange(size)
        .float()
        .reshape([n, ...sizes]);
};
function batches(n: number, sizes: Shape, options: DataLoaderOptions): unknown {
  const loader = new DataLoader(new TensorDataset(data(n, ...sizes), data(n).neg()), options);
  return [loader.length, Array.from(loader, (b) => b.map((x) => ({ t: x.toArray(), d: x.dtype })))];
}
/** The batches of n rows, and how many there are. */
const rowsOf = (n: number, options: DataLoaderOptions, sizes: Shape = [2], differs?: string): Row => ({
  differs,
  name: `${n} rows of ${py(sizes)}: ${keywords(options) || 'as they are'}`,
  js: () => batches(n, sizes, options),
  py: `batches(${[n, py(sizes), keywords(options)].filter((s) => s !== '').join(', ')})`,
});
const order = (loader: Iterable<readonly Tensor[]>): number[] => Array.from(loader, (b) => [...(b[0] as Tensor).data()]).flat();
const loaderOf = (n: number, options?: DataLoaderOptions): DataLoader<readonly Tensor[]> => new DataLoader(new TensorDataset(data(n)), options);
const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
const isSame = (a: readonly number[], b: readonly number[]): boolean => a.join() === b.join();

/** A dataset that is no TensorDataset, of squares. Row 5 cannot be read. */
const own = (length: number): { length: number; batch: (indices: Tensor) => Tensor } => ({
  length,
  batch: (indices) => {
    if ([...indices.data()].some((i) => i >= 5)) throw new RangeError('row 5');
    return indices.float().square();
  },
});

export const rows: readonly Row[] = [
  rowsOf(6, {}),
  rowsOf(6, { batchSize: 2 }),
  rowsOf(7, { batchSize: 3 }),
  rowsOf(7, { batchSize: 3, dropLast: true }),
  rowsOf(6, { batchSize: 3, dropLast: true }),
  rowsOf(3, { batchSize: 8 }),
  rowsOf(3, { batchSize: 8, dropLast: true }),
  rowsOf(1, { batchSize: 1 }),
  rowsOf(5, { batchSize: 5 }, []),
  rowsOf(4, { batchSize: 3 }, [2, 3]),
  rowsOf(4, { batchSize: 2 }, [0]),
  rowsOf(0, {}),
  rowsOf(0, { batchSize: 4, dropLast: true }),
  rowsOf(0, { shuffle: true }, [2], 'an empty dataset has no batches, shuffled or not'),
  rowsOf(4, { batchSize: 0 }),
  rowsOf(4, { batchSize: -2 }),
  rowsOf(4, { batchSize: 1.5 }),
  rowsOf(4, { batchSize: 'all' as unknown as number }),
  rowsOf(4, { batchsize: 2 } as DataLoaderOptions),
  {
    name: 'a batch size by position',
    js: () => Array.from(new DataLoader(new TensorDataset(data(5)), 2), ([x]) => [...x.data()]),
    py: '[x.tolist() for x, in DataLoader(TensorDataset(data(5)), 2)]',
  },
  { name: 'shuffled: every row once', js: () => sorted(order(loaderOf(23, { batchSize: 4, shuffle: true }))), py: 'sorted(order(DataLoader(TensorDataset(data(23)), 4, True)))' },
  {
    name: 'shuffled with dropLast: as many as fit',
    js: () => new Set(order(loaderOf(23, { batchSize: 4, shuffle: true, dropLast: true }))).size,
    py: 'len(set(order(DataLoader(TensorDataset(data(23)), 4, True, drop_last=True))))',
  },
  {
    name: 'shuffled: not in order',
    js: () => isSame(order(loaderOf(50, { shuffle: true })), sorted(order(loaderOf(50)))),
    py: 'order(DataLoader(TensorDataset(data(50)), shuffle=True)) == list(range(50))',
  },
  {
    name: 'shuffled: another order at each pass',
    js: () => {
      const loader = loaderOf(50, { shuffle: true });
      return isSame(order(loader), order(loader));
    },
    py: 'l = DataLoader(TensorDataset(data(50)), shuffle=True); return order(l) == order(l)',
  },
  {
    name: 'shuffled: one seed, one order',
    js: () => {
      const run = (): number[] => {
        manualSeed(5);
        return order(loaderOf(40, { shuffle: true }));
      };
      return isSame(run(), run());
    },
    py: 'run = lambda: (torch.manual_seed(5), order(DataLoader(TensorDataset(data(40)), shuffle=True)))[1]; return run() == run()',
  },
  {
    name: 'shuffled: a stream of its own leaves the common one alone',
    js: () => {
      manualSeed(5);
      order(loaderOf(40, { shuffle: true, generator: new Generator(1) }));
      const after = order(loaderOf(40, { shuffle: true }));
      manualSeed(5);
      return isSame(after, order(loaderOf(40, { shuffle: true })));
    },
    py: `
torch.manual_seed(5)
order(DataLoader(TensorDataset(data(40)), shuffle=True, generator=torch.Generator().manual_seed(1)))
after = order(DataLoader(TensorDataset(data(40)), shuffle=True))
torch.manual_seed(5)
return after == order(DataLoader(TensorDataset(data(40)), shuffle=True))`,
  },
  {
    name: 'shuffled: streams of one seed give one order',
    js: () => isSame(order(loaderOf(40, { shuffle: true, generator: new Generator(9) })), order(loaderOf(40, { shuffle: true, generator: new Generator(9) }))),
    py: 'run = lambda: order(DataLoader(TensorDataset(data(40)), shuffle=True, generator=torch.Generator().manual_seed(9))); return run() == run()',
  },
  {
    name: 'shuffled: rows of several tensors stay together',
    js: () => Array.from(new DataLoader(new TensorDataset(data(12), data(12).mul(3)), { batchSize: 5, shuffle: true }), ([x, y]) => x.mul(3).eq(y).all().item() === 1),
    py: '[bool((x * 3 == y).all()) for x, y in DataLoader(TensorDataset(data(12), data(12) * 3), 5, True)]',
  },
  {
    name: 'a loop that is left begins anew',
    js: () => {
      const loader = loaderOf(6, { batchSize: 2 });
      for (const [x] of loader) if ((x as Tensor).data()[0] === 2) break;
      return order(loader);
    },
    py: 'l = DataLoader(TensorDataset(data(6)), 2); [next(iter(l)) for _ in range(2)]; return order(l)',
  },
  {
    name: 'loops of one loader inside one another',
    js: () => {
      const loader = loaderOf(4, { batchSize: 2 });
      const sums: number[] = [];
      for (const [x] of loader)
        for (const [y] of loader)
          sums.push(
            (x as Tensor)
              .sum()
              .add((y as Tensor).sum())
              .item(),
          );
      return sums;
    },
    py: 'l = DataLoader(TensorDataset(data(4)), 2); return [(x.sum() + y.sum()).item() for x, in l for y, in l]',
  },
  {
    name: 'batches by hand',
    js: () => {
      const it = loaderOf(3, { batchSize: 2 })[Symbol.iterator]();
      const [a, b] = [it, it].map((i) => [...((i.next().value as readonly Tensor[])[0] as Tensor).data()]);
      return [a, b, it.next().done];
    },
    py: 'it = iter(DataLoader(TensorDataset(data(3)), 2)); a, b = next(it), next(it); return [a[0].tolist(), b[0].tolist(), next(it, None) is None]',
  },
  {
    name: 'types of elements stay',
    js: () =>
      Array.from(new DataLoader(new TensorDataset(I([1, 2, 3]), B([true, false, true]), t([0.5, 1, 2])), { batchSize: 2 }), (b) => b.map((x) => ({ t: x.toArray(), d: x.dtype }))),
    py: '[list(b) for b in DataLoader(TensorDataset(I([1, 2, 3]), B([True, False, True]), t([0.5, 1, 2])), 2)]',
  },
  {
    name: 'gradients flow back to the rows',
    js: () => {
      const x = L([1, 2, 3, 4, 5]);
      for (const [b] of new DataLoader(new TensorDataset(x), { batchSize: 2 })) b.square().sum().backward();
      return x.grad;
    },
    py: 'x = L([1, 2, 3, 4, 5]); [b.square().sum().backward() for b, in DataLoader(TensorDataset(x), 2)]; return x.grad',
  },
  { name: 'a dataset of one’s own', js: () => Array.from(new DataLoader(own(5), { batchSize: 2 }), (b) => [...b.data()]), py: '[b.tolist() for b in DataLoader(Own(5), 2)]' },
  {
    name: 'its errors come through, after the batches before',
    js: () => {
      const seen: number[][] = [];
      try {
        for (const b of new DataLoader(own(7), { batchSize: 2 })) seen.push([...b.data()]);
      } catch (error) {
        return [seen, error instanceof RangeError];
      }
      return seen;
    },
    py: `
seen = []
try:
    for b in DataLoader(Own(7), 2): seen.append(b.tolist())
except ValueError: return [seen, True]
return seen`,
  },
  {
    name: 'a dataset that grows between passes',
    js: () => {
      const dataset = { ...own(2) };
      const loader = new DataLoader(dataset, { batchSize: 2 });
      const pass = (): unknown[] => [loader.length, Array.from(loader, (b) => [...b.data()])];
      const first = pass();
      dataset.length = 5;
      return [first, pass()];
    },
    py: 'd = Own(2); l = DataLoader(d, 2); run = lambda: [len(l), [b.tolist() for b in l]]; first = run(); d.n = 5; return [first, run()]',
  },
  { name: 'tensors of different lengths are refused', js: () => new TensorDataset(data(3), data(4)), py: 'len(TensorDataset(data(3), data(4)))' },
  { name: 'no tensors are refused', js: () => new TensorDataset(), py: 'len(TensorDataset())' },
  { name: 'a number is no tensor of rows', js: () => new TensorDataset(t(3)), py: 'len(TensorDataset(t(3.0)))' },
  { name: 'no dataset is refused', js: () => new DataLoader(5 as never).length, py: 'len(DataLoader(5))' },
  { name: 'rows by index', js: () => new TensorDataset(data(5, 2), data(5)).batch(tensor([3, 0], { dtype: 'int32' })), py: 'list(TensorDataset(data(5, 2), data(5))[[3, 0]])' },
  { name: 'a row that there is not', js: () => new TensorDataset(data(5)).batch(tensor([5], { dtype: 'int32' })), py: 'list(TensorDataset(data(5))[[5]])' },
  { name: 'samplers', js: null, py: 'order(DataLoader(TensorDataset(data(4)), sampler=[2, 0, 3]))' },
  { name: 'batch samplers', js: null, py: 'order(DataLoader(TensorDataset(data(4)), batch_sampler=[[2, 0], [3]]))' },
  { name: 'collate functions', js: null, py: '[b for b in DataLoader(Own(3), 2, collate_fn=lambda items: len(items))]' },
  { name: 'subsets', js: null, py: 'order(DataLoader(torch.utils.data.Subset(TensorDataset(data(5)), [4, 1])))' },
];
