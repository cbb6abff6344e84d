import { pixelsOf } from '../layer-input.js';
import type { PendingAffine } from '../pending.js';
import type { Step } from '../step.js';
import type { Buffer } from '../view.js';

/** A norm that no layer could apply: `[batch][channels][pixels]` times scale plus shift, with SiLU or without. */
export function affineStep({ label, input }: PendingAffine, buffer: Buffer): Step {
  const { sources, affine, silu } = input;
  const [batch] = sources[0]!.shape as [number];
  const channels = sources.reduce((sum, { shape }) => sum + shape[1]!, 0);
  const pixels = pixelsOf(sources[0]!);
  return {
    label,
    kind: 'affine',
    reads: [...sources.map((source) => source.buffer), affine!.buffer],
    writes: [buffer],
    mayReuse: sources.length === 1 && sources[0]!.offset === 0 ? [[sources[0]!.buffer, buffer]] : [],
    bind({ runtime, at, base }) {
      const to = base(buffer);
      const scales = at(affine!);
      const from = sources.map((source) => ({ pointer: at(source), channels: source.shape[1]! }));
      return () => {
        for (let image = 0; image < batch; image++) {
          let first = 0;
          for (const { pointer, channels: n } of from) {
            const scale = scales + 4 * (2 * image * channels + first);
            runtime.kernels.f32_affine_planes__simd!(
              to + 4 * pixels * (image * channels + first),
              pointer + 4 * pixels * image * n,
              n,
              pixels,
              scale,
              scale + 4 * channels,
              silu ? 1 : 0,
            );
            first += n;
          }
        }
      };
    },
  };
}
