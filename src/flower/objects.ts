// Flower's objects, as its store holds them. A message is a tree of them; each is named by what is in it, so equal ones are sent once.
//
//   ┌──────────────────────────────────────────────┬─────┬──────┐
//   │ Type ␠ id of child , id of child ␠ body bytes│ NUL │ body │   id = SHA-256 of the whole, in hexadecimal
//   └──────────────────────────────────────────────┴─────┴──────┘
//
// Message → RecordDict → ArrayRecord → Array → ArrayChunk, and RecordDict → MetricRecord, ConfigRecord.
import { GradloomError } from '../tensor/errors.ts';

/** Bytes that WebCrypto and fetch take: not of shared memory. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** The ids of a message's objects. */
export interface Tree {
  objectId: string;
  children: Tree[];
}

/** An object with everything below it: its tree, and the bytes by id, children first. */
export interface Built {
  readonly tree: Tree;
  readonly objects: ReadonlyMap<string, Bytes>;
}

/** An object that was read. */
export interface Read {
  readonly type: string;
  readonly children: readonly string[];
  readonly body: Bytes;
}

const FAULT = 'This is a fault of the server, or of a version that was not tested.';
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder();

/** Text as UTF-8. */
export const utf8 = (text: string): Bytes => encoder.encode(text) as Bytes;
/** UTF-8 as text. */
export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);
/** Bytes as base64. */
export function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
/** SHA-256 in hexadecimal. */
export const sha256 = async (bytes: Bytes): Promise<string> =>
  Array.from(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), (b) => b.toString(16).padStart(2, '0')).join('');

/** An object of a type, made of its children (equal ones count once, in order) and its body. */
export async function build(type: string, children: readonly Built[], body: Uint8Array): Promise<Built> {
  const unique = new Map(children.map((child) => [child.tree.objectId, child]));
  const head = utf8(`${type} ${[...unique.keys()].join(',')} ${body.length}\0`);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  const objectId = await sha256(bytes);
  const objects = new Map([...unique.values()].flatMap((child) => [...child.objects]));
  objects.set(objectId, bytes);
  return { tree: { objectId, children: [...unique.values()].map((child) => child.tree) }, objects };
}

/** What `parse` makes of something that the server sent. @throws FORMAT in place of what JSON, protobuf and fields of what is none throw */
export function fromServer<T>(what: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (cause instanceof GradloomError) throw cause;
    throw new GradloomError('FORMAT', 'flower', `${what} is not as Flower writes it: ${(cause as Error).message}. ${FAULT}`, { cause });
  }
}

/** An object's head and body. @throws FORMAT */
export function read(bytes: Bytes): Read {
  const end = bytes.indexOf(0);
  const [type, ids, length, ...more] = textOf(bytes.subarray(0, Math.max(end, 0))).split(' ');
  const body = bytes.subarray(end + 1);
  if (!type || ids === undefined || more.length > 0 || Number(length) !== body.length) {
    throw new GradloomError('FORMAT', 'flower', `an object of ${bytes.length} bytes has no head as Flower writes it. ${FAULT}`);
  }
  return { type, children: ids === '' ? [] : ids.split(','), body };
}

/** All ids of a tree, children before their parents, each once. */
export function idsOf(tree: Tree): string[] {
  const found = new Set<string>();
  const visit = ({ objectId, children }: Tree): void => {
    for (const child of children) visit(child);
    found.add(objectId);
  };
  visit(tree);
  return [...found];
}
