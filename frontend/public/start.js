// Runs before the app and in every browser, so it is written for the oldest. A file of its own, because inline scripts
// are forbidden here.
(function () {
  'use strict';

  // Chosen colours and sizes are there before the first paint.
  try {
    var stored = JSON.parse(localStorage.getItem('kith.preferences') || '{}');
    var choices = { theme: ['light', 'dark'], textSize: ['small', 'large', 'huge'], accent: ['blue', 'violet', 'rose', 'green'], contrast: ['more'] };
    for (var name in choices) {
      if (choices[name].indexOf(stored[name]) >= 0) document.documentElement.setAttribute('data-' + (name === 'textSize' ? 'text' : name), stored[name]);
    }
  } catch (error) {
    // No storage, no choice: the page follows the device.
  }

  var all = {
    en: {
      old: 'This browser is too old for Kith. Please update it, or use a current Firefox, Chrome, Edge or Safari.',
      lost: 'Kith could not be loaded. Check your internet connection and reload the page.'
    },
    de: {
      old: 'Dieser Browser ist zu alt für Kith. Bitte aktualisiere ihn oder nimm einen aktuellen Firefox, Chrome, Edge oder Safari.',
      lost: 'Kith ließ sich nicht laden. Prüfe dein Internet und lade die Seite neu.'
    },
    es: {
      old: 'Este navegador es demasiado antiguo para Kith. Actualízalo o usa una versión actual de Firefox, Chrome, Edge o Safari.',
      lost: 'No se pudo cargar Kith. Comprueba tu conexión a internet y vuelve a cargar la página.'
    },
    fr: {
      old: 'Ce navigateur est trop ancien pour Kith. Mets-le à jour, ou utilise une version récente de Firefox, Chrome, Edge ou Safari.',
      lost: 'Impossible de charger Kith. Vérifie ta connexion internet et recharge la page.'
    },
    uk: {
      old: 'Цей браузер застарий для Kith. Оновіть його або скористайтеся сучасним Firefox, Chrome, Edge чи Safari.',
      lost: 'Не вдалося завантажити Kith. Перевірте з’єднання з інтернетом і перезавантажте сторінку.'
    },
    ar: {
      old: 'هذا المتصفح قديم جدًا لتشغيل Kith. يُرجى تحديثه أو استخدام إصدار حديث من Firefox أو Chrome أو Edge أو Safari.',
      lost: 'تعذّر تحميل Kith. يُرجى التحقق من الاتصال بالإنترنت ثم إعادة تحميل الصفحة.'
    }
  };
  var language = (navigator.language || '').slice(0, 2).toLowerCase();
  var words = all.hasOwnProperty(language) ? all[language] : all.en;

  // While the app shows nothing yet, a script that cannot be read or fetched must not leave an empty page.
  window.addEventListener('error', function (event) {
    var place = document.getElementById('app');
    if (!place || place.firstChild) return;
    var old = event.error instanceof SyntaxError;
    var text = document.createElement('p');
    text.setAttribute('role', 'alert');
    text.setAttribute('class', 'before-app');
    text.setAttribute('dir', 'auto');
    text.appendChild(document.createTextNode(old ? words.old : words.lost));
    place.appendChild(text);
  }, true);
})();
