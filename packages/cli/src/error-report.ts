import { SecateurError } from '@secateur/graph';
import { CommanderError } from 'commander';
import { exitCodes } from './exit-codes.js';

/** An error as it is told: on the terminal in lines, under `--json` as one object. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly file?: string;
  readonly field?: string;
  readonly plugin?: string;
  readonly hint?: string;
}

/** What to tell about anything that was thrown. */
export function reportOf(error: unknown): ErrorReport {
  if (error instanceof SecateurError) {
    const { code, message, file, field, plugin, hint } = error;
    return { code, message, file, field, plugin, hint };
  }
  if (error instanceof CommanderError) {
    const message = error.message.replace(/^error: /, '').trim();
    return {
      code: 'USAGE',
      message: sentence(message),
      hint: '`secateur --help` lists the commands, `secateur COMMAND --help` their options.',
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'INTERNAL',
    message: sentence(message),
    hint: 'This is not meant to happen. Run it again with SECATEUR_DEBUG=1 and report what it prints.',
  };
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
  return error instanceof SecateurError && error.code === 'ABORTED' ? exitCodes.cancelled : exitCodes.bad;
}

/** Lines for the terminal: what is wrong, where, what to do. */
export function errorText(report: ErrorReport): string {
  const { message, file, field, plugin, hint } = report;
  const places = [
    // Most messages begin with the file's name: no need to say it twice.
    file !== undefined && !message.includes(file) ? `file ${file}` : '',
    field !== undefined && !message.includes(field) ? `at ${field}` : '',
    plugin !== undefined && !message.includes(plugin) ? `plugin ${plugin}` : '',
  ].filter((place) => place !== '');
  const lines = [`error: ${message}`];
  if (places.length > 0) lines.push(`  in:   ${places.join(', ')}`);
  if (hint) lines.push(`  hint: ${hint}`);
  return `${lines.join('\n')}\n`;
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?)]$/.test(capital) ? capital : `${capital}.`;
}
