import { TriangleAlert } from 'lucide';
import type { JSX } from 'solid-js';
import type { Missing } from '../../stores/support';
import { useSpeech } from '../context';
import { Icon } from '../parts/Icon';
import { EntryFrame } from './EntryFrame';

/** Why Kith cannot run here, and what to do. */
export default function Unsupported(props: { readonly missing: Missing }): JSX.Element {
  const { t } = useSpeech();
  const insecure = (): boolean => props.missing === 'insecure';
  return (
    <EntryFrame
      title={insecure() ? t().unsupported.insecureTitle : t().unsupported.title}
      lead={insecure() ? t().unsupported.insecureText : t().unsupported.text}
      above={<span class="entry-sign"><Icon of={TriangleAlert} /></span>}
    />
  );
}
