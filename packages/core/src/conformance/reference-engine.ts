import {
  evaluateGraph,
  type Graph,
  type OpSet,
  SecateurError,
  type Tensor,
  throwIfAborted,
  withoutDeadNodes,
} from '@secateur/graph';
import type { Engine } from '../engine.js';

/** An engine that interprets the graph in plain JavaScript: slow, exact, always there. For tests of small models. */
export function referenceEngine({ ops }: { readonly ops?: OpSet } = {}): Engine {
  return {
    name: 'reference',
    apiVersion: 1,
    describe: async () => 'plain JavaScript reference interpreter',
    compile: async (graph, { variable = [] } = {}) => {
      const loaded = await loadConstants(graph, new Set(variable));
      const inputs = [...graph.inputs.map(({ name }) => name), ...variable];
      return {
        inputs,
        outputs: graph.outputs.map(({ name }) => name),
        run: async (feeds, { outputs, signal } = {}) => {
          throwIfAborted(signal);
          const missing = inputs.find((name) => !feeds[name]);
          if (missing) throw new SecateurError('BAD_OPTION', `Feed "${missing}" is missing.`, { field: missing });
          return evaluateGraph(withValues(loaded, variable, feeds), feeds, { outputs, ops });
        },
        dispose: async () => {},
      };
    },
  };
}

async function loadConstants(graph: Graph, except: ReadonlySet<string>): Promise<Graph> {
  const live = withoutDeadNodes(graph);
  const constants = new Map(live.constants);
  for (const [name, constant] of constants) {
    if (!except.has(name)) constants.set(name, { ...constant, value: constant.value ?? (await constant.read()) });
  }
  return { ...live, constants };
}

function withValues(graph: Graph, names: readonly string[], feeds: Readonly<Record<string, Tensor>>): Graph {
  if (names.length === 0) return graph;
  const constants = new Map(graph.constants);
  for (const name of names) constants.set(name, { ...constants.get(name)!, value: feeds[name] });
  return { ...graph, constants };
}
