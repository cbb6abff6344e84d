import { Command, InvalidArgumentError, Option } from 'commander';
import type { EvalFlags } from '../eval/eval-action.js';
import type { Session } from '../session.js';
import { collect, componentOption, finiteNumber, wholeNumber } from '../shared-options.js';

const examples = `
Examples:
  $ secateur eval smaller/ --reference zoo:fashion-ddpm-32 --data zoo:fashion-mnist
  $ secateur eval smaller/ --reference unet/ --metrics ssim,psnr --count 64 --steps 100
  $ secateur eval unet/ --data images/ --features clip/onnx/vision_model.onnx --features-output image_embeds --metrics mmd
  $ secateur eval unet/ --data images/ --features inception.onnx --metrics kid --option kid.subsets=50 --json

Metrics of two sets of pictures (--data): fd, fd-infinity, kid, mmd, precision, recall; their names in the result say which
features they look through. Metrics of pairs from the same noise (--reference): ssim, psnr. output-error compares the two
models' outputs on noisy pictures of --data. Plugins add more.

Few pictures make a number worthless or biased: a warning says so. kid is unbiased from the start; fd is not.`;

export function evalCommand(session: Session): Command {
  return new Command('eval')
    .summary('how good a model’s pictures are')
    .description(
      'Draws pictures and judges them: against real ones, and against those of the dense model from the same noise.',
    )
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .addOption(componentOption())
    .option('--reference <dense>', 'the dense model, for what compares pairs; it is measured too')
    .option('--data <path>', 'real pictures: a folder of them (PNG, JPEG, WebP), an IDX file, or zoo:fashion-mnist')
    .addOption(
      new Option('--data-count <n>', 'how many of them, the first ones (default: all)').argParser(wholeNumber(1)),
    )
    .option(
      '--metrics <names>',
      'by comma (default: fd,kid with --data; ssim,psnr with --reference; output-error with both)',
    )
    .addOption(
      new Option('--option <metric.key=value>', 'option of a metric; may be given again')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--features <model>', 'ONNX file of a feature extractor (default: what suits the zoo’s data)')
    .option('--features-output <name>', 'its output that holds the features (default: the only one, or "features")')
    .addOption(new Option('--count <n>', 'pictures drawn').argParser(wholeNumber(1)).default(1000))
    .addOption(new Option('--steps <k>', 'denoising steps').argParser(wholeNumber(1)).default(50))
    .option('--sampler <name>', 'as in `secateur sample`', 'ddim')
    .addOption(new Option('--eta <n>', 'DDIM: share of noise added back, 0 to 1').argParser(share).default(0))
    .addOption(new Option('--batch <n>', 'pictures in a run of the model').argParser(wholeNumber(1)).default(32))
    .addOption(
      new Option('--classes <n>', 'class labels to draw in turn (default: the model’s own number)').argParser(
        wholeNumber(1),
      ),
    )
    .addOption(new Option('--timesteps <n>', 'how many output-error looks at').argParser(wholeNumber(1)).default(8))
    .addOption(
      new Option('--error-images <n>', 'pictures that output-error looks at').argParser(wholeNumber(1)).default(64),
    )
    .addHelpText('after', examples)
    .action(async (given: string, flags: EvalFlags) => {
      const [{ evaluateModels }, { evaluationText }] = await Promise.all([
        import('../eval/eval-action.js'),
        import('../eval/eval-text.js'),
      ]);
      const evaluation = await evaluateModels(session, given, flags);
      session.result(evaluation, () => evaluationText(evaluation));
    });
}

function share(text: string): number {
  const value = finiteNumber(text);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('It must be from 0 to 1.');
}
