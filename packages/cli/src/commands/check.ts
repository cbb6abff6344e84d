import { Command } from 'commander';
import { exitCodes } from '../exit-codes.js';
import type { Session } from '../session.js';
import { componentOption, finiteNumber } from '../shared-options.js';
import { left, right, table } from '../terminal/table.js';

const examples = `
Examples:
  $ secateur check unet/ golden.safetensors
  $ secateur check model.onnx golden.safetensors --grad

GOLDEN holds in.<input> for every input and out; for --grad also target, loss and grad.<parameter>, in PyTorch's layout.
The error is max|a-b| / max|b|; for gradients the denominator is at least 1e-4 of the largest gradient in the file.
Exits with 1 when an error is above the tolerance.`;

/** How many tensors are printed. */
const SHOWN = 10;

interface CheckFlags {
  readonly grad: boolean;
  readonly tolerance?: number;
  readonly component?: string;
}

export function checkCommand(session: Session): Command {
  return new Command('check')
    .summary('compare a model’s numbers with a golden file')
    .description(
      'Runs a model on known inputs and compares its outputs, and with --grad its gradients, with known ones.',
    )
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .argument('<golden>', 'safetensors file of inputs and right answers')
    .option('--grad', 'compare the loss and every parameter’s gradient too', false)
    .option('--tolerance <t>', 'for everything (default: 1e-4 for outputs, 1e-3 for gradients)', finiteNumber)
    .addOption(componentOption())
    .addHelpText('after', examples)
    .action(async (given: string, goldenPath: string, flags: CheckFlags) => {
      const [{ loadModel }, { readGolden }, { checkModel }] = await Promise.all([
        import('../model/load-model.js'),
        import('../check/read-golden.js'),
        import('../check/check-model.js'),
      ]);
      const model = await loadModel(session.source(given), { component: flags.component });
      const golden = await readGolden(session.path(goldenPath), model.graph);
      const engine = await session.engine();
      const checked = await checkModel(model, golden, {
        engine,
        threads: session.options.threads,
        gradients: flags.grad,
        outputTolerance: flags.tolerance,
        gradientTolerance: flags.tolerance,
        signal: session.signal,
      });
      const failed = checked.filter(({ ok }) => !ok).length;
      if (failed > 0) session.exitCode = exitCodes.failed;
      const result = {
        ok: failed === 0,
        checked: checked.length,
        failed,
        engine: await engine.describe(),
        tensors: checked,
      };
      session.result(result, () => {
        const rows = checked
          .slice(0, SHOWN)
          .map(({ tensor, relativeError, tolerance, ok }) => [
            tensor,
            relativeError.toExponential(2),
            tolerance.toExponential(0),
            ok ? 'ok' : 'TOO FAR',
          ]);
        const title = `${checked.length === 1 ? 'tensor' : `worst of ${checked.length} tensors`}`;
        const verdict = failed === 0 ? 'All within tolerance.' : `${failed} of ${checked.length} above tolerance.`;
        return `${table([left(title), right('error'), right('tolerance'), left('')], rows)}\n\n${verdict}`;
      });
    });
}
