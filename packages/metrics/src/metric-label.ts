import type { FeatureExtractor, Metric } from '@secateur/core';

/** Features of the Inception that FID is defined with. */
const INCEPTION_DIMS = 2048;

/**
 * The name under which a number may be quoted. Fréchet distances are called `fid` with the one Inception alone; everything
 * else that is computed on features names them: `fd(fashion-classifier)`, `kid(clip-vit-l-14)`.
 */
export function metricLabel(metric: Metric, features?: FeatureExtractor): string {
  if (metric.subject === 'images' || !features) return metric.name;
  const isFid = features.isFidInception === true && features.dims === INCEPTION_DIMS;
  if (isFid && (metric.name === 'fd' || metric.name === 'fd-infinity')) return metric.name.replace('fd', 'fid');
  return `${metric.name}(${features.name})`;
}
