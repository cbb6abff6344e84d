/**
 * The module path in an exporter's node name: `/m/down_blocks.1/attentions.0/to_q/MatMul` gives
 * `m.down_blocks.1.attentions.0.to_q`. A name without a path gives the empty scope.
 */
export function scopeOfName(nodeName: string): string {
  const segments = nodeName.split('/').filter((segment) => segment !== '');
  return segments.slice(0, -1).join('.');
}
