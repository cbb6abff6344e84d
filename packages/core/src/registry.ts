import { defaultOps, type OpRecord, type OpSet, opKey, SecateurError, withOps } from '@secateur/graph';
import type { PluginFactory, PluginKind } from './plugin.js';

/** Any plugin factory, whatever it makes. */
export type AnyFactory = PluginFactory<unknown, never>;

/** Plugins found in modules: factories by kind and name, operators by domain and name. */
export class Registry {
  private readonly factories = new Map<string, { factory: AnyFactory; from: string }>();
  private readonly records = new Map<string, { record: OpRecord; from: string }>();

  /**
   * Adds every plugin that a module exports: what the `define…` functions give, also inside arrays. Other exports are
   * ignored, and so are falsy entries of arrays.
   * @param from package or file, for messages
   * @returns how many were found
   * @throws {SecateurError} NAME_CLASH when another module has a plugin of that kind and name
   */
  addModule(exports: object, from: string): number {
    const candidates = Object.values(exports).flatMap((exported) => (Array.isArray(exported) ? exported : [exported]));
    let added = 0;
    for (const candidate of candidates) {
      if (isFactory(candidate)) this.add(candidate, from);
      else if (isOp(candidate)) this.addOp(candidate, from);
      else continue;
      added++;
    }
    return added;
  }

  /** @throws {SecateurError} NAME_CLASH when another plugin of that kind has the name */
  add(factory: AnyFactory, from: string): void {
    const { kind, pluginName } = factory;
    const key = `${kind}:${pluginName}`;
    const known = this.factories.get(key);
    if (known && known.factory !== factory) throw clash(kind, pluginName, from, known.from);
    this.factories.set(key, known ?? { factory, from });
  }

  /** @throws {SecateurError} NAME_CLASH when another record describes the operator */
  addOp(record: OpRecord, from: string): void {
    const key = opKey(record.op, record.domain);
    const known = this.records.get(key);
    if (known && known.record !== record) throw clash('op', record.op, from, known.from);
    this.records.set(key, known ?? { record, from });
  }

  find(kind: PluginKind, name: string): AnyFactory | undefined {
    return this.factories.get(`${kind}:${name}`)?.factory;
  }

  /** @throws {SecateurError} BAD_OPTION listing what there is */
  get(kind: PluginKind, name: string): AnyFactory {
    const factory = this.find(kind, name);
    if (factory) return factory;
    const names = this.list(kind).map((entry) => entry.factory.pluginName);
    throw new SecateurError('BAD_OPTION', `There is no ${kind} "${name}".`, {
      field: kind,
      hint: names.length > 0 ? `There are: ${names.join(', ')}.` : `No ${kind} is installed.`,
    });
  }

  /** Factories, sorted by name. Operators have none: see {@link listOps}. */
  list(kind?: PluginKind): { factory: AnyFactory; from: string }[] {
    return [...this.factories.values()]
      .filter(({ factory }) => !kind || factory.kind === kind)
      .sort((a, b) => (a.factory.pluginName < b.factory.pluginName ? -1 : 1));
  }

  /** Operators that plugins add, in the order in which they were found. */
  listOps(): { record: OpRecord; from: string }[] {
    return [...this.records.values()];
  }

  /**
   * The operators of `base` and those of plugins: what `prune()`'s `ops` takes.
   * @param base default: the built-in ones
   * @throws {SecateurError} NAME_CLASH when `base` has one of them already
   */
  ops(base: OpSet = defaultOps): OpSet {
    for (const [key, { record, from }] of this.records) {
      if (base.has(key)) throw clash('op', record.op, from, 'Secateur');
    }
    return withOps(
      base,
      this.listOps().map(({ record }) => record),
    );
  }
}

function clash(kind: PluginKind, name: string, from: string, other: string): SecateurError {
  return new SecateurError('NAME_CLASH', `${from} and ${other} both define the ${kind} "${name}".`, {
    plugin: name,
    hint: 'Rename one of them, or load only one.',
  });
}

function isFactory(value: unknown): value is AnyFactory {
  return typeof value === 'function' && 'pluginName' in value && 'kind' in value && 'defaults' in value;
}

/** What `defineOp` gives: a plain record, told by its `op` and what it infers. */
function isOp(value: unknown): value is OpRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { op, infer } = value as Partial<OpRecord>;
  return typeof op === 'string' && typeof infer === 'function';
}
