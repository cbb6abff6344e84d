import { castTensor, defaultOps, evaluateNode, type GraphNode, opKey, type Tensor, toFloat32 } from '@secateur/graph';
import type { Lowering } from '../lowering.js';
import type { Step } from '../step.js';
import { gathered } from '../strided.js';
import { type Value, widened } from '../values.js';
import type { View } from '../view.js';

/**
 * Operators without kernels, and forms of others that the kernels do not have, are computed in plain JavaScript, on copies. Denoisers
 * have them in embeddings of timesteps and classes, masks and shapes, where their cost is not felt.
 */
const names =
  'Abs Add And ArgMax ArgMin AveragePool Cast CastLike Ceil Clip Concat Constant ConstantOfShape Cos Div Dropout ' +
  'Einsum Equal Erf Exp Expand Flatten Floor Gather GatherND Gelu Gemm GlobalAveragePool Greater GreaterOrEqual ' +
  'Identity InstanceNormalization IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log MatMul Max MaxPool ' +
  'Min Mod Mul Neg Not Or Pad Pow RMSNormalization Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ' +
  'ReduceProd ReduceSum Relu Reshape Resize Shape Sigmoid Sign Sin Size Slice Softmax Softplus Split Sqrt Squeeze ' +
  'Sub Swish Tanh Tile Transpose Trilu Unsqueeze Where';

export const plainOps: ReadonlySet<string> = new Set([
  ...names.split(' ').map((name) => opKey(name)),
  opKey('QuickGelu', 'com.microsoft'),
]);

/** The node in plain JavaScript. */
export function plain(lowering: Lowering, node: GraphNode): readonly Value[] {
  const inputs = node.inputs.map((name) => {
    const value = name ? lowering.value(name) : undefined;
    return value?.kind === 'view' ? lowering.ready(value) : value;
  });
  const outputs = node.outputs.map((name): Value | undefined => {
    if (!name) return undefined;
    const shape = lowering.shapeOf(name);
    return lowering.isResident(name) ? lowering.make(name, shape) : { kind: 'host', label: name, shape };
  });
  const dtypes = node.outputs.map((name) => (name ? lowering.types.get(name)!.dtype : undefined));
  lowering.emit(
    tensorStep(node.name, `plain ${node.op}`, inputs, outputs, (given) =>
      evaluateNode(defaultOps, node, lowering.graph.opset, given).map((value, k) =>
        dtypes[k] && outputs[k]?.kind === 'host' ? castTensor(value, dtypes[k]) : value,
      ),
    ),
  );
  return outputs as readonly Value[];
}

/** A step that takes tensors out of the engine's memory and puts tensors back. */
export function tensorStep(
  label: string,
  kind: string,
  inputs: readonly (Value | undefined)[],
  outputs: readonly (Value | undefined)[],
  compute: (inputs: readonly (Tensor | undefined)[]) => readonly Tensor[] | Promise<readonly Tensor[]>,
): Step {
  const isView = (value: Value | undefined): value is View => value?.kind === 'view';
  const known = new Map<Value, Tensor>();
  return {
    label,
    kind,
    reads: inputs.filter(isView).map((view) => view.buffer),
    writes: outputs.filter(isView).map((view) => view.buffer),
    async prepare() {
      for (const value of inputs) {
        if (value?.kind === 'constant') known.set(value, widened(value.value ?? (await value.read())));
      }
    },
    bind({ runtime, at, tensors }) {
      const read = (value: Value | undefined): Tensor | undefined => {
        if (!value) return undefined;
        if (value.kind === 'host') return widened(tensors.get(value.label)!);
        if (value.kind === 'constant') return known.get(value);
        const floats = new Float32Array(runtime.kernels.memory.buffer);
        return { dtype: 'float32', shape: value.shape, data: gathered(floats, at(value) / 4, value) };
      };
      const write = (results: readonly Tensor[]): void => {
        for (const [k, value] of outputs.entries()) {
          if (!value || !results[k]) continue;
          if (value.kind === 'host') tensors.set(value.label, results[k]);
          else if (isView(value))
            new Float32Array(runtime.kernels.memory.buffer).set(toFloat32(results[k]), at(value) / 4);
        }
      };
      return () => {
        const results = compute(inputs.map(read));
        return results instanceof Promise ? results.then(write) : write(results);
      };
    },
  };
}
