import { SecateurError } from '@secateur/graph';
import type { TorchGenerator } from '@secateur/samplers';
import type { CleanBatch, TrainingData } from './training-data.js';

/** Where a run is in its data. */
export interface BatchPosition {
  /** Batches taken in all. */
  readonly taken: number;
  /** The order of the epoch under way. */
  readonly order: readonly number[];
  /** Samples of it taken. */
  readonly next: number;
}

/** Batches without end. */
export interface BatchSource {
  /** A set draws the order of an epoch (a permutation; a last part smaller than a batch is left out) when one begins. */
  next(generator: TorchGenerator): Promise<CleanBatch>;
  position(): BatchPosition;
  close(): Promise<void>;
}

/**
 * @throws {SecateurError} BAD_DATA when there are fewer samples than a batch has, or a stream gives none or a batch of
 *   another size
 */
export async function batchSource(data: TrainingData, batchSize: number, start?: BatchPosition): Promise<BatchSource> {
  if (data.kind === 'stream') return streamSource(data, batchSize, start?.taken ?? 0);
  if (data.count < batchSize) {
    throw new SecateurError('BAD_DATA', `There are ${data.count} samples; a batch has ${batchSize}.`, {
      field: 'batchSize',
      hint: 'Give more samples or a smaller batch.',
    });
  }
  let { taken, order, next } = start ?? { taken: 0, order: [] as readonly number[], next: 0 };
  return {
    async next(generator) {
      if (next + batchSize > order.length) {
        order = generator.randperm(data.count);
        next = 0;
      }
      const batch = await data.read(order.slice(next, next + batchSize));
      next += batchSize;
      taken++;
      return batch;
    },
    position: () => ({ taken, order, next }),
    close: async () => {},
  };
}

async function streamSource(
  data: Extract<TrainingData, { kind: 'stream' }>,
  batchSize: number,
  skip: number,
): Promise<BatchSource> {
  let iterator = iteratorOf(data.open());
  let taken = 0;
  async function take(): Promise<CleanBatch> {
    let item = await iterator.next();
    if (item.done) {
      iterator = iteratorOf(data.open());
      item = await iterator.next();
    }
    if (item.done) throw new SecateurError('BAD_DATA', 'The stream of samples is empty.', { field: 'data' });
    const found = item.value.samples.shape[0];
    if (found !== batchSize) {
      throw new SecateurError('BAD_DATA', `Batch ${taken} of the stream has ${found} samples; ${batchSize} expected.`, {
        field: 'data',
      });
    }
    taken++;
    return item.value;
  }
  while (taken < skip) await take();
  return {
    next: take,
    position: () => ({ taken, order: [], next: 0 }),
    close: async () => void (await iterator.return?.()),
  };
}

type AnyIterator = { next(): Promise<IteratorResult<CleanBatch>>; return?(): Promise<unknown> };

function iteratorOf(source: AsyncIterable<CleanBatch> | Iterable<CleanBatch>): AnyIterator {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]() as AnyIterator;
  const iterator = source[Symbol.iterator]();
  return { next: async () => iterator.next(), return: async () => iterator.return?.() };
}
