import { bytesOf, bytesPerElement, sizeOf, type Tensor, tensorFromBytes } from '@secateur/graph';
import { sha256 } from './sha256.js';

/** A value that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What a run must remember to go on after being killed. Small things by value, tensors by name. */
export interface RunState {
  readonly value: Json;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** Keeps one blob per key; a `save` is atomic. Node's lives in a folder beside the output. */
export interface RunStore {
  load(key: string): Promise<Uint8Array | undefined>;
  save(key: string, bytes: Uint8Array): Promise<void>;
  /** Forgets everything: the run is over. */
  clear(): Promise<void>;
}

/** A store that lasts as long as the process. */
export function memoryRunStore(): RunStore {
  const blobs = new Map<string, Uint8Array>();
  return {
    load: async (key) => blobs.get(key),
    save: async (key, bytes) => void blobs.set(key, bytes.slice()),
    clear: async () => blobs.clear(),
  };
}

interface RecordHeader {
  readonly fingerprint: string;
  readonly step: number;
  /** SHA-256 of the record before, chaining them. */
  readonly previous: string;
  readonly value: Json;
  readonly tensors: readonly {
    readonly name: string;
    readonly dtype: Tensor['dtype'];
    readonly shape: readonly number[];
  }[];
}

/**
 * The resumable memory of one run: a chain of records, each holding the hash of the one before. A record is taken up again
 * only when its fingerprint (model, method, options, seed, data) is this run's and its bytes are intact; anything else is
 * ignored and the run starts afresh.
 */
export class RunJournal {
  private step = 0;
  private previous = '';
  private savedAt = performance.now();

  private constructor(
    private readonly store: RunStore,
    private readonly fingerprint: string | Promise<string>,
    private readonly everyMs: number,
    /** Where a run of this fingerprint was left; `undefined` on a fresh start. */
    readonly resumed: RunState | undefined,
  ) {}

  /**
   * @param fingerprint  waited for only where there is a record to compare with, and to write one
   * @param options.everyMs  how long {@link isDue} waits after a record. Default 10,000
   */
  static async open(
    store: RunStore,
    fingerprint: string | Promise<string>,
    options: { everyMs?: number } = {},
  ): Promise<RunJournal> {
    const { everyMs = 10_000 } = options;
    // Its error is thrown where it is waited for; when something else fails before, nobody does.
    Promise.resolve(fingerprint).catch(() => {});
    const bytes = await store.load('state');
    const record = bytes && (await decodeRecord(bytes));
    if (!record || record.header.fingerprint !== (await fingerprint))
      return new RunJournal(store, fingerprint, everyMs, undefined);
    const journal = new RunJournal(store, fingerprint, everyMs, record.state);
    journal.step = record.header.step;
    journal.previous = record.hash;
    return journal;
  }

  /** Whether enough time has passed since the last record for another to be worth its bytes. */
  isDue(): boolean {
    return performance.now() - this.savedAt >= this.everyMs;
  }

  /** Puts a new record in the place of the last, atomically. */
  async save(state: RunState): Promise<void> {
    this.step++;
    const { bytes, hash } = await encodeRecord(await this.fingerprint, this.step, this.previous, state);
    await this.store.save('state', bytes);
    this.previous = hash;
    this.savedAt = performance.now();
  }

  /** Hash of the last record: the end of the chain. */
  get head(): string {
    return this.previous;
  }

  /** Forgets the run: call it when its result is safe. */
  async close(): Promise<void> {
    await this.store.clear();
  }
}

/** A record is the SHA-256 of the rest in hexadecimal, the header's length (u32), the header as JSON, then the tensors. */
const hashLength = 64;

async function encodeRecord(
  fingerprint: string,
  step: number,
  previous: string,
  state: RunState,
): Promise<{ bytes: Uint8Array; hash: string }> {
  const entries = Object.entries(state.tensors);
  const header: RecordHeader = {
    fingerprint,
    step,
    previous,
    value: state.value,
    tensors: entries.map(([name, { dtype, shape }]) => ({ name, dtype, shape })),
  };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, json.length, true);
  const tensors = entries.map(([, tensor]) => bytesOf(tensor));
  const bytes = concatBytes([new Uint8Array(hashLength), length, json, ...tensors]);
  const hash = await sha256(bytes.subarray(hashLength));
  bytes.set(new TextEncoder().encode(hash));
  return { bytes, hash };
}

/** `undefined` for bytes that are no intact record. */
async function decodeRecord(
  bytes: Uint8Array,
): Promise<{ header: RecordHeader; state: RunState; hash: string } | undefined> {
  const hash = new TextDecoder().decode(bytes.subarray(0, hashLength));
  const body = bytes.subarray(hashLength);
  if (body.length < 4 || (await sha256(body)) !== hash) return undefined;
  const headerLength = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(body.subarray(4, 4 + headerLength))) as RecordHeader;
  const tensors: Record<string, Tensor> = {};
  let offset = 4 + headerLength;
  for (const { name, dtype, shape } of header.tensors) {
    const length = bytesPerElement(dtype) * sizeOf(shape);
    tensors[name] = tensorFromBytes(dtype, shape, new Uint8Array(body.subarray(offset, offset + length)));
    offset += length;
  }
  return { header, state: { value: header.value, tensors }, hash };
}

function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
