import { SecateurError } from '@secateur/graph';
import type { PluginFactory, PluginKind } from './plugin.js';

/** Any plugin factory, whatever it makes. */
export type AnyFactory = PluginFactory<unknown, never>;

/** Plugins found in modules, by kind and name. */
export class Registry {
  private readonly factories = new Map<string, { factory: AnyFactory; from: string }>();

  /**
   * Adds every plugin factory that a module exports; other exports are ignored. Falsy entries of arrays too.
   * @param from package or file, for messages
   * @throws {SecateurError} NAME_CLASH when another module has a plugin of that kind and name
   */
  addModule(exports: object, from: string): number {
    let added = 0;
    for (const exported of Object.values(exports)) {
      for (const candidate of Array.isArray(exported) ? exported : [exported]) {
        if (!isFactory(candidate)) continue;
        this.add(candidate, from);
        added++;
      }
    }
    return added;
  }

  add(factory: AnyFactory, from: string): void {
    const key = `${factory.kind}:${factory.pluginName}`;
    const known = this.factories.get(key);
    if (known?.factory === factory) return;
    if (known) {
      throw new SecateurError('NAME_CLASH', `${from} and ${known.from} both define the ${factory.kind} "${factory.pluginName}".`, {
        plugin: factory.pluginName,
        hint: 'Rename one of them, or load only one.',
      });
    }
    this.factories.set(key, { factory, from });
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

  /** Sorted by name. */
  list(kind?: PluginKind): { factory: AnyFactory; from: string }[] {
    return [...this.factories.values()]
      .filter(({ factory }) => !kind || factory.kind === kind)
      .sort((a, b) => (a.factory.pluginName < b.factory.pluginName ? -1 : 1));
  }
}

function isFactory(value: unknown): value is AnyFactory {
  return typeof value === 'function' && 'pluginName' in value && 'kind' in value && 'defaults' in value;
}
