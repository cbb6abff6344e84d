import { type Masks, type Model, maskFrom } from '@secateur/core';
import { SecateurError, type Tensor, throwIfAborted } from '@secateur/graph';
import { type TorchGenerator, type TorchGeneratorState, torchGenerator } from '@secateur/samplers';
import { type BatchSource, batchSource } from './batch-source.js';
import { Checkpoints, type TrainState } from './checkpoint.js';
import { addGradients, clipToNorm, globalNorm } from './gradient-norm.js';
import { type GradientRunner, gradientRunner } from './gradient-runner.js';
import { learningRateAt } from './learning-rate.js';
import { type LoraGraph, withLora } from './lora.js';
import { type MaskedWeights, maskedWeights } from './masks/masked-weights.js';
import type { OptimizerState } from './optimizers/optimizer.js';
import { type Parameter, readParameters, trainableParameters, type Values, withValues, zerosOf } from './parameters.js';
import { Series } from './series.js';
import { checkTeacher } from './teacher.js';
import { describeRun, type TrainOptions, type TrainSettings, trainSettings } from './train-options.js';
import { masksReport, type TrainReport, trainReport } from './train-report.js';

export interface TrainResult {
  /** The trained model; with `ema` the averaged weights. */
  readonly model: Model;
  /** With `ema`: the weights of the last step. */
  readonly last?: Model;
  /** With `mask`: what of the model is zero, by checkpoint name, in the layout of the graph. */
  readonly masks?: Masks;
  readonly report: TrainReport;
}

/** All that changes from step to step. Arrays are allocated once. */
interface Run {
  readonly model: Model;
  readonly options: TrainOptions;
  readonly settings: TrainSettings;
  readonly lora?: LoraGraph;
  readonly parameters: readonly Parameter[];
  readonly values: Values;
  readonly optimizerState: OptimizerState;
  readonly average?: Values;
  readonly masked: MaskedWeights;
  readonly series: Series;
  readonly generator: TorchGenerator;
  readonly batches: BatchSource;
  readonly runner: GradientRunner;
  /** Sum of several runs' gradients. */
  readonly sum?: Values;
  step: number;
  /** Time spent outside of the engine on the weights: masks, clipping, optimiser, average. */
  updateMs: number;
  /** When the listener last heard of it. */
  toldAt: number;
}

/**
 * Trains a model: every step draws a batch, noise and timesteps from one seeded generator, runs the gradient graph, and
 * updates the weights in place. With `checkpoints` a run that was killed goes on from its last checkpoint and ends with the
 * bytes it would have ended with (same engine and thread count).
 *
 * What is drawn, in this order, from `torchGenerator(seed)`: at the start of an epoch its order (`randperm`); for every batch
 * its noise (`randn`), its timesteps (`randint`), its guidance scales or which conditions are dropped (`rand`).
 *
 * @throws {SecateurError} BAD_OPTION, MISSING_NEED for options that do not fit; SHAPE_MISMATCH when teacher and student
 *   differ; BAD_DATA when there are fewer samples than a batch has, or when a loss or gradient is NaN or infinite, naming
 *   step and learning rate: the last checkpoint is kept; NO_GRADIENT; IO when a checkpoint cannot be written
 */
export async function train(model: Model, options: TrainOptions): Promise<TrainResult> {
  const settings = trainSettings(options);
  if (options.teacher) checkTeacher(model, options.teacher);
  const described = await describeRun(model, options, settings);
  const checkpoints = options.checkpoints && (await Checkpoints.open(options.checkpoints, described));
  const run = await startRun(model, options, settings, checkpoints?.resumed);
  const resumedFrom = checkpoints?.resumed?.step;
  const started = performance.now();
  try {
    while (run.step < settings.steps) {
      throwIfAborted(options.signal);
      await takeStep(run, checkpoints);
      tellProgress(run, started, resumedFrom ?? 0);
      if (run.step % settings.checkpointEvery === 0 || run.step === settings.steps)
        await checkpoints?.save(stateOf(run));
    }
  } finally {
    await run.runner.dispose();
    await run.batches.close();
  }
  const { updateMs, series } = run;
  const { model: trained, masks } = await finished(run, run.average ?? run.values);
  return {
    model: trained,
    ...(run.average && { last: (await finished(run, run.values)).model }),
    ...(masks && { masks }),
    report: trainReport({
      settings: described,
      terms: settings.terms,
      series,
      masks: options.mask && masksReport(options.mask, run.parameters, masks!),
      steps: settings.steps - (resumedFrom ?? 0),
      imagesPerStep: settings.batchSize * settings.accumulate,
      seconds: (performance.now() - started) / 1000,
      updateSeconds: updateMs / 1000,
      resumedFrom,
      trained: run.parameters.reduce((sum, { value }) => sum + run.values.get(value)!.length, 0),
      engine: await options.engine.describe(),
    }),
  };
}

async function startRun(
  model: Model,
  options: TrainOptions,
  settings: TrainSettings,
  resumed: TrainState | undefined,
): Promise<Run> {
  const lora = options.lora && withLora(model.graph, options.lora);
  const graph = lora?.graph ?? model.graph;
  const parameters = lora?.parameters ?? trainableParameters(model.graph, options.parameters);
  const values = await readParameters(graph, parameters);
  const optimizerState = settings.optimizer.init(values);
  const average = settings.ema?.init(values);
  const masked = maskedWeights(options.mask, parameters, values);
  const series = new Series(settings.steps, settings.terms.length);
  const saved = resumed?.value as SavedValue | undefined;
  if (resumed) restore(resumed, { values, optimizerState, average, masked, series });
  return {
    model,
    options,
    settings,
    lora,
    parameters,
    values,
    optimizerState,
    average,
    masked,
    series,
    generator: torchGenerator(saved?.generator ?? settings.seed),
    batches: await batchSource(
      options.data,
      settings.batchSize,
      resumed && { ...saved!.position, order: Array.from(resumed.tensors.order.data as Int32Array) },
    ),
    runner: gradientRunner({ model, graph, parameters, options, settings }),
    sum: settings.accumulate > 1 ? zerosOf(values) : undefined,
    step: resumed?.step ?? 0,
    updateMs: 0,
    toldAt: 0,
  };
}

async function takeStep(run: Run, checkpoints: Checkpoints | undefined): Promise<void> {
  const { settings, masked, values, series } = run;
  const learningRate = learningRateAt(settings.learningRate, run.step, settings.steps);
  const fail = (what: string): never => {
    throw diverged(what, run.step, learningRate, checkpoints?.lastStep);
  };
  const maskFlips = timed(run, () => masked.refresh(run.step));
  const terms = await measure(run);
  const loss = terms.reduce((sum, value, i) => sum + settings.terms[i].weight * value, 0);
  if (!Number.isFinite(loss)) fail(`The loss is ${loss}`);
  const gradients = run.sum ?? run.runner.gradients;
  timed(run, () => {
    masked.adjust(gradients);
    const gradientNorm = globalNorm(gradients);
    if (!Number.isFinite(gradientNorm)) fail(`The norm of the gradients is ${gradientNorm}`);
    clipToNorm(gradients, gradientNorm, settings.clip);
    settings.optimizer.update(values, gradients, run.optimizerState, learningRate);
    masked.settle();
    run.step++;
    if (run.average) settings.ema!.update(run.average, values, run.step);
    series.push({ loss, learningRate, gradientNorm, maskFlips, terms });
  });
}

/** Losses of one step by term; its gradients are in `run.sum` or the runner's. */
async function measure(run: Run): Promise<number[]> {
  const { settings, runner, masked, generator, batches, sum } = run;
  const terms = settings.terms.map(() => 0);
  if (sum) for (const g of sum.values()) g.fill(0);
  for (let i = 0; i < settings.accumulate; i++) {
    const losses = await runner.run(await batches.next(generator), masked.effective, generator);
    for (const [k, loss] of losses.entries()) terms[k] += loss / settings.accumulate;
    if (sum) addGradients(sum, runner.gradients);
  }
  return terms;
}

function timed<T>(run: Run, work: () => T): T {
  const started = performance.now();
  const result = work();
  run.updateMs += performance.now() - started;
  return result;
}

function diverged(what: string, step: number, learningRate: number, kept: number | undefined): SecateurError {
  const where = kept === undefined ? 'There is no checkpoint yet.' : `The checkpoint of step ${kept} is kept.`;
  return new SecateurError('BAD_DATA', `${what} at step ${step}, at learning rate ${learningRate}. ${where}`, {
    field: `step ${step}`,
    hint: 'Train with a smaller learning rate, a warm-up, or gradients clipped to a smaller norm.',
  });
}

interface SavedValue {
  readonly generator: TorchGeneratorState;
  readonly position: { readonly taken: number; readonly next: number };
  readonly optimizerStep: number;
}

function stateOf(run: Run): TrainState {
  const { parameters, optimizerState, average, values, masked, series, batches, generator } = run;
  const { order, taken, next } = batches.position();
  const tensors: Record<string, Tensor> = {
    series: series.tensor(),
    order: { dtype: 'int32', shape: [order.length], data: Int32Array.from(order) },
  };
  for (const { value, shape } of parameters) {
    const put = (kind: string, data: Float32Array) => {
      tensors[`${kind}/${value}`] = { dtype: 'float32', shape, data };
    };
    put('weight', values.get(value)!);
    if (average) put('average', average.get(value)!);
    for (const [slot, held] of Object.entries(optimizerState.slots)) put(`optimizer.${slot}`, held.get(value)!);
  }
  for (const [name, data] of masked.masks) tensors[`mask/${name}`] = { dtype: 'uint8', shape: [data.length], data };
  const value: SavedValue = {
    generator: generator.state(),
    position: { taken, next },
    optimizerStep: optimizerState.step,
  };
  return { step: run.step, value: value as unknown as TrainState['value'], tensors };
}

function restore(
  { tensors, value }: TrainState,
  run: Pick<Run, 'values' | 'average' | 'masked' | 'series' | 'optimizerState'>,
): void {
  const take = (kind: string, into: Values) => {
    for (const [name, data] of into) data.set(tensors[`${kind}/${name}`].data as Float32Array);
  };
  take('weight', run.values);
  if (run.average) take('average', run.average);
  for (const [slot, held] of Object.entries(run.optimizerState.slots)) take(`optimizer.${slot}`, held);
  const names = [...run.masked.masks.keys()];
  run.masked.restore(new Map(names.map((name) => [name, tensors[`mask/${name}`].data as Uint8Array])));
  run.series.restore(tensors.series);
  run.optimizerState.step = (value as unknown as SavedValue).optimizerStep;
}

/** The model with trained weights, masks applied and low-rank updates merged. */
async function finished(run: Run, values: Values): Promise<{ model: Model; masks?: Masks }> {
  const { model, lora, masked, step, options, parameters } = run;
  const applied = masked.applied(values, step);
  const weights = lora ? await lora.merge(values) : applied.values;
  const copies = new Map([...weights].map(([name, data]) => [name, data.slice()]));
  const trained = { ...model, graph: withValues(model.graph, copies) };
  if (!options.mask) return { model: trained };
  const covered = parameters.filter(({ value }) => applied.masks.has(value));
  const maskOf = ({ value, shape }: Parameter) => maskFrom(shape, (i) => applied.masks.get(value)![i] === 1);
  return { model: trained, masks: new Map(covered.map((parameter) => [parameter.name, maskOf(parameter)])) };
}

const TELL_EVERY_MS = 50;

function tellProgress(run: Run, started: number, from: number): void {
  const { options, settings, series, step } = run;
  const now = performance.now();
  if (!options.onProgress || (step < settings.steps && now - run.toldAt < TELL_EVERY_MS)) return;
  run.toldAt = now;
  const msPerStep = (now - started) / (step - from);
  const imagesPerSecond = (1000 * settings.batchSize * settings.accumulate) / msPerStep;
  const { loss, learningRate, maskFlips } = series.last;
  const flips = options.mask?.refresh ? `, ${(100 * maskFlips).toPrecision(2)} % of the mask changed` : '';
  options.onProgress({
    phase: 'training',
    done: step,
    total: settings.steps,
    unit: 'steps',
    note: `loss ${loss.toPrecision(4)}, ${imagesPerSecond.toPrecision(3)} images/s${flips}`,
    loss,
    learningRate,
    imagesPerSecond,
    ...(options.mask?.refresh && { maskFlips }),
    remainingMs: msPerStep * (settings.steps - step),
  });
}
