// A Cloudflare worker: trains in a request handler, and meets the end of its memory.
import './app.mjs';
import { GradloomError, memory, scope, zeros } from 'gradloom';

function exhaust() {
  try {
    scope(() => Array.from({ length: 100 }, () => zeros([2 ** 20])));
    return 'no end';
  } catch (error) {
    return error instanceof GradloomError ? `${error.code}: ${error.message}` : `not ours: ${error}`;
  }
}

export default {
  async fetch(request) {
    try {
      const result = await globalThis.gradloomSmoke();
      const full = new URL(request.url).searchParams.has('full') ? exhaust() : undefined;
      return Response.json({ ...result, full, after: memory().reserved });
    } catch (error) {
      return Response.json({ error: String(error.stack) });
    }
  },
};
