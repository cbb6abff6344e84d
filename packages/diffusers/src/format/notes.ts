import { parseJson } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { Checkpoint } from '@secateur/safetensors';
import * as v from 'valibot';
import type { Overrides } from '../overrides.js';

/** Key in a safetensors file's metadata under which a pruned model's notes lie. */
export const notesKey = 'secateur';

const counts = v.optional(v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(1))));

const index = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 31));
const outputs = v.pipe(
  v.object({
    width: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 24)),
    kept: v.array(v.tuple([index, index])),
  }),
  v.check(
    ({ width, kept }) => kept.every(([from, to], i) => from < to && to <= width && from >= (kept[i - 1]?.[1] ?? 0)),
    'ranges must ascend and lie within the width',
  ),
);

const entries = {
  heads: counts,
  scale: v.optional(v.record(v.string(), v.pipe(v.number(), v.finite()))),
  normGroups: counts,
  removed: v.optional(v.array(v.string())),
  passed: v.optional(v.array(v.string())),
  outputs: v.optional(v.record(v.string(), outputs)),
};
const schema = v.strictObject(entries);
const schemaWithConfig = v.strictObject({ ...entries, config: v.record(v.string(), v.unknown()) });

/** What one model in a checkpoint of several says of itself. */
export interface Notes {
  /** Its configuration of before it was pruned. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly overrides: Overrides;
}

/**
 * What a pruned checkpoint says of itself; `undefined` when it was not pruned, or to widths that its configuration has.
 * @throws {SecateurError} BAD_FILE when the notes are malformed
 */
export function notesOf(checkpoint: Checkpoint): Overrides | undefined {
  const text = checkpoint.metadata[notesKey];
  if (text === undefined) return undefined;
  return parsed(schema, text, checkpoint.name, notesKey);
}

/**
 * The same of one model in a checkpoint of several, under a key of its own.
 * @throws {SecateurError} BAD_FILE when the notes are malformed
 */
export function notesUnder(key: string, checkpoint: Checkpoint): Notes | undefined {
  const text = checkpoint.metadata[key];
  if (text === undefined) return undefined;
  const { config, ...overrides } = parsed(schemaWithConfig, text, checkpoint.name, key);
  return { config, overrides };
}

function parsed<T>(wanted: v.GenericSchema<unknown, T>, text: string, file: string, key: string): T {
  const result = v.safeParse(wanted, parseJson(text, { file }));
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new SecateurError('BAD_FILE', `${file}: metadata "${key}" is malformed: ${issue.message}`, {
    file,
    field: v.getDotPath(issue) ?? key,
  });
}

export function notesText(overrides: Overrides): string {
  return JSON.stringify(overrides);
}
