import { bytesOf, bytesPerElement, type Constant, SecateurError, sizeOf } from '@secateur/graph';

/** Bytes that a constant's shape and type take. */
export function byteLengthOf({ shape, dtype }: Constant): number {
  return sizeOf(shape) * bytesPerElement(dtype);
}

/** A constant's values as bytes. @throws {SecateurError} SHAPE_MISMATCH when they are not as many as its shape needs */
export async function readBytes(name: string, constant: Constant): Promise<Uint8Array> {
  const bytes = bytesOf(constant.value ?? (await constant.read()));
  const needed = byteLengthOf(constant);
  if (bytes.byteLength === needed) return bytes;
  throw new SecateurError(
    'SHAPE_MISMATCH',
    `${name}: ${constant.dtype} of shape [${constant.shape}] needs ${needed} bytes; it has ${bytes.byteLength}.`,
    { field: name },
  );
}
