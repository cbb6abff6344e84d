import type { AnyFactory, Criterion, Method, Registry, Selector } from '@secateur/core';
import { SecateurError } from '@secateur/graph';
import { flagsOf, parsePairs } from '../plugins/option-flags.js';

export interface MethodRequest {
  /** Name of a method, or of a criterion for the default pipeline. */
  readonly name: string;
  /** Options given as flags, by option name; `undefined` counts as not given. */
  readonly options: Readonly<Record<string, unknown>>;
  /** `key=value` pairs of `--option`. */
  readonly pairs: readonly string[];
  readonly selector?: string;
}

/**
 * The method by that name, or the default pipeline around the criterion by that name.
 * @throws {SecateurError} BAD_OPTION when there is neither, or an option is not the method's
 */
export async function resolveMethod(registry: Registry, request: MethodRequest): Promise<Method> {
  const factory = findMethod(registry, request.name);
  if (!factory) throw noSuchMethod(registry, request.name);
  const flags = flagsOf(factory);
  const hasSelector = flags.some(({ name }) => name === 'selector');
  const { mine, others } = sharePairs(request, factory);
  const options = { ...request.options, ...parsePairs(mine, flags, request.name) };
  if (factory.kind === 'criterion') {
    const { structured } = await import('@secateur/core');
    return structured({
      criterion: make<Criterion>(factory, options),
      selector:
        request.selector === undefined && others.length === 0
          ? undefined
          : makeSelector(registry, request.selector ?? 'local', others),
    });
  }
  if (request.selector !== undefined && !hasSelector) {
    throw new SecateurError('BAD_OPTION', `Method "${request.name}" chooses by itself; it takes no selector.`, {
      plugin: request.name,
      field: 'selector',
      hint: 'Give --selector with a criterion, e.g. --method magnitude --selector global.',
    });
  }
  return make<Method>(
    factory,
    hasSelector && request.selector !== undefined ? { ...options, selector: request.selector } : options,
  );
}

/** A method, or else a criterion, of that name. */
export function findMethod(registry: Registry, name: string): AnyFactory | undefined {
  return registry.find('method', name) ?? registry.find('criterion', name);
}

/** Pairs that are options of the method, and those left for the selector. */
function sharePairs({ pairs, selector }: MethodRequest, factory: AnyFactory): { mine: string[]; others: string[] } {
  if (factory.kind !== 'criterion' || selector === undefined) return { mine: [...pairs], others: [] };
  const names = new Set(flagsOf(factory).flatMap(({ name, flag }) => [name, flag]));
  const isMine = (pair: string) => names.has(pair.split('=')[0]!);
  return { mine: pairs.filter(isMine), others: pairs.filter((pair) => !isMine(pair)) };
}

function makeSelector(registry: Registry, name: string, pairs: readonly string[]): Selector {
  const factory = registry.get('selector', name);
  return make<Selector>(factory, parsePairs(pairs, flagsOf(factory), name));
}

function make<P>(factory: AnyFactory, options: Readonly<Record<string, unknown>>): P {
  return (factory as unknown as (options: Readonly<Record<string, unknown>>) => P)(options);
}

function noSuchMethod(registry: Registry, name: string): SecateurError {
  const names = (kind: 'method' | 'criterion') => registry.list(kind).map(({ factory }) => factory.pluginName);
  return new SecateurError('BAD_OPTION', `There is no method or criterion "${name}".`, {
    field: 'method',
    hint: `Methods: ${names('method').join(', ')}. Criteria: ${names('criterion').join(', ')}. More by --plugin.`,
  });
}
