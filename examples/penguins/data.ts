// 342 penguins: what species, and how heavy, from three lengths. Gorman, Williams, Fraser (2014), doi 10.1371/journal.pone.0090081; CC0.
import { readFileSync } from 'node:fs';
import { tensor, TensorDataset } from 'gradloom';

export const SPECIES = ['Adelie', 'Chinstrap', 'Gentoo'];

const rows = readFileSync(new URL('penguins.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','));
const lengths = tensor(rows.map((r) => r.slice(1, 4).map(Number)));
const standard = lengths.sub(lengths.mean(0)).div(lengths.std(0));
const species = tensor(
  rows.map((r) => SPECIES.indexOf(r[0] as string)),
  { dtype: 'int32' },
);
/** Grams above the mean, [342, 1]. */
const grams = tensor(rows.map((r) => [Number(r[4])]));
const mass = grams.sub(grams.mean());

/** [lengths, species, grams]: every fifth penguin is for testing. */
const part = (test: boolean) => {
  const rowsOf = tensor(
    rows.flatMap((_, i) => ((i % 5 === 0) === test ? [i] : [])),
    { dtype: 'int32' },
  );
  return [standard.indexSelect(0, rowsOf), species.indexSelect(0, rowsOf), mass.indexSelect(0, rowsOf)] as const;
};
export const training = new TensorDataset(...part(false));
export const testing = part(true);
