// Who a node is: a P-384 key, made once and kept. Flower knows a node by the bytes of its public key; each call is signed with the other half.
import { GradloomError } from '../tensor/errors.ts';
import { base64, type Bytes, utf8 } from './objects.ts';
import type { Store } from './stores.ts';

const CURVE = { name: 'ECDSA', namedCurve: 'P-384' };
const SIGN = { name: 'ECDSA', hash: 'SHA-256' };

/** A node's key, ready for use. */
export interface Identity {
  /** The public half as the bytes of a PEM file. */
  readonly publicKey: Bytes;
  /** A signature of a text, in DER. */
  sign(text: string): Promise<Uint8Array>;
}

/** An unsigned number of 48 bytes in DER: no zeros in front, but one where the first bit is set. */
function derNumber(bytes: Uint8Array): number[] {
  const first = bytes.findIndex((b) => b !== 0);
  const digits = [...bytes.subarray(first < 0 ? bytes.length - 1 : first)];
  if ((digits[0] as number) > 127) digits.unshift(0);
  return [2, digits.length, ...digits];
}

/** WebCrypto's signature (two numbers side by side) as OpenSSL's. */
export function derSignature(raw: Uint8Array): Uint8Array {
  const numbers = [...derNumber(raw.subarray(0, raw.length / 2)), ...derNumber(raw.subarray(raw.length / 2))];
  return Uint8Array.from([0x30, numbers.length, ...numbers]);
}

/** A public key (SPKI) as PEM. */
const pemOf = (spki: Uint8Array): Bytes => utf8(`-----BEGIN PUBLIC KEY-----\n${base64(spki).replace(/.{64}(?=.)/g, '$&\n')}\n-----END PUBLIC KEY-----\n`);

/** An entry of a store that is none of the node's. */
export const spoilt = (name: string, cause?: unknown): GradloomError =>
  new GradloomError('FORMAT', 'runSuperNode', `the store's '${name}' is not what was put there. Clear the store, and the node starts anew.`, { cause });

/** The bytes of a store's entry. */
async function bytesIn(store: Store, name: string): Promise<Bytes | undefined> {
  const found = await store.get(name);
  if (found === undefined || found instanceof Uint8Array) return found as Bytes | undefined;
  throw spoilt(name);
}

/** The private key that a store kept, which signs. */
async function privateKeyOf(kept: unknown): Promise<CryptoKey> {
  const { subtle } = crypto;
  try {
    const key = kept instanceof Uint8Array ? await subtle.importKey('pkcs8', kept as Bytes, CURVE, false, ['sign']) : (kept as CryptoKey);
    await subtle.sign(SIGN, key, new Uint8Array(1));
    return key;
  } catch (cause) {
    throw spoilt('private-key', cause);
  }
}

/** The key in a store; made and put there where there is none. A page keeps one that cannot be read out. */
async function keyPair(store: Store): Promise<{ privateKey: CryptoKey; spki: Bytes }> {
  if (!globalThis.crypto?.subtle) throw new GradloomError('RUNTIME', 'runSuperNode', 'there is no WebCrypto here. Serve the page over HTTPS or from localhost.');
  const { subtle } = crypto;
  const spki = await bytesIn(store, 'public-key');
  const kept = spki && (await store.get('private-key'));
  if (spki && kept) return { spki, privateKey: await privateKeyOf(kept) };
  const pair = await subtle.generateKey(CURVE, !store.keepsKeys, ['sign', 'verify']);
  const made = new Uint8Array(await subtle.exportKey('spki', pair.publicKey));
  await store.set('private-key', store.keepsKeys ? pair.privateKey : new Uint8Array(await subtle.exportKey('pkcs8', pair.privateKey)));
  await store.set('public-key', made);
  return { privateKey: pair.privateKey, spki: made };
}

/** The identity in a store. */
export async function identityIn(store: Store): Promise<Identity> {
  const { privateKey, spki } = await keyPair(store);
  return {
    publicKey: pemOf(spki),
    sign: async (text) => derSignature(new Uint8Array(await crypto.subtle.sign(SIGN, privateKey, utf8(text)))),
  };
}

/** Data with its length in front, as SSH writes it. */
function sshField(data: Uint8Array): number[] {
  return [0, 0, data.length >> 8, data.length & 255, ...data];
}

/**
 * The node's public key as OpenSSH writes it, for `flwr supernode register key.pub` where the SuperLink runs with `--enable-supernode-auth`.
 * The key is made where the store has none.
 *
 * @example
 * console.log(await publicKeyOf(fileStore('node'))); // ecdsa-sha2-nistp384 AAAA…
 */
export async function publicKeyOf(store: Store): Promise<string> {
  const { spki } = await keyPair(store);
  const point = spki.subarray(spki.length - 97); // 4, x, y
  const fields = [utf8('ecdsa-sha2-nistp384'), utf8('nistp384'), point].flatMap(sshField);
  return `ecdsa-sha2-nistp384 ${base64(Uint8Array.from(fields))}`;
}
