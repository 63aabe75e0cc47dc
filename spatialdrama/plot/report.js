"use strict";
(function () {
  const audio = document.querySelector(".player audio");
  const rows = Array.from(document.querySelectorAll("#transcript tbody tr"));
  if (!audio) return;
  document.documentElement.classList.add("scripted");
  const now = document.getElementById("now");
  const timed = document.getElementById("timed");
  const playhead = document.getElementById("playhead");
  const left = Number(timed.dataset.left), right = Number(timed.dataset.right);
  // The encoded file may be a little longer than the drama, so its own duration is not used.
  const duration = Number(audio.dataset.duration);
  const lines = rows.map((row) => ({
    row, start: Number(row.dataset.start), end: Number(row.dataset.end),
    caption: row.dataset.speaker + ": " + row.querySelector(".text").textContent,
  }));

  function seek(seconds) {
    audio.currentTime = Math.max(0, Math.min(duration, seconds));
    const started = audio.play();
    if (started) started.catch(() => {});
    show();
  }

  function show() {
    const t = audio.currentTime;
    const speaking = [];
    for (const line of lines) {
      // A hair's breadth early: seeking to a start may land just before it.
      const on = t >= line.start - 0.02 && t < line.end && (t > 0 || !audio.paused);
      if (on) {
        line.row.setAttribute("aria-current", "true");
        speaking.push(line.caption);
      } else {
        line.row.removeAttribute("aria-current");
      }
    }
    const text = speaking.join("  |  ");
    if (now.textContent !== text) now.textContent = text;
    playhead.hidden = t === 0 && audio.paused;
    playhead.style.left = 100 * (left + (right - left) * Math.min(1, t / duration)) + "%";
  }

  function follow() {
    show();
    if (!audio.paused) requestAnimationFrame(follow);
  }

  for (const line of lines) {
    line.row.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      event.stopPropagation();
      seek(line.start);
    });
    line.row.addEventListener("click", () => {
      // Someone who marks words wants to copy them, not to listen.
      if (!String(window.getSelection())) seek(line.start);
    });
  }
  timed.addEventListener("click", (event) => {
    const box = timed.getBoundingClientRect();
    const share = ((event.clientX - box.left) / box.width - left) / (right - left);
    if (share >= 0 && share <= 1) seek(share * duration);
  });
  audio.addEventListener("play", follow);
  for (const name of ["timeupdate", "seeked", "pause", "ended"]) audio.addEventListener(name, show);
})();
