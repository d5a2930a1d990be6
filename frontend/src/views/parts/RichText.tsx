import type { JSX } from 'solid-js';
import { namedParts } from '../../stores/mentions';
import { type Block, blocks, type Piece } from '../../stores/richtext';

const none: readonly string[] = [];

/** Text that somebody wrote: always inserted as text; links open elsewhere and tell nothing of us. What it is made of never changes: all of it is made anew. */
export function RichText(props: { readonly text: string; readonly names?: readonly string[] }): JSX.Element {
  return <>{blocks(props.text).map((block) => <BlockOf block={block} names={props.names ?? none} />)}</>;
}

function BlockOf(props: { readonly block: Block; readonly names: readonly string[] }): JSX.Element {
  const { block } = props;
  switch (block.kind) {
    case 'plain': return <span class="block"><Pieces of={block.pieces} names={props.names} /></span>;
    case 'quote': return <blockquote class="block-quote">{block.blocks.map((inner) => <BlockOf block={inner} names={props.names} />)}</blockquote>;
    case 'code': return <pre class="block-code" dir="ltr" tabindex="-1"><code>{block.text}</code></pre>;
  }
}

function Pieces(props: { readonly of: readonly Piece[]; readonly names: readonly string[] }): JSX.Element {
  return <>{props.of.map((piece) => <PieceOf piece={piece} names={props.names} />)}</>;
}

/** The marks around a span stay, but step back. */
function PieceOf(props: { readonly piece: Piece; readonly names: readonly string[] }): JSX.Element {
  const { piece } = props;
  switch (piece.kind) {
    case 'text': return <>{namedParts(piece.text, props.names).map((part) => (part.name ? <b class="named">{part.text}</b> : part.text))}</>;
    case 'link': return <a href={piece.href} target="_blank" rel="noopener noreferrer nofollow" dir="ltr">{piece.text}</a>;
    case 'code': return <code class="span-code"><i class="span-mark">{piece.mark}</i>{piece.text}<i class="span-mark">{piece.mark}</i></code>;
    case 'strong': return <strong><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} names={props.names} /><i class="span-mark">{piece.mark}</i></strong>;
    case 'emphasis': return <em><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} names={props.names} /><i class="span-mark">{piece.mark}</i></em>;
    case 'strike': return <s><i class="span-mark">{piece.mark}</i><Pieces of={piece.pieces} names={props.names} /><i class="span-mark">{piece.mark}</i></s>;
  }
}
