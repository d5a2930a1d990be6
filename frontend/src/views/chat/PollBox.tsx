import { Check } from 'lucide';
import { Index, type JSX, Show } from 'solid-js';
import type { Address, Message, Poll } from '../../core/api';
import { useView } from '../context';
import { Icon } from '../parts/Icon';

type Props = {
  readonly message: Message;
  readonly poll: Poll;
  /** Tab leads to this message: also to what can be chosen in it. */
  readonly stop: boolean;
  readonly mayVote: boolean;
  readonly nameOf: (address: Address, name: string | undefined) => string;
  readonly onVote: (choices: readonly number[]) => void;
};

/** A question with answers to choose from, and what was chosen. */
export function PollBox(props: Props): JSX.Element {
  const { t, formats } = useView();
  const open = (): boolean => !props.poll.closed && props.mayVote;
  const most = (): number => Math.max(1, ...props.poll.options.map((option) => option.from.length));
  const choose = (index: number): void => {
    const own = props.poll.options.flatMap((option, i) => (option.own ? [i] : []));
    const without = own.filter((one) => one !== index);
    if (own.includes(index)) props.onVote(without);
    else props.onVote(props.poll.several ? [...own, index] : [index]);
  };
  return (
    <div class="poll">
      <b class="poll-question" dir="auto">{props.message.text}</b>
      <small class="poll-hint">{props.poll.closed ? t().poll.closed : props.poll.several ? t().poll.more : t().poll.one}</small>
      <Index each={props.poll.options}>
        {(option, i) => {
          const names = (): string => formats().list(option().from.map((who) => props.nameOf(who, undefined)));
          return (
            <button
              type="button" class="poll-choice" aria-pressed={option().own} aria-disabled={!open()} tabindex={props.stop && open() ? 0 : -1}
              title={option().from.length > 0 ? t().poll.by(option().text, names()) : option().text} onClick={() => { if (open()) choose(i); }}
              style={{ '--share': `${(option().from.length / most()) * 100}%` }}
            >
              <span class="poll-mark" classList={{ 'poll-mark-several': props.poll.several }} aria-hidden="true"><Show when={option().own}><Icon of={Check} /></Show></span>
              <span class="poll-answer" dir="auto">{option().text}</span>
              <span class="poll-count"><span aria-hidden="true">{formats().number(option().from.length)}</span><span class="hidden">{t().poll.votes(option().from.length)}</span></span>
            </button>
          );
        }}
      </Index>
      <small class="poll-people">{t().poll.people(props.poll.people)}</small>
    </div>
  );
}
