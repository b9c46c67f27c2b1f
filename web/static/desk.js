/* The desk without reloading: the red bar and the number of waiting talks on every page, the words of an open talk.
 * Without this file every page shows the same when it is opened again.
 */
(function () {
  'use strict';

  var bar = document.getElementById('bar');
  var talks = document.getElementById('talks');
  var lines = document.getElementById('lines');
  if (!bar || !window.fetch) return;

  var BAR_MS = 10000;
  var LINES_MS = 3000;
  var LIST_MS = 60000;
  var TITLE = document.title;
  var newest = ''; // the words of the talk as they came last

  /** The page's part anew, or nothing where the answer is no part of the desk (the log-in page, an error). */
  function part(url) {
    return window.fetch(url, { credentials: 'same-origin', redirect: 'error', headers: { 'X-Fresh': '1' } }).then(function (response) {
      return response.ok ? response.text() : null;
    }, function () { return null; });
  }

  function plain(html) {
    var scratch = document.createElement('div');
    scratch.innerHTML = html;
    return scratch.innerText.trim();
  }

  function freshBar() {
    if (document.hidden) return;
    part('/desk/bar').then(function (html) {
      // the form's token differs each time: only the words count
      if (html === null || plain(html) === bar.innerText.trim() && count(html) === shown()) return;
      bar.innerHTML = html;
      showCount(count(html));
      var urgent = bar.querySelectorAll('.alarm').length;
      document.title = (urgent ? '（急 ' + urgent + '）' : '') + TITLE.replace(/^（急 \d+）/, '');
    });
  }

  /** The list of cases as it is now; not under the hands of somebody who is at work in it. */
  function freshList() {
    var main = document.querySelector('main[data-fresh]');
    if (!main || document.hidden || main.contains(document.activeElement)) return;
    part(window.location.pathname + window.location.search).then(function (html) {
      var now = html && new window.DOMParser().parseFromString(html, 'text/html').querySelector('main[data-fresh]');
      if (now && now.textContent !== main.textContent) main.innerHTML = now.innerHTML;
    });
  }

  function count(html) {
    var found = /data-talks="(\d+)"/.exec(html);
    return found ? Number(found[1]) : 0;
  }

  function shown() {
    var badge = talks && talks.querySelector('.badge');
    return badge ? Number(badge.lastChild.nodeValue) : 0;
  }

  function showCount(number) {
    if (!talks) return;
    talks.textContent = '';
    if (!number) return;
    var badge = document.createElement('b');
    badge.className = 'badge';
    badge.appendChild(document.createTextNode(String(number)));
    talks.appendChild(badge);
  }

  function freshLines() {
    if (document.hidden || isPlaying()) return;
    part(lines.dataset.url).then(function (html) {
      if (html === null || html === newest || isPlaying()) return;
      newest = html;
      lines.innerHTML = html;
      document.getElementById('end').scrollIntoView({ block: 'nearest' });
    });
  }

  function isPlaying() {
    return Array.from(lines.querySelectorAll('audio')).some(function (audio) { return !audio.paused; });
  }

  window.setInterval(freshBar, BAR_MS);
  window.setInterval(freshList, LIST_MS);
  document.addEventListener('visibilitychange', freshBar);
  if (lines) {
    var more = document.getElementById('fresh');
    if (more) more.hidden = true;
    window.setInterval(freshLines, LINES_MS);
    document.addEventListener('visibilitychange', freshLines);
  }
})();
