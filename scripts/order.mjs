// The functions of a wasm module in an order that compresses better: gzip looks back 32 kB, so functions that resemble one another belong together.
import { deflateRawSync, gzipSync } from 'node:zlib';

const WINDOW = 26000; // bytes of functions looked back on; the rest of 32 kB is for what else stands between them
const STARTS = 24;

const deflated = (bytes) => deflateRawSync(bytes, { level: 9 }).length;

/** The bodies of the code section. */
function bodiesOf(wasm) {
  let at = 8;
  const number = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  while (at < wasm.length) {
    const section = wasm[at++];
    const length = number();
    const end = at + length;
    if (section === 10) {
      return Array.from({ length: number() }, () => {
        const start = at;
        const length = number();
        at += length;
        return wasm.subarray(start, at);
      });
    }
    at = end;
  }
  return [];
}

/** Bytes that a pair shares, for each pair: what deflate saves when one stands behind the other. */
function sharedBytes(bodies, alone) {
  const shared = bodies.map(() => new Float64Array(bodies.length));
  bodies.forEach((a, i) => {
    for (let j = 0; j < i; j++) shared[i][j] = shared[j][i] = alone[i] + alone[j] - deflated(Buffer.concat([bodies[j], a]));
  });
  return shared;
}

/** From one function on, always the one that shares most of its bytes with one that is still in the window. */
function chain(start, bodies, alone, shared) {
  const order = [start];
  const left = new Set(bodies.keys());
  left.delete(start);
  while (left.size > 0) {
    const near = [];
    for (let k = order.length - 1, bytes = 0; k >= 0 && bytes < WINDOW; k--) {
      near.push(order[k]);
      bytes += bodies[order[k]].length;
    }
    const score = (i) => Math.max(...near.map((k) => shared[i][k])) / Math.sqrt(alone[i]);
    const [next] = [...left].map((i) => [i, score(i)]).reduce((best, one) => (one[1] > best[1] ? one : best));
    order.push(next);
    left.delete(next);
  }
  return order;
}

/** The best order found, by place in the code section. The same bytes give the same order. */
export function compressingOrder(wasm) {
  const bodies = bodiesOf(wasm);
  const alone = bodies.map(deflated);
  const shared = sharedBytes(bodies, alone);
  const starts = [...bodies.keys()].sort((a, b) => bodies[b].length - bodies[a].length).slice(0, STARTS);
  const size = (order) => gzipSync(Buffer.concat(order.map((i) => bodies[i])), { level: 9 }).length;
  return starts.map((start) => chain(start, bodies, alone, shared)).reduce((best, order) => (size(order) < size(best) ? order : best), [...bodies.keys()]);
}

/** A module's text with its functions in another order; they are named, so nothing else changes. */
export function reordered(text, order) {
  const head = [];
  const functions = [];
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; ) {
    let end = i + 1;
    if (lines[i].startsWith(' (func ')) while (lines[end - 1] !== ' )') end++;
    (lines[i].startsWith(' (func ') ? functions : head).push(lines.slice(i, end).join('\n'));
    i = end;
  }
  if (functions.length !== order.length) throw new Error(`${functions.length} functions in the text, ${order.length} in the binary`);
  const close = head.lastIndexOf(')');
  return [...head.slice(0, close), ...order.map((i) => functions[i]), ...head.slice(close)].join('\n');
}
