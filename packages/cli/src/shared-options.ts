import { type Command, InvalidArgumentError, Option } from 'commander';

/** Options that every command takes. */
export interface SharedOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly seed: number;
  readonly threads?: number;
  readonly engine?: string;
  readonly plugin: readonly string[];
  readonly config?: string;
}

export const engineNames = ['ort', 'ort-web', 'wasm'] as const;

const group = 'Shared options:';

/** Adds them, last in the help. */
export function withSharedOptions(command: Command): Command {
  const add = (option: Option) => command.addOption(option.helpGroup(group));
  add(new Option('--json', 'print the result as JSON, and nothing else, on standard output').default(false, 'off'));
  add(new Option('--quiet', 'no progress').default(false, 'off'));
  add(new Option('--seed <n>', 'where randomness starts').argParser(wholeNumber(0)).default(0));
  add(new Option('--threads <n>', 'threads of the engine (default: its choice)').argParser(wholeNumber(1)));
  add(new Option('--engine <name>', 'what runs models (default: ort where installed)').choices(engineNames));
  add(
    new Option('--plugin <path-or-package>', 'load plugins; may be given again').argParser(collect).default([], 'none'),
  );
  add(new Option('--config <file>', 'settings (default: secateur.config.{ts,mts,mjs,js,json} in this folder)'));
  return command;
}

/** Parser of a whole number from `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least}.`);
  };
}

export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('It must be a number.');
}

/** Collects an option that may be given several times. */
export function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

/** `a,b` as `['a', 'b']`. */
export function commaList(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** For commands that open one model: which, where there are several. */
export function componentOption(): Option {
  return new Option(
    '--component <name>',
    'which model of a pipeline or a checkpoint of several, e.g. vae, text_encoder (default: the denoiser)',
  );
}
