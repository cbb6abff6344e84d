import { Command } from 'commander';
import type { Session } from '../session.js';
import { componentOption } from '../shared-options.js';

const examples = `
Examples:
  $ secateur inspect zoo:fashion-ddpm-32
  $ secateur inspect unet/ --match 'mid_block.*'
  $ secateur inspect v1-5.safetensors --component vae --summary
  $ secateur inspect model.onnx --json | jq '.groups | length'`;

interface InspectOptions {
  readonly match?: string;
  readonly summary: boolean;
  readonly component?: string;
}

export function inspectCommand(session: Session): Command {
  return new Command('inspect')
    .summary('what a model is made of, and what can be pruned')
    .description(
      'Prints parameters, MACs, modules, the groups of tensors that are cut together (which tensors, which axes), and what cannot be pruned and why. Reads headers only.',
    )
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .option('--match <pattern>', 'only groups with a tensor of that name; * stands for any characters')
    .option('--summary', 'leave the groups out', false)
    .addOption(componentOption())
    .addHelpText('after', examples)
    .action(async (given: string, options: InspectOptions) => {
      const [{ loadModel }, { inspectModel }, { inspectionText }] = await Promise.all([
        import('../model/load-model.js'),
        import('../inspect/inspect-model.js'),
        import('../inspect/inspection-text.js'),
      ]);
      const model = await loadModel(session.source(given), { component: options.component });
      const inspection = inspectModel(model, { match: options.match });
      session.result(inspection, () => inspectionText(inspection, { groups: !options.summary }));
    });
}
