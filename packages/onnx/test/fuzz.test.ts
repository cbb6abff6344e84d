import { memoryFolder } from '@secateur/core';
import { constantOf, float32, GraphBuilder, int64, parameterNamed, SecateurError, symbol } from '@secateur/graph';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalize, decodeOnnx, encodeOnnx } from '../src/index.js';
import { sourceOf, unetSource } from './fixture.js';

async function smallModel(): Promise<Uint8Array> {
  const builder = new GraphBuilder('small', 18);
  const x = builder.input('x', 'float32', [symbol('batch'), 4]);
  const w = builder.constant(
    'fc.weight',
    constantOf(float32([4, 4], new Float32Array(16)), parameterNamed('fc.weight', [4, 4])),
  );
  const e = builder.constant('ext', constantOf(float32([4], new Float32Array(4))));
  const y = builder.op('Add', [builder.op('MatMul', [x, w]), e]);
  const shape = builder.constant('shape', constantOf(int64([0, 2, 2])));
  builder.output(builder.op('Reshape', [y, shape]), 'float32', [symbol('batch'), 2, 2]);
  return encodeOnnx(builder.build({ note: 'é' }), {
    external: (name) => (name === 'ext' ? { location: 'w.bin', offset: 8, length: 16 } : undefined),
  });
}

const folder = memoryFolder({ 'w.bin': new Uint8Array(32) });

/** Decoding either works or fails in the one way it may. */
async function decodeAnything(bytes: Uint8Array): Promise<void> {
  try {
    const graph = await decodeOnnx(sourceOf(bytes), folder);
    for (const constant of graph.constants.values()) await constant.read();
    canonicalize(graph);
  } catch (error) {
    if (!(error instanceof SecateurError)) throw error;
    expect(error.message).not.toBe('');
  }
}

test('every truncation of a small model fails with a SecateurError, if at all', async () => {
  const bytes = await smallModel();
  for (let length = 0; length < bytes.length; length++) await decodeAnything(bytes.slice(0, length));
});

test('every byte set to a few other values', async () => {
  const bytes = await smallModel();
  for (let i = 0; i < bytes.length; i++) {
    for (const flip of [1, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[i] ^= flip;
      await decodeAnything(changed);
    }
  }
});

test('random bytes in random places of the exported UNet', async () => {
  const source = unetSource();
  const bytes = await source.read(0, source.size);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      async (edits) => {
        const changed = bytes.slice();
        for (const [at, value] of edits) changed[at] = value;
        await decodeAnything(changed);
      },
    ),
    { seed: 3, numRuns: 25 },
  );
});

test('noise', async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), decodeAnything), { seed: 4, numRuns: 300 });
});
