import { ChevronDown, Plus } from 'lucide';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import type { Address, GroupLink } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { shownName } from '../../stores/contacts';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Choice } from '../parts/Choice';
import { CopyField, ShareButton } from '../parts/CopyText';
import { Confirm, Dialog } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Qr } from '../parts/Qr';
import { Failed } from '../parts/states';
import { Switch } from '../parts/Switch';
import './group.css';

const day = 86_400;
const periods = { day, week: 7 * day, month: 30 * day } as const;

/** Links into a private group: the newest that this device can show, making one, and turning them off. */
export default function InviteByLink(props: { readonly address: Address }): JSX.Element {
  const { app, t, formats } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const session = read(app.session);
  const links = new Resource(() => app.core.groupLinks(props.address));
  const state = read(links);
  const [wanted, setWanted] = createSignal<string>();
  const [another, setAnother] = createSignal(false);
  const [period, setPeriod] = createSignal<keyof typeof periods>('week');
  const [single, setSingle] = createSignal(false);
  const [busy, setBusy] = createSignal(false);
  const [ending, setEnding] = createSignal<string>();
  const title = createMemo(() => chatWith(chats(), contacts(), props.address).title);
  const all = createMemo((): readonly GroupLink[] => {
    const now = state();
    return now.status === 'ready' ? now.value : [];
  });
  const shown = createMemo(() => (another() ? undefined : all().find((link) => link.id === wanted()) ?? all().find((link) => link.url !== undefined)));
  const others = createMemo(() => all().filter((link) => link.id !== shown()?.id));

  const change = async (what: () => Promise<unknown>): Promise<void> => {
    if (busy()) return;
    setBusy(true);
    await app.attempt(what);
    await links.load();
    setBusy(false);
  };
  const make = (): Promise<void> => change(async () => {
    const made = await app.core.makeGroupLink(props.address, { seconds: periods[period()], ...(single() && { max: 1 }) });
    setWanted(made.id);
    setAnother(false);
  });
  const end = (id: string): Promise<void> => change(async () => {
    setEnding(undefined);
    await app.core.revokeGroupLink(props.address, id);
    setWanted(undefined);
  });
  const until = (link: GroupLink): string => {
    const when = formats().full(link.expires);
    return link.max === undefined ? t().groupLink.until(when) : t().groupLink.untilUsed(when, link.max - link.uses);
  };
  const maker = (link: GroupLink): string => (link.by === session().address ? t().groupLink.madeByYou : t().groupLink.madeBy(shownName(contacts().get(link.by), link.by)));
  return (
    <Dialog title={t().groupLink.title} size="small" onClose={() => app.overlays.close()}>
      <Show
        when={state().status === 'ready'}
        fallback={(
          <Show when={((now) => now.status === 'failed' && now.reason)(state())} fallback={<p class="quiet" role="status">{t().common.loading}</p>}>
            {(reason) => <Failed reason={reason()} onRetry={() => void links.load()} />}
          </Show>
        )}
      >
        <div class="group-link">
          <p>{t().groupLink.text}</p>
          <Show
            when={shown()}
            fallback={(
              <>
                <Choice
                  legend={t().groupLink.lasts} value={period()} onChange={setPeriod}
                  options={[{ value: 'day', label: t().groupLink.day }, { value: 'week', label: t().groupLink.week }, { value: 'month', label: t().groupLink.month }]}
                />
                <div class="card"><Switch label={t().groupLink.single} hint={t().groupLink.singleHint} on={single()} onChange={setSingle} /></div>
                <Button look="primary" wide busy={busy()} onClick={() => void make()}>{busy() ? t().groupLink.making : t().groupLink.make}</Button>
              </>
            )}
          >
            {(link) => (
              <>
                <Show when={link().url}>{(url) => <Qr text={url()} label={t().groupLink.code} />}</Show>
                <Show when={link().url}>{(url) => <CopyField label={t().groupLink.link} text={url()} />}</Show>
                <p class="quiet">{until(link())}<Show when={link().uses > 0}>{` ${t().groupLink.used(link().uses)}`}</Show></p>
                <div class="line line-end">
                  <Button look="quiet" busy={busy()} onClick={() => setEnding(link().id)}>{t().groupLink.off}</Button>
                  <Button look="quiet" busy={busy()} onClick={() => void change(() => app.core.renewGroupLink(props.address, link().id))}>{t().groupLink.renew}</Button>
                  <ShareButton url={link().url ?? ''} text={t().rooms.shareText(title())} />
                </div>
                <Show when={link().uri}>
                  {(uri) => (
                    <details class="group-link-apps">
                      <summary>{t().groupLink.otherApps}<Icon of={ChevronDown} /></summary>
                      <p class="quiet">{t().groupLink.otherAppsText}</p>
                      <CopyField label={t().groupLink.otherAppsLink} text={uri()} />
                    </details>
                  )}
                </Show>
              </>
            )}
          </Show>
          <Show when={others().length > 0}>
            <section aria-labelledby="other-links">
              <h3 class="list-heading" id="other-links">{t().groupLink.others}</h3>
              <ul role="list" class="card group-links">
                <For each={others()}>
                  {(link) => (
                    <li class="group-link-line">
                      <Show
                        when={link.url !== undefined}
                        fallback={<span class="nav-line-text"><span>{maker(link)}</span><small>{until(link)}</small></span>}
                      >
                        <button type="button" class="nav-line" onClick={() => { setWanted(link.id); setAnother(false); }}>
                          <span class="nav-line-text"><span>{maker(link)}</span><small>{until(link)}</small></span>
                        </button>
                      </Show>
                      <Button look="quiet" busy={busy()} onClick={() => setEnding(link.id)}>{t().groupLink.off}</Button>
                    </li>
                  )}
                </For>
              </ul>
              <Show when={others().some((link) => link.url === undefined)}><p class="quiet">{t().groupLink.othersNote}</p></Show>
            </section>
          </Show>
          <Show when={shown()}>
            <Button look="quiet" icon={Plus} onClick={() => setAnother(true)}>{t().groupLink.another}</Button>
          </Show>
        </div>
      </Show>
      <Show when={ending()}>
        {(id) => (
          <Confirm
            title={t().groupLink.offTitle} text={t().groupLink.offText} action={t().groupLink.off} danger
            onConfirm={() => void end(id())} onCancel={() => setEnding(undefined)}
          />
        )}
      </Show>
    </Dialog>
  );
}
