import { Command, InvalidArgumentError, Option } from 'commander';
import type { Sampled, SampleRequest } from '../sample/sample-to-files.js';
import type { Session } from '../session.js';
import { collect, commaList, finiteNumber, wholeNumber } from '../shared-options.js';

const examples = `
Examples:
  $ secateur sample zoo:fashion-ddpm-32 --count 16 --steps 50 --sampler ddim --out grid.png
  $ secateur sample smaller/ --count 64 --raw samples.safetensors --seed 7
  $ secateur sample stable-diffusion/ --prompt "a photo of a sneaker" --steps 20 --guidance 7.5 --out sneaker.png
  $ secateur sample stable-diffusion/ --prompts prompts.txt --count 4 --negative blurry --out a-row-a-prompt.png
  $ secateur sample stable-diffusion/ --prompt "oil painting" --image photo.png --strength 0.6 --out painting.png
  $ secateur sample hf:owner/name --prompt "the sea" --with unet=smaller/unet --offload --out sea.png
  $ secateur sample dit/ --label 207,360 --guidance 4 --out classes.png

The same seed, prompts and sampler give the pictures that diffusers gives. Models named hf:owner/name are downloaded from
the Hugging Face hub, part by part as they are needed, and kept in ~/.cache/secateur.`;

const images = 'Pictures:';
const text = 'Text and labels:';
const models = 'Models:';

export function sampleCommand(session: Session): Command {
  const command = new Command('sample')
    .summary('pictures from noise, or from text')
    .description('Draws pictures and writes them as one PNG, or as numbers.')
    .argument(
      '<model>',
      'diffusers or ONNX folder (single model or pipeline), .safetensors, .onnx, zoo:NAME or hf:owner/name',
    )
    .option('--out <file>', 'PNG to write')
    .option('--raw <file>', 'safetensors to write: samples [count, channels, height, width]')
    .option('--replace', 'replace files that exist', false);
  for (const option of options()) command.addOption(option);
  return command.addHelpText('after', examples).action(async (given: string, flags: SampleRequest) => {
    const { sampleToFiles } = await import('../sample/sample-to-files.js');
    const path = (file: string | undefined) => (file === undefined ? undefined : session.path(file));
    const input = given.startsWith('hf:') ? given : session.source(given);
    const result = await sampleToFiles(session, input, {
      ...flags,
      out: path(flags.out),
      raw: path(flags.raw),
      prompts: path(flags.prompts),
      image: path(flags.image),
    });
    session.result(result, () => summary(result));
  });
}

function options(): Option[] {
  const whole = (flags: string, what: string) => new Option(flags, what).argParser(wholeNumber(1));
  const number = (flags: string, what: string) => new Option(flags, what).argParser(finiteNumber);
  const several = (flags: string, what: string) => new Option(flags, what).argParser(collect).default([], 'none');
  return [
    whole('--count <n>', 'pictures, of each prompt or label (default: 16, of prompts and labels 1)').helpGroup(images),
    whole('--steps <k>', 'denoising steps (default: 50, or what the kind of pipeline usually takes)').helpGroup(images),
    new Option(
      '--sampler <name>',
      'ddpm, ddim, dpm-solver, euler, euler-ancestral, heun, pndm, unipc, lcm, flow-match-euler (default: the model’s own)',
    ).helpGroup(images),
    whole('--width <pixels>', 'of a picture (default: the model’s own)').helpGroup(images),
    whole('--height <pixels>', 'of a picture (default: the model’s own)').helpGroup(images),
    whole('--columns <n>', 'pictures in a row (default: a square, or a row for each prompt)').helpGroup(images),
    new Option('--image <png>', 'start from a picture instead of noise').helpGroup(images),
    number('--strength <share>', 'how much of the picture is drawn anew, in (0, 1] (default: 0.8)').helpGroup(images),
    several('--prompt <text>', 'what to draw; may be given again, may be empty').helpGroup(text),
    new Option('--prompts <file>', 'a prompt on each line; lines that start with # are left out').helpGroup(text),
    new Option('--negative <text>', 'what is not wanted').helpGroup(text),
    number(
      '--guidance <scale>',
      'how closely to follow prompt or label; 1: no guidance (default: the usual one)',
    ).helpGroup(text),
    number(
      '--guidance-rescale <share>',
      'share of the contrast that guidance adds to be taken back, in [0, 1]',
    ).helpGroup(text),
    new Option('--label <n,n>', 'class labels').argParser(labels).helpGroup(text),
    several('--with <part=model>', 'take another model for a part: unet=smaller/unet; may be given again').helpGroup(
      models,
    ),
    new Option('--offload', 'hold one model in memory at a time').default(false, 'off').helpGroup(models),
    whole('--batch <n>', 'rows at once in a model; guidance doubles them (default: 8)').helpGroup(models),
  ];
}

function labels(given: string): number[] {
  const numbers = commaList(given).map(Number);
  if (numbers.length > 0 && numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) return numbers;
  throw new InvalidArgumentError('It must be whole numbers from 0, with commas between.');
}

function summary({ files, count, steps, sampler, seed, prompts, guidance }: Sampled): string {
  const guided = guidance !== undefined && guidance > 1 ? `, guidance ${guidance}` : '';
  const pictures = count === 1 ? '1 picture' : `${count} pictures`;
  const of = prompts && prompts.length > 1 ? ` of ${prompts.length} prompts` : '';
  const taken = steps === 1 ? '1 step' : `${steps} steps`;
  return `${files.join(', ')}: ${pictures}${of}, ${taken} of ${sampler}${guided}, seed ${seed}.`;
}
