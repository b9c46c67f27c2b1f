/* Keeps what was typed into a form on this phone until it is filed. Without this file the form works all the same. */
(function () {
  'use strict';

  var KEPT_MS = 7 * 24 * 3600 * 1000;

  function at(code) { return 'draft:' + code; }

  try {
    var filed = document.querySelector('[data-filed]');
    if (filed) window.localStorage.removeItem(at(filed.dataset.filed));

    var form = document.querySelector('form[data-draft]');
    if (!form) return;
    var name = at(form.dataset.draft);
    var fields = Array.from(form.querySelectorAll('textarea, input:not([type="hidden"])'));
    var kept = JSON.parse(window.localStorage.getItem(name) || 'null');
    if (kept && Date.now() - kept.at < KEPT_MS) {
      fields.forEach(function (field) {
        if (!field.value && typeof kept[field.name] === 'string') field.value = kept[field.name];
      });
    }
    form.addEventListener('input', function () {
      var draft = { at: Date.now() };
      fields.forEach(function (field) { draft[field.name] = field.value; });
      window.localStorage.setItem(name, JSON.stringify(draft));
    });
  } catch (error) {
    // a phone that allows no storage keeps nothing; the form is complete without it
  }
})();
