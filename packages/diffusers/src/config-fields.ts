import * as v from 'valibot';

/** Schemas of fields that many classes have. Bounds keep a file from asking for more than could be built. */

type Field<T> = v.GenericSchema<unknown, T>;

/** A whole number from 1 to `max`. */
export const count = (max: number): Field<number> => v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));

/** A width, or a number of heads. */
export const channels: Field<number> = count(65_536);

/** A number of like blocks; none is possible. */
export const depth: Field<number> = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(512));

export const finite: Field<number> = v.pipe(v.number(), v.finite());

/** A number from 0 to 1. */
export const fraction: Field<number> = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** A field that may be `null`, and is when it is left out. */
export const nullable = <T>(schema: Field<T>): Field<T | null> => v.optional(v.nullable(schema), null);

/** One entry for each stage. */
export const listOf = <T>(schema: Field<T>): Field<T[]> => v.pipe(v.array(schema), v.minLength(1), v.maxLength(16));

/** A field that must have one value, which is also its default: what the others mean is not covered. */
export const only = <const T extends boolean | number | string>(value: T): Field<T> =>
  v.optional(v.literal(value as never), value as never) as Field<T>;

/** A field without effect on the model's function. */
export const unused: Field<unknown> = v.optional(v.unknown());

/** Activations, in any case, as diffusers reads them. */
export const activationField: Field<'silu' | 'swish' | 'mish' | 'gelu' | 'relu'> = v.pipe(
  v.string(),
  v.toLowerCase(),
  v.picklist(['silu', 'swish', 'mish', 'gelu', 'relu']),
);
