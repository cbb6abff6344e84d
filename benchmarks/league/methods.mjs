import { alwaysDense } from '@secateur/sparsedm';
import {
  diffPruning,
  fixedMask,
  magnitude,
  nOfM,
  obd,
  parseBudget,
  prune,
  random,
  sparsedm,
  structured,
  taylor,
} from 'secateur';
import { freshWeights } from './fresh-weights.mjs';

/** Budgets of methods that remove channels, and the pattern of those that zero weights. */
const channelBudgets = ['macs=0.56', 'macs=0.75', 'macs=0.4'];
const pattern = ['2:4'];

/**
 * What takes part. To add a method, add an entry:
 *
 * - `budgets`: the columns it plays in; the first is the mandatory one
 * - `start(context)`: the model before fine-tuning, with its masks if it has any; `context` is `{ model, budget, seed, protocol,
 *   engine, threads }`, `model` what `openModel` gives
 * - `training({ steps, started })`: options of `train` besides those that all share; default: the denoising loss
 * - `steps`: numbers of fine-tuning steps it plays with; default 0, 500 and 2,000
 * - `fillsIn`: none of its cells is mandatory
 */
export const methods = {
  dense: { budgets: ['none'], steps: [0], start: async ({ model }) => ({ model: model.dense }) },
  sparsedm: sparseMethod({}),
  /** Zeroed once, then fine-tuned under the same masks: what SparseDM's training is compared with. */
  'magnitude-once': {
    budgets: pattern,
    steps: [500, 2000],
    start: (context) =>
      zeroed(context, {
        method: structured({ criterion: magnitude() }),
        space: nOfM(2, 4),
        ignore: alwaysDense,
      }),
    training: ({ started }) => ({ mask: fixedMask(started.masks) }),
  },
  /** Masks that the WASM kernels skip fastest. */
  'sparsedm-shared-kernels': { ...sparseMethod({ sharedRows: 4, wholeKernels: true }), fillsIn: true },
  /** What the paper rejects. */
  'sparsedm-progressive': { ...sparseMethod({ progressive: true }), steps: [500, 2000], fillsIn: true },
  'diff-pruning': channelMethod(() => diffPruning({ timestepsPerRun: 4 })),
  /** The architecture that the others are cut to, with fresh weights. Without training it is noise. */
  scratch: {
    budgets: channelBudgets,
    steps: [500, 2000],
    async start(context) {
      const { model } = await cut(context, structured({ criterion: magnitude() }));
      return { model: await freshWeights(model, context.seed) };
    },
  },
  magnitude: channelMethod(() => structured({ criterion: magnitude() })),
  taylor: channelMethod(() => structured({ criterion: taylor(), timestepsPerRun: 4 })),
  obd: channelMethod(() => structured({ criterion: obd(), timestepsPerRun: 4 })),
  random: channelMethod(() => structured({ criterion: random() })),
};

function channelMethod(make) {
  return { budgets: channelBudgets, start: (context) => cut(context, make()) };
}

function sparseMethod(options) {
  return {
    budgets: pattern,
    start: (context) => zeroed(context, { method: sparsedm(options) }),
    training: ({ steps, model }) => ({ ...sparsedm(options).training({ steps }), teacher: model.dense }),
  };
}

async function cut({ model, budget, seed, protocol, engine, threads }, method) {
  const result = await prune(model.dense, {
    method,
    budget: parseBudget(budget),
    data: await model.calibration(protocol.calibration, seed),
    timesteps: protocol.calibration.timesteps,
    engine,
    threads,
    seed,
    latency: false,
  });
  return { model: result.model };
}

async function zeroed({ model, seed }, options) {
  const result = await prune(model.dense, { ...options, seed, latency: false });
  return { model: result.model, masks: result.masks };
}
