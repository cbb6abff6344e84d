import { bytesSource } from '@secateur/core';
import { float32 } from '@secateur/graph';
import { onnxFormat } from '@secateur/onnx';
import { webEngine } from '@secateur/runtime/web';
import { fd, kid, metricLabel, modelFeatures, ssim } from '../../src/index.js';

/** Judges pictures `[count, 1, 32, 32]` by others in the browser, through features that run there too. */
export async function judge(
  url: string,
  actual: Float32Array,
  reference: Float32Array,
): Promise<Record<string, number>> {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const engine = await webEngine({ provider: 'wasm', threads: 2 });
  const features = await modelFeatures(await onnxFormat.load({ file: bytesSource(url, bytes) }), {
    engine,
    name: 'fashion-classifier',
  });
  const [pictures, real] = [actual, reference].map((data) => float32([data.length / 1024, 1, 32, 32], data));
  const [a, b] = [await features.extract(pictures!), await features.extract(real!)];
  const found: Record<string, number> = {};
  for (const metric of [fd(), kid({ subsets: 5 })]) {
    found[metricLabel(metric, features)] = (await metric.compare(a, b)).value;
  }
  found.ssim = (await ssim().compare(pictures!, real!)).value;
  await features.dispose?.();
  return found;
}
