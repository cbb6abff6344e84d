import { parseJson } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { Checkpoint } from '@secateur/safetensors';
import * as v from 'valibot';
import type { Overrides } from '../overrides.js';

/** Key in a safetensors file's metadata under which a pruned model's notes lie. */
export const notesKey = 'secateur';

const counts = v.optional(v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(1))));

const schema = v.strictObject({
  heads: counts,
  scale: v.optional(v.record(v.string(), v.pipe(v.number(), v.finite()))),
  normGroups: counts,
  removed: v.optional(v.array(v.string())),
});

/**
 * What a pruned checkpoint says of itself; `undefined` when it was not pruned, or to widths that its configuration has.
 * @throws {SecateurError} BAD_FILE when the notes are malformed
 */
export function notesOf(checkpoint: Checkpoint): Overrides | undefined {
  const text = checkpoint.metadata[notesKey];
  if (text === undefined) return undefined;
  const result = v.safeParse(schema, parseJson(text, { file: checkpoint.name }));
  if (result.success) return result.output;
  const issue = result.issues[0];
  throw new SecateurError('BAD_FILE', `${checkpoint.name}: metadata "${notesKey}" is malformed: ${issue.message}`, {
    file: checkpoint.name,
    field: v.getDotPath(issue) ?? notesKey,
  });
}

export function notesText(overrides: Overrides): string {
  return JSON.stringify(overrides);
}
