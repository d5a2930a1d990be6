/**
 * Typed elements described as data: `define(ns, name, fields)` gives a codec that reads and writes one element.
 * Reading never throws: an element that lacks a required part is not that element (`undefined`), so that what
 * strangers send is either understood whole or ignored.
 */
import { XmlElement, type XmlNode } from './xml';
import { fromBase64, toBase64, type Bytes } from './bytes';

interface Draft {
  readonly attrs: Record<string, string>;
  readonly children: XmlNode[];
}

export interface Field<T, Optional extends boolean = boolean> {
  readonly optional: Optional;
  get(element: XmlElement): T | undefined;
  put(value: T, out: Draft): void;
}

type Type<F> = F extends Field<infer T> ? T : never;
type RequiredKeys<F> = { [K in keyof F]: F[K] extends { readonly optional: true } ? never : K }[keyof F];
type OptionalKeys<F> = { [K in keyof F]: F[K] extends { readonly optional: true } ? K : never }[keyof F];
type Simplify<T> = { readonly [K in keyof T]: T[K] };
export type Value<F> = Simplify<{ [K in RequiredKeys<F>]: Type<F[K]> } & { [K in OptionalKeys<F>]?: Type<F[K]> }>;

export interface Codec<T> {
  readonly ns: string;
  readonly name: string;
  read(element: XmlElement | undefined): T | undefined;
  write(value: T): XmlElement;
  /** The first child of this kind. */
  in(parent: XmlElement | undefined): T | undefined;
  /** All valid children of this kind. */
  all(parent: XmlElement | undefined): T[];
}

/** What a codec reads. */
export type Of<C> = C extends Codec<infer T> ? T : never;

export function define<F extends Readonly<Record<string, unknown>>>(ns: string, name: string, fields: F): Codec<Value<F>> {
  const entries = Object.entries(fields) as [string, Field<unknown>][];
  const codec: Codec<Value<F>> = {
    ns,
    name,
    read(element) {
      if (!element?.is(ns, name)) return undefined;
      const value: Record<string, unknown> = {};
      for (const [key, field] of entries) {
        const part = field.get(element);
        if (part !== undefined) value[key] = part;
        else if (!field.optional) return undefined;
      }
      return value as Value<F>;
    },
    write(value) {
      const draft: Draft = { attrs: {}, children: [] };
      for (const [key, field] of entries) {
        const part = (value as Record<string, unknown>)[key];
        if (part !== undefined) field.put(part, draft);
      }
      return new XmlElement(ns, name, draft.attrs, draft.children);
    },
    in(parent) {
      return codec.read(parent?.child(name, ns));
    },
    all(parent) {
      const out: Value<F>[] = [];
      for (const child of parent?.elements ?? []) {
        const value = codec.read(child);
        if (value !== undefined) out.push(value);
      }
      return out;
    },
  };
  return codec;
}

export function optional<T>(field: Field<T>): Field<T, true> {
  return { optional: true, get: (element) => field.get(element), put: (value, out) => field.put(value, out) };
}

// ── how one value is written as text ──

interface Format<T> {
  parse(text: string): T | undefined;
  format(value: T): string;
}

const string: Format<string> = { parse: (text) => text, format: (value) => value };

/** Unsigned 32-bit, the only integers in our protocols. */
const uint: Format<number> = {
  parse(text) {
    if (!/^\d{1,10}$/.test(text.trim())) return undefined;
    const value = Number(text);
    return value <= 0xffffffff ? value : undefined;
  },
  format: (value) => String(value),
};

const bool: Format<boolean> = {
  parse: (text) => (text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : undefined),
  format: (value) => (value ? 'true' : 'false'),
};

/** DateTime of XEP-0082 as milliseconds since epoch. */
const date: Format<number> = {
  parse: parseDate,
  format: (value) => new Date(value).toISOString(),
};

const bytes: Format<Bytes> = {
  parse(text) {
    try {
      return fromBase64(text);
    } catch {
      return undefined;
    }
  },
  format: toBase64,
};

export function parseDate(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const value = Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

function oneOf<const T extends string>(...values: readonly T[]): Format<T> {
  return { parse: (text) => values.find((value) => value === text), format: (value) => value };
}

// ── where a value stands ──

function attribute<T>(name: string, format: Format<T>): Field<T, false> {
  return {
    optional: false,
    get(element) {
      const text = Object.hasOwn(element.attrs, name) ? element.attrs[name] : undefined;
      return text === undefined ? undefined : format.parse(text);
    },
    put(value, out) {
      out.attrs[name] = format.format(value);
    },
  };
}

export const attr = Object.assign((name: string) => attribute(name, string), {
  uint: (name: string) => attribute(name, uint),
  bool: (name: string) => attribute(name, bool),
  date: (name: string) => attribute(name, date),
  oneOf: <const T extends string>(name: string, ...values: readonly T[]) => attribute(name, oneOf(...values)),
});

function content<T>(format: Format<T>): Field<T, false> {
  return {
    optional: false,
    get: (element) => format.parse(element.text),
    put(value, out) {
      const formatted = format.format(value);
      if (formatted !== '') out.children.push(formatted);
    },
  };
}

export const text = Object.assign(() => content(string), { bytes: () => content(bytes) });

function leaf<T>(ns: string, name: string, format: Format<T>): Field<T, false> {
  return {
    optional: false,
    get(element) {
      const found = element.child(name, ns);
      return found && format.parse(found.text);
    },
    put(value, out) {
      const formatted = format.format(value);
      out.children.push(new XmlElement(ns, name, {}, formatted === '' ? [] : [formatted]));
    },
  };
}

/** A child element that holds only text. */
export const leafText = Object.assign((ns: string, name: string) => leaf(ns, name, string), {
  uint: (ns: string, name: string) => leaf(ns, name, uint),
  date: (ns: string, name: string) => leaf(ns, name, date),
  bytes: (ns: string, name: string) => leaf(ns, name, bytes),
});

/** All children of that name that hold only text. */
export function leafTexts(ns: string, name: string): Field<readonly string[], false> {
  return {
    optional: false,
    get: (element) => element.elements.filter((child) => child.is(ns, name)).map((child) => child.text),
    put(values, out) {
      for (const value of values) out.children.push(new XmlElement(ns, name, {}, value === '' ? [] : [value]));
    },
  };
}

/** True when an empty child element is there. */
export function flag(ns: string, name: string): Field<boolean, true> {
  return {
    optional: true,
    get: (element) => (element.child(name, ns) ? true : undefined),
    put(value, out) {
      if (value) out.children.push(new XmlElement(ns, name));
    },
  };
}

export function child<T>(codec: Codec<T>): Field<T, false> {
  return {
    optional: false,
    get: (element) => codec.in(element),
    put(value, out) {
      out.children.push(codec.write(value));
    },
  };
}

export function children<T>(codec: Codec<T>): Field<readonly T[], false> {
  return {
    optional: false,
    get: (element) => codec.all(element),
    put(values, out) {
      for (const value of values) out.children.push(codec.write(value));
    },
  };
}

/** A child element kept as it is. */
export function raw(ns: string, name: string): Field<XmlElement, false> {
  return {
    optional: false,
    get: (element) => element.child(name, ns),
    put(value, out) {
      out.children.push(value);
    },
  };
}

/** The first child element, whatever it is. */
export function payload(): Field<XmlElement, false> {
  return {
    optional: false,
    get: (element) => element.elements[0],
    put(value, out) {
      out.children.push(value);
    },
  };
}
