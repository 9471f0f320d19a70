// A workerd isolate: one request runs the node for as many replies as it is told, and answers with what happened.
import { client, type ClientOptions } from './client.ts';

export default {
  async fetch(request: Request): Promise<Response> {
    const lines: object[] = [];
    try {
      await client(
        (await request.json()) as ClientOptions,
        (line) => void lines.push(line),
        () => {},
      );
    } catch (error) {
      lines.push({ type: 'failed', message: String((error as Error).stack) });
    }
    return Response.json(lines);
  },
};
