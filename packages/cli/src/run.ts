import { CommanderError } from 'commander';
import { errorText, exitCodeOf, reportOf } from './error-report.js';
import { exitCodes } from './exit-codes.js';
import type { Io } from './io.js';
import { createProgram } from './program.js';
import { Session } from './session.js';

/**
 * Runs one command line.
 *
 * @param argv  without the program's name: `['inspect', 'model/']`
 * @returns the exit code: 0 done, 1 a check failed, 2 bad input or usage, 130 cancelled
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const session = new Session(io);
  try {
    const program = await createProgram(session, argv);
    await program.parseAsync([...argv], { from: 'user' });
    return session.exitCode;
  } catch (error) {
    const code = exitCodeOf(error);
    // Help and version end this way too.
    if (code !== exitCodes.done) tell(error, argv, io);
    return code;
  } finally {
    await session.close();
  }
}

function tell(error: unknown, argv: readonly string[], io: Io): void {
  const report = reportOf(error);
  if (io.env.SECATEUR_DEBUG) io.stderr.write(`${stackOf(error)}\n`);
  if (argv.includes('--json')) io.stdout.write(`${JSON.stringify({ error: report })}\n`);
  else if (error instanceof CommanderError && error.code === 'commander.help') return;
  else io.stderr.write(errorText(report));
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? String(error.stack) : `${error.stack}\ncaused by ${stackOf(error.cause)}`;
}
