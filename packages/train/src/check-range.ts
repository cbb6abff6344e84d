import { SecateurError } from '@secateur/graph';

/** @throws {SecateurError} BAD_OPTION when the value is not in `[least, most)`; `most` itself counts when `closed` */
export function checkRange(field: string, value: number, least: number, most: number = Infinity, closed = false): void {
  const isBelow = closed ? value <= most : value < most;
  if (Number.isFinite(value) && value >= least && isBelow) return;
  const range = most === Infinity ? `a number of at least ${least}` : `in [${least}, ${most}${closed ? ']' : ')'}`;
  throw new SecateurError('BAD_OPTION', `${field} is ${value}; it must be ${range}.`, { field });
}

/** @throws {SecateurError} BAD_OPTION when the value is no whole number of at least `least` */
export function checkWhole(field: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new SecateurError('BAD_OPTION', `${field} is ${value}; it must be a whole number of at least ${least}.`, {
    field,
  });
}
