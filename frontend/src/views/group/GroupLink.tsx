import { ArrowLeft, Link2Off, Lock, LockOpen, ShieldQuestionMark, Users, UsersRound } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, Match, on, Show, Switch } from 'solid-js';
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
export default function GroupLink(props: { readonly address: Address; readonly link?: string }): JSX.Element {
  const { app, t } = useView();
  const session = read(app.session);
  const chats = read(app.chats);
  const info = new Resource(() => app.core.lookupGroup(props.address, props.link));
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
    await app.attempt(async () => { group = await app.core.joinGroup(props.address, props.link); });
    setBusy(false);
    if (group !== undefined) app.router.go({ name: 'chat', address: group, details: false }, { replace: true });
  };
  const failed = () => {
    const now = state();
    return now.status === 'failed' && phase() !== 'connecting' ? now.reason : undefined;
  };
  /** Children may not look: the guardian is asked when they want to go in. */
  const asks = (): boolean => props.link !== undefined && session().role === 'limited' && (failed()?.code === 'not-member' || failed()?.code === 'approval');
  const shut = (): { icon: typeof UsersRound; title: string; text: string } | undefined => {
    switch (failed()?.code) {
      case 'not-member': return { icon: UsersRound, title: t().rooms.closedTitle, text: t().rooms.closedText };
      case 'not-found': return { icon: UsersRound, title: t().rooms.goneTitle, text: t().rooms.goneText };
      case 'group-link-invalid': return { icon: Link2Off, title: t().groupLink.badTitle, text: t().groupLink.badText };
      default: return undefined;
    }
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
                <Switch fallback={<Failed reason={reason()} onRetry={() => void info.load()} />}>
                  <Match when={asks()}>
                    <Empty icon={ShieldQuestionMark} title={t().groupLink.askTitle} text={t().groupLink.askText}>
                      <Button look="primary" busy={busy()} onClick={() => void join()}>{t().groupLink.ask}</Button>
                    </Empty>
                  </Match>
                  <Match when={shut()}>
                    {(it) => (
                      <Empty icon={it().icon} title={it().title} text={it().text}>
                        <Button onClick={() => app.router.go({ name: 'home' })}>{t().requests.toChats}</Button>
                      </Empty>
                    )}
                  </Match>
                </Switch>
              )}
            </Show>
          )}
        >
          {(group) => (
            <div class="card room-card">
              <Avatar address={group().address} name={group().name} size="large" group />
              <h2><bdi>{group().name}</bdi></h2>
              <Show when={group().privacy === 'public'} fallback={<Show when={group().admits}><p class="quiet">{t().groupLink.invited}</p></Show>}>
                <p class="quiet"><bdi dir="ltr" class="address">{group().address}</bdi></p>
              </Show>
              <Show when={group().description}><p dir="auto">{group().description}</p></Show>
              <Show when={group().people !== undefined}><p class="quiet room-count"><Icon of={Users} />{t().rooms.people(group().people ?? 0)}</p></Show>
              <Show when={group().members !== undefined}><p class="quiet room-count"><Icon of={Users} />{t().group.count(group().members ?? 0)}</p></Show>
              <Show
                when={group().privacy === 'public' || group().admits}
                fallback={<p class="room-note">{t().rooms.closedText}</p>}
              >
                <Show when={group().privacy === 'public'} fallback={<p class="room-note room-note-calm"><Icon of={Lock} /><span>{t().groupLink.seen}</span></p>}>
                  <p class="room-note"><Icon of={LockOpen} /><span>{t().rooms.openNote}</span></p>
                </Show>
                <Button look="primary" wide busy={busy()} onClick={() => void join()}>{busy() ? t().group.joining : t().rooms.join}</Button>
              </Show>
            </div>
          )}
        </Show>
      </div>
    </main>
  );
}
