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
