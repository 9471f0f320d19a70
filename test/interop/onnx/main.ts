// Files that toOnnx writes, run by onnxruntime in Node and as wasm, with the example's batch and another one; then ONNX's own tests of operators:
// npm run test:interop:onnx. Installs both here first; what cannot be installed is said and counted as skipped.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { cat, noGrad, Tensor } from 'gradloom';
import { toOnnx } from '../../../src/interop/onnx/to.ts';
import { made, type Row, rows } from '../onnx.rows.ts';
import { main as operators } from './operators.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const require = createRequire(import.meta.url);

/** As much of onnxruntime's interface as is used; both packages have it. */
interface Runtime {
  readonly InferenceSession: { create(file: Uint8Array, options?: object): Promise<Session> };
  readonly Tensor: new (type: string, data: Float32Array | Int32Array | Uint8Array, dims: readonly number[]) => unknown;
}
interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, unknown>): Promise<Record<string, { data: ArrayLike<number | boolean>; dims: readonly number[] }>>;
  release(): Promise<void>;
}

/** How far onnxruntime may be from us, in parts of the larger of the value and 1: sums in another order. */
const MOST = 1e-5;

const tensorsIn = (tree: unknown): Tensor[] => (tree instanceof Tensor ? [tree] : typeof tree === 'object' && tree !== null ? Object.values(tree).flatMap(tensorsIn) : []);

/** Inputs, and what the model gives. */
type Pair = readonly [given: readonly Tensor[], expected: readonly Tensor[]];

/** How far a runtime is from the model; throws where that is too far. */
async function compare({ InferenceSession, Tensor: Theirs }: Runtime, file: Uint8Array, pairs: readonly Pair[]): Promise<number> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  let worst = 0;
  for (const [given, expected] of pairs) {
    const feeds = session.inputNames.map((name, i) => {
      const t = given[i] as Tensor;
      return [name, new Theirs(t.dtype, t.dtype === 'bool' ? Uint8Array.from(t.data() as ArrayLike<number>, Number) : (t.data() as Float32Array), t.shape)];
    });
    const results = await session.run(Object.fromEntries(feeds));
    for (const [i, name] of session.outputNames.entries()) {
      const [got, y] = [results[name], expected[i] as Tensor];
      if (got?.dims.join() !== y.shape.join()) throw new Error(`output ${name} is [${got?.dims}], ours ${y.describe()}`);
      const ours = y.data();
      for (let k = 0; k < ours.length; k++) {
        const [a, b] = [Number(got.data[k]), Number(ours[k])];
        const far = Object.is(a, b) ? 0 : Math.abs(a - b) / Math.max(1, Math.abs(b));
        if (!(far <= MOST)) throw new Error(`output ${name}, element ${k}: ${a}, ours ${b}`);
        worst = Math.max(worst, far);
      }
    }
  }
  await session.release();
  return worst;
}

async function load(name: string): Promise<Runtime | null> {
  try {
    return require(name) as Runtime;
  } catch (error) {
    console.log(`skipped: ${name} is not there (${(error as Error).message.split('\n')[0]})`);
    return null;
  }
}

const tripled = (x: unknown, axis: number): unknown => (x instanceof Tensor && x.rank > axis ? cat([x, x, x], axis) : x);

async function check(runtime: Runtime, row: Row): Promise<number> {
  const { model, given } = made(row);
  const { batchAxis, training = false } = row;
  const file = toOnnx(model, given, { batchAxis: batchAxis ?? null, training });
  const answer = (inputs: readonly unknown[]): Pair => [tensorsIn(inputs), noGrad(() => tensorsIn((model.forward as (...all: unknown[]) => unknown)(...inputs)))];
  const pairs = [answer(given)];
  if (batchAxis !== undefined) pairs.push(answer(given.map((x) => tripled(x, batchAxis))));
  return compare(runtime, file, pairs);
}

/** Runs every row in both; how many passed, failed, and were skipped. */
export async function main(): Promise<{ passed: number; failed: number; skipped: number }> {
  if (!existsSync(`${here}node_modules/onnxruntime-web`)) {
    try {
      execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' });
    } catch {
      console.log('npm ci failed: is there a registry?');
    }
  }
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const name of ['onnxruntime-node', 'onnxruntime-web']) {
    const runtime = await load(name);
    let worst = 0;
    const before = { ...count };
    for (const row of rows) {
      if (!runtime) count.skipped++;
      else
        try {
          worst = Math.max(worst, await check(runtime, row));
          count.passed++;
        } catch (error) {
          count.failed++;
          console.log(`FAILED ${name}: ${row.name}: ${(error as Error).message.slice(0, 300)}`);
        }
    }
    console.log(`${name}: ${count.passed - before.passed} of ${rows.length} rows agree, the furthest by ${worst.toExponential(1)}`);
  }
  const own = operators();
  for (const key of ['passed', 'failed', 'skipped'] as const) count[key] += own[key];
  console.log(`onnx: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await main()).failed > 0 ? 1 : 0;
