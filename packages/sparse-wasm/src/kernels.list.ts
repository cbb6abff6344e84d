/**
 * Every kernel of the WebAssembly modules. This list drives what the modules export, what the tests sweep and what the
 * benchmarks time; a kernel that is not here does not exist.
 *
 * Names read `dtype_op_format_MRxNR__isa`: MR output rows (channels) share one list of positions, NR columns (pixels or
 * tokens) are kept in registers. Kernels that keep no tile in registers have no `MRxNR`, those with one layout no format.
 */
export type Isa = 'simd' | 'relaxed';

export type KernelFamily =
  | 'spmm' // f32 rows that follow a list of positions: N:M, blocks, CSR, 1x1, 3x3, Winograd products
  | 'dense' // the same where no position is left out and they are evenly spaced: no list to read
  | 'gemm' // f32, both sides dense and made at run time: attention
  | 'pair' // i16 pairs of inputs, i32 sums
  | 'quad' // s8 weights times u7 inputs, four at a time
  | 'pack'
  | 'winograd'
  | 'norm'
  | 'elementwise';

export interface KernelInfo {
  readonly name: string;
  readonly family: KernelFamily;
  readonly isa: Isa;
  /** Output rows that share positions. */
  readonly mr?: number;
  /** Columns kept in registers; 4 to a vector. */
  readonly nr?: number;
}

const tile = (family: KernelFamily, stem: string, isa: Isa, mr: number, nr: number): KernelInfo => ({
  name: `${stem}_${mr}x${nr}__${isa}`,
  family,
  isa,
  mr,
  nr,
});

const plain = (family: KernelFamily, ...stems: string[]): KernelInfo[] =>
  stems.map((stem) => ({ name: `${stem}__simd`, family, isa: 'simd' }));

/** The two instruction sets that every floating-point product comes in: multiply and add, or fused. */
const both: readonly Isa[] = ['simd', 'relaxed'];

export const kernels: readonly KernelInfo[] = [
  ...both.flatMap((isa) => [
    tile('dense', 'f32_spmm_dense', isa, 4, 8),
    tile('spmm', 'f32_spmm_block', isa, 4, 8),
    tile('spmm', 'f32_spmm_block', isa, 2, 16),
    tile('spmm', 'f32_spmm_csr', isa, 1, 16),
    tile('spmm', 'f32_spmm_csr', isa, 1, 32),
    tile('gemm', 'f32_gemm_packed', isa, 4, 8),
  ]),
  tile('pair', 'i16_spmm_pair', 'simd', 4, 8),
  tile('pair', 'i16_spmm_pair', 'simd', 1, 16),
  tile('quad', 's8u7_spmm_quad', 'relaxed', 4, 8),
  tile('quad', 's8u7_spmm_quad', 'relaxed', 1, 16),
  ...plain(
    'pack',
    'f32_pack_window',
    'f32_pack_window_affine',
    'f32_pack_window_upsample2',
    'f32_pack_window_stride2',
    'f32_pack_rows4',
    'f32_pack_columns4',
    'f32_pack_pair_i16',
    'f32_pack_quad_u7',
    'f32_copy_window',
  ),
  ...plain('winograd', 'f32_winograd_input_f2', 'f32_winograd_input_f4'),
  ...plain('winograd', 'f32_winograd_output_f2', 'f32_winograd_output_f4'),
  ...plain('norm', 'f32_moments', 'f32_layernorm_columns', 'f32_expsum_columns', 'f32_divide_columns'),
  ...plain(
    'elementwise',
    'f32_affine_planes',
    'f32_add',
    'f32_mul',
    'f32_silu',
    'f32_gelu',
    'f32_gelu_tanh',
    'f32_geglu',
    'f32_resize_nearest2',
  ),
];

/** The kernels of one module: the relaxed module has those of the baseline as well, so that the two can be timed. */
export function kernelsOf(isa: Isa): readonly KernelInfo[] {
  return isa === 'relaxed' ? kernels : kernels.filter((kernel) => kernel.isa === 'simd');
}
