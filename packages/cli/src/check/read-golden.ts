import { nodeFile } from '@secateur/core/node';
import {
  castTensor,
  float32,
  type Graph,
  SecateurError,
  shapeText,
  sizeOf,
  subgraph,
  type Tensor,
  type ValueInfo,
} from '@secateur/graph';
import { readSafetensors } from '@secateur/safetensors';

/** The one input that a golden file may lack. */
const MASK = 'attention_mask';

/** What a model is known to give: `in.<input>`, `out`, and with gradients `target`, `loss`, `grad.<parameter>`. */
export interface Golden {
  readonly file: string;
  /** The graph's output that `out` is compared with. */
  readonly output: string;
  /** By input name, in the dtype of the graph's input. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly out: Tensor;
  readonly target?: Tensor;
  readonly loss?: Tensor;
  /** By checkpoint name. */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/**
 * Reads what a golden file says of the first of the graph's outputs whose inputs it has: a model of several parts, such as
 * an autoencoder, is checked part by part. An output of one input takes the file's one input, whatever that is called. Without an
 * `in.attention_mask` every token counts.
 *
 * @throws {SecateurError} BAD_FILE when the file is damaged or lacks a tensor that the graph needs; IO
 */
export async function readGolden(path: string, graph: Graph): Promise<Golden> {
  const source = await nodeFile(path);
  try {
    const { tensors } = await readSafetensors(source);
    const read = async (name: string): Promise<Tensor> => {
      const entry = tensors.get(name);
      if (entry) return entry.read();
      throw new SecateurError('BAD_FILE', `${path} has no tensor "${name}".`, {
        file: path,
        field: name,
        hint: 'A golden file holds in.<input> for every input of the model, and out; for --grad also target, loss and grad.<parameter>.',
      });
    };
    const { output, sources } = sourcesOf(graph, [...tensors.keys()]);
    const inputs: Record<string, Tensor> = {};
    for (const [{ name, dtype }, source] of sources) {
      if (name !== MASK || tensors.has(source)) inputs[name] = castTensor(await read(source), dtype);
    }
    const mask = sources.find(([{ name }]) => name === MASK && !inputs[name])?.[0];
    if (mask) inputs[MASK] = onesLike(mask, graph, inputs);
    const optional = (name: string) => (tensors.has(name) ? read(name) : undefined);
    const gradients = new Map<string, Tensor>();
    for (const name of tensors.keys()) if (name.startsWith('grad.')) gradients.set(name.slice(5), await read(name));
    return {
      file: path,
      output,
      inputs,
      out: await read('out'),
      target: await optional('target'),
      loss: await optional('loss'),
      gradients,
    };
  } finally {
    await source.close?.();
  }
}

/** The file's tensor for every input of the output that is compared; of the first output when none has all. */
function sourcesOf(graph: Graph, stored: readonly string[]): { output: string; sources: [ValueInfo, string][] } {
  const given = stored.filter((name) => name.startsWith('in.'));
  const candidates = graph.outputs.map(({ name: output }) => {
    const { inputs } = subgraph(graph, [output]);
    const only = inputs.length === 1 && graph.inputs.length === 1 && given.length === 1 ? given[0] : undefined;
    const sources = inputs.map((input): [ValueInfo, string] => [input, only ?? `in.${input.name}`]);
    return { output, sources };
  });
  const isThere = ([{ name }, source]: [ValueInfo, string]) => name === MASK || given.includes(source);
  return candidates.find(({ sources }) => sources.every(isThere)) ?? candidates[0]!;
}

/** The mask of a text encoder that lets every token count, of the shape of the input that has the same axes. */
function onesLike(mask: ValueInfo, graph: Graph, inputs: Readonly<Record<string, Tensor>>): Tensor {
  const like = graph.inputs.find(({ name, shape }) => name !== MASK && shapeText(shape) === shapeText(mask.shape));
  const shape = (like && inputs[like.name]?.shape) ?? [];
  return castTensor(float32(shape, new Float32Array(sizeOf(shape)).fill(1)), mask.dtype);
}
