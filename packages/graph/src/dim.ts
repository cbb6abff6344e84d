import { SecateurError } from './errors.js';

/**
 * One dimension of a shape: a whole number, or a polynomial over symbols such as `batch` and `height`.
 *
 * Symbolic dimensions are kept in a canonical form (a sum of monomials with integer coefficients), so that equal
 * polynomials are equal strings. A division that does not come out even becomes an opaque symbol, `floor((height-1)/2)`.
 */
export type Dim = number | SymbolicDim;

export interface SymbolicDim {
  /** Canonical text, e.g. `2*height*width+1`; two dimensions with equal text are equal. */
  readonly text: string;
  /** Coefficient of each monomial; the key is its sorted symbols joined by `*`, the constant's key is empty. */
  readonly terms: ReadonlyMap<string, number>;
}

export function isSymbolic(dim: Dim): dim is SymbolicDim {
  return typeof dim !== 'number';
}

/** A named dimension, e.g. `symbol('batch')`. */
export function symbol(name: string): Dim {
  return fromTerms(new Map([[name, 1]]));
}

function fromTerms(terms: Map<string, number>): Dim {
  for (const [key, coefficient] of terms) if (coefficient === 0) terms.delete(key);
  if (terms.size === 0) return 0;
  if (terms.size === 1 && terms.has('')) return terms.get('')!;
  // The constant's key sorts first; it reads better last.
  const keys = [...terms.keys()].sort();
  if (keys[0] === '') keys.push(keys.shift()!);
  let text = '';
  for (const key of keys) {
    const coefficient = terms.get(key)!;
    const size = Math.abs(coefficient);
    const body = key === '' ? String(size) : size === 1 ? key : `${size}*${key}`;
    text += coefficient < 0 ? `-${body}` : text === '' ? body : `+${body}`;
  }
  return { text, terms };
}

function termsOf(dim: Dim): ReadonlyMap<string, number> {
  return typeof dim === 'number' ? new Map([['', dim]]) : dim.terms;
}

export function dimText(dim: Dim): string {
  return typeof dim === 'number' ? String(dim) : dim.text;
}

export function dimEquals(a: Dim, b: Dim): boolean {
  return typeof a === 'number' || typeof b === 'number' ? a === b : a.text === b.text;
}

export function addDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return a + b;
  const terms = new Map(termsOf(a));
  for (const [key, coefficient] of termsOf(b)) terms.set(key, (terms.get(key) ?? 0) + coefficient);
  return fromTerms(terms);
}

export function subtractDims(a: Dim, b: Dim): Dim {
  return addDims(a, multiplyDims(b, -1));
}

export function multiplyDims(a: Dim, b: Dim): Dim {
  // `+ 0` makes a zero of -0, which is a different size to `Object.is`.
  if (typeof a === 'number' && typeof b === 'number') return a * b + 0;
  if (a === 1) return b;
  if (b === 1) return a;
  const key = `${dimText(a)} ${dimText(b)}`;
  let product = products.get(key);
  if (product === undefined) {
    if (products.size >= maxProducts) products.clear();
    products.set(key, (product = multiplyTerms(a, b)));
  }
  return product;
}

/** Products made before: a model has few different ones, and every layer asks for the same. */
const products = new Map<string, Dim>();
const maxProducts = 4096;

function multiplyTerms(a: Dim, b: Dim): Dim {
  const terms = new Map<string, number>();
  for (const [keyA, coefficientA] of termsOf(a)) {
    for (const [keyB, coefficientB] of termsOf(b)) {
      const key = multiplyMonomials(keyA, keyB);
      terms.set(key, (terms.get(key) ?? 0) + coefficientA * coefficientB);
    }
  }
  return fromTerms(terms);
}

function multiplyMonomials(a: string, b: string): string {
  if (a === '') return b;
  return b === '' ? a : [...splitMonomial(a), ...splitMonomial(b)].sort().join('*');
}

export function productOfDims(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>(multiplyDims, 1);
}

/**
 * `floor(a / b)`; exact where the division comes out even. Otherwise an opaque symbol, with what divides by a number `b`
 * taken out, so that the `floor((h-2)/2)+1` of a convolution is the `floor(h/2)` that others call it.
 */
export function floorDivideDims(a: Dim, b: Dim): Dim {
  if (typeof a === 'number' && typeof b === 'number') return Math.floor(a / b) + 0;
  const exact = divideExactly(a, b);
  if (exact !== undefined) return exact;
  if (typeof b !== 'number' || b < 1) return opaqueFloor(a, b);
  const [whole, rest] = partsBy(a, b);
  const inner = innerFloor(rest);
  return addDims(whole, inner ? floorDivideDims(inner[0], inner[1] * b) : opaqueFloor(rest, b));
}

function opaqueFloor(a: Dim, b: Dim): Dim {
  return fromTerms(new Map([[`floor(${group(dimText(a))}/${group(dimText(b))})`, 1]]));
}

/** `[x + k c, c]` of `floor(x/c) + k`: divided by b once more it is `floor((x + k c) / (b c))`. */
function innerFloor(dim: Dim): [Dim, number] | undefined {
  if (typeof dim === 'number') return undefined;
  const [[key, coefficient], ...others] = [...dim.terms].filter(([name]) => name !== '');
  const floor = others.length === 0 && coefficient === 1 ? (opaque.get(key) ?? parseFloor(key)) : undefined;
  if (typeof floor?.[1] !== 'number') return undefined;
  return [addDims(floor[0], (dim.terms.get('') ?? 0) * floor[1]), floor[1]];
}

/** `[q, r]` with `a = q b + r` and every coefficient of r from 0 to b - 1. */
function partsBy(a: Dim, b: number): [Dim, Dim] {
  const whole = new Map<string, number>();
  const rest = new Map<string, number>();
  for (const [key, coefficient] of termsOf(a)) {
    const quotient = Math.floor(coefficient / b);
    whole.set(key, quotient);
    rest.set(key, coefficient - quotient * b);
  }
  return [fromTerms(whole), fromTerms(rest)];
}

/** `a / b` when it is a polynomial again, else `undefined`. */
export function divideExactly(a: Dim, b: Dim): Dim | undefined {
  if (dimEquals(a, b)) return 1;
  const divisor = [...termsOf(b)];
  if (b === 0) return undefined;
  const lead = leadingTerm(divisor);
  const quotient = new Map<string, number>();
  // Long division: each round takes the largest monomial of what is left, and adds smaller ones only.
  let rest = a;
  while (rest !== 0) {
    const term = divideTerm(leadingTerm(termsOf(rest)), lead);
    if (!term) return undefined;
    quotient.set(...term);
    rest = subtractDims(rest, multiplyDims(fromTerms(new Map([term])), b));
  }
  return fromTerms(quotient);
}

/** The term of highest degree, the first by name among equals. */
function leadingTerm(terms: Iterable<readonly [string, number]>): readonly [string, number] {
  let best: { key: string; coefficient: number; factors: string[] } | undefined;
  for (const [key, coefficient] of terms) {
    const factors = splitMonomial(key);
    if (!best || isLarger(factors, best.factors)) best = { key, coefficient, factors };
  }
  return [best!.key, best!.coefficient];
}

function isLarger(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return a.length > b.length;
  const i = a.findIndex((factor, at) => factor !== b[at]);
  return i >= 0 && a[i]! < b[i]!;
}

function divideTerm(term: readonly [string, number], by: readonly [string, number]): [string, number] | undefined {
  if (term[1] % by[1] !== 0) return undefined;
  const rest = splitMonomial(term[0]);
  for (const factor of splitMonomial(by[0])) {
    const at = rest.indexOf(factor);
    if (at < 0) return undefined;
    rest.splice(at, 1);
  }
  return [rest.join('*'), term[1] / by[1]];
}

/**
 * The value of a dimension once its symbols are known.
 * @throws {SecateurError} SHAPE_MISMATCH when a symbol has no value
 */
export function evaluateDim(dim: Dim, symbols: Readonly<Record<string, number>>): number {
  if (typeof dim === 'number') return dim;
  let total = 0;
  for (const [key, coefficient] of dim.terms) {
    let product = coefficient;
    for (const factor of splitMonomial(key)) product *= evaluateSymbol(factor, symbols);
    total += product;
  }
  return total;
}

function evaluateSymbol(name: string, symbols: Readonly<Record<string, number>>): number {
  const known = symbols[name];
  if (known !== undefined) return known;
  const floor = opaque.get(name) ?? parseFloor(name);
  if (floor) return Math.floor(evaluateDim(floor[0], symbols) / evaluateDim(floor[1], symbols));
  throw new SecateurError('SHAPE_MISMATCH', `Dimension ${name} has no value.`, {
    field: name,
    hint: `Give a size for ${name}.`,
  });
}

const opaque = new Map<string, [Dim, Dim]>();

function parseFloor(name: string): [Dim, Dim] | undefined {
  if (!name.startsWith('floor(')) return undefined;
  const inner = name.slice(6, -1);
  let depth = 0;
  for (let i = 0; i < inner.length; i++) {
    if (inner[i] === '(') depth++;
    else if (inner[i] === ')') depth--;
    else if (inner[i] === '/' && depth === 0) {
      const parts: [Dim, Dim] = [parseDim(ungroup(inner.slice(0, i))), parseDim(ungroup(inner.slice(i + 1)))];
      opaque.set(name, parts);
      return parts;
    }
  }
  return undefined;
}

/** Reads what {@link dimText} writes. Any other text is taken as one symbol. */
export function parseDim(text: string): Dim {
  const terms = new Map<string, number>();
  for (const term of splitTop(text, /[+-]/)) {
    const negative = term.startsWith('-');
    const factors = splitMonomial(term.replace(/^[+-]/, ''));
    let coefficient = negative ? -1 : 1;
    const symbols: string[] = [];
    for (const factor of factors) {
      if (/^\d+$/.test(factor)) coefficient *= Number(factor);
      else symbols.push(factor);
    }
    const key = symbols.sort().join('*');
    terms.set(key, (terms.get(key) ?? 0) + coefficient);
  }
  return fromTerms(terms);
}

function splitMonomial(key: string): string[] {
  if (key === '') return [];
  if (!key.includes('(')) return key.split('*');
  return splitTop(key, /\*/).map((factor) => factor.replace(/^\*/, ''));
}

/** Splits before every separator that is not inside parentheses; the separator stays at the front of its part. */
function splitTop(text: string, separator: RegExp): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (depth === 0 && i > start && separator.test(character)) {
      parts.push(text.slice(start, i));
      start = i;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function group(text: string): string {
  return /[+*/-]/.test(text) ? `(${text})` : text;
}

function ungroup(text: string): string {
  return text.startsWith('(') && text.endsWith(')') ? text.slice(1, -1) : text;
}

/**
 * One dimension out of two that must be equal at run time, as when tensors are added: a number wins over a symbol, the
 * shorter symbol over the longer. `undefined` when they are different numbers.
 */
export function unifyDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === 'number') return typeof b !== 'number' || a === b ? a : undefined;
  if (typeof b === 'number') return b;
  return a.text.length <= b.text.length ? a : b;
}

/** Shape after broadcasting two shapes by ONNX's (NumPy's) rules; `undefined` when they do not broadcast. */
export function broadcastShapes(a: readonly Dim[], b: readonly Dim[]): Dim[] | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const da = a[a.length - rank + i] ?? 1;
    const db = b[b.length - rank + i] ?? 1;
    const dim = da === 1 ? db : db === 1 ? da : unifyDims(da, db);
    if (dim === undefined) return undefined;
    shape.push(dim);
  }
  return shape;
}

/** Text of a shape: `[batch, 32, height, width]`. */
export function shapeText(shape: readonly Dim[]): string {
  return `[${shape.map(dimText).join(', ')}]`;
}
