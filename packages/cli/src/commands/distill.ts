import { SecateurError } from '@secateur/graph';
import { Command, Option } from 'commander';
import type { Session } from '../session.js';
import { finiteNumber } from '../shared-options.js';
import { type TrainFlags, withTrainFlags } from '../train/train-flags.js';

const examples = `
Examples:
  $ secateur distill smaller/ --teacher unet/ --data images/ --steps 2000 --out recovered/
  $ secateur distill smaller/ --teacher unet/ --preset bk-sdm --data images/ --steps 2000 --out recovered/
  $ secateur distill smaller/ --teacher unet/ --output-weight 1 --task-weight 0 --data images/ --steps 500 --out out/

The guided loss reads what "no condition" looks like from tensors unconditional.<input> of a .safetensors given as --data.`;

interface DistillFlags extends TrainFlags {
  readonly teacher: string;
  readonly preset: 'diff-pruning' | 'sparsedm' | 'bk-sdm' | 'laptop-diff';
  readonly taskWeight?: number;
  readonly outputWeight?: number;
  readonly featureWeight?: number;
  readonly guidedWeight?: number;
  readonly normalized?: boolean;
  readonly features?: readonly string[];
  readonly guidance?: string;
}

export function distillCommand(session: Session): Command {
  const command = new Command('distill')
    .summary('win quality back by learning from the dense model')
    .description('Trains a model to do as its teacher does, and writes it with a report.')
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME');
  const add = (option: Option) => command.addOption(option.helpGroup('Distillation:'));
  add(new Option('--teacher <model>', 'the dense model; it is not changed').makeOptionMandatory());
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
  return withTrainFlags(command)
    .addHelpText('after', examples)
    .action(async (model: string, flags: DistillFlags) => {
      const { trainAction } = await import('../train/train-action.js');
      const { teacher, preset, taskWeight, outputWeight, featureWeight, guidedWeight, normalized, features } = flags;
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
      await trainAction(session, model, flags, { teacher, terms });
    });
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
