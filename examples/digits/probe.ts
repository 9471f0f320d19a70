import { loadDigits } from './mnist.ts';
import { train } from './train.ts';
import { STRATEGIES } from './strategies.ts';
const [names, lr, seed = '0', th = '0.3', n = '60000', b='64', l1='0.5', l2='0.5'] = process.argv.slice(2);
console.time('load');
const data = loadDigits(+n);
console.timeEnd('load');
for (const row of STRATEGIES.filter((s) => names === 'all' || names!.split(',').includes(s.name))) {
  const r = train(row, data, { strategies: [], epochs: 1, lr: lr === '-' ? undefined : +lr!, seed: +seed, lambda1: +l1, lambda2: +l2, threshold: +th, batchSize: +b, images: 60000, out: '', json: false }, () => {});
  console.log(r.strategy, r.lr, r.loss1.toFixed(4), r.loss2.toFixed(4), r.accuracy, r.seconds.toFixed(2), r.stepsPerSecond.toFixed(0), JSON.stringify(r.branches));
}
