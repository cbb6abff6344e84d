import type { Layer } from '@secateur/sparse-wasm';
import type { Assets } from '../assets.js';
import type { PendingProduct } from '../pending.js';
import type { Step } from '../step.js';
import { gathered } from '../strided.js';
import type { Buffer, View } from '../view.js';

/** Runs a layer with all that it took over: norm and SiLU on the way in, bias, time embedding and residual on the way out. */
export function productStep(product: PendingProduct, buffer: Buffer): Step {
  const { label, layer: request, input, biases, residual } = product;
  const { weight } = request;
  const imageBias = product.imageBias;
  const views = [...input.sources, input.affine, imageBias, residual].filter((view) => view !== undefined);
  const takesResidual = residual && residual.offset === 0 && !input.sources.some((s) => s.buffer === residual.buffer);
  let layer: Layer | undefined;
  let assets: Assets | undefined;
  return {
    label,
    kind: 'convolution' in request.size ? 'convolution' : 'linear',
    reads: [...views, ...(weight.kind === 'view' ? [weight] : [])].map((view) => view.buffer),
    writes: [buffer],
    macs: request.macs,
    mayReuse: takesResidual ? [[residual.buffer, buffer]] : [],
    async prepare(given) {
      assets = given;
      if (weight.kind === 'constant') layer = await given.layer(request, weight, biases);
    },
    bind({ runtime, at, base }) {
      const sources = input.sources.map((source) => ({ at: at(source), channels: source.shape[1]! }));
      const optional = (view: View | undefined) => (view ? at(view) : undefined);
      const options = {
        affine: optional(input.affine),
        silu: input.silu,
        bias: optional(imageBias),
        residual: optional(residual),
      };
      const to = base(buffer);
      if (weight.kind === 'constant') return () => layer!.run(sources, to, options);
      const from = at(weight) / 4;
      return () => {
        const values = gathered(new Float32Array(runtime.kernels.memory.buffer), from, weight);
        const made = assets!.pack(request, request.rows(values)).layer;
        made.run(sources, to, options);
        made.free();
      };
    },
  };
}
