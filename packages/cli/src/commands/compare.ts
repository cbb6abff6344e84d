import { Command, Option } from 'commander';
import type { CompareRequest } from '../compare/compare-models.js';
import type { Session } from '../session.js';
import { componentOption, wholeNumber } from '../shared-options.js';

const examples = `
Examples:
  $ secateur compare unet/ smaller/
  $ secateur compare zoo:fashion-ddpm-32 smaller/ smallest/ --out comparison.html
  $ secateur compare unet/ smaller/ --out comparison.png --count 12
  $ secateur compare v1-5.safetensors smaller/v1-5.safetensors --component vae`;

export function compareCommand(session: Session): Command {
  return new Command('compare')
    .summary('models side by side')
    .description(
      'Prints parameters, MACs, bytes and latency of several models; --out adds pictures from the same noise.',
    )
    .argument('<models...>', 'two or more models; changes are against the first')
    .addOption(componentOption())
    .option('--out <file>', '.png (pictures, one row a model) or .html (table and pictures)')
    .addOption(new Option('--count <n>', 'pictures of each').argParser(wholeNumber(1)).default(8))
    .addOption(new Option('--steps <k>', 'denoising steps').argParser(wholeNumber(1)).default(25))
    .option('--sampler <name>', 'as in `secateur sample`', 'ddim')
    .option('--no-latency', 'measure no latency')
    .option('--replace', 'replace --out', false)
    .addHelpText('after', examples)
    .action(async (given: readonly string[], flags: CompareRequest) => {
      const { compareModels, comparisonText } = await import('../compare/compare-models.js');
      const out = flags.out === undefined ? undefined : session.path(flags.out);
      const comparison = await compareModels(session, given, { ...flags, out });
      session.result(comparison, () => comparisonText(comparison));
    });
}
