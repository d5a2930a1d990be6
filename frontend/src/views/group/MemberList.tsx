import { Crown, Ellipsis, MessageCircle, ShieldCheck, User, UserMinus } from 'lucide';
import { createEffect, createMemo, createSignal, type JSX, on, Show } from 'solid-js';
import type { Chat, Member } from '../../core/api';
import { type Deed, deedsWith, sortedMembers } from '../../stores/groups';
import { Resource } from '../../stores/resource';
import { read } from '../adapter';
import { useView } from '../context';
import { Avatar } from '../parts/Avatar';
import { IconButton } from '../parts/Button';
import { Confirm } from '../parts/Dialog';
import { Keyed } from '../parts/Keyed';
import { Menu, type MenuItem } from '../parts/Menu';
import { Failed, Patiently } from '../parts/states';
import './group.css';

/** Who belongs to a group, what they are in it, and what one may do about it. */
export function MemberList(props: { readonly chat: Chat }): JSX.Element {
  const { app, t } = useView();
  const members = new Resource(() => app.core.members(props.chat.id));
  const state = read(members);
  const news = read(app.memberNews);
  createEffect(on(() => news().get(props.chat.id), () => void members.load(), { defer: true }));
  const list = createMemo(() => {
    const now = state();
    return now.status === 'ready' ? sortedMembers(now.value) : undefined;
  });
  const [menu, setMenu] = createSignal<{ member: Member; anchor: DOMRect }>();
  const [asking, setAsking] = createSignal<{ deed: 'owner' | 'remove'; member: Member }>();
  const failed = () => {
    const now = state();
    return now.status === 'failed' ? now.reason : undefined;
  };

  const deeds = (member: Member): readonly Deed[] => (props.chat.group ? deedsWith(props.chat.group, member) : []);
  const setRole = (member: Member, role: 'owner' | 'admin' | 'member'): void =>
    void app.attempt(() => app.core.setRole(props.chat.id, member.address, role), 'saved');
  const remove = (member: Member): void => void app.attempt(() => app.core.removeMember(props.chat.id, member.address), 'removed');
  const items = (member: Member): readonly MenuItem[] => deeds(member).map((deed): MenuItem => {
    switch (deed) {
      case 'write': return { label: t().group.write, icon: MessageCircle, run: () => app.router.go({ name: 'chat', address: member.address, details: false }) };
      case 'owner': return { label: t().group.makeOwner, icon: Crown, run: () => void setAsking({ deed: 'owner', member }) };
      case 'admin': return { label: t().group.makeAdmin, icon: ShieldCheck, run: () => setRole(member, 'admin') };
      case 'member': return { label: t().group.makeMember, icon: User, run: () => setRole(member, 'member') };
      case 'remove': return { label: t().group.remove, icon: UserMinus, danger: true, run: () => void setAsking({ deed: 'remove', member }) };
    }
  });
  return (
    <>
      <Show
        when={list()}
        fallback={(
          <Show when={failed()} fallback={<Patiently><p class="quiet" role="status">{t().common.loading}</p></Patiently>}>
            {(reason) => <Failed reason={reason()} onRetry={() => void members.load()} />}
          </Show>
        )}
      >
        {(shown) => (
          <ul class="card member-list" role="list" aria-label={t().group.members}>
            <Keyed each={shown()} by={(member) => member.address}>
              {(member) => (
                <li class="member">
                  <Avatar address={member().address} name={member().name} size="small" availability={member().here ? 'online' : undefined} />
                  <span class="member-text">
                    <span class="member-name"><bdi>{member().name}</bdi><Show when={member().self}> <span class="quiet">({t().common.you})</span></Show></span>
                    <small>
                      <Show when={member().role !== 'member'}><span class="member-role" title={t().group.roleText[member().role]}>{t().group.role[member().role]}</span></Show>
                      <Show when={member().here && !member().self}><span class="hidden">, {t().group.here}</span></Show>
                      <Show when={member().canRead === false}><span class="member-blind">{t().group.notReading}</span></Show>
                    </small>
                  </span>
                  <Show when={deeds(member()).length > 0}>
                    <IconButton
                      icon={Ellipsis} label={t().group.actionsFor(member().name)}
                      onClick={(event) => setMenu({ member: member(), anchor: event.currentTarget.getBoundingClientRect() })}
                    />
                  </Show>
                </li>
              )}
            </Keyed>
          </ul>
        )}
      </Show>
      <Show when={menu()}>
        {(open) => <Menu label={t().group.actionsFor(open().member.name)} items={items(open().member)} anchor={open().anchor} onClose={() => setMenu(undefined)} />}
      </Show>
      <Show when={asking()}>
        {(question) => (
          <Confirm
            title={question().deed === 'owner' ? t().group.ownerTitle(question().member.name) : t().group.removeTitle(question().member.name)}
            text={question().deed === 'owner' ? t().group.ownerText : t().group.removeText(question().member.name)}
            action={question().deed === 'owner' ? t().group.makeOwner : t().group.remove} danger
            onConfirm={() => {
              const { deed, member } = question();
              setAsking(undefined);
              if (deed === 'owner') setRole(member, 'owner');
              else remove(member);
            }}
            onCancel={() => setAsking(undefined)}
          />
        )}
      </Show>
    </>
  );
}
