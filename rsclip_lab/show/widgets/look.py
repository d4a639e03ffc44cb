"""How panels look: one style sheet, which travels inside each panel and reaches nothing outside of it."""

# Sizes in em, so that a page may enlarge them; colours are the figures' (Okabe and Ito), text is the page's own, so
# that dark themes stay readable. ipywidgets 7 and 8 have the same class names.
STYLE = """<style>
.rsclip-panel { max-width: 1000px; overflow: visible; font-size: 15px; --jp-widgets-font-size: 15px;
  --jp-widgets-inline-height: 34px; padding: 2px; }
.rsclip-panel .jupyter-widgets, .rsclip-panel .widget-box { overflow: visible; }
.rsclip-panel .widget-html-content { line-height: 1.4; font-size: 15px; overflow-wrap: anywhere; }
.rsclip-panel .widget-html { height: auto; min-width: 0; }
.rsclip-panel img { max-width: 100%; height: auto; }
.rsclip-panel :focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
.rsclip-panel :is(input, textarea, select, button):focus-visible { outline: 3px solid #0072B2 !important; }
.rsclip-panel button { border-radius: 4px; }
.rsclip-panel textarea { field-sizing: content; min-height: 8.5em; max-height: 32em; line-height: 1.45;
  resize: vertical; }
.rsclip-panel textarea, .rsclip-panel input[type=text], .rsclip-panel select { border: 1px solid #767676; }
.rsclip-messages { min-height: 2.7em; }
.rsclip-hint { padding: 0.4em 0; opacity: 0.85; }
.rsclip-message { padding: 0.4em 0.8em; border-left: 5px solid #0072B2; background: rgba(0, 114, 178, 0.08); }
.rsclip-message.error { border-color: #D55E00; background: rgba(213, 94, 0, 0.1); }
.rsclip-above { flex-direction: column !important; height: auto !important; align-items: stretch !important; }
.rsclip-above > .widget-label { width: auto !important; max-width: none !important; text-align: left !important;
  font-weight: 600; }
.rsclip-above > textarea, .rsclip-above > select, .rsclip-above > input { width: 100%; flex: none !important; }
.rsclip-above > select, .rsclip-above > input { height: 34px; }
.rsclip-columns { display: flex !important; flex-flow: row wrap !important; gap: 0.4em 1.4em; }
.rsclip-line { display: flex !important; flex-flow: row wrap !important; align-items: center; gap: 0.2em 0.3em; }
/* In narrow windows what stands side by side goes below one another: 100 % is what there is. */
.rsclip-columns > *, .rsclip-panel :is(.widget-text, .widget-dropdown) { min-width: 0; max-width: 100%; }
.rsclip-columns > .rsclip-wide { flex: 3 1 min(390px, 100%); }
.rsclip-low { align-items: flex-end; gap: 0.2em 0.9em; }
.rsclip-low > .rsclip-above { flex: none; }
.rsclip-low > .rsclip-above > .widget-label { white-space: normal; height: auto; line-height: 1.6; }
.rsclip-asking { display: flex !important; flex-flow: row wrap !important; align-items: center; }
.rsclip-asking > .widget-html:first-child { flex: 1 1 250px; min-width: min(250px, 100% - 4px); }
/* ipywidgets' slider cannot be named: it is the mouse's, and out of the Tab key's way. Its handle is drawn anew. */
.rsclip-slider { flex: 1 1 180px !important; width: auto !important; min-width: min(180px, 100% - 4px) !important; }
.rsclip-slider .slider-container { margin: 0 10px; }
.rsclip-slider :is(.noUi-handle, .ui-slider-handle) { visibility: hidden; }
.rsclip-slider :is(.noUi-handle, .ui-slider-handle)::after { content: ""; visibility: visible; display: block;
  position: absolute; inset: 0; width: auto; height: auto; box-sizing: border-box; border-radius: 50%;
  cursor: pointer; background: #0072B2; border: 2px solid #0072B2; }
/* The page writes the number of chosen files after the button's words: into a second line, out of sight. */
.rsclip-upload { white-space: pre !important; overflow: hidden !important; height: 34px; line-height: 34px; }
.rsclip-head { font-weight: 600; font-size: 1.05em; margin: 0.3em 0 0.1em; }
.rsclip-small { opacity: 0.85; }
.rsclip-panel details summary { cursor: pointer; }
.rsclip-panel details ul { margin: 0.2em 0 0.4em 1.2em; padding: 0; }
.rsclip-picture { width: auto !important; }
.rsclip-picture img { display: block; width: 100%; height: auto; aspect-ratio: 1; object-fit: contain;
  background: rgba(128, 128, 128, 0.12); }
.rsclip-scale { display: inline-block; width: 7em; height: 0.9em; vertical-align: middle;
  background: linear-gradient(90deg, #440154, #3b528b, #21918c, #5ec962, #fde725); }
.rsclip-row { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.9em; min-height: 34px; }
.rsclip-row > .prompt { flex: 4 1 170px; min-width: 0; }
.rsclip-row > .answer { flex: 5 1 230px; min-width: 0; display: flex; align-items: center; gap: 0.5em; }
.rsclip-row .track { flex: 1; height: 18px; background: rgba(128, 128, 128, 0.18); position: relative; }
.rsclip-row .track.half::after { content: ""; position: absolute; left: 50%; top: -3px; bottom: -3px;
  border-left: 2px dashed currentColor; opacity: 0.55; }
.rsclip-row .fill { display: block; height: 100%; background: #0072B2; }
.rsclip-row .before .fill { background: #8A8A8A; }
.rsclip-row .percent { flex: none; width: 4.2em; text-align: right; font-variant-numeric: tabular-nums; }
.rsclip-row .best { flex: none; width: 2.6em; font-weight: 700; }
.rsclip-row.heads { min-height: 0; font-weight: 600; }
@media (forced-colors: active) { .rsclip-row .fill, .rsclip-scale { forced-color-adjust: none; } }
/* The static picture follows its panel in a notebook; where the panel lives (JupyterLab, Notebook 7) it is hidden. */
.jp-OutputArea-child:has(.rsclip-panel) + .jp-OutputArea-child:has(img) { display: none; }
</style>"""
