import { ArrowLeft, ChevronRight, Link, LogOut, Pencil, Trash, UserPlus, X } from 'lucide';
import { createMemo, createSignal, type JSX, onMount, Show } from 'solid-js';
import type { Address } from '../../core/api';
import { chatWith } from '../../stores/chats';
import { formatRoute } from '../../stores/route';
import { read } from '../adapter';
import { useView } from '../context';
import { MemberList } from '../group/MemberList';
import { media, threePanes } from '../media';
import { Avatar } from '../parts/Avatar';
import { Button, IconButton } from '../parts/Button';
import { CopyButton, ShareButton } from '../parts/CopyText';
import { Confirm } from '../parts/Dialog';
import { Field } from '../parts/Field';
import { Icon } from '../parts/Icon';
import { lockIcons } from '../parts/Marks';
import { PictureEdit } from '../parts/PictureEdit';
import './details.css';

/** Everything about a group, beside the chat where there is room. */
export default function GroupDetails(props: { readonly address: Address }): JSX.Element {
  const { app, t } = useView();
  const chats = read(app.chats);
  const contacts = read(app.contacts);
  const session = read(app.session);
  const chat = createMemo(() => chatWith(chats(), contacts(), props.address));
  const group = createMemo(() => chat().group);
  const [name, setName] = createSignal<string>();
  const [ending, setEnding] = createSignal(false);
  const beside = media(threePanes);
  let heading!: HTMLHeadingElement;
  onMount(() => heading.focus({ preventScroll: true }));
  const link = (): string => location.origin + formatRoute({ name: 'group', address: props.address });
  const here = (): boolean => group()?.state === 'here' || group()?.state === 'out' || group()?.state === 'joining';

  const rename = async (event: Event): Promise<void> => {
    event.preventDefault();
    const wished = name()?.trim();
    if (wished === undefined || wished === '' || wished === chat().title) setName(undefined);
    else if (await app.attempt(() => app.core.renameGroup(props.address, wished), 'saved')) setName(undefined);
  };
  const end = async (): Promise<void> => {
    setEnding(false);
    await app.attempt(() => app.core.endGroup(props.address));
  };
  return (
    <div class="details" role={beside() ? 'complementary' : 'main'} aria-labelledby="details-title">
      <div class="pane-head">
        <IconButton class="details-back" icon={ArrowLeft} mirror label={t().common.back} onClick={() => app.router.up()} />
        <h2 id="details-title" ref={heading} tabindex="-1" aria-level={beside() ? 2 : 1}>{t().details.title}</h2>
        <IconButton class="details-close" icon={X} label={t().common.close} onClick={() => app.router.up()} />
      </div>
      <div class="details-body">
        <div class="details-who">
          <Avatar address={props.address} name={chat().title} size="large" group />
          <Show when={group()?.may.configure && here()}>
            <PictureEdit group there={group()?.picture !== undefined} onSet={(picture) => app.attempt(() => app.core.setGroupPicture(props.address, picture), 'saved')} />
          </Show>
          <Show
            when={name() !== undefined}
            fallback={(
              <div class="details-name">
                <b><bdi>{chat().title}</bdi></b>
                <Show when={group()?.may.configure && here()}><IconButton icon={Pencil} label={t().group.rename} onClick={() => setName(chat().title)} /></Show>
              </div>
            )}
          >
            <form class="details-rename" onSubmit={(event) => void rename(event)}>
              <Field label={t().group.rename} value={name() ?? ''} onInput={setName} maxlength="100" ref={(element) => queueMicrotask(() => element.focus())} />
              <div class="line">
                <Button look="quiet" onClick={() => setName(undefined)}>{t().common.cancel}</Button>
                <Button look="primary" type="submit">{t().common.save}</Button>
              </div>
            </form>
          </Show>
          <Show when={group()}>
            {(it) => <p class="quiet">{it().privacy === 'public' ? t().group.publicCount(it().people) : t().group.count(it().people)}</p>}
          </Show>
          <Show when={group()?.description}>{(text) => <p class="details-about" dir="auto">{text()}</p>}</Show>
        </div>

        <button type="button" class="card nav-line" onClick={() => app.overlays.open({ name: 'lock', address: props.address })}>
          <Icon of={lockIcons[chat().lock]} class={`lock-${chat().lock}`} />
          <span class="nav-line-text"><span>{t().details.lock}</span><small>{t().lock[chat().lock]}</small></span>
          <Icon of={ChevronRight} mirror />
        </button>

        <Show when={here()}>
          <section class="details-members" aria-label={t().group.members}>
            <h3 class="list-heading" aria-level={beside() ? 3 : 2}>{group()?.privacy === 'public' ? t().group.people : t().group.members}</h3>
            <Show when={group()?.may.add}>
              <button type="button" class="card nav-line" onClick={() => app.overlays.open({ name: 'add-members', address: props.address })}>
                <Icon of={UserPlus} /><span class="nav-line-text">{t().group.add}</span>
              </button>
            </Show>
            <Show when={group()?.may.link && session().role !== 'limited'}>
              <button type="button" class="card nav-line" onClick={() => app.overlays.open({ name: 'group-link', address: props.address })}>
                <Icon of={Link} />
                <span class="nav-line-text"><span>{t().groupLink.title}</span><small>{t().groupLink.hint}</small></span>
                <Icon of={ChevronRight} mirror />
              </button>
            </Show>
            <MemberList chat={chat()} />
          </section>
          <Show when={group()?.privacy === 'public'}>
            <div class="card facts-card">
              <dl><dt>{t().group.address}</dt><dd><bdi dir="ltr" class="address">{props.address}</bdi></dd></dl>
              <ShareButton url={link()} text={t().rooms.shareText(chat().title)} />
              <CopyButton text={link()} look="quiet" label={t().group.copyLink} />
            </div>
          </Show>
          <div class="card actions-card">
            <button type="button" class="nav-line nav-line-danger" onClick={() => app.overlays.open({ name: 'leave-group', address: props.address })}>
              <Icon of={LogOut} mirror /><span class="nav-line-text">{t().group.leave}</span>
            </button>
            <Show when={group()?.may.configure}>
              <button type="button" class="nav-line nav-line-danger" onClick={() => setEnding(true)}>
                <Icon of={Trash} /><span class="nav-line-text">{t().group.end}</span>
              </button>
            </Show>
          </div>
        </Show>
      </div>
      <Show when={ending()}>
        <Confirm
          title={t().group.endTitle(chat().title)} text={t().group.endText} action={t().group.end} danger
          onConfirm={() => void end()} onCancel={() => setEnding(false)}
        />
      </Show>
    </div>
  );
}
