import * as v from 'valibot';

/** Schemas of fields that the configurations of several classes share. */

type Nullable<T extends v.GenericSchema> = v.OptionalSchema<v.NullableSchema<T, undefined>, null>;

/** A whole number from 1 to `max`. */
export const count = (max: number): v.GenericSchema<number> =>
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));

/** A width. */
export const channels: v.GenericSchema<number> = count(65_536);

export const finite: v.GenericSchema<number> = v.pipe(v.number(), v.finite());

/** A number from 0 to 1. */
export const fraction: v.GenericSchema<number> = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** A field that may be `null`, and is when it is left out. */
export const nullable = <T extends v.GenericSchema>(schema: T): Nullable<T> => v.optional(v.nullable(schema), null);

/** One entry for each stage. */
export const listOf = <I, O>(schema: v.GenericSchema<I, O>): v.GenericSchema<I[], O[]> =>
  v.pipe(v.array(schema), v.minLength(1), v.maxLength(16));

/** A field that must have one value: what the others mean is not known here. */
export const only = <const T extends boolean | number | string>(value: T): v.GenericSchema<T | undefined, T> =>
  v.optional(v.literal(value), value as never) as v.GenericSchema<T | undefined, T>;

/** Activations, in any case, as diffusers reads them. */
export const activationField: v.GenericSchema<string, 'silu' | 'swish' | 'mish' | 'gelu' | 'relu'> = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.picklist(['silu', 'swish', 'mish', 'gelu', 'relu']),
);
