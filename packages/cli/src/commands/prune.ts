import { normGroupRules, type Registry, treatmentChoices } from '@secateur/core';
import { Command, Option } from 'commander';
import { emitKinds } from '../model/write-model.js';
import { addFlags, flagsOf, type PluginFlag } from '../plugins/option-flags.js';
import type { PruneFlags } from '../prune/prune-flags.js';
import { findMethod } from '../prune/resolve-method.js';
import { flagValue, flagValues } from '../scan-argv.js';
import type { Session } from '../session.js';
import { componentOption, finiteNumber, wholeNumber } from '../shared-options.js';

const examples = `
Examples:
  $ secateur prune zoo:fashion-ddpm-32 --method magnitude --ratio 0.3 --out smaller/
  $ secateur prune unet/ --method diff-pruning --ratio 0.3 --threshold 0.05 --data images/ --out smaller/
  $ secateur prune model.onnx --method taylor --selector global --budget macs=0.56 --data zoo:fashion-mnist --out smaller/
  $ secateur prune unet/ --method magnitude --space 2:4 --ratio 0.5 --out sparse/
  $ secateur prune sd15/unet --method taylor --ratio 0.2 --data prompts.safetensors --timesteps 50 --out smaller/
  $ secateur prune unet/ --method magnitude --space layers --ratio 0.2 --out shallower/
  $ secateur prune zoo:fashion-sd --method laptop-diff --ratio 0.3 --data zoo:fashion-mnist --out shallower/
  $ secateur prune unet/ --remove 'down_blocks.*.resnets.1+*,mid_block' --out shallower/
  $ secateur prune --method diff-pruning --help      with the options of that method

--out holds the model, secateur.json (what was done, enough to do it again), report.html, report.json and a model card.
Same input, options and seed give the same bytes in the model, secateur.json and masks.safetensors; report.json and
report.html also hold measured latencies. A run that was killed goes on from its last step when started again.`;

/** The command, with flags for the options of the method that `argv` names. */
export async function pruneCommand(session: Session, argv: readonly string[]): Promise<Command> {
  const command = describe();
  const flags = argv.includes('prune') ? await methodFlags(session, argv) : [];
  const name = flagValue(argv, 'method') ?? '';
  addFlags(command, `Options of ${name}:`, flags);
  return command
    .addHelpText('after', examples)
    .action(async (model: string, options: PruneFlags & Record<string, unknown>) => {
      const { pruneAction } = await import('../prune/prune-action.js');
      const given = Object.fromEntries(
        flags
          .filter((flag) => flag.name !== 'selector' && command.getOptionValueSource(flag.name) !== 'default')
          .map((flag) => [flag.name, options[flag.name]]),
      );
      await pruneAction(session, model, options, given);
    });
}

function describe(): Command {
  const command = new Command('prune')
    .summary('make a model smaller')
    .description('Scores what can be removed, removes what matters least, and writes the smaller model with a report.')
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .option(
      '--method <name>',
      'a method, or a criterion with the default pipeline; `secateur methods` lists them (or name what goes: --remove)',
    );
  command.addOption(componentOption());
  const what = (option: Option) => command.addOption(option.helpGroup('What goes:'));
  what(new Option('--ratio <r>', 'fraction of units to remove, in [0, 1)').argParser(finiteNumber).conflicts('budget'));
  what(new Option('--budget <what=share>', 'what may remain: macs=0.56, params=0.7, bytes=0.5 or latency=0.6'));
  what(
    new Option(
      '--space <name>',
      'channels, heads, neurons, modulations, layers, blocks, branches, pairs, elements, or a pattern such as 2:4 (default: the method’s)',
    ),
  );
  what(
    new Option(
      '--remove <ids>',
      'layers, blocks, pairs and stages by id, joined by commas, instead of --method; * stands for any characters but + and :',
    ).conflicts(['method', 'ratio', 'budget', 'space']),
  );
  what(
    new Option('--treatment <name>', 'what is left of a layer whose width changes (default: shortcut)').choices(
      treatmentChoices,
    ),
  );
  what(
    new Option(
      '--selector <name>',
      'local, global, isomorphic; of whole layers knapsack, greedy, exhaustive; or a plugin’s (default: the method’s, else local)',
    ),
  );
  what(
    new Option('--norm-groups <rule>', 'how GroupNorm is respected (default: the method’s)').choices(normGroupRules),
  );
  what(new Option('--round-to <n>', 'keep widths that are multiples of n').argParser(wholeNumber(1)));
  what(new Option('--max-ratio <r>', 'no group loses more than this share, in (0, 1]').argParser(finiteNumber));
  what(new Option('--ignore <pattern...>', 'leave groups with such tensors alone; * stands for any characters'));
  what(new Option('--layer-ratio <pattern=r...>', 'another ratio for groups with such tensors'));
  what(new Option('--expressible', 'cut only widths that a stock diffusers config can say').default(false, 'off'));
  what(new Option('--option <key=value...>', 'an option of the method, criterion or selector'));
  const data = (option: Option) => command.addOption(option.helpGroup('Calibration:'));
  data(
    new Option(
      '--data <path>',
      'folder of PNG, JPEG or WebP pictures, IDX file (.gz), zoo:fashion-mnist, or a .safetensors with a tensor per input',
    ),
  );
  data(new Option('--samples <n>', 'samples used').argParser(wholeNumber(1)).default(8));
  data(
    new Option(
      '--timesteps <n>',
      'timesteps that scoring visits, spread evenly (default: the method’s, else all)',
    ).argParser(wholeNumber(1)),
  );
  const out = (option: Option) => command.addOption(option.helpGroup('Output:'));
  out(new Option('--out <folder>', 'where to write; it must not exist'));
  out(new Option('--replace', 'replace what is at --out').default(false, 'off'));
  out(new Option('--emit <kinds>', `${emitKinds.join(', ')}, or several by comma (default: as the input)`));
  out(new Option('--standalone', 'ONNX holds its own weights').default(false, 'off'));
  out(new Option('--dtype <name>', 'write weights in fp32, fp16 or bf16 (default: as they are)'));
  out(new Option('--dry-run', 'print what would go; write nothing').default(false, 'off'));
  out(new Option('--no-latency', 'measure no latency'));
  out(new Option('--no-pictures', 'no pictures in the report'));
  return command;
}

/** Flags of the method named; none when it is not known, which the action then tells. */
async function methodFlags(session: Session, argv: readonly string[]): Promise<PluginFlag[]> {
  const configured = (session.config?.config.defaults?.prune as { method?: unknown } | undefined)?.method;
  const name = flagValue(argv, 'method') ?? (typeof configured === 'string' ? configured : undefined);
  if (name === undefined) return [];
  const registry = await session.registry(flagValues(argv, 'plugin'));
  const factory = findMethod(registry, name) ?? (await findInstalled(session, registry, name));
  return factory ? flagsOf(factory) : [];
}

async function findInstalled(
  session: Session,
  registry: Registry,
  name: string,
): Promise<ReturnType<typeof findMethod>> {
  const { addInstalled } = await import('../plugins/add-installed.js');
  await addInstalled(registry, session);
  return findMethod(registry, name);
}
