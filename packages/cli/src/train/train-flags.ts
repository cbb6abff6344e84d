import { SecateurError } from '@secateur/graph';
import type { TrainOptions } from '@secateur/train';
import { type Command, Option } from 'commander';
import { finiteNumber, wholeNumber } from '../shared-options.js';

/** Flags that fine-tuning and distillation share. */
export interface TrainFlags {
  readonly data: string;
  readonly samples?: number;
  readonly skipBad: boolean;
  readonly steps: number;
  readonly batch: number;
  readonly accumulate: number;
  readonly optimizer: 'adamw' | 'sgd';
  readonly lr: number;
  readonly schedule: 'constant' | 'linear' | 'cosine';
  readonly warmup: number;
  readonly momentum: number;
  readonly weightDecay?: number;
  readonly clip: number;
  readonly ema?: number;
  readonly drawTimesteps: 'uniform' | 'antithetic';
  readonly minSnr?: number;
  readonly dropConditions: number;
  readonly train?: readonly string[];
  readonly lora?: number;
  readonly mask?: string;
  readonly checkpointEvery: number;
  readonly out: string;
  readonly replace: boolean;
  readonly emit?: string;
  readonly dtype?: string;
  readonly standalone: boolean;
  readonly pictures: boolean;
}

/** Adds them. */
export function withTrainFlags(command: Command): Command {
  const group = (title: string) => (option: Option) => command.addOption(option.helpGroup(title));
  const data = group('Data:');
  data(
    new Option(
      '--data <path>',
      'folder of PNG, JPEG or WebP pictures, IDX file (.gz), zoo:fashion-mnist, or a .safetensors with a tensor per input',
    ).makeOptionMandatory(),
  );
  data(new Option('--samples <n>', 'use the first n samples (default: all)').argParser(wholeNumber(1)));
  data(new Option('--skip-bad', 'leave out pictures that are damaged or of another size').default(false, 'off'));
  const how = group('Training:');
  how(new Option('--steps <n>', 'updates to make').argParser(wholeNumber(1)).makeOptionMandatory());
  how(new Option('--batch <n>', 'samples of one run').argParser(wholeNumber(1)).default(32));
  how(new Option('--accumulate <n>', 'runs averaged into one update').argParser(wholeNumber(1)).default(1));
  how(new Option('--optimizer <name>', 'what updates the weights').choices(['adamw', 'sgd']).default('adamw'));
  how(new Option('--lr <rate>', 'largest learning rate').argParser(finiteNumber).default(1e-4));
  how(
    new Option('--schedule <name>', 'learning rate after the warm-up')
      .choices(['constant', 'linear', 'cosine'])
      .default('constant'),
  );
  how(new Option('--warmup <n>', 'steps over which the learning rate grows').argParser(wholeNumber(0)).default(0));
  how(new Option('--momentum <m>', 'of sgd, in [0, 1)').argParser(finiteNumber).default(0.9));
  how(new Option('--weight-decay <d>', '(default: 0.01 for adamw, 0 for sgd)').argParser(finiteNumber));
  how(new Option('--clip <norm>', 'largest global norm of the gradients').argParser(finiteNumber).default(1));
  how(
    new Option('--ema <decay>', 'average the weights, e.g. 0.999; the average is the result').argParser(finiteNumber),
  );
  how(
    new Option('--draw-timesteps <how>', 'evenly, or mirrored in pairs')
      .choices(['uniform', 'antithetic'])
      .default('uniform'),
  );
  how(new Option('--min-snr <gamma>', 'weigh timesteps by min-SNR, e.g. 5').argParser(finiteNumber));
  how(
    new Option('--drop-conditions <p>', 'share of samples trained without their condition, for guidance, e.g. 0.1')
      .argParser(finiteNumber)
      .default(0),
  );
  how(new Option('--train <pattern...>', 'weights to train, by name; * for any characters (default: all)'));
  how(new Option('--lora <rank>', 'train low-rank updates of the linear weights alone').argParser(wholeNumber(1)));
  how(new Option('--mask <n:m>', 'train under an N:M mask of the largest weights (SR-STE), e.g. 2:4'));
  how(new Option('--checkpoint-every <n>', 'updates between checkpoints').argParser(wholeNumber(1)).default(100));
  const out = group('Output:');
  out(new Option('--out <folder>', 'where to write; it must not exist').makeOptionMandatory());
  out(new Option('--replace', 'replace what is at --out').default(false, 'off'));
  out(new Option('--emit <kinds>', 'diffusers, onnx, or both by comma (default: as the input)'));
  out(new Option('--standalone', 'ONNX holds its own weights').default(false, 'off'));
  out(new Option('--dtype <name>', 'write weights in fp32, fp16 or bf16 (default: fp32)'));
  out(new Option('--no-pictures', 'no pictures in the report'));
  return command;
}

/** The flags as options of training; masks and data are found elsewhere. */
export async function trainOptions(
  flags: TrainFlags,
): Promise<Omit<TrainOptions, 'engine' | 'data' | 'sampler' | 'losses' | 'teacher'>> {
  const { adamw, nOfMMask, sgd } = await import('@secateur/train');
  const { steps, batch: batchSize, accumulate, clip, checkpointEvery, momentum, weightDecay } = flags;
  if (flags.mask !== undefined && flags.lora !== undefined) {
    throw new SecateurError('BAD_OPTION', '--lora would fill masked weights again.', { field: 'lora' });
  }
  return {
    steps,
    batchSize,
    accumulate,
    clip,
    checkpointEvery,
    optimizer: flags.optimizer === 'sgd' ? sgd({ momentum, weightDecay }) : adamw({ weightDecay }),
    learningRate: { peak: flags.lr, schedule: flags.schedule, warmup: flags.warmup },
    ema: flags.ema === undefined ? undefined : { decay: flags.ema },
    timesteps: flags.drawTimesteps,
    weighting: flags.minSnr === undefined ? 'none' : { minSnr: flags.minSnr },
    dropConditions: flags.dropConditions,
    parameters: flags.train,
    lora: flags.lora === undefined ? undefined : { rank: flags.lora },
    mask: flags.mask === undefined ? undefined : nOfMMask({ pattern: flags.mask }),
  };
}
