/**
 * Questions with answers to choose from. They stand beside a text that everybody can read who knows nothing of them; so do
 * the votes. No XEP has a form for this.
 */
import { attr, children, define, leafText, optional, text } from './codec';
import { NS } from './ns';

const option = define(NS.kithPolls, 'option', { text: text() });

export const poll = define(NS.kithPolls, 'poll', {
  /** Several answers may be chosen. */
  several: optional(attr.bool('several')),
  question: leafText(NS.kithPolls, 'question'),
  options: children(option),
});

const choice = define(NS.kithPolls, 'choice', { option: attr.uint('option') });

/** All answers that somebody chooses, by their numbers from 0; none takes earlier ones back. `id`: of the question, as in XEP-0461. */
export const vote = define(NS.kithPolls, 'vote', { id: attr('id'), choices: children(choice) });

/** Nobody may vote any more: said by who asked. */
export const close = define(NS.kithPolls, 'close', { id: attr('id') });
