import { SecateurError, type Tensor } from '@secateur/graph';
import { combine, combinePerSample } from './combine.js';

/** What the model's output stands for. `flow_prediction` is the velocity `noise - x0` of flow matching. */
export type PredictionType = 'epsilon' | 'sample' | 'v_prediction' | 'flow_prediction';

/**
 * How noise was added in training: `x_t = signal(t) * x0 + noise(t) * eps`, and what the model sees as its input. For the
 * samplers that work on `x0 + sigma * eps` (Euler, Heun) this is their `addNoise` followed by their input scaling.
 */
export interface NoiseProcess {
  /** Timesteps in training; a timestep is below it. */
  readonly trainTimesteps: number;
  /** @throws {SecateurError} BAD_OPTION when the timestep is out of range */
  signal(timestep: number): number;
  noise(timestep: number): number;
}

/** The variance-preserving process of DDPM: `signal^2 + noise^2 = 1`. Timesteps are whole numbers. */
export function variancePreserving(alphas: Float32Array): NoiseProcess {
  const alphaAt = (timestep: number): number => {
    if (Number.isInteger(timestep) && timestep >= 0 && timestep < alphas.length) return alphas[timestep];
    throw badTimestep(timestep, `a whole number in 0..${alphas.length - 1}`);
  };
  return {
    trainTimesteps: alphas.length,
    signal: (timestep) => Math.fround(Math.sqrt(alphaAt(timestep))),
    noise: (timestep) => Math.fround(Math.sqrt(Math.fround(1 - alphaAt(timestep)))),
  };
}

/** Flow matching's straight line: `noise = t / trainTimesteps`, `signal = 1 - noise`. Timesteps may be fractions. */
export function straightFlow(trainTimesteps: number): NoiseProcess {
  const noise = (timestep: number): number => {
    if (timestep >= 0 && timestep <= trainTimesteps) return Math.fround(timestep / trainTimesteps);
    throw badTimestep(timestep, `in [0, ${trainTimesteps}]`);
  };
  return { trainTimesteps, signal: (timestep) => Math.fround(1 - noise(timestep)), noise };
}

/** One timestep for the whole batch, or one per sample. */
export type Timesteps = number | readonly number[];

/** `x_t` of the process. `x0` and `noise` are `[batch, ...]` of one shape. */
export function addNoise(process: NoiseProcess, x0: Tensor, noise: Tensor, timesteps: Timesteps): Tensor {
  const list = perSample(timesteps, x0);
  return combinePerSample(list.map(process.signal), x0, list.map(process.noise), noise);
}

/** The target of v-prediction: `signal * eps - noise * x0` (Salimans and Ho, 2202.00512). */
export function velocity(process: NoiseProcess, x0: Tensor, noise: Tensor, timesteps: Timesteps): Tensor {
  const list = perSample(timesteps, x0);
  const minusNoise = list.map((timestep) => -process.noise(timestep));
  return combinePerSample(list.map(process.signal), noise, minusNoise, x0);
}

/** What a perfect model would answer to {@link addNoise}'s result. */
export function trainingTarget(
  process: NoiseProcess,
  prediction: PredictionType,
  batch: { x0: Tensor; noise: Tensor; timesteps: Timesteps },
): Tensor {
  const { x0, noise, timesteps } = batch;
  switch (prediction) {
    case 'epsilon':
      return noise;
    case 'sample':
      return x0;
    case 'v_prediction':
      return velocity(process, x0, noise, timesteps);
    case 'flow_prediction':
      return combine([1, noise], [-1, x0]);
  }
}

function perSample(timesteps: Timesteps, x0: Tensor): readonly number[] {
  const batch = x0.shape[0];
  if (typeof timesteps === 'number') return new Array<number>(batch).fill(timesteps);
  if (timesteps.length === batch) return timesteps;
  throw new SecateurError('SHAPE_MISMATCH', `${timesteps.length} timesteps for a batch of ${batch}.`, {
    hint: 'Give one timestep for all samples or one for each.',
  });
}

function badTimestep(timestep: number, allowed: string): SecateurError {
  return new SecateurError('BAD_OPTION', `Timestep ${timestep} is out of range; it must be ${allowed}.`, {
    field: 'timestep',
  });
}
