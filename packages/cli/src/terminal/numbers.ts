/** Numbers as people read them. */

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `15.8 MB`: powers of 1,000. */
export function bytes(value: number): string {
  return scaled(value, ['B', 'kB', 'MB', 'GB', 'TB']);
}

/** `6.05 G`. */
export function macs(value: number): string {
  return scaled(value, ['', 'K', 'M', 'G', 'T']);
}

export function milliseconds(value: number): string {
  return `${value.toPrecision(3)} ms`;
}

/** Change as a percentage with its sign: `-44.1 %`. */
export function change(before: number, after: number): string {
  if (before === 0) return '';
  const percent = (after / before - 1) * 100;
  const text = percent.toFixed(1).replace(/^-0\.0$/, '0.0');
  return `${percent > 0 && text !== '0.0' ? '+' : ''}${text} %`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.001 ? 3 : 1)} %`;
}

function scaled(value: number, units: readonly string[]): string {
  let unit = 0;
  let scaledValue = value;
  while (Math.abs(scaledValue) >= 999.5 && unit < units.length - 1) {
    scaledValue /= 1000;
    unit++;
  }
  const text = unit === 0 ? String(Math.round(scaledValue)) : scaledValue.toPrecision(3);
  return `${text} ${units[unit]}`.trim();
}
