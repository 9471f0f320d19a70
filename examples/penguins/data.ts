// 333 penguins: male or female, and how heavy, from three lengths. Gorman, Williams, Fraser (2014), doi 10.1371/journal.pone.0090081; CC0.
import { readFileSync } from 'node:fs';
import { tensor, TensorDataset } from 'gradloom';

/** species, sex, three lengths in mm, mass in g. */
const rows = readFileSync(new URL('penguins.csv', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split(','));
const lengths = tensor(rows.map((r) => r.slice(2, 5).map(Number)));
const standard = lengths.sub(lengths.mean(0)).div(lengths.std(0));
/** 1 for a male, 0 for a female, [333, 1]. */
const male = tensor(rows.map((r) => [r[1] === 'male' ? 1 : 0]));
const grams = tensor(rows.map((r) => [Number(r[5])]));
/** Grams above the mean, [333, 1]. */
const mass = grams.sub(grams.mean());
/** The standard deviation of the mass in grams. */
export const spread = grams.std().item();

/** [lengths, male, mass]: every fifth penguin is for testing. */
const part = (test: boolean) => {
  const rowsOf = tensor(
    rows.flatMap((_, i) => ((i % 5 === 0) === test ? [i] : [])),
    { dtype: 'int32' },
  );
  return [standard.indexSelect(0, rowsOf), male.indexSelect(0, rowsOf), mass.indexSelect(0, rowsOf)] as const;
};
export const training = new TensorDataset(...part(false));
export const testing = part(true);
