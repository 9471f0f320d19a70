// What a node has in hand, kept so that one that died and came back answers for it: the message from when it was pulled, the reply, whole,
// from when it is finished until the server has it all.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type PushMessagesRequest, PushMessagesRequestSchema } from './generated/fleet_pb.ts';
import { type Message, MessageSchema } from './generated/message_pb.ts';
import { BytesListSchema } from './generated/recorddict_pb.ts';
import { type Bytes, sha256 } from './objects.ts';
import type { Store } from './stores.ts';

/** A finished reply: the call that announces it and its objects, by id, the message's own last. */
export interface Reply {
  readonly request: PushMessagesRequest;
  readonly objects: ReadonlyMap<string, Bytes>;
}

/** The journal in a store. */
export class Journal {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** A message was pulled: it will not come again. */
  async begin(message: Message): Promise<void> {
    await this.#store.set('message', toBinary(MessageSchema, message));
  }

  /** Its reply is finished. */
  async finish({ request, objects }: Reply): Promise<void> {
    await this.#store.set('reply', toBinary(BytesListSchema, create(BytesListSchema, { vals: [toBinary(PushMessagesRequestSchema, request), ...objects.values()] })));
  }

  /** The server has it, or does not want it. */
  async clear(): Promise<void> {
    await this.#store.delete('message');
    await this.#store.delete('reply');
  }

  /** What was left: a reply to send again, or else a message without one. What cannot be read was never whole. */
  async left(): Promise<{ message?: Message; reply?: Reply }> {
    const [message, reply] = [await this.#store.get('message'), await this.#store.get('reply')];
    try {
      if (message && reply) {
        const [request, ...objects] = fromBinary(BytesListSchema, reply as Uint8Array).vals as Bytes[];
        const named = await Promise.all(objects.map(async (bytes) => [await sha256(bytes), bytes] as const));
        return { reply: { request: fromBinary(PushMessagesRequestSchema, request as Bytes), objects: new Map(named) } };
      }
      return message ? { message: fromBinary(MessageSchema, message as Uint8Array) } : {};
    } catch {
      return {};
    }
  }
}
