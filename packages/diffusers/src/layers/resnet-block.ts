import type { Feature, ModuleBuilder } from '../module-builder.js';
import { type Activation, activation } from './activation.js';
import { add, divide } from './combine.js';
import { conv2d } from './conv2d.js';
import { groupNorm } from './group-norm.js';
import { linear, type Rows } from './linear.js';
import { modulate, overPixels } from './modulate.js';

/** Doubles or halves height and width inside a residual block. */
export type Resample = (m: ModuleBuilder, x: Feature) => Feature;

export interface ResnetBlockOptions {
  /** Channels by the configuration. */
  inChannels: number;
  outChannels: number;
  groups: number;
  /** Norm groups of the second norm. Default: `groups`. */
  groupsOut?: number;
  epsilon: number;
  act: Activation;
  timeScaleShift: 'default' | 'scale_shift';
  /** Default 1. */
  outputScale?: number;
  /** Default: only where the channels change. */
  shortcut?: boolean;
  /** The part of the input that is no skip: what the block hands on when it was removed with its shortcut. */
  passed?: Feature;
  resample?: Resample;
}

/**
 * ResnetBlock2D: norm, act, conv, add or modulate by the time embedding, norm, act, conv, add the input.
 *
 * @param x  `[batch, inChannels, height, width]`
 * @param temb  `[batch, time embedding width]`; none in models that know no time
 */
export function resnetBlock(
  m: ModuleBuilder,
  path: string,
  x: Feature,
  temb: Rows | undefined,
  options: ResnetBlockOptions,
): Feature {
  const { outChannels, epsilon, act, groups, resample, outputScale = 1 } = options;
  return m.at(path, () => {
    if (m.isRemoved('conv_shortcut.')) return removedBlock(m, x, options);
    let hidden = activation(m, 'nonlinearity', act, groupNorm(m, 'norm1', x, { groups, epsilon }));
    let input = x;
    if (resample) {
      input = resample(m, input);
      hidden = resample(m, hidden);
    }
    hidden = conv2d(m, 'conv1', hidden, { outChannels, kernel: 3 });
    hidden = secondNorm(m, hidden, temb, options);
    hidden = activation(m, 'nonlinearity', act, hidden);
    hidden = conv2d(m, 'conv2', hidden, { outChannels, kernel: 3 });
    return divide(m, add(m, shortcut(m, input, options), hidden), outputScale);
  });
}

/** The second norm, and what the time embedding adds before it or changes behind it. */
function secondNorm(m: ModuleBuilder, x: Feature, temb: Rows | undefined, options: ResnetBlockOptions): Feature {
  const norm = { groups: options.groupsOut ?? options.groups, epsilon: options.epsilon };
  if (!temb) return groupNorm(m, 'norm2', x, norm);
  const active = activation(m, 'nonlinearity', options.act, temb);
  if (options.timeScaleShift === 'default') {
    const shift = overPixels(m, linear(m, 'time_emb_proj', active, x.channels));
    return groupNorm(m, 'norm2', { ...x, value: m.graph.op('Add', [x.value, shift]) }, norm);
  }
  const scaleAndShift = linear(m, 'time_emb_proj', active, 2 * x.channels);
  return modulate(m, groupNorm(m, 'norm2', x, norm), scaleAndShift);
}

function shortcut(m: ModuleBuilder, input: Feature, options: ResnetBlockOptions): Feature {
  const { inChannels, outChannels } = options;
  if (!(options.shortcut ?? inChannels !== outChannels)) return input;
  return conv2d(m, 'conv_shortcut', input, { outChannels, kernel: 1 });
}

/** What is left of a removed block: how its input gets past it. It computes what a block does whose last layer is zero. */
function removedBlock(m: ModuleBuilder, x: Feature, options: ResnetBlockOptions): Feature {
  const { resample, passed, outputScale = 1 } = options;
  if (passed && m.isPassed()) return divide(m, passed, outputScale);
  return divide(m, shortcut(m, resample ? resample(m, x) : x, options), outputScale);
}
