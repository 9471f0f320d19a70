// A client in Node: npx tsx examples/flower/node.ts http://127.0.0.1:8000 3 trains on the third thousand of MNIST's images.
import { fileStore, runSuperNode } from 'gradloom/flower';
import { PIXELS, readIdx } from '../digits/mnist.ts';
import { digitsApp } from './digits.ts';

const [url = 'http://127.0.0.1:8000', part = '1'] = process.argv.slice(2);
const [start, end] = [1000 * (Number(part) - 1), 1000 * Number(part)];
const images = Float32Array.from(readIdx('train-images-idx3-ubyte').bytes.subarray(start * PIXELS, end * PIXELS), (v) => v / 255);
const digits = Int32Array.from(readIdx('train-labels-idx1-ubyte').bytes.subarray(start, end));
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
await runSuperNode(digitsApp({ images, digits }), { url, store: fileStore(`node-${part}`), signal: stop.signal, onEvent: console.log });
