/** Numbers as a reader wants them: three or four significant digits, units, a real minus sign, no line break before a unit. */

const nbsp = '\u00a0';
const minus = '\u2212';
const prefixes = ['', 'k', 'M', 'G', 'T', 'P'];

/** `3,939,393` */
export function wholeNumber(value: number): string {
  return withMinus(value.toLocaleString('en-US', { maximumFractionDigits: 0 }));
}

/** `3.94 M`; below 10,000 the number itself. */
export function compactNumber(value: number, unit = ''): string {
  if (Math.abs(value) < 10_000) return joined(wholeNumber(value), unit);
  const { digits, prefix } = scaled(value);
  return joined(digits, prefix + unit);
}

/** `15.8 MB`, in powers of 1,000. */
export function bytes(value: number): string {
  const { digits, prefix } = scaled(value);
  return joined(digits, `${prefix}B`);
}

/** `12.3 ms`, `1.24 s`. */
export function milliseconds(value: number): string {
  return value < 1000 ? joined(significant(value), 'ms') : joined(significant(value / 1000), 's');
}

/** A fraction as `56.3 %`. */
export function percent(fraction: number, digits = 1): string {
  return joined(withMinus((fraction * 100).toFixed(digits)), '%');
}

/** A share of a whole as percent, never rounded up to all of it: `more than 99.99 %`. */
export function share(fraction: number): string {
  if (fraction === 1) return percent(1, 0);
  return fraction > 0.9999 ? `more than ${percent(0.9999, 2)}` : percent(fraction, 2);
}

/** Change from one value to another as `−44.1 %`; `no change`; `—` when there was nothing. */
export function change(before: number, after: number): string {
  if (before === after) return 'no change';
  if (before === 0) return '—';
  const text = percent((after - before) / before);
  return after > before ? `+${text}` : text;
}

/** Three significant digits, without trailing zeros of whole numbers: `0.0512`, `12.3`, `1,234`. */
export function significant(value: number, digits = 3): string {
  if (value === 0 || !Number.isFinite(value)) return withMinus(String(value));
  const size = Math.abs(value);
  if (size >= 10 ** digits) return size < 1e15 ? wholeNumber(value) : exponential(value);
  return withMinus(size < 1e-4 ? exponential(value) : value.toPrecision(digits));
}

/** `2.1 × 10⁻⁵` */
function exponential(value: number): string {
  const [digits, exponent] = value.toExponential(1).split('e');
  const raised = [...(exponent ?? '').replace('+', '')].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)] ?? '⁻').join('');
  return withMinus(`${digits}${nbsp}×${nbsp}10${raised}`);
}

/** For the beginning of a sentence. */
export function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function scaled(value: number): { digits: string; prefix: string } {
  let power = 0;
  let rest = value;
  // 999.5 would be written as "1000".
  while (Math.abs(rest) >= 999.5 && power < prefixes.length - 1) {
    rest /= 1000;
    power++;
  }
  const digits = power === 0 ? wholeNumber(rest) : withMinus(Number(rest.toPrecision(3)).toString());
  return { digits, prefix: prefixes[power] ?? '' };
}

function joined(number: string, unit: string): string {
  return unit ? `${number}${nbsp}${unit}` : number;
}

function withMinus(text: string): string {
  return text.replace(/^-/, minus);
}
