// Writes src/interop/onnx/onnx_pb.js from onnx.proto (of the package onnx 1.23.2 on PyPI, Apache-2.0): node scripts/onnx/generate.mjs
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const out = fileURLToPath(new URL('../../src/interop/onnx', import.meta.url));
const run = (command, ...args) => execFileSync(command, args, { cwd: here, stdio: 'inherit' });

run('npm', 'ci', '--no-audit', '--no-fund');
const plugin = { local: 'protoc-gen-es', out, opt: ['target=js+dts'] };
run('npm', 'exec', '--', 'buf', 'generate', 'onnx.proto', '--template', JSON.stringify({ version: 'v2', plugins: [plugin] }));
