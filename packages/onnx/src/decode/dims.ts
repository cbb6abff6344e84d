import { bytesPerElement, type Dim, type DType, parseDim, SecateurError, symbol } from '@secateur/graph';
import type { TensorShapeProto } from 'onnx-buf';

/** ONNX sets no limit on the number of axes; no runtime goes beyond a few. */
const MAX_RANK = 64;

/** Most characters of a symbolic dimension: compound ones of real exports stay far below. */
const MAX_SYMBOL_LENGTH = 1024;

/** Shape of a tensor from its `dims`. @throws {SecateurError} BAD_FILE when negative or too big to count */
export function staticShape(dims: readonly bigint[], dtype: DType, field: string, file: string): number[] {
  checkRank(dims.length, field, file);
  let bytes = bytesPerElement(dtype);
  const shape = dims.map((dim) => staticDim(dim, field, file));
  for (const dim of shape) bytes *= Math.max(dim, 1);
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw new SecateurError('BAD_FILE', `${field}: shape [${shape}] is too big.`, { file, field });
  }
  return shape;
}

/** Shape of an input or output. A dimension without value or name gets a symbol of its own. */
export function symbolicShape(shape: TensorShapeProto, name: string, file: string): Dim[] {
  checkRank(shape.dim.length, name, file);
  return shape.dim.map(({ value }, axis) => {
    if (value.case === 'dimValue') return staticDim(value.value, name, file);
    if (value.case === undefined || value.value === '') return symbol(`${name}_dim_${axis}`);
    if (value.value.length > MAX_SYMBOL_LENGTH) {
      throw new SecateurError(
        'BAD_FILE',
        `${name}: a dimension's name has ${value.value.length} characters; at most ${MAX_SYMBOL_LENGTH} expected.`,
        { file, field: name },
      );
    }
    return parseDim(value.value);
  });
}

function staticDim(dim: bigint, field: string, file: string): number {
  if (dim >= 0n && dim <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(dim);
  throw new SecateurError('BAD_FILE', `${field}: dimension ${dim} is out of range; 0 to 2^53-1 expected.`, {
    file,
    field,
  });
}

function checkRank(rank: number, field: string, file: string): void {
  if (rank <= MAX_RANK) return;
  throw new SecateurError('BAD_FILE', `${field} has ${rank} axes; at most ${MAX_RANK} expected.`, { file, field });
}
