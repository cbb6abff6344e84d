import { SecateurError } from '@secateur/graph';

/** One field of a configuration: what it is when absent, and how a value is checked. */
export interface Field<T> {
  readonly fallback: T;
  /** @throws {SecateurError} BAD_CONFIG when the value is not allowed */
  read(value: unknown, name: string): T;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** The values of all `fields`, those that are absent being the fallbacks. */
export function readFields<F extends Fields>(config: Readonly<Record<string, unknown>>, fields: F): Values<F> {
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    values[name] = config[name] === undefined ? field.fallback : field.read(config[name], name);
  }
  return values as Values<F>;
}

function badField(name: string, value: unknown, allowed: string): SecateurError {
  return new SecateurError(
    'BAD_CONFIG',
    `Scheduler field ${name} is ${JSON.stringify(value)}; it must be ${allowed}.`,
    {
      field: name,
    },
  );
}

export function numberField(fallback: number, min: number, max: number): Field<number> {
  return {
    fallback,
    read: (value, name) => {
      if (typeof value === 'number' && value >= min && value <= max) return value;
      throw badField(name, value, `a number in [${min}, ${max}]`);
    },
  };
}

export function wholeField(fallback: number, min: number, max: number): Field<number> {
  return {
    fallback,
    read: (value, name) => {
      if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
      throw badField(name, value, `a whole number in ${min}..${max}`);
    },
  };
}

/** True or false; `null` is false, as in Python. */
export function flagField(fallback: boolean): Field<boolean> {
  return {
    fallback,
    read: (value, name) => {
      if (typeof value === 'boolean' || value === null) return value ?? false;
      throw badField(name, value, 'true or false');
    },
  };
}

export function choiceField<const T extends string>(fallback: T, choices: readonly T[]): Field<T> {
  return {
    fallback,
    read: (value, name) => {
      if (choices.includes(value as T)) return value as T;
      throw badField(name, value, `one of ${choices.join(', ')}`);
    },
  };
}

/** A field that may be `null`. */
export function optionalField<T>(field: Field<T>): Field<T | null> {
  return { fallback: null, read: (value, name) => (value === null ? null : field.read(value, name)) };
}

export function numbersField(min: number, max: number): Field<readonly number[]> {
  return {
    fallback: [],
    read: (value, name) => {
      if (Array.isArray(value) && value.every((item) => typeof item === 'number' && item >= min && item <= max)) {
        return value;
      }
      throw badField(name, value, `a list of numbers in [${min}, ${max}]`);
    },
  };
}

/** A feature of diffusers that is not supported here: only the value that leaves it off passes. */
export function offField(off: false | null): Field<boolean | null> {
  return {
    fallback: off,
    read: (value, name) => {
      if (value === false || value === null) return off;
      throw badField(name, value, `${off}; other values are not supported`);
    },
  };
}
