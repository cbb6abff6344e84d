import type { Constant } from '@secateur/graph';
import type { ValueInfoProto } from 'onnx-buf';

/** Where PyTorch's newer exporter notes what an initialiser is. */
const KIND = 'pkg.torch.export.graph_signature.InputSpec.kind';

/**
 * Which initialisers PyTorch's newer exporter calls parameters and buffers of the model; `undefined` when the file does not
 * say so of any. It gives what it folded the names of its own nodes, `unsqueeze_1`, which look like any name.
 */
export function declaredKinds(infos: readonly ValueInfoProto[]): Map<string, Constant['declared']> | undefined {
  const kinds = new Map<string, Constant['declared']>();
  for (const { name, metadataProps } of infos) {
    const kind = metadataProps.find(({ key }) => key === KIND)?.value;
    if (kind === 'PARAMETER') kinds.set(name, 'parameter');
    else if (kind === 'BUFFER') kinds.set(name, 'buffer');
  }
  return kinds.size > 0 ? kinds : undefined;
}
