import { float32, SecateurError, type Tensor, toFloat32 } from '@secateur/graph';
import { combine } from './combine.js';
import { type Fields, readFields, type Values } from './config-fields.js';
import { addNoise, type NoiseProcess, type PredictionType, trainingTarget, velocity } from './noise-process.js';
import type {
  PlanOptions,
  Sampler,
  SamplerState,
  SamplingPlan,
  SchedulerConfig,
  StepInput,
  StepResult,
} from './sampler.js';

/** A step whose input has been checked and whose noise, if it uses any, has been drawn. */
export interface CheckedStep {
  readonly output: Tensor;
  readonly sample: Tensor;
  readonly index: number;
  readonly state: SamplerState;
  /** Noise of the sample's shape; asking for it in a step that draws none is an error of the scheduler. */
  noise(): Tensor;
}

/** A scheduler's own part of a plan. */
export interface Steps {
  readonly timesteps: readonly number[];
  /** Default 1. */
  readonly initialNoiseScale?: number;
  /** The model's input is the sample times this. Default 1. */
  readonly inputScale?: (index: number) => number;
  /** Default: never. */
  readonly drawsNoise?: (index: number) => boolean;
  /** Whether the model's output may be twice as wide, its second half being variances. They are cut off otherwise. */
  readonly readsVariance?: boolean;
  /** Calls of the model that the skipped steps would have made. Default: one a step. */
  readonly begin?: number;
  /** The sample before call `index`, from a clean one. Default: the process at that call's timestep. */
  readonly noised?: (index: number, clean: Tensor, noise: Tensor) => Tensor;
  /** Names in the state that a step cannot do without. Default: none. The first step is never asked. */
  readonly needs?: (index: number) => readonly string[];
  step(input: CheckedStep): Omit<StepResult, 'state'> & { state?: SamplerState };
}

export interface SchedulerDefinition<F extends Fields> {
  readonly className: string;
  readonly fields: F;
  /** Which of the plan options it takes. */
  readonly options?: readonly (keyof PlanOptions)[];
  create(config: Values<F>): {
    readonly process: NoiseProcess;
    readonly prediction: PredictionType;
    plan(steps: number, options: PlanOptions): Steps;
  };
}

/** A scheduler class, ready to make samplers. */
export interface Scheduler {
  readonly className: string;
  readonly fieldNames: readonly string[];
  sampler(config: SchedulerConfig): Sampler;
}

export function defineScheduler<F extends Fields>(definition: SchedulerDefinition<F>): Scheduler {
  const { className, fields } = definition;
  return {
    className,
    fieldNames: Object.keys(fields),
    sampler: (config) => {
      const values = readFields(config, fields);
      const { process, prediction, plan } = definition.create(values);
      const planFor = (steps: number, options: PlanOptions = {}): SamplingPlan => {
        refuseForeignOptions(className, ['skip', ...(definition.options ?? [])], options);
        checkSkip(steps, options.skip);
        const own = plan(steps, options);
        checkRange(own.timesteps, process.trainTimesteps);
        return checkedPlan(own, process, options.skip ?? 0);
      };
      return {
        className,
        config: { _class_name: className, ...values },
        prediction,
        process,
        plan: planFor,
        timesteps: (steps, options) => planFor(steps, options).timesteps,
        addNoise: (x0, noise, timesteps) => addNoise(process, x0, noise, timesteps),
        velocity: (x0, noise, timesteps) => velocity(process, x0, noise, timesteps),
        target: (x0, noise, timesteps) => trainingTarget(process, prediction, { x0, noise, timesteps }),
      };
    },
  };
}

function refuseForeignOptions(className: string, known: readonly string[], options: PlanOptions): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    throw new SecateurError('BAD_OPTION', `${className} has no option ${name}.`, {
      field: name,
      hint: `It takes ${known.join(', ')}.`,
    });
  }
}

function checkSkip(steps: number, skip: number = 0): void {
  if (Number.isInteger(skip) && skip >= 0 && (skip < steps || skip === 0)) return;
  throw new SecateurError('BAD_OPTION', `skip is ${skip}; of ${steps} steps at most ${steps - 1} can be left out.`, {
    field: 'skip',
  });
}

function checkRange(timesteps: readonly number[], trainTimesteps: number): void {
  const outside = timesteps.find((timestep) => !(timestep >= 0 && timestep <= trainTimesteps));
  if (outside === undefined) return;
  throw new SecateurError('BAD_OPTION', `The plan has timestep ${outside}; the model knows 0..${trainTimesteps - 1}.`, {
    field: 'steps',
    hint: 'Ask for fewer steps, or lower steps_offset in the scheduler configuration.',
  });
}

function checkedPlan(steps: Steps, process: NoiseProcess, skip: number): SamplingPlan {
  const { timesteps, initialNoiseScale = 1, drawsNoise = () => false, begin = skip } = steps;
  const noised = steps.noised ?? ((index, clean, noise) => addNoise(process, clean, noise, timesteps[index]));
  return {
    timesteps,
    begin,
    initialNoiseScale,
    drawsNoise,
    init: (shape, generator) => combine([initialNoiseScale, generator.randn(shape)]),
    noised: (clean, noise) => noised(begin, clean, noise),
    scaleInput: (sample, index) => {
      const scale = steps.inputScale?.(index) ?? 1;
      return scale === 1 ? sample : combine([scale, sample]);
    },
    step: (input) => {
      checkIndex(input, begin, timesteps.length);
      const state = checkState(input, input.index === begin ? [] : (steps.needs?.(input.index) ?? []));
      const noise = drawsNoise(input.index) ? noiseFor(input) : undefined;
      const { sample, index } = input;
      const output = fittingOutput(input.modelOutput, sample, steps.readsVariance ?? false);
      const result = steps.step({ output, sample, index, state, noise: () => noise! });
      return { state: {}, ...result };
    },
  };
}

function checkIndex({ index }: StepInput, begin: number, count: number): void {
  if (Number.isInteger(index) && index >= begin && index < count) return;
  throw new SecateurError(
    'BAD_OPTION',
    `Step index ${index} is out of range; the plan has steps ${begin}..${count - 1}.`,
    { field: 'index' },
  );
}

function checkState({ index, state = {} }: StepInput, needs: readonly string[]): SamplerState {
  const missing = needs.find((name) => state[name] === undefined);
  if (missing === undefined) return state;
  throw new SecateurError(
    'BAD_OPTION',
    `Step ${index} needs "${missing}" of the step before, which is not in the state.`,
    {
      field: 'state',
      hint: `Pass the state that step ${index - 1} returned.`,
    },
  );
}

function noiseFor({ index, sample, noise, generator }: StepInput): Tensor {
  const drawn = noise ?? generator?.randn(sample.shape);
  if (!drawn) {
    throw new SecateurError('BAD_OPTION', `Step ${index} adds noise, and neither noise nor a generator was given.`, {
      field: 'generator',
      hint: 'Pass generator: torchGenerator(seed).',
    });
  }
  if (drawn.data.length === sample.data.length) return drawn;
  throw new SecateurError('SHAPE_MISMATCH', `The noise is [${drawn.shape}]; the sample is [${sample.shape}].`);
}

/** The model's output, without learned variances unless they are read. */
function fittingOutput(output: Tensor, sample: Tensor, readsVariance: boolean): Tensor {
  if (output.data.length === sample.data.length) return output;
  if (output.data.length !== 2 * sample.data.length || output.shape[1] !== 2 * sample.shape[1]) {
    throw new SecateurError(
      'SHAPE_MISMATCH',
      `The model's output is [${output.shape}]; the sample is [${sample.shape}].`,
    );
  }
  return readsVariance ? output : halvesOfChannels(output)[0];
}

/** `[batch, 2 * c, ...]` to two tensors `[batch, c, ...]`. */
export function halvesOfChannels(tensor: Tensor): [Tensor, Tensor] {
  const data = toFloat32(tensor);
  const [batch, channels, ...rest] = tensor.shape;
  const half = data.length / batch / 2;
  const halves = [0, 1].map((which) => {
    const out = new Float32Array(batch * half);
    for (let b = 0; b < batch; b++) {
      const start = (2 * b + which) * half;
      out.set(data.subarray(start, start + half), b * half);
    }
    return float32([batch, channels / 2, ...rest], out);
  });
  return [halves[0], halves[1]];
}
