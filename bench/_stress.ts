import * as g from 'gradloom';
const threads = +process.argv[2]!; if (threads > 1) await g.init({ threads });
g.manualSeed(3); let h = 0; const t0 = performance.now();
const xs = [[64, 100, 48], [33, 64, 70], [128, 64, 16], [40, 300, 41]].map(([m, k, n]) => [g.keep(g.randn([m!, k!])), g.keep(g.randn([k!, n!]))] as const);
const conv = new g.nn.Conv2d(4, 6, 3, { padding: 1 }); const img = g.keep(g.randn([3, 4, 18, 18]));
for (let i = 0; i < 15000; i++) g.scope(() => { const [a, b] = xs[i % 4]!; const y = a.matmul(b); const d = new Int32Array(y.data().buffer as ArrayBuffer); h = (Math.imul(h, 31) + d[i % d.length]! + d[d.length - 1]!) | 0;
  if (i % 5 === 0) { const z = conv.forward(img); z.sum().backward(); const e = new Int32Array((conv.weight.grad as any).data().buffer); h = (Math.imul(h, 31) + e[i % e.length]!) | 0; conv.weight.grad = null; conv.bias!.grad = null; } });
console.log(threads, h, (performance.now() - t0).toFixed(0)); g.close();
