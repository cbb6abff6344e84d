import { SecateurError } from '@secateur/graph';
import type { Sampler, SchedulerConfig } from './sampler.js';
import type { Scheduler } from './scheduler.js';
import { ddim } from './schedulers/ddim.js';
import { ddpm } from './schedulers/ddpm.js';
import { dpmSolverMultistep } from './schedulers/dpm-solver-multistep.js';
import { euler } from './schedulers/euler.js';
import { eulerAncestral } from './schedulers/euler-ancestral.js';
import { flowMatchEuler } from './schedulers/flow-match-euler.js';
import { heun } from './schedulers/heun.js';
import { lcm } from './schedulers/lcm.js';
import { pndm } from './schedulers/pndm.js';
import { unipc } from './schedulers/unipc.js';

/** The samplers by short name, for command lines and forms. */
const schedulers: Readonly<Record<string, Scheduler>> = {
  ddpm,
  ddim,
  'dpm-solver': dpmSolverMultistep,
  euler,
  'euler-ancestral': eulerAncestral,
  heun,
  pndm,
  unipc,
  lcm,
  'flow-match-euler': flowMatchEuler,
};

/** Short names that {@link samplerNamed} knows. */
export const samplerNames: readonly string[] = Object.keys(schedulers);

const knownFields = new Set(Object.values(schedulers).flatMap(({ fieldNames }) => fieldNames));

/** Fields of old checkpoints that say nothing any more. */
const obsoleteFields = new Set(['tensor_format', 'timestep_values', 'solver_p']);

/**
 * A sampler from a diffusers `scheduler_config.json`.
 *
 * Fields of other diffusers schedulers are ignored, as diffusers does (Stable Diffusion's PNDM configuration has
 * `clip_sample`, for one).
 *
 * @throws {SecateurError} BAD_CONFIG when the class or a field is unknown, or a value is not allowed
 */
export function createSampler(config: SchedulerConfig): Sampler {
  const scheduler = Object.values(schedulers).find(({ className }) => className === config._class_name);
  if (!scheduler) {
    const known = Object.values(schedulers).map(({ className }) => className);
    throw new SecateurError('BAD_CONFIG', `Scheduler class ${JSON.stringify(config._class_name)} is unknown.`, {
      field: '_class_name',
      hint: `Known: ${known.join(', ')}.`,
    });
  }
  return scheduler.sampler(checkedFields(config));
}

/**
 * A sampler by short name. What `base`, another sampler's configuration, says about training (betas, prediction type,
 * spacing) is kept where the new class has the same fields, as with diffusers' `from_config`.
 *
 * @throws {SecateurError} BAD_OPTION when the name is unknown; BAD_CONFIG as {@link createSampler}
 */
export function samplerNamed(name: string, base: SchedulerConfig = {}): Sampler {
  const scheduler = Object.hasOwn(schedulers, name) ? schedulers[name] : undefined;
  if (!scheduler) {
    throw new SecateurError('BAD_OPTION', `Sampler "${name}" is unknown.`, {
      field: 'sampler',
      hint: `Known: ${samplerNames.join(', ')}.`,
    });
  }
  return scheduler.sampler(checkedFields(base));
}

/** The configuration with old spellings renewed. */
function checkedFields(config: SchedulerConfig): SchedulerConfig {
  const { predict_epsilon: predictsEpsilon, ...fields } = config;
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith('_') || value === null || knownFields.has(name) || obsoleteFields.has(name)) continue;
    throw new SecateurError('BAD_CONFIG', `Scheduler field ${name} is unknown.`, {
      field: name,
      hint: 'Remove it if the sampler is to ignore it.',
    });
  }
  // Before prediction_type there was predict_epsilon.
  if (predictsEpsilon === undefined || fields.prediction_type !== undefined) return fields;
  return { ...fields, prediction_type: predictsEpsilon === false ? 'sample' : 'epsilon' };
}
