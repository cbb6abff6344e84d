import { Command } from 'commander';
import type { Session } from '../session.js';
import { bytes, count } from '../terminal/numbers.js';

const examples = `
Examples:
  $ secateur init ddpm-cifar10-32/config.json --out random-cifar/
  $ secateur init config.json --out model/ --seed 7 --dtype fp16`;

interface InitOptions {
  readonly out: string;
  readonly dtype?: string;
  readonly replace: boolean;
  readonly seed: number;
}

export function initCommand(session: Session): Command {
  return new Command('init')
    .summary('a checkpoint with random weights')
    .description(
      'Writes a checkpoint of a configuration with seeded random weights: for tests and benchmarks at real sizes.',
    )
    .argument('<config>', 'config.json of a known class, or a folder with one')
    .requiredOption('--out <folder>', 'where to write')
    .option('--dtype <name>', 'fp32, fp16 or bf16 (default: fp32)')
    .option('--replace', 'replace what is at --out', false)
    .addHelpText('after', examples)
    .action(async (given: string, options: InitOptions) => {
      const [{ initModel }, { saveModel }, { parseDtype }, { checkOutput }] = await Promise.all([
        import('../model/init-model.js'),
        import('../model/save-model.js'),
        import('../model/write-model.js'),
        import('../output-paths.js'),
      ]);
      const config = session.path(given);
      const out = session.path(options.out);
      const dtype = options.dtype === undefined ? undefined : parseDtype(options.dtype);
      await checkOutput(out, [config], options.replace);
      const model = await initModel(config, options.seed);
      const files = await saveModel(model, out, {
        emit: ['diffusers'],
        dtype,
        replace: options.replace,
        signal: session.signal,
        onProgress: session.onWritten,
      });
      const { costOf } = await import('@secateur/core');
      const { parameters, bytes: size } = costOf(model);
      session.result(
        { out, className: model.className, parameters, bytes: size, seed: options.seed, files },
        () =>
          `${out}: ${model.className} with ${count(parameters)} random parameters, ${bytes(size)}, seed ${options.seed}.`,
      );
    });
}
