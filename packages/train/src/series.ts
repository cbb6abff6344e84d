import type { Tensor } from '@secateur/graph';

/** What is noted of every step. */
export interface StepRecord {
  /** Weighted sum of the terms. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global norm before clipping. */
  readonly gradientNorm: number;
  /** Share of mask bits that changed before the step. */
  readonly maskFlips: number;
  /** Of every term, before its weight. */
  readonly terms: readonly number[];
}

/** The records of all steps, as long as the run; allocated once. */
export class Series {
  private readonly data: Float64Array;
  private readonly width: number;
  length = 0;

  constructor(steps: number, terms: number) {
    this.width = 4 + terms;
    this.data = new Float64Array(steps * this.width);
  }

  push({ loss, learningRate, gradientNorm, maskFlips, terms }: StepRecord): void {
    this.data.set([loss, learningRate, gradientNorm, maskFlips, ...terms], this.length * this.width);
    this.length++;
  }

  /** Column of all steps so far. */
  private column(index: number): number[] {
    return Array.from({ length: this.length }, (_, i) => this.data[i * this.width + index]);
  }

  get losses(): number[] {
    return this.column(0);
  }

  get learningRates(): number[] {
    return this.column(1);
  }

  get gradientNorms(): number[] {
    return this.column(2);
  }

  get maskFlips(): number[] {
    return this.column(3);
  }

  termLosses(term: number): number[] {
    return this.column(4 + term);
  }

  /** Of the step made last. */
  get last(): Pick<StepRecord, 'loss' | 'learningRate' | 'maskFlips'> {
    const at = (this.length - 1) * this.width;
    return { loss: this.data[at], learningRate: this.data[at + 1], maskFlips: this.data[at + 3] };
  }

  /** `[steps so far, columns]`, without a copy. */
  tensor(): Tensor {
    const data = this.data.subarray(0, this.length * this.width);
    return { dtype: 'float64', shape: [this.length, this.width], data };
  }

  restore({ data, shape: [length] }: Tensor): void {
    this.data.set(data as Float64Array);
    this.length = length;
  }
}
