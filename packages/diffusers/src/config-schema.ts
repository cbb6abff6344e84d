import * as v from 'valibot';

/** Schemas of fields that many classes have. Bounds keep a file from asking for more than could be built. */

/** A whole number from 1 to `max`. */
export const count = (max: number): v.GenericSchema<unknown, number> =>
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(max));

/** A width, or a number of heads. */
export const width: v.GenericSchema<unknown, number> = count(65_536);

/** A number of like blocks; none is possible. */
export const depth: v.GenericSchema<unknown, number> = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(512));

export const probability: v.GenericSchema<unknown, number> = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** A field that may be `null`, and is when left out. */
export const nullable = <T>(schema: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, T | null> =>
  v.optional(v.nullable(schema), null);

/** A field that must have one value, which is also its default: what the others mean is not covered. */
export const only = <const T extends boolean | number | string>(value: T): v.GenericSchema<unknown, T> =>
  v.optional(v.literal(value as never), value as never) as v.GenericSchema<unknown, T>;

/** A field without effect on the model's function. */
export const unused: v.GenericSchema<unknown, unknown> = v.optional(v.unknown());
