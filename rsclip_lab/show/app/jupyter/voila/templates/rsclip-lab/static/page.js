// A file that is larger than the connection to the kernel takes would end that connection without a word: it is
// refused here, before it is read. Files below that reach the panel, which has a limit and words of its own.
function refuseLargeFiles(event) {
  const most = Number(document.body.dataset.mostMegabytes);
  const large = [...event.target.files].find((file) => file.size > most * 1e6);
  const place = document.getElementById("refused");
  place.textContent = "";
  if (large) {
    event.stopImmediatePropagation();
    event.target.value = "";
    const size = (large.size / 1e6).toFixed(1);
    place.textContent =
      `Not possible: ${large.name} has ${size} MB, and this page takes up to ${most}: crop it or save it smaller.`;
  }
}

// The upload button's own field is not part of the page, so it is met when the button opens it.
const open = HTMLInputElement.prototype.click;
HTMLInputElement.prototype.click = function () {
  if (this.type === "file") {
    this.addEventListener("change", refuseLargeFiles, true); // before the button's; the same one is added once
  }
  open.call(this);
};

// Without its kernel the page would stay silent. A connection that is interrupted may come back; a kernel that ended,
// or was started again without the panels, does not. A page that is being left is shown until the next one comes.
const LOST = "This page is no longer connected: start rsclip-lab app again if it has ended, and reload.";
let patience = 4000; // milliseconds

function watchKernel(kernel) {
  const place = document.getElementById("lost");
  let ended = false;
  let waiting = null;
  const check = () => {
    if (kernel.connectionStatus === "connected" && !ended) {
      clearTimeout(waiting);
      waiting = null;
      place.textContent = "";
    } else if (waiting === null) {
      waiting = setTimeout(() => { place.textContent = LOST; }, patience);
    }
  };
  kernel.connectionStatusChanged.connect(check);
  kernel.statusChanged.connect((_, status) => {
    ended ||= ["restarting", "autorestarting", "terminating", "dead"].includes(status);
    check();
  });
  check();
  const asking = setInterval(async () => { // the server leaves the connection to a kernel open that it has ended
    const answer = await fetch(`${document.body.dataset.baseUrl}../api/kernels/${kernel.id}`).catch(() => null);
    if (answer?.status === 404) {
      clearInterval(asking);
      ended = true;
      check();
    }
  }, 8000);
}

window.addEventListener("beforeunload", () => { patience = 120000; });
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    location.reload(); // taken from the browser's memory, by its button "back": its kernel ended when it was left
  }
});

// What the tabs lack for a screen reader: which part of the page is whose.
function nameTabPanels(tabs, panels) {
  tabs.forEach((tab, place) => {
    tab.id ||= `tab-${place}`;
    panels[place].id ||= `tab-panel-${place}`;
    panels[place].setAttribute("role", "tabpanel");
    panels[place].setAttribute("aria-labelledby", tab.id);
    tab.setAttribute("aria-controls", panels[place].id);
  });
}

// Both come with Voilà's scripts, some time after the page.
const started = [
  () => {
    const kernel = window.jupyterapp?.widgetManager?.kernel;
    return kernel && (watchKernel(kernel), true);
  },
  () => {
    const tabs = [...document.querySelectorAll(".widget-tab > .widget-tab-bar [role=tab]")];
    const panels = document.querySelectorAll(".widget-tab > .widget-tab-contents > *");
    return tabs.length && tabs.length === panels.length && (nameTabPanels(tabs, panels), true);
  },
];
const looking = setInterval(() => {
  started.splice(0, Infinity, ...started.filter((step) => !step()));
  if (!started.length) {
    clearInterval(looking);
  }
}, 250);
