// ONNX's own tests of operators (package onnx 1.23.2 on PyPI), read by fromOnnx: npx tsx test/interop/onnx/operators.ts. What is refused by name
// is counted apart; what else does not agree must stand in the table below with its reason.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromBinary } from '@bufbuild/protobuf';
import { GradloomError, noGrad, scope, type Tensor } from 'gradloom';
import { arrayOf } from '../../../src/interop/onnx/file.ts';
import { fromOnnx } from '../../../src/interop/onnx/from.ts';
import { tensorOf } from '../../../src/interop/onnx/host.ts';
import { TensorProtoSchema } from '../../../src/interop/onnx/onnx_pb.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const [home, cases] = [join(root, 'build', 'onnx-python'), join(root, 'build', 'onnx-cases')];

/** What does not agree, and why. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/(fp16|bf16|float16|bfloat16|FLOAT16)$/, 'computed in float32, where the answer was rounded to 16 bits'],
  [/^test_training_dropout/, 'other random numbers'],
  [/^test_(averagepool_2d_ceil_last|gridsample_bicubic$)/, 'the recorded answer has four digits'],
  [/^test_maxpool_2d_uint8/, 'whole numbers have no MaxPool here, which it says'],
  [/^test_reduce_(max|min)_empty/, 'the largest of nothing is an error, which it says'],
  [/^test_col2im_5d$/, 'three directions: refused when it runs'],
  [/^test_resize_/, 'refused when it runs: align_corners by a factor that gives no whole size, one pixel of pytorch_half_pixel'],
];

function made(): string | null {
  if (existsSync(join(cases, 'test_add', 'model.onnx'))) return null;
  try {
    if (!existsSync(join(home, 'bin', 'python'))) execFileSync('python3', ['-m', 'venv', home], { stdio: 'inherit' });
    execFileSync(join(home, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', 'onnx==1.23.2'], { stdio: 'inherit' });
    execFileSync(join(home, 'bin', 'python'), ['-W', 'ignore', fileURLToPath(new URL('operators.py', import.meta.url)), cases], { stdio: ['ignore', 'inherit', 'ignore'] });
    return null;
  } catch (error) {
    return (error as Error).message.split('\n')[0] as string;
  }
}

const read = (file: string): Tensor => tensorOf(arrayOf(fromBinary(TensorProtoSchema, readFileSync(file)), file));

/** How far the module is from the answers, in parts of the larger of the value and 1; Infinity where a shape differs. */
function distance(folder: string, run: (inputs: Tensor[]) => Tensor[]): number {
  const all = (what: string): Tensor[] => {
    const count = readdirSync(folder).filter((f) => f.startsWith(`${what}_`)).length;
    return Array.from({ length: count }, (_, i) => read(join(folder, `${what}_${i}.pb`)));
  };
  const expected = all('output');
  const got = run(all('input'));
  let worst = 0;
  for (const [i, y] of expected.entries()) {
    const x = got[i] as Tensor;
    if (x.shape.join() !== y.shape.join()) return Number.POSITIVE_INFINITY;
    const [a, b] = [x.data(), y.data()];
    for (let k = 0; k < b.length; k++) {
      const [p, q] = [Number(a[k]), Number(b[k])];
      const far = Object.is(p, q) || p === q ? 0 : Math.abs(p - q) / Math.max(1, Math.abs(q));
      worst = Number.isNaN(far) ? Number.POSITIVE_INFINITY : Math.max(worst, far);
    }
  }
  return worst;
}

/** Runs every case: how many passed, failed, and were refused by name. */
export function main(): { passed: number; failed: number; skipped: number } {
  const reason = made();
  const count = { passed: 0, refused: 0, known: 0, failed: 0, skipped: reason ? 1 : 0 };
  if (reason) console.log(`skipped: ONNX's tests of operators need Python 3 with venv and PyPI (${reason})`);
  for (const name of reason ? [] : readdirSync(cases)) {
    const folder = join(cases, name);
    if (!existsSync(join(folder, 'model.onnx'))) continue;
    let problem = '';
    try {
      const model = fromOnnx(readFileSync(join(folder, 'model.onnx')));
      try {
        const far = scope(() => noGrad(() => distance(folder, (inputs) => [model.forward(...inputs)].flat())) as never) as number;
        if (!(far <= 1e-5)) problem = `differs by ${far}`;
      } catch (error) {
        problem = (error as Error).message;
      }
    } catch (error) {
      if (!(error instanceof GradloomError)) problem = `${(error as Error).stack}`;
      else {
        count.refused++;
        continue;
      }
    }
    if (!problem) count.passed++;
    else if (KNOWN.some(([pattern]) => pattern.test(name))) count.known++;
    else {
      count.failed++;
      console.log(`FAILED ${name}: ${problem.slice(0, 200)}`);
    }
  }
  console.log(`ONNX's tests of operators: ${count.passed} passed, ${count.refused} refused by name, ${count.known} differ for a known reason, ${count.failed} failed`);
  return { passed: count.passed, failed: count.failed, skipped: count.skipped };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main().failed > 0 ? 1 : 0;
