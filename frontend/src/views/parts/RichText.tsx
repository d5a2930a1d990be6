import { For, type JSX, Match, Switch } from 'solid-js';
import { type Block, blocks, type Piece } from '../../stores/richtext';

/** Text that somebody wrote: always inserted as text; links open elsewhere and tell nothing of us. */
export function RichText(props: { readonly text: string }): JSX.Element {
  return <For each={blocks(props.text)}>{(block) => <BlockOf block={block} />}</For>;
}

function BlockOf(props: { readonly block: Block }): JSX.Element {
  const as = <K extends Block['kind']>(kind: K) => (props.block.kind === kind ? props.block as Extract<Block, { kind: K }> : undefined);
  return (
    <Switch>
      <Match when={as('plain')}>{(it) => <span class="block"><Pieces of={it().pieces} /></span>}</Match>
      <Match when={as('quote')}>{(it) => <blockquote class="block-quote"><For each={it().blocks}>{(inner) => <BlockOf block={inner} />}</For></blockquote>}</Match>
      <Match when={as('code')}>{(it) => <pre class="block-code" dir="ltr" tabindex="-1"><code>{it().text}</code></pre>}</Match>
    </Switch>
  );
}

function Pieces(props: { readonly of: readonly Piece[] }): JSX.Element {
  return <For each={props.of}>{(piece) => <PieceOf piece={piece} />}</For>;
}

/** The marks around a span stay, but step back. */
function PieceOf(props: { readonly piece: Piece }): JSX.Element {
  const { piece } = props;
  switch (piece.kind) {
    case 'text': return piece.text;
    case 'link': return <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{piece.text}</a>;
    case 'code': return <code class="span-code"><i class="span-mark">{piece.mark}</i>{piece.text}<i class="span-mark">{piece.mark}</i></code>;
    case 'strong': return <strong><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} /><i class="span-mark">{piece.mark}</i></strong>;
    case 'emphasis': return <em><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} /><i class="span-mark">{piece.mark}</i></em>;
    case 'strike': return <s><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} /><i class="span-mark">{piece.mark}</i></s>;
  }
}
