import type { Executable } from '@secateur/core';
import {
  bytesOf,
  type DType,
  SecateurError,
  type Tensor,
  type TensorData,
  tensor,
  throwIfAborted,
  type ValueInfo,
} from '@secateur/graph';
import { checkFeeds } from './check-feeds.js';
import { engineFailed } from './ort-errors.js';
import type { OrtModule, OrtSession, OrtTensor, OrtTensorType } from './ort-module.js';
import type { SerialQueue } from './serial-queue.js';
import { checkInto, wantedOutputs } from './wanted-outputs.js';

/** What an executable is made of. */
export interface OrtExecutableParts {
  readonly engine: string;
  readonly ort: OrtModule;
  readonly session: OrtSession;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Whether runs write into tensors given as fetches. Otherwise results are copied into them. */
  readonly writesInto: boolean;
  /** Runs wait here for one another. */
  readonly queue: SerialQueue;
}

/** A session as core's `Executable`. */
export function ortExecutable(parts: OrtExecutableParts): Executable {
  const { engine, session, inputs, outputs, queue } = parts;
  let released: Promise<void> | undefined;
  return {
    inputs: inputs.map((input) => input.name),
    outputs: outputs.map((output) => output.name),
    async run(feeds, options = {}) {
      throwIfAborted(options.signal);
      if (released) throw new SecateurError('ENGINE_FAILED', `${engine}: this executable has been disposed.`);
      const symbols = checkFeeds(inputs, feeds);
      const wanted = wantedOutputs(outputs, options, symbols);
      return queue(async () => {
        throwIfAborted(options.signal);
        return runSession(parts, feeds, wanted, options.into ?? {});
      });
    },
    dispose: () => (released ??= queue(() => session.release())),
  };
}

async function runSession(
  { engine, ort, session, writesInto }: OrtExecutableParts,
  feeds: Readonly<Record<string, Tensor>>,
  wanted: readonly ValueInfo[],
  into: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const fetches: Record<string, OrtTensor | null> = {};
  try {
    const given = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toOrt(ort, feed)]));
    for (const { name } of wanted) fetches[name] = writesInto && into[name] ? toOrt(ort, into[name]) : null;
    const results = await session.run(given, fetches, { logSeverityLevel: 4 });
    const tensors: Record<string, Tensor> = {};
    for (const { name } of wanted) tensors[name] = await fromOrt(name, results[name]!, into[name], writesInto);
    return tensors;
  } catch (error) {
    throw engineFailed(engine, 'to run the graph', error);
  }
}

function toOrt(ort: OrtModule, value: Tensor): OrtTensor {
  return new ort.Tensor(value.dtype as OrtTensorType, value.data, [...value.shape]);
}

async function fromOrt(
  name: string,
  result: OrtTensor,
  into: Tensor | undefined,
  writesInto: boolean,
): Promise<Tensor> {
  if (into && writesInto) return into;
  const value = tensor(result.type as DType, [...result.dims], asBits(await result.getData(true)));
  if (!into) return value;
  checkInto(name, value.shape, into);
  bytesOf(into).set(bytesOf(value));
  return into;
}

/** Newer runtimes bring float16 as a `Float16Array`; a {@link Tensor} holds its bits. */
function asBits(data: unknown): TensorData {
  const view = data as TensorData;
  return view.constructor.name === 'Float16Array' ? new Uint16Array(view.buffer, view.byteOffset, view.length) : view;
}
