import { SecateurError } from '@secateur/graph';

/** onnxruntime's words on one line, without the source file it was built from. */
export function ortWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text
    .replace(/\/\S+\.(?:cc|h):\d+ /g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The node that onnxruntime names in an error, if it names one. */
export function nodeInWords(words: string): string | undefined {
  const match =
    /Name:\s*'([^']+)'|Node:\s*\(([^)]+)\)|Node \(([^)]+)\) Op|In Node, \("([^"]+)"|in node \(([^)]+)\)|with name '([^']+)'/.exec(
      words,
    );
  return match?.slice(1).find((name) => name !== undefined);
}

/** Whether onnxruntime refused a model because it lacks an operator, or lacks it for the dtype at hand. */
export function isUnknownOp(words: string): boolean {
  return /No Op registered for|is not a registered function\/op|No opset import for domain|Could not find an implementation for/.test(
    words,
  );
}

/** `ENGINE_FAILED` with the engine's own words. */
export function engineFailed(engine: string, doing: string, error: unknown): SecateurError {
  if (error instanceof SecateurError) return error;
  const words = ortWords(error);
  return new SecateurError('ENGINE_FAILED', `${engine} failed ${doing}: ${words}`, {
    field: nodeInWords(words),
    cause: error,
  });
}
