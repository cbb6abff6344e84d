import {
  listWeightTensors,
  type Mask,
  type MethodContext,
  maskFrom,
  matches,
  nOfM,
  type PluginFactory,
  parsePattern,
  type Space,
  type Step,
} from '@secateur/core';
import { SecateurError, throwIfAborted, toFloat32 } from '@secateur/graph';
import {
  defineTrainingMethod,
  denoising,
  outputDistillation,
  type Parameter,
  type TrainingMethod,
  type WeightMask,
} from '@secateur/train';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { alwaysDense } from './left-dense.js';
import { patternMask, patterns } from './pattern-mask.js';

export interface SparseDMOptions {
  /** N of every M input channels stay. Default `2:4`. */
  pattern: (typeof patterns)[number];
  /**
   * Neighbouring output channels that share one pattern: 1, 2 or 4. Default 1, as in the paper; with 4 the WASM kernels of
   * @secateur/sparse-wasm read every column once for four rows.
   */
  sharedRows: 1 | 2 | 4;
  /** Whether a kernel's taps stay or go together, which Winograd's kernels need to be faster. Default false, as in the paper. */
  wholeKernels: boolean;
  /** `sr-ste` pulls masked weights towards zero; `ste` leaves them alone. Default `sr-ste`. */
  estimator: 'sr-ste' | 'ste';
  /** SR-STE's λ, >= 0: added to the gradient of masked weights as λ·w. Default 2e-4. */
  decay: number;
  /** 7:8, 6:8, 5:8, 4:8 and then the pattern, each for a fifth of the steps. Default false: the pattern throughout. */
  progressive: boolean;
  /** Of the denoising loss, >= 0. Default 1. */
  taskWeight: number;
  /** Of the distance to the dense teacher's output, >= 0. Default 0.1. */
  outputWeight: number;
  /** Weights that stay dense, by name; `*` for any characters. Default {@link alwaysDense}. */
  dense: string[];
}

const defaults: SparseDMOptions = {
  pattern: '2:4',
  sharedRows: 1,
  wholeKernels: false,
  estimator: 'sr-ste',
  decay: 2e-4,
  progressive: false,
  taskWeight: 1,
  outputWeight: 0.1,
  dense: [...alwaysDense],
};

const number = (text: string) => v.pipe(v.number(), v.minValue(0), v.maxValue(Number.MAX_VALUE), v.description(text));

/**
 * SparseDM (Wang et al., arXiv 2404.10445): the dense weights go on learning under N:M masks of the largest of them, made anew
 * before every step,
 *
 *   forward   y = (w ⊙ mask) x
 *   backward  g = ∂L/∂(w ⊙ mask) + λ (1 − mask) ⊙ w          (SR-STE, Zhou et al., 2102.04010), before AdamW rescales it
 *   L = 1.0 · mse(ε, ε_S) + 0.1 · mse(ε_T, ε_S)               ε_T of the dense model, frozen
 *
 * with the same sparsity from the first step to the last.
 */
export const sparsedm: PluginFactory<TrainingMethod, SparseDMOptions> = defineTrainingMethod<SparseDMOptions>({
  name: 'sparsedm',
  apiVersion: 1,
  summary: 'N:M sparsity by SR-STE training with the dense model as teacher.',
  paper: 'SparseDM: Toward Sparse Efficient Diffusion Models, arXiv 2404.10445',
  needsBudget: false,
  defaults,
  options: toStandardJsonSchema(
    v.strictObject({
      pattern: v.optional(
        v.pipe(v.picklist(patterns), v.description('How many of how many input channels stay')),
        defaults.pattern,
      ),
      sharedRows: v.optional(
        v.pipe(v.picklist([1, 2, 4] as const), v.description('Neighbouring output channels that share a pattern')),
        defaults.sharedRows,
      ),
      wholeKernels: v.optional(v.pipe(v.boolean(), v.description('Taps of a kernel stay or go together')), false),
      estimator: v.optional(
        v.pipe(v.picklist(['sr-ste', 'ste'] as const), v.description('Whether masked weights are pulled to zero')),
        defaults.estimator,
      ),
      decay: v.optional(number('Pull on masked weights, added to their gradient'), defaults.decay),
      progressive: v.optional(v.pipe(v.boolean(), v.description('Reach the pattern by 7:8, 6:8, 5:8, 4:8')), false),
      taskWeight: v.optional(number('Of the denoising loss'), defaults.taskWeight),
      outputWeight: v.optional(number('Of the distance to the teacher’s output'), defaults.outputWeight),
      dense: v.optional(v.pipe(v.array(v.string()), v.description('Weights without a mask, by name')), defaults.dense),
    }),
  ),
  steps,
  training: (options, request) => {
    const { taskWeight, outputWeight } = options;
    return {
      // A weight of 0 leaves the term out, and with it the teacher's run.
      losses: [denoising(taskWeight), outputDistillation(outputWeight)].filter(({ weight }) => weight > 0),
      mask: patternMask(options, request.steps),
    };
  },
});

/** What training starts from: the masks of the largest weights of the model as it is. */
async function* steps(context: MethodContext<SparseDMOptions>): AsyncGenerator<Step> {
  const { model, coupling, settings, signal, logger, onProgress, options } = context;
  const pattern = patternOf(settings.space, options);
  const rule = patternMask({ ...options, pattern, progressive: false }, 1);
  const weights = listWeightTensors(coupling).filter(
    ({ tensor }) => !settings.ignore.some((pattern) => matches(pattern, tensor)),
  );
  const masks = new Map<string, Mask>();
  const dense: { tensor: string; reason: string }[] = [];
  for (const [done, { value, tensor, shape }] of weights.entries()) {
    throwIfAborted(signal);
    onProgress({ phase: 'score', done, total: weights.length, unit: 'tensors' });
    const { axes } = model.graph.constants.get(value)!.parameter!;
    const parameter = { value, name: tensor, shape, inputAxis: axes.indexOf(1), outputAxis: axes.indexOf(0) };
    if (!rule.covers(parameter)) {
      dense.push({ tensor, reason: rule.whyDense!(parameter)! });
      continue;
    }
    const values = toFloat32(await model.graph.constants.get(value)!.read());
    masks.set(tensor, maskOf(rule, parameter, values));
  }
  for (const { tensor, reason } of dense) logger.info(`${tensor} stays dense: ${reason}.`);
  const { n, m } = parsePattern(pattern) as { n: number; m: number };
  yield {
    name: 'select',
    details: { tensors: masks.size, dense },
    outcome: { masks, space: nOfM(n, m), criterion: 'magnitude', selector: 'local' },
  };
}

/** The caller's space is the pattern, where it is one. @throws {SecateurError} BAD_OPTION for a space of another kind */
function patternOf(space: Space | undefined, options: SparseDMOptions): string {
  if (!space) return options.pattern;
  if (space.kind === 'elements' && space.pattern.kind === 'n:m') return space.name;
  throw new SecateurError('BAD_OPTION', `SparseDM zeroes by N:M patterns; the space "${space.name}" is none.`, {
    plugin: 'sparsedm',
    field: 'space',
    hint: 'Leave the space out, or give a pattern such as 2:4.',
  });
}

/** @throws {SecateurError} BAD_DATA when a weight is NaN or infinite */
function maskOf(rule: WeightMask, parameter: Parameter, values: Float32Array): Mask {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new SecateurError('BAD_DATA', `Element ${bad} of ${parameter.name} is ${values[bad]}.`, {
      field: parameter.name,
    });
  }
  const kept = new Uint8Array(values.length);
  rule.write(parameter, values, kept, 0);
  return maskFrom(parameter.shape, (i) => kept[i] === 1);
}
