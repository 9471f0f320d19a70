// The embedded wasm as text. scripts/text.mjs writes it and says how: printable ASCII that compresses like the bytes themselves.

/** Character codes of the alphabet: printable ASCII but ' " \ ` $ <. */
const ALPHABET = Array.from({ length: 94 }, (_, i) => 33 + i).filter((c) => ![34, 36, 39, 60, 92, 96].includes(c));
const PAIRS = 2;
const FREQUENT = ALPHABET.length - PAIRS;

/** The bytes of a text that scripts/text.mjs wrote. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const frequent = Array.from({ length: FREQUENT }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
  const rest = Array.from({ length: 256 }, (_, b) => b).filter((b) => !frequent.includes(b));
  // Per character code: its place in the alphabet.
  const place = new Uint8Array(128);
  ALPHABET.forEach((c, i) => {
    place[c] = i;
  });
  const bytes = new Uint8Array(text.length);
  let n = 0;
  for (let i = 2 * FREQUENT; i < text.length; i++) {
    const first = place[text.charCodeAt(i)] as number;
    bytes[n++] = (first >= PAIRS ? frequent[first - PAIRS] : rest[first * ALPHABET.length + (place[text.charCodeAt(++i)] as number)]) as number;
  }
  return bytes.slice(0, n);
}
