import { ArrowLeft, LockOpen, Users, UsersRound } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button, IconButton } from '../parts/Button';
import { Icon } from '../parts/Icon';
import { Empty, Failed, Patiently } from '../parts/states';
import './group.css';

/** A group that one is not in: what it is, what going in means, and the way in. */
export default function GroupLink(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const chats = read(app.chats);
  const info = new Resource(() => app.core.lookupGroup(props.address));
  const state = read(info);
  const [busy, setBusy] = createSignal(false);
  const phase = createMemo(() => session().phase);
  createEffect(on(phase, (now) => { if (now === 'online') void info.load(); }, { defer: true }));
  const enter = (): void => app.router.go({ name: 'chat', address: props.address, details: false }, { replace: true });
  createEffect(() => { if (!busy() && chats().get(props.address)?.group?.state === 'here') enter(); });
  const join = async (): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    let group: Address | undefined;
    await app.attempt(async () => { group = await app.core.joinGroup(props.address); });
    setBusy(false);
    if (group !== undefined) app.router.go({ name: 'chat', address: group, details: false }, { replace: true });
  };
  const failed = () => {
    const now = state();
    return now.status === 'failed' && phase() !== 'connecting' ? now.reason : undefined;
  };
  return (
    <main class="page" id="main" tabindex="-1">
      <header class="pane-head">
        <IconButton class="only-one-pane" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.up()} />
        <h1 tabindex="-1">{t().rooms.linkTitle}</h1>
      </header>
      <div class="page-body">
        <Show
          when={((it) => it.status === 'ready' && it.value)(state())}
          fallback={(
            <Show when={failed()} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>
              {(reason) => (
                <Show when={reason().code === 'not-member' || reason().code === 'not-found'} fallback={<Failed reason={reason()} onRetry={() => void info.load()} />}>
                  <Empty
                    icon={UsersRound} title={reason().code === 'not-member' ? t().rooms.closedTitle : t().rooms.goneTitle}
                    text={reason().code === 'not-member' ? t().rooms.closedText : t().rooms.goneText}
                  >
                    <Button onClick={() => app.router.go({ name: 'home' })}>{t().requests.toChats}</Button>
                  </Empty>
                </Show>
              )}
            </Show>
          )}
        >
          {(group) => (
            <div class="card room-card">
              <Avatar address={group().address} name={group().name} size="large" group />
              <h2><bdi>{group().name}</bdi></h2>
              <p class="quiet"><bdi dir="ltr" class="address">{group().address}</bdi></p>
              <Show when={group().description}><p dir="auto">{group().description}</p></Show>
              <Show when={group().people !== undefined}><p class="quiet room-count"><Icon of={Users} />{t().rooms.people(group().people ?? 0)}</p></Show>
              <Show
                when={group().privacy === 'public'}
                fallback={<p class="room-note">{t().rooms.closedText}</p>}
              >
                <p class="room-note"><Icon of={LockOpen} /><span>{t().rooms.openNote}</span></p>
                <Button look="primary" wide busy={busy()} onClick={() => void join()}>{busy() ? t().group.joining : t().rooms.join}</Button>
              </Show>
            </div>
          )}
        </Show>
      </div>
    </main>
  );
}
