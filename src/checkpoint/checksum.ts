// A checksum inside of the file that it is of: every bit of the file is covered, its own digits as zeros.
import { GradloomError } from '../tensor/errors.ts';

/** The metadata's key; the value is 8 hexadecimal digits. */
export const CHECKSUM = 'gradloom.crc32';
export const NO_CHECKSUM = '00000000';

/** CRC-32 (ISO 3309, as in gzip and PNG): finds every change of up to 32 bits in a row. */
const TABLE = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array, from: number, to: number, before: number): number {
  let c = ~before;
  for (let i = from; i < to; i++) c = (TABLE[(c ^ (bytes[i] as number)) & 255] as number) ^ (c >>> 8);
  return ~c;
}

/** Where the digits stand: in the metadata, which comes first in the header. −1 where there are none. */
function digitsAt(bytes: Uint8Array): number {
  const mark = new TextEncoder().encode(`"${CHECKSUM}":"`);
  const end = Math.min(bytes.length, 8 + 200) - mark.length - 8;
  for (let at = 8; at <= end; at++) if (mark.every((b, i) => bytes[at + i] === b)) return at + mark.length;
  return -1;
}

function digitsOf(bytes: Uint8Array, at: number): string {
  const zeros = new TextEncoder().encode(NO_CHECKSUM);
  const sum = crc32(bytes, at + 8, bytes.length, crc32(zeros, 0, 8, crc32(bytes, 0, at, 0)));
  return (sum >>> 0).toString(16).padStart(8, '0');
}

/** Puts the checksum in its place. */
export function seal(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = digitsAt(bytes);
  bytes.set(new TextEncoder().encode(digitsOf(bytes, at)), at);
  return bytes;
}

/** The checksum that sealed bytes hold. */
export function checksumOf(bytes: Uint8Array): string {
  const at = digitsAt(bytes);
  return new TextDecoder().decode(bytes.subarray(at, at + 8));
}

/** Throws where the bytes are not as they were sealed. */
export function verifySeal(bytes: Uint8Array): void {
  const at = digitsAt(bytes);
  if (at < 0)
    throw new GradloomError('FORMAT', 'checkpoint.read', 'the file is cut short, damaged, or not written by checkpoint.write. Read files of checkpoint.save with checkpoint.load.');
  const [said, is] = [checksumOf(bytes), digitsOf(bytes, at)];
  if (said !== is) throw new GradloomError('FORMAT', 'checkpoint.read', `the file is damaged or cut short: its checksum is ${is}, it should be ${said}. Take an earlier one.`);
}
