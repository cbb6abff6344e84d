import type { Engine, Executable, Model } from '@secateur/core';
import { type Dim, type DType, evaluateGraph, GraphBuilder, symbol, type Tensor } from '@secateur/graph';

export interface FakeModelOptions {
  batch?: Dim;
  channels?: number;
  sampleDType?: DType;
  timestepDType?: DType;
  timestepShape?: readonly Dim[];
  labels?: boolean;
  extra?: string;
  scheduler?: Record<string, unknown>;
}

/** A model whose answer is half its input, of 4 x 4 pictures. */
export function fakeModel(options: FakeModelOptions = {}): Model {
  const { batch = symbol('batch'), channels = 1, sampleDType = 'float32', timestepDType = 'int64' } = options;
  const builder = new GraphBuilder('fake');
  const shape = [batch, channels, symbol('height'), symbol('width')];
  const sample = builder.input('sample', sampleDType, shape);
  builder.input('timestep', timestepDType, options.timestepShape ?? [batch]);
  if (options.labels) builder.input('class_labels', 'int64', [batch]);
  if (options.extra) builder.input(options.extra, 'float32', [batch]);
  builder.output(builder.op('Mul', [sample, builder.scalar(0.5)]), 'float32', shape, 'out_sample');
  return {
    name: 'fake',
    graph: builder.build(),
    format: 'test',
    scheduler: options.scheduler,
    sizes: { height: 4, width: 4 },
    files: async () => [],
  };
}

export type Run = (feeds: Readonly<Record<string, Tensor>>) => Record<string, Tensor>;

/** An engine on the reference evaluator, or on a function, that keeps what it was fed. */
export function fakeEngine(run?: Run): Engine & { readonly fed: Record<string, Tensor>[]; disposed: boolean } {
  const fed: Record<string, Tensor>[] = [];
  const engine = {
    name: 'fake',
    apiVersion: 1 as const,
    fed,
    disposed: false,
    describe: async () => 'fake',
    compile: async (graph: Model['graph']): Promise<Executable> => ({
      inputs: graph.inputs.map(({ name }) => name),
      outputs: graph.outputs.map(({ name }) => name),
      run: async (feeds) => {
        fed.push({ ...feeds });
        return run ? run(feeds) : evaluateGraph(graph, feeds);
      },
      dispose: async () => {
        engine.disposed = true;
      },
    }),
  };
  return engine;
}
