// Bytes as printable ASCII that compresses like the bytes themselves: in gzip 10 % less than hex. The decoder is src/runtime/text.ts.
//
//   172 hex digits: the 86 most frequent bytes │ the bytes: those by one character each, the others by two
//
// Of the 88 characters the first two begin a pair: the n-th of the other bytes (in ascending order) is first[⌊n/88⌋], any[n mod 88].

/** Printable ASCII but for what strings, templates and pages would escape. */
const ALPHABET = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter((c) => !`'"\\\`$<`.includes(c));
const PAIRS = 2;

/** @param {Uint8Array} bytes */
export function textOf(bytes) {
  const count = new Uint32Array(256);
  for (const b of bytes) count[b]++;
  const frequent = Array.from(count.keys())
    .sort((a, b) => count[b] - count[a] || a - b)
    .slice(0, ALPHABET.length - PAIRS);
  const rest = Array.from(count.keys()).filter((b) => !frequent.includes(b));
  const code = new Array(256);
  frequent.forEach((b, i) => {
    code[b] = ALPHABET[PAIRS + i];
  });
  rest.forEach((b, i) => {
    code[b] = ALPHABET[Math.floor(i / ALPHABET.length)] + ALPHABET[i % ALPHABET.length];
  });
  return Buffer.from(frequent).toString('hex') + Array.from(bytes, (b) => code[b]).join('');
}
