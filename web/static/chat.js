/* The chat without reloading. Without this file every form still posts to /chat and the page comes back whole.
 *
 * Messages go out one after another. One that does not arrive is sent again under the same id until it does,
 * so that the service can tell a repeat from a second message.
 */
(function () {
  'use strict';

  var page = document.querySelector('main.chat');
  var log = document.getElementById('log');
  var form = document.getElementById('write');
  if (!page || !log || !form || !window.fetch || !window.crypto || !window.crypto.getRandomValues) return;

  var scroll = document.querySelector('.scroll');
  var field = document.getElementById('text');
  var sender = page.dataset.sender;
  var after = page.dataset.after || ''; // moved on by the polls alone: an answer may overtake news that came before it
  var keyboard = window.matchMedia('(hover: hover) and (pointer: fine)').matches; // a computer, not a phone

  var LONGEST_WAIT_S = 30;
  var ANSWER_WITHIN_MS = 30000;
  var POLL_MS = 15000;
  var TALK_POLL_MS = 3000; // while a person may be speaking
  var TALK_LASTS_MS = 20 * 60 * 1000;
  var LONGEST_RECORDING_S = 60;

  var queue = []; // not answered yet, oldest first: {id, text, payload, audio, element, note}
  var sending = false;
  var polling = false;
  var talkUntil = 0; // a person was asked for or has spoken: news are looked for more often until then
  var wake = null; // ends the wait before the next try
  var seen = new Set(); // ids of messages whose replies stand in the log

  // --- what one sees -------------------------------------------------------------------------------------------

  function element(tag, className, text) {
    var node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined) node.textContent = text;
    return node;
  }

  function clock() {
    var now = new Date();
    return now.getHours() + ':' + String(now.getMinutes()).padStart(2, '0');
  }

  function hidden(name, value) {
    var input = element('input');
    input.type = 'hidden';
    input.name = name;
    input.value = value;
    return input;
  }

  /** Numbers that one can call, in a bot's words, become links; sums of money do not. */
  function linkPhones(bubble) {
    var walker = document.createTreeWalker(bubble, NodeFilter.SHOW_TEXT);
    var nodes = [];
    while (walker.nextNode()) nodes.push(walker.currentNode);
    nodes.forEach(function (node) {
      var text = node.nodeValue;
      var pattern = /\d+(?:-\d+)*/g;
      var parts = document.createDocumentFragment();
      var from = 0;
      var match;
      while ((match = pattern.exec(text))) {
        var number = match[0];
        var before = text.charAt(match.index - 1);
        var next = text.slice(match.index + number.length);
        var callable = /^(110|119|120|12317|12345|1[3-9]\d{9}|0\d{2,3}-?\d{7,8})$/.test(number) &&
          !/[.．,，]\d/.test(next.slice(0, 2)) && before !== '.' && !/^\s*[元块万个多天年月斤亩岁户人次件%]/.test(next);
        if (!callable) continue;
        parts.appendChild(document.createTextNode(text.slice(from, match.index)));
        var link = element('a', '', number);
        link.href = 'tel:' + number.replace(/-/g, '');
        parts.appendChild(link);
        from = match.index + number.length;
      }
      if (!from) return;
      parts.appendChild(document.createTextNode(text.slice(from)));
      node.parentNode.replaceChild(parts, node);
    });
  }

  function message(who, text, cadre) {
    var node = element('div', 'msg ' + who + (cadre ? ' cadre' : ''));
    if (cadre) node.appendChild(element('p', 'speaker', cadre));
    var bubble = element('p', 'bubble');
    bubble.appendChild(element('span', 'sr', cadre ? '干部说：' : who === 'bot' ? '明白说：' : '我说：'));
    bubble.appendChild(document.createTextNode(text));
    if (who === 'bot') linkPhones(bubble);
    node.appendChild(bubble);
    return node;
  }

  function choices(buttons) {
    var box = element('div', 'choices');
    buttons.forEach(function (button) {
      var one = element('form');
      one.method = 'post';
      one.action = '/chat';
      one.appendChild(hidden('payload', button.payload));
      one.appendChild(hidden('text', button.title));
      one.appendChild(element('button', 'choice', button.title));
      box.appendChild(one);
    });
    return box;
  }

  /** The buttons of the newest message, while its answer is not there yet, or for good. */
  function setChoices(live) {
    log.querySelectorAll('.choices button').forEach(function (button) { button.disabled = !live; });
  }

  function dropChoices() {
    log.querySelectorAll('.choices').forEach(function (box) { box.remove(); });
  }

  function sheetLink(source) {
    if (!source || !/^(\/(?!\/)|https?:\/\/)/.test(source.url || '')) return null;
    var link = element('a', 'full', '看明白纸全文');
    link.href = source.url;
    var line = element('p', 'full-line');
    line.appendChild(link);
    return line;
  }

  function readAloud(source) {
    if (!source || !/^\/audio\/[0-9a-f]+$/.test(source.audio || '')) return null;
    var player = element('audio', 'heard');
    player.controls = true;
    player.preload = 'none';
    player.src = source.audio;
    player.setAttribute('aria-label', '听人念这一段');
    return player;
  }

  function caseCard(view) {
    var urgent = view.urgency === 'urgent';
    var card = element('div', 'case-mini' + (urgent ? ' urgent' : ''));
    var number = element('p', 'case-number');
    if (urgent) number.appendChild(element('b', 'tag-urgent', '急'));
    number.appendChild(document.createTextNode((urgent ? ' ' : '') + '编号 '));
    number.appendChild(element('b', 'digits', view.number));
    card.appendChild(number);
    card.appendChild(element('p', 'case-state', '状态：' + view.state));
    return card;
  }

  /** Put replies where they belong: above the messages that still wait for theirs. */
  function show(replies, extras, before, cadre) {
    var nodes = replies.map(function (reply) {
      var node = message('bot', reply.text, cadre);
      if (reply.buttons && reply.buttons.length) node.appendChild(choices(reply.buttons));
      return node;
    });
    if (extras.length && !nodes.length) nodes.push(element('div', 'msg bot'));
    if (!nodes.length) return;
    var last = nodes[nodes.length - 1];
    var lastChoices = last.querySelector('.choices');
    extras.forEach(function (extra) { last.insertBefore(extra, lastChoices); });
    last.appendChild(element('p', 'when', clock()));
    nodes.forEach(function (node) { log.insertBefore(node, before); });
    reveal(nodes[0], last);
  }

  /** Scroll to the newest; where an answer is longer than the screen, to its beginning. */
  function reveal(first, last) {
    var box = scroll.getBoundingClientRect();
    scroll.scrollTop += last.getBoundingClientRect().bottom - box.bottom + 16;
    var over = first.getBoundingClientRect().top - box.top - 12;
    if (over < 0) scroll.scrollTop += over;
  }

  var typing = element('div', 'msg bot typing');
  typing.setAttribute('role', 'status');
  var dots = element('p', 'bubble');
  dots.appendChild(element('span', 'sr', '明白正在查'));
  for (var n = 0; n < 3; n += 1) dots.appendChild(element('i'));
  typing.appendChild(dots);

  function think(on, item) {
    if (on) {
      log.insertBefore(typing, item.element.nextSibling);
      reveal(typing, typing);
    } else {
      typing.remove();
    }
  }

  function note(item, text) {
    if (!item.note) {
      item.note = element('p', 'unsent');
      item.note.setAttribute('role', 'status');
      item.element.appendChild(item.note);
    }
    item.element.classList.add('pending');
    if (item.note.textContent === text) return;
    item.note.textContent = text;
    reveal(item.element, item.element);
  }

  function settle(item) {
    item.element.classList.remove('pending');
    if (item.note) {
      item.note.remove();
      item.note = null;
    }
  }

  // --- sending -------------------------------------------------------------------------------------------------

  function newId() {
    return Array.from(window.crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return byte.toString(16).padStart(2, '0');
    }).join('');
  }

  function send(text, payload, audio) {
    var item = { id: newId(), text: text, payload: payload, audio: audio, element: message('mine', text), note: null };
    page.classList.remove('fresh');
    log.appendChild(item.element);
    item.element.appendChild(element('p', 'when', clock()));
    setChoices(false);
    reveal(item.element, item.element);
    queue.push(item);
    work();
  }

  function request(url, options) {
    var abort = window.AbortController ? new window.AbortController() : null;
    if (abort) options.signal = abort.signal;
    var timer = window.setTimeout(function () { if (abort) abort.abort(); }, ANSWER_WITHIN_MS);
    return window.fetch(url, options).then(function (response) {
      return response.json().then(
        function (body) { return { response: response, body: body }; },
        function () { return { response: response, body: null }; }
      );
    }).then(
      function (result) { window.clearTimeout(timer); return result; },
      function (error) { window.clearTimeout(timer); throw error; }
    );
  }

  /** One try. 'retry' where nothing certain is known; an answer, or a refusal, ends the message. */
  async function attempt(item) {
    try {
      var result = await (item.audio ? request('/api/chat/voice', spoken(item)) : request('/api/chat', typed(item)));
    } catch (error) {
      return { retry: true };
    }
    var status = result.response.status;
    if (status >= 400 && status < 500) {
      var detail = result.body && result.body.detail;
      return { refused: typeof detail === 'string' && detail ? detail : '这条没发成功，请改短一点再发。' };
    }
    if (!result.response.ok || !result.body || !Array.isArray(result.body.replies)) return { retry: true };
    return { answer: result.body };
  }

  function typed(item) {
    var body = { sender: sender, id: item.id, text: item.text };
    if (item.payload) body.payload = item.payload;
    if (page.dataset.region) body.region = page.dataset.region;
    var headers = { 'Content-Type': 'application/json' };
    return { method: 'POST', headers: headers, body: JSON.stringify(body), credentials: 'same-origin' };
  }

  function spoken(item) {
    var body = new window.FormData();
    body.append('sender', sender);
    body.append('id', item.id);
    if (page.dataset.region) body.append('region', page.dataset.region);
    body.append('audio', item.audio, 'recording');
    return { method: 'POST', body: body, credentials: 'same-origin' };
  }

  function pause(seconds) {
    return new Promise(function (resolve) {
      var timer = window.setTimeout(done, seconds * 1000);
      function done() {
        window.clearTimeout(timer);
        wake = null;
        resolve();
      }
      wake = done;
    });
  }

  async function work() {
    if (sending) return;
    sending = true;
    while (queue.length) {
      var item = queue[0];
      var wait = 1;
      var outcome;
      think(true, item);
      while ((outcome = await attempt(item)).retry) {
        think(false);
        note(item, '没发出去，正在重发…' + (wait >= 4 ? ' 急事请直接打电话。' : ''));
        await pause(wait);
        wait = Math.min(wait * 2, LONGEST_WAIT_S);
      }
      think(false);
      settle(item);
      queue.shift();
      var before = queue.length ? queue[0].element : null;
      if (outcome.refused) {
        item.element.classList.add('failed');
        if (!queue.length) setChoices(true);
        show([{ text: outcome.refused }], [], before);
        continue;
      }
      if (item.audio) showHeard(item, outcome.answer.heard);
      take(outcome.answer, before);
    }
    sending = false;
  }

  /** What was understood of a recording stands in its bubble, so that a mistake is seen. */
  function showHeard(item, heard) {
    if (heard && heard.text) item.element.querySelector('.bubble').lastChild.nodeValue = '🔊 ' + heard.text;
  }

  function take(answer, before) {
    if (seen.has(answer.message_id)) return;
    seen.add(answer.message_id);
    if (answer.understood && answer.understood.kind === 'human') talkUntil = Date.now() + TALK_LASTS_MS;
    dropChoices();
    var extras = [];
    var source = (answer.sources || [])[0];
    [readAloud(source), sheetLink(source)].forEach(function (extra) { if (extra) extras.push(extra); });
    if (answer.case) extras.push(caseCard(answer.case));
    show(answer.replies, extras, before);
    if (queue.length) setChoices(false);
  }

  // --- news from the cadres ------------------------------------------------------------------------------------

  async function poll() {
    // Not while a message is under way: its answer would come twice.
    if (polling || sending || document.hidden) return;
    polling = true;
    try {
      var url = '/api/chat/updates?sender=' + encodeURIComponent(sender) + '&after=' + encodeURIComponent(after);
      var result = await request(url, { credentials: 'same-origin' });
      var updates = result.response.ok && result.body && result.body.updates;
      (Array.isArray(updates) ? updates : []).forEach(function (update) {
        after = update.message_id;
        if (seen.has(update.message_id)) return;
        seen.add(update.message_id);
        if ((update.replies || []).some(function (reply) { return reply.buttons && reply.buttons.length; })) dropChoices();
        var from = update.from || {};
        if (from.who === 'cadre') talkUntil = Date.now() + TALK_LASTS_MS;
        show(update.replies || [], [], queue.length ? queue[0].element : null, from.who === 'cadre' ? from.name || '干部' : '');
      });
    } catch (error) {
      // The next round asks again.
    }
    polling = false;
  }

  function pollOn() {
    window.setTimeout(function () { poll().then(pollOn); }, Date.now() < talkUntil ? TALK_POLL_MS : POLL_MS);
  }

  // --- voice ---------------------------------------------------------------------------------------------------

  // Only where the browser lets us: over HTTPS, with a microphone. The form below takes a recorded file everywhere.
  var mic = document.getElementById('mic');
  var sendButton = form.querySelector('.send');
  var recorder = null;

  function canRecord() {
    return mic && window.MediaRecorder && window.FormData && navigator.mediaDevices && navigator.mediaDevices.getUserMedia;
  }

  async function record() {
    var stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch (error) {
      show([{ text: '用不了话筒。请在手机里允许用话筒，或者点“发录音”，或者打字。' }], [], null);
      return;
    }
    var pieces = [];
    var began = Date.now();
    var wanted = false;
    var own = new window.MediaRecorder(stream);
    recorder = { stop: function (keep) { wanted = keep; if (own.state !== 'inactive') own.stop(); } };
    var ticking = window.setInterval(function () {
      var seconds = Math.round((Date.now() - began) / 1000);
      field.placeholder = '正在录 ' + seconds + ' 秒…讲完点“发出”';
      if (seconds >= LONGEST_RECORDING_S) recorder.stop(true);
    }, 500);
    own.ondataavailable = function (event) { if (event.data.size) pieces.push(event.data); };
    own.onstop = function () {
      window.clearInterval(ticking);
      stream.getTracks().forEach(function (track) { track.stop(); });
      recorder = null;
      showRecording(false);
      if (wanted && pieces.length) send('🔊 语音', '', new window.Blob(pieces, { type: own.mimeType || 'audio/webm' }));
    };
    own.start();
    showRecording(true);
  }

  var hint = field.placeholder;
  function showRecording(on) {
    mic.setAttribute('aria-pressed', String(on));
    mic.textContent = on ? '不要了' : '说话';
    sendButton.textContent = on ? '发出' : '发送';
    field.disabled = on;
    field.placeholder = on ? '正在录…讲完点“发出”' : hint;
  }

  if (canRecord()) {
    mic.hidden = false;
    document.getElementById('upload').hidden = true;
    mic.addEventListener('click', function () {
      if (recorder) recorder.stop(false);
      else record();
    });
    sendButton.addEventListener('click', function (event) {
      if (!recorder) return;
      event.preventDefault();
      recorder.stop(true);
    });
  }

  // The upload form without leaving the page.
  var upload = document.querySelector('#upload form');
  if (upload && window.FormData) {
    upload.addEventListener('submit', function (event) {
      event.preventDefault();
      var chosen = upload.elements.audio.files[0];
      if (!chosen) return;
      send('🔊 语音', '', chosen);
      upload.reset();
      document.getElementById('upload').open = false;
    });
  }

  // --- hands ---------------------------------------------------------------------------------------------------

  function grow() {
    field.style.height = 'auto';
    field.style.height = Math.max(50, Math.min(field.scrollHeight + 4, 150)) + 'px';
  }

  document.addEventListener('submit', function (event) {
    if (event.target.getAttribute('action') !== '/chat') return;
    event.preventDefault();
    var text = event.target.elements.text.value.trim();
    if (!text) return;
    var payload = event.target.elements.payload;
    if (event.target === form) {
      field.value = '';
      grow();
    }
    var notice = document.querySelector('.compose .notice');
    if (notice) notice.remove();
    send(text, payload ? payload.value : '');
    if (keyboard) field.focus();
  });

  field.addEventListener('input', grow);
  field.addEventListener('keydown', function (event) {
    // Enter that chooses a word in the input method is not a wish to send.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (field.value.trim()) sendButton.click();
  });

  // A tap on 发送 would close the keyboard and make the page jump.
  sendButton.addEventListener('mousedown', function (event) { event.preventDefault(); });

  document.querySelectorAll('a[href="#text"]').forEach(function (link) {
    link.addEventListener('click', function (event) {
      event.preventDefault();
      field.focus();
    });
  });

  // The list of phones closes when one taps beside it.
  var phones = document.querySelector('.phones');
  if (phones) {
    document.addEventListener('click', function (event) { if (!phones.contains(event.target)) phones.open = false; });
    document.addEventListener('keydown', function (event) { if (event.key === 'Escape') phones.open = false; });
  }

  // iPhones lay the keyboard over the page: give the page the height that is left.
  var view = window.visualViewport;
  if (view) {
    view.addEventListener('resize', function () {
      if (Math.abs(view.scale - 1) > 0.01) return;
      document.body.style.height = view.height < window.innerHeight - 60 ? view.height + 'px' : '';
    });
  }

  window.addEventListener('online', function () { if (wake) wake(); });
  document.addEventListener('visibilitychange', function () {
    if (document.hidden) return;
    if (wake) wake();
    poll();
  });

  log.querySelectorAll('.bot .bubble').forEach(linkPhones);
  if (log.querySelector('.msg:last-child.cadre')) talkUntil = Date.now() + TALK_LASTS_MS;
  pollOn();
  if (keyboard) field.focus();
})();
