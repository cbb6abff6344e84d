import type { AnyFactory, JsonSchema } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { commaList, finiteNumber } from '../shared-options.js';

/** An option of a plugin as a flag of the command line. */
export interface PluginFlag {
  /** Name in the plugin's options: `stopOrder`. */
  readonly name: string;
  /** `stop-order` */
  readonly flag: string;
  readonly schema: JsonSchema;
}

/** The flags of a plugin, from the JSON Schema of its options. */
export function flagsOf(factory: AnyFactory): PluginFlag[] {
  const { properties = {} } = factory.schema();
  const defaults = factory.defaults as Readonly<Record<string, unknown>>;
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    flag: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    schema: { default: defaults[name], ...schema },
  }));
}

/** Adds the flags to a command, save those that it has already: their values are the plugin's all the same. */
export function addFlags(command: Command, heading: string, flags: readonly PluginFlag[]): void {
  const taken = new Set(command.options.map((option) => option.long));
  for (const { name, flag, schema } of flags) {
    if (taken.has(`--${flag}`)) continue;
    const { default: initial } = schema;
    const isSwitch = schema.type === 'boolean';
    const text = isSwitch ? `--${initial === true ? 'no-' : ''}${flag}` : `--${flag} <${placeholder(schema)}>`;
    const shown = isSwitch || initial === undefined ? '' : ` (default: ${String(initial)})`;
    const option = new Option(text, `${describe(schema)}${shown}`).helpGroup(heading);
    if (!isSwitch) option.argParser((value) => parseFlag(value, schema));
    option.attributeName = () => name;
    command.addOption(option);
  }
}

/** A value as the schema has it; ranges are the plugin's own to check. */
export function parseFlag(text: string, schema: JsonSchema): unknown {
  if (schema.enum) {
    const found = schema.enum.find((value) => String(value) === text);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Choose one of ${schema.enum.join(', ')}.`);
  }
  switch (schema.type) {
    case 'number':
    case 'integer':
      return finiteNumber(text);
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new InvalidArgumentError('It must be true or false.');
    case 'array': {
      const items = (schema.items ?? {}) as JsonSchema;
      return commaList(text).map((part) => parseFlag(part, items));
    }
    case 'object':
      return parseJsonFlag(text);
    default:
      return text;
  }
}

/**
 * Reads `--option key=value` pairs.
 * @throws {SecateurError} BAD_OPTION for a pair without `=`, an unknown key or a value of the wrong type
 */
export function parsePairs(
  pairs: readonly string[],
  flags: readonly PluginFlag[],
  plugin: string,
): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const key = at < 0 ? pair : pair.slice(0, at);
    const known = flags.find(({ name, flag }) => name === key || flag === key);
    if (at < 0 || !known) {
      throw new SecateurError(
        'BAD_OPTION',
        at < 0 ? `--option ${pair} is no key=value.` : `"${plugin}" has no option "${key}".`,
        {
          plugin,
          field: key,
          hint: flags.length > 0 ? `Its options: ${flags.map(({ name }) => name).join(', ')}.` : 'It has no options.',
        },
      );
    }
    try {
      options[known.name] = parseFlag(pair.slice(at + 1), known.schema);
    } catch (error) {
      throw new SecateurError('BAD_OPTION', `--option ${pair}: ${(error as Error).message}`, { plugin, field: key });
    }
  }
  return options;
}

function describe({ description = '', enum: choices }: JsonSchema): string {
  return choices ? `${description}: ${choices.join(', ')}`.replace(/^: /, '') : description;
}

function placeholder({ enum: choices, type }: JsonSchema): string {
  if (choices) return 'name';
  return type === 'number' || type === 'integer' ? 'n' : type === 'array' ? 'list' : String(type ?? 'value');
}

function parseJsonFlag(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('It must be JSON.');
  }
}
