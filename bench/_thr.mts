import * as g from 'gradloom'; import { dataOf } from './data.ts'; import { WORKS } from '../bench/works.ts'; import { stepOf } from '../bench/steps.ts';
const threads = +process.argv[2]!, names = process.argv[3]!.split(','), ms = +(process.argv[4] ?? 1500);
if (threads > 1) await g.init({ threads });
for (const name of names) { const W = WORKS.find((w: any) => w.name === name)!; for (const captured of [true]) { const s = stepOf(W, dataOf(W), captured); let losses: any;
 let t = performance.now(); while (performance.now() - t < 700) { losses = s(); await new Promise((r) => setImmediate(r)); }
 const times: number[] = []; const t0 = performance.now(); while (performance.now() - t0 < ms) { t = performance.now(); s(); times.push(performance.now() - t); if (times.length % 8 === 0) await new Promise((r) => setImmediate(r)); }
 times.sort((a, b) => a - b); console.log(name, threads, 'median', times[times.length >> 1]!.toFixed(3), 'mean', (times.reduce((a, b) => a + b) / times.length).toFixed(3)); } }
g.close();
