import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Model, memoryFolder, parametersOf } from '@secateur/core';
import { bytesOf, castTensor, type DType, float32, sizeOf, type Tensor, tensor } from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import { fixturePath, namedWeights } from '@secateur/testkit';

/** One export of `tools/reference/onnx_exports.py`: where its weights belong, and what PyTorch computes. */
export interface Exported {
  readonly family: string;
  /** Weights and inputs in half precision; PyTorch computed in single precision from the same rounded numbers. */
  readonly half: boolean;
  /** Shape of every parameter of the checkpoint. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Which parameter every initialiser is, found by comparing values, in the order of their bytes. */
  readonly weights: Readonly<Record<string, { readonly parameter: string; readonly axes: readonly (number | null)[] }>>;
  readonly inputs: Inputs;
  readonly out: Numbers;
  readonly loss: number;
  /** Of every gradient the sum of products with the numbers of `probe.<name>`, and the largest magnitude. */
  readonly gradients: Readonly<Record<string, readonly [product: number, largest: number]>>;
  /** At another batch, size and length, where the export has them free: the first 64 numbers of the output. */
  readonly other: Numbers & { readonly inputs: Inputs };
}

type Inputs = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly dtype: string; readonly values?: readonly number[] }>
>;

interface Numbers {
  readonly shape: readonly number[];
  readonly base64: string;
}

export function readExported(name: string): Exported {
  return JSON.parse(gunzipSync(readFileSync(fixturePath(`onnx-exports/${name}.json.gz`))).toString());
}

/** The model as a user has it: an ONNX file with its weights beside it. */
export function loadExported(name: string, exported: Exported): Promise<Model> {
  const onnx = new Uint8Array(gunzipSync(readFileSync(fixturePath(`onnx-exports/${name}.onnx.gz`))));
  const parts = Object.values(exported.weights).map(({ parameter, axes }) => {
    const value = arranged(parameter, exported.shapes[parameter]!, axes);
    return bytesOf(exported.half ? castTensor(value, 'float16') : value);
  });
  return onnxFormat.load({ folder: memoryFolder({ 'model.onnx': onnx, weights: Buffer.concat(parts) }) });
}

/** A parameter's numbers in the layout of its initialiser: as they are, transposed, or with axes of size 1. */
function arranged(parameter: string, shape: readonly number[], axes: readonly (number | null)[]): Tensor {
  const values = namedWeights(parameter, shape);
  if (axes[0] !== 1 || axes[1] !== 0) return float32([values.length], values);
  const [rows, columns] = shape as [number, number];
  return float32(
    [values.length],
    Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!),
  );
}

/** Inputs in the types of the graph's own. */
export function feedsOf({ graph }: Pick<Model, 'graph'>, inputs: Inputs): Record<string, Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, dtype }) => {
      const { shape, values } = inputs[name]!;
      const size = sizeOf(shape);
      const given: Tensor = values
        ? tensor('float64', shape, Float64Array.from(values))
        : float32(shape, namedWeights(`in.${name}`, [size, 1]));
      return [name, castTensor(given, dtype)];
    }),
  );
}

export function numbersOf({ base64 }: Numbers): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, 'base64')).buffer);
}

/** Target of the loss, in the type of the output. */
export function targetOf({ out }: Exported, dtype: DType): Tensor {
  return castTensor(float32(out.shape, namedWeights('target', [sizeOf(out.shape), 1])), dtype);
}

/** `max|a - b| / max|b|` over the first numbers of `a`. */
export function relativeTo(a: Float32Array, b: Float32Array): number {
  let [largest, size] = [0, 0];
  b.forEach((value, i) => {
    const difference = Math.abs(a[i]! - value);
    if (!(difference <= largest)) largest = difference;
    size = Math.max(size, Math.abs(value));
  });
  return largest / size;
}

/** Checkpoint shape of every parameter that the imported graph knows. */
export function shapesIn(model: Model): Record<string, readonly number[]> {
  return Object.fromEntries(
    [...parametersOf(model.graph)].map(([name, { constant }]) => [name, constant.parameter!.shape]),
  );
}
