import {
  type Dim,
  evaluateDim,
  isSymbolic,
  SecateurError,
  type SymbolicDim,
  shapeText,
  sizeOf,
  type Tensor,
  type ValueInfo,
} from '@secateur/graph';

/**
 * Checks feeds against what an executable takes and returns the sizes of the symbols that they fix, e.g. `{ batch: 8 }`.
 *
 * @throws {SecateurError} BAD_OPTION when a feed is missing or belongs to no input
 * @throws {SecateurError} BAD_DATA when a dtype is wrong
 * @throws {SecateurError} SHAPE_MISMATCH when a shape is wrong, a symbol would have two sizes, or the data has another length
 */
export function checkFeeds(
  inputs: readonly ValueInfo[],
  feeds: Readonly<Record<string, Tensor>>,
): Record<string, number> {
  const names = inputs.map((input) => input.name);
  const stranger = Object.keys(feeds).find((name) => !names.includes(name));
  if (stranger !== undefined) {
    throw new SecateurError(
      'BAD_OPTION',
      `Feed "${stranger}" belongs to no input; the inputs are ${names.join(', ')}.`,
      {
        field: stranger,
        hint: `Feed only ${names.join(', ')}.`,
      },
    );
  }
  const symbols: Record<string, number> = {};
  for (const input of inputs) {
    const feed = feeds[input.name];
    if (!feed) {
      throw new SecateurError('BAD_OPTION', `Input "${input.name}" is not fed.`, {
        field: input.name,
        hint: `Feed "${input.name}": ${input.dtype} ${shapeText(input.shape)}.`,
      });
    }
    if (feed.dtype !== input.dtype) {
      throw new SecateurError('BAD_DATA', `Input "${input.name}" is ${input.dtype}; fed ${feed.dtype}.`, {
        field: input.name,
        hint: `Convert it with castTensor(value, '${input.dtype}').`,
      });
    }
    if (feed.data.length !== sizeOf(feed.shape)) {
      throw mismatch(input, feed, `its data has ${feed.data.length} elements, the shape ${sizeOf(feed.shape)}`);
    }
    if (feed.shape.length !== input.shape.length) throw mismatch(input, feed, 'the ranks differ');
    bindSymbols(input, feed, symbols);
  }
  for (const input of inputs) checkDims(input, feeds[input.name]!, symbols);
  return symbols;
}

/** Plain symbols take their size from the first feed that has them. */
function bindSymbols(input: ValueInfo, feed: Tensor, symbols: Record<string, number>): void {
  input.shape.forEach((dim, axis) => {
    if (isSymbolic(dim) && isPlain(dim)) symbols[dim.text] ??= feed.shape[axis]!;
  });
}

function checkDims(input: ValueInfo, feed: Tensor, symbols: Readonly<Record<string, number>>): void {
  input.shape.forEach((dim, axis) => {
    const expected = sizeWhenKnown(dim, symbols);
    const actual = feed.shape[axis]!;
    if (expected !== undefined && expected !== actual) {
      const why = isSymbolic(dim) ? `${dim.text} is ${expected}` : `it must be ${expected}`;
      throw mismatch(input, feed, `axis ${axis} is ${actual}, ${why}`);
    }
  });
}

/** The size of a dimension, or `undefined` when it holds a symbol that no feed has fixed. */
export function sizeWhenKnown(dim: Dim, symbols: Readonly<Record<string, number>>): number | undefined {
  if (!isSymbolic(dim)) return dim;
  if (isPlain(dim)) return symbols[dim.text];
  try {
    return evaluateDim(dim, symbols);
  } catch (error) {
    if (error instanceof SecateurError && error.code === 'SHAPE_MISMATCH') return undefined;
    throw error;
  }
}

function isPlain(dim: SymbolicDim): boolean {
  return dim.terms.size === 1 && dim.terms.get(dim.text) === 1 && !/[*(]/.test(dim.text);
}

function mismatch(input: ValueInfo, feed: Tensor, why: string): SecateurError {
  return new SecateurError(
    'SHAPE_MISMATCH',
    `Input "${input.name}" is ${shapeText(input.shape)}; fed [${feed.shape.join(', ')}]: ${why}.`,
    { field: input.name },
  );
}
