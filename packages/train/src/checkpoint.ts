import { type ByteSink, type Json, parseJson, Sha256, sha256, sha256Source } from '@secateur/core';
import { SecateurError, type Tensor } from '@secateur/graph';
import { readSafetensors, writeSafetensors } from '@secateur/safetensors';
import type { CheckpointFile, CheckpointStore } from './checkpoint-store.js';

/** What a run must remember: small things by value, the rest as tensors. */
export interface TrainState {
  /** Updates made. */
  readonly step: number;
  readonly value: Json;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

const FORMAT = 'secateur-checkpoint-1';
const RECORD = 'checkpoint.json';

/** `checkpoint.json`: names the file of tensors and holds its hash. */
interface CheckpointRecord {
  readonly format: typeof FORMAT;
  readonly step: number;
  readonly file: string;
  /** Of that file. */
  readonly sha256: string;
  /** Of the record before, chaining them; empty for the first. */
  readonly previous: string;
  /** Whose run this is: everything that decides its numbers. */
  readonly settings: Json;
  readonly value: Json;
}

/**
 * The checkpoints of one run. A checkpoint is a safetensors file of the step's name and a record that points to it; the
 * record is replaced last, so that at every moment one whole checkpoint is in place.
 */
export class Checkpoints {
  private previous = '';
  private file: string | undefined;

  private constructor(
    private readonly store: CheckpointStore,
    private readonly settings: Json,
    /** Where the run was left; `undefined` at a fresh start. */
    readonly resumed: TrainState | undefined,
  ) {}

  /**
   * Takes up the run that the store holds, if any.
   *
   * @throws {SecateurError} BAD_OPTION when it is a run with other settings, naming those; BAD_FILE when it is damaged
   */
  static async open(store: CheckpointStore, settings: Json): Promise<Checkpoints> {
    const bytes = await readAll(store, RECORD);
    if (!bytes) return new Checkpoints(store, settings, undefined);
    const record = checkRecord(parseJson(bytes, { file: RECORD }), store.name);
    refuseOther(record.settings, settings, store.name);
    const checkpoints = new Checkpoints(store, settings, {
      step: record.step,
      value: record.value,
      tensors: await readTensors(store, record),
    });
    checkpoints.previous = await sha256(bytes);
    checkpoints.file = record.file;
    return checkpoints;
  }

  /** Step of the checkpoint in place. */
  get lastStep(): number | undefined {
    return this.file === undefined ? undefined : Number(/\d+/.exec(this.file)![0]);
  }

  /** @throws {SecateurError} IO, e.g. on a full disk; the checkpoint before is then still in place */
  async save({ step, value, tensors }: TrainState): Promise<void> {
    const { store, settings, previous } = this;
    const file = `step-${String(step).padStart(8, '0')}.safetensors`;
    const entries = Object.entries(tensors).map(([name, tensor]) => ({
      name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      read: async () => tensor,
    }));
    const hash = new Sha256();
    await writeWhole(store, file, async (sink) => {
      const hashing: ByteSink = {
        write: async (bytes) => {
          hash.update(bytes);
          await sink.write(bytes);
        },
        close: async () => {},
      };
      await writeSafetensors(hashing, entries, { metadata: { format: FORMAT, step: String(step) } });
    });
    const record: CheckpointRecord = { format: FORMAT, step, file, sha256: hash.hex(), previous, settings, value };
    const bytes = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    await writeWhole(store, RECORD, (sink) => sink.write(bytes));
    if (this.file !== undefined && this.file !== file) await store.remove(this.file);
    this.file = file;
    this.previous = await sha256(bytes);
  }

  /** Hash of the last record: the end of the chain. */
  get head(): string {
    return this.previous;
  }
}

async function writeWhole(
  store: CheckpointStore,
  file: string,
  write: (sink: CheckpointFile) => Promise<void>,
): Promise<void> {
  const sink = await store.create(file);
  try {
    await write(sink);
    await sink.commit();
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function readAll(store: CheckpointStore, file: string): Promise<Uint8Array | undefined> {
  const source = await store.open(file);
  if (!source) return undefined;
  try {
    return await source.read(0, source.size);
  } finally {
    await source.close?.();
  }
}

async function readTensors(
  store: CheckpointStore,
  { file, sha256: expected }: CheckpointRecord,
): Promise<Record<string, Tensor>> {
  const source = await store.open(file);
  if (!source) throw damaged(store.name, `${file} is missing`);
  try {
    if ((await sha256Source(source)) !== expected) throw damaged(store.name, `${file} is not as it was written`);
    const tensors: Record<string, Tensor> = {};
    for (const [name, entry] of (await readSafetensors(source)).tensors) tensors[name] = await entry.read();
    return tensors;
  } finally {
    await source.close?.();
  }
}

function checkRecord(json: unknown, name: string): CheckpointRecord {
  const record = json as Partial<CheckpointRecord> | null;
  const isRecord =
    record?.format === FORMAT &&
    Number.isSafeInteger(record.step) &&
    typeof record.sha256 === 'string' &&
    typeof record.file === 'string' &&
    /^step-\d{8,}\.safetensors$/.test(record.file) &&
    record.settings !== undefined &&
    record.value !== undefined;
  if (isRecord) return record as CheckpointRecord;
  throw damaged(name, `${RECORD} is no record of this version`);
}

function damaged(name: string, what: string): SecateurError {
  return new SecateurError('BAD_FILE', `The checkpoint in ${name} is damaged: ${what}.`, {
    file: name,
    hint: 'Remove it to train from the beginning.',
  });
}

/** @throws {SecateurError} BAD_OPTION naming the settings that differ */
function refuseOther(theirs: Json, ours: Json, name: string): void {
  const differing = differences(theirs, ours, '');
  if (differing.length === 0) return;
  throw new SecateurError(
    'BAD_OPTION',
    `${name} holds the checkpoint of another run: ${differing.slice(0, 4).join('; ')}.`,
    {
      file: name,
      hint: 'Start the run with the settings it had, or remove the checkpoint to train from the beginning.',
    },
  );
}

function differences(theirs: Json, ours: Json, path: string): string[] {
  if (JSON.stringify(theirs) === JSON.stringify(ours)) return [];
  if (!isRecord(theirs) || !isRecord(ours)) {
    return [`${path || 'settings'} was ${JSON.stringify(theirs)}, is ${JSON.stringify(ours)}`];
  }
  const keys = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])];
  return keys.flatMap((key) => differences(theirs[key] ?? null, ours[key] ?? null, path ? `${path}.${key}` : key));
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
