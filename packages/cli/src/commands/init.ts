import { Command } from 'commander';
import type { Session } from '../session.js';
import { bytes, count } from '../terminal/numbers.js';

const examples = `
Examples:
  $ secateur init ddpm-cifar10-32/config.json --out random-cifar/
  $ secateur init config.json --out model/ --seed 7 --dtype fp16
  $ secateur init stable-diffusion-configs/ --tokenizer clip/ --out random-sd/

A folder with model_index.json is a pipeline: each of its models gets weights, schedulers and tokenisers are copied. A
model's repository cloned without its large files (GIT_LFS_SKIP_SMUDGE=1 git clone …) is such a folder.`;

interface InitOptions {
  readonly out: string;
  readonly dtype?: string;
  readonly tokenizer?: string;
  readonly replace: boolean;
  readonly seed: number;
}

export function initCommand(session: Session): Command {
  return new Command('init')
    .summary('a checkpoint with random weights')
    .description(
      'Writes a checkpoint of a configuration with seeded random weights: for tests and benchmarks at real sizes.',
    )
    .argument('<config>', 'config.json of a known class, a folder with one, or a folder with a pipeline’s')
    .requiredOption('--out <folder>', 'where to write')
    .option('--dtype <name>', 'fp32, fp16 or bf16 (default: fp32)')
    .option('--tokenizer <folder>', 'of a pipeline: where the tokeniser’s files are, if it has none')
    .option('--replace', 'replace what is at --out', false)
    .addHelpText('after', examples)
    .action(async (given: string, options: InitOptions) => {
      const [{ isPipelineFolder }, { checkOutput }] = await Promise.all([
        import('../model/init-pipeline.js'),
        import('../output-paths.js'),
      ]);
      const config = session.path(given);
      const out = session.path(options.out);
      await checkOutput(out, [config], options.replace);
      await ((await isPipelineFolder(config)) ? pipeline : model)(session, config, out, options);
    });
}

async function model(session: Session, config: string, out: string, options: InitOptions): Promise<void> {
  const [{ initModel }, { saveModel }, { parseDtype }] = await Promise.all([
    import('../model/init-model.js'),
    import('../model/save-model.js'),
    import('../model/write-model.js'),
  ]);
  const dtype = options.dtype === undefined ? undefined : parseDtype(options.dtype);
  const made = await initModel(config, options.seed);
  const files = await saveModel(made, out, {
    emit: ['diffusers'],
    dtype,
    replace: options.replace,
    signal: session.signal,
    onProgress: session.onWritten,
  });
  const { costOf } = await import('@secateur/core');
  const { parameters, bytes: size } = costOf(made);
  session.result(
    { out, className: made.className, parameters, bytes: size, seed: options.seed, files },
    () =>
      `${out}: ${made.className} with ${count(parameters)} random parameters, ${bytes(size)}, seed ${options.seed}.`,
  );
}

async function pipeline(session: Session, config: string, out: string, options: InitOptions): Promise<void> {
  const [{ initPipeline }, { parseDtype }] = await Promise.all([
    import('../model/init-pipeline.js'),
    import('../model/write-model.js'),
  ]);
  const { seed, replace, tokenizer } = options;
  const parts = await initPipeline(config, out, {
    seed,
    replace,
    tokenizer: tokenizer === undefined ? undefined : session.path(tokenizer),
    dtype: options.dtype === undefined ? undefined : parseDtype(options.dtype),
    signal: session.signal,
    onProgress: session.onWritten,
  });
  session.result({ out, parts, seed }, () => {
    const lines = parts.map(
      ({ name, className, parameters, bytes: size }) =>
        `  ${name}: ${className} with ${count(parameters)} random parameters, ${bytes(size)}`,
    );
    return [`${out}: a pipeline of random weights, seed ${seed}.`, ...lines].join('\n');
  });
}
