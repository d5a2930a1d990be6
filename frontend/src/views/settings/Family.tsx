import { ShieldCheck, Users } from 'lucide';
import { createMemo, createSignal, For, type JSX, Show } from 'solid-js';
import type { Address, Child, FamilyRequest } from '../../core/api';
import { shownName } from '../../stores/contacts';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { Button } from '../parts/Button';
import { Confirm } from '../parts/Dialog';
import { Icon } from '../parts/Icon';
import { Keyed } from '../parts/Keyed';
import { Empty, Failed, Patiently } from '../parts/states';
import { Circles } from './Circles';
import { GuardiansDialog } from './GuardiansDialog';
import './family.css';

/** What somebody is called: as a contact, or oneself. */
function useNames(): (address: Address) => string {
  const { app, t } = useView();
  const contacts = read(app.contacts);
  const session = read(app.session);
  return (address) => (address === session().address ? t().common.you : shownName(contacts().get(address), address));
}

/** Children and those who look after them; circles. */
export function Family(): JSX.Element {
  const { app, t } = useView();
  const state = read(app.family);
  const session = read(app.session);
  const nameOf = useNames();
  const family = createMemo(() => state().family);
  const limited = (): boolean => session().role === 'limited';
  const admin = (): boolean => session().role === 'admin';
  return (
    <Show
      when={state().known}
      fallback={(
        <Show when={state().reason && session().phase !== 'connecting' && state().reason} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>
          {(reason) => <Failed reason={reason()} onRetry={() => void app.family.load()} />}
        </Show>
      )}
    >
      <Show when={limited()}>
        <section class="section">
          <h2>{t().family.guardiansTitle}</h2>
          <p>{t().family.guardiansText}</p>
          <ul class="card" role="list">
            <For each={family().guardians}>
              {(guardian) => (
                <li class="device-line">
                  <Avatar address={guardian} name={nameOf(guardian)} size="small" />
                  <span class="device-names"><b><bdi>{nameOf(guardian)}</bdi></b><small><bdi dir="ltr">{guardian}</bdi></small></span>
                </li>
              )}
            </For>
          </ul>
          <h3>{t().family.waitingTitle}</h3>
          <Show when={family().waiting.length > 0} fallback={<p class="quiet">{t().family.waitingNone}</p>}>
            <ul class="card" role="list">
              <For each={family().waiting}>
                {(wish) => (
                  <li class="device-line">
                    <Avatar address={wish.address} name={wish.address} size="small" group={wish.kind === 'group'} />
                    <span class="device-names"><b><bdi dir="ltr">{wish.address}</bdi></b><small>{t().family.waitingFor}</small></span>
                  </li>
                )}
              </For>
            </ul>
          </Show>
        </section>
      </Show>
      <Keyed each={family().children.filter((child) => child.mayDecide || admin())} by={(child) => child.address}>{(child) => <ChildSection child={child()} admin={admin()} />}</Keyed>
      <Show when={family().circles.length > 0 || admin()} fallback={(
        <Show when={family().children.length === 0 && !limited()}><Empty icon={Users} title={t().family.none} text={t().family.noneText} /></Show>
      )}
      >
        <Circles circles={family().circles} admin={admin()} nameOf={nameOf} />
      </Show>
    </Show>
  );
}

function ChildSection(props: { readonly child: Child; readonly admin: boolean }): JSX.Element {
  const { app, t, formats } = useView();
  const nameOf = useNames();
  const [revoking, setRevoking] = createSignal<Child['approved'][number]>();
  const [editing, setEditing] = createSignal(false);
  const decide = (request: FamilyRequest, answer: 'approve' | 'deny'): void =>
    void app.attempt(() => app.core.decideFor(props.child.address, request.address, answer, request.kind), answer === 'approve' ? 'agreed' : 'refused');
  const revoke = async (): Promise<void> => {
    const peer = revoking();
    setRevoking(undefined);
    if (peer) await app.attempt(() => app.core.decideFor(props.child.address, peer.address, 'revoke', peer.kind), 'saved');
  };
  const sentence = (request: FamilyRequest): string => {
    const who = request.name ?? nameOf(request.address);
    if (request.kind === 'contact') return request.direction === 'in' ? t().family.asksChild(who, props.child.name) : t().family.childAsks(props.child.name, who);
    return request.direction === 'in' ? t().family.invitesChild(request.by === undefined ? '' : nameOf(request.by), props.child.name) : t().family.childEnters(props.child.name);
  };
  return (
    <section class="section">
      <div class="family-head">
        <Avatar address={props.child.address} name={props.child.name} size="small" />
        <h2><bdi>{props.child.name}</bdi></h2>
      </div>
      <p class="quiet family-guards">
        <Icon of={ShieldCheck} />
        <span>{t().family.guardedBy(formats().list(props.child.guardians.map(nameOf)))}</span>
        <Show when={props.admin}><button type="button" class="text-button" onClick={() => setEditing(true)}>{t().family.change}<span class="hidden">: {props.child.name}</span></button></Show>
      </p>
      <Show when={props.child.requests.length > 0} fallback={<p class="quiet">{t().family.nothingWaits}</p>}>
        <ul class="requests" role="list">
          <Keyed each={props.child.requests} by={(request) => `${request.direction} ${request.kind} ${request.address}`}>
            {(request) => (
              <li class="card request">
                <Avatar address={request().address} name={request().name ?? request().address} group={request().kind === 'group'} />
                <div class="request-text">
                  <h3>{sentence(request())}</h3>
                  <p class="quiet"><bdi dir="ltr" class="address">{request().address}</bdi></p>
                  <Show when={request().text}><blockquote dir="auto">{request().text}</blockquote></Show>
                </div>
                <Show when={props.child.mayDecide}>
                  <div class="request-actions">
                    <Button onClick={() => decide(request(), 'deny')}>{t().family.deny}</Button>
                    <Button look="primary" onClick={() => decide(request(), 'approve')}>{t().family.approve}</Button>
                  </div>
                </Show>
              </li>
            )}
          </Keyed>
        </ul>
      </Show>
      <Show when={props.child.approved.length > 0}>
        <details class="family-approved">
          <summary>{t().family.approved(props.child.name, props.child.approved.length)}</summary>
          <ul class="card" role="list">
            <Keyed each={props.child.approved} by={(peer) => `${peer.kind} ${peer.address}`}>
              {(peer) => (
                <li class="device-line">
                  <Avatar address={peer().address} name={nameOf(peer().address)} size="small" group={peer().kind === 'group'} />
                  <span class="device-names"><b><bdi>{nameOf(peer().address)}</bdi></b><small><bdi dir="ltr">{peer().address}</bdi></small></span>
                  <Show when={props.child.mayDecide}>
                    <button type="button" class="text-button text-button-danger" aria-label={`${t().family.revoke}: ${peer().address}`} onClick={() => setRevoking(peer())}>{t().family.revoke}</button>
                  </Show>
                </li>
              )}
            </Keyed>
          </ul>
        </details>
      </Show>
      <Show when={revoking()}>
        {(peer) => (
          <Confirm
            title={t().family.revokeTitle(nameOf(peer().address))} text={t().family.revokeText(props.child.name)} action={t().family.revoke} danger
            onConfirm={() => void revoke()} onCancel={() => setRevoking(undefined)}
          />
        )}
      </Show>
      <Show when={editing()}><GuardiansDialog child={props.child} onClose={() => setEditing(false)} /></Show>
    </section>
  );
}
