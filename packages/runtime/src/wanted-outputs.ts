import type { RunOptions } from '@secateur/core';
import { SecateurError, type Tensor, type ValueInfo } from '@secateur/graph';
import { sizeWhenKnown } from './check-feeds.js';

/**
 * The outputs asked for, with `into` checked against them.
 * @throws {SecateurError} BAD_OPTION for a name that is no output; BAD_DATA, SHAPE_MISMATCH for an `into` that does not fit
 */
export function wantedOutputs(
  outputs: readonly ValueInfo[],
  options: RunOptions,
  symbols: Readonly<Record<string, number>>,
): readonly ValueInfo[] {
  const names = outputs.map((output) => output.name);
  const asked = options.outputs ?? names;
  for (const name of [...asked, ...Object.keys(options.into ?? {})]) {
    if (names.includes(name)) continue;
    throw new SecateurError('BAD_OPTION', `"${name}" is no output; the outputs are ${names.join(', ')}.`, {
      field: name,
    });
  }
  const wanted = outputs.filter((output) => asked.includes(output.name));
  for (const output of wanted) {
    const target = options.into?.[output.name];
    if (!target) continue;
    if (target.dtype !== output.dtype) {
      throw new SecateurError('BAD_DATA', `Output "${output.name}" is ${output.dtype}; \`into\` is ${target.dtype}.`, {
        field: output.name,
      });
    }
    const sizes = output.shape.map((dim) => sizeWhenKnown(dim, symbols));
    const fits =
      sizes.length === target.shape.length && sizes.every((size, i) => size === undefined || size === target.shape[i]);
    if (!fits) throw wrongInto(output.name, sizes.map((size) => size ?? '?').join(', '), target);
  }
  return wanted;
}

/** @throws {SecateurError} SHAPE_MISMATCH when a result does not fit where it is to go */
export function checkInto(name: string, shape: readonly number[], target: Tensor): void {
  if (shape.join() !== target.shape.join()) throw wrongInto(name, shape.join(', '), target);
}

function wrongInto(name: string, shape: string, target: Tensor): SecateurError {
  return new SecateurError(
    'SHAPE_MISMATCH',
    `Output "${name}" is [${shape}] in this run; \`into\` is [${target.shape.join(', ')}].`,
    { field: name },
  );
}
