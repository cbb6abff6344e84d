/**
 * Every failure that Secateur reports on purpose. Callers branch on `code`; people read `message` and `hint`.
 */
export type ErrorCode =
  | 'BAD_FILE' // a model, image or golden file that is malformed, truncated or hostile
  | 'BAD_CONFIG' // a config class or field that is unknown or out of range
  | 'BAD_OPTION' // an option of a command, criterion, selector or method
  | 'BAD_DATA' // NaN or infinite weights, images of the wrong size, an empty folder
  | 'UNKNOWN_OP' // an operator whose meaning is needed and not known
  | 'UNKNOWN_DTYPE'
  | 'SHAPE_MISMATCH'
  | 'NO_GRADIENT' // a gradient was asked for through an operator that has no rule
  | 'CANNOT_PRUNE' // a cut that would empty a group, split heads unevenly, or that no rewrite can express
  | 'MISSING_NEED' // a criterion needs something that the host was not given
  | 'BAD_PLUGIN' // a plugin that throws, returns the wrong length or non-finite scores
  | 'NAME_CLASH' // two plugins or operators of one name
  | 'MISSING_DEPENDENCY' // a peer package that is not installed
  | 'ENGINE_FAILED'
  | 'EXISTS' // an output that is there already
  | 'IO' // a full disk, a missing file, no permission
  | 'ABORTED';

export interface ErrorDetails {
  /** File or folder the trouble is in. */
  file?: string;
  /** Field, tensor, node or option inside it. */
  field?: string;
  /** Name of the plugin at fault. */
  plugin?: string;
  /** What to do about it, as a sentence. */
  hint?: string;
  cause?: unknown;
}

/** The one error class: says what is wrong, where, what was expected, and what to do. */
export class SecateurError extends Error {
  override readonly name = 'SecateurError';
  readonly code: ErrorCode;
  readonly file?: string;
  readonly field?: string;
  readonly plugin?: string;
  readonly hint?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.file = details.file;
    this.field = details.field;
    this.plugin = details.plugin;
    this.hint = details.hint;
  }
}

/** Throws `ABORTED` when the signal has fired. Call it between steps of anything long. */
export function throwIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw new SecateurError('ABORTED', 'Cancelled.', { cause: signal.reason });
}
