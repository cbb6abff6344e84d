import { SecateurError } from '@secateur/graph';
import type { Command, Option } from 'commander';
import type { FoundConfig } from './plugins/config-file.js';

/**
 * Gives options that the command line leaves out the values of the configuration.
 * @throws {SecateurError} BAD_CONFIG for a default of an option that no command has, or a value that it refuses
 */
export function applyConfigDefaults(command: Command, { path, config }: FoundConfig): void {
  const { defaults = {} } = config;
  const commands = command.parent?.commands ?? [];
  for (const [key, value] of Object.entries(defaults)) {
    const section = commands.find((candidate) => candidate.name() === key);
    if (section && typeof value === 'object' && value !== null) {
      if (section === command) for (const [name, own] of Object.entries(value)) applyDefault(command, name, own, path);
    } else if (optionOf(command, key)) {
      applyDefault(command, key, value, path);
    } else if (!commands.some((candidate) => optionOf(candidate, key))) {
      throw unknown(key, path);
    }
  }
}

function applyDefault(command: Command, name: string, value: unknown, file: string): void {
  const option = optionOf(command, name);
  if (!option) throw unknown(name, file);
  const source = command.getOptionValueSource(name);
  if (source !== undefined && source !== 'default') return;
  command.setOptionValueWithSource(name, parsed(option, value, file), 'config');
}

function parsed(option: Option, value: unknown, file: string): unknown {
  if (Array.isArray(value) || !option.parseArg || typeof value === 'boolean') return value;
  try {
    return option.parseArg(String(value), [] as never);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new SecateurError(
      'BAD_CONFIG',
      `${file}: default ${option.attributeName()} is ${JSON.stringify(value)}. ${message}`,
      {
        file,
        field: option.attributeName(),
        cause,
      },
    );
  }
}

function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find((option) => option.attributeName() === name);
}

function unknown(field: string, file: string): SecateurError {
  return new SecateurError('BAD_CONFIG', `${file}: there is no option "${field}" to give a default for.`, {
    file,
    field,
    hint: 'Options are written in camelCase; those of one command under its name, e.g. { prune: { ratio: 0.3 } }.',
  });
}
