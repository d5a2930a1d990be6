import { MessageCircle, SquarePen, UserPlus } from 'lucide';
import { type JSX, Show } from 'solid-js';
import { read } from '../adapter';
import { useView } from '../context';
import { Button } from '../parts/Button';
import { Empty } from '../parts/states';

/** The main pane while no chat is open. */
export function EmptyPane(): JSX.Element {
  const { app, t } = useView();
  const inbox = read(app.inbox);
  const alone = (): boolean => inbox().chats.length + inbox().people.length === 0;
  return (
    <main class="chat chat-none" id="main" tabindex="-1">
      <Show
        when={alone()}
        fallback={(
          <Empty icon={MessageCircle} title={t().list.pickTitle}>
            <Button icon={SquarePen} onClick={() => app.overlays.open({ name: 'new-chat' })}>{t().list.newChat}</Button>
          </Empty>
        )}
      >
        <Empty icon={UserPlus} title={t().list.emptyTitle} text={t().list.emptyText}>
          <Button look="primary" icon={UserPlus} onClick={() => app.overlays.open({ name: 'invite' })}>{t().list.emptyAction}</Button>
        </Empty>
      </Show>
    </main>
  );
}
