import { For, type JSX, Match, Switch } from 'solid-js';
import { namedParts } from '../../stores/mentions';
import { type Block, blocks, type Piece } from '../../stores/richtext';

const none: readonly string[] = [];

/** Text that somebody wrote: always inserted as text; links open elsewhere and tell nothing of us. */
export function RichText(props: { readonly text: string; readonly names?: readonly string[] }): JSX.Element {
  return <For each={blocks(props.text)}>{(block) => <BlockOf block={block} names={props.names ?? none} />}</For>;
}

function BlockOf(props: { readonly block: Block; readonly names: readonly string[] }): JSX.Element {
  const as = <K extends Block['kind']>(kind: K) => (props.block.kind === kind ? props.block as Extract<Block, { kind: K }> : undefined);
  return (
    <Switch>
      <Match when={as('plain')}>{(it) => <span class="block"><Pieces of={it().pieces} names={props.names} /></span>}</Match>
      <Match when={as('quote')}>{(it) => <blockquote class="block-quote"><For each={it().blocks}>{(inner) => <BlockOf block={inner} names={props.names} />}</For></blockquote>}</Match>
      <Match when={as('code')}>{(it) => <pre class="block-code" dir="ltr" tabindex="-1"><code>{it().text}</code></pre>}</Match>
    </Switch>
  );
}

function Pieces(props: { readonly of: readonly Piece[]; readonly names: readonly string[] }): JSX.Element {
  return <For each={props.of}>{(piece) => <PieceOf piece={piece} names={props.names} />}</For>;
}

/** The marks around a span stay, but step back. */
function PieceOf(props: { readonly piece: Piece; readonly names: readonly string[] }): JSX.Element {
  const { piece } = props;
  switch (piece.kind) {
    case 'text': return <For each={namedParts(piece.text, props.names)}>{(part) => (part.name ? <b class="named">{part.text}</b> : part.text)}</For>;
    case 'link': return <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{piece.text}</a>;
    case 'code': return <code class="span-code"><i class="span-mark">{piece.mark}</i>{piece.text}<i class="span-mark">{piece.mark}</i></code>;
    case 'strong': return <strong><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} names={props.names} /><i class="span-mark">{piece.mark}</i></strong>;
    case 'emphasis': return <em><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} names={props.names} /><i class="span-mark">{piece.mark}</i></em>;
    case 'strike': return <s><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} names={props.names} /><i class="span-mark">{piece.mark}</i></s>;
  }
}
