import { respacedSigmas, shiftSigma, sigmaAt, sigmasOf, timestepOfSigma } from '../sigmas.js';
import { evenly, roundHalfEven, spacedTimestepsWithoutLast } from '../timestep-spacing.js';
import type { DpmConfig } from './dpm-solver-multistep.js';
import type { SigmaSchedule } from './sigma-schedule.js';

/** Whole timesteps and sigmas of a DPM-Solver plan. */
export function dpmSchedule(config: DpmConfig, alphas: Float32Array, steps: number): SigmaSchedule {
  const table = sigmasOf(alphas);
  const [timesteps, sigmas] = spacedFor(config, table, steps);
  const end = config.final_sigmas_type === 'zero' ? 0 : table[0];
  return { timesteps: timesteps.map(Math.trunc), sigmas: Float32Array.from([...sigmas, end]) };
}

function spacedFor(config: DpmConfig, table: Float32Array, steps: number): [timesteps: number[], sigmas: number[]] {
  const logs = table.map(Math.log);
  const respaced =
    respacedSigmas(config, table[table.length - 1], table[0], steps) ??
    (config.use_lu_lambdas ? evenly(logs[logs.length - 1], logs[0], steps).map(Math.exp) : undefined);
  if (respaced) {
    const exact = respaced.map((sigma) => timestepOfSigma(sigma, logs));
    const isRounded = !config.use_exponential_sigmas && config.beta_schedule !== 'squaredcos_cap_v2';
    return [isRounded ? exact.map(roundHalfEven) : exact, respaced];
  }
  if (config.use_flow_sigmas) {
    const shares = evenly(1, 1 / config.num_train_timesteps, steps + 1).map((alpha) => 1 - alpha);
    const sigmas = shares
      .slice(1)
      .reverse()
      .map((sigma) => shiftSigma(sigma, config.flow_shift));
    return [sigmas.map((sigma) => sigma * config.num_train_timesteps), sigmas];
  }
  const timesteps = spacedTimestepsWithoutLast(config.timestep_spacing, steps, {
    trainTimesteps: config.num_train_timesteps,
    offset: config.steps_offset,
    lastTimestep: lastTimestepOf(config, table),
  });
  return [timesteps, timesteps.map((timestep) => sigmaAt(table, timestep))];
}

/** Timesteps whose log signal-to-noise ratio is below `lambda_min_clipped` are left out. */
function lastTimestepOf(config: DpmConfig, table: Float32Array): number {
  const isClipped = (sigma: number): boolean => -Math.log(sigma) < config.lambda_min_clipped;
  return table.length - table.filter(isClipped).length;
}
