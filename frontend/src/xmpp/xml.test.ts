import { describe, expect, it } from 'vitest';
import { parse, serialise, xml, XmlError, DEFAULT_LIMITS } from './xml';

const shape = (text: string): unknown => JSON.parse(JSON.stringify(parse(text)));

describe('parse', () => {
  it('resolves namespaces, prefixes and attributes', () => {
    const element = parse(`<a xmlns='u:a' xmlns:p='u:p' x='1' p:y="2" xml:lang='de'><p:b/><b xmlns=''/></a>`);
    expect(element.ns).toBe('u:a');
    expect(element.attrs).toEqual({ x: '1', '{u:p}y': '2', 'xml:lang': 'de' });
    expect(element.elements.map((child) => [child.ns, child.name])).toEqual([['u:p', 'b'], ['', 'b']]);
  });

  it('forgets a declaration when its element ends', () => {
    expect(() => parse(`<a><b xmlns:p='u'/><p:c/></a>`)).toThrow(XmlError);
  });

  it('reads text, references, CDATA and line ends', () => {
    expect(parse('<a>x &lt;&amp;&gt; &#65;&#x1F600;<![CDATA[<&>]]>\r\ny\rz</a>').text).toBe('x <&> A\u{1F600}<&>\ny\nz');
    expect(parse('<a b="1\n2&#10;3&apos;"/>').attrs['b']).toBe("1 2\n3'");
  });

  it('accepts an XML declaration and white space around the root', () => {
    expect(parse(`<?xml version='1.0' encoding='utf-8'?>\n<a/> `).name).toBe('a');
  });

  it('keeps attributes that are named like members of objects', () => {
    const element = parse('<a __proto__="x" constructor="y"/>');
    expect(Object.hasOwn(element.attrs, '__proto__')).toBe(true);
    expect(element.attrs['constructor']).toBe('y');
  });

  it.each([
    '', ' ', 'x', '<a', '<a>', '</a>', '<a></b>', '<a></ab>', '<a/><b/>', '<a/>x', '<a b/>', '<a b=1/>', "<a b='1/>", "<a b='1'c='2'/>",
    "<a b='1' b='2'/>", "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", "<a b='<'/>", '<a>&</a>', '<a>&nbsp;</a>', '<a>&#0;</a>',
    '<a>&#xD800;</a>', '<a>&#x110000;</a>', '<a>]]></a>', '<a>\u0001</a>', '<a>\ud800</a>', '<!DOCTYPE a><a/>', '<a><!-- x --></a>',
    '<a><?pi x?></a>', '<?pi?><a/>', '<p:a/>', "<a xmlns:p=''/>", "<a xmlns:xmlns='u'/>", "<a xmlns:xml='u'/>",
    "<a xmlns='http://www.w3.org/2000/xmlns/'/>", '<1/>', '<a:b:c/>', '< a/>', '<a>x<![CDATA[</a>', '<![CDATA[x]]>', "<a xmlns='u' xmlns='v'/>",
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(XmlError);
  });

  it('is bounded', () => {
    const limits = { chars: 1000, elements: 10, depth: 5, attributes: 3 };
    expect(() => parse(`<a>${'x'.repeat(1000)}</a>`, limits)).toThrow('too long');
    expect(() => parse(`<a>${'<b/>'.repeat(10)}</a>`, limits)).toThrow('too many elements');
    expect(() => parse('<a>'.repeat(6), limits)).toThrow('too deeply');
    expect(() => parse(`<a a='' b='' c='' d=''/>`, limits)).toThrow('too many attributes');
    expect(() => parse(`<a xmlns:a='1' xmlns:b='1' xmlns:c='1' xmlns:d='1'/>`, limits)).toThrow('too many attributes');
    expect(parse(`${'<a>'.repeat(DEFAULT_LIMITS.depth)}${'</a>'.repeat(DEFAULT_LIMITS.depth)}`).name).toBe('a');
  });
});

describe('serialise', () => {
  it('declares a namespace only where it changes', () => {
    const message = xml('jabber:client', 'message', { to: 'a@b' }, xml('jabber:client', 'body', {}, 'hi'), xml('urn:xmpp:receipts', 'request'));
    expect(serialise(message)).toBe("<message xmlns='jabber:client' to='a@b'><body>hi</body><request xmlns='urn:xmpp:receipts'/></message>");
  });

  it('survives what people type', () => {
    const text = `<&>"'\r\n\t\u0000\u0008\ud83d]]> \ud83d\ude00`;
    const back = parse(serialise(xml('u', 'a', { x: text }, text)));
    expect(back.text).toBe(`<&>"'\r\n\t\ufffd]]> \ud83d\ude00`);
    expect(back.attrs['x']).toBe(back.text);
  });

  it('gives back what was parsed', () => {
    for (const text of [
      `<a xmlns='u'><b xmlns='v' c='&lt;'/>x<b/></a>`,
      `<a xmlns:p='u:p' p:y='2' xml:lang='de'>&#13;</a>`,
    ]) expect(shape(serialise(parse(text)))).toEqual(shape(text));
  });

  it('survives random documents and refuses random damage without hanging', () => {
    let seed = 1;
    const random = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    const tree = (depth: number): ReturnType<typeof xml> => xml(`u:${random(3)}`, 'abc'[random(3)] ?? 'a', random(2) ? { k: `v${random(99)}<'"` } : {},
      ...Array.from({ length: depth > 3 ? 0 : random(4) }, () => (random(2) ? tree(depth + 1) : `t${random(9)}&`)));
    for (let i = 0; i < 300; i++) {
      const text = serialise(tree(0));
      expect(serialise(parse(text))).toBe(text);
      const at = random(text.length);
      const damaged = text.slice(0, at) + "<>/&'\"= x!"[random(10)] + text.slice(at + random(3));
      try {
        parse(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(XmlError);
      }
    }
  });
});
