import { ShieldAlert } from 'lucide';
import { For, type JSX, Show } from 'solid-js';
import type { Finding, Message } from '../../core/api';
import { senderName } from '../../stores/groups';
import { read } from '../adapter';
import { useView } from '../context';
import { Icon } from '../parts/Icon';

/** Says what is wrong with a message, and whose device it is about. */
function useWords(message: () => Message): (finding: Finding) => string {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const called = read(app.memberNames);
  const session = read(app.session);
  return ({ kind, address }) => t().findings[kind](address === session().address
    ? undefined
    : senderName(contacts(), address, called().get(message().chat)?.get(address)));
}

/** In the chat, under the message with which it began. */
export function Alarm(props: { readonly message: Message }): JSX.Element {
  const { app } = useView();
  const words = useWords(() => props.message);
  return (
    <Show when={props.message.alarm && props.message.findings?.[0]}>
      {(first) => (
        <button type="button" class="message-alarm" tabindex="-1" onClick={() => app.overlays.open({ name: 'message-info', message: props.message })}>
          <Icon of={ShieldAlert} /><span>{words(first())}</span>
        </button>
      )}
    </Show>
  );
}

/** All of it, for who looks. */
export function Findings(props: { readonly message: Message }): JSX.Element {
  const { t } = useView();
  const words = useWords(() => props.message);
  return (
    <Show when={props.message.findings}>
      {(all) => (
        <>
          <h3>{t().findings.title}</h3>
          <ul class="findings" role="list">
            <For each={all()}>
              {(finding) => (
                <li><Icon of={ShieldAlert} /><span>{words(finding)}<Show when={finding.device > 0}> <small class="quiet">{t().lock.device(String(finding.device))}</small></Show></span></li>
              )}
            </For>
          </ul>
        </>
      )}
    </Show>
  );
}
