import type { PlanOptions, SchedulerConfig } from '@secateur/samplers';

/**
 * How far the noise levels of flow matching are shifted for a picture of so many tokens: on a line through two points that
 * the configuration names. Nothing where it asks for no such shift.
 */
export function dynamicShift(config: SchedulerConfig, tokens: number): PlanOptions {
  if (config.use_dynamic_shifting !== true) return {};
  const number = (name: string, fallback: number): number => {
    const value = config[name];
    return typeof value === 'number' ? value : fallback;
  };
  const [few, many] = [number('base_image_seq_len', 256), number('max_image_seq_len', 4096)];
  const [low, high] = [number('base_shift', 0.5), number('max_shift', 1.15)];
  const slope = (high - low) / (many - few);
  return { mu: tokens * slope + (low - slope * few) };
}
