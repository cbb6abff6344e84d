import { Command, Option } from 'commander';
import type { SampleRequest } from '../sample/sample-to-files.js';
import type { Session } from '../session.js';
import { wholeNumber } from '../shared-options.js';

const examples = `
Examples:
  $ secateur sample zoo:fashion-ddpm-32 --count 16 --steps 50 --sampler ddim --out grid.png
  $ secateur sample smaller/ --count 64 --raw samples.safetensors --seed 7

The same seed, count and sampler start from the same noise as diffusers does.`;

export function sampleCommand(session: Session): Command {
  return new Command('sample')
    .summary('pictures from noise')
    .description('Draws pictures and writes them as one PNG, or as numbers.')
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .addOption(new Option('--count <n>', 'pictures').argParser(wholeNumber(1)).default(16))
    .addOption(new Option('--steps <k>', 'denoising steps').argParser(wholeNumber(1)).default(50))
    .option(
      '--sampler <name>',
      'ddpm, ddim, dpm-solver, euler, euler-ancestral, heun, pndm, unipc, lcm, flow-match-euler (default: the model’s own)',
    )
    .addOption(new Option('--columns <n>', 'pictures in a row (default: a square)').argParser(wholeNumber(1)))
    .option('--out <file>', 'PNG to write')
    .option('--raw <file>', 'safetensors to write: samples [count, channels, height, width]')
    .option('--replace', 'replace files that exist', false)
    .addHelpText('after', examples)
    .action(async (given: string, flags: SampleRequest) => {
      const { sampleToFiles } = await import('../sample/sample-to-files.js');
      const result = await sampleToFiles(session, session.source(given), {
        ...flags,
        out: flags.out === undefined ? undefined : session.path(flags.out),
        raw: flags.raw === undefined ? undefined : session.path(flags.raw),
      });
      session.result(
        result,
        () =>
          `${result.files.join(', ')}: ${flags.count} pictures, ${result.steps} steps of ${result.sampler}, seed ${result.seed}.`,
      );
    });
}
