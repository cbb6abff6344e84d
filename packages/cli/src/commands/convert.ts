import { Command, Option } from 'commander';
import type { Session } from '../session.js';
import { componentOption } from '../shared-options.js';
import { fileList } from '../terminal/file-list.js';

const examples = `
Examples:
  $ secateur convert unet/ model.onnx
  $ secateur convert unet/ unet-fp16/ --dtype fp16
  $ secateur convert unet/ both/ --to diffusers,onnx
  $ secateur convert v1-5.safetensors vae/ --component vae --to diffusers`;

interface ConvertOptions {
  readonly to?: string;
  readonly dtype?: string;
  readonly standalone: boolean;
  readonly replace: boolean;
  readonly component?: string;
}

export function convertCommand(session: Session): Command {
  return new Command('convert')
    .summary('between formats and dtypes')
    .description(
      'Writes a model in another format or dtype. An OUT that ends in .onnx is one file; anything else is a folder.',
    )
    .argument('<in>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .argument('<out>', 'a new .onnx file or folder')
    .addOption(
      new Option(
        '--to <kinds>',
        'diffusers, onnx, single-file or several, by comma (default: from OUT, else as the input)',
      ),
    )
    .option('--dtype <name>', 'fp32, fp16 or bf16 (default: as they are)')
    .option('--standalone', 'ONNX holds its own weights instead of pointing into the checkpoint beside it', false)
    .addOption(componentOption())
    .option('--replace', 'replace what is at OUT', false)
    .addHelpText('after', examples)
    .action(async (given: string, givenOut: string, options: ConvertOptions) => {
      const { convertModel } = await import('../model/convert-model.js');
      const result = await convertModel({
        input: session.source(given),
        component: options.component,
        out: session.path(givenOut),
        to: options.to,
        dtype: options.dtype,
        standalone: options.standalone,
        replace: options.replace,
        signal: session.signal,
        onProgress: session.onWritten,
      });
      session.result(result, () => fileList(result.out, result.files));
    });
}
