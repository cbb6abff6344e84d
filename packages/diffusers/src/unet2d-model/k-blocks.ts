import { activation } from '../layers/activation.js';
import { add, concat } from '../layers/combine.js';
import { conv2d } from '../layers/conv2d.js';
import { plainGroupNorm } from '../layers/group-norm.js';
import { linear } from '../layers/linear.js';
import { modulate } from '../layers/modulate.js';
import { kHalf, kTwice } from '../layers/samplers.js';
import type { Feature, ModuleBuilder } from '../module-builder.js';
import type { UNet2DBlock } from './block.js';

/** Channels of one norm group in the `K` blocks. */
const channelsPerGroup = 32;

/** KDownBlock2D: its size change comes after the last skip. */
export function kDownBlock(m: ModuleBuilder, x: Feature, block: UNet2DBlock): { out: Feature; skips: Feature[] } {
  const skips: Feature[] = [];
  for (let i = 0; i < block.layers; i++) {
    x = kResnet(m, `resnets.${i}`, x, i === 0 ? block.inChannels : block.outChannels, block.outChannels, block);
    skips.push(x);
  }
  return { out: block.last ? x : m.at('downsamplers.0', () => kHalf(m, x)), skips };
}

/** KUpBlock2D: one residual block fewer than the others, and only the last skip is read. */
export function kUpBlock(m: ModuleBuilder, x: Feature, skips: readonly Feature[], block: UNet2DBlock): Feature {
  const count = block.layers - 1;
  const below = x;
  x = concat(m, x, skips.at(-1)!);
  for (let i = 0; i < count; i++) {
    const inChannels = i === 0 ? 2 * block.outChannels : block.outChannels;
    const outChannels = i === count - 1 ? block.inChannels : block.outChannels;
    x = kResnet(m, `resnets.${i}`, x, inChannels, outChannels, block, i === 0 ? below : undefined);
  }
  return block.last ? x : m.at('upsamplers.0', () => kTwice(m, x));
}

/** ResnetBlockCondNorm2D with AdaGroupNorm: both norms take scale and shift from the time embedding. */
function kResnet(
  m: ModuleBuilder,
  path: string,
  x: Feature,
  inChannels: number,
  outChannels: number,
  block: UNet2DBlock,
  passed?: Feature,
): Feature {
  const { act_fn: act } = block.config;
  const shortcut = (): Feature =>
    inChannels === outChannels ? x : conv2d(m, 'conv_shortcut', x, { outChannels, kernel: 1, bias: false });
  return m.at(path, () => {
    if (m.isRemoved('conv_shortcut.')) return passed && m.isPassed() ? passed : shortcut();
    let hidden = adaGroupNorm(m, 'norm1', x, inChannels, block);
    hidden = conv2d(m, 'conv1', activation(m, 'nonlinearity', act, hidden), { outChannels, kernel: 3 });
    // The last residual block of an up block narrows, and still has the norm groups of the others.
    hidden = adaGroupNorm(m, 'norm2', hidden, block.outChannels, block);
    hidden = conv2d(m, 'conv2', activation(m, 'nonlinearity', act, hidden), { outChannels, kernel: 3 });
    return add(m, shortcut(), hidden);
  });
}

function adaGroupNorm(m: ModuleBuilder, path: string, x: Feature, channels: number, block: UNet2DBlock): Feature {
  const groups = Math.floor(channels / channelsPerGroup);
  return m.at(path, () => {
    const scaleAndShift = linear(m, 'linear', block.temb, 2 * x.channels);
    return modulate(m, plainGroupNorm(m, x, { groups, epsilon: block.config.norm_eps }), scaleAndShift);
  });
}
