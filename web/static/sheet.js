/* A sheet's buttons: print it, read it aloud. Without this file the sheet is complete, the buttons stay hidden. */
(function () {
  'use strict';

  var print = document.getElementById('print');
  if (print && window.print) {
    print.hidden = false;
    print.addEventListener('click', function () { window.print(); });
  }

  var speech = window.speechSynthesis;
  if (!speech || !window.SpeechSynthesisUtterance) return;

  var all = document.getElementById('read-all');
  var parts = Array.from(document.querySelectorAll('.part'));
  var buttons = [all].concat(parts.map(function (part) { return part.querySelector('.read'); })).filter(Boolean);
  buttons.forEach(function (button) { button.dataset.label = button.textContent; });
  var active = null;
  var run = 0;
  var kept = []; // Chrome forgets an utterance that nobody holds, and never says that it ended

  function chinese() {
    var voices = speech.getVoices();
    return voices.find(function (voice) { return /^zh[-_](CN|Hans)/i.test(voice.lang) || /^cmn/i.test(voice.lang); }) ||
      voices.find(function (voice) { return /^zh/i.test(voice.lang); });
  }

  function offer() {
    // Some phones list no voices at all and still speak: only a list without Chinese rules it out.
    var usable = speech.getVoices().length === 0 ? /Android|iPhone|iPad/.test(navigator.userAgent) : Boolean(chinese());
    buttons.forEach(function (button) { button.hidden = !usable; });
  }

  function rest() {
    run += 1;
    speech.cancel();
    kept = [];
    if (active) {
      active.textContent = active.dataset.label;
      active.setAttribute('aria-pressed', 'false');
      active = null;
    }
    parts.forEach(function (part) { part.classList.remove('reading'); });
  }

  function sentences(part) {
    var pieces = [];
    part.querySelectorAll('h2, p:not(.sources), li').forEach(function (element) {
      (element.textContent.trim().match(/[^。！？；]+[。！？；]?/g) || []).forEach(function (piece) { pieces.push(piece); });
    });
    return pieces; // short ones: long utterances are cut off on some phones
  }

  function read(button, chosen) {
    var again = active === button;
    rest();
    if (again) return;
    active = button;
    button.textContent = '停下来';
    button.setAttribute('aria-pressed', 'true');
    var mine = run;
    var voice = chinese();
    var queue = [];
    chosen.forEach(function (part) {
      sentences(part).forEach(function (text) { queue.push({ part: part, text: text }); });
    });
    (function next() {
      if (mine !== run) return;
      var piece = queue.shift();
      if (!piece) return rest();
      parts.forEach(function (part) { part.classList.toggle('reading', part === piece.part); });
      var utterance = new window.SpeechSynthesisUtterance(piece.text);
      utterance.lang = 'zh-CN';
      utterance.rate = 0.9;
      if (voice) utterance.voice = voice;
      utterance.onend = next;
      utterance.onerror = function () { if (mine === run) rest(); };
      kept = [utterance];
      speech.speak(utterance);
    })();
  }

  if (all) all.addEventListener('click', function () { read(all, parts); });
  parts.forEach(function (part) {
    var button = part.querySelector('.read');
    if (button) button.addEventListener('click', function () { read(button, [part]); });
  });
  window.addEventListener('pagehide', rest);
  if (speech.addEventListener) speech.addEventListener('voiceschanged', offer);
  offer();
})();
