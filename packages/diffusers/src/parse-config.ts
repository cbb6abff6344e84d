import { SecateurError } from '@secateur/graph';
import * as v from 'valibot';

/**
 * Checks a model's configuration against the schema of its class. Fields that start with `_` (class name, version, where
 * it was downloaded from) are not the class' own and are let pass.
 *
 * @throws {SecateurError} BAD_CONFIG naming the first field that is unknown, of a wrong type or out of range
 */
export function parseConfig<T>(className: string, schema: v.GenericSchema<unknown, T>, json: unknown): T {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new SecateurError('BAD_CONFIG', `The configuration of a ${className} must be an object.`);
  }
  const own = Object.fromEntries(Object.entries(json).filter(([field]) => !field.startsWith('_')));
  const result = v.safeParse(schema, own);
  if (result.success) return result.output;
  const issue = result.issues[0];
  const field = v.getDotPath(issue) ?? '';
  if (issue.expected === 'never') {
    throw new SecateurError('BAD_CONFIG', `${field} is not a field of ${className}.`, {
      field,
      hint: 'Check the spelling, or remove the field.',
    });
  }
  return failConfig(field, describe(issue));
}

/** Throws BAD_CONFIG: `<field> <complaint>.` */
export function failConfig(field: string, complaint: string): never {
  throw new SecateurError('BAD_CONFIG', `${field} ${complaint}.`, { field, hint: 'Correct the config.json.' });
}

function describe(issue: v.BaseIssue<unknown>): string {
  const bound = { min_value: 'at least', max_value: 'at most', min_length: 'at least', max_length: 'at most' }[
    issue.type
  ];
  const expected =
    issue.type === 'integer'
      ? 'a whole number'
      : bound
        ? `${bound} ${String(issue.requirement)}${issue.type.endsWith('length') ? ' entries' : ''}`
        : (issue.expected ?? 'another value');
  return `must be ${expected}, is ${issue.received}`;
}

/** @throws {SecateurError} BAD_CONFIG when `given` has not one entry for each of the `levels` stages */
export function checkStages(field: string, given: readonly unknown[], levels: number): void {
  if (given.length === levels) return;
  failConfig(field, `has ${given.length} entries, block_out_channels has ${levels}; they must be as many`);
}
