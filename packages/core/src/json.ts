import { SecateurError } from '@secateur/graph';

export interface ParseJsonOptions {
  /** For messages. */
  file: string;
  /** Deepest nesting of objects and arrays. Default 64. */
  maxDepth?: number;
}

/**
 * JSON as a model file may hold it: UTF-8, of bounded depth, no key twice in one object. (`JSON.parse` alone keeps the
 * last of two equal keys, so two readers of one file could see different models.)
 *
 * @throws {SecateurError} BAD_FILE when it is anything else
 */
export function parseJson(json: Uint8Array | string, options: ParseJsonOptions): unknown {
  const { file, maxDepth = 64 } = options;
  try {
    const text = typeof json === 'string' ? json : new TextDecoder('utf-8', { fatal: true }).decode(json);
    checkStructure(text, file, maxDepth);
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SecateurError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SecateurError('BAD_FILE', `${file} does not hold JSON in UTF-8: ${reason.slice(0, 200)}`, {
      file,
      hint: 'The file is damaged or not what its name says. Copy or download it again.',
      cause,
    });
  }
}

/** Depth and duplicate keys only: what else is wrong, `JSON.parse` says. */
function checkStructure(text: string, file: string, maxDepth: number): void {
  // One entry an open bracket: the keys seen in an object, or null for an array.
  const open: (Set<string> | null)[] = [];
  let keyExpected = false;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: {
        const end = endOfString(text, i);
        if (keyExpected) noteKey(text.slice(i, end + 1), open[open.length - 1]!, file);
        keyExpected = false;
        i = end;
        break;
      }
      case 0x7b: // {
      case 0x5b: // [
        keyExpected = text.charCodeAt(i) === 0x7b;
        open.push(keyExpected ? new Set() : null);
        if (open.length > maxDepth) {
          throw new SecateurError('BAD_FILE', `JSON of ${file} is nested deeper than ${maxDepth}, at character ${i}.`, {
            file,
            hint: 'No model needs that; do not trust this file.',
          });
        }
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        keyExpected = false;
        break;
      case 0x2c: // ,
        keyExpected = open.length > 0 && open[open.length - 1] !== null;
    }
  }
}

function endOfString(text: string, start: number): number {
  let end = start;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
  }
}

function noteKey(quoted: string, seen: Set<string>, file: string): void {
  const key: string = quoted.includes('\\') ? JSON.parse(quoted) : quoted.slice(1, -1);
  if (seen.has(key)) {
    throw new SecateurError('BAD_FILE', `JSON of ${file} has the key ${JSON.stringify(key.slice(0, 200))} twice.`, {
      file,
      field: key,
      hint: 'Every key may stand once in an object. Write the file again with a correct tool.',
    });
  }
  seen.add(key);
}
