import { expect, test } from 'vitest';
import { memoryStorage } from '../../test/fake/host';
import { PreferencesStore } from './preferences';

test('a choice is there after a reload', () => {
  const storage = memoryStorage();
  new PreferencesStore(storage).change({ theme: 'dark', language: 'de' });
  expect(new PreferencesStore(storage).get()).toMatchObject({ theme: 'dark', language: 'de' });
});

test.each(['', 'no json', '[]', 'null', '{"theme":"pink","language":7,"textSize":99,"accent":"red; x","contrast":true,"showMaps":"yes"}'])('what was stored as "%s" does no harm', (stored) => {
  expect(new PreferencesStore(memoryStorage({ 'kith.preferences': stored })).get()).toEqual({
    theme: 'system', textSize: 'normal', accent: 'teal', contrast: 'system', language: 'system', notifications: false, notificationText: true, showMaps: false, voiceSpeed: 1, panel: 'emoji',
  });
});

test('where storage is forbidden the choice still holds for now', () => {
  const refuse = (): never => { throw new DOMException('no', 'SecurityError'); };
  const store = new PreferencesStore({ getItem: refuse, setItem: refuse });
  store.change({ theme: 'light' });
  expect(store.get().theme).toBe('light');
});
