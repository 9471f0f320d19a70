// Where a runtime lacks something, the error names it and the cure. Each case in a process of its own, patched to lack it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What a program on the library says, after a patch of the runtime; importing takes nothing that a patch removes. */
function says(patch: string, program: string, entry = 'gradloom', flags: readonly string[] = []): string {
  const source = `const g = await import('${entry}'); ${patch}; try { ${program}; console.log('no error'); } catch (e) { console.log(e.message, '|', e.code ?? '', '|', e.cause?.message ?? ''); }`;
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, '--import', 'tsx', '--input-type=module', '-e', source], { cwd: root, encoding: 'utf8', timeout: 60_000 });
  return stdout || stderr;
}

const REFUSES = "WebAssembly.Module = new Proxy(WebAssembly.Module, { construct() { throw new WebAssembly.CompileError('not here') } });";
const INVALID = 'WebAssembly.validate = () => false;';

test('no WebAssembly', () => {
  assert.match(says('delete globalThis.WebAssembly', 'g.ones([1])'), /^gradloom: this runtime has no WebAssembly.*Lockdown Mode.*\| RUNTIME/);
  assert.match(says('delete globalThis.WebAssembly', 'await g.init({ wasm: new Uint8Array(8) })'), /^gradloom: this runtime has no WebAssembly/);
});

test('no SIMD', () => {
  assert.match(says(REFUSES + INVALID, 'g.ones([1])'), /no WebAssembly SIMD, which gradloom is built on\. Use a newer one: Node ≥ 16\.4.*\| RUNTIME \| not here/);
  assert.match(says(INVALID, 'await g.init({ wasm: new Uint8Array(8) })'), /no WebAssembly SIMD/);
});

test('no compilation from bytes', () => {
  assert.match(says(REFUSES, 'g.ones([1])'), /refused to compile WebAssembly from bytes.*'wasm-unsafe-eval'.*workerd or edge-light.*await init\(\{ wasm \}\)/);
  const patch = "WebAssembly.compile = async () => { throw new WebAssembly.CompileError('not here') };";
  assert.match(says(patch, "await g.init({ wasm: (await import('node:fs')).readFileSync('build/kernels.wasm') })"), /refused to compile.*\| not here/);
});

test("a page's policy that is heeded at instantiation", () => {
  const patch = "WebAssembly.Instance = class { constructor() { throw new WebAssembly.CompileError('not here') } };";
  assert.match(says(patch, 'g.ones([1])'), /refused to compile WebAssembly.*'wasm-unsafe-eval'.*\| RUNTIME \| not here/);
  assert.match(says(patch, 'await g.init({ threads: 2 })'), /refused to compile WebAssembly.*'wasm-unsafe-eval'/);
});

test('no shared memory', () => {
  const patch = 'delete globalThis.SharedArrayBuffer;';
  assert.match(says(patch, 'await g.init({ threads: 2 })'), /'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp'.*\| RUNTIME/);
  assert.match(
    says(`${patch} globalThis.crossOriginIsolated = true;`, 'await g.init({ threads: 2 })'),
    /no shared memory, although the page is isolated\. Leave threads out\. \| RUNTIME/,
  );
});

test('no relaxed SIMD, no threads build', () => {
  assert.match(says(REFUSES + INVALID, "await g.init({ simd: 'relaxed' })"), /no relaxed SIMD\. Leave out simd: 'relaxed', or use a newer one: Node ≥ 22/);
  assert.match(says(REFUSES + INVALID, 'await g.init({ threads: 2 })'), /no WebAssembly threads\. Leave threads out/);
  assert.match(says('', "await g.init({ simd: 'relaxed' })", 'gradloom/lean'), /no relaxed-SIMD build\. Add import 'gradloom\/relaxed'/);
  assert.match(says('', 'await g.init({ threads: 2 })', 'gradloom/lean'), /no build for threads\. Add import 'gradloom\/threads'/);
  assert.match(says('', "await import('gradloom/threads'); await g.init({ threads: 2 }); g.close()", 'gradloom/lean'), /^no error/);
});

test('no workers: nothing has changed, init may be called anew', () => {
  const said = says(
    'process.getBuiltinModule = undefined',
    'await g.init({ threads: 2 }).catch((e) => console.log(e.message)); await g.init(); console.log(g.ones([3]).sum().item())',
  );
  assert.match(said, /a thread did not start: this runtime has neither Worker nor worker_threads\..*leave threads out\.\n3\n/);
});

test('not enough memory', () => {
  const exhaust = 'for (;;) g.keep(g.zeros([2 ** 20]))';
  assert.match(
    says('', exhaust, 'gradloom', ['--wasm-max-mem-pages=2048']),
    /no room for 4 MB: tensors hold 1\d\d MB of the 12\d MB reserved.*128 MB in Cloudflare Workers.*\| MEMORY/,
  );
  assert.match(says('', 'g.ones([1])', 'gradloom', ['--wasm-max-mem-pages=16']), /refused the first 2 MB of WebAssembly memory.*\|/);
});

test('lean takes the wasm in every form, and says what it needs', () => {
  const lean = (program: string): string => says("const { readFileSync } = await import('node:fs'); const bytes = readFileSync('build/kernels.wasm');", program, 'gradloom/lean');
  assert.match(lean('g.ones([1])'), /carries no wasm\. First await init\(\{ wasm \}\)/);
  assert.match(lean('await g.init()'), /carries no wasm/);
  const forms = [
    'bytes',
    'bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)',
    'new WebAssembly.Module(bytes)',
    'WebAssembly.compile(bytes)',
    'new Response(bytes)',
    "'data:application/wasm;base64,' + bytes.toString('base64')",
  ];
  for (const form of forms) assert.match(lean(`await g.init({ wasm: ${form} }); console.log(g.ones([3]).sum().item())`), /^3\nno error/, form);
  assert.match(lean("await g.init({ wasm: new TextEncoder().encode('<!doctype html>') })"), /15 bytes that were given are no valid wasm.*page instead.*\| FORMAT/);
  assert.match(lean('await g.init({ wasm: Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0) })'), /is not gradloom's.*kernels\.wasm of this version.*\| FORMAT/);
  assert.match(lean("await g.init({ wasm: new Response('', { status: 404 }) })"), /answered 404.*\| RUNTIME/);
  assert.match(lean("await g.init({ wasm: 'http://127.0.0.1:1/kernels.wasm' })"), /could not fetch the wasm from http.*pass its bytes/);
  assert.match(lean('await g.init({ wasm: 3 })'), /Module, bytes, a Response, a URL.*got 3.*\| VALUE/);
  assert.match(lean('const r = new Response(bytes); await r.text(); await g.init({ wasm: r })'), /^init: the Response that was given could not be read.*\| RUNTIME/);
  assert.match(lean("await g.init({ wasm: bytes, simd: 'relaxed' })"), /takes one of threads, wasm and relaxed simd/);
});

test.run();
