import { SecateurError, type Tensor, throwIfAborted } from '@secateur/graph';
import {
  type Sampler,
  type SamplerState,
  type SamplingPlan,
  type TorchGenerator,
  torchGenerator,
} from '@secateur/samplers';
import type { Autoencoder } from './autoencoder.js';
import { bitmapsFrom, isPictureDepth } from './bitmap.js';
import { type Denoiser, type DenoiserInputs, denoise } from './denoiser.js';
import type { Generated, GenerateOptions } from './generate-options.js';
import { guided } from './guidance.js';
import type { Conditions, PipelineKind } from './kinds/kind.js';
import type { ModelRunner } from './model-runner.js';
import type { Request } from './request.js';
import { type Feeds, firstChannels, joinRows, mapFeeds, pickRows } from './rows.js';

/** A pipeline's parts, ready to run. */
export interface Parts {
  readonly kind: PipelineKind;
  readonly inputs: DenoiserInputs;
  /** Name of the denoiser's output that holds the prediction. */
  readonly output: string;
  readonly denoiser: ModelRunner;
  /** Absent where the denoiser works on pictures themselves. */
  readonly vae?: Autoencoder;
}

/** Pictures of a checked request. */
export async function generate(
  parts: Parts,
  sampler: Sampler,
  request: Request,
  { seed = 0, eta, signal, onProgress, onStep }: GenerateOptions,
): Promise<Generated> {
  const { kind, vae, inputs } = parts;
  const generator = typeof seed === 'number' ? torchGenerator(seed) : seed;
  const factor = vae?.factor ?? 1;
  const [height, width] = [request.height / factor, request.width / factor];
  const skip = request.image ? skippedSteps(kind, request) : 0;
  const { config } = sampler;
  const { steps } = request;
  const own = kind.plan?.(height, width, { config, steps });
  const plan = sampler.plan(steps, { eta, ...(skip > 0 && { skip }), ...own });
  const { count, prompts } = request;
  if (prompts.length > 0) onProgress?.({ phase: 'encoding text', done: 0, total: prompts.length, unit: 'prompts' });
  const conditions = await kind.conditions({ ...request, latentHeight: height, latentWidth: width, signal });
  if (prompts.length > 0) {
    onProgress?.({ phase: 'encoding text', done: prompts.length, total: prompts.length, unit: 'prompts' });
  }
  const shape = [count, channelsOf(parts), height, width];
  const first = request.image
    ? await fromPictures(parts, plan, request.image, generator, { batchSize: request.batchSize, signal })
    : plan.init(shape, generator);
  const pictures = async (sample: Tensor): Promise<Tensor> =>
    vae ? vae.decode(sample, { batchSize: request.batchSize, signal }) : sample;
  const sample = await parts.denoiser.use(async (executable) => {
    const denoiser = { inputs, executable, output: parts.output };
    const answer = answerer(denoiser, kind, conditions, request, signal);
    return loop(plan, first, generator, answer, { signal, onProgress, onStep, pictures });
  });
  throwIfAborted(signal);
  if (vae) onProgress?.({ phase: 'decoding', done: 0, total: count, unit: 'pictures' });
  const raw = await pictures(sample);
  if (vae) onProgress?.({ phase: 'decoding', done: count, total: count, unit: 'pictures' });
  return {
    images: isPictureDepth(raw.shape[1]) ? bitmapsFrom(raw) : [],
    raw,
    ...(vae && { latents: sample }),
  };
}

/** Steps left out for image to image. */
function skippedSteps({ takesMoreSteps }: PipelineKind, { steps, strength }: Request): number {
  const taken = takesMoreSteps ? steps - Math.floor(steps - steps * strength) : Math.floor(steps * strength);
  if (taken >= 1) return Math.max(steps - taken, 0);
  throw new SecateurError('BAD_OPTION', `Of ${steps} steps a strength of ${strength} leaves none.`, {
    field: 'strength',
    hint: `It must be at least ${1 / steps}.`,
  });
}

async function fromPictures(
  parts: Parts,
  plan: SamplingPlan,
  image: Tensor,
  generator: TorchGenerator,
  options: { batchSize: number; signal?: AbortSignal },
): Promise<Tensor> {
  const { vae } = parts;
  const channels = channelsOf(parts);
  const clean = vae ? await vae.encode(image, generator, options) : image;
  if (clean.shape[1] !== channels) {
    const message = `The image has ${clean.shape[1]} channels; the model’s samples have ${channels}.`;
    throw new SecateurError('BAD_OPTION', message, { field: 'image' });
  }
  return plan.noised(clean, generator.randn(clean.shape));
}

function channelsOf({ kind, inputs }: Parts): number {
  return kind.latent?.[0] ?? inputs.shape[0];
}

type Answer = (input: Tensor, timestep: number) => Promise<Tensor>;

/** The denoiser's prediction, guided where it is asked for. */
function answerer(
  denoiser: Denoiser,
  kind: PipelineKind,
  { given, without, shared }: Conditions,
  { guidanceScale: scale, guidanceRescale: rescale, batchSize }: Request,
  signal: AbortSignal | undefined,
): Answer {
  const { unpadded } = kind;
  const run = async (input: Tensor, timestep: number, conditions: Feeds): Promise<Tensor> => {
    const options = { batchSize, shared, signal };
    if (!unpadded) return denoise(denoiser, input, timestep, { ...options, conditions });
    const answers: Tensor[] = [];
    for (let row = 0; row < input.shape[0]; row++) {
      const own = unpadded(mapFeeds(conditions, (tensor) => pickRows(tensor, [row])));
      answers.push(await denoise(denoiser, pickRows(input, [row]), timestep, { ...options, conditions: own }));
    }
    return joinRows(answers);
  };
  const ask = async (latent: Tensor, timestep: number, conditions: Feeds): Promise<Tensor> => {
    const input = kind.toModel?.(latent) ?? latent;
    const answer = await run(input, timestep * (kind.timestepScale ?? 1), conditions);
    const whole = kind.fromModel?.(answer, latent) ?? answer;
    return kind.cutsVariance ? firstChannels(whole, latent.shape[1]) : whole;
  };
  if (!without) return (input, timestep) => ask(input, timestep, given);
  const conditions = Object.fromEntries(
    Object.entries(given).map(([name, tensor]) => [name, joinRows([without[name], tensor])]),
  );
  return async (input, timestep) => {
    const answer = await ask(joinRows([input, input]), timestep, conditions);
    const count = input.shape[0];
    const half = (from: number) =>
      pickRows(
        answer,
        Array.from({ length: count }, (_, i) => from + i),
      );
    return guided(half(0), half(count), { scale, rescale });
  };
}

interface LoopOptions extends Pick<GenerateOptions, 'signal' | 'onProgress' | 'onStep'> {
  pictures(sample: Tensor): Promise<Tensor>;
}

async function loop(
  plan: SamplingPlan,
  first: Tensor,
  generator: TorchGenerator,
  answer: Answer,
  { signal, onProgress, onStep, pictures }: LoopOptions,
): Promise<Tensor> {
  const { timesteps, begin } = plan;
  const total = timesteps.length - begin;
  let sample = first;
  let state: SamplerState | undefined;
  onProgress?.({ phase: 'sampling', done: 0, total, unit: 'steps' });
  for (let index = begin; index < timesteps.length; index++) {
    throwIfAborted(signal);
    const modelOutput = await answer(plan.scaleInput(sample, index), timesteps[index]);
    const result = plan.step({ modelOutput, sample, index, state, generator });
    ({ sample, state } = result);
    const { predictedOriginal } = result;
    onProgress?.({ phase: 'sampling', done: index - begin + 1, total, unit: 'steps' });
    await onStep?.({
      done: index - begin + 1,
      total,
      timestep: timesteps[index],
      sample,
      predictedOriginal,
      preview: async () => bitmapsFrom(await pictures(predictedOriginal)),
    });
  }
  return sample;
}
