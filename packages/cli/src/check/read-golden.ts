import { nodeFile } from '@secateur/core/node';
import { castTensor, type Graph, SecateurError, type Tensor } from '@secateur/graph';
import { readSafetensors } from '@secateur/safetensors';

/** What a model is known to give: `in.<input>`, `out`, and with gradients `target`, `loss`, `grad.<parameter>`. */
export interface Golden {
  readonly file: string;
  /** By input name, in the dtype of the graph's input. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly out: Tensor;
  readonly target?: Tensor;
  readonly loss?: Tensor;
  /** By checkpoint name. */
  readonly gradients: ReadonlyMap<string, Tensor>;
}

/** @throws {SecateurError} BAD_FILE when the file is damaged or lacks a tensor that the graph needs; IO */
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
    const inputs: Record<string, Tensor> = {};
    for (const { name, dtype } of graph.inputs) inputs[name] = castTensor(await read(`in.${name}`), dtype);
    const optional = (name: string) => (tensors.has(name) ? read(name) : undefined);
    const gradients = new Map<string, Tensor>();
    for (const name of tensors.keys()) if (name.startsWith('grad.')) gradients.set(name.slice(5), await read(name));
    return {
      file: path,
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
