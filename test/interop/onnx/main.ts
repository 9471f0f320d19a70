// Files that toOnnx writes, run by onnxruntime in Node and as wasm: npx tsx test/interop/onnx/main.ts. Installs both here first; what cannot
// be installed is said and counted as skipped.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { noGrad, Tensor } from 'gradloom';
import { toOnnx } from '../../../src/interop/onnx/to.ts';
import { made, type Row, rows } from '../onnx.rows.ts';

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

/** Throws where a runtime gives something else than the model. */
async function compare({ InferenceSession, Tensor: Theirs }: Runtime, file: Uint8Array, given: readonly Tensor[], expected: readonly Tensor[]): Promise<number> {
  const session = await InferenceSession.create(file, { logSeverityLevel: 3 });
  const feeds = session.inputNames.map((name, i) => {
    const t = given[i] as Tensor;
    return [name, new Theirs(t.dtype, t.dtype === 'bool' ? Uint8Array.from(t.data() as ArrayLike<number>, Number) : (t.data() as Float32Array), t.shape)];
  });
  const results = await session.run(Object.fromEntries(feeds));
  let worst = 0;
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

/** Outputs of dropped values are random: only that the file runs is known. */
const isRandom = (row: Row): boolean => row.training === true && /Dropout/.test(row.name);

async function check(runtime: Runtime, row: Row): Promise<number> {
  const { model, given } = made(row);
  const file = toOnnx(model, given, { batchAxis: row.batchAxis ?? null, training: row.training ?? false });
  const expected = noGrad(() => tensorsIn((model.forward as (...all: unknown[]) => unknown)(...given)));
  return compare(runtime, file, tensorsIn(given), isRandom(row) ? [] : expected);
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
  console.log(`onnx: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await main()).failed > 0 ? 1 : 0;
