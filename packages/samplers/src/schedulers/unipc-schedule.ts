import { respacedSigmas, shiftSigma, sigmaAt, sigmasOf, timestepOfSigma } from '../sigmas.js';
import { evenly, roundHalfEven, spacedTimestepsWithoutLast } from '../timestep-spacing.js';
import type { SigmaSchedule } from './sigma-schedule.js';
import type { UnipcConfig } from './unipc.js';

/** Whole timesteps and sigmas of a UniPC plan. With a sequence of its own, `sigma_min` ends at that sequence's last. */
export function unipcSchedule(config: UnipcConfig, alphas: Float32Array, steps: number): SigmaSchedule {
  const table = sigmasOf(alphas);
  const { timesteps, sigmas, min } = spacedFor(config, table, steps);
  const end = config.final_sigmas_type === 'zero' ? 0 : min;
  return { timesteps: timesteps.map(Math.trunc), sigmas: Float32Array.from([...sigmas, end]) };
}

interface Spaced {
  readonly timesteps: number[];
  readonly sigmas: number[];
  readonly min: number;
}

function spacedFor(config: UnipcConfig, table: Float32Array, steps: number): Spaced {
  const trainTimesteps = config.num_train_timesteps;
  const max = config.sigma_max ?? table[table.length - 1];
  const respaced = respacedSigmas(config, max, config.sigma_min ?? table[0], steps);
  if (respaced) return respacedFor(config, table, respaced);
  if (config.use_flow_sigmas) {
    const sigmas = evenly(1, 1 / trainTimesteps, steps + 1)
      .slice(0, -1)
      .map((sigma) => shiftSigma(sigma, config.flow_shift));
    // At a sigma of exactly 1 there is no signal and lambda is infinite.
    if (Math.abs(sigmas[0] - 1) < 1e-6) sigmas[0] -= 1e-6;
    return { timesteps: sigmas.map((sigma) => sigma * trainTimesteps), sigmas, min: sigmas[steps - 1] };
  }
  const timesteps = spacedTimestepsWithoutLast(config.timestep_spacing, steps, {
    trainTimesteps,
    offset: config.steps_offset,
  });
  return { timesteps, sigmas: timesteps.map((timestep) => sigmaAt(table, timestep)), min: table[0] };
}

function respacedFor(config: UnipcConfig, table: Float32Array, respaced: number[]): Spaced {
  if (config.use_karras_sigmas && config.use_flow_sigmas) {
    const sigmas = respaced.map((sigma) => sigma / (sigma + 1));
    return {
      timesteps: sigmas.map((sigma) => sigma * config.num_train_timesteps),
      sigmas,
      min: sigmas[sigmas.length - 1],
    };
  }
  const logs = table.map(Math.log);
  const exact = respaced.map((sigma) => timestepOfSigma(sigma, logs));
  const timesteps = config.use_karras_sigmas ? exact.map(roundHalfEven) : exact;
  return { timesteps, sigmas: respaced, min: respaced[respaced.length - 1] };
}
