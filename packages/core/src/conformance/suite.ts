import { type ErrorCode, SecateurError } from '@secateur/graph';
import { expect, it } from 'vitest';

/** Tests of a suite that do not hold for a plugin, and why. */
export interface SuiteSkip {
  readonly reason: string;
  /** Names of tests, as the suite prints them. */
  readonly tests: readonly string[];
}

export type SuiteTest = (name: string, body: () => Promise<void>) => void;

/** `it`, but for the tests that are skipped, which print the reason. */
export function testUnless(skip: readonly SuiteSkip[]): SuiteTest {
  const reasons = new Map(skip.flatMap(({ reason, tests }) => tests.map((name) => [name, reason] as const)));
  return (name, body) => {
    const reason = reasons.get(name);
    if (reason === undefined) it(name, body);
    else it.skip(`${name} (${reason})`, body);
  };
}

/** Code of the `SecateurError` that `run` throws, another error as text, or `undefined` when it throws nothing. */
export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof SecateurError ? error.code : String(error);
  }
  return undefined;
}

export async function rejects(promise: Promise<unknown>, code: ErrorCode, message: RegExp = /./): Promise<void> {
  await expect(promise).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
}
