import type { JsonSchema, OptionSchema } from './plugin.js';

/** The words an option may be, and what it does. */
export interface Choice {
  readonly of: readonly string[];
  readonly description: string;
}

/**
 * A Standard Schema for options that each are one of a few words. The plugins of this package need no more, and so it needs
 * no validation library.
 */
export function choiceSchema<Options extends object>(
  choices: Readonly<Record<keyof Options & string, Choice>>,
  defaults: Options,
): OptionSchema<Options> {
  const entries = Object.entries<Choice>(choices);
  const properties = Object.fromEntries(
    entries.map(([key, { of, description }]): [string, JsonSchema] => {
      return [key, { type: 'string', enum: of, default: defaults[key as keyof Options], description }];
    }),
  );
  const json = (): Record<string, unknown> => ({ type: 'object', properties });
  return {
    '~standard': {
      version: 1,
      vendor: 'secateur',
      validate: (value) => {
        const options = value as Options & Record<string, string>;
        for (const [key, { of }] of entries) {
          if (of.includes(options[key])) continue;
          const message = `"${options[key]}" is none of ${of.join(', ')}.`;
          return { issues: [{ message, path: [key] }] };
        }
        return { value: options };
      },
      jsonSchema: { input: json, output: json },
    },
  };
}
