/** Every failure that this package reports on purpose. Callers branch on `code`; people read `message` and `hint`. */
export type ErrorCode =
  | 'NO_SIMD' // the WebAssembly engine cannot run the module
  | 'NOT_INITIALISED' // a call before `init` or `initSync`
  | 'BAD_OPTION'
  | 'BAD_SHAPE' // sizes that disagree, or that no kernel takes
  | 'BAD_DATA' // NaN or infinite weights
  | 'BAD_FILE' // packed weights that are malformed, truncated or hostile
  | 'OUT_OF_MEMORY';

export interface ErrorDetails {
  /** The field or argument at fault. */
  field?: string;
  /** What to do about it, as a sentence. */
  hint?: string;
  cause?: unknown;
}

/** The one error class: says what is wrong, where, what was expected, and what to do. */
export class SparseWasmError extends Error {
  override readonly name = 'SparseWasmError';
  readonly code: ErrorCode;
  readonly field?: string;
  readonly hint?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.hint = details.hint;
  }
}

/** @throws {SparseWasmError} `code` when `value` is no whole number in [least, most] */
export function requireWhole(
  field: string,
  value: number,
  least: number,
  most: number,
  code: ErrorCode = 'BAD_SHAPE',
): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new SparseWasmError(code, `${field} is ${value}; it must be a whole number in [${least}, ${most}].`, { field });
}
