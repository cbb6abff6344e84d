import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { float32 } from '@secateur/graph';
import { adamw, denoising, folderCheckpoints, saveModel, train } from 'secateur';
import { idOf } from './cells.mjs';
import { effectiveCost } from './cost.mjs';
import { draw, judge } from './judge.mjs';
import { methods } from './methods.mjs';

/**
 * Prunes, fine-tunes, draws, judges. A fine-tuning that was killed goes on from its last checkpoint; drawn pictures are kept, so
 * that a cell that was killed while it was judged does not draw again.
 *
 * @param session  `{ folder, protocol, engine, threads, openModel, tell }`
 */
export async function runCell(cell, session) {
  const { folder, protocol, engine, threads, openModel, tell } = session;
  const model = await openModel(cell.model);
  const started = await startOf(cell, model, session);
  const { trained, report, masks, seconds } = await finetuned(cell, model, started, session);
  await mkdir(join(folder, 'models'), { recursive: true });
  await saveModel(trained, join(folder, 'models', idOf(cell)), { replace: true });
  const { pictures, seconds: drawing } = await drawn(cell, model, trained, session);
  const { pictures: densePictures } = await densePicturesOf(cell, model, session);
  const quality = await judge(model, trained, {
    pictures,
    densePictures,
    protocol,
    seed: cell.seed,
    engine,
    threads,
  });
  tell(`${idOf(cell)}: kid ${quality.kid.value.toPrecision(4)}, fd ${quality.fd.value.toPrecision(4)}`);
  return {
    ...cell,
    protocol,
    quality,
    cost: effectiveCost(trained, masks),
    denseCost: effectiveCost(model.dense),
    ...(report && { training: summary(report) }),
    // On this machine, beside whatever else ran on it.
    seconds: { prune: started.seconds, finetune: seconds, draw: drawing },
    threads: threads ?? null,
    engine: await engine.describe(),
  };
}

/** What a finished cell no longer needs: its training's checkpoint, which until then makes going on cheap. */
export async function forget(cell, { folder }) {
  await folderCheckpoints(join(folder, 'runs', idOf(cell))).clear();
}

function summary({ losses, maskFlips, measured }) {
  const some = Math.max(1, Math.floor(losses.length / 20));
  const ends = (all) => ({ first: mean(all.slice(0, some)), last: mean(all.slice(-some)) });
  return {
    loss: ends(losses),
    ...(maskFlips && { maskFlips: ends(maskFlips.slice(1)) }),
    updateShare: measured.updateSeconds / measured.seconds,
  };
}

/** Pruned models are kept in memory: cells of one method follow one another. */
const kept = { key: undefined, value: undefined };

async function startOf(cell, model, { protocol, engine, threads, tell }) {
  const { steps: _, ...rest } = cell;
  const key = JSON.stringify([rest, protocol.calibration]);
  if (kept.key !== key) {
    tell(`${idOf(cell)}: pruning`);
    const { budget, seed, method } = cell;
    const began = performance.now();
    const value = await methods[method].start({ model, budget, seed, protocol, engine, threads });
    Object.assign(kept, { key, value: { ...value, seconds: (performance.now() - began) / 1000 } });
  }
  return kept.value;
}

async function finetuned(cell, model, started, { folder, protocol, engine, threads, tell }) {
  if (cell.steps === 0) return { trained: started.model, masks: started.masks, seconds: 0 };
  const { batch, learningRate, ema, clip } = protocol.finetune;
  const plan = methods[cell.method].training?.({ steps: cell.steps, started, model }) ?? {};
  // Masks that follow the weights start from the dense ones.
  const from = plan.mask?.straightThrough ? model.dense : started.model;
  const checkpoints = folderCheckpoints(join(folder, 'runs', idOf(cell)));
  let told = 0;
  const result = await train(from, {
    losses: [denoising()],
    ...plan,
    engine,
    threads,
    data: await model.trainingSet(protocol.finetune),
    sampler: model.sampler,
    names: model.names,
    steps: cell.steps,
    batchSize: batch,
    optimizer: adamw(),
    learningRate: { ...learningRate, warmup: Math.min(learningRate.warmup, Math.floor(cell.steps / 10)) },
    ema: { decay: ema },
    clip,
    seed: cell.seed,
    checkpoints,
    checkpointEvery: 50,
    onProgress({ done, total, note, remainingMs }) {
      if (done < total && performance.now() - told < 30_000) return;
      told = performance.now();
      tell(`${idOf(cell)}: step ${done} of ${total}, ${note}, ${Math.round(remainingMs / 60_000)} min left`);
    },
  });
  const { model: trained, report, masks } = result;
  const made = cell.steps - (report.resumedFrom ?? 0);
  // Of a run that went on from a checkpoint only the rest was timed.
  const seconds = made === 0 ? null : (report.measured.seconds * cell.steps) / made;
  return { trained, report, masks, seconds };
}

/** The pictures of a cell, kept as bytes of float32, and how long they took to draw. */
async function drawn(cell, model, candidate, session) {
  const { folder, protocol, tell } = session;
  const path = join(folder, 'pictures', idOf(cell));
  const shape = [protocol.judging.count, ...model.shape];
  if (existsSync(`${path}.json`)) {
    const [bytes, { seconds }] = [await readFile(`${path}.f32`), JSON.parse(await readFile(`${path}.json`, 'utf8'))];
    return { pictures: float32(shape, new Float32Array(Uint8Array.from(bytes).buffer)), seconds };
  }
  const began = performance.now();
  const pictures = await draw(model, candidate, {
    ...session,
    seed: cell.seed,
    onProgress: (done, total) => tell(`${idOf(cell)}: ${done} of ${total} pictures`),
  });
  const seconds = (performance.now() - began) / 1000;
  await mkdir(join(folder, 'pictures'), { recursive: true });
  const { buffer, byteOffset, byteLength } = pictures.data;
  await writeFile(`${path}.f32`, new Uint8Array(buffer, byteOffset, byteLength));
  // Written last: where it is, the pictures are whole.
  await writeFile(`${path}.part`, JSON.stringify({ seconds }));
  await rename(`${path}.part`, `${path}.json`);
  return { pictures, seconds };
}

function densePicturesOf(cell, model, session) {
  const dense = { model: cell.model, method: 'dense', budget: 'none', steps: 0, seed: cell.seed };
  return drawn(dense, model, model.dense, session);
}

function mean(numbers) {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
