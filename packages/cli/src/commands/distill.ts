import type { AnyFactory, Method } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import type { TrainingMethod } from '@secateur/train';
import { Command, Option } from 'commander';
import { addFlags, flagsOf } from '../plugins/option-flags.js';
import { flagValue, flagValues } from '../scan-argv.js';
import type { Session } from '../session.js';
import { finiteNumber } from '../shared-options.js';
import type { Distillation } from '../train/train-action.js';
import { type TrainFlags, withTrainFlags } from '../train/train-flags.js';

const examples = `
Examples:
  $ secateur distill smaller/ --teacher unet/ --data images/ --steps 2000 --out recovered/
  $ secateur distill smaller/ --teacher unet/ --preset bk-sdm --data images/ --steps 2000 --out recovered/
  $ secateur distill smaller/ --teacher unet/ --output-weight 1 --task-weight 0 --data images/ --steps 500 --out out/
  $ secateur distill unet/ --method sparsedm --pattern 2:4 --data images/ --steps 2000 --ema 0.999 --out sparse/
  $ secateur distill --method sparsedm --help        with the options of that method

--method takes a method whose training is the method: it brings its own losses and masks; the teacher is then the model
itself, as it is, unless --teacher names another.

The guided loss and --drop-conditions read what "no condition" looks like from tensors unconditional.<input> of a .safetensors
given as --data; a DiT's class for none is known.`;

interface DistillFlags extends TrainFlags {
  readonly teacher?: string;
  readonly method?: string;
  readonly preset: 'diff-pruning' | 'sparsedm' | 'bk-sdm' | 'laptop-diff';
  readonly taskWeight?: number;
  readonly outputWeight?: number;
  readonly featureWeight?: number;
  readonly guidedWeight?: number;
  readonly normalized?: boolean;
  readonly features?: readonly string[];
  readonly guidance?: string;
}

/** The command, with flags for the options of the method that `argv` names. */
export async function distillCommand(session: Session, argv: readonly string[]): Promise<Command> {
  const name = argv.includes('distill') ? methodNamed(session, argv) : undefined;
  const factory = name === undefined ? undefined : await findFactory(session, argv, name);
  const flags = factory ? flagsOf(factory) : [];
  const command = describe();
  addFlags(command, `Options of ${name}:`, flags);
  return command
    .addHelpText('after', examples)
    .action(async (model: string, options: DistillFlags & Record<string, unknown>) => {
      const isGiven = (flag: string) => (command.getOptionValueSource(flag) ?? 'default') !== 'default';
      const given = Object.fromEntries(
        flags.filter((flag) => isGiven(flag.name)).map((flag) => [flag.name, options[flag.name]]),
      );
      const { trainAction } = await import('../train/train-action.js');
      await trainAction(session, model, options, await distillationOf(model, options, factory, given, isGiven));
    });
}

/** The method of the command line, or else of the configuration. */
function methodNamed(session: Session, argv: readonly string[]): string | undefined {
  const configured = (session.config?.config.defaults?.distill as { method?: unknown } | undefined)?.method;
  return flagValue(argv, 'method') ?? (typeof configured === 'string' ? configured : undefined);
}

/** @throws {SecateurError} BAD_OPTION, MISSING_NEED */
async function distillationOf(
  model: string,
  flags: DistillFlags,
  factory: AnyFactory | undefined,
  given: Readonly<Record<string, unknown>>,
  isGiven: (flag: string) => boolean,
): Promise<Distillation> {
  if (flags.method !== undefined) {
    const other = ['preset', 'featureWeight', 'features', 'normalized', 'guidedWeight', 'guidance', 'mask', 'lora'];
    const clash = other.find((flag) => isGiven(flag));
    if (clash) {
      throw new SecateurError('BAD_OPTION', `--method ${flags.method} brings its own losses and masks.`, {
        field: clash,
        hint: 'Leave it out, or leave out --method.',
      });
    }
    return { teacher: flags.teacher ?? model, method: await trainingMethod(flags.method, factory, given) };
  }
  const { teacher, preset, taskWeight, outputWeight, featureWeight, guidedWeight, normalized, features } = flags;
  if (teacher === undefined) {
    throw new SecateurError('MISSING_NEED', '--teacher is missing.', {
      field: 'teacher',
      hint: 'Name the dense model that this one is to learn from.',
    });
  }
  const terms = {
    preset,
    task: taskWeight,
    output: outputWeight,
    features: featureWeight,
    guided: guidedWeight,
    normalized,
    at: features,
    scale: flags.guidance === undefined ? undefined : parseScale(flags.guidance),
  };
  return { teacher, terms };
}

async function trainingMethod(
  name: string,
  factory: AnyFactory | undefined,
  options: Readonly<Record<string, unknown>>,
): Promise<TrainingMethod> {
  const { isTrainingMethod } = await import('@secateur/train');
  const method = (factory as ((given: object) => Method) | undefined)?.(options);
  if (method && isTrainingMethod(method)) return method;
  throw new SecateurError('BAD_OPTION', `There is no method "${name}" that trains.`, {
    field: 'method',
    hint: 'sparsedm is one. Other methods belong to `secateur prune`; distil what they leave with --teacher.',
  });
}

async function findFactory(session: Session, argv: readonly string[], name: string): Promise<AnyFactory | undefined> {
  const registry = await session.registry(flagValues(argv, 'plugin'));
  const found = registry.find('method', name);
  if (found) return found;
  const { addInstalled } = await import('../plugins/add-installed.js');
  await addInstalled(registry, session);
  return registry.find('method', name);
}

function describe(): Command {
  const command = new Command('distill')
    .summary('win quality back by learning from the dense model')
    .description('Trains a model to do as its teacher does, and writes it with a report.')
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME');
  const add = (option: Option) => command.addOption(option.helpGroup('Distillation:'));
  add(new Option('--teacher <model>', 'the dense model; it is not changed'));
  add(new Option('--method <name>', 'a method whose training is the method, e.g. sparsedm'));
  add(
    new Option('--preset <name>', 'weights of the losses: task and output; bk-sdm and laptop-diff features too')
      .choices(['diff-pruning', 'sparsedm', 'bk-sdm', 'laptop-diff'])
      .default('diff-pruning'),
  );
  add(new Option('--task-weight <w>', 'of the denoising loss (default: the preset’s)').argParser(finiteNumber));
  add(
    new Option('--output-weight <w>', 'of the distance to its output (default: the preset’s)').argParser(finiteNumber),
  );
  add(new Option('--feature-weight <w>', 'of the distance inside (default: the preset’s)').argParser(finiteNumber));
  add(new Option('--features <path...>', 'modules compared, or STUDENT=TEACHER (default: the ends of the stages)'));
  add(new Option('--normalized', 'compare features relative to the teacher’s (default: the preset’s)'));
  add(new Option('--guided-weight <w>', 'of the distance of guided outputs').argParser(finiteNumber));
  add(new Option('--guidance <from,to>', 'guidance scales are drawn from here (default: 2,14)'));
  return withTrainFlags(command);
}

function parseScale(text: string): readonly [number, number] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const [least, most] = numbers;
  if (numbers.length === 2 && numbers.every(Number.isFinite)) return [least!, most!];
  throw new SecateurError('BAD_OPTION', `"${text}" is no range of guidance scales.`, {
    field: 'guidance',
    hint: 'Write two numbers: 2,14.',
  });
}
