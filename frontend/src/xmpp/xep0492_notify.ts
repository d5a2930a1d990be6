/** XEP-0492: Chat Notification Settings. */
import { NS } from './ns';
import { xml, XmlElement } from './xml';

export type Notify = 'always' | 'on-mention' | 'never';

const SETTINGS: readonly Notify[] = ['always', 'on-mention', 'never'];
/** What this program is to others (XEP-0030 identity). */
const CATEGORY = 'client', TYPE = 'web';

function settings(notify: XmlElement | undefined): { readonly setting: Notify; readonly element: XmlElement }[] {
  return (notify?.elements ?? []).flatMap((element) => {
    const setting = SETTINGS.find((one) => element.is(NS.notificationSettings, one));
    return setting === undefined ? [] : [{ setting, element }];
  });
}

const category = (element: XmlElement): string | undefined => element.attrs['identity-category'];
const type = (element: XmlElement): string | undefined => element.attrs['identity-type'];

/** What holds for this program: the setting that is meant for it most closely (section 5). */
export function readNotify(extensions: XmlElement | undefined): Notify | undefined {
  const all = settings(extensions?.child('notify', NS.notificationSettings));
  const found = all.find(({ element }) => category(element) === CATEGORY && type(element) === TYPE)
    ?? all.find(({ element }) => category(element) === CATEGORY && type(element) === undefined)
    ?? all.find(({ element }) => category(element) === undefined);
  return found?.setting;
}

/**
 * The extensions of a bookmark with another setting. What others have set for kinds of programs that we are not stays, and
 * what is written into `<advanced/>` goes over into the new setting.
 */
export function withNotify(extensions: XmlElement | undefined, wanted: Notify): XmlElement {
  const rest = (extensions?.elements ?? []).filter((element) => !element.is(NS.notificationSettings, 'notify'));
  const all = settings(extensions?.child('notify', NS.notificationSettings));
  const fallback = all.find(({ element }) => category(element) === undefined);
  const own = all.find(({ element }) => category(element) === CATEGORY && type(element) === TYPE);
  const ofKind = all.some(({ element }) => category(element) === CATEGORY && type(element) === undefined);
  const others = all.filter((one) => one !== fallback && one !== own).map(({ element }) => element);
  const made = (from: XmlElement | undefined, attrs: Record<string, string>): XmlElement =>
    new XmlElement(NS.notificationSettings, wanted, attrs, from?.elements.filter((element) => element.is(NS.notificationSettings, 'advanced')) ?? []);
  return xml(NS.bookmarks, 'extensions', {}, ...rest, xml(NS.notificationSettings, 'notify', {},
    ...others,
    (own || ofKind) && made(own?.element, { 'identity-category': CATEGORY, 'identity-type': TYPE }),
    made(fallback?.element, {})));
}
