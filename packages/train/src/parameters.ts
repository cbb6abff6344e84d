import { matches } from '@secateur/core';
import { type Constant, type Graph, SecateurError, sizeOf, toFloat32 } from '@secateur/graph';

/** Float32 values by the name of the graph's constant, each of the constant's size. */
export type Values = ReadonlyMap<string, Float32Array>;

/** A weight that is trained. */
export interface Parameter {
  /** Of the graph's constant. */
  readonly value: string;
  /** In the checkpoint: how people know it. */
  readonly name: string;
  /** As the graph stores it. */
  readonly shape: readonly number[];
  /** Where the graph stores the checkpoint's axis 1, the input channels; -1 for vectors. */
  readonly inputAxis: number;
  /** Where it stores the checkpoint's axis 0, the output channels. */
  readonly outputAxis: number;
}

/**
 * The weights to be trained: those of the checkpoint that are no buffers, by `patterns` on checkpoint names (`*` stands for
 * any characters). In the graph's order.
 *
 * @throws {SecateurError} BAD_OPTION when a pattern matches none; UNKNOWN_DTYPE when one is not float32
 */
export function trainableParameters(graph: Graph, patterns: readonly string[] = ['*']): Parameter[] {
  const all = [...graph.constants].filter(([, { parameter }]) => parameter && !parameter.buffer);
  for (const pattern of patterns) {
    if (all.some(([, { parameter }]) => matches(pattern, parameter!.name))) continue;
    throw new SecateurError('BAD_OPTION', `No weight of the model is called "${pattern}".`, { field: 'parameters' });
  }
  const chosen = all.filter(([, { parameter }]) => patterns.some((pattern) => matches(pattern, parameter!.name)));
  return chosen.map(([value, constant]) => ({
    value,
    name: checkedName(constant),
    shape: constant.shape,
    inputAxis: constant.parameter!.axes.indexOf(1),
    outputAxis: constant.parameter!.axes.indexOf(0),
  }));
}

function checkedName({ dtype, parameter }: Constant): string {
  if (dtype === 'float32') return parameter!.name;
  throw new SecateurError('UNKNOWN_DTYPE', `${parameter!.name} is ${dtype}; training needs float32 weights.`, {
    field: parameter!.name,
    hint: 'Convert the model first: `secateur convert MODEL OUT --dtype fp32`.',
  });
}

/** Copies of the weights, to be changed in place. @throws {SecateurError} BAD_DATA when one is NaN or infinite */
export async function readParameters(
  graph: Graph,
  parameters: readonly Parameter[],
): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const { value, name } of parameters) {
    const read = toFloat32(await graph.constants.get(value)!.read()).slice();
    const bad = read.findIndex((number) => !Number.isFinite(number));
    if (bad >= 0) {
      throw new SecateurError('BAD_DATA', `Element ${bad} of ${name} is ${read[bad]}.`, {
        field: name,
        hint: 'The model is damaged: training cannot mend it.',
      });
    }
    values.set(value, read);
  }
  return values;
}

/** Zeros of the weights' sizes. */
export function zerosOf(values: Values): Map<string, Float32Array> {
  return new Map([...values].map(([name, { length }]) => [name, new Float32Array(length)]));
}

/** The graph with other weights; what is not given stays. Shapes stay too. */
export function withValues(graph: Graph, values: Values): Graph {
  const constants = new Map(graph.constants);
  for (const [name, data] of values) {
    const { shape, parameter } = constants.get(name)!;
    if (data.length !== sizeOf(shape)) {
      throw new SecateurError('SHAPE_MISMATCH', `${name} is [${shape}]; ${data.length} values given.`, { field: name });
    }
    const value = { dtype: 'float32', shape, data } as const;
    constants.set(name, { dtype: 'float32', shape, value, read: async () => value, parameter });
  }
  return { ...graph, constants };
}
