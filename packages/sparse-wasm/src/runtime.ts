import { type Arena, createArena } from './arena.js';
import { currentInstance, type InitOutput } from './init.js';
import type { Isa } from './kernels.list.js';
import { relaxedDotWorks } from './relaxed-dot.js';
import { fasterSingleRow } from './single-row-columns.js';

/** Kernels over one memory. Layers of one runtime share its scratch, so they run one after another. */
export interface Runtime {
  readonly kernels: InitOutput;
  readonly arena: Arena;
  /** The instruction set that floating-point products use. */
  readonly isa: Isa;
  /** Floating-point products, looked up once: by rows that share positions, `wide` for single rows of 32 columns. */
  readonly products: Readonly<Record<1 | 2 | 4 | 'wide' | 'dense', (...args: number[]) => void>>;
  /** Whether eight-bit products are there and right. */
  readonly hasRelaxedDot: boolean;
  /** Columns that kernels of single rows take here; measured when it is first asked for. */
  singleRowColumns(): 16 | 32;
  /** Room that any call may overwrite, at least so large; good until the next call of this. */
  scratch(bytes: number): number;
}

export interface RuntimeOptions {
  /** Exports of another instance than the one `init` made. */
  kernels?: InitOutput;
  /** Take the baseline products even where the module has relaxed ones: same bits on every machine. Default: what the module has. */
  isa?: Isa;
}

/** @throws {SparseWasmError} NOT_INITIALISED before `init` when no `kernels` are given */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  const kernels = options.kernels ?? currentInstance();
  const hasRelaxed = 'f32_spmm_block_4x8__relaxed' in kernels;
  const arena = createArena(kernels.memory);
  const isa = hasRelaxed ? (options.isa ?? 'relaxed') : 'simd';
  let at = 0;
  let size = 0;
  let single: 16 | 32 | undefined;
  return {
    kernels,
    arena,
    isa,
    products: {
      1: kernels[`f32_spmm_csr_1x16__${isa}`],
      2: kernels[`f32_spmm_block_2x16__${isa}`],
      4: kernels[`f32_spmm_block_4x8__${isa}`],
      wide: kernels[`f32_spmm_csr_1x32__${isa}`],
      dense: kernels[`f32_spmm_dense_4x8__${isa}`],
    },
    singleRowColumns: () => (single ??= fasterSingleRow(kernels, arena, isa)),
    hasRelaxedDot: hasRelaxed && relaxedDotWorks(kernels, arena),
    scratch(bytes) {
      if (bytes > size) {
        if (size > 0) arena.free(at);
        at = arena.alloc(bytes);
        size = bytes;
      }
      return at;
    },
  };
}
