import { type Engine, type Model, parametersOf } from '@secateur/core';
import {
  type Constant,
  castTensor,
  gradient,
  SecateurError,
  sizeOf,
  stridesOf,
  subgraph,
  type Tensor,
  toFloat32,
} from '@secateur/graph';
import type { Golden } from './read-golden.js';
import { largestMagnitude, relativeError } from './relative-error.js';

/** How far one tensor is from what it should be. */
export interface CheckedTensor {
  readonly tensor: string;
  readonly relativeError: number;
  readonly tolerance: number;
  readonly ok: boolean;
}

export interface CheckOptions {
  readonly engine: Engine;
  readonly threads?: number;
  readonly gradients: boolean;
  /** Default 1e-4. */
  readonly outputTolerance?: number;
  /** Default 1e-3. */
  readonly gradientTolerance?: number;
  readonly signal?: AbortSignal;
}

/** Gradients are compared on a scale of at least this share of the largest one: a zero gradient holds rounding noise. */
const GRADIENT_FLOOR = 1e-4;

const TARGET = 'secateur.target';

/**
 * Runs a model on a golden file's inputs and compares outputs, and the mean squared error's gradients.
 * @returns every tensor compared, the worst first
 * @throws {SecateurError} BAD_FILE when the golden file lacks something; what graph and engine throw
 */
export async function checkModel(model: Model, golden: Golden, options: CheckOptions): Promise<CheckedTensor[]> {
  const { outputTolerance = 1e-4 } = options;
  const checked = options.gradients
    ? await checkGradients(model, golden, options, outputTolerance)
    : [await checkOutput(model, golden, options, outputTolerance)];
  const score = ({ relativeError: error, tolerance }: CheckedTensor) => error / tolerance;
  return checked.sort((a, b) => score(b) - score(a) || (a.tensor < b.tensor ? -1 : 1));
}

async function checkOutput(
  model: Model,
  golden: Golden,
  options: CheckOptions,
  tolerance: number,
): Promise<CheckedTensor> {
  const { engine, threads, signal } = options;
  const { output } = golden;
  const executable = await engine.compile(subgraph(model.graph, [output]), { threads, signal });
  try {
    const results = await executable.run(golden.inputs, { outputs: [output], signal });
    return judge('out', relativeError('out', results[output]!, golden.out), tolerance);
  } finally {
    await executable.dispose();
  }
}

async function checkGradients(
  model: Model,
  golden: Golden,
  options: CheckOptions,
  outputTolerance: number,
): Promise<CheckedTensor[]> {
  const { engine, threads, signal, gradientTolerance = 1e-3 } = options;
  if (!golden.target || !golden.loss || golden.gradients.size === 0) {
    throw new SecateurError('BAD_FILE', `${golden.file} has no gradients to compare with.`, {
      file: golden.file,
      field: golden.target ? (golden.loss ? 'grad.' : 'loss') : 'target',
      hint: 'It must hold target, loss and grad.<parameter>; or leave --grad out.',
    });
  }
  const parameters = parametersOf(subgraph(model.graph, [golden.output]));
  const names = [...golden.gradients.keys()];
  const missing = names.filter((name) => !parameters.has(name));
  if (missing.length > 0) {
    throw new SecateurError(
      'BAD_FILE',
      `${golden.file} has gradients of ${missing.length} parameters that ${model.name} lacks, such as ${missing[0]}.`,
      {
        file: golden.file,
        field: `grad.${missing[0]}`,
      },
    );
  }
  const { output } = golden;
  const { dtype: outputType } = model.graph.outputs.find(({ name }) => name === output)!;
  const wrt = names.map((name) => parameters.get(name)!.value);
  const graph = gradient(subgraph(model.graph, [output]), {
    loss: { kind: 'mse', output, target: TARGET },
    wrt,
    keepOutputs: true,
  });
  const executable = await engine.compile(graph, { threads, signal });
  let results: Record<string, Tensor>;
  try {
    results = await executable.run({ ...golden.inputs, [TARGET]: castTensor(golden.target, outputType) }, { signal });
  } finally {
    await executable.dispose();
  }
  const floor = GRADIENT_FLOOR * Math.max(...[...golden.gradients.values()].map(largestMagnitude));
  const checked = names.map((name) => {
    const { value, constant } = parameters.get(name)!;
    const found = inCheckpointLayout(results[`grad.${value}`]!, constant);
    return judge(
      `grad.${name}`,
      relativeError(`grad.${name}`, found, golden.gradients.get(name)!, floor),
      gradientTolerance,
    );
  });
  const loss = relativeError('loss', { ...results.loss!, shape: golden.loss.shape }, golden.loss);
  return [
    judge('out', relativeError('out', results[output]!, golden.out), outputTolerance),
    judge('loss', loss, outputTolerance),
    ...checked,
  ];
}

function judge(tensor: string, error: number, tolerance: number): CheckedTensor {
  return { tensor, relativeError: error, tolerance, ok: error <= tolerance };
}

/** A tensor of a constant's layout in that of its checkpoint tensor: axes permuted, inserted ones dropped. */
export function inCheckpointLayout(tensor: Tensor, { parameter }: Pick<Constant, 'parameter'>): Tensor {
  const { axes, shape } = parameter!;
  const order = shape.map((_, axis) => axes.indexOf(axis));
  const moved = order.filter((at) => at >= 0);
  if (moved.every((at, i) => i === 0 || at > moved[i - 1]!)) return { ...tensor, shape };
  const from = stridesOf(tensor.shape);
  const to = stridesOf(shape);
  const source = toFloat32(tensor);
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i++) {
    let at = 0;
    for (const [axis, sourceAxis] of order.entries()) {
      if (sourceAxis >= 0) at += (Math.floor(i / to[axis]!) % shape[axis]!) * from[sourceAxis]!;
    }
    data[i] = source[at]!;
  }
  return { dtype: 'float32', shape, data };
}
