/**
 * Modules that real checkpoints have at the very top, with all their weights below: CLIP's text encoder is all
 * `text_model.…`. A wrapper written for an export is called anything else.
 */
const GENUINE = new Set(['text_model', 'vision_model', 'encoder', 'decoder', 'transformer', 'model']);

/**
 * The prefix, dot included, that an export wrapper put before every name: `m.` for `m.conv_in.weight`,
 * `m.conv_out.bias`, …. Empty when there is none. A model that is one module only has no wrapper.
 */
export function wrapperPrefix(names: readonly string[]): string {
  let prefix = '';
  for (;;) {
    const rest = names.map((name) => name.slice(prefix.length));
    const segment = rest[0]?.split('.')[0] ?? '';
    const common = rest.length > 1 && rest.every((name) => name.startsWith(`${segment}.`));
    const inner = rest.map((name) => name.slice(segment.length + 1));
    // Below a wrapper there are modules; below a single layer only `weight` and `bias`.
    if (!common || GENUINE.has(segment) || !inner.some((name) => name.includes('.'))) return prefix;
    prefix += `${segment}.`;
  }
}
