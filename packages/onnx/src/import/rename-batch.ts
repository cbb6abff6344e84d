import { type Dim, dimText, type Graph, isSymbolic, parseDim, type ValueInfo } from '@secateur/graph';

/** The symbol under which everything else looks for the number of pictures at once. */
const BATCH = 'batch';

/**
 * Calls the first dimension of the first input `batch`, wherever its symbol occurs. Exporters call it `batch_size`,
 * `N`, …, or nothing at all; other inputs keep a symbol of their own unless it is the same one.
 */
export function renameBatch(graph: Graph): Graph {
  const first = graph.inputs[0]?.shape[0];
  if (first === undefined || !isSymbolic(first) || first.text === BATCH || !isName(first.text)) return graph;
  const symbols = new Set([...graph.inputs, ...graph.outputs].flatMap(({ shape }) => shape.map(dimText)));
  if (symbols.has(BATCH)) return graph;
  const rename = (info: ValueInfo): ValueInfo => ({
    ...info,
    shape: info.shape.map((dim) => renameSymbol(dim, first.text)),
  });
  return { ...graph, inputs: graph.inputs.map(rename), outputs: graph.outputs.map(rename) };
}

function renameSymbol(dim: Dim, from: string): Dim {
  if (!isSymbolic(dim)) return dim;
  return parseDim(dim.text.replace(/[A-Za-z_]\w*/g, (name) => (name === from ? BATCH : name)));
}

function isName(text: string): boolean {
  return /^[A-Za-z_]\w*$/.test(text);
}
