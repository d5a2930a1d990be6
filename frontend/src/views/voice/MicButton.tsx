import { Mic } from 'lucide';
import { type JSX, onCleanup, onMount } from 'solid-js';
import { useView } from '../context';
import { Icon } from '../parts/Icon';
import { type Press, pressable } from './press';

/** Records when it is pressed or held. `held`: it is. */
export function MicButton(props: { readonly held: boolean; readonly onPress: (press: Press) => void }): JSX.Element {
  const { t } = useView();
  let button!: HTMLButtonElement;
  onMount(() => onCleanup(pressable(button, (press) => props.onPress(press))));
  return (
    <button ref={button} type="button" class="icon-button composer-mic" classList={{ 'composer-mic-held': props.held }} aria-label={t().voice.record} title={t().voice.record}><Icon of={Mic} /></button>
  );
}
