import { getInt, sizeOf } from '@secateur/graph';
import { layerInput } from '../layer-input.js';
import { type LayerRequest, packNameOf } from '../layer-request.js';
import type { PendingProduct } from '../pending.js';
import { newBuffer, type View, wholeView } from '../view.js';
import { type Geometry, geometryOf } from './conv-geometry.js';
import type { NodeContext, OpLowering } from './op-lowering.js';
import { patches } from './patches.js';

/** Largest kernel, and stride, that the convolution kernels take; others go by way of patches. */
const [mostKernel, mostStride] = [7, 2];

export const conv: OpLowering = {
  op: 'Conv',
  lower(context) {
    const given = context.value(1);
    const weight = given.kind === 'view' ? context.lowering.ready(given) : given;
    const shape = context.outputShape();
    if (weight.kind === 'host' || shape.length > 4) return context.refuse('is no convolution over one or two axes');
    const bias = context.constant(2);
    if (context.has(2) && !bias) return context.refuse('has a bias that changes between runs');
    const geometry = geometryOf(context.node, weight.shape, context.shape(0));
    const { kernel, stride, dilation } = geometry;
    const isDirect =
      Math.max(...kernel) <= mostKernel &&
      stride[0] === stride[1] &&
      stride[0] <= mostStride &&
      Math.max(...dilation) === 1;
    const [inputs, outputs] = [context.shape(0)[1]!, shape[1]!];
    const groups = getInt(context.node, 'group', 1);
    const [batch, pixels] = [shape[0]!, sizeOf(shape.slice(2))];
    const common = {
      node: context.label,
      weight,
      packName: packNameOf(weight, ''),
      rows: (values: Float32Array) => spread(values, outputs, groups),
      macs: batch * pixels * sizeOf(weight.shape),
    };
    const x = context.view(0);
    const request: LayerRequest = isDirect
      ? { ...common, shape: { outputs, inputs, kernel }, size: { convolution: convolutionOf(geometry, x) } }
      : {
          ...common,
          shape: { outputs, inputs: inputs * sizeOf(kernel) },
          size: { linear: { tokens: pixels, batch } },
        };
    return [
      product(context, request, isDirect ? x : patches(context.lowering, x, geometry), { batch, outputs, pixels }),
    ];
  },
};

function convolutionOf({ height, width, stride, before, after }: Geometry, x: View) {
  return {
    height,
    width,
    batch: x.shape[0]!,
    stride: stride[0] as 1 | 2,
    padding: [before[0], before[1], after[0], after[1]] as const,
  };
}

/** The layer, pending. A picture that is enlarged is enlarged as it is read. */
function product(
  context: NodeContext,
  request: LayerRequest,
  x: View,
  sizes: Pick<PendingProduct, 'batch' | 'outputs' | 'pixels'>,
): View {
  const { lowering, label } = context;
  const isStrided = 'convolution' in request.size && request.size.convolution.stride === 2;
  const isPointwise = sizeOf(request.shape.kernel ?? []) === 1;
  const abilities = { affine: !isStrided, upsample: !isStrided && !isPointwise };
  const input = layerInput(lowering, x, [...x.shape.keys()], abilities);
  const { size } = request;
  const layer =
    input.upsample && 'convolution' in size
      ? {
          ...request,
          size: {
            convolution: {
              ...size.convolution,
              height: size.convolution.height / 2,
              width: size.convolution.width / 2,
              upsample: true,
            },
          },
        }
      : request;
  const bias = context.constant(2);
  const pending: PendingProduct = { kind: 'product', label, layer, input, biases: bias ? [bias] : [], ...sizes };
  const shape = context.outputShape();
  return wholeView(newBuffer(label, sizeOf(shape), pending), shape);
}

/**
 * Weights of a convolution in groups, `[outputs, inputs / groups, ...kernel]`, as those of one over all inputs: what is between the
 * groups are zeros, which the kernels leave out.
 */
function spread(values: Float32Array, outputs: number, groups: number): Float32Array {
  if (groups === 1) return values;
  const row = values.length / outputs;
  const wide = row * groups;
  const result = new Float32Array(outputs * wide);
  for (let k = 0; k < outputs; k++) {
    const group = Math.floor(k / (outputs / groups));
    result.set(values.subarray(k * row, (k + 1) * row), k * wide + group * row);
  }
  return result;
}
