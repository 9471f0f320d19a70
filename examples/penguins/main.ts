// Male or female, and how heavy, from three lengths. The mass is in grams, so that its loss starts a million times as loud as the other one, and eight hidden units serve it first:
// a plain sum learns the sexes late. Means of five seeds, half a minute: npx tsx examples/penguins/main.ts
import { testing } from './data.ts';
import { means, type Score, WAYS } from './train.ts';

const EPOCHS = [30, 150] as const;

console.log(`seeds 1 to 5, means            ${EPOCHS.map((e) => `after ${`${e}`.padStart(3)} epochs         `).join('  ')}`);
console.log(`${''.padEnd(30)}${EPOCHS.map(() => '  sex right  mass off by').join('  ')}`);
for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[]) {
  const scores = means(way, Math.max(...EPOCHS));
  const shown = EPOCHS.map((e) => scores[e - 1] as Score).map(({ right, grams }) => `${(100 * right).toFixed(1).padStart(9)} %${grams.toFixed(0).padStart(11)} g`);
  console.log(`${way.padEnd(30)}${shown.join('  ')}`);
}
const one = 100 / (testing[0].shape[0] as number);
console.log(`\nOf ${testing[0].shape[0]} penguins for testing, one is ${one.toFixed(1)} %: differences of one or two penguins are no result.`);
console.log('The trouble is scale: a better unit or a weight found by hand cures it best, normalizing most of it without a search, UPGrad and PCGrad alone nothing.');
console.log('Long training cures most of it too.');
