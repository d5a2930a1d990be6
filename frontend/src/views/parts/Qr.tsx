import { generate } from 'lean-qr';
import { createMemo, type JSX } from 'solid-js';
import './code.css';

/** A QR code as one path; dark on light in every theme, because that is what cameras read best. */
export function Qr(props: { readonly text: string; readonly label: string }): JSX.Element {
  const code = createMemo(() => {
    const bitmap = generate(props.text);
    let path = '';
    for (let y = 0; y < bitmap.size; y++) {
      for (let x = 0; x < bitmap.size; x++) {
        if (!bitmap.get(x, y)) continue;
        const from = x;
        while (x + 1 < bitmap.size && bitmap.get(x + 1, y)) x++;
        path += `M${from} ${y}h${x + 1 - from}v1h-${x + 1 - from}z`;
      }
    }
    return { path, size: bitmap.size };
  });
  return (
    <svg class="qr" role="img" aria-label={props.label} viewBox={`-4 -4 ${code().size + 8} ${code().size + 8}`} shape-rendering="crispEdges">
      <path d={code().path} />
    </svg>
  );
}
