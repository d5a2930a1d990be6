/**
 * XML as XMPP uses it (RFC 6120 section 11): elements, attributes and text, nothing else. The parser is strict
 * and bounded; document type declarations, processing instructions and comments are errors, as are undeclared
 * prefixes and unknown entities.
 */

export type XmlNode = XmlElement | string;
export type Attributes = Readonly<Record<string, string>>;

/** One element, immutable. Attributes without a prefix keep their name, `xml:lang` stays so, others become `{ns}name`. */
export class XmlElement {
  constructor(
    readonly ns: string,
    readonly name: string,
    readonly attrs: Attributes = {},
    readonly children: readonly XmlNode[] = [],
  ) {}

  is(ns: string, name: string): boolean {
    return this.ns === ns && this.name === name;
  }

  /** The first child element of this name; the namespace is the element's own unless given. */
  child(name: string, ns: string = this.ns): XmlElement | undefined {
    for (const node of this.children) {
      if (typeof node !== 'string' && node.name === name && node.ns === ns) return node;
    }
    return undefined;
  }

  /** The child elements, without the text between them. */
  get elements(): XmlElement[] {
    return this.children.filter((node): node is XmlElement => typeof node !== 'string');
  }

  /** The text directly inside the element. */
  get text(): string {
    let out = '';
    for (const node of this.children) if (typeof node === 'string') out += node;
    return out;
  }

  toString(): string {
    return serialise(this);
  }
}

/** Builds an element; attributes that are `undefined` and children that are `undefined` or `false` are left out. */
export function xml(
  ns: string,
  name: string,
  attrs: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly (XmlNode | undefined | false)[]
): XmlElement {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(attrs)) if (value !== undefined) kept[key] = value;
  return new XmlElement(ns, name, kept, children.filter((node): node is XmlNode => node !== undefined && node !== false));
}

const TEXT_ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
const ATTR_ESCAPES: Readonly<Record<string, string>> = {
  ...TEXT_ESCAPES, '"': '&quot;', "'": '&apos;', '\n': '&#10;', '\t': '&#9;',
};
// What XML 1.0 section 2.2 does not allow in a document in any form. Such characters cannot be sent.
// oxlint-disable-next-line no-control-regex
const FORBIDDEN = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu;

/** Takes out what no XML document can carry, so that text from a person never breaks the stream. */
export function cleanText(text: string): string {
  return text.replace(FORBIDDEN, (c) => (c >= '\ud800' ? '\ufffd' : ''));
}

export function serialise(element: XmlElement, inherited = ''): string {
  let out = '<' + element.name;
  if (element.ns !== inherited) out += ` xmlns='${escapeAttr(element.ns)}'`;
  let prefixes = 0;
  for (const [key, value] of Object.entries(element.attrs)) {
    if (key.startsWith('{')) {
      const end = key.indexOf('}');
      const prefix = `n${prefixes++}`;
      out += ` xmlns:${prefix}='${escapeAttr(key.slice(1, end))}' ${prefix}:${key.slice(end + 1)}='${escapeAttr(value)}'`;
    } else {
      out += ` ${key}='${escapeAttr(value)}'`;
    }
  }
  if (element.children.length === 0) return out + '/>';
  out += '>';
  for (const node of element.children) {
    out += typeof node === 'string' ? escapeText(node) : serialise(node, element.ns);
  }
  return out + `</${element.name}>`;
}

function escapeText(text: string): string {
  return cleanText(text).replace(/[&<>\r]/g, (c) => TEXT_ESCAPES[c] ?? c);
}

function escapeAttr(text: string): string {
  return cleanText(text).replace(/[&<>"'\r\n\t]/g, (c) => ATTR_ESCAPES[c] ?? c);
}

/** What one document may be at most. */
export interface XmlLimits {
  readonly chars: number;
  readonly elements: number;
  readonly depth: number;
  readonly attributes: number;
}

export const DEFAULT_LIMITS: XmlLimits = { chars: 4 << 20, elements: 50_000, depth: 64, attributes: 64 };

export class XmlError extends Error {
  constructor(message: string, readonly position: number) {
    super(`${message} at ${position}`);
    this.name = 'XmlError';
  }
}

const START = 'A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f' +
  '\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}';
const NCNAME = `[${START}][${START}\\-.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040]*`;
const XML_NS = 'http://www.w3.org/XML/1998/namespace';
const XMLNS_NS = 'http://www.w3.org/2000/xmlns/';
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Parses exactly one document: one root element, optionally after an XML declaration (RFC 7395 section 3.3.3). */
export function parse(text: string, limits: XmlLimits = DEFAULT_LIMITS): XmlElement {
  return new Parser(text, limits).document();
}

interface Open {
  readonly tag: string;
  readonly ns: string;
  readonly name: string;
  readonly attrs: Record<string, string>;
  readonly children: XmlNode[];
  readonly bindings: number;
}

class Parser {
  private at = 0;
  private elements = 0;
  /** Namespace declarations in scope, innermost last: prefix, URI, prefix, URI... */
  private readonly bindings: string[] = ['', '', 'xml', XML_NS];
  private readonly qname = new RegExp(`(?:(${NCNAME}):)?(${NCNAME})`, 'uy');
  private readonly space = /[ \t\r\n]*/y;
  private readonly declaration = /<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.\d+"|'1\.\d+')[^<>?]*\?>/y;

  constructor(private readonly input: string, private readonly limits: XmlLimits) {}

  document(): XmlElement {
    if (this.input.length > this.limits.chars) throw new XmlError('document too long', this.limits.chars);
    FORBIDDEN.lastIndex = 0;
    const bad = FORBIDDEN.exec(this.input);
    FORBIDDEN.lastIndex = 0;
    if (bad) this.fail('character not allowed', bad.index);
    this.declaration.lastIndex = 0;
    if (this.declaration.test(this.input)) this.at = this.declaration.lastIndex;
    this.skipSpace();
    const root = this.tree();
    this.skipSpace();
    if (this.at !== this.input.length) this.fail('content after the root element');
    return root;
  }

  /** Reads one element and everything in it without recursion, so that depth cannot exhaust the stack. */
  private tree(): XmlElement {
    const stack: Open[] = [];
    if (this.input[this.at] !== '<') this.fail('element expected');
    for (;;) {
      const next = this.input.indexOf('<', this.at);
      if (next < 0) this.fail('unexpected end', this.input.length);
      const top = stack[stack.length - 1];
      if (next > this.at && top) pushText(top.children, this.decode(this.input.slice(this.at, next), false));
      this.at = next;
      if (this.input.startsWith('<![CDATA[', this.at) && top) {
        const end = this.input.indexOf(']]>', this.at);
        if (end < 0) this.fail('unterminated CDATA section');
        pushText(top.children, this.input.slice(this.at + 9, end).replace(/\r\n?/g, '\n'));
        this.at = end + 3;
        continue;
      }
      const second = this.input[this.at + 1];
      if (second === '!' || second === '?') this.fail('comment, declaration or instruction not allowed');
      let closed: XmlElement | undefined;
      if (second === '/') {
        closed = this.endTag(stack);
      } else {
        const open = this.startTag(stack.length);
        if (open.self) closed = this.finish(open.element);
        else stack.push(open.element);
      }
      if (!closed) continue;
      const parent = stack[stack.length - 1];
      if (!parent) return closed;
      parent.children.push(closed);
    }
  }

  private endTag(stack: Open[]): XmlElement {
    const open = stack.pop();
    if (!open) this.fail('end tag without start');
    this.at += 2;
    if (!this.input.startsWith(open.tag, this.at)) this.fail('end tag does not match');
    this.at += open.tag.length;
    this.skipSpace();
    if (this.input[this.at] !== '>') this.fail('end tag does not match');
    this.at++;
    return this.finish(open);
  }

  private finish(open: Open): XmlElement {
    this.bindings.length = open.bindings;
    return new XmlElement(open.ns, open.name, open.attrs, open.children);
  }

  private startTag(depth: number): { element: Open; self: boolean } {
    if (depth >= this.limits.depth) this.fail('nested too deeply');
    if (++this.elements > this.limits.elements) this.fail('too many elements');
    this.at++;
    const tagStart = this.at;
    const [prefix, name] = this.name();
    const tag = this.input.slice(tagStart, this.at);
    const bindings = this.bindings.length;
    const raw: { prefix: string; name: string; value: string }[] = [];
    let self = false;
    for (;;) {
      const before = this.at;
      this.skipSpace();
      const c = this.input[this.at];
      if (c === '>') { this.at++; break; }
      if (c === '/') {
        if (this.input[this.at + 1] !== '>') this.fail('malformed start tag');
        this.at += 2;
        self = true;
        break;
      }
      if (before === this.at) this.fail('malformed start tag');
      this.attribute(raw, bindings);
    }
    const attrs: Record<string, string> = {};
    for (const attribute of raw) {
      const key = attribute.prefix === '' ? attribute.name
        : attribute.prefix === 'xml' ? `xml:${attribute.name}`
          : `{${this.resolve(attribute.prefix)}}${attribute.name}`;
      if (Object.hasOwn(attrs, key)) this.fail('attribute given twice');
      // defineProperty, because a plain assignment to "__proto__" would be lost.
      Object.defineProperty(attrs, key, { value: attribute.value, enumerable: true, writable: true, configurable: true });
    }
    return { element: { tag, ns: this.resolve(prefix), name, attrs, children: [], bindings }, self };
  }

  private attribute(raw: { prefix: string; name: string; value: string }[], scope: number): void {
    const [prefix, name] = this.name();
    this.skipSpace();
    if (this.input[this.at] !== '=') this.fail('attribute without value');
    this.at++;
    this.skipSpace();
    const quote = this.input[this.at];
    if (quote !== '"' && quote !== "'") this.fail('attribute value not quoted');
    const end = this.input.indexOf(quote, this.at + 1);
    if (end < 0) this.fail('unterminated attribute value');
    const source = this.input.slice(this.at + 1, end);
    if (source.includes('<')) this.fail('"<" in attribute value');
    const value = this.decode(source, true);
    this.at = end + 1;
    if (prefix === 'xmlns' || (prefix === '' && name === 'xmlns')) {
      this.declare(prefix === '' ? '' : name, value, scope);
      return;
    }
    if (raw.length >= this.limits.attributes) this.fail('too many attributes');
    raw.push({ prefix, name, value });
  }

  private declare(prefix: string, uri: string, scope: number): void {
    if (prefix === 'xmlns' || uri === XMLNS_NS || (prefix === 'xml') !== (uri === XML_NS)) this.fail('reserved namespace');
    if (prefix !== '' && uri === '') this.fail('prefix bound to nothing');
    for (let i = scope; i < this.bindings.length; i += 2) if (this.bindings[i] === prefix) this.fail('attribute given twice');
    if ((this.bindings.length - scope) / 2 >= this.limits.attributes) this.fail('too many attributes');
    this.bindings.push(prefix, uri);
  }

  private resolve(prefix: string): string {
    for (let i = this.bindings.length - 2; i >= 0; i -= 2) {
      if (this.bindings[i] === prefix) return this.bindings[i + 1] ?? '';
    }
    return this.fail('prefix not declared');
  }

  private name(): [prefix: string, name: string] {
    this.qname.lastIndex = this.at;
    const match = this.qname.exec(this.input);
    if (!match) this.fail('name expected');
    this.at = this.qname.lastIndex;
    return [match[1] ?? '', match[2] ?? ''];
  }

  private skipSpace(): void {
    this.space.lastIndex = this.at;
    this.space.test(this.input);
    this.at = this.space.lastIndex;
  }

  /** Resolves references and normalises line ends (XML 1.0 sections 2.11 and 3.3.3). */
  private decode(source: string, attribute: boolean): string {
    if (!attribute && source.includes(']]>')) this.fail('"]]>" in text');
    let text = source;
    if (text.includes('\r')) text = text.replace(/\r\n?/g, '\n');
    if (attribute) text = text.replace(/[\t\n]/g, ' ');
    if (!text.includes('&')) return text;
    return text.replace(/&(?:#(?:x([\da-fA-F]{1,6})|(\d{1,7}))|([a-z]{2,4}));|&/g, (_, hex?: string, dec?: string, name?: string) => {
      if (name !== undefined) return ENTITIES[name] ?? this.fail('unknown entity');
      if (hex === undefined && dec === undefined) this.fail('stray "&"');
      const code = hex === undefined ? parseInt(dec ?? '', 10) : parseInt(hex, 16);
      if (code > 0x10ffff) this.fail('character not allowed');
      const c = String.fromCodePoint(code);
      if (cleanText(c) !== c) this.fail('character not allowed');
      return c;
    });
  }

  private fail(message: string, position = this.at): never {
    throw new XmlError(message, position);
  }
}

function pushText(children: XmlNode[], text: string): void {
  if (text === '') return;
  const last = children.length - 1;
  const before = children[last];
  if (typeof before === 'string') children[last] = before + text;
  else children.push(text);
}
