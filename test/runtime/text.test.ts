// The wasm's text: what scripts/text.mjs writes, the runtime reads.
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bytesOf } from '../../src/runtime/text.ts';

const { textOf } = (await import(new URL('../../scripts/text.mjs', import.meta.url).href)) as { textOf: (bytes: Uint8Array) => string };

test('any bytes come back, and the text needs no escape', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const text = textOf(bytes);
      assert.match(text, /^[^'"\\`$<\s]*$/);
      assert.equal([...bytesOf(text)], [...bytes]);
    }),
  );
  const all = Uint8Array.from({ length: 512 }, (_, i) => i);
  assert.equal([...bytesOf(textOf(all))], [...all]);
});

test.run();
