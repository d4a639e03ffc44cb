"use strict";
// Without this script the page is a scroll of slides. With it: one at a time, and a second window for the speaker.
(() => {
  const root = document.documentElement;
  const slides = [...document.querySelectorAll(".slide")];
  const notes = [...document.querySelectorAll(".notes")];
  const byId = (id) => document.getElementById(id);
  const speaking = location.search === "?speaker";
  let now = 0;
  let other = speaking ? window.opener : null; // the window that shows the same slides
  let begun = Date.now();

  const fromHash = () => Number.parseInt(location.hash.slice(1), 10) - 1 || 0;

  function show(place, tell = true) {
    now = Math.max(0, Math.min(slides.length - 1, place));
    slides.forEach((slide, n) => {
      slide.classList.toggle("now", n === now);
      slide.classList.toggle("next", speaking && n === now + 1);
      notes[n].classList.toggle("now", n === now);
    });
    if (fromHash() !== now || !location.hash) history.replaceState(null, "", `#${now + 1}`);
    const title = slides[now].querySelector("h1, h2");
    byId("said").textContent = `Slide ${now + 1} of ${slides.length}: ${title.textContent}`;
    if (speaking) plan();
    if (tell && other && !other.closed) other.postMessage({ rsclipSlide: now }, "*");
  }

  function openSpeaker() {
    other = window.open(`${location.pathname}?speaker#${now + 1}`, "speaker", "width=1280,height=860");
  }

  // A page from a file has no origin to compare; so only the partner's window is heard, and only whole numbers.
  window.addEventListener("message", (event) => {
    const place = event.data && event.data.rsclipSlide;
    if (other && event.source === other && Number.isInteger(place) && place !== now) show(place, false);
  });

  const fullScreen = () => document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen();
  const keys = {
    ArrowRight: () => show(now + 1), ArrowDown: () => show(now + 1), PageDown: () => show(now + 1),
    " ": () => show(now + 1), ArrowLeft: () => show(now - 1), ArrowUp: () => show(now - 1),
    PageUp: () => show(now - 1), Home: () => show(0), End: () => show(slides.length - 1),
    f: fullScreen, n: () => { root.classList.toggle("notes-on"); }, s: openSpeaker,
    b: () => { root.classList.toggle("black"); }, a: allSlides, "?": () => byId("help").showModal(),
  };

  function allSlides() {
    if (root.classList.toggle("shown")) show(now);
    else slides[now].scrollIntoView();
  }

  document.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open || !keys[key]) return;
    if (event.target.closest("button, a, summary") && (key === " " || key === "Enter")) return;
    if (!root.classList.contains("shown") && !speaking && !["a", "f", "s", "?"].includes(key)) return; // the scroll's own
    if (speaking && ["s", "a", "n", "b"].includes(key)) return;
    event.preventDefault();
    keys[key]();
  });

  let touch = null;
  document.addEventListener("touchstart", (event) => { touch = event.touches.length === 1 ? event.touches[0] : null; });
  document.addEventListener("touchend", (event) => {
    if (!touch || !root.classList.contains("shown")) return;
    const [x, y] = [event.changedTouches[0].clientX - touch.clientX, event.changedTouches[0].clientY - touch.clientY];
    if (Math.abs(x) > 50 && Math.abs(x) > 2 * Math.abs(y)) show(now + (x < 0 ? 1 : -1));
  });
  byId("back").addEventListener("click", () => show(now - 1));
  byId("on").addEventListener("click", () => show(now + 1));
  byId("ask").addEventListener("click", () => byId("help").showModal());
  window.addEventListener("hashchange", () => { if (fromHash() !== now) show(fromHash()); });

  function plan() {
    const minutes = slides.map((slide) => Number(slide.dataset.minutes));
    const planned = minutes.slice(0, now + 1).reduce((sum, one) => sum + one, 0);
    byId("plan").textContent = `slide ${now + 1} of ${slides.length}, done by minute ${planned}`;
  }

  function tick() {
    const seconds = Math.floor((Date.now() - begun) / 1000);
    const two = (number) => String(number).padStart(2, "0");
    byId("time").textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    byId("spent").textContent = `${Math.floor(seconds / 60)}:${two(seconds % 60)} gone`;
  }

  function fitSpeaker() {
    const large = Math.max(0.2, Math.min((innerWidth - 48) * 0.6 / 1280, (innerHeight - 96) * 0.6 / 720));
    root.style.setProperty("--large", large);
    root.style.setProperty("--small", Math.max(0.1, Math.min(large * 0.7, (innerWidth - 48) / 1280 - large)));
  }

  if (speaking) {
    root.classList.add("speaker");
    notes.forEach((one) => { one.open = true; });
    byId("again").addEventListener("click", () => { begun = Date.now(); tick(); });
    window.addEventListener("resize", fitSpeaker);
    fitSpeaker();
    tick();
    setInterval(tick, 1000);
  } else {
    root.classList.add("shown");
    notes.forEach((one) => { one.open = true; });
  }
  show(fromHash(), false);
})();
