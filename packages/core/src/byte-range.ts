import { SecateurError } from '@secateur/graph';

/** @throws {SecateurError} BAD_FILE when `[offset, offset + length)` is not inside a file of `size` bytes */
export function checkByteRange(name: string, size: number, offset: number, length: number): void {
  if (Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0) {
    if (offset + length <= size) return;
  }
  throw new SecateurError('BAD_FILE', `Bytes [${offset}, ${offset + length}) were asked for; ${name} has ${size}.`, {
    file: name,
    hint: 'The file is cut short, or an offset in it is wrong. Copy or download it again.',
  });
}
