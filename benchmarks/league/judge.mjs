import { tensorFromBitmaps } from '@secateur/pipelines';
import { torchGenerator } from '@secateur/samplers';
import { createPipeline, fd, kid, loadFeatures, outputErrors, ssim } from 'secateur';

/** Pictures drawn at once, as `secateur eval` does: the same seed gives the same pictures. */
const PART = 64;

/**
 * 8-bit pictures of a model, `[count, channels, height, width]` in −1..1.
 * @returns {Promise<import('@secateur/graph').Tensor>}
 */
export async function draw(model, candidate, { protocol, seed, engine, threads, signal, onProgress }) {
  const { count, steps, sampler } = protocol.judging;
  const pipeline = await createPipeline(candidate, { engine, threads, sampler });
  const generator = torchGenerator(seed);
  const bitmaps = [];
  try {
    while (bitmaps.length < count) {
      const first = bitmaps.length;
      const part = Math.min(PART, count - first);
      const { images } = await pipeline({
        count: part,
        steps,
        seed: generator,
        batchSize: 32,
        ...(model.classes !== undefined && {
          classLabels: Array.from({ length: part }, (_, i) => (first + i) % model.classes),
        }),
        signal,
      });
      bitmaps.push(...images);
      onProgress?.(bitmaps.length, count);
    }
  } finally {
    await pipeline.dispose();
  }
  return tensorFromBitmaps(bitmaps);
}

/** KID, Fréchet distance, SSIM to the dense model's pictures from the same noise, and how far the outputs are apart. */
export async function judge(model, candidate, { pictures, densePictures, protocol, seed, engine, threads }) {
  const { features: name, images, offset, outputError } = protocol.judging;
  const features = await loadFeatures(`zoo:${name}`, { engine, threads });
  try {
    const [real, drawn] = [
      await features.extract(await model.images({ offset, images })),
      await features.extract(pictures),
    ];
    const sets = { kid: kid().start({ seed }), fd: fd().start({ seed }) };
    const found = {};
    for (const [metric, run] of Object.entries(sets)) {
      run.add({ reference: real, actual: drawn });
      const { value, spread, warnings } = await run.finish();
      found[metric] = { value, ...(spread !== undefined && { spread }), warnings };
    }
    const pairs = ssim().start({ seed });
    pairs.add({ actual: pictures, reference: densePictures });
    const errors = await outputErrors(
      [model.dense, candidate],
      await model.calibration({ offset, images: outputError.images }, 1000 + seed),
      { engine, threads, timesteps: outputError.timesteps },
    );
    return {
      ...found,
      ssim: { value: (await pairs.finish()).value },
      outputErrors: errors.map(({ timestep, relative }) => ({ timestep, relative })),
      features: features.name,
    };
  } finally {
    await features.dispose?.();
  }
}
