import { SecateurError } from '@secateur/graph';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';

/** The kinds of plugin there are. */
export type PluginKind = 'criterion' | 'selector' | 'method' | 'metric' | 'format' | 'engine' | 'op';

/** A validator of options: any Standard Schema library's. With JSON Schema support it also drives flags and forms. */
export type OptionSchema<Options> = StandardSchemaV1<unknown, Options> &
  Partial<StandardJSONSchemaV1<unknown, Options>>;

/** What every plugin definition starts with. */
export interface PluginDefinition<Options> {
  /** kebab-case, unique among plugins of its kind. */
  readonly name: string;
  readonly apiVersion: 1;
  /** One sentence for lists and help. */
  readonly summary?: string;
  readonly defaults: Readonly<Options>;
  readonly options?: OptionSchema<Options>;
}

/** A plugin with its options filled in: a plain object. */
export interface Plugin<Options> {
  readonly kind: PluginKind;
  readonly name: string;
  readonly apiVersion: 1;
  readonly summary: string;
  readonly options: Readonly<Options>;
}

/** Makes plugins of one definition. What a plugin package exports. */
export interface PluginFactory<P, Options> {
  (options?: Partial<Options>): P;
  readonly kind: PluginKind;
  readonly pluginName: string;
  readonly summary: string;
  readonly defaults: Readonly<Options>;
  /** JSON Schema of the options. */
  schema(): JsonSchema;
}

/** The part of JSON Schema that options use. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly [key: string]: unknown;
}

/** Checks a definition once and gives the factory that makes plugins from it. */
export function makeFactory<P extends Plugin<Options>, Options extends object>(
  kind: PluginKind,
  definition: PluginDefinition<Options>,
  make: (base: Plugin<Options>) => P,
): PluginFactory<P, Options> {
  const { name, summary = '', defaults } = definition;
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
    throw new SecateurError(
      'BAD_PLUGIN',
      `A ${kind} is named "${name}"; names are lower-case words joined by hyphens.`,
      {
        plugin: name,
      },
    );
  }
  if (definition.apiVersion !== 1) {
    throw new SecateurError(
      'BAD_PLUGIN',
      `${kind} "${name}" is made for plugin API ${definition.apiVersion}; this is API 1.`,
      {
        plugin: name,
        hint: 'Install a version of the plugin that matches this version of Secateur.',
      },
    );
  }
  const factory = (options?: Partial<Options>): P =>
    make({ kind, name, apiVersion: 1, summary, options: fillOptions(definition, options ?? {}) });
  return Object.assign(factory, {
    kind,
    pluginName: name,
    summary,
    defaults,
    schema: () => schemaOf(definition),
  });
}

/**
 * Defaults overridden by what is given; `undefined` counts as not given.
 * @throws {SecateurError} BAD_OPTION for an unknown option or one that the schema refuses
 */
export function fillOptions<Options extends object>(
  definition: PluginDefinition<Options>,
  given: Partial<Options>,
): Readonly<Options> {
  const { name, defaults, options: schema } = definition;
  const known = Object.keys(schemaOf(definition).properties ?? defaults);
  const merged: Record<string, unknown> = { ...defaults };
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!known.includes(key)) {
      throw new SecateurError('BAD_OPTION', `"${name}" has no option "${key}".`, {
        plugin: name,
        field: key,
        hint: known.length > 0 ? `Its options: ${known.join(', ')}.` : 'It has no options.',
      });
    }
    merged[key] = value;
  }
  if (!schema) return merged as Options;
  const result = schema['~standard'].validate(merged);
  if (result instanceof Promise) {
    throw new SecateurError(
      'BAD_PLUGIN',
      `The option schema of "${name}" is asynchronous; options are checked at once.`,
      {
        plugin: name,
      },
    );
  }
  if (result.issues) {
    const [issue] = result.issues;
    const path = issue.path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.') ?? '';
    throw new SecateurError('BAD_OPTION', `"${name}": option ${path}: ${issue.message}`, { plugin: name, field: path });
  }
  return result.value;
}

function schemaOf<Options extends object>(definition: PluginDefinition<Options>): JsonSchema {
  const convert = definition.options?.['~standard'] as Partial<StandardJSONSchemaV1.Props> | undefined;
  if (convert?.jsonSchema) return convert.jsonSchema.input({ target: 'draft-2020-12' }) as JsonSchema;
  const properties = Object.fromEntries(
    Object.entries(definition.defaults).map(([key, value]) => [key, { type: typeof value, default: value }]),
  );
  return { type: 'object', properties };
}
