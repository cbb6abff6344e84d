import { type ParseJsonOptions, parseJson } from '@secateur/core';

/** Strings, to be left alone, and the numbers that Python writes and JSON has not. */
const token = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** Larger than any number: `JSON.parse` makes it infinite. */
const standIns: Readonly<Record<string, string>> = { Infinity: '1e999', '-Infinity': '-1e999', NaN: 'null' };

/**
 * JSON as Python's libraries write their configurations: `Infinity` and `-Infinity` are numbers (DPM-Solver's
 * `lambda_min_clipped` is one), `NaN` is null.
 *
 * @throws {SecateurError} BAD_FILE when it is no JSON
 */
export function parsePythonJson(json: Uint8Array, options: ParseJsonOptions): unknown {
  const text = new TextDecoder().decode(json);
  if (!/Infinity|NaN/.test(text)) return parseJson(json, options);
  return parseJson(
    text.replace(token, (found) => standIns[found] ?? found),
    options,
  );
}
