/**
 * The module path in an exporter's node name: `/m/down_blocks.1/attentions.0/to_q/MatMul` gives
 * `m.down_blocks.1.attentions.0.to_q`. A name without a path gives the empty scope.
 */
export function scopeOfName(nodeName: string): string {
  const segments = nodeName.split('/').filter((segment) => segment !== '');
  return segments.slice(0, -1).join('.');
}

/**
 * The module path in the list of scopes that PyTorch's newer exporter notes on a node: a Python list of paths, the operator
 * last. Where attribute look-ups were traced, `m.__dict__['_modules']['conv_in']` is `m.conv_in`.
 */
export function moduleInList(list: string): string | undefined {
  const scopes = [...list.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? '');
  return scopes
    .at(-2)
    ?.replace(/\.__dict__\['_modules'\]/g, '')
    .replace(/\['([^']*)'\]/g, '.$1');
}
