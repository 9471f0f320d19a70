// A stand-in for a SuperLink behind `fetch`, for the states of a node that a real one reaches seldom. The real one is test/flower/main.ts.
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import * as fleet from '../../src/flower/generated/fleet_pb.ts';
import { SendNodeHeartbeatRequestSchema, SendNodeHeartbeatResponseSchema } from '../../src/flower/generated/heartbeat_pb.ts';
import * as wire from '../../src/flower/generated/message_pb.ts';
import { type Bytes, build, type Built, sha256, textOf } from '../../src/flower/objects.ts';
import { buildRecords, type Records, readRecords } from '../../src/flower/records.ts';

/** A reply that is whole. */
export interface Received {
  to: string;
  error: { code: number; reason: string } | undefined;
  records: Records | undefined;
  createdAt: number;
  ttl: number;
}

const json = (status: number, body: object, headers: HeadersInit = {}): Response => Response.json(body, { status, headers });
const NODE = 2n ** 63n + 5n;

/** The stand-in: put messages in, look at what came. */
export class FakeLink {
  version = '1.42.0';
  /** Its clock less ours, ms. */
  clock = 0;
  registered = false;
  online = false;
  /** Whether it lets nodes register themselves. */
  open = true;
  /** Whether the strategy takes a reply as soon as it is announced: its message is then unknown. */
  hasty = false;
  readonly calls: string[] = [];
  readonly received: Received[] = [];
  /** Answers in place of the real ones, by path, once each. */
  readonly instead = new Map<string, ((body: Bytes) => Response | Promise<Response> | undefined)[]>();
  readonly #waiting: Built[] = [];
  readonly #objects = new Map<string, Bytes>();
  readonly #replies = new Map<string, { metadata: wire.Metadata; error: wire.Message['error']; wanted: Set<string>; answered: string }>();
  #sent = 0;
  #key = '';

  /** Sends a round; its id. */
  async send(records: Partial<Records>, type = 'train', ttl = 100): Promise<string> {
    const metadata = { runId: 7n, srcNodeId: 1n, dstNodeId: NODE, ttl, messageType: type, createdAt: (Date.now() + this.clock) / 1000 + this.#sent++ / 1e6 };
    const content = await buildRecords(records);
    const message = await build('Message', [content], toBinary(wire.MessageSchema, create(wire.MessageSchema, { metadata })));
    for (const [id, bytes] of message.objects) this.#objects.set(id, bytes);
    this.#waiting.push(message);
    return message.tree.objectId;
  }

  /** Answers one call of a path otherwise. */
  once(path: string, answer: (body: Bytes) => Response | Promise<Response> | undefined): void {
    this.instead.set(path, [...(this.instead.get(path) ?? []), answer]);
  }

  readonly fetch = (async (input: string, init?: RequestInit): Promise<Response> => {
    const path = new URL(input).pathname.replace('/v1/fleet/', '');
    this.calls.push(path);
    const body = init?.body as Bytes;
    const date = { date: new Date(Date.now() + this.clock).toUTCString() };
    const other = await this.instead.get(path)?.shift()?.(body);
    if (other) return other;
    if (path === '/openapi.json') return json(200, { info: { version: this.version } }, date);
    const headers = init?.headers as Record<string, string>;
    const age = (Date.now() + this.clock - Date.parse(headers['flwr-timestamp'] as string)) / 1000;
    if (!(age > -5 && age < 305)) return json(401, { detail: 'Invalid SuperNode authentication' }, date);
    this.#key ||= headers['flwr-public-key'] as string;
    if (headers['flwr-public-key'] !== this.#key) return json(401, { detail: 'another key' }, date);
    return this.#answer(path, body);
  }) as typeof fetch;

  async #answer(path: string, body: Bytes): Promise<Response> {
    const ok = <T extends DescMessage>(schema: T, fields: MessageInitShape<T>): Response => new Response(toBinary(schema, create(schema, fields)) as Bytes);
    const asked = <T extends DescMessage>(schema: T): MessageShape<T> => fromBinary(schema, body);
    const refused = (status: number, code: number): Response => json(status, { code, detail: 'no' });
    switch (path) {
      case 'register-node':
        if (!this.open) return refused(412, 2001);
        if (this.registered) return refused(412, 23);
        if (!textOf(asked(fleet.RegisterNodeFleetRequestSchema).publicKey).startsWith('-----BEGIN PUBLIC KEY-----\n')) return refused(400, 1003);
        this.registered = true;
        return ok(fleet.RegisterNodeFleetResponseSchema, { nodeId: NODE });
      case 'activate-node':
        if (!this.registered || this.online) return refused(412, 2004);
        this.online = true;
        return ok(fleet.ActivateNodeResponseSchema, { nodeId: NODE });
      case 'deactivate-node':
        this.online = false;
        return ok(fleet.DeactivateNodeResponseSchema, {});
      case 'send-node-heartbeat':
        asked(SendNodeHeartbeatRequestSchema);
        if (!this.registered) return json(401, { detail: 'Invalid SuperNode authentication' });
        this.online = true;
        return ok(SendNodeHeartbeatResponseSchema, { success: true });
      case 'pull-messages': {
        const message = this.#waiting.shift();
        if (!message) return ok(fleet.PullMessagesResponseSchema, {});
        const { metadata } = fromBinary(
          wire.MessageSchema,
          (message.objects.get(message.tree.objectId) as Bytes).subarray((message.objects.get(message.tree.objectId) as Bytes).indexOf(0) + 1),
        );
        return ok(fleet.PullMessagesResponseSchema, {
          messagesList: [{ metadata: { ...(metadata as wire.Metadata), messageId: message.tree.objectId } }],
          messageObjectTrees: [message.tree],
        });
      }
      case 'pull-object': {
        const content = this.#objects.get(asked(wire.PullObjectRequestSchema).objectId);
        return ok(wire.PullObjectResponseSchema, content ? { objectFound: true, objectAvailable: true, objectContent: content } : {});
      }
      case 'confirm-message-received':
        return ok(wire.ConfirmMessageReceivedResponseSchema, {});
      case 'push-messages': {
        const { messagesList, messageObjectTrees } = asked(fleet.PushMessagesRequestSchema);
        const { metadata, error } = messagesList[0] as wire.Message;
        if (!metadata || metadata.srcNodeId !== NODE || metadata.dstNodeId !== 1n || metadata.ttl <= 0) return ok(fleet.PushMessagesResponseSchema, { sessionId: 's' });
        const known = this.#replies.get(metadata.messageId);
        if (known && this.hasty) return ok(fleet.PushMessagesResponseSchema, { sessionId: 't' });
        if (!known && [...this.#replies.values()].some(({ answered }) => answered === metadata.replyToMessageId)) return ok(fleet.PushMessagesResponseSchema, { sessionId: 's' });
        const ids: string[] = [];
        const visit = (tree: wire.ObjectTree): void => {
          tree.children.forEach(visit);
          if (!this.#objects.has(tree.objectId)) ids.push(tree.objectId);
        };
        visit(messageObjectTrees[0] as wire.ObjectTree);
        this.#replies.set(metadata.messageId, { metadata, error, wanted: new Set(ids), answered: metadata.replyToMessageId });
        return ok(fleet.PushMessagesResponseSchema, { objectsToPush: ids, sessionId: 's' });
      }
      case 'push-object': {
        const { objectId, objectContent } = asked(wire.PushObjectRequestSchema);
        if ((await sha256(objectContent as Bytes)) !== objectId) return ok(wire.PushObjectResponseSchema, { stored: false });
        if (![...this.#replies.values()].some(({ wanted }) => wanted.has(objectId))) return ok(wire.PushObjectResponseSchema, { stored: false });
        this.#objects.set(objectId, objectContent as Bytes);
        for (const [id, reply] of this.#replies) {
          if (!reply.wanted.delete(objectId) || reply.wanted.size > 0) continue;
          const { metadata, error } = reply;
          this.received.push({
            to: metadata.replyToMessageId,
            error: error && { code: Number(error.code), reason: error.reason },
            records: error ? undefined : readRecords(id, this.#objects),
            createdAt: metadata.createdAt,
            ttl: metadata.ttl,
          });
        }
        return ok(wire.PushObjectResponseSchema, { stored: true });
      }
    }
    return json(404, {});
  }
}
