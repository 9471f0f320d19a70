// The embedded wasm as text. scripts/text.mjs writes it and says how: printable ASCII that compresses like the bytes
// themselves.

/** Character codes of the alphabet: printable ASCII but ' " \ ` $ <. */
const ALPHABET = Array.from({ length: 94 }, (_, i) => 33 + i).filter((c) => ![34, 36, 39, 60, 92, 96].includes(c));
const PAIRS = 2;
const FREQUENT = ALPHABET.length - PAIRS;

/** The bytes of a text that scripts/text.mjs wrote. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const frequent = Array.from({ length: FREQUENT }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
  const rest = Array.from({ length: 256 }, (_, b) => b).filter((b) => !frequent.includes(b));
  // Per character code: the byte, or −1 and −2 for the characters that begin a pair; and what each pair stands for.
  const single = new Int16Array(128);
  const pairs = new Uint8Array(128 * PAIRS);
  ALPHABET.forEach((c, i) => {
    single[c] = i < PAIRS ? -1 - i : (frequent[i - PAIRS] as number);
    for (let p = 0; p < PAIRS; p++) pairs[128 * p + c] = rest[p * ALPHABET.length + i] ?? 0;
  });
  const out = new Uint8Array(text.length);
  let n = 0;
  for (let i = 2 * FREQUENT; i < text.length; i++) {
    const b = single[text.charCodeAt(i)] as number;
    out[n++] = b >= 0 ? b : (pairs[128 * (-1 - b) + text.charCodeAt(++i)] as number);
  }
  return out.slice(0, n);
}
