import { allocate, castTensor, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import type { TorchGenerator } from '@secateur/samplers';

type Feeds = Readonly<Record<string, Tensor>>;

/**
 * Feeds in which some samples lose all their conditions, each with the same probability: what classifier-free guidance needs a
 * model to have learnt. One number is drawn for every sample.
 *
 * @param unconditional  what "none" looks like, one row for each condition
 * @throws {SecateurError} BAD_DATA, SHAPE_MISMATCH when the two do not match
 */
export function withoutSomeConditions(
  feeds: Feeds,
  batch: number,
  unconditional: Feeds,
  probability: number,
  generator: TorchGenerator,
): Record<string, Tensor> {
  checkKnown(feeds, unconditional);
  const drawn = toFloat32(generator.rand([batch]));
  const dropped = Array.from({ length: batch }, (_, i) => i).filter((i) => drawn[i] < probability);
  const out: Record<string, Tensor> = { ...feeds };
  for (const [name, free] of Object.entries(unconditional)) {
    const feed = feeds[name];
    const row = rowOf(free, feed, batch, name);
    const data = feed.data.slice() as Float32Array;
    for (const i of dropped) data.set(row, i * row.length);
    out[name] = { ...feed, data };
  }
  return out;
}

/** Every row twice: with its conditions, then without. @throws {SecateurError} BAD_DATA, SHAPE_MISMATCH */
export function doubled(feeds: Feeds, batch: number, unconditional: Feeds): Record<string, Tensor> {
  checkKnown(feeds, unconditional);
  const out: Record<string, Tensor> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const free = unconditional[name];
    if (free) out[name] = stacked(feed, repeated(rowOf(free, feed, batch, name), feed, batch));
    else out[name] = feed.shape[0] === batch ? stacked(feed, feed) : feed;
  }
  return out;
}

function checkKnown(feeds: Feeds, unconditional: Feeds): void {
  const unknown = Object.keys(unconditional).find((name) => !feeds[name]);
  if (unknown === undefined) return;
  throw new SecateurError('BAD_DATA', `The data has no condition "${unknown}".`, { field: unknown });
}

function rowOf(row: Tensor, like: Tensor, batch: number, name: string): Float32Array {
  if (row.data.length !== like.data.length / batch) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `The unconditional "${name}" is [${row.shape}]; one row of [${like.shape}] is expected.`,
      { field: name },
    );
  }
  return castTensor(row, like.dtype).data as Float32Array;
}

function repeated(row: Float32Array, like: Tensor, batch: number): Tensor {
  const data = allocate(like.dtype, batch * row.length) as Float32Array;
  for (let i = 0; i < batch; i++) data.set(row, i * row.length);
  return { dtype: like.dtype, shape: like.shape, data };
}

function stacked(a: Tensor, b: Tensor): Tensor {
  const data = allocate(a.dtype, a.data.length + b.data.length) as Float32Array;
  data.set(a.data as Float32Array);
  data.set(b.data as Float32Array, a.data.length);
  return { dtype: a.dtype, shape: [a.shape[0] + b.shape[0], ...a.shape.slice(1)], data };
}
