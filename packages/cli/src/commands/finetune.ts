import { Command } from 'commander';
import type { Session } from '../session.js';
import { type TrainFlags, withTrainFlags } from '../train/train-flags.js';

const examples = `
Examples:
  $ secateur finetune smaller/ --data images/ --steps 2000 --lr 1e-4 --ema 0.999 --out recovered/
  $ secateur finetune smaller/ --data zoo:fashion-mnist --steps 500 --schedule cosine --warmup 50 --out recovered/

What a pruning run masked (masks.safetensors in the model's folder) stays zero. A run that was killed goes on from its last
checkpoint when started again with the same flags, and ends with the same bytes (same engine and number of threads).`;

export function finetuneCommand(session: Session): Command {
  const command = new Command('finetune')
    .summary('win quality back by training')
    .description('Goes on training a model on images by the denoising loss, and writes it with a report.')
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME');
  return withTrainFlags(command)
    .addHelpText('after', examples)
    .action(async (model: string, flags: TrainFlags) => {
      const { trainAction } = await import('../train/train-action.js');
      await trainAction(session, model, flags);
    });
}
