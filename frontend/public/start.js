// Runs before the app and in every browser, so it is written for the oldest. A file of its own, because inline scripts
// are forbidden here.
(function () {
  'use strict';

  // A chosen theme is there before the first paint.
  try {
    var stored = JSON.parse(localStorage.getItem('kith.preferences') || '{}');
    if (stored.theme === 'light' || stored.theme === 'dark') document.documentElement.setAttribute('data-theme', stored.theme);
  } catch (error) {
    // No storage, no choice: the page follows the device.
  }

  var german = /^de\b/i.test(navigator.language || '');
  var words = {
    old: german
      ? 'Dieser Browser ist zu alt für Kith. Bitte aktualisiere ihn oder nimm einen aktuellen Firefox, Chrome, Edge oder Safari.'
      : 'This browser is too old for Kith. Please update it, or use a current Firefox, Chrome, Edge or Safari.',
    lost: german
      ? 'Kith ließ sich nicht laden. Prüfe dein Internet und lade die Seite neu.'
      : 'Kith could not be loaded. Check your internet connection and reload the page.'
  };

  // While the app shows nothing yet, a script that cannot be read or fetched must not leave an empty page.
  window.addEventListener('error', function (event) {
    var place = document.getElementById('app');
    if (!place || place.firstChild) return;
    var old = event.error instanceof SyntaxError;
    var text = document.createElement('p');
    text.setAttribute('role', 'alert');
    text.setAttribute('class', 'before-app');
    text.appendChild(document.createTextNode(old ? words.old : words.lost));
    place.appendChild(text);
  }, true);
})();
