import { readFile } from 'node:fs/promises';
import type { Engine, Model } from '@secateur/core';
import { modelFromWeights, weightsFrom } from '@secateur/diffusers';
import { type Constant, constantOf, float32, type Tensor } from '@secateur/graph';
import { createSampler } from '@secateur/samplers';
import { fixturePath, loadFixtureTensors, namedWeights } from '@secateur/testkit';
import { adamw, sampleSet, sgd, type TrainOptions } from '@secateur/train';
import { zooImages } from '@secateur/zoo/node';

/** A run of tools/reference/train_steps.py. */
export interface PytorchRun {
  readonly model: Model;
  readonly options: TrainOptions;
  readonly losses: readonly number[];
  /** Final weights by name. */
  readonly weights: Readonly<Record<string, Float32Array>>;
  /** Initial weights by name. */
  readonly initial: Readonly<Record<string, Float32Array>>;
  /** Tensors whose true gradient is zero. */
  readonly zeroGradient: readonly string[];
}

interface Settings {
  readonly steps: number;
  readonly batch: number;
  readonly images: number;
  readonly seed: number;
  readonly clip: number;
  readonly optimizers: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly 'zero-gradient': readonly string[];
}

export async function pytorchRun(name: 'sgd' | 'adamw', engine: Engine): Promise<PytorchRun> {
  const [settings, config] = (await Promise.all(
    ['settings', 'config'].map(async (file) =>
      JSON.parse(await readFile(fixturePath(`train-tiny/${file}.json`), 'utf8')),
    ),
  )) as [Settings, Record<string, unknown>];
  const { losses, ...weights } = loadFixtureTensors(`train-tiny/${name}.safetensors`);
  const initial = Object.fromEntries(
    Object.entries(weights).map(([key, { shape }]) => [key, namedWeights(key, shape)]),
  );
  const constants = new Map<string, Constant>();
  for (const [key, values] of Object.entries(initial))
    constants.set(key, constantOf(float32(weights[key].shape, values)));
  const { learningRate, ...optimizer } = settings.optimizers[name];
  return {
    model: modelFromWeights('train-tiny', config, weightsFrom(constants)),
    options: {
      engine,
      data: sampleSet({ samples: cropped(await zooImages({ count: settings.images }), config.sample_size as number) }),
      sampler: createSampler({ _class_name: 'DDPMScheduler' }),
      steps: settings.steps,
      batchSize: settings.batch,
      seed: settings.seed,
      clip: settings.clip,
      learningRate,
      optimizer: name === 'sgd' ? sgd(optimizer) : adamw(optimizer),
      threads: 1,
    },
    losses: Array.from(losses.data as Float64Array),
    weights: Object.fromEntries(Object.entries(weights).map(([key, { data }]) => [key, data as Float32Array])),
    initial,
    zeroGradient: settings['zero-gradient'],
  };
}

/** The middle of each picture. */
function cropped(images: Tensor, size: number): Tensor {
  const [count, channels, height, width] = images.shape;
  const top = (height - size) / 2;
  const left = (width - size) / 2;
  const data = new Float32Array(count * channels * size * size);
  const from = images.data as Float32Array;
  for (let i = 0; i < count * channels; i++) {
    for (let y = 0; y < size; y++) {
      const start = (i * height + top + y) * width + left;
      data.set(from.subarray(start, start + size), (i * size + y) * size);
    }
  }
  return float32([count, channels, size, size], data);
}
