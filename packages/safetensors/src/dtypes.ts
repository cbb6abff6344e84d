import { type DType, SecateurError } from '@secateur/graph';

/**
 * Names of element types in the file, in the order in which canonical files hold them: the reference writer sorts by
 * its own list of types, last first, which puts wide ones before narrow ones so that all of them are aligned.
 */
const names: ReadonlyMap<DType, string> = new Map([
  ['uint64', 'U64'],
  ['int64', 'I64'],
  ['float64', 'F64'],
  ['float32', 'F32'],
  ['uint32', 'U32'],
  ['int32', 'I32'],
  ['bfloat16', 'BF16'],
  ['float16', 'F16'],
  ['uint16', 'U16'],
  ['int16', 'I16'],
  ['int8', 'I8'],
  ['uint8', 'U8'],
  ['bool', 'BOOL'],
]);

const dtypes: ReadonlyMap<string, DType> = new Map([...names].map(([dtype, name]) => [name, dtype]));
const ranks: ReadonlyMap<DType, number> = new Map([...names.keys()].map((dtype, rank) => [dtype, rank]));

/** `float32` → `F32`. */
export function nameOfDtype(dtype: DType): string {
  return names.get(dtype)!;
}

/** Place of a dtype in canonical order, from 0. */
export function rankOfDtype(dtype: DType): number {
  return ranks.get(dtype)!;
}

/**
 * `F32` → `float32`.
 * @throws {SecateurError} UNKNOWN_DTYPE for everything else, among them the 8-bit floats (`F8_E4M3`, `F8_E5M2`)
 */
export function dtypeNamed(name: string, file: string, tensor: string): DType {
  const dtype = dtypes.get(name);
  if (dtype) return dtype;
  const kind = /^F[468](_|$)/.test(name) ? `${name}, a float of fewer than 16 bits` : JSON.stringify(name.slice(0, 40));
  throw new SecateurError('UNKNOWN_DTYPE', `Tensor ${tensor} of ${file} has dtype ${kind}; that is not supported.`, {
    file,
    field: `${tensor}.dtype`,
    hint: `Supported: ${[...dtypes.keys()].join(', ')}. Convert the checkpoint, for example to F16.`,
  });
}
