import { Command, Option } from 'commander';
import type { Session } from '../session.js';
import { commaList, componentOption, wholeNumber } from '../shared-options.js';
import { bytes } from '../terminal/numbers.js';
import { left, right, table } from '../terminal/table.js';

const examples = `
Examples:
  $ secateur bench smaller/
  $ secateur bench model.onnx --engines ort-web,ort,wasm --threads 1 --rounds 50

Engines take turns, run by run, so that a busy machine slows all alike; the ratio is how many times as fast as the one
named first an engine is. wasm leaves out zeros: compare a masked model with a dense one. Memory is what the process holds, all
engines together: to compare engines by memory, run one at a time.`;

interface BenchFlags {
  readonly engines?: string;
  readonly rounds: number;
  readonly warmup: number;
  readonly batch: number;
  readonly component?: string;
}

export function benchCommand(session: Session): Command {
  return new Command('bench')
    .summary('latency with its spread, and peak memory')
    .description('Times single runs of a model on inputs of its usual size.')
    .argument('<model>', 'diffusers folder, .safetensors, .onnx, or zoo:NAME')
    .option('--engines <names>', 'some of ort, ort-web, wasm, by comma (default: --engine, else ort)')
    .addOption(new Option('--rounds <n>', 'timed runs of each engine').argParser(wholeNumber(1)).default(20))
    .addOption(new Option('--warmup <n>', 'runs before those').argParser(wholeNumber(0)).default(3))
    .addOption(new Option('--batch <n>', 'samples in a run').argParser(wholeNumber(1)).default(1))
    .addOption(componentOption())
    .addHelpText('after', examples)
    .action(async (given: string, flags: BenchFlags) => {
      const [{ loadModel }, { benchModel }, { engineNamed }] = await Promise.all([
        import('../model/load-model.js'),
        import('../bench/bench-model.js'),
        import('../engines.js'),
      ]);
      const { threads } = session.options;
      const names = flags.engines === undefined ? undefined : commaList(flags.engines);
      const engines = names
        ? await Promise.all(names.map((name) => engineNamed(name, threads)))
        : [await session.engine()];
      const model = await loadModel(session.source(given), { component: flags.component });
      const result = await benchModel(model, {
        engines,
        threads,
        rounds: flags.rounds,
        warmup: flags.warmup,
        batch: flags.batch,
        signal: session.signal,
        onProgress: (done, total) => session.progress.listener({ phase: 'rounds', done, total, unit: 'rounds' }),
      });
      session.result(result, () => {
        const ms = (value: number) => `${value.toPrecision(4)} ms`;
        const rows = Object.entries(result.engines).map(
          ([name, { medianMs, minMs, maxMs, ratio, peakBytes, description }]) => [
            name,
            ms(medianMs),
            `${ratio.toFixed(2)}x`,
            ms(minMs),
            ms(maxMs),
            peakBytes === undefined ? 'unknown' : bytes(peakBytes),
            description,
          ],
        );
        const columns = [
          left('engine'),
          right('median'),
          right('ratio'),
          right('min'),
          right('max'),
          right('peak memory'),
          left(''),
        ];
        return `${model.name}: batch ${flags.batch}, ${flags.rounds} rounds\n\n${table(columns, rows)}`;
      });
    });
}
