import { type KernelInfo, kernels } from '../kernels.list.js';
import { elementwise } from './elementwise.js';
import type { ReferenceKernel } from './memory.js';
import { norm } from './norm.js';
import { pack } from './pack.js';
import { gemmF32, spmmF32, spmmInteger } from './products.js';
import { winograd } from './winograd.js';

export { type ReferenceKernel, type ReferenceMemory, referenceMemory } from './memory.js';

const single: Readonly<Record<string, ReferenceKernel>> = { ...elementwise, ...norm, ...pack, ...winograd };

function referenceOf({ name, family, mr = 0, nr = 0 }: KernelInfo): ReferenceKernel {
  switch (family) {
    case 'spmm':
    case 'dense':
      return spmmF32(mr, nr, family === 'dense');
    case 'gemm':
      return gemmF32(mr, nr);
    case 'pair':
      return spmmInteger(mr, nr, 2);
    case 'quad':
      return spmmInteger(mr, nr, 4);
    default:
      return single[name];
  }
}

/** The scalar reference of every kernel in the list, by name. */
export const references: ReadonlyMap<string, ReferenceKernel> = new Map(
  kernels.map((kernel) => [kernel.name, referenceOf(kernel)]),
);
