// Replies: made of an answer or an error, announced, and uploaded until the server has every object.
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import type { Fleet } from './fleet.ts';
import { pause } from './fleet.ts';
import { PushMessagesRequestSchema, PushMessagesResponseSchema } from './generated/fleet_pb.ts';
import { type Message, MessageSchema, PushObjectRequestSchema, PushObjectResponseSchema } from './generated/message_pb.ts';
import type { Reply } from './journal.ts';
import { build, type Built } from './objects.ts';

/** Flower's error codes of replies. */
export const ERRORS = { raised: 2, unavailable: 3, precondition: 6, crashed: 8 };

/** How often an object is offered again, and how often the whole reply is. */
const OBJECT_TRIES = 4;
const REPLY_TRIES = 3;

/** A reply to a message: content, or an error with Flower's code. `seconds`: how long the work took. */
export async function replyTo(message: Message, now: number, nodeId: bigint, content: Built | { code: number; reason: string }, seconds: number): Promise<Reply> {
  const { runId, messageId, srcNodeId, groupId, ttl, messageType, createdAt, srcTaskId, dstTaskId } = message.metadata as NonNullable<Message['metadata']>;
  const metadata = {
    runId,
    messageId: '',
    srcNodeId: nodeId,
    dstNodeId: srcNodeId,
    replyToMessageId: messageId,
    groupId,
    ttl: createdAt + ttl - now,
    messageType,
    createdAt: now,
    ...(dstTaskId === undefined ? {} : { srcTaskId: dstTaskId }),
    ...(srcTaskId === undefined ? {} : { dstTaskId: srcTaskId }),
  };
  const failed = 'code' in content;
  const body = toBinary(
    MessageSchema,
    create(MessageSchema, { metadata, ...(failed ? { error: { code: BigInt(content.code), reason: content.reason } } : {}) } as MessageInitShape<typeof MessageSchema>),
  );
  const { tree, objects } = await build('Message', failed ? [] : [content], body);
  const request = create(PushMessagesRequestSchema, {
    node: { nodeId },
    messagesList: [
      {
        metadata: { ...metadata, messageId: tree.objectId },
        ...(failed ? { error: { code: BigInt(content.code), reason: content.reason } } : { content: {} }),
      } as MessageInitShape<typeof MessageSchema>,
    ],
    messageObjectTrees: [tree],
    clientappRuntimeList: [seconds],
  });
  return { request, objects };
}

/**
 * Uploads a reply. The message's own object goes last, so that the server asks for it until it has everything. A list without it means that
 * the strategy has the reply already, whole or not, or that it was dropped, which the server does not say. Resolves to whether it took it now.
 */
export async function push(fleet: Fleet, { request, objects }: Reply, signal: AbortSignal): Promise<'taken' | 'dropped' | 'failed'> {
  const { metadata } = request.messagesList[0] as Message;
  const { runId, messageId } = metadata as NonNullable<typeof metadata>;
  for (let attempt = 0; attempt < REPLY_TRIES; attempt++) {
    const { objectsToPush, sessionId } = await fleet.call('push-messages', PushMessagesRequestSchema, request, PushMessagesResponseSchema, signal);
    const offer = async (objectId: string, session: string, tries: number): Promise<boolean> => {
      const fields = { node: request.node as { nodeId: bigint }, runId, objectId, objectContent: objects.get(objectId) as Uint8Array, sessionId: session };
      for (let i = 0; i < tries; i++) {
        if (i > 0) await pause(0.1 * 2 ** i, signal);
        if ((await fleet.call('push-object', PushObjectRequestSchema, fields, PushObjectResponseSchema, signal)).stored) return true;
      }
      return false;
    };
    if (!objectsToPush.includes(messageId)) {
      // A reply that was announced before may be in the hands of the strategy, which waits for its objects: they go to the session of then, which an
      // empty name finds. Where there is none, the reply was dropped, or is whole.
      if (!(await offer(messageId, '', 1))) return 'dropped';
      for (const id of objects.keys()) if (id !== messageId) await offer(id, '', 1);
      return 'taken';
    }
    const wanted = new Set(objectsToPush);
    const others = [...objects.keys()].filter((id) => id !== messageId && wanted.has(id));
    let stored = true;
    // A few at a time: browsers have six connections to a host.
    const lane = async (): Promise<void> => {
      for (let id = others.shift(); id !== undefined && stored; id = others.shift()) stored = (await offer(id, sessionId, OBJECT_TRIES)) && stored;
    };
    await Promise.all([lane(), lane(), lane(), lane()]);
    // What was refused throughout may belong to a session that is over: the next announcement opens another.
    if (stored && (await offer(messageId, sessionId, OBJECT_TRIES))) return 'taken';
  }
  return 'failed';
}
