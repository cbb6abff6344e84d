import { referenceEngine } from '@secateur/core/conformance';
import { float32, int64, type Tensor, toFloat32 } from '@secateur/graph';
import { expectClose, seededTensor } from '@secateur/testkit';
import { denoising, featureDistillation, guidedDistillation, type LossTerm, outputDistillation } from '@secateur/train';
import { describe, expect, it } from 'vitest';
import { featureTaps } from '../src/losses/feature-taps.js';
import { bindInputs, inputNames, isDoubled, termOutput, trainingGraph } from '../src/losses/training-graph.js';
import { tinyDenoiser } from './support/tiny-denoiser.js';

const BATCH = 2;
const student = tinyDenoiser({ seed: 1 });
const teacher = tinyDenoiser({ seed: 2 });
const target = seededTensor(20, [BATCH, 2, 2, 2]);
const share = float32([BATCH], [0.5, 0.25]);

interface Outputs {
  readonly out: Float32Array;
  readonly first: Float32Array;
}

async function outputsOf(model: typeof student, feeds: Record<string, Tensor>): Promise<Outputs> {
  const first = featureTaps(model.graph, model.graph, ['first'])[0].student;
  const graph = {
    ...model.graph,
    outputs: [...model.graph.outputs, { name: first, dtype: 'float32', shape: [1, 4] } as const],
  };
  const results = await (await referenceEngine().compile(graph)).run(feeds);
  return { out: toFloat32(results.out), first: toFloat32(results[first]) };
}

/** Losses by term and the gradient of the sum weighted by `share`, checked by central differences on every weight. */
async function check(
  terms: readonly LossTerm[],
  more: { mask?: Tensor; weighting?: number[]; guidance?: number[] } = {},
  given: { student: typeof student; teacher: typeof student } = { student, teacher },
) {
  const rows = isDoubled(terms) ? 2 * BATCH : BATCH;
  const feeds: Record<string, Tensor> = {
    sample: seededTensor(9, [rows, 2, 2, 2]),
    timestep: int64(Array.from({ length: rows }, (_, i) => 100 + 300 * i)),
  };
  const shapes = { sample: feeds.sample.shape, timestep: [rows] };
  const graph = bindInputs(given.student.graph, shapes);
  const taps = terms.flatMap((term) =>
    term.kind === 'features' ? [featureTaps(graph, bindInputs(given.teacher.graph, shapes), term.at)] : [],
  );
  const wrt = ['first.weight', 'second.bias'];
  const training = trainingGraph({
    graph,
    batch: BATCH,
    targetChannels: 2,
    terms,
    taps,
    maskShape: more.mask?.shape,
    wrt,
  });
  const executable = await referenceEngine().compile(training, { variable: wrt });
  const theirs = await outputsOf(given.teacher, feeds);
  const values: Record<string, Tensor> = {
    [inputNames.target]: target,
    [inputNames.teacher]: float32([rows, 2, 2, 2], theirs.out),
    [inputNames.feature(0)]: float32([rows, 4], theirs.first),
    [inputNames.share]: share,
    [inputNames.weighting]: float32([BATCH], more.weighting ?? [1, 1]),
    [inputNames.guidance]: float32([BATCH], more.guidance ?? [1, 1]),
    ...(more.mask && { [inputNames.mask]: more.mask }),
  };
  const run = async (weights: Record<string, Tensor>) =>
    executable.run(
      Object.fromEntries(executable.inputs.map((name) => [name, (weights[name] ?? feeds[name] ?? values[name])!])),
    );
  const start = Object.fromEntries(wrt.map((name) => [name, graph.constants.get(name)!.value!]));
  const results = await run(start);
  const losses = terms.map((_, i) => Array.from(toFloat32(results[termOutput(i)])));
  const totalOf = (found: Record<string, Tensor>) =>
    terms.reduce((sum, { weight }, i) => {
      const each = toFloat32(found[termOutput(i)]);
      return sum + weight * (each[0] * 0.5 + each[1] * 0.25);
    }, 0);
  for (const name of wrt) {
    const gradient = toFloat32(results[`grad.${name}`]);
    const numeric = new Float32Array(gradient.length);
    for (let i = 0; i < gradient.length; i++) {
      const at = async (delta: number) => {
        const data = toFloat32(start[name]).slice();
        data[i] += delta;
        return totalOf(await run({ ...start, [name]: float32(start[name].shape, data) }));
      };
      numeric[i] = ((await at(1e-2)) - (await at(-1e-2))) / 2e-2;
    }
    // Central differences of float32 losses: third derivatives and rounding are each below 1e-3 of the largest here.
    expectClose(gradient, numeric, 3e-3, `gradient of ${name}`);
  }
  return { losses, ours: await outputsOf(given.student, feeds), theirs };
}

/** The model whose first stage gives so many times as much. */
function withScaledFirst(model: typeof student, scale: number): typeof student {
  const constants = new Map(model.graph.constants);
  for (const name of ['first.weight', 'first.bias']) {
    const constant = constants.get(name)!;
    const values = toFloat32(constant.value!).map((value) => value * scale);
    constants.set(name, { ...constant, value: float32(constant.shape, values) });
  }
  return { ...model, graph: { ...model.graph, constants } };
}

/** Mean of squares of each row's differences. */
function rowErrors(a: ArrayLike<number>, b: ArrayLike<number>, size: number): number[] {
  return Array.from({ length: BATCH }, (_, row) => {
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) sum += (a[i] - b[i]) ** 2;
    return sum / size;
  });
}

describe('trainingGraph', () => {
  it('denoising: mean squared error by sample, times its weighting', async () => {
    const { losses, ours } = await check([denoising()], { weighting: [2, 3] });
    const [a, b] = rowErrors(ours.out, target.data, 8);
    expectClose(losses[0], [2 * a, 3 * b], 1e-6);
  });
  it('masked: over what the mask covers, a single channel covering all', async () => {
    const mask = float32([BATCH, 1, 2, 2], [1, 0, 0, 1, 0, 0, 0, 0]);
    const { losses, ours } = await check([denoising(1, { masked: true })], { mask });
    let sum = 0;
    for (const i of [0, 3, 4, 7]) sum += (ours.out[i] - target.data[i]) ** 2;
    // The second sample's mask is empty: no error, no division by zero.
    expectClose(losses[0], [sum / 4, 0], 1e-6);
  });
  it('output and plain feature distillation, weighted together', async () => {
    const terms = [denoising(1), outputDistillation(0.1), featureDistillation({ weight: 2, at: ['first'] })];
    const { losses, ours, theirs } = await check(terms);
    expectClose(losses[1], rowErrors(ours.out, theirs.out, 8), 1e-6);
    expectClose(losses[2], rowErrors(ours.first, theirs.first, 4), 1e-6);
  });
  it('normalised features: relative to the mean square of the teacher’s', async () => {
    const { losses, ours, theirs } = await check([featureDistillation({ at: ['first'], normalized: true })]);
    const square = theirs.first.reduce((sum, x) => sum + x * x, 0) / theirs.first.length;
    expectClose(
      losses[0],
      rowErrors(ours.first, theirs.first, 4).map((error) => error / (square + 1e-6)),
      1e-6,
    );
  });
  it('normalised features: scaling a stage of both leaves the loss as it is; without, it grows with the square', async () => {
    const lossOf = async (normalized: boolean, scale: number) => {
      const given = { student: withScaledFirst(student, scale), teacher: withScaledFirst(teacher, scale) };
      return (await check([featureDistillation({ at: ['first'], normalized })], {}, given)).losses[0];
    };
    for (const scale of [0.5, 4]) {
      // What is added to the mean square against division by zero is 1e-6; the mean square itself is above 0.01.
      expectClose(await lossOf(true, scale), await lossOf(true, 1), 2e-4);
      expectClose(
        await lossOf(false, scale),
        (await lossOf(false, 1)).map((loss) => loss * scale ** 2),
        1e-5,
      );
    }
  });
  it('guided: the distance of u + w (c - u); other terms see the rows with conditions alone', async () => {
    const { losses, ours, theirs } = await check([denoising(), guidedDistillation({ weight: 0.5 })], {
      guidance: [2, 7],
    });
    const guided = (out: Float32Array) =>
      Float32Array.from({ length: 16 }, (_, i) => out[16 + i] + [2, 7][Math.floor(i / 8)] * (out[i] - out[16 + i]));
    expectClose(losses[1], rowErrors(guided(ours.out), guided(theirs.out), 8), 1e-5);
    expectClose(losses[0], rowErrors(ours.out, target.data, 8), 1e-6);
  });
  it('a masked loss without a mask is refused', async () => {
    await expect(check([denoising(1, { masked: true })])).rejects.toThrow('needs data with a mask');
  });
});

describe('bindInputs', () => {
  it('names an input that is left out or of another rank', () => {
    expect(() => bindInputs(student.graph, { sample: [1, 2, 2, 2] })).toThrow('Input "timestep" is left out');
    expect(() => bindInputs(student.graph, { sample: [1, 8], timestep: [1] })).toThrow('4 axes are expected');
  });
});
